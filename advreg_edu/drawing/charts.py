"""Numbers against the iterate, as SVG: a drawing takes a few milliseconds, and a cursor only adds to it."""

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ..drawing import svg
from .axes import LEFT, Area, Line
from .pictures import in_words, number
from .svg import FONT, GROUND, INK, LINES, QUIET

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
    bare: bool = False  # titles and legend keep their place, and are not seen

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
        parts = [] if self.bare else [_legend_row(self.legend, width)]
        for i, (title, shapes) in enumerate(self.panels):
            x, y = i % self.columns * self.panel[0], (LEGEND if self.legend else 0) + i // self.columns * tall
            parts += [] if self.bare else [svg.text(x + self.panel[0] / 2, y + 17, title, INK, "middle", size=15)]
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
        legend = f'<div style="{LEGEND_STYLE}{self._unseen}">{"".join(_keys(self.legend))}</div>' if self.legend else ""
        return f'<div {words}>{legend}<div style="{style}">{"".join(map(self._panel, self.panels))}</div></div>'

    @property
    def _unseen(self) -> str:
        return ";visibility:hidden" if self.bare else ""

    def _panel(self, panel: tuple[str, str]) -> str:
        title, shapes = panel
        width, height = self.panel
        box = f"viewBox='0 0 {width:g} {height:g}' style='display:block;width:100%;height:auto;overflow:visible'"
        style = f"text-align:center;font-size:14px;min-height:20px{self._unseen}"
        heading = f'<div style="{style}">{html.escape(title)}</div>'
        return f"<div>{heading}<svg {box} {FONT} font-size='14' fill='currentColor'>{shapes}</svg></div>"

    def _repr_html_(self) -> str:
        return in_words(self.img(), self.alt)

    def __repr__(self) -> str:
        return self.alt


@dataclass(frozen=True, repr=False)
class Chart:
    """Curves that are drawn once; `at(k)` adds a cursor at the k-th number without drawing them again.

    An app shows `sheet` and, above it, `cursor(k)`: a page that moves the cursor does not get the curves again.
    """

    base: Drawing
    lines: tuple[tuple[Line, ...], ...]  # of each panel
    axis: str
    marks: dict[str, float]

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
    series,
    log=(),
    steps=None,
    width=848,
    height=172,
    x=None,
    axis="iterate",
    log_x=False,
    columns=None,
    marks=None,
    ends=None,
    bands=None,
):
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
    """
    log = list(log)
    panels = {title: lines if isinstance(lines, dict) else {title: lines} for title, lines in series.items()}
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
        key = f"<svg width='34' height='10' style='vertical-align:middle'>{_key(style, 5)}</svg> "
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


def note(words: str, titles: Sequence[str], width: float, height: float) -> Drawing:
    """The place of curves to come, under their titles, with the words that say when."""
    size = (width / len(titles), height - TITLE)
    frame = f"<rect x='.5' y='.5' width='{size[0] - 1:g}' height='{size[1] - 1:g}' fill='none' stroke='{LINES}'/>"
    first = svg.text(size[0] / 2, size[1] / 2, words.partition(": ")[2] or words, QUIET, "middle")
    return Drawing(tuple((title, frame + first) for title in titles), words, size, len(titles))
