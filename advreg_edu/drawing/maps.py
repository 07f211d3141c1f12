"""Pictures of the plane: heat map and level lines of a functional, the manifold, points and arrows (not in the paper).

By Pillow, in some 20 milliseconds a panel. As in `pictures`, the picture carries a sentence computed from its numbers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageDraw

from .looks import colour_table
from .panels import ACCENT, COLOURS, GAP, INK, PAPER, Panel, Picture, number

GRAY = (105, 105, 105)  # seen on white and on black
CELLS, FINE = 96, 2  # cells of the heat map on a side; the drawing is made so much larger and averaged down

Span: TypeAlias = tuple[float, float]
Place: TypeAlias = Callable[[torch.Tensor], list[tuple[float, float]]]  # points (B, ..., 2) to pixels


class World(Protocol):
    """What is drawn of a manifold: a curve, and its velocity, which is zero where the manifold is isolated points.

    `theory.worlds` has some.

    >>> from advreg_edu.theory import worlds
    >>> plane([Plane("M", world=worlds.circle())])
    The unit square, M (M, in orange: circle).
    """

    @property
    def curve(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """From t (...) in [0, 1] to points (..., 2)."""

    @property
    def velocity(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """From t (...) to the derivative of the curve (..., 2)."""


@dataclass(frozen=True)
class Plane:
    """One panel, the unit square, first coordinate to the right, second upwards. What is left out is not drawn.

    >>> height = lambda x: x[..., 1].flatten()
    >>> plane([Plane("points", x=torch.rand(5, 1, 1, 2))])
    The unit square, points (5 points).
    >>> plane([Plane("points", height, x=torch.rand(5, 1, 1, 2))])
    The unit square, points (values 0.00521 to 0.995, ..., 5 points). Level lines are 0.05 apart.
    """

    title: str
    f: Callable | torch.Tensor | None = None  # points (B, 1, 1, 2) to (B,), or its values `on_grid`: heat, level lines
    world: World | None = None  # M, orange
    x: torch.Tensor | None = None  # points (B, ..., 2): dots
    arrows: torch.Tensor | None = None  # from x, in units of the plane, in the place of dots
    ends: torch.Tensor | None = None  # where each of x is carried: a line from its dot
    signed: bool = False  # red above 0, blue below, in the place of dark to bright


def plane(panels: Sequence[Plane], spacing: float = 0.05, limits: Span | None = None) -> Picture:
    """Panels side by side; those of one kind share one scale. Unsigned ones have level lines, `spacing` apart.

    Args: panels, `Plane`s; limits (low, high) of the unsigned panels, by default the range of their values.

    >>> print(plane([Plane("height", lambda x: x[..., 1].flatten())], spacing=0.25))
    The unit square, height (values 0.00521 to 0.995, ...). Level lines are 0.25 apart.
    """
    values = [None if panel.f is None else on_grid(panel.f) for panel in panels]
    spans = [_span(panel, panels, values, limits) for panel in panels]
    side = min(400, (848 + GAP) // len(panels) - GAP)
    shown = []
    for panel, heat, span in zip(panels, values, spans, strict=True):
        shown.append(Panel(_drawn(panel, heat, span, spacing, side), panel.title, _kind(panel), span))
    words = [_words(*parts) for parts in zip(panels, values, spans, strict=True)]
    tail = f" Level lines are {number(spacing)} apart." if any(low + high for low, high in filter(None, spans)) else ""
    return Picture(tuple(shown), "The unit square, " + "; ".join(words) + "." + tail, side)


def lattice(cells: int = 14) -> torch.Tensor:
    """Points on a square lattice, to put arrows on: (cells^2, 1, 1, 2).

    >>> lattice(2)[:, 0, 0].tolist()
    [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]
    """
    ticks = (torch.arange(cells) + 0.5) / cells
    return torch.cartesian_prod(ticks, ticks)[:, None, None]


def _kind(panel: Plane) -> str:
    return "signed" if panel.signed else "magnitude"


@torch.no_grad()
def on_grid(f: Callable[[torch.Tensor], torch.Tensor] | torch.Tensor) -> torch.Tensor:
    """Values of f at the cells of the heat map: (CELLS, CELLS), rows are the second coordinate.

    >>> on_grid(lambda x: x[..., 1].flatten()).shape
    torch.Size([96, 96])
    """
    if isinstance(f, torch.Tensor):
        return f
    ticks = (torch.arange(CELLS) + 0.5) / CELLS
    rows, columns = torch.meshgrid(ticks, ticks, indexing="ij")
    return f(torch.stack([columns, rows], -1).reshape(-1, 1, 1, 2)).reshape(CELLS, CELLS)


def _span(
    panel: Plane, panels: Sequence[Plane], values: Sequence[torch.Tensor | None], limits: Span | None
) -> Span | None:
    """(low, high) of the scale that all panels of this kind share."""
    if panel.f is None:
        return None
    pairs = zip(panels, values, strict=True)
    peers = torch.stack([heat for other, heat in pairs if heat is not None and other.signed == panel.signed])
    if panel.signed:
        high = float(peers.abs().max()) or 1.0
        return -high, high
    low, high = limits or (float(peers.min()), float(peers.max()))
    low = 0.0 if 0 < low < 0.05 * high else low  # a distance begins at 0, though no cell lies on M exactly
    return low, high if high > low else low + 1.0


def _drawn(panel: Plane, heat: torch.Tensor | None, span: Span | None, spacing: float, side: int) -> Image.Image:
    """The panel as an image of side x side pixels; where there is no heat map, the page shows through."""
    size = FINE * side
    if heat is None or span is None:
        sheet = Image.new("RGBA", (size, size), (127, 127, 127, 0))
    else:
        sheet = _heat(panel, heat, span, spacing, size)
    draw = ImageDraw.Draw(sheet)
    place: Place = lambda x: [(size * u, size * (1 - v)) for u, v in x.detach().reshape(-1, 2).tolist()]
    if panel.world is not None:
        _manifold(draw, panel.world, place)
    if panel.x is not None and panel.ends is not None:
        for line in zip(place(panel.x), place(panel.ends), strict=True):
            draw.line(line, fill=GRAY, width=3)
    if panel.x is not None and panel.arrows is None:
        for u, v in place(panel.x):
            draw.ellipse([u - 5, v - 5, u + 5, v + 5], fill=PAPER, outline=INK, width=2)
    elif panel.x is not None and panel.arrows is not None:
        colour = GRAY if heat is None else INK if panel.signed else PAPER
        for start, end in zip(place(panel.x), place(panel.x + panel.arrows), strict=True):
            _arrow(draw, start, end, colour)
    return sheet.reduce(FINE)


def _heat(panel: Plane, heat: torch.Tensor, span: Span, spacing: float, size: int) -> Image.Image:
    low, high = span
    coarse = Image.fromarray(heat.float().flip(0).numpy())
    fine = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))
    levels = (np.clip((fine - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)
    pixels = colour_table(COLOURS[_kind(panel)])[levels].copy()
    if not panel.signed:
        steps = np.floor(np.clip(fine, low, high) / spacing)  # no lines where the colour has ended
        pixels[:-1][steps[:-1] != steps[1:]] = PAPER
        pixels[:, :-1][steps[:, :-1] != steps[:, 1:]] = PAPER
    return Image.fromarray(pixels)


def _manifold(draw: ImageDraw.ImageDraw, world: World, place: Place) -> None:
    t = torch.linspace(0, 1, 601, dtype=torch.float64)
    path = place(world.curve(t))
    if world.velocity(t).any():
        for width, colour in ((9, PAPER), (5, ACCENT)):
            draw.line(path, fill=colour, width=width, joint="curve")
    else:
        for u, v in path:
            draw.ellipse([u - 11, v - 11, u + 11, v + 11], fill=ACCENT, outline=PAPER, width=3)


def _arrow(draw: ImageDraw.ImageDraw, start: Span, end: Span, colour: tuple[int, int, int]) -> None:
    (u, v), (dx, dy) = end, (end[0] - start[0], end[1] - start[1])
    length = math.hypot(dx, dy)
    if length < 2:
        return draw.ellipse([u - 2, v - 2, u + 2, v + 2], fill=colour)
    draw.line([start, end], fill=colour, width=3)
    dx, dy = dx / length, dy / length
    head = min(12.0, 0.6 * length)
    wings = [(u - head * (dx - side * 0.55 * dy), v - head * (dy + side * 0.55 * dx)) for side in (1, -1)]
    return draw.polygon([end, *wings], fill=colour)


def _words(panel: Plane, heat: torch.Tensor | None, span: Span | None) -> str:
    parts = []
    if heat is not None and span is not None:
        row, column = divmod(int(heat.argmin()), CELLS)
        place = f"({number((column + 0.5) / CELLS)}, {number((row + 0.5) / CELLS)})"
        parts.append(f"values {number(float(heat.min()))} to {number(float(heat.max()))}, lowest at {place}")
        parts.append(f"shown from {number(span[0])} to {number(span[1])}")
    if panel.world is not None:
        parts.append(f"M, in orange: {panel.world}")
    if panel.x is not None and panel.arrows is None:
        parts.append(f"{panel.x.reshape(-1, 2).shape[0]} points")
        if panel.ends is not None:
            ways = (panel.ends - panel.x).reshape(-1, 2).norm(dim=1)
            parts.append(f"each carried along a line, {number(float(ways.mean()))} in the mean")
    elif panel.x is not None and panel.arrows is not None:
        lengths = panel.arrows.reshape(-1, 2).norm(dim=1)
        parts.append(f"{len(lengths)} arrows of mean length {number(float(lengths.mean()))}")
    return f"{panel.title} ({', '.join(parts)})"
