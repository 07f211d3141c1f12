"""Vessels, nodules and inflammation in the lungs of a Chest. Not in the paper."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ._canvas import Chest
from ._shapes import dots, norm

ROOTS, FORKS, SECTIONS = 16, 4, 420  # trees in both lungs, times a branch divides, single vessels cut across

Points = tuple[Tensor, Tensor, Tensor, Tensor]  # x, y, radius and brightness, each (B, points)


def add_lung_vessels(c: Chest) -> None:
    """Trees that grow from the hilum and leave the slice again, and cross-sections of vessels everywhere."""
    x, y, r, bright = (torch.cat(v, 1) for v in zip(*_branches(c), _sections(c), strict=True))
    c.cover(_as_mask(c, x, y, r, bright) * c.air, c.draw(0.6, 1.0) * (c.blood_hu + 20))


def add_disease(c: Chest) -> None:
    """Now and then a nodule, or a lung full of fluid in places."""
    sick = c.chance(0.12) * ((c.rough(7) + c.rough(14) - c.draw(1.2, 2.0)) * 1.2).clamp(0, 0.8)
    c.cover(c.air * sick, -100 + 60 * c.rough(40))
    nodule = norm(c.x - c.draw(-0.7, 0.7), c.y - c.draw(-0.4, 0.4)) - c.draw(0.015, 0.08) + 0.01 * c.rough(24)
    c.paint(nodule, c.draw(0, 60), c.air * c.chance(0.15), soft=1.5)


def _uniform(c: Chest, count: int) -> Callable[[float, float], Tensor]:
    return lambda low, high: low + (high - low) * torch.rand(c.batch, count, generator=c.generator)


def _branches(c: Chest) -> Iterator[Points]:
    """Points along the trees, one generation at a time.

    z is the height over the slice in units of its thickness: a vessel fades as it leaves the slice.
    """
    cx, ax, cy, level = (v.view(-1, 1) for v in (c.cx, c.ax, c.cy, c.level))
    u = _uniform(c, ROOTS)
    side = torch.tensor([-1.0, 1.0]).repeat(ROOTS // 2).expand(c.batch, -1)
    x, y, angle = 0.5 * side * cx + u(-0.04, 0.04), cy + u(-0.12, 0.12), u(-1.75, 1.75)
    length, radius = ax * u(0.3, 0.65), u(0.009, 0.024)
    z = u(-1.2, 1.2) + (4 * (level - 0.5).abs() - 0.6).clamp_min(0)  # few start at the hilum far from its level
    for generation in range(FORKS + 1):
        dx, dy, dz = side * torch.cos(angle) * length, torch.sin(angle) * length, _uniform(c, x.shape[1])(-1.1, 1.1)
        s = torch.linspace(0, 1, 30 if generation < 2 else 14)
        at = lambda start, step, s=s: (start[..., None] + s * step[..., None]).flatten(1)
        yield at(x, dx), at(y, dy), at(radius, -0.25 * radius), torch.exp(-9 * at(z, dz).square())
        twice = lambda v: v.repeat_interleave(2, dim=1)
        x, y, z, side = twice(x + dx), twice(y + dy), twice(z + dz), twice(side)
        u = _uniform(c, x.shape[1])
        length, radius = twice(length) * u(0.45, 0.8), twice(radius) * u(0.6, 0.85)
        angle = twice(angle) + torch.tensor([-1.0, 1.0]).repeat(angle.shape[1]) * u(0.15, 0.75)


def _sections(c: Chest) -> Points:
    """SECTIONS single dots, most of them thin."""
    u = _uniform(c, SECTIONS)
    return u(-1, 1), u(-0.8, 0.8), 0.0035 + 0.014 * u(0, 1) ** 4, u(0.4, 1)


def _as_mask(c: Chest, x: Tensor, y: Tensor, r: Tensor, bright: Tensor) -> Tensor:
    """Draw the points that lie in the lungs."""
    # The body's coordinates are affine in the pixel's: three pixels tell how.
    corner = torch.stack([c.x[:, 0, 0], c.y[:, 0, 0]], 1)
    right = torch.stack([c.x[:, 0, 1], c.y[:, 0, 1]], 1) - corner
    down = torch.stack([c.x[:, 1, 0], c.y[:, 1, 0]], 1) - corner
    points = torch.stack([x, y], 1) - corner[:, :, None]
    col, row = (torch.linalg.solve(torch.stack([right, down], 2), points) + 0.5).unbind(1)
    item = torch.arange(c.batch)[:, None].expand_as(x)
    i, j = row.long().clamp(0, c.size - 1), col.long().clamp(0, c.size - 1)
    seen = (c.air[item, i, j] > 0.2) & (bright > 0.08)
    radius = (r / c.px[:, 0])[seen]
    return dots(item[seen], col[seen], row[seen], radius, bright[seen], c.batch, c.size)
