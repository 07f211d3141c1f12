"""The descent lab: the controls and their wiring."""

import math
from collections.abc import Iterator
from typing import Any

import ipywidgets as W

from ..shared.controls import FIELD_WIDTH, Slider, button, choice
from ..shared.lab import WatchedLab
from ..shared.messages import Status, callback
from ..shared.page import group, page, row, wrapping
from ..shared.panels import Curves, Panel
from ..shared.runner import Runner
from ..shared.settings import as_settings
from .model import (
    COSTS,
    DENOISING,
    INPAINTING,
    PHANTOM,
    PHOTO,
    TV,
    TWO,
    WEIGHTS,
    Result,
    Settings,
    case,
    results,
)
from .situations import SITUATIONS
from .sweep import Sweep, sweep
from .view import chart, l_curve, picture, sentence, sweep_sentence, verdict

STEPS = (1e-4, 2.0)  # range of the step size
MARK = """\
<div class="advreg-limit" style="position:relative;white-space:nowrap;margin:0 8px 0 10px;font-size:12px;
line-height:16px">
<div style="height:6px;background:linear-gradient(90deg,#00966f {share},#D55E00 {share})"></div>
<div style="position:absolute;left:{share};top:-5px;height:16px;border-left:3px solid currentColor"></div>
<div style="position:relative;left:{share};display:inline-block;transform:translateX(-{share});margin-top:4px">
<b>2/L = {limit}</b></div>
<div style="display:flex;justify-content:space-between"><span>J falls</span><span>may rise</span></div></div>"""


