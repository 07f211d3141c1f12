"""The theory app: the controls and their wiring."""

from collections.abc import Iterator
from typing import Any

import ipywidgets as W

from ..shared.controls import NAME_WIDTH, Slider, button, choice
from ..shared.lab import WatchedLab
from ..shared.messages import callback
from ..shared.page import group, page, pairs, row
from ..shared.panels import Panel, details
from ..shared.settings import as_settings
from .drawn import pad, script, simplified
from .model import DRAWN, ETAS, FRAMES, WORLDS, Result, Settings, corners, results
from .situations import SITUATIONS
from .view import as_code, chart, duality, picture, sentence


class TheoryWorlds(WatchedLab):
    """Controls, maps, a graph. A moved control starts a training; scrubber and eta only look at it."""

    opener = "theory_worlds"
    situations = SITUATIONS
    hint = "Draw an M of your own on the first map, with the mouse or a finger; or move a control. A critic is trained."
    result: Result | None

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, pause=0.15)
        self._make_controls(settings)
        self._make_own_line(settings)
        self._make_views()
        self.watch(self.start, self.world, self.sigma, self.along, self.steps, self.drawing)
        self.watch(self._scrub, self.scrubber)
        self.watch(self.redraw, self.eta)
        self.watch(self._drawn, self.stroke)
        self.watch(self._pick, self.corner)
        self.watch(self._drag, self.x, self.y)
        self.add.on_click(self._add)
        self.remove.on_click(self._remove)
        self.finish(self._page())
        self.start()

    def _make_controls(self, s: Settings) -> None:
        self.world = choice("world", [*WORLDS, DRAWN], s.world, "The manifold M of good points")
        self.sigma = Slider("noise σ", s.sigma, 0.01, 0.2, 0.01, "Standard deviation of the noise across M")
        self.along = Slider("along M", s.along, 0.0, 1.0, 0.1, "Share of the noise along M; 0 obeys Assumption 2")
        self.steps = Slider("steps", s.steps, 32, 960, 32, "Steps of the training")
        self.scrubber = Slider("training", FRAMES, 0, FRAMES, 1, "Look back at the training", live=True)
        self.play = self.scrubber.player(250, "Play the training")
        self.eta = Slider(
            "step η", s.eta, 0.0, round(float(ETAS[-1]), 6), 0.01, "Length of a step against ∇Ψ, Eq. 8", live=True
        )

    def _make_own_line(self, s: Settings) -> None:
        self.drawing = W.Text(
            s.drawing,
            description="points of M",
            tooltip="Corners of your own line, x y; x y; ... between 0 and 1",
            continuous_update=False,
            style=dict(description_width=NAME_WIDTH),
            layout=W.Layout(width="auto"),
        )
        self.corner = Slider("point", s.corner, 1, len(corners(s.drawing)), 1, "Which point of your own line to move")
        self.x = Slider("point: x", 0.5, 0.0, 1.0, 0.01, "Its first coordinate, to the right")
        self.y = Slider("point: y", 0.5, 0.0, 1.0, 0.01, "Its second coordinate, upwards")
        self.add = button("add point", "Add a point behind this one")
        self.remove = button("remove", "Remove this point")

    def _make_views(self) -> None:
        self.pictures, self.curves, self.code, self.duality = Panel(), Panel(), W.HTML(), W.HTML()
        self.pictures.add_class("advreg-pad")
        self.stroke = pad()

    def _page(self) -> W.VBox:
        world = group("World and noise", self.world, self.sigma, self.along, self.steps)
        line = group("Your own M", self.drawing, self.corner, self.x, self.y, row(self.add, self.remove))
        looking = group("Look at the training", row(self.play), self.scrubber, self.eta)
        pictures = [pairs(self.pictures, self.curves), self.duality, self.status, self.stroke, script()]
        return page(self.notice, [world, looking, line], pictures, [self.code], beside=True)

    def take(self, wanted: Settings) -> None:
        """Move the controls; the drawing says how many points there are."""
        self.corner.max = len(corners(wanted.drawing))
        super().take(wanted)

    def results(self) -> Iterator[Result]:
        """The training that the controls ask for."""
        return results(self.settings)

    def prepare(self) -> None:
        """Show which controls matter, and begin to follow the new training."""
        super().prepare()
        settings = self.settings
        drawn = settings.world == DRAWN
        self.drawing.disabled = self.add.disabled = self.remove.disabled = not drawn
        for slider in (self.corner, self.x, self.y):
            slider.enable(drawn)
        if drawn:
            self._show_corner()
        self.code.value = details("The same in code", as_code(settings))

    @callback
    def _pick(self, change: Any = None) -> None:
        if not self.muted:
            self._show_corner()

    def _show_corner(self) -> None:
        """Show the coordinates of the chosen point."""
        places = corners(self.drawing.value)
        self.remove.disabled = len(places) <= 2
        with self.muted:
            self.corner.max = len(places)
            self.x.value, self.y.value = places[self.corner.value - 1]

    @callback
    def _drag(self, change: Any = None) -> None:
        if not self.muted:
            places = corners(self.drawing.value)
            places[self.corner.value - 1] = (self.x.value, self.y.value)
            self._draw_line(places)

    @callback
    def _add(self, change: Any) -> None:
        """A new point half-way to the next one, or to the right edge behind the last."""
        places, k = corners(self.drawing.value), self.corner.value
        (x, y), (u, v) = places[k - 1], (*places, (1.0, 0.5))[k]
        places.insert(k, (round((x + u) / 2, 2), round((y + v) / 2, 2)))
        self._draw_line(places)

    @callback
    def _remove(self, change: Any) -> None:
        places = corners(self.drawing.value)
        del places[self.corner.value - 1]
        with self.muted:
            self.corner.value = max(1, self.corner.value - 1)
        self._draw_line(places)

    def _draw_line(self, places: list[tuple[float, ...]]) -> None:
        self.drawing.value = "; ".join(f"{x:g} {y:g}" for x, y in places)  # which starts a training

    @callback
    def _drawn(self, change: Any) -> None:
        """A line was drawn on the map: M is this line."""
        if self.stroke.value:
            drawing = simplified(self.stroke.value)
            with self.muted:
                self.stroke.value, self.world.value, self.drawing.value = "", DRAWN, drawing
            self.start()

    def _show(self, result: Result, done: bool) -> None:
        """A frame of the training: the newest, unless the user is looking at another."""
        self.result = result
        self.follow(result.last, result.last if done else FRAMES)
        self._draw_maps(result, busy=not done)
        if done or not self.curves.value:
            self._draw_graph(result)

    def draw(self, busy: bool) -> None:
        """Maps, text and graph of the frame at the scrubber."""
        assert self.result is not None
        self._draw_maps(self.result, busy)
        self._draw_graph(self.result)

    def _draw_maps(self, result: Result, busy: bool) -> None:
        self.pictures.show(picture(result, self._looked_at(result), self.eta.value))
        self.duality.value = duality(result, self._looked_at(result), self.eta.value)
        self.status.say(sentence(result, self._looked_at(result), self.eta.value), busy)

    def _draw_graph(self, result: Result) -> None:
        """It takes a tenth of a second."""
        self.curves.show(chart(result, self._looked_at(result), self.eta.value))

    def _looked_at(self, result: Result) -> int:
        return min(self.scrubber.value, result.last)

    def clear(self) -> None:
        """Show neither maps nor graph."""
        self.duality.value = ""
        self.pictures.clear()
        self.curves.clear()


def theory_worlds(*, settings: Settings | dict | None = None) -> TheoryWorlds:
    """The app, shown when it ends a cell. Args: settings, a dict of fields of `apps.theory.model.Settings`."""
    return TheoryWorlds(as_settings(Settings, settings))
