"""Numbers against the iterate, as SVG: a drawing takes a few milliseconds, and a cursor only adds to it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from . import svg
from .axes import Area, Line, Numbers, Pair
from .drawings import LEGEND, STYLES, TITLE, Drawing
from .panels import number
from .svg import GROUND, LINES, QUIET

ACCENT = "#D55E00"


@dataclass(frozen=True, repr=False)
class Chart:
    """Curves that are drawn once; `at(k)` adds a cursor at the k-th number without drawing them again.

    An app shows `sheet` and, above it, `cursor(k)`: a page that moves the cursor does not get the curves again.

    >>> chart = curves({"loss": [4.0, 2.0, 1.0]})
    >>> chart.at(2)
    Curves (horizontal axis: iterate): loss goes from 4 to 1 in 2 steps, 1 at 2.
    """

    base: Drawing
    lines: tuple[tuple[Line, ...], ...]  # of each panel
    axis: str
    marks: Mapping[str, float]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole in pixels."""
        return self.base.size

    def at(self, k: int | None = None) -> Drawing:
        """The drawing with a cursor at the k-th number (clipped to the last), and its sentence."""
        pairs = zip(self.base.panels, self._cursors(k), strict=True)
        panels = tuple((title, shapes + cursor) for (title, shapes), cursor in pairs)
        return replace(self.base, panels=panels, alt=self._sentence(k))

    @property
    def sheet(self) -> Drawing:
        """The drawing without a cursor and without words: those come with the cursor."""
        return self.base

    def cursor(self, k: int | None = None) -> Drawing:
        """The cursor of `at(k)` alone, to lie on `sheet`, with the sentence of both."""
        panels = tuple((title, cursor) for (title, _), cursor in zip(self.base.panels, self._cursors(k), strict=True))
        return replace(self.base, panels=panels, alt=self._sentence(k), bare=True)

    def _cursors(self, k: int | None) -> list[str]:
        if k is None:
            return ["" for _ in self.lines]
        return ["".join(_cursor(line, min(k, len(line.values) - 1)) for line in lines) for lines in self.lines]

    def _sentence(self, k: int | None) -> str:
        words = []
        for line in chain.from_iterable(self.lines):
            last = len(line.values) - 1
            here = "" if k is None else f", {number(line.values[min(k, last)])} at {number(line.x[min(k, last)])}"
            ends = f"{number(line.values[0])} to {number(line.values[last])}"
            wide = f", band ± {number(max(line.half))} at most" if line.half else ""
            words.append(f"{line.name} goes from {ends} in {last} steps{here}{wide}")
        words += [f"{name} marked at {number(float(place))}" for name, place in self.marks.items()]
        return f"Curves (horizontal axis: {self.axis}): " + "; ".join(words) + "."

    def _repr_html_(self) -> str:
        return self.at()._repr_html_()


def curves(
    series: Mapping[str, Numbers],
    log: Iterable[str] = (),
    steps: float | None = None,
    width: int = 848,
    height: int = 172,
    *,
    x: Numbers | None = None,
    axis: str = "iterate",
    log_x: bool = False,
    columns: int | None = None,
    marks: Mapping[str, float] | None = None,
    ends: Pair | None = None,
    bands: Mapping[str, Numbers] | None = None,
) -> Chart:
    """Small panels over the iterates 0, 1, 2, ...; dash and marker tell lines apart beside colour.

    Args:
        series: {panel title: values} or {panel title: {line name: values}}.
        log: titles of the panels with a logarithmic axis (all values above 0).
        steps: right end of the axis, if the run is to go on further than the values do.
        width, height: pixels of the whole; the letters are 14 pixels high.
        x, axis, log_x: numbers on the horizontal axis in place of 0, 1, 2, ..., its name, is it logarithmic.
        columns: panels in a row; all of them by default.
        marks: {name: number on the horizontal axis}, upright lines in every panel.
        ends: (left, right) of the horizontal axis, if the numbers are to come.
        bands: {line name: half widths} of shaded bands around lines.

    >>> curves({"loss": [4.0, 2.0, 1.0]}).at(1)
    Curves (horizontal axis: iterate): loss goes from 4 to 1 in 2 steps, 2 at 1.
    >>> curves({"PSNR": {"ours": [20, 25], "TV": [22, 23]}}, x=[0.1, 1], axis="weight", log_x=True).at()
    Curves (horizontal axis: weight): PSNR, ours goes from 20 to 25 in 1 steps; PSNR, TV goes from 22 to 23 in 1 steps.
    """
    log = list(log)
    panels: dict[str, Mapping[str, Numbers]] = {
        title: lines if isinstance(lines, Mapping) else {title: lines} for title, lines in series.items()
    }
    columns, bands = columns or len(panels), bands or {}
    legend = next((tuple(lines) for lines in panels.values() if len(lines) > 1), ())
    tall = (height - (LEGEND if legend else 0)) / math.ceil(len(panels) / columns) - TITLE
    size, drawn, sheets = (width / columns, tall), [], []
    for title, lines in panels.items():
        area = Area((0, 0), size, lines, (steps, ends), x, log_x, title in log, bands)
        shapes, drawn_lines = [area.frame(axis, marks or {})], []
        for style, (name, values) in zip(STYLES, lines.items(), strict=False):
            said = name if name == title else f"{title}, {name}"
            drawn_lines.append(area.line(said, [float(value) for value in values], bands.get(name)))
            shapes.append(area.band(drawn_lines[-1], style[2]))
            shapes.append(svg.curve(drawn_lines[-1].spots, style))
        sheets.append((title, "".join(shapes)))
        drawn.append(tuple(drawn_lines))
    return Chart(Drawing(tuple(sheets), "", size, columns, legend), tuple(drawn), axis, marks or {})


def _cursor(line: Line, k: int) -> str:
    x, y = line.spots[k]
    dot = f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5' fill='{ACCENT}' stroke='{GROUND}' stroke-width='2'/>"
    return svg.stroke(x, line.heights[0], x, line.heights[1], ACCENT, "stroke-width='2'") + dot


def note(words: str, titles: Sequence[str], width: float, height: float) -> Drawing:
    """The place of curves to come, under their titles, with the words that say when.

    >>> note("No step yet.", ("loss",), width=400, height=100)
    No step yet.
    """
    size = (width / len(titles), height - TITLE)
    frame = f"<rect x='.5' y='.5' width='{size[0] - 1:g}' height='{size[1] - 1:g}' fill='none' stroke='{LINES}'/>"
    first = svg.text(size[0] / 2, size[1] / 2, words.partition(": ")[2] or words, QUIET, "middle")
    return Drawing(tuple((title, frame + first) for title in titles), words, size, len(titles))
