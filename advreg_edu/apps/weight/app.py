"""The λ lab: the controls and their wiring."""

from collections.abc import Callable, Iterator
from typing import Any

from ..shared.controls import Slider, choice
from ..shared.lab import Lab
from ..shared.messages import callback
from ..shared.page import group, page, row
from ..shared.panels import Gallery, Panel
from ..shared.settings import as_settings
from .model import KINDS, PROBLEMS, Result, Settings, claimed_sigmas, results
from .situations import SITUATIONS
from .view import chart, picture, sentence


class WeightLab(Lab):
    """Controls, pictures, curve. A move of σ computes seven reconstructions; the σ that is claimed only picks among
    them."""

    opener = "weight_lab"
    situations = SITUATIONS
    hint = "The formula never sees the truth. The curve does: it is drawn to judge the formula, not to choose λ."
    result: Result | None

    def __init__(self, critic: Callable | None, settings: Settings) -> None:
        super().__init__(settings, pause=0.0)
        self.critic = critic
        self._make_controls(settings)
        self.pictures, self.curves = Gallery(still=1), Panel()
        measured = group("Measurement y = Ax + e", self.problem, self.number)
        noise = group("Noise: true, and as told", self.sigma, self.claimed, row(self.new_noise))
        self.watch(self.start, self.number, self.sigma)
        self.watch(self._other_problem, self.problem)
        self.watch(self.redraw, self.claimed)
        self.finish(page(self.notice, [measured, noise], [self.pictures, self.status], [self.curves], beside=True))
        self.start()

    def _make_controls(self, s: Settings) -> None:
        self.problem = choice("problem", PROBLEMS, s.problem, "What is reconstructed, with the critic trained for it")
        low, _, high = KINDS[s.problem].sigma
        self.number = Slider("image number", s.number, 0, 99, 1, "Another number is another photograph or patient")
        self.sigma = Slider("noise σ", s.sigma, low, high, 0.005, "True standard deviation of the noise")
        self.new_noise = self.noise_button()
        names = list(claimed_sigmas())
        self.claimed = choice("formula is told", names, s.claimed, "The σ that goes into λ = 2 E‖A*e‖")

    def take(self, wanted: Settings) -> None:
        """Move the controls; the noise has the scale of the problem."""
        low, _, high = KINDS[wanted.problem].sigma
        self.sigma.range(low, high)
        super().take(wanted)

    def arguments(self) -> list[str]:
        """A critic of one's own."""
        return ["critic=your_critic"] if self.critic else []

    def results(self) -> Iterator[Result]:
        """Reconstructions with the weights around the formula's."""
        return results(self.settings, self.critic)

    def draw(self, busy: bool) -> None:
        """Pictures, curve and text for the σ that is claimed."""
        assert self.result is not None
        factor = claimed_sigmas()[self.claimed.value]
        self.pictures.show(picture(self.result, factor))
        if self.result.images:
            self.curves.show(chart(self.result, factor))
        self.status.say(sentence(self.result, factor), busy)

    def clear(self) -> None:
        """Show neither pictures nor curve."""
        self.pictures.clear()
        self.curves.clear()

    @callback
    def _other_problem(self, change: Any) -> None:
        """Another problem has noise on another scale."""
        low, sigma, high = KINDS[self.problem.value].sigma
        with self.muted:
            self.sigma.range(low, high)
            self.sigma.value = sigma
        self.start()


def weight_lab(*, critic: Callable | None = None, settings: Settings | dict | None = None) -> WeightLab:
    """The app, shown when it ends a cell.

    Args: critic, a network in the place of the one that ships; settings, a dict of fields of
        `apps.weight.model.Settings`.
    """
    return WeightLab(critic, as_settings(Settings, settings))
