"""Numbers against the iterate, as SVG: a drawing takes a few milliseconds, and a cursor only adds to it."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from . import svg
from .axes import LEFT, Area, Line, Numbers, Pair
from .pictures import in_words, number
from .svg import FONT, GROUND, INK, QUIET

STYLES = (  # each colour stands out from white and from black
    ("", "circle", "#1a7fc4"),
    ("8 4", "square", "#D55E00"),
    ("2 4", "triangle", "#008f68"),
    ("9 3 2 3", "diamond", "#a855a0"),
)
ACCENT = "#D55E00"
LEGEND, TITLE = 26, 22  # pixels of a row
LEGEND_STYLE = "display:flex;flex-wrap:wrap;gap:0 18px;min-height:22px;font-size:14px;line-height:22px;padding-left:8px"


@dataclass(frozen=True)
class Drawing:
    """Panels of shapes, each with its title, and the sentence that says what is in them.

    On the page every panel is an SVG of its own in the page's colours; panels stand side by side as far as there is
    room, and titles and legend are text of the page. `svg` is the whole as one file, on white.
    """

    panels: tuple[tuple[str, str], ...]  # (title, what is in the SVG)
    alt: str
    panel: tuple[float, float]  # width and height of each, in pixels
    columns: int = 1
    legend: tuple[str, ...] = ()  # names of lines, in the order of `STYLES`

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole in pixels."""
        rows = math.ceil(len(self.panels) / self.columns)
        top = LEGEND if self.legend else 0
        return round(self.columns * self.panel[0]), round(top + rows * (TITLE + self.panel[1]))

    @property
    def svg(self) -> str:
        """The whole as a file."""
        width, height = self.size
        tall = TITLE + self.panel[1]
        parts = [_legend_row(self.legend, width)]
        for i, (title, shapes) in enumerate(self.panels):
            x, y = i % self.columns * self.panel[0], (LEGEND if self.legend else 0) + i // self.columns * tall
            parts.append(svg.text(x + self.panel[0] / 2, y + 17, title, INK, "middle", size=15))
            parts.append(f"<g transform='translate({x:.1f} {y + TITLE:.1f})'>{shapes}</g>")
        head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {FONT} font-size='14'"
        return f"{head} color='#1a1a1a'><rect width='{width}' height='{height}' fill='#fff'/>{''.join(parts)}</svg>"

    def img(self) -> str:
        """The HTML of the drawing, its text in `aria-label`."""
        width, _ = self.panel
        style = (
            "display:grid;gap:4px 8px;align-items:end;line-height:20px;"
            f"grid-template-columns:repeat(auto-fit,minmax(min(100%,{0.75 * width:.0f}px),1fr));"
            f"max-width:{1.35 * self.columns * width:.0f}px"
        )
        words = f'role="img" aria-label="{html.escape(self.alt)}"' if self.alt else 'aria-hidden="true"'
        legend = f'<div style="{LEGEND_STYLE}">{"".join(_keys(self.legend))}</div>' if self.legend else ""
        return f'<div {words}>{legend}<div style="{style}">{"".join(map(self._panel, self.panels))}</div></div>'

    def _panel(self, panel: tuple[str, str]) -> str:
        title, shapes = panel
        width, height = self.panel
        box = f"viewBox='0 0 {width:g} {height:g}' style='display:block;width:100%;height:auto;overflow:visible'"
        heading = f'<div style="text-align:center;font-size:14px;min-height:20px">{html.escape(title)}</div>'
        return f"<div>{heading}<svg {box} {FONT} font-size='14' fill='currentColor'>{shapes}</svg></div>"

    def _repr_html_(self) -> str:
        return in_words(self.img(), self.alt)

    def __repr__(self) -> str:
        return self.alt


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
        return self._with(((title, shapes + cursor) for (title, shapes), cursor in pairs), self._sentence(k))

    @property
    def sheet(self) -> Drawing:
        """The drawing without a cursor and without words: those come with the cursor."""
        return self.base

    def cursor(self, k: int | None = None) -> Drawing:
        """The cursor of `at(k)` alone, to lie on `sheet`, with the sentence of both."""
        drawing = self._with((("", cursor) for cursor in self._cursors(k)), self._sentence(k))
        return replace(drawing, legend=("\u00a0",) if self.base.legend else ())  # the room that the legend takes

    def _with(self, panels: Iterable[tuple[str, str]], words: str) -> Drawing:
        return replace(self.base, panels=tuple(panels), alt=words)

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


def _keys(names: Sequence[str]) -> Iterable[str]:
    """Dash, marker and name of every line, as text of the page."""
    for name, style in zip(names, STYLES, strict=False):
        shapes = _key(style, 5) if name.strip() else ""
        key = f"<svg width='34' height='10' style='vertical-align:middle'>{shapes}</svg> "
        yield f"<span>{key}{html.escape(name)}</span>"


def _key(style: tuple[str, str, str], y: float) -> str:
    dash, marker, colour = style
    line = svg.stroke(0, y, 34, y, colour, f"stroke-width='2' stroke-dasharray='{dash}'")
    return line + svg.marker((17, y), marker, colour)


def _legend_row(names: Sequence[str], width: float) -> str:
    """The same as SVG, for the file: one after the other; begins at the axes and ends inside the width."""
    space = lambda name: 64 + 8 * len(name)
    parts, x = [], max(0, min(LEFT, width - sum(map(space, names))))
    for name, style in zip(names, STYLES, strict=False):
        parts.append(
            f"<g transform='translate({x} 0)'>{_key(style, 14)}</g>" + svg.text(x + 42, 19, name, INK, "start")
        )
        x += space(name)
    return "".join(parts)


def _cursor(line: Line, k: int) -> str:
    x, y = line.spots[k]
    dot = f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5' fill='{ACCENT}' stroke='{GROUND}' stroke-width='2'/>"
    return svg.stroke(x, line.heights[0], x, line.heights[1], ACCENT, "stroke-width='2'") + dot


def note(words: str, width: float, height: float) -> Drawing:
    """A drawing of one line of text, which keeps the place of curves to come.

    >>> note("No step yet.", width=400, height=100)
    No step yet.
    """
    text = svg.text(width / 2, height / 2, words, QUIET, "middle", size=13)
    return Drawing((("", text),), words, (width, height - TITLE))
