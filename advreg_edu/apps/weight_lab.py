"""The λ lab: the formula's weight, the weights around it, and a σ that is wrong on purpose. Paper: §5.1."""

import ipywidgets as W

from .app import App
from .layout import frame, heading, row
from .parts import Gallery, Knob, Notice, Panel, Quiet, Status, choice, guarded
from .runs import Run
from .weight_run import KINDS, PROBLEMS, Settings, results, told
from .weight_view import chart, picture, sentence

HINT = "The formula never sees the truth. The curve below does: it is drawn to judge the formula, not to choose λ."


class WeightLab(App):
    """Controls, pictures, curve. A move of σ computes seven reconstructions; what σ is told only picks among them."""

    def __init__(self, settings=None, critic=None):
        settings = settings or Settings()
        self.size, self.steps, self.noise, self.critic = settings.size, settings.steps, settings.noise, critic
        self.result, self.quiet = None, Quiet()
        self._controls(settings)
        self._views()
        self._run = Run(self._show, self._fail, pause=0.0)
        for control in (self.number, self.sigma):
            control.observe(self.start, "value")
        self.problem.observe(self._other_problem, "value")
        self.told.observe(self._draw, "value")
        self.new_noise.on_click(self._draw_noise)
        self.start()

    def _controls(self, s):
        small = W.Layout(width="104px", flex="0 0 auto", margin="0 2px 0 8px")
        low, _, high = KINDS[s.problem].sigma
        self.problem = choice("problem", PROBLEMS, s.problem, "What is reconstructed, with the critic trained for it")
        self.number = Knob("image number", s.number, 0, 99, 1, "Another number is another photograph or patient")
        self.sigma = Knob("noise σ", s.sigma, low, high, 0.005, "True standard deviation of the noise")
        self.new_noise = W.Button(description="new noise", tooltip="Other noise of the same strength", layout=small)
        self.told = choice("formula is told", list(told()), "σ, the right one", "The σ that goes into λ = 2 E‖A*e‖")

    def _views(self):
        self.notice, self.status = Notice(), Status()
        self.pictures, self.curves = Gallery(still=1), Panel()
        left = [heading("Measurement y = Ax + e"), self.problem, self.number]
        right = [heading("Noise: true, and as told"), row([self.sigma, self.new_noise]), self.told]
        self.widget = frame([[left, right], self.notice], [self.pictures, self.status], [self.curves])

    @property
    def settings(self):
        """What the controls say now."""
        control = dict(problem=self.problem.value, number=self.number.value, sigma=self.sigma.value)
        return Settings(**control, noise=self.noise, size=self.size, steps=self.steps)

    @guarded
    def start(self, change=None):
        """Begin the run that the controls ask for, in place of the one in flight."""
        if not self.quiet:
            self.notice.say(HINT)
            self._run.start(results(self.settings, self.critic))

    def run(self):
        """Compute now, to the end; returns the Result."""
        self._run.finish(results(self.settings, self.critic))
        return self.result

    def _show(self, result, done):
        self.result = result
        self._draw(busy=not done)

    @guarded
    def _draw(self, change=None, busy=None):
        if self.result is None:
            return
        factor = told()[self.told.value]
        self.pictures.show(picture(self.result, factor))
        if self.result.images:
            self.curves.show(chart(self.result, factor))
        busy = self._run.busy if busy is None else busy  # the run is still in flight while it shows its last result
        self.status.say(sentence(self.result, factor), busy, lines=3)

    def _fail(self, error):
        """Say what went wrong, and show nothing that could be taken for an answer."""
        self.result = None
        self.notice.error(error)
        self.pictures.clear()
        self.curves.value = ""
        self.status.say("Nothing to show: the message above says why.", lines=3)

    @guarded
    def _other_problem(self, change):
        """Another problem has noise on another scale."""
        low, sigma, high = KINDS[self.problem.value].sigma
        with self.quiet:
            self.sigma.range(low, high)
            self.sigma.value = sigma
        self.start()

    @guarded
    def _draw_noise(self, button):
        self.noise += 1
        self.start()

    def halt(self):
        self._run.cancel()


def weight_lab(settings=None, critic=None):
    """The app, shown when it ends a cell.

    Args: settings, the `weight_run.Settings` to begin with; critic, a network in the place of the one that ships.
    """
    return WeightLab(settings, critic)
