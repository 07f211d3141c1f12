"""The training monitor: Algorithm 1 live, to start, pause, resume and stop (notebook 03). Paper: §3.1, Eq. 6.

Only the wiring is here; what is computed is in `monitor_run`, what is shown in `monitor_view`.
"""

from itertools import chain

import ipywidgets as W

from .app import App
from .layout import frame, heading
from .monitor_run import CHESTS, ELLIPSES, LOCAL, PAPER, Settings, ended, new_critic, results
from .monitor_view import chart, histograms, picture, sentence, verdict
from .parts import Knob, Notice, Panel, Status, choice, guarded
from .runs import Run

HINTS = {
    "start": "Press start: a fresh critic is trained by Algorithm 1. Other cells can run meanwhile.",
    "pause": "Training. Other cells can run meanwhile; `monitor.critic` is the critic as it is now.",
    "resume": "Paused. Resume goes on exactly here; stop ends the training and averages the weights.",
    "start again": "Ended: `monitor.critic` holds the running average of its weights. Start again begins afresh.",
}


class TrainingMonitor(App):
    """Controls above pictures above curves. `critic` is the one in training; a moved control replaces it."""

    def __init__(self, settings=None):
        self._results = self._look = None
        self._controls(settings or Settings())
        self._views()
        self._run = Run(self._show, self._fail, pause=0.15)
        for control in (self.images, self.kind, self.sigma, self.gp_weight, self.learning_rate, self.steps):
            control.observe(self._renew, "value")
        self.go.on_click(self._go)
        self.stop.on_click(self._stop)
        self._renew()

    def _controls(self, s):
        self.images = choice("images", [CHESTS, ELLIPSES], s.images, "64 to train on, 32 others to look at, 48 × 48")
        self.kind = choice("critic", [LOCAL, PAPER], s.critic, "The network Ψ")
        self.sigma = Knob("noise σ", s.sigma, 0.02, 0.3, 0.01, "Standard deviation of the noise; A is the identity")
        self.gp_weight = Knob("penalty μ", s.gp_weight, 0.1, 200.0, 0.02, "Weight of the fine in Eq. 6", log=True)
        self.learning_rate = Knob("learning rate", s.learning_rate, 1e-4, 0.02, 0.02, "Of Adam, at its peak", log=True)
        self.steps = Knob("steps", s.steps, 10, 500, 10, "Of Algorithm 1, eight images each")
        wide = lambda: W.Layout(width="auto", flex="1 1 0")
        self.go = W.Button(description="start", tooltip="Start, pause or resume the training", layout=wide())
        self.stop = W.Button(description="stop", tooltip="End the training and average the weights", layout=wide())

    def _views(self):
        self.notice, self.status = Notice(), Status()
        half = lambda: W.Layout(flex="1 1 380px", max_width="404px", min_width="0", margin="0")
        self.pictures, self.curves = Panel(), Panel()
        self.slopes, self.values = Panel(layout=half()), Panel(layout=half())
        buttons = W.HBox([self.go, self.stop], layout=W.Layout(width="100%"))
        groups = [[heading("What to tell apart"), self.images, self.kind, self.sigma]]
        groups += [[heading("Algorithm 1"), self.gp_weight, self.learning_rate, self.steps]]
        charts = [self.curves, W.Box([self.slopes, self.values], layout=W.Layout(flex_flow="row wrap"))]
        self.widget = frame([groups, buttons, self.notice], [self.pictures, self.status], charts)

    @property
    def settings(self):
        """What the controls say now."""
        return Settings(
            images=self.images.value,
            critic=self.kind.value,
            sigma=self.sigma.value,
            gp_weight=self.gp_weight.value,
            learning_rate=self.learning_rate.value,
            steps=self.steps.value,
        )

    @property
    def state(self):
        """What the button will do: "start", "pause", "resume" or "start again"."""
        return self.go.description

    @guarded
    def _renew(self, change=None):
        """A fresh critic for what the controls say; the training in flight ends."""
        self.halt()
        settings = self.settings
        self.critic, self.result = new_critic(settings), None
        self._results = self._watched(results(settings, self.critic))
        next(self._results)
        self._say("start")
        self._draw()

    def _watched(self, results):
        """The results, the last of them kept: what is shown when the training pauses."""
        for self.result in results:
            yield self.result

    @guarded
    def _go(self, button=None):
        """Start, pause or resume."""
        if self.state == "pause":
            self._run.cancel()
            self._say("resume")
            return self._draw()
        if self.state == "start again":
            self._renew()
        self._say("pause")
        self._run.start(chain([self.result], self._results))

    @guarded
    def _stop(self, button=None):
        """End the training here."""
        if self.state in ("pause", "resume"):
            self.halt()
            self.result = ended(self.result, self.critic)
            self._say("start again")
            self._draw()

    def halt(self):
        """Cancel the run; closing the training puts the averaged weights into the critic."""
        self._run.cancel()
        if self._results is not None:
            self._results.close()

    def _say(self, state):
        self.go.description = state
        self.stop.disabled = state.startswith("start")

    def _show(self, result, done):
        if done:
            self._say("start again")
        self._draw(busy=not done)

    def _draw(self, busy=False):
        """Everything of the last result; what a look shows is drawn again only after a new one."""
        result = self.result
        self.notice.say(*(verdict(result) or (HINTS[self.state], "hint")))
        self.status.say(sentence(result), busy)
        self.curves.show(chart(result))
        if result.look is not self._look:
            self._look = result.look
            self.pictures.show(picture(result))
            for panel, drawing in zip((self.slopes, self.values), histograms(result), strict=True):
                panel.show(drawing)

    def _fail(self, error):
        """Say what went wrong, and show nothing that could be taken for an answer."""
        self._say("start again")
        self.notice.error(error)
        self.status.say("Nothing to show: the message above says why.")
        for panel in (self.pictures, self.curves, self.slopes, self.values):
            panel.value = ""
        self._look = None


def training_monitor(settings=None):
    """The app, shown when it ends a cell. Nothing is trained before start is pressed.

    Args: settings, the `Settings` of `monitor_run` to begin with.
    """
    return TrainingMonitor(settings)
