"""The reconstruction lab: the wiring of its controls, pictures and curves."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import ipywidgets as W
import torch

from ... import pretrained
from ..._input.arguments import check_choice
from ...drawing.pictures import busiest
from ...drawing.tiles import Grid
from ..shared import scenes
from ..shared.controls import Slider, toggle
from ..shared.lab import WatchedLab
from ..shared.messages import callback
from ..shared.page import page, row, wrapping
from ..shared.panels import Curves, Gallery, code_box
from ..shared.settings import as_settings
from .controls import Controls
from .model import OWN, Result, Settings, as_code, results
from .situations import SITUATIONS
from .view import chart, ending, picture, sentence

HINT = "Move a control: the run starts again."
TIDY = 0.3  # seconds between two drawings of the curves while a run computes


class ReconstructionLab(WatchedLab):
    """Controls, pictures, curves. A moved control starts a run; the scrubber only looks at its iterates."""

    opener = "reconstruction_lab"
    situations = SITUATIONS
    result: Result | None

    def __init__(self, own: Callable | None, settings: Settings) -> None:
        super().__init__(settings)
        self.own, self.always = own, ("critic",) if own else ()
        self.held: Result | None = None
        self._scene: tuple | None = None
        self._spot = (0, 0)
        self.controls = Controls(settings, self.noise_button())
        self._make_views(settings)
        self.watch(self.start, *self.controls.restarting)
        self.watch(self._other_operator, self.controls.operator)
        self.watch(self._file, self.controls.upload, self.controls.path)
        self.watch(self._hold, self.compare)
        self.watch(self._show_code, self.as_code)
        self.watch(self._scrub, self.scrubber)
        self.watch(self.redraw, self.row, self.column)
        with self.muted:
            self.take(settings)
        self.finish(self._page())
        self.start()

    def _make_views(self, s: Settings) -> None:
        self.scrubber = Slider("iterate", 0, 0, s.steps, 1, "Look at any iterate; nothing is computed again", live=True)
        self.play = self.scrubber.player(80, "Play the iterates")
        last = s.size - max(1, s.size // 4)
        self.row = Slider("detail: row", 0, 0, last, 1, "First row of the magnified square", live=True)
        self.column = Slider("detail: column", 0, 0, last, 1, "First column of the magnified square", live=True)
        self.compare = toggle("hold this run to compare", "The next runs appear beside it", "columns")
        self.as_code = toggle("copy as code", "Python that computes the same without the app", "code")
        self.pictures, self.curves, self.code = Gallery(still=2), Curves(), W.HTML()

    def _page(self) -> W.VBox:
        pictures = [self.pictures, row(self.play, self.scrubber), self.status, wrapping(self.row, self.column)]
        curves = [self.curves, row(self.compare, self.as_code), self.code]
        return page(self.notice, self.controls.groups(), pictures, curves)

    @property
    def parts(self) -> dict[str, Any]:
        """{name: control}."""
        return vars(self) | vars(self.controls)

    def said(self) -> dict[str, Any]:
        """{field: what its control says}; a square that nobody moved is None."""
        corner = self.row.value, self.column.value
        row, column = (None, None) if corner == self._spot else corner
        return super().said() | self.controls.said() | dict(row=row, column=column)

    def shown(self, wanted: Settings) -> dict[str, Any]:
        """{name of a control: what it is to show}."""
        return super().shown(wanted) | self.controls.shown(wanted)

    def take(self, wanted: Settings) -> None:
        """Move the controls; where no square is given, it goes where there is most to see."""
        self.controls.ready(wanted, self.own)
        self.row.max = self.column.max = wanted.size - max(1, wanted.size // 4)
        super().take(wanted)
        self._scene = None if wanted.row is None or wanted.column is None else wanted.subject

    def arguments(self) -> list[str]:
        """A critic of one's own."""
        return ["critic=your_critic"] if self.own else []

    def prepare(self) -> None:
        """Offer what fits the image, and begin to follow the new run."""
        super().prepare()
        with self.muted:
            self.controls.fit(self.own)
            self._look_where_there_is_something()
        self._tidied = 0.0
        self._forget()
        self.notice.say(self._hint(HINT))
        self._show_code()

    def results(self) -> Iterator[Result]:
        """Algorithm 2 on what the controls say."""
        settings, own = self.settings, self.own
        return results(settings, scenes.critic(settings.critic) if own is None or settings.critic != OWN else own)

    def _hint(self, words: str) -> str:
        """With what there is to know of critic and angles."""
        return " ".join([words, *self.controls.remarks()])

    def _forget(self) -> None:
        """Pictures are kept until another run begins or is held, so that scrubbing draws nothing twice."""
        self._picture = lru_cache(maxsize=200)(self._picture_of)

    def _picture_of(self, run: torch.Tensor, k: int, row: int, column: int) -> Grid:
        """`run` tells the iterates of one run from those of the next: anything that each run has of its own."""
        assert self.result is not None
        return picture(self.result, k, (row, column), self.held)

    def _look_where_there_is_something(self) -> None:
        """For another image, put the magnified square where there is most to see."""
        s = self.settings
        self._spot = busiest(scenes.truth(s)[0], max(1, s.size // 4))
        if s.subject != self._scene:
            self.row.value, self.column.value = self._spot
            self._scene = s.subject

    @callback
    def _other_operator(self, change: Any) -> None:
        if self.muted:
            return
        with self.muted:
            self.controls.other_operator()
        self.start()

    @callback
    def _file(self, change: Any) -> None:
        """A file came, or the path of one: measure it."""
        with self.muted:
            came = self.controls.open(change["owner"])
        if came:
            self.start()

    @callback
    def _hold(self, change: Any) -> None:
        self.held = self.result if self.compare.value else None
        self._forget()
        if self.result:
            self._chart = chart(self.result, self.held)
        self.redraw()

    @callback
    def _show_code(self, change: Any = None) -> None:
        self.code.value = code_box(as_code(self.settings)) if self.as_code.value else ""

    def _show(self, result: Result, done: bool) -> None:
        """A frame of the run: pictures of the newest iterate, unless the user is looking at another; now and then, and
        at the end, curves, words and controls too, which cost a browser more than pictures do."""
        self.result = result
        if done or time.monotonic() - self._tidied > TIDY:
            self._tidy(result, done)
            self._chart = chart(result, self.held)
            self.draw(busy=not done)
            self._tidied = time.monotonic()
        else:
            self._draw_pictures(result)

    def _tidy(self, result: Result, done: bool) -> None:
        """Bring the controls to where the run is."""
        if result.trouble:
            self.notice.say(result.trouble, "warning")
        elif done:
            self.notice.say(*((ending(result), "warning") if result.missed else (self._hint(ending(result)),)))
        with self.muted:
            self.controls.show_weight(result.reg_weight)
        self.follow(result.last, max(1, result.last))  # a slider in a browser needs two ends

    def _looked_at(self, result: Result) -> int:
        return result.last if self.looked is None else min(self.looked, result.last)

    def draw(self, busy: bool) -> None:
        """Pictures, curves and text of the iterate at the scrubber, from what is stored."""
        assert self.result is not None
        k = self._looked_at(self.result)
        self._draw_pictures(self.result)
        self.curves.show(self._chart, k)
        self.status.say(sentence(self.result, k, self.held), busy)

    def _draw_pictures(self, result: Result) -> None:
        self.pictures.show(self._picture(result.naive, self._looked_at(result), self.row.value, self.column.value))

    def clear(self) -> None:
        """Show neither pictures nor curves nor code."""
        self.pictures.clear()
        self.curves.clear()
        self.code.value = ""


def reconstruction_lab(
    *, critic: str | Callable | None = None, settings: Settings | dict | None = None
) -> ReconstructionLab:
    """The app, shown when it ends a cell.

    Args: critic, a name that ships or any network (1, C, H, W) to (1,); settings, a dict of fields of `Settings`.
    """
    wanted = as_settings(Settings, settings)
    if isinstance(critic, str):
        wanted, critic = replace(wanted, critic=critic), None
    check_choice(wanted.critic, "critic", [*pretrained.names(), OWN])
    named = isinstance(settings, dict) and "critic" in settings
    return ReconstructionLab(critic, replace(wanted, critic=OWN) if critic and not named else wanted)
