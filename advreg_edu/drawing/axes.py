"""The axes of a chart: from numbers to pixels, with ticks at round numbers."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import svg
from .panels import number
from .svg import INK, LINES, QUIET

Pair: TypeAlias = tuple[float, float]
Numbers: TypeAlias = Collection[Any]  # floats, or what float() takes: NumPy's numbers, tensors of one number

LEFT, RIGHT, TOP, BOTTOM = 56, 14, 8, 42  # pixels around the axes of a panel


@dataclass(frozen=True)
class Line:
    """A curve as it is drawn: its name, its numbers, where they are in the picture, and the heights of its axes.

    >>> Line("loss", x=(0.0, 1.0), values=(4.0, 2.0), spots=((58, 28), (282, 156)), heights=(28, 156)).name
    'loss'
    """

    name: str
    x: tuple[float, ...]
    values: tuple[float, ...]
    spots: tuple[Pair, ...]  # [(x, y), ...] in pixels from the top left
    heights: Pair  # pixels, top and bottom of the axes
    half: tuple[float, ...] = ()  # half widths of the band around it


class Area:
    """The axes of one panel: from numbers to pixels, with ticks at round numbers.

    >>> area = Area((0, 0), (300, 200), {"loss": [4.0, 2.0, 1.0]}, (None, None), None, False, False, {})
    >>> left, right = area.spot(0, 4.0), area.spot(2, 1.0)
    >>> left[0] < right[0], left[1] < right[1]  # pixels count from the top
    (True, True)
    """

    def __init__(
        self,
        corner: Pair,
        size: Pair,
        lines: Mapping[str, Numbers],
        reach: tuple[float | None, Pair | None],
        x: Numbers | None,
        log_x: bool,
        log_y: bool,
        bands: Mapping[str, Numbers],
    ) -> None:
        self.left, self.right = corner[0] + LEFT, corner[0] + size[0] - RIGHT
        self.top, self.bottom = corner[1] + TOP, corner[1] + size[1] - BOTTOM
        longest = max(len(values) for values in lines.values())
        self.x = [float(place) for place in (range(longest) if x is None else x)]
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

    def spot(self, x: float, y: float) -> Pair:
        """Where the numbers (x, y) lie, in pixels from the top left."""
        across, up = _share(x, self.across, self.log_x), _share(y, self.up, self.log_y)
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def line(self, name: str, values: Sequence[float], half: Numbers | None) -> Line:
        """The curve through these values, with a band of these half widths, if any."""
        band = () if half is None else tuple(float(width) for width in half)
        return Line(name, tuple(self.x), tuple(values), self._along(values), (self.top, self.bottom), band)

    def band(self, line: Line, colour: str) -> str:
        """The shaded band around a line, if it has one."""
        if not line.half:
            return ""
        low, high = ([v + sign * h for v, h in zip(line.values, line.half, strict=True)] for sign in (-1, 1))
        return svg.band(self._along(low), self._along(high), colour)

    def _along(self, values: Sequence[float]) -> tuple[Pair, ...]:
        return tuple(self.spot(x, y) for x, y in zip(self.x, values, strict=False))

    def frame(self, axis: str, marks: Mapping[str, float]) -> str:
        """Axes, grid, ticks and marks."""
        left, right, top, bottom = self.left, self.right, self.top, self.bottom
        middle = (left + right) / 2
        x_first, y_first = _first(self.across, self.log_x), _first(self.up, self.log_y)
        parts = [svg.text(middle, bottom + 36, axis, INK, "middle")]
        for value in _ticks(self.up, self.log_y, max(2, int((bottom - top) / 30))):
            _, y = self.spot(x_first, value)
            parts.append(svg.stroke(left, y, right, y, LINES) + svg.text(left - 6, y + 5, _short(value), QUIET, "end"))
        for value in _ticks(self.across, self.log_x, max(2, int((right - left) / 56))):
            x, _ = self.spot(value, y_first)
            parts.append(
                svg.stroke(x, bottom, x, bottom + 4, QUIET) + svg.text(x, bottom + 18, _short(value), QUIET, "middle")
            )
        parts.append(svg.stroke(left, top, left, bottom, QUIET) + svg.stroke(left, bottom, right, bottom, QUIET))
        return "".join([*parts, *self._marks({name: self.spot(x, y_first)[0] for name, x in marks.items()})])

    def _marks(self, marks: Mapping[str, float]) -> Iterator[str]:
        """Upright lines at these pixels. Two names stand at the outer sides of their lines where there is room, so that
        neither crosses the other's line; else each has a row of its own."""
        middle, wide = (self.left + self.right) / 2, lambda name: 5 + 8.5 * len(name)
        low, high = (end(marks, key=marks.__getitem__, default="") for end in (min, max))
        apart = len(marks) == 2 and marks[low] < marks[high]
        apart = apart and marks[low] - wide(low) >= self.left and marks[high] + wide(high) <= self.right + RIGHT
        for row, (name, x) in enumerate(marks.items()):
            right = name == high if apart else x < middle
            anchor, aside = ("start", 5) if right else ("end", -5)
            yield svg.stroke(x, self.top, x, self.bottom, INK, "stroke-dasharray='5 3'")
            yield svg.text(x + aside, self.top + 12 + (0 if apart else 17 * row), name, INK, anchor, halo=True)


def _share(value: float, scale: Pair, log: bool) -> float:
    """How far along the axis a value lies, from 0 to 1."""
    return ((math.log10(value) if log else value) - scale[0]) / (scale[1] - scale[0])


def _first(scale: Pair, log: bool) -> float:
    """The number at the beginning of the axis."""
    return 10 ** scale[0] if log else scale[0]


def _scale(values: Sequence[float], log: bool, margin: float) -> Pair:
    """(low, high) of the axis, as powers of ten where it is logarithmic, with a margin on both sides."""
    values = [math.log10(max(value, 1e-300)) if log else value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(values), max(values)
    wide = high - low or abs(high) * 0.1 or 1.0
    middle = (low + high) / 2
    low, high = (low, high) if high - low > 1e-12 * max(abs(high), 1) else (middle - wide / 2, middle + wide / 2)
    return low - margin * (high - low), high + margin * (high - low)


def _ticks(scale: Pair, log: bool, count: int) -> list[float]:
    """About `count` round numbers inside the scale, two at least."""
    for finer in (1, 2, 4, 8):
        found = (_decades if log else _round_numbers)(scale[0], scale[1], count * finer)
        if len(found) > 1:
            return found
    return found


def _round_numbers(low: float, high: float, count: int) -> list[float]:
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float, count: int) -> list[float]:
    """Powers of ten; round numbers where there is room for one power only."""
    powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    if len(powers) < 2:
        return _round_numbers(10**low, 10**high, count)
    return [10.0**power for power in powers[:: math.ceil(len(powers) / count)]]


def _short(value: float) -> str:
    """A round number in few letters: 5000, 10⁴, 2·10⁶."""
    if abs(value) < 1e4:
        return number(value) if abs(value) < 1000 else f"{value:.0f}".replace("-", "−")
    mantissa, power = f"{value:.0e}".replace("-", "−").split("e+")
    raised = str(int(power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if mantissa == "1" else f"{mantissa}·10{raised}"
