"""Numbers against the iterate, as SVG: a drawing takes a few milliseconds, and a cursor only adds to it."""

import html
import math
from dataclasses import dataclass

from . import svg
from .pictures import image_element, number
from .svg import FONT, INK, LINES, QUIET

STYLES = (
    ("", "circle", "#0072B2"),
    ("8 4", "square", "#D55E00"),
    ("2 4", "triangle", "#00795A"),
    ("9 3 2 3", "diamond", "#8E4585"),
)
ACCENT = "#D55E00"
LEFT, RIGHT, TOP, BOTTOM, LEGEND = 58, 18, 28, 44, 26  # pixels around the axes of a panel; a row for the legend


@dataclass(frozen=True)
class Drawing:
    """An SVG and the sentence that says what is in it; `size` is (width, height) in pixels."""

    svg: str
    alt: str
    size: tuple

    def img(self):
        """The <img> element, its text in `alt`."""
        return image_element(self.svg.encode(), self.alt, self.size, "svg+xml")

    def _repr_html_(self):
        caption = f'<figcaption style="max-width:75em;padding-top:4px">{html.escape(self.alt)}</figcaption>'
        return f'<figure style="margin:0">{self.img()}{caption}</figure>'

    def __repr__(self):
        return self.alt


@dataclass(frozen=True)
class Line:
    """A curve as it is drawn: its name, its numbers, where they are in the picture, and the heights of its axes."""

    name: str
    x: tuple
    values: tuple
    spots: tuple  # [(x, y), ...] in pixels from the top left
    heights: tuple  # pixels, top and bottom of the axes
    half: tuple = ()  # half widths of the band around it