class DescentLab(WatchedLab):
    """Controls, pictures, curves. A moved control starts a run; the scrubber only looks at its iterates."""

    opener = "descent_lab"
    situations = SITUATIONS
    result: Result | None

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.sweep: Sweep | None = None
        self._sweep_next = settings.swept
        self._make_controls(settings)
        self._make_views()
        self.sweeper = Runner(self._show_sweep, self._fail, pause=0.1)
        self.watch(self._change_problem, self.image, self.problem, self.sigma, self.smoothing)
        self.watch(self.start, self.reg_weight, self.step_size, self.steps)
        self.watch(self._change_cost, self.cost)
        self.watch(self._scrub, self.scrubber)
        self.half.on_click(self._halve)
        self.sweep_button.on_click(self._start_sweep)
        self.finish(self._page())
        self._change_problem()

    def _make_controls(self, s: Settings) -> None:
        self.cost = choice("cost", COSTS, s.cost, "The regulariser f in J(x) = ‖Ax − y‖² + λ f(x)")
        self.image = choice("image", [PHANTOM, PHOTO], s.image, "The ground truth")
        self.problem = choice("problem", [DENOISING, INPAINTING], s.problem, "The operator A; inpainting sees 60 %")
        self.sigma = Slider("noise σ", s.sigma, 0.0, 0.3, 0.01, "Standard deviation of the noise; the draw stays")
        self.reg_weight = Slider("weight λ", s.reg_weight, 0.01, 3.0, 0.02, "Of the regulariser f", log=True)
        self.smoothing = Slider(
            "smoothing β", s.smoothing, 0.003, 0.1, 0.02, "Rounds the tip of TV; L_f = 8/β", log=True
        )
        self.step_size = Slider("step size ε", s.step_size, *STEPS, 0.01, "Of gradient descent; limit 2/L", log=True)
        self.steps = Slider("steps", s.steps, 10, 300, 10, "Iterations of gradient descent")
        self.new_noise = self.noise_button()
        self.sweep_button = button("sweep λ", "Minimise for 13 weights: the L-curve")
        self.half = button("ε = 1/L", "Half of the stability limit 2/L")
        self.scrubber = Slider("iterate", 0, 0, s.steps, 1, "Look at any iterate; nothing is computed again", live=True)
        self.play = self.scrubber.player(100, "Play the iterates")

    def _make_views(self) -> None:
        self.pictures, self.curves, self.lcurve, self.chosen = Panel(), Curves(), Panel(), Status()
        self.mark = W.HTML(layout=W.Layout(flex="1 1 auto", height="56px"))

    def _page(self) -> W.VBox:
        cost = [self.cost, self.image, self.problem, self.sigma, row(self.new_noise)]
        limit = row(W.Box(layout=W.Layout(width=FIELD_WIDTH, flex="0 0 auto", margin="2px")), self.mark)
        descent = [
            self.reg_weight,
            self.smoothing,
            self.steps,
            self.step_size,
            limit,
            row(self.half, self.sweep_button),
        ]
        groups = [group("Objective ‖Ax − y‖² + λ f(x)", *cost), group("Weight and step", *descent)]
        pictures = [self.pictures, row(self.play, self.scrubber), self.status]
        charts = [wrapping(self.curves, self.lcurve, shares=(2, 1)), self.chosen]
        return page(self.notice, groups, pictures, charts)

    def said(self) -> dict[str, Any]:
        """Also whether the L-curve is shown."""
        return super().said() | dict(swept=self.sweep is not None)

    def take(self, wanted: Settings) -> None:
        """Move the controls; what was swept belongs to other settings."""
        super().take(wanted)
        self.sweeper.cancel()
        self.sweep, self._sweep_next = None, wanted.swept

    @callback
    def _change_cost(self, change: Any = None) -> None:
        """Another cost has another scale of lambda, and so of the step."""
        with self.muted:
            self.reg_weight.value = WEIGHTS[self.cost.value]
            self._halve()
        self._change_problem()

    @callback
    def _change_problem(self, change: Any = None) -> None:
        """What the sweep belongs to has changed."""
        if self.muted:
            return
        self.sweeper.cancel()
        self.sweep = None
        self.start()

    def _draw_noise(self, change: Any) -> None:
        self.sweeper.cancel()
        self.sweep = None
        super()._draw_noise(change)

    def results(self) -> Iterator[Result]:
        """Gradient descent on what the controls say."""
        return results(self.settings)

    def prepare(self) -> None:
        """Show the limit of the step size and the controls that matter; the verdict comes with the run."""
        super().prepare()
        settings = self.settings
        for control in (self.image, self.problem):
            control.disabled = settings.cost == TWO
        self.smoothing.enable(settings.cost == TV)
        self._mark(case(settings).limit(settings.reg_weight))
        self._draw_sweep()
        if self._sweep_next:
            self._start_sweep()

    def halt(self) -> None:
        """Cancel run and sweep."""
        self.runner.cancel()
        self.sweeper.cancel()

    def _mark(self, limit: float) -> None:
        """The limit 2/L under the slider of the step size, where its handle would be."""
        low, high = map(math.log10, STEPS)
        share = 100 * (math.log10(limit) - low) / (high - low)
        self.mark.value = MARK.format(share=f"{share:.1f}%", limit=f"{limit:.3g}")

    @callback
    def _halve(self, change: Any = None) -> None:
        settings = self.settings
        self.step_size.value = case(settings).limit(settings.reg_weight) / 2

    @callback
    def _start_sweep(self, change: Any = None) -> None:
        self._sweep_next = False
        self.sweeper.start(sweep(self.settings))

    def _show_sweep(self, result: Sweep, done: bool) -> None:
        self.sweep = result
        self._draw_sweep()

    def _draw_sweep(self) -> None:
        self.lcurve.show(l_curve(self.sweep, self.reg_weight.value))
        self.chosen.say(sweep_sentence(self.sweep) if self.sweep else "Sweep λ to compare rules for its choice.")

    def _show(self, result: Result, done: bool) -> None:
        """A frame of the run: the newest iterate, unless the user is looking at another."""
        self._chart = chart(result)
        self.follow(result.last, result.last if done else result.settings.steps)
        self.notice.say(*verdict(result))
        super()._show(result, done)

    def draw(self, busy: bool) -> None:
        """Pictures and text of the iterate at the scrubber, from what is stored."""
        assert self.result is not None
        k = min(self.scrubber.value, self.result.last)
        self.pictures.show(picture(self.result, k))
        self.curves.show(self._chart, k)
        self.status.say(sentence(self.result, k), busy)

    def clear(self) -> None:
        """Show neither pictures nor curves."""
        self.pictures.clear()
        self.curves.clear()


def descent_lab(*, settings: Settings | dict | None = None) -> DescentLab:
    """The app, shown when it ends a cell. Args: settings, a dict of fields of `apps.descent.model.Settings`."""
    return DescentLab(as_settings(Settings, settings))
