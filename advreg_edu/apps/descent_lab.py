"""The descent lab: what the weight and the step size do in Eq. 2, without a network (notebook 02). Paper: §2.3.

Only the wiring is here; what is computed is in `descent_run`, what is drawn in `descent_view`.
"""

import math

import ipywidgets as W

from .app import App
from .descent_run import COSTS, DENOISING, INPAINTING, PHANTOM, PHOTO, TV, TWO, WEIGHTS, Settings, case, results, sweep
from .descent_view import chart, l_curve, picture, sentence, sweep_sentence, verdict
from .layout import frame, heading, row
from .parts import Curves, Knob, Notice, Panel, Quiet, Status, choice, guarded
from .runs import FRAME, Run

STEPS = (1e-4, 2.0)  # range of the step size
MARK = """\
<div class="advreg-limit" style="position:relative;margin:0 8px 0 10px;font-size:12px;line-height:16px">
<div style="height:6px;background:linear-gradient(90deg,#00795A {share},#D55E00 {share})"></div>
<div style="position:absolute;left:{share};top:-5px;height:16px;border-left:3px solid currentColor"></div>
<div style="position:relative;left:{share};display:inline-block;transform:translateX(-{share});margin-top:4px">
<b>2/L = {limit}</b></div>
<div style="display:flex;justify-content:space-between"><span>J falls</span><span>no promise</span></div></div>"""


