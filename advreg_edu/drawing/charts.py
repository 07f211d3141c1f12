"""Numbers against the iterate, as SVG: a drawing takes a few milliseconds, and a cursor only adds to it."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from . import svg
from .axes import LEFT, Area, Line, Numbers, Pair
from .pictures import image_element, number
from .svg import FONT, INK, QUIET

STYLES = (
    ("", "circle", "#0072B2"),
    ("8 4", "square", "#D55E00"),
    ("2 4", "triangle", "#00795A"),
    ("9 3 2 3", "diamond", "#8E4585"),
)
ACCENT = "#D55E00"
LEGEND = 26  # pixels of its row


@dataclass(frozen=True)
class Drawing:
    """An SVG and the sentence that says what is in it; `size` is (width, height) in pixels.

    >>> Drawing("<svg/>", "Nothing.", (10, 10)).img()
    '<img alt="Nothing." src="data:image/svg+xml;base64,...'
    """

    svg: str
    alt: str
    size: tuple[float, float]

    def img(self) -> str:
        """The <img> element, its text in `alt`."""
        return image_element(self.svg.encode(), self.alt, self.size, "svg+xml")

    def _repr_html_(self):
        caption = f'<figcaption style="max-width:75em;padding-top:4px">{html.escape(self.alt)}</figcaption>'
        return f'<figure style="margin:0">{self.img()}{caption}</figure>'

    def __repr__(self):
        return self.alt


@dataclass(frozen=True, repr=False)
class Chart:
    """Curves that are drawn once; `at(k)` adds a cursor at the k-th number without drawing them again.

    An app shows `sheet` and, above it, `cursor(k)`: a page that moves the cursor does not get the curves again.

    >>> chart = curves({"loss": [4.0, 2.0, 1.0]})
    >>> chart.at(2)
    Curves (horizontal axis: iterate): loss goes from 4 to 1 in 2 steps, 1 at 2.
    """

    head: str  # opening tag of the SVG
    base: str  # what is in it
    lines: tuple[Line, ...]
    size: tuple[float, float]
    axis: str
    marks: Mapping[str, float]

    def at(self, k: int | None = None) -> Drawing:
        """The drawing with a cursor at the k-th number (clipped to the last), and its sentence."""
        return Drawing(f"{self.head}{self.base}{self._cursors(k)}</svg>", self._sentence(k), self.size)

    @property
    def sheet(self) -> Drawing:
        """The drawing without a cursor and without words: those come with the cursor."""
        return Drawing(f"{self.head}{self.base}</svg>", "", self.size)

    def cursor(self, k: int | None = None) -> Drawing:
        """The cursor of `at(k)` alone, to lie on `sheet`, with the sentence of both."""
        return Drawing(f"{self.head}{self._cursors(k)}</svg>", self._sentence(k), self.size)

    def _cursors(self, k: int | None) -> str:
        return "" if k is None else "".join(_cursor(line, min(k, len(line.values) - 1)) for line in self.lines)

    def _sentence(self, k: int | None) -> str:
        words = []
        for line in self.lines:
            last = len(line.values) - 1
            here = "" if k is None else f", {number(line.values[min(k, last)])} at {number(line.x[min(k, last)])}"
            ends = f"{number(line.values[0])} to {number(line.values[last])}"
            wide = f", band ± {number(max(line.half))} at most" if line.half else ""
            words.append(f"{line.name} goes from {ends} in {last} steps{here}{wide}")
        words += [f"{name} marked at {number(float(place))}" for name, place in self.marks.items()]
        return f"Curves (horizontal axis: {self.axis}): " + "; ".join(words) + "."

    def _repr_html_(self):
        return self.at()._repr_html_()


def curves(
    series: Mapping[str, Numbers],
    log: Iterable[str] = (),
    steps: int | None = None,
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
    columns = columns or len(panels)
    first = next((i for i, lines in enumerate(panels.values()) if len(lines) > 1), None)
    legend: Iterable[str] = () if first is None else list(panels.values())[first]
    top = LEGEND if legend else 0
    share, tall = width / columns, (height - top) / math.ceil(len(panels) / columns)
    parts = [_legend(tuple(legend), (first or 0) % columns * share, width)]
    drawn: list[Line] = []
    for i, (title, lines) in enumerate(panels.items()):
        corner = (i % columns * share, top + i // columns * tall)
        area = Area(corner, (share, tall), lines, (steps, ends), x, log_x, title in log, bands or {})
        parts.append(area.frame(title, axis, marks or {}))
        for style, (name, values) in zip(STYLES, lines.items(), strict=False):
            said = name if name == title else f"{title}, {name}"
            drawn.append(area.line(said, [float(value) for value in values], (bands or {}).get(name)))
            parts.append(area.band(drawn[-1], style[2]))
            parts.append(svg.curve(drawn[-1].spots, style))
    head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {FONT} font-size='14'>"
    base = f"<rect width='{width}' height='{height}' fill='#fff'/>{''.join(parts)}"
    return Chart(head, base, tuple(drawn), (width, height), axis, marks or {})


def _legend(names: Sequence[str], left: float, width: int) -> str:
    """Dash, marker and name of every line, one after the other; begins at `left` and ends inside the width."""
    space = [64 + 8 * len(name) for name in names]
    parts, x = [], max(0, min(left + LEFT, width - sum(space)))
    for name, wide, (dash, marker, colour) in zip(names, space, STYLES, strict=False):
        parts.append(svg.stroke(x, 14, x + 34, 14, colour, f"stroke-width='2' stroke-dasharray='{dash}'"))
        parts.append(svg.marker((x + 17, 14), marker, colour) + svg.text(x + 42, 19, name, INK, "start"))
        x += wide
    return "".join(parts)


def _cursor(line: Line, k: int) -> str:
    x, y = line.spots[k]
    dot = f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5' fill='{ACCENT}' stroke='#fff' stroke-width='2'/>"
    return svg.stroke(x, line.heights[0], x, line.heights[1], ACCENT, "stroke-width='2'") + dot


def note(words: str, width: int, height: int) -> Drawing:
    """A drawing of one line of text, which keeps the place of curves to come.

    >>> note("No step yet.", width=400, height=100)
    No step yet.
    """
    size = f"width='{width}' height='{height}'"
    text = svg.text(width / 2, height / 2, words, QUIET, "middle")
    sheet = f"<svg xmlns='http://www.w3.org/2000/svg' {size} {FONT}><rect {size} fill='#fff'/>{text}</svg>"
    return Drawing(sheet, words, (width, height))
