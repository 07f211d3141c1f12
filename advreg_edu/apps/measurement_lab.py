"""The measurement lab: four operators, noise, and what the naive inverse makes of it. Paper: §2.1, Eq. 1."""

import ipywidgets as W

from ..apps import scenes
from .app import App
from .layout import frame, heading, row
from .measurement_run import Settings, measure
from .measurement_view import chart, chart_index, picture, sentence
from .parts import Curves, Gallery, Knob, Notice, Quiet, Status, choice, guarded

HINT = "Move σ: the same noise is rescaled. The worse A sees a pattern v, the more its noise is multiplied."


class MeasurementLab(App):
    """Controls, pictures, singular values. A move measures again, which takes milliseconds."""

    def __init__(self, settings=None):
        settings = settings or Settings()
        self.size, self.noise, self.quiet = settings.size, settings.noise, Quiet()
        self._controls(settings)
        self._views()
        for name in ("image", "number", "angles", "share", "sigma"):
            getattr(self, name).observe(self._measure, "value")
        self.operator.observe(self._other_operator, "value")
        self.pattern.observe(self._draw, "value")
        self.new_noise.on_click(self._draw_noise)
        self._measure()

    def _controls(self, s):
        small = W.Layout(width="104px", flex="0 0 auto", margin="0 2px 0 8px")
        self.operator = choice("operator A", scenes.OPERATORS, s.operator, "How the image is measured")
        self.image = choice("image", scenes.IMAGES[:3], s.image, "What is measured")
        self.number = Knob("image number", s.number, 0, 99, 1, "Another number is another patient or photograph")
        limit = max(s.sigma, scenes.SIGMA[s.operator][1])
        self.sigma = Knob("noise σ", s.sigma, 0.0, limit, 0.001, "Standard deviation of the noise; the draw stays")
        self.new_noise = W.Button(description="new noise", tooltip="Other noise of the same strength", layout=small)
        self.angles = Knob("number of angles", s.angles, 10, 90, 10, "Views of the scanner in half a turn")
        self.share = Knob("measured, %", s.share, 10, 90, 10, "Pixels seen, or lines of k-space taken")
        self.pattern = Knob("pattern v, %", 20, 0, 100, 1, "From the best to the worst seen", live=True)

    def _views(self):
        self.notice, self.status = Notice(), Status()
        self.pictures, self.curves = Gallery(still=1), Curves()
        self.notice.say(HINT)
        left = [heading("Measurement y = Ax + e"), self.operator, self.image, self.number]
        right = [
            heading("Noise and sampling"),
            row([self.sigma, self.new_noise]),
            self.angles,
            self.share,
            self.pattern,
        ]
        self.widget = frame([[left, right], self.notice], [self.pictures, self.status], [self.curves])

    @property
    def settings(self):
        """What the controls say now."""
        return Settings(
            image=self.image.value,
            number=self.number.value,
            operator=self.operator.value,
            sigma=self.sigma.value,
            angles=self.angles.value,
            share=self.share.value,
            noise=self.noise,
            size=self.size,
        )

    @guarded
    def _measure(self, change=None):
        """Measure as the controls say, and show it."""
        if self.quiet:
            return
        try:
            settings = self.settings
            self._fit_controls(settings)
            self.result, self._chart = measure(settings), chart(settings)
            self.notice.say(HINT)
            self._draw()
        except Exception as error:
            self._fail(error)

    def _fit_controls(self, settings):
        self.number.enable(settings.image != scenes.SLICE)
        self.angles.show(settings.operator in (scenes.CT, scenes.DENOISING))
        self.angles.enable(settings.operator == scenes.CT)
        self.share.show(settings.operator in (scenes.INPAINTING, scenes.MRI))

    def _fail(self, error):
        """Say what went wrong, and show nothing that could be taken for an answer."""
        self.notice.error(error)
        self.pictures.clear()
        self.curves.clear()
        self.status.say("Nothing to show: the message above says why.", lines=3)

    @guarded
    def _other_operator(self, change):
        """Another operator measures on another scale: begin with its own noise."""
        sigma, limit = scenes.SIGMA[self.operator.value]
        with self.quiet:
            self.sigma.range(0.0, limit)
            self.sigma.value = sigma
        self._measure()

    @guarded
    def _draw_noise(self, button):
        self.noise += 1
        self._measure()

    @guarded
    def _draw(self, change=None):
        percent, settings = self.pattern.value, self.result.settings
        self.pictures.show(picture(self.result, percent))
        self.curves.show(self._chart, chart_index(settings, percent))
        self.status.say(sentence(self.result, percent), lines=3)


def measurement_lab(settings=None):
    """The app, shown when it ends a cell. Args: settings, the `measurement_run.Settings` to begin with."""
    return MeasurementLab(settings)
