"""The training monitor: the controls and their wiring."""

from collections.abc import Generator, Iterable
from itertools import chain
from typing import Any

from ..shared.controls import Slider, button, choice
from ..shared.lab import Lab
from ..shared.messages import callback
from ..shared.page import group, page, row, wrapping
from ..shared.panels import Gallery, Panel
from .model import CHESTS, ELLIPSES, LOCAL, PAPER, Result, Settings, ended, new_critic, results
from .view import chart, histograms, picture, sentence, verdict

HINTS = {
    "start": "Press start: a fresh critic is trained by Algorithm 1. Other cells can run meanwhile.",
    "pause": "Training. Other cells can run meanwhile; `monitor.critic` is the critic as it is now.",
    "resume": "Paused. Resume goes on exactly here; stop ends the training and averages the weights.",
    "start again": "Ended: `monitor.critic` holds the running average of its weights. Start again begins afresh.",
}


class TrainingMonitor(Lab):
    """Controls, pictures, curves. `critic` is the one in training; a moved control replaces it."""

    result: Result

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, pause=0.15)
        self._training: Generator[Result, None, None] | None = None
        self._snapshot: object = None
        self._make_controls(settings)
        self._make_page()
        controls = [self.images, self.network, self.sigma, self.gp_weight, self.learning_rate, self.steps]
        self.watch(self._renew, *controls)
        self.go.on_click(self._go)
        self.stop.on_click(self._stop)
        self._renew()

    def _make_controls(self, s: Settings) -> None:
        self.images = choice("images", [CHESTS, ELLIPSES], s.images, "64 to train on, 32 others to look at, 48 × 48")
        self.network = choice("critic", [LOCAL, PAPER], s.network, "The network Ψ")
        self.sigma = Slider("noise σ", s.sigma, 0.02, 0.3, 0.01, "Standard deviation of the noise; A is the identity")
        self.gp_weight = Slider("penalty μ", s.gp_weight, 0.1, 200.0, 0.02, "Weight of the fine in Eq. 6", log=True)
        self.learning_rate = Slider(
            "learning rate", s.learning_rate, 1e-4, 0.02, 0.02, "Of Adam, at its peak", log=True
        )
        self.steps = Slider("steps", s.steps, 10, 500, 10, "Of Algorithm 1, eight images each")
        self.go = button("start", "Start, pause or resume the training")
        self.stop = button("stop", "End the training and average the weights")

    def _make_page(self) -> None:
        self.pictures, self.curves, self.slopes, self.values = Gallery(still=1), Panel(), Panel(), Panel()
        images = group("What to tell apart", self.images, self.network, self.sigma)
        training = group("Algorithm 1", self.gp_weight, self.learning_rate, self.steps, row(self.go, self.stop))
        charts = [self.curves, wrapping(self.slopes, self.values)]
        self.widget = page(self.notice, [images, training], [self.pictures, self.status], charts)

    @property
    def state(self) -> str:
        """What the button will do: "start", "pause", "resume" or "start again"."""
        return self.go.description

    @callback
    def _renew(self, change: Any = None) -> None:
        """A fresh critic for what the controls say; the training in flight ends."""
        self.halt()
        settings = self.settings
        self.critic = new_critic(settings)
        self._training = training = self._kept(results(settings, self.critic))
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

    def _show(self, result: Result, done: bool) -> None:
        if done:
            self._say("start again")
        self.draw(busy=not done)

    def draw(self, busy: bool) -> None:
        """Everything of the last result; what a look at the critic shows is drawn again only after a new one."""
        result = self.result
        self.notice.say(*(verdict(result) or (HINTS[self.state], "hint")))
        self.status.say(sentence(result), busy)
        self.curves.show(chart(result))
        if result.snapshot is not self._snapshot:
            self._snapshot = result.snapshot
            self.pictures.show(picture(result))
            for panel, drawing in zip((self.slopes, self.values), histograms(result), strict=True):
                panel.show(drawing)

    def _fail(self, error: Exception) -> None:
        self._say("start again")
        super()._fail(error)

    def clear(self) -> None:
        """Show neither pictures nor curves."""
        for panel in (self.pictures, self.curves, self.slopes, self.values):
            panel.clear()
        self._snapshot = None


def training_monitor(*, settings: Settings | None = None) -> TrainingMonitor:
    """The app, shown when it ends a cell. Nothing is trained before start is pressed.

    Args: settings, the `Settings` of `apps.monitor.model` to begin with.
    """
    return TrainingMonitor(settings or Settings())
