"""What shows pictures and charts in an app. None of them announces itself: the status line does."""

import html
from typing import Protocol

import ipywidgets as W

from ...drawing.charts import Chart
from ...drawing.tiles import Grid


class Drawn(Protocol):
    """A picture, a drawing or a grid of tiles: anything with HTML."""

    def img(self) -> str: ...


class _Stack(W.Box):
    """Pieces of HTML that are sent apart. When there is nothing to show they go out of sight and keep their place, so
    that the page does not jump."""

    def __init__(self, name: str, count: int) -> None:
        self._parts = [W.HTML(layout=W.Layout(margin="0", width="100%")) for _ in range(count)]
        super().__init__(self._parts, layout=W.Layout(width="100%", min_width="0", overflow="hidden"))
        self.add_class(name)

    def _fill(self, *contents: str) -> None:
        for part, content in zip(self._parts, contents, strict=True):
            part.value = content
        self.layout.visibility = None

    def clear(self) -> None:
        """Show nothing, in the same place."""
        self.layout.visibility = "hidden"

    @property
    def value(self) -> str:
        """The HTML that is seen."""
        return "" if self.layout.visibility == "hidden" else "".join(part.value for part in self._parts)


class Panel(_Stack):
    """Shows a picture or a drawing."""

    def __init__(self) -> None:
        super().__init__("advreg-panel", 1)

    def show(self, picture: Drawn) -> None:
        """Show this one."""
        self._fill(picture.img())


class Gallery(_Stack):
    """Shows a `Grid` of tiles. The first `still` of them stay during a run: they are not sent with every frame."""

    def __init__(self, still: int = 0) -> None:
        self._still = still
        super().__init__("advreg-gallery", 2)

    def show(self, grid: Grid) -> None:
        """Show these tiles."""
        self._fill(grid.figures(0, self._still), grid.figures(self._still))


class Curves(_Stack):
    """Shows a `Chart` and, on a layer of its own, its cursor: when that moves, the curves are not sent again."""

    def __init__(self) -> None:
        super().__init__("advreg-layers", 2)

    def show(self, chart: Chart, k: int | None = None) -> None:
        """Show the chart with its cursor at the k-th number."""
        self._fill(chart.sheet.img(), chart.cursor(k).img())


def code_box(code: str, *, copy: bool = False) -> str:
    """Code that one click selects as a whole; `copy`: and puts on the clipboard, where the page may."""
    style = "margin:4px 0;padding:8px;line-height:1.35;overflow-x:auto;background:rgba(127,127,127,.14);color:inherit"
    kind = ' class="advreg-copy" title="A click copies it"' if copy else ""
    attributes = f'tabindex="0" aria-label="Code of this run" style="{style};user-select:all"'
    return f"<pre{kind} {attributes}>{html.escape(code)}</pre>"


def details(title: str, code: str) -> str:
    """Code that unfolds under its title."""
    return f"<details><summary>{html.escape(title)}</summary>{code_box(code)}</details>"