@dataclass(frozen=True, repr=False)
class Chart:
    """Curves that are drawn once; `at(k)` adds a cursor at the k-th number without drawing them again.

    An app shows `sheet` and, above it, `cursor(k)`: a page that moves the cursor does not get the curves again.
    """

    head: str  # opening tag of the SVG
    base: str  # what is in it
    lines: tuple
    size: tuple
    axis: str
    marks: dict

    def at(self, k=None):
        """The drawing with a cursor at the k-th number (clipped to the last), and its sentence."""
        return Drawing(f"{self.head}{self.base}{self._cursors(k)}</svg>", self._sentence(k), self.size)

    @property
    def sheet(self):
        """The drawing without a cursor and without words: those come with the cursor."""
        return Drawing(f"{self.head}{self.base}</svg>", "", self.size)

    def cursor(self, k=None):
        """The cursor of `at(k)` alone, to lie on `sheet`, with the sentence of both."""
        return Drawing(f"{self.head}{self._cursors(k)}</svg>", self._sentence(k), self.size)

    def _cursors(self, k):
        return "" if k is None else "".join(_cursor(line, min(k, len(line.values) - 1)) for line in self.lines)

    def _sentence(self, k):
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
    columns = columns or len(panels)
    first = next((i for i, lines in enumerate(panels.values()) if len(lines) > 1), None)
    legend = () if first is None else list(panels.values())[first]
    top = LEGEND if legend else 0
    share, tall = width / columns, (height - top) / math.ceil(len(panels) / columns)
    parts, drawn = [_legend(legend, (first or 0) % columns * share, width)], []
    for i, (title, lines) in enumerate(panels.items()):
        corner = (i % columns * share, top + i // columns * tall)
        area = _Area(corner, (share, tall), lines, (steps, ends), x, log_x, title in log, bands or {})
        parts.append(area.frame(title, axis, marks or {}))
        for style, (name, values) in zip(STYLES, lines.items(), strict=False):
            said = name if name == title else f"{title}, {name}"
            drawn.append(area.line(said, [float(value) for value in values], (bands or {}).get(name)))
            parts.append(area.band(drawn[-1], style[2]))
            parts.append(svg.curve(drawn[-1].spots, style))
    head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {FONT} font-size='14'>"
    base = f"<rect width='{width}' height='{height}' fill='#fff'/>{''.join(parts)}"
    return Chart(head, base, tuple(drawn), (width, height), axis, marks or {})


class _Area:
    """The axes of one panel: from numbers to pixels, with ticks at round numbers."""

    def __init__(self, corner, size, lines, reach, x, log_x, log_y, bands):
        self.left, self.right = corner[0] + LEFT, corner[0] + size[0] - RIGHT
        self.top, self.bottom = corner[1] + TOP, corner[1] + size[1] - BOTTOM
        longest = max(len(values) for values in lines.values())
        self.x = [float(number) for number in (range(longest) if x is None else x)]
        steps, ends = reach
        ends = ends or (self.x[0], max(self.x[-1], steps or 0, 1 if x is None else self.x[-1]))
        self.log_x, self.log_y = log_x, log_y
        self.across = _scale(ends, log_x, 0.0)
        values = [float(value) for values in lines.values() for value in values]
        for name in lines.keys() & bands.keys():
            values += [
                float(v) + sign * float(h) for v, h in zip(lines[name], bands[name], strict=True) for sign in (-1, 1)
            ]
        self.up = _scale(values, log_y, 0.06)

    def spot(self, x, y):
        along = lambda value, scale, log: ((math.log10(value) if log else value) - scale[0]) / (scale[1] - scale[0])
        across, up = along(x, self.across, self.log_x), along(y, self.up, self.log_y)
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def line(self, name, values, half):
        half = () if half is None else tuple(float(width) for width in half)
        return Line(name, tuple(self.x), tuple(values), self._along(values), (self.top, self.bottom), half)

    def band(self, line, colour):
        """The shaded band around a line, if it has one."""
        if not line.half:
            return ""
        low, high = ([v + sign * h for v, h in zip(line.values, line.half, strict=True)] for sign in (-1, 1))
        return svg.band(self._along(low), self._along(high), colour)

    def _along(self, values):
        return tuple(self.spot(x, y) for x, y in zip(self.x, values, strict=False))

    def frame(self, title, axis, marks):
        """Title, axes, grid, ticks and marks."""
        left, right, top, bottom = self.left, self.right, self.top, self.bottom
        middle = (left + right) / 2
        low = lambda scale, log: 10 ** scale[0] if log else scale[0]
        parts = [svg.text(middle, top - 10, title, INK, "middle", size=15)]
        parts.append(svg.text(middle, bottom + 36, axis, INK, "middle"))
        for value in _ticks(self.up, self.log_y, max(2, int((bottom - top) / 32))):
            _, y = self.spot(low(self.across, self.log_x), value)
            parts.append(svg.stroke(left, y, right, y, LINES) + svg.text(left - 6, y + 5, _short(value), QUIET, "end"))
        for value in _ticks(self.across, self.log_x, max(2, int((right - left) / 60))):
            x, _ = self.spot(value, low(self.up, self.log_y))
            parts.append(
                svg.stroke(x, bottom, x, bottom + 4, QUIET) + svg.text(x, bottom + 18, _short(value), QUIET, "middle")
            )
        parts.append(svg.stroke(left, top, left, bottom, QUIET) + svg.stroke(left, bottom, right, bottom, QUIET))
        for k, (name, value) in enumerate(marks.items()):
            x, _ = self.spot(value, low(self.up, self.log_y))
            anchor, aside = ("start", 5) if x < middle else ("end", -5)
            parts.append(svg.stroke(x, top, x, bottom, INK, "stroke-dasharray='5 3'"))
            parts.append(svg.text(x + aside, top + 12 + 17 * k, name, INK, anchor, halo=True))
        return "".join(parts)


def _scale(values, log, margin):
    """(low, high) of the axis, as powers of ten where it is logarithmic, with a margin on both sides."""
    values = [math.log10(max(value, 1e-300)) if log else value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(values), max(values)
    wide = high - low or abs(high) * 0.1 or 1.0
    middle = (low + high) / 2
    low, high = (low, high) if high - low > 1e-12 * max(abs(high), 1) else (middle - wide / 2, middle + wide / 2)
    return low - margin * (high - low), high + margin * (high - low)


def _ticks(scale, log, count):
    """About `count` round numbers inside the scale, two at least."""
    for finer in (1, 2, 4, 8):
        found = _decades(*scale, count * finer) if log else _round_numbers(*scale, count * finer)
        if len(found) > 1:
            return found
    return found


def _round_numbers(low, high, count):
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _decades(low, high, count):
    """Powers of ten; round numbers where there is room for one power only."""
    powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    if len(powers) < 2:
        return _round_numbers(10**low, 10**high, count)
    return [10.0**power for power in powers[:: math.ceil(len(powers) / count)]]


def _short(value):
    """A round number in few letters: 5000, 10⁴, 2·10⁶."""
    if abs(value) < 1e4:
        return number(value) if abs(value) < 1000 else f"{value:.0f}".replace("-", "−")
    mantissa, power = f"{value:.0e}".replace("-", "−").split("e+")
    raised = str(int(power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if mantissa == "1" else f"{mantissa}·10{raised}"


def _legend(names, left, width):
    """Dash, marker and name of every line, one after the other; begins at `left` and ends inside the width."""
    space = lambda name: 64 + 8 * len(name)
    parts, x = [], max(0, min(left + LEFT, width - sum(map(space, names))))
    for name, (dash, marker, colour) in zip(names, STYLES, strict=False):
        parts.append(svg.stroke(x, 14, x + 34, 14, colour, f"stroke-width='2' stroke-dasharray='{dash}'"))
        parts.append(svg.marker((x + 17, 14), marker, colour) + svg.text(x + 42, 19, name, INK, "start"))
        x += space(name)
    return "".join(parts)


def _cursor(line, k):
    x, y = line.spots[k]
    dot = f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5' fill='{ACCENT}' stroke='#fff' stroke-width='2'/>"
    return svg.stroke(x, line.heights[0], x, line.heights[1], ACCENT, "stroke-width='2'") + dot


def note(words, width, height):
    """A drawing of one line of text, which keeps the place of curves to come."""
    size = f"width='{width}' height='{height}'"
    text = svg.text(width / 2, height / 2, words, QUIET, "middle")
    sheet = f"<svg xmlns='http://www.w3.org/2000/svg' {size} {FONT}><rect {size} fill='#fff'/>{text}</svg>"
    return Drawing(sheet, words, (width, height))
