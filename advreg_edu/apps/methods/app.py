"""The method viewer: the controls and their wiring. There is no model: every picture is drawn from what is stored."""

from collections.abc import Mapping
from typing import Any

import ipywidgets as W
import torch

from ...drawing.pictures import busiest
from ..shared.app import App
from ..shared.controls import NAME_WIDTH, Slider, sliders
from ..shared.messages import Muted, Notice, Status, callback
from ..shared.page import group, page, pairs
from ..shared.panels import Panel
from .view import SIDE, picture, sentence


class MethodViewer(App):
    """Buttons for the methods, sliders for image and magnified square."""

    def __init__(self, truth: torch.Tensor, results: Mapping[str, torch.Tensor]) -> None:
        self.truth, self.results, self.muted = truth, results, Muted()
        self._make_controls()
        self.pictures, self.status, self.notice = Panel(), Status(), Notice()
        self.notice.say("Flip between two methods while you look at one spot. What appears, and what disappears?")
        controls = group("What is shown", self.method, self.number, self.row, self.column)
        self.widget = page(self.notice, [controls], [pairs(self.pictures), self.status], [])
        for slider in sliders(self):
            slider.on_refused = self.notice.refuse
        self.method.observe(self._draw, "value")
        self.number.observe(self._look)
        self.row.observe(self._draw)
        self.column.observe(self._draw)
        self._look()

    def _make_controls(self) -> None:
        names, style = list(self.results), dict(description_width=NAME_WIDTH)
        self.method = W.ToggleButtons(options=names, description="method", tooltips=names, style=style)
        last = [length - SIDE for length in self.truth.shape[-2:]]
        self.number = Slider("image", 0, 0, len(self.truth) - 1, 1, "Which image")
        self.row = Slider("square: row", 0, 0, last[0], 1, "First row of the magnified square", live=True)
        self.column = Slider("square: column", 0, 0, last[1], 1, "First column of the magnified square", live=True)

    @callback
    def _look(self, change: Any = None) -> None:
        """Another image: put the square where there is most to see."""
        with self.muted:
            self.row.value, self.column.value = busiest(self.truth[self.number.value], SIDE)
        self._draw()

    @callback
    def _draw(self, change: Any = None) -> None:
        if self.muted:
            return
        name, k = self.method.value, self.number.value
        corner = self.row.value, self.column.value
        self.pictures.show(picture(self.truth[k], self.results[name][k], name, corner))
        self.status.say(sentence(self.truth, self.results, name, k))


def method_viewer(truth: torch.Tensor, results: Mapping[str, torch.Tensor]) -> MethodViewer:
    """The app, shown when it ends a cell.

    Args: truth (N, C, H, W) in [0, 1]; results, {method: (N, C, H, W)}, the first is shown first.
    """
    return MethodViewer(truth, results)
