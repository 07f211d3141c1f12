"""The measurement lab: the controls and their wiring."""

from typing import Any

from ..shared import scenes
from ..shared.controls import Slider, choice
from ..shared.lab import Lab
from ..shared.messages import callback
from ..shared.page import group, page, row
from ..shared.panels import Curves, Gallery
from ..shared.settings import as_settings
from .model import Result, Settings, measure
from .situations import SITUATIONS
from .view import chart, chart_index, picture, sentence


class MeasurementLab(Lab):
    """Controls, pictures, singular values. A move measures again, which takes milliseconds."""

    opener = "measurement_lab"
    situations = SITUATIONS
    hint = "Move σ: the same noise is rescaled. The worse A sees a pattern v, the more its noise is multiplied."
    result: Result | None

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._make_controls(settings)
        self.pictures, self.curves = Gallery(still=1), Curves()
        measured = group("Measurement y = Ax + e", self.operator, self.image, self.number)
        noise = group("Noise and sampling", self.sigma, self.angles, self.share, self.pattern, row(self.new_noise))
        pictures = [self.pictures, self.status]
        self.watch(self.start, self.image, self.number, self.angles, self.share, self.sigma)
        self.watch(self._other_operator, self.operator)
        self.watch(self.redraw, self.pattern)
        self.finish(page(self.notice, [measured, noise], pictures, [self.curves], beside=True))
        self.start()

    def _make_controls(self, s: Settings) -> None:
        self.operator = choice("operator A", scenes.OPERATORS, s.operator, "How the image is measured")
        self.image = choice("image", scenes.IMAGES[:3], s.image, "What is measured")
        self.number = Slider("image number", s.number, 0, 99, 1, "Another number is another patient or photograph")
        limit = max(s.sigma, scenes.SIGMA[s.operator][1])
        self.sigma = Slider("noise σ", s.sigma, 0.0, limit, 0.001, "Standard deviation of the noise; the draw stays")
        self.new_noise = self.noise_button()
        self.angles = Slider("number of angles", s.angles, 10, 90, 10, "Views of the scanner in half a turn")
        self.share = Slider("measured, %", s.share, 10, 90, 10, "Pixels seen, or lines of k-space taken")
        self.pattern = Slider("pattern v, %", s.pattern, 0, 100, 1, "From the best to the worst seen", live=True)

    def prepare(self) -> None:
        """Show the controls that matter for this operator."""
        super().prepare()
        self.number.enable(self.image.value != scenes.SLICE)
        scenes.fit_sampling(self.operator.value, self.angles, self.share)

    @callback
    def start(self, change: Any = None) -> None:
        """Measure as the controls say, at once, and show it."""
        if not self.muted:
            self.moved()
            self.run()

    def take(self, wanted: Settings) -> None:
        """Move the controls; the noise has the scale of the operator."""
        self.sigma.range(0.0, max(wanted.sigma, scenes.SIGMA[wanted.operator][1]))
        super().take(wanted)

    def results(self) -> list[Result]:
        """One measurement."""
        self._chart = chart(self.settings)
        return [measure(self.settings)]

    def draw(self, busy: bool) -> None:
        """Pictures, singular values and text for the pattern of the slider."""
        assert self.result is not None
        percent = self.pattern.value
        self.pictures.show(picture(self.result, percent))
        self.curves.show(self._chart, chart_index(self.result.settings, percent))
        self.status.say(sentence(self.result, percent))

    def clear(self) -> None:
        """Show neither pictures nor curves."""
        self.pictures.clear()
        self.curves.clear()

    @callback
    def _other_operator(self, change: Any) -> None:
        """Another operator measures on another scale: begin with its own noise."""
        sigma, limit = scenes.SIGMA[self.operator.value]
        with self.muted:
            self.sigma.range(0.0, limit)
            self.sigma.value = sigma
        self.start()


def measurement_lab(*, settings: Settings | dict | None = None) -> MeasurementLab:
    """The app, shown when it ends a cell. Args: settings, a dict of fields of `apps.measurement.model.Settings`."""
    return MeasurementLab(as_settings(Settings, settings))
