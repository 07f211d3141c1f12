"""The reconstruction lab: Algorithm 2 with every knob. Paper: §3.1 (Alg. 2), §5.1 (lambda), §5.3 (CT).

Only the wiring is here; what is computed and drawn is in `reconstruction_run`.
"""

import time
from contextlib import contextmanager

import ipywidgets as W
from IPython.display import display

from .. import pretrained
from ..reconstruction import METHODS
from .parts import Knob, Notice, Panel, Run, Status, choice, close, column, details, guarded, row
from .reconstruction_run import CRITIC, PHANTOM, SLICE, Settings, as_code, chart, picture, results, sentence

HINT = "Move a control: the run starts again from A†y. Data term alone: steps below 1/‖A‖² = 1 are stable."


class ReconstructionLab:
    """Controls above pictures above curves. A moved control starts a run; the scrubber only looks at its iterates."""

    def __init__(self, critic=CRITIC, settings=None):
        self.critic = pretrained.load_critic(critic) if isinstance(critic, str) else critic
        self.result, self.noise, self._own = None, 0, False
        self._controls(settings or Settings())
        self._views()
        self._run = Run(self._show, self.notice.error)
        for control in (self.image, self.number, self.sigma, self.angles, self.method, self.step_size, self.steps):
            control.observe(self.start, "value")
        self.weight.observe(self.start, "value")
        self.by_formula.observe(self.start, "value")
        self.new_noise.on_click(self._draw_noise)
        self.scrubber.observe(self._scrub, "value")
        self.start()

    def _controls(self, s):
        self.image = choice("image", [PHANTOM, SLICE], s.image, "What is scanned")
        self.number = Knob("phantom number", s.number, 0, 99, 1, "Which phantom: every number is another patient")
        self.sigma = Knob("noise σ", s.sigma, 0.0, 0.05, 0.001, "Standard deviation of the noise; the draw stays")
        self.angles = Knob("number of angles", s.angles, 10, 90, 10, "Views of the scanner in half a turn")
        self.method = choice("method", METHODS, s.method, "How the objective is minimised")
        self.step_size = Knob("step size ε", s.step_size, 0.05, 1.5, 0.05, "Of Algorithm 2; stable below 1/‖A‖² = 1")
        self.steps = Knob("steps", s.steps, 10, 300, 10, "Iterations of Algorithm 2")
        self.weight = Knob("weight λ", s.reg_weight or 0.0, 0.0, 3.0, 0.01, "Of the regulariser Ψ")
        small = W.Layout(width="104px", flex="0 0 auto", margin="0 2px 0 8px")
        formula = dict(description="by formula", tooltip="λ = 2 E‖A*e‖ (§5.1)", indent=False)
        self.by_formula = W.Checkbox(s.reg_weight is None, **formula, layout=small)
        self.new_noise = W.Button(description="new noise", tooltip="Other noise of the same strength", layout=small)
        self.scrubber = Knob("iterate", 0, 0, s.steps, 1, "Look at any iterate; nothing is computed again", live=True)
        self.play = W.Play(min=0, max=s.steps, interval=100, show_repeat=False, tooltip="Play the iterates")
        W.link((self.play, "value"), (self.scrubber.slider, "value"))

    def _views(self):
        self.notice, self.status = Notice(), Status()
        self.pictures, self.curves, self.code = Panel(), Panel(), W.HTML()
        left = [self.image, self.number, self.angles, row([self.sigma, self.new_noise])]
        right = [self.method, self.step_size, self.steps, row([self.weight, self.by_formula])]
        columns = [column(left), column(right)]
        rows = [row(columns), self.notice, self.pictures, row([self.play, self.scrubber])]
        rows += [self.status, self.curves, self.code]
        self.widget = W.VBox(rows, layout=W.Layout(max_width="848px", overflow="hidden"))

    @property
    def settings(self):
        """What the controls say now."""
        return Settings(
            image=self.image.value,
            number=self.number.value,
            sigma=self.sigma.value,
            angles=self.angles.value,
            reg_weight=None if self.by_formula.value else self.weight.value,
            step_size=self.step_size.value,
            steps=self.steps.value,
            method=self.method.value,
            noise=self.noise,
        )

    @guarded
    def start(self, change=None):
        """Begin the run that the controls ask for, in place of the one in flight."""
        if self._own:
            return
        settings = self.settings
        self.follow, self.play.playing, self._drawn, self._cost = True, False, 0.0, 0.0
        self.number.enable(settings.image == PHANTOM)
        self.weight.enable(settings.reg_weight is not None)
        self.notice.say(HINT)
        self.code.value = details("The same in code", as_code(settings))
        self._run.start(results(settings, self.critic))

    def run(self):
        """Compute now, to the end; returns the Result."""
        self._run.finish(results(self.settings, self.critic))
        return self.result

    def close(self):
        """Stop, and free the widgets."""
        self._run.cancel()
        close(self.widget)

    def _ipython_display_(self):
        display(self.widget)

    @guarded
    def _draw_noise(self, button):
        self.noise += 1
        self.start()

    @guarded
    def _scrub(self, change):
        if not self._own:
            self.follow = False
            self._draw()

    def _show(self, result, done):
        """A frame of the run: the newest iterate, unless the user is looking at another."""
        self.result = result
        with self._quietly():
            end = result.last if done else result.settings.steps
            self.scrubber.max = self.play.max = end
            self.weight.value = round(result.reg_weight, 3)
            if self.follow:
                self.scrubber.value = result.last
        if result.trouble:
            self.notice.say(result.trouble, "warning")
        if done or time.monotonic() - self._drawn > 5 * self._cost:  # drawing gets a sixth of the time of a run
            started = time.monotonic()
            self._chart = chart(result)
            self._drawn = time.monotonic()
            self._cost = self._drawn - started
        self._draw()

    def _draw(self):
        """Pictures and text of the iterate at the scrubber, from what is stored."""
        if self.result is not None:
            k = min(self.scrubber.value, self.result.last)
            self.pictures.show(picture(self.result, k))
            self.curves.show(self._chart.at(k))
            self.status.say(sentence(self.result, k))

    @contextmanager
    def _quietly(self):
        """The app moves its own controls: no run, no redrawing."""
        self._own = True
        try:
            yield
        finally:
            self._own = False


def reconstruction_lab(critic=CRITIC, settings=None):
    """The app, shown when it ends a cell.

    Args: critic, a shipped name or any network (1, 1, 128, 128) to (1,); settings, the `Settings` to begin with.
    """
    return ReconstructionLab(critic, settings)
