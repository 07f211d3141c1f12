"""Pictures of the plane: heat map and level lines of a functional, the manifold, points and arrows (not in the paper).

As in `pictures`, every picture carries a sentence computed from its numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from .pictures import ACCENT, COLOURS, Picture, number, png
from .worlds import World

CELLS, LINES = 96, 60  # cells of the heat map on a side; level lines at most
GAP, TOP, BOTTOM = 14, 28, 46  # pixels between, above and below panels


@dataclass(frozen=True)
class Plane:
    """One panel, the unit square. What is left out is not drawn."""

    title: str
    f: Callable | None = None  # points (B, 1, 1, 2) to (B,): heat map and level lines
    world: World | None = None  # M, orange
    x: torch.Tensor | None = None  # points (B, ..., 2): dots
    arrows: torch.Tensor | None = None  # at x, in units of the plane
    signed: bool = False  # red above 0, blue below, instead of dark to bright


def plane(panels, spacing=0.05, width=848, limits=None):
    """Panels side by side; those of one kind share one scale and the same level lines, `spacing` apart.

    Args: panels, `Plane`s; limits (low, high) of the unsigned panels, by default the range of their values.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    values = [None if panel.f is None else _on_grid(panel.f) for panel in panels]
    spans = [_span(panel, panels, values, limits) for panel in panels]
    side = min((width - GAP * (len(panels) - 1)) / len(panels), 410) - 1
    height = side + TOP + BOTTOM
    figure = Figure(figsize=(width / 96, height / 96), dpi=96, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    for i, (panel, heat, span) in enumerate(zip(panels, values, spans, strict=True)):
        left = i * (side + GAP)
        axes = figure.add_axes([left / width, BOTTOM / height, side / width, side / height])
        mesh = _draw(axes, panel, heat, span, spacing)
        if mesh is not None:
            _bar(figure, mesh, span, left / width, side / width, height)
    canvas.draw()
    sheet = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    words = [_words(panel, heat, span) for panel, heat, span in zip(panels, values, spans, strict=True)]
    tail = f" Level lines are {number(spacing)} apart." if any(heat is not None for heat in values) else ""
    return Picture(png(sheet), "The unit square, " + "; ".join(words) + "." + tail, sheet.size)


def lattice(cells=16, margin=0.04):
    """Points on a square lattice, to put arrows on: (cells^2, 1, 1, 2)."""
    ticks = torch.linspace(margin, 1 - margin, cells)
    return torch.cartesian_prod(ticks, ticks)[:, None, None]


@torch.no_grad()
def _on_grid(f):
    ticks = (torch.arange(CELLS) + 0.5) / CELLS
    rows, columns = torch.meshgrid(ticks, ticks, indexing="ij")
    values = f(torch.stack([columns, rows], -1).reshape(-1, 1, 1, 2))
    return values.reshape(CELLS, CELLS).numpy()  # row = second coordinate


def _span(panel, panels, values, limits):
    """(low, high) of the scale that all panels of this kind share."""
    if panel.f is None:
        return None
    pairs = zip(panels, values, strict=True)
    peers = [heat for other, heat in pairs if other.f is not None and other.signed == panel.signed]
    if panel.signed:
        high = max(float(np.abs(heat).max()) for heat in peers) or 1.0
        return -high, high
    low, high = limits or (min(float(heat.min()) for heat in peers), max(float(heat.max()) for heat in peers))
    low = 0.0 if 0 < low < 0.01 * high else low  # a distance begins at 0, not at 5.5e-6
    return low, high if high > low else low + 1.0


def _draw(axes, panel, heat, span, spacing):
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    axes.set_title(panel.title, fontsize=12, pad=6)
    mesh = None if heat is None else _draw_heat(axes, panel, heat, span, spacing)
    _draw_world(axes, panel.world)
    if panel.x is not None:
        _draw_points(axes, panel)
    return mesh


def _draw_heat(axes, panel, heat, span, spacing):
    ticks = (np.arange(CELLS) + 0.5) / CELLS
    style = dict(cmap=COLOURS["signed" if panel.signed else "magnitude"], vmin=span[0], vmax=span[1])
    levels = spacing * np.arange(np.ceil(span[0] / spacing), span[1] / spacing)[:LINES]
    look = dict(colors="#545454" if panel.signed else "white", linewidths=0.7, linestyles="solid", alpha=0.8)
    axes.contour(ticks, ticks, heat, levels=levels, **look)
    return axes.imshow(heat, extent=(0, 1, 0, 1), origin="lower", interpolation="bilinear", **style)


def _draw_points(axes, panel):
    x = panel.x.detach().reshape(-1, 2).numpy()
    if panel.arrows is None:
        return axes.scatter(*x.T, s=9, c="white", edgecolors="black", linewidths=0.6, zorder=4)
    u = panel.arrows.detach().reshape(-1, 2).numpy()
    colour = "black" if panel.f is None or panel.signed else "white"
    return axes.quiver(*x.T, *u.T, color=colour, angles="xy", scale_units="xy", scale=1, width=0.005, zorder=4)


def _draw_world(axes, world):
    if world is None:
        return
    t = torch.linspace(0, 1, 601, dtype=torch.float64)
    path, colour = world.curve(t).numpy(), tuple(level / 255 for level in ACCENT)
    if float(world.velocity(t).abs().max()) == 0:  # single points
        axes.scatter(*path.T, s=60, color=colour, edgecolors="white", zorder=5)
    else:
        axes.plot(*path.T, color="white", lw=4, zorder=2, solid_capstyle="round")
        axes.plot(*path.T, color=colour, lw=2.2, zorder=3, solid_capstyle="round")


def _bar(figure, mesh, span, left, width, height):
    axes = figure.add_axes([left, (BOTTOM - 18) / height, width, 10 / height])
    bar = figure.colorbar(mesh, cax=axes, orientation="horizontal", ticks=[])
    bar.outline.set_edgecolor("#969696")
    marks = [(0, span[0], "left"), (1, span[1], "right")] + ([(0.5, 0.0, "center")] if span[0] == -span[1] else [])
    style = dict(va="top", fontsize=12, color="#545454", transform=axes.transAxes)
    for place, value, align in marks:
        axes.text(place, -0.6, number(value), ha=align, **style)


def _words(panel, heat, span):
    parts = []
    if heat is not None:
        row, column = np.unravel_index(heat.argmin(), heat.shape)
        place = f"({number((column + 0.5) / CELLS)}, {number((row + 0.5) / CELLS)})"
        parts.append(f"values {number(float(heat.min()))} to {number(float(heat.max()))}, lowest at {place}")
        parts.append(f"shown from {number(span[0])} to {number(span[1])}")
    if panel.world is not None:
        parts.append(f"M, orange, is {panel.world}")
    if panel.x is not None:
        count = panel.x.reshape(-1, 2).shape[0]
        parts.append(f"{count} points" if panel.arrows is None else _arrow_words(panel, count))
    return f"{panel.title} ({', '.join(parts)})"


def _arrow_words(panel, count):
    lengths = panel.arrows.detach().reshape(-1, 2).norm(dim=1)
    return f"{count} arrows of mean length {number(float(lengths.mean()))}"