class DescentLab(App):
    """Controls above pictures above curves. A moved control starts a run; the scrubber only looks at its iterates."""

    def __init__(self, settings=None):
        self.result, self.sweep, self.noise, self.quiet = None, None, 0, Quiet()
        self._controls(settings or Settings())
        self._views()
        self._run = Run(self._show, self._fail, pause=FRAME)
        self._sweeping = Run(self._show_sweep, self._fail, pause=0.1)
        for control in (self.image, self.problem, self.sigma, self.smoothing):
            control.observe(self._change_problem, "value")
        for control in (self.weight, self.step_size, self.steps):
            control.observe(self.start, "value")
        self.cost.observe(self._change_cost, "value")
        self.new_noise.on_click(self._draw_noise)
        self.half.on_click(self._halve)
        self.sweep_button.on_click(self._start_sweep)
        self.scrubber.observe(self._scrub, "value")
        self._change_problem()

    def _controls(self, s):
        self.cost = choice("cost", COSTS, s.cost, "The regulariser f in J(x) = ‖Ax − y‖² + λ f(x)")
        self.image = choice("image", [PHANTOM, PHOTO], s.image, "The ground truth")
        self.problem = choice("problem", [DENOISING, INPAINTING], s.problem, "The operator A; inpainting sees 60 %")
        self.sigma = Knob("noise σ", s.sigma, 0.0, 0.3, 0.01, "Standard deviation of the noise; the draw stays")
        self.weight = Knob("weight λ", s.reg_weight, 0.01, 3.0, 0.02, "Of the regulariser f", log=True)
        self.smoothing = Knob("smoothing β", s.smoothing, 0.003, 0.1, 0.02, "Rounds the tip of TV; L_f = 8/β", log=True)
        self.step_size = Knob("step size ε", s.step_size, *STEPS, 0.01, "Of gradient descent; limit 2/L", log=True)
        self.steps = Knob("steps", s.steps, 10, 300, 10, "Iterations of gradient descent")
        small = dict(width="104px", flex="0 0 auto", margin="0 2px 0 8px")
        button = lambda name, tooltip, **more: W.Button(
            description=name, tooltip=tooltip, layout=W.Layout(**small | more)
        )
        self.new_noise = button("new noise", "Other noise of the same strength")
        self.sweep_button = button("sweep λ", "Minimise for 13 weights: the L-curve")
        self.half = button("ε = 1/L", "Half of the stability limit 2/L", margin="2px 2px 0 100px")
        self.scrubber = Knob("iterate", 0, 0, s.steps, 1, "Look at any iterate; nothing is computed again", live=True)
        self.play = self.scrubber.player(100, "Play the iterates")

    def _views(self):
        self.notice, self.status, self.mark = (
            Notice(),
            Status(),
            W.HTML(layout=W.Layout(flex="1 1 auto", height="56px")),
        )
        half = lambda: W.Layout(flex="1 1 380px", max_width="404px", min_width="0", margin="0")
        self.pictures, self.curves, self.lcurve = Panel(), Curves(layout=half()), Panel(layout=half())
        self.chosen = Status()
        limit = W.HBox([self.half, self.mark], layout=W.Layout(align_items="flex-start"))
        cost = [self.cost, self.image, self.problem, row([self.sigma, self.new_noise])]
        descent = [row([self.weight, self.sweep_button]), self.smoothing, self.steps, self.step_size, limit]
        groups = [[heading("Objective ‖Ax − y‖² + λ f(x)"), *cost], [heading("Weight and step"), *descent]]
        charts = W.Box([self.curves, self.lcurve], layout=W.Layout(flex_flow="row wrap"))
        pictures = [self.pictures, row([self.play, self.scrubber]), self.status]
        self.widget = frame([groups, self.notice], pictures, [charts, self.chosen])

    @property
    def settings(self):
        """What the controls say now."""
        knobs = dict(sigma=self.sigma, reg_weight=self.weight, smoothing=self.smoothing, step_size=self.step_size)
        choices = dict(cost=self.cost, image=self.image, problem=self.problem, steps=self.steps)
        return Settings(noise=self.noise, **{name: control.value for name, control in (knobs | choices).items()})

    @guarded
    def _change_cost(self, change=None):
        """Another cost has another scale of lambda, and so of the step."""
        with self.quiet:
            self.weight.value = WEIGHTS[self.cost.value]
            self._halve()
        self._change_problem()

    @guarded
    def _change_problem(self, change=None):
        """What the sweep belongs to has changed."""
        if self.quiet:
            return
        self._sweeping.cancel()
        self.sweep = None
        self.start()

    @guarded
    def start(self, change=None):
        """Begin the run that the controls ask for, in place of the one in flight."""
        if not self.quiet:
            self._run.cancel()
            self._prepare()
            self._run.start(results(self.settings))

    def run(self):
        """Compute now, to the end; returns the Result."""
        self._prepare()
        self._run.finish(results(self.settings))
        return self.result

    def _prepare(self):
        settings = self.settings
        self.follow, self.play.playing = True, False
        for control in (self.image, self.problem):
            control.disabled = settings.cost == TWO
        self.smoothing.enable(settings.cost == TV)
        self._mark(case(settings).limit(settings.reg_weight))
        self._draw_sweep()

    def halt(self):
        self._run.cancel()
        self._sweeping.cancel()

    def _mark(self, limit):
        """The limit 2/L under the slider of the step size, where its handle would be."""
        low, high = map(math.log10, STEPS)
        share = 100 * (math.log10(limit) - low) / (high - low)
        self.mark.value = MARK.format(share=f"{share:.1f}%", limit=f"{limit:.3g}")

    @guarded
    def _halve(self, button=None):
        settings = self.settings
        self.step_size.value = case(settings).limit(settings.reg_weight) / 2

    @guarded
    def _draw_noise(self, button):
        self.noise += 1
        self._change_problem()

    @guarded
    def _start_sweep(self, button):
        self._sweeping.start(sweep(self.settings))

    @guarded
    def _scrub(self, change):
        if not self.quiet:
            self.follow = False
            self._draw()

    def _show_sweep(self, result, done):
        self.sweep = result
        self._draw_sweep()

    def _draw_sweep(self):
        self.lcurve.show(l_curve(self.sweep, self.weight.value))
        self.chosen.say(sweep_sentence(self.sweep) if self.sweep else "Sweep λ to compare rules for its choice.")

    def _fail(self, error):
        """Say what went wrong, and show nothing that could be taken for an answer."""
        self.result = None
        self.notice.error(error)
        self.status.say("Nothing to show: the message above says why.")
        self.pictures.value = ""
        self.curves.clear()

    def _show(self, result, done):
        """A frame of the run: the newest iterate, unless the user is looking at another."""
        self.result, self._chart = result, chart(result)
        with self.quiet:
            end = result.last if done else result.settings.steps
            if self.scrubber.max != end:
                self.scrubber.max = self.play.max = end
            if self.follow:
                self.scrubber.value = result.last
        self.notice.say(*verdict(result), lines=3)
        self._draw(busy=not done)

    def _draw(self, busy=False):
        """Pictures and text of the iterate at the scrubber, from what is stored."""
        if self.result is not None:
            k = min(self.scrubber.value, self.result.last)
            self.pictures.show(picture(self.result, k))
            self.curves.show(self._chart, k)
            self.status.say(sentence(self.result, k), busy)


def descent_lab(settings=None):
    """The app, shown when it ends a cell.

    Args: settings, the `Settings` of `descent_run` to begin with.
    """
    return DescentLab(settings)
