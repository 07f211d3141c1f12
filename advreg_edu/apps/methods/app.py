"""The method viewer: the controls and their wiring. There is no model: every picture is drawn from what is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as W
import torch

from ..._input.arguments import check_images
from ..._input.signature import check_instance
from ...drawing.pictures import busiest
from ..shared.controls import NAME_WIDTH, Slider, sliders
from ..shared.messages import Status, callback
from ..shared.page import group, page, pairs
from ..shared.panels import Panel
from ..shared.settings import Settable, as_settings
from .view import SIDE, picture, sentence, spread


@dataclass(frozen=True)
class Settings:
    """What the controls say. None: the first method; a square where there is most to see."""

    method: str | None = None
    number: int = 0
    row: int | None = None
    column: int | None = None


class MethodViewer(Settable):
    """Buttons for the methods, sliders for image and magnified square."""

    opener = "method_viewer"

    def __init__(self, truth: torch.Tensor, results: Mapping[str, torch.Tensor], settings: Settings) -> None:
        super().__init__(settings)
        self.truth, self.results = truth, results
        order = spread(truth, results)
        self.situations = {
            "the methods differ most": dict(number=order[-1]),
            "the methods differ least": dict(number=order[0]),
        }
        self._make_controls(settings)
        self.pictures, self.status = Panel(), Status()
        self.notice.say("Flip between two methods while you look at one spot. What appears, and what disappears?")
        controls = group("What is shown", self.method, self.number, self.row, self.column)
        for slider in sliders(self):
            slider.on_refused = self.notice.refuse
        self.method.observe(self._draw, "value")
        self.number.observe(self._look)
        self.row.observe(self._draw)
        self.column.observe(self._draw)
        with self.muted:
            self.take(settings)
        self.finish(page(self.notice, [controls], [pairs(self.pictures), self.status], []))
        self.start()

    def _make_controls(self, s: Settings) -> None:
        names, style = list(self.results), dict(description_width=NAME_WIDTH)
        self.method = W.ToggleButtons(options=names, description="method", tooltips=names, style=style)
        last = [length - SIDE for length in self.truth.shape[-2:]]
        self.number = Slider("image", s.number, 0, len(self.truth) - 1, 1, "Which image")
        self.row = Slider("square: row", 0, 0, last[0], 1, "First row of the magnified square", live=True)
        self.column = Slider("square: column", 0, 0, last[1], 1, "First column of the magnified square", live=True)

    def take(self, wanted: Settings) -> None:
        """Move the controls; where no method is given it is the first, and without a square the busiest."""
        super().take(wanted)
        if wanted.method is None:
            self.method.value = self.method.options[0]
        if wanted.row is None or wanted.column is None:
            self._busiest()

    def arguments(self) -> list[str]:
        """What is shown."""
        return ["truth", "results"]

    def start(self, change: Any = None) -> None:
        """Show what the controls say."""
        self._draw()

    def _busiest(self) -> None:
        with self.muted:
            self.row.value, self.column.value = busiest(self.truth[self.number.value], SIDE)

    @callback
    def _look(self, change: Any = None) -> None:
        """Another image: put the square where there is most to see."""
        if not self.muted:
            self._busiest()
            self._draw()

    @callback
    def _draw(self, change: Any = None) -> None:
        if self.muted:
            return
        self.moved()
        name, k = self.method.value, self.number.value
        corner = self.row.value, self.column.value
        self.pictures.show(picture(self.truth[k], self.results[name][k], name, corner))
        self.status.say(sentence(self.truth, self.results, name, k))


def method_viewer(
    truth: torch.Tensor, results: Mapping[str, torch.Tensor], *, settings: Settings | dict | None = None
) -> MethodViewer:
    """The app, shown when it ends a cell.

    Args: truth (N, C, H, W) in [0, 1]; results, {method: (N, C, H, W)}, the first is shown first; settings, a dict of
        method, number, row and column.
    """
    check_images(truth, "truth")
    check_instance(results, "results", Mapping)
    if min(truth.shape[-2:]) < SIDE:
        raise ValueError(f"truth: expected at least {SIDE}x{SIDE} pixels, got {tuple(truth.shape[-2:])}. Take larger.")
    if not results:
        raise ValueError("results: expected at least one method, got none. Give {name: images}.")
    return MethodViewer(truth, results, as_settings(Settings, settings))
