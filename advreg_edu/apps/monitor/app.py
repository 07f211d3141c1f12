"""The training monitor: the controls and their wiring."""

from collections.abc import Generator, Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

import ipywidgets as W

from ..shared.controls import Slider, button, choice
from ..shared.lab import Lab
from ..shared.messages import callback
from ..shared.page import group, page, row, wrapping
from ..shared.panels import Gallery, Panel
from ..shared.settings import as_settings
from .model import CHESTS, ELLIPSES, LOCAL, PAPER, Result, Settings, ended, new_critic, results
from .numbers import one_pair, table
from .situations import SITUATIONS
from .training import Knobs
from .view import HINTS, chart, histograms, picture, sentence, verdict


class TrainingMonitor(Lab):
    """Controls, pictures, curves. `critic` is the one in training.

    The knobs, penalty and learning rate, turn while it trains. The other controls, situations and reset belong to a new
    training: they wait for "restart", so that no training is lost by a slip.
    """

    opener = "training_monitor"
    situations = SITUATIONS
    result: Result

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, pause=0.15)
        self._training: Generator[Result, None, None] | None = None
        self._snapshot: object = None
        self._make_controls(settings)
        self._make_views()
        self.watch(self.start, self.images, self.network, self.sigma, self.steps, self.gp_weight, self.learning_rate)
        self.go.on_click(self._go)
        self.one.on_click(self._one_step)
        self.stop.on_click(self._stop)
        self.restart.on_click(self._renew)
        self.finish(self._page())
        self._renew()

    def _make_controls(self, s: Settings) -> None:
        self.images = choice("images", [CHESTS, ELLIPSES], s.images, "64 to train on, 32 others to look at, 48 × 48")
        self.network = choice("critic", [PAPER, LOCAL], s.network, "The network Ψ; a blur is built into ours")
        self.sigma = Slider("noise σ", s.sigma, 0.02, 0.3, 0.01, "Standard deviation of the noise; A is the identity")
        self.steps = Slider("steps", s.steps, 10, 500, 10, "Of Algorithm 1, eight images each")
        self.gp_weight = Slider(
            "penalty μ", s.gp_weight, 0.1, 200.0, 0.02, "Weight of the fine in Eq. 6; turns while it trains", log=True
        )
        self.learning_rate = Slider(
            "learning rate", s.learning_rate, 1e-4, 0.02, 0.02, "Of Adam, at its peak; turns while it trains", log=True
        )
        self.go = button("start", "Start, pause or resume the training")
        self.one = button("one step", "One step of Algorithm 1, and a look at the critic after it")
        self.stop = button("stop", "End the training and average the weights")
        self.restart = button("restart", "Give this training up and begin the one that the controls ask for")

    def _make_views(self) -> None:
        self.pictures, self.curves, self.slopes, self.values = Gallery(still=1), Panel(), Panel(), Panel()
        self.pair, self.compared = W.HTML(), W.HTML()
        self.pair.add_class("advreg-numbers")

    def _page(self) -> W.VBox:
        images = group("What to tell apart", self.images, self.network, self.sigma, self.steps)
        buttons = row(self.go, self.one), row(self.stop, self.restart)
        training = group("Algorithm 1", self.gp_weight, self.learning_rate, *buttons)
        charts = [self.curves, wrapping(self.slopes, self.values)]
        pictures = [self.pictures, self.status, self.compared]
        return page(self.notice, [images, training, self.pair], pictures, charts)

    @property
    def state(self) -> str:
        """What the button will do: "start", "pause", "resume" or "start again"."""
        return self.go.description

    @property
    def waits(self) -> bool:
        """Whether the controls ask for another training than the one that is shown."""
        return self.result.settings != self.settings

    @callback
    def start(self, change: Any = None) -> None:
        """Do what the controls say, if no training is lost by it."""
        if self.muted:
            return
        self.moved()
        now = self.settings
        if self.result is None or not self.result.done:
            return self._renew()
        if self.state != "start again":  # the knobs
            self.knobs.gp_weight, self.knobs.learning_rate = now.gp_weight, now.learning_rate
            turned = replace(self.result.settings, gp_weight=now.gp_weight, learning_rate=now.learning_rate)
            self.result = replace(self.result, settings=turned)
        self.draw(self.runner.busy)

    @callback
    def _renew(self, change: Any = None) -> None:
        """A fresh critic for what the controls say; the training in flight ends."""
        self.halt()
        settings = self.settings
        self.critic, self.knobs = new_critic(settings), Knobs(settings.gp_weight, settings.learning_rate)
        self._training = training = self._kept(results(settings, self.critic, self.knobs))
        next(training)
        self._say("start")
        self.draw(busy=False)

    def _kept(self, results: Iterable[Result]) -> Generator[Result, None, None]:
        """The results, the last of them kept: what is shown when the training pauses."""
        for self.result in results:
            yield self.result

    @callback
    def _go(self, change: Any = None) -> None:
        """Start, pause or resume."""
        if self.state == "pause":
            self.runner.cancel()
            self._say("resume")
            return self.draw(busy=False)
        if self.state == "start again":
            self._renew()
        self._say("pause")
        self.runner.start(chain([self.result], self._training or ()))

    @callback
    def _one_step(self, change: Any) -> None:
        """Pause, take a single step, and look at the critic."""
        self.runner.cancel()
        self.runner.finish(self._single())
        if self.result is None:  # it broke down, and the notice says why
            return
        self._say("start again" if self.result.averaged else "resume")
        self.draw(busy=False)

    def _single(self) -> Iterable[Result]:
        """The results of one step, as far as a snapshot after it."""
        goal, self.knobs.look = self.result.done + 1, True
        for result in self._training or ():
            yield result
            if result.done >= goal and result.snapshot.step == result.done:
                break
        self.knobs.look = False
        if self.result.done == self.result.settings.steps and not self.result.averaged:
            yield from self._training or ()  # the last step: the weights are averaged

    @callback
    def _stop(self, change: Any = None) -> None:
        """End the training here."""
        if self.state in ("pause", "resume"):
            self.halt()
            self.result = ended(self.result, self.critic)
            self._say("start again")
            self.draw(busy=False)

    def halt(self) -> None:
        """Cancel the run; closing the training puts the averaged weights into the critic."""
        self.runner.cancel()
        if self._training is not None:
            self._training.close()

    def _say(self, state: str) -> None:
        self.go.description = state
        self.stop.disabled = state.startswith("start")
        self.one.disabled = state == "start again"
        self.restart.disabled = state == "start"

    def _show(self, result: Result, done: bool) -> None:
        if done and result.averaged:
            self._say("start again")
        self.draw(busy=not done)

    def draw(self, busy: bool) -> None:
        """Everything of the last result; what a look at the critic shows is drawn again only after a new one."""
        result = self.result
        self.notice.say(*self._words())
        self.status.say(sentence(result), busy)
        self.curves.show(chart(result))
        self.pair.value = one_pair(result)
        if result.snapshot is not self._snapshot:
            self._snapshot = result.snapshot
            self.compared.value = table(result)
            self.pictures.show(picture(result))
            for panel, drawing in zip((self.slopes, self.values), histograms(result), strict=True):
                panel.show(drawing)

    def _words(self) -> tuple[str, str]:
        """What the notice says."""
        if self.waits:
            lost = f"Press “restart” to begin it: these {self.result.done} steps are lost then. Or move it back."
            return f"This setting belongs to another training. {lost}", "warning"
        return verdict(self.result) or (HINTS[self.state], "hint")

    def _fail(self, error: Exception) -> None:
        self._say("start again")
        super()._fail(error)

    def clear(self) -> None:
        """Show neither pictures nor curves nor numbers."""
        for panel in (self.pictures, self.curves, self.slopes, self.values):
            panel.clear()
        self.pair.value = self.compared.value = ""
        self._snapshot = None


def training_monitor(*, settings: Settings | dict | None = None) -> TrainingMonitor:
    """The app, shown when it ends a cell. Nothing is trained before start is pressed.

    Args: settings, a dict of fields of `apps.monitor.model.Settings`.
    """
    return TrainingMonitor(as_settings(Settings, settings))
