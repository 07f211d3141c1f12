"""Numbers against the iterate, as SVG: a drawing takes a few milliseconds, and a cursor only adds to it."""

import html
import math
from dataclasses import dataclass

from .pictures import image_element, number

STYLES = (
    ("", "circle", "#0072B2"),
    ("8 4", "square", "#D55E00"),
    ("2 4", "triangle", "#00795A"),
    ("9 3 2 3", "diamond", "#8E4585"),
)
ACCENT, INK, QUIET, LINES = "#D55E00", "#1a1a1a", "#545454", "#e4e4e4"
FONT = "font-family='DejaVu Sans,Verdana,Arial,sans-serif'"
LEFT, RIGHT, TOP, BOTTOM, LEGEND = 58, 14, 28, 44, 26  # pixels around the axes of a panel; a row for the legend


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


@dataclass(frozen=True, repr=False)
class Chart:
    """Curves that are drawn once; `at(k)` adds a cursor at the k-th number without drawing them again."""

    base: str  # SVG without its end
    lines: tuple
    size: tuple
    axis: str

    def at(self, k=None):
        """The drawing with a cursor at the k-th number (clipped to the last), and its sentence."""
        marks = [] if k is None else [_cursor(line, min(k, len(line.values) - 1)) for line in self.lines]
        return Drawing(f"{self.base}{''.join(marks)}</svg>", self._sentence(k), self.size)

    def _sentence(self, k):
        words = []
        for line in self.lines:
            last = len(line.values) - 1
            here = "" if k is None else f", {number(line.values[min(k, last)])} at {number(line.x[min(k, last)])}"
            ends = f"{number(line.values[0])} to {number(line.values[last])}"
            words.append(f"{line.name} goes from {ends} in {last} steps{here}")
        return f"Curves against the {self.axis}: " + "; ".join(words) + "."

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
        area = _Area(corner, (share, tall), lines, (steps, ends), x, log_x, title in log)
        parts.append(area.frame(title, axis, marks or {}))
        for style, (name, values) in zip(STYLES, lines.items(), strict=False):
            drawn.append(area.line(name, [float(value) for value in values]))
            parts.append(_path(drawn[-1].spots, style))
    head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {FONT} font-size='14'>"
    base = f"{head}<rect width='{width}' height='{height}' fill='#fff'/>{''.join(parts)}"
    return Chart(base, tuple(drawn), (width, height), axis)


class _Area:
    """The axes of one panel: from numbers to pixels, with ticks at round numbers."""

    def __init__(self, corner, size, lines, reach, x, log_x, log_y):
        self.left, self.right = corner[0] + LEFT, corner[0] + size[0] - RIGHT
        self.top, self.bottom = corner[1] + TOP, corner[1] + size[1] - BOTTOM
        longest = max(len(values) for values in lines.values())
        self.x = [float(number) for number in (range(longest) if x is None else x)]
        steps, ends = reach
        ends = ends or (self.x[0], max(self.x[-1], steps or 0, 0 if x else 1))
        self.log_x, self.log_y = log_x, log_y
        self.across = _scale(ends, log_x, 0.0)
        self.up = _scale([float(value) for values in lines.values() for value in values], log_y, 0.06)

    def spot(self, x, y):
        along = lambda value, scale, log: ((math.log10(value) if log else value) - scale[0]) / (scale[1] - scale[0])
        across, up = along(x, self.across, self.log_x), along(y, self.up, self.log_y)
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def line(self, name, values):
        spots = tuple(self.spot(x, y) for x, y in zip(self.x, values, strict=False))
        return Line(name, tuple(self.x), tuple(values), spots, (self.top, self.bottom))

    def frame(self, title, axis, marks):
        """Title, axes, grid, ticks and marks."""
        left, right, top, bottom = self.left, self.right, self.top, self.bottom
        middle = (left + right) / 2
        low = lambda scale, log: 10 ** scale[0] if log else scale[0]
        parts = [_text(middle, top - 10, title, INK, "middle", size=15)]
        parts.append(_text(middle, bottom + 36, axis, INK, "middle"))
        for value in _ticks(self.up, self.log_y, max(2, int((bottom - top) / 32))):
            _, y = self.spot(low(self.across, self.log_x), value)
            parts.append(_stroke(left, y, right, y, LINES) + _text(left - 6, y + 5, _short(value), QUIET, "end"))
        for value in _ticks(self.across, self.log_x, max(2, int((right - left) / 60))):
            x, _ = self.spot(value, low(self.up, self.log_y))
            parts.append(
                _stroke(x, bottom, x, bottom + 4, QUIET) + _text(x, bottom + 18, _short(value), QUIET, "middle")
            )
        parts.append(_stroke(left, top, left, bottom, QUIET) + _stroke(left, bottom, right, bottom, QUIET))
        for k, (name, value) in enumerate(marks.items()):
            x, _ = self.spot(value, low(self.up, self.log_y))
            anchor, aside = ("start", 5) if x < middle else ("end", -5)
            parts.append(_stroke(x, top, x, bottom, INK, "stroke-dasharray='5 3'"))
            parts.append(_text(x + aside, top + 12 + 17 * k, name, INK, anchor, halo=True))
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


def _text(x, y, words, colour, anchor, size=14, halo=False):
    look = f"fill='{colour}' text-anchor='{anchor}' font-size='{size}'"
    look += " stroke='#fff' stroke-width='4' paint-order='stroke'" if halo else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' {look}>{html.escape(words)}</text>"


def _stroke(x0, y0, x1, y1, colour, more=""):
    return f"<path d='M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}' stroke='{colour}' {more}/>"


def _path(spots, style):
    """The curve with about six markers on it."""
    dash, marker, colour = style
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    curve = f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2' stroke-dasharray='{dash}'/>"
    return curve + "".join(_marker(spot, marker, colour) for spot in spots[:: max(1, len(spots) // 6)])


def _marker(spot, kind, colour):
    x, y = spot
    if kind == "circle":
        return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'/>"
    corners = {"square": "-3,-3 3,-3 3,3 -3,3", "triangle": "0,-4 4,3 -4,3", "diamond": "0,-4 4,0 0,4 -4,0"}[kind]
    return f"<polygon points='{corners}' transform='translate({x:.1f} {y:.1f})' fill='{colour}'/>"


def _legend(names, left, width):
    parts, stride = [], min(200, (width - left - LEFT) / max(1, len(names)))
    for k, (name, (dash, marker, colour)) in enumerate(zip(names, STYLES, strict=False)):
        x, y = left + LEFT + stride * k, 14
        parts.append(_stroke(x, y, x + 34, y, colour, f"stroke-width='2' stroke-dasharray='{dash}'"))
        parts.append(_marker((x + 17, y), marker, colour) + _text(x + 42, y + 5, name, INK, "start"))
    return "".join(parts)


def _cursor(line, k):
    x, y = line.spots[k]
    dot = f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5' fill='{ACCENT}' stroke='#fff' stroke-width='2'/>"
    return _stroke(x, line.heights[0], x, line.heights[1], ACCENT, "stroke-width='2'") + dot


def note(words, width, height):
    """A drawing of one line of text, which keeps the place of curves to come."""
    size = f"width='{width}' height='{height}'"
    text = _text(width / 2, height / 2, words, QUIET, "middle")
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' {size} {FONT}><rect {size} fill='#fff'/>{text}</svg>"
    return Drawing(svg, words, (width, height))
