"""Random numbers and shapes: distances (negative inside, to first order), smooth unions, dots, band-limited noise."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .._input.arguments import place_of

Number = float | Tensor


def or_fresh(generator: torch.Generator | None) -> torch.Generator:
    """The generator itself; for None a fresh one, seeded by the machine. The global generator stays untouched."""
    place_of(generator)
    if generator is None:
        generator = torch.Generator()
        generator.seed()
    return generator


def grid(size: int) -> tuple[Tensor, Tensor]:
    """Pixel centres of the square [-1, 1]^2, x to the right and y downwards: two (1, size, size)."""
    line = (torch.arange(size) + 0.5) * (2 / size) - 1
    return line.view(1, 1, size).expand(1, size, size), line.view(1, size, 1).expand(1, size, size)


def rotate(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """The coordinates (x, y) in a frame turned by `angle` (radians)."""
    c, s = torch.cos(angle), torch.sin(angle)
    return c * x + s * y, c * y - s * x


def norm(x: Tensor, y: Tensor) -> Tensor:
    """sqrt(x^2 + y^2), three times as fast as torch.hypot."""
    return torch.addcmul(x * x, y, y).sqrt_()


def ellipse(x: Tensor, y: Tensor, a: Number, b: Number) -> Tensor:
    """Distance to (x/a)^2 + (y/b)^2 = 1, to first order: (f - 1) / |grad f| with f = |(x/a, y/b)|."""
    per_a, per_b = 1 / a, 1 / b  # multiplying is faster than dividing
    u, v = x * per_a, y * per_b
    f = norm(u, v)
    return (f - 1) * f / norm(u * per_a, v * per_b).add_(1e-4)


def superellipse(x: Tensor, y: Tensor, a: Number, b: Number, power: Number) -> Tensor:
    """As `ellipse`, with another power than 2: |x/a|^p + |y/b|^p = 1. A larger power is nearer to a rectangle."""
    per_a, per_b = 1 / a, 1 / b
    u, v = (x * per_a).abs().clamp_min_(1e-4), (y * per_b).abs().clamp_min_(1e-4)
    up, vp = u ** (power - 1), v ** (power - 1)
    total = up * u + vp * v
    f = total ** (1 / power)
    return (f - 1) * total / f / norm(up * per_a, vp * per_b)


def capsule(x: Tensor, y: Tensor, x0: Tensor, y0: Tensor, x1: Tensor, y1: Tensor, r: Number) -> Tensor:
    """Distance to the segment from (x0, y0) to (x1, y1), thickened by r."""
    dx, dy = x1 - x0, y1 - y0
    x, y, per_length = x - x0, y - y0, 1 / (dx * dx + dy * dy)
    along = (x * (dx * per_length) + y * (dy * per_length)).clamp_(0, 1)
    return norm(x - along * dx, y - along * dy) - r


def union(d1: Tensor, d2: Tensor, k: float) -> Tensor:
    """Both shapes, corners rounded over the length k: a smooth minimum of the distances."""
    h = (k - (d1 - d2).abs()).clamp_min(0)
    return torch.minimum(d1, d2) - h * h / (4 * k)


def without(d1: Tensor, d2: Tensor, k: float) -> Tensor:
    """The first shape without the second, corners rounded over the length k."""
    return -union(-d1, d2, k)


def field(batch: int, cells: int, size: int, generator: torch.Generator) -> Tensor:
    """Smooth noise (batch, size, size) of mean 0 and deviation about 1, with details of about size/cells pixels."""
    coarse = torch.randn(batch, cells, cells, generator=generator)
    ramp = torch.eye(cells)[:, None, :, None].expand(-1, -1, -1, 2)
    weights = F.interpolate(ramp, (size, 2), mode="bicubic")[:, 0, :, 0]  # (cells, size)
    return 1.25 * weights.T @ coarse @ weights  # 1.25: interpolation lowered the deviation to about 0.8


def dots(item: Tensor, x: Tensor, y: Tensor, r: Tensor, value: Tensor, batch: int, size: int) -> Tensor:
    """Discs as a mask (batch, size, size): disc k in picture item[k], centre (x, y) and radius r in pixels, each (N,).

    Where discs overlap the brighter counts. A disc thinner than a pixel becomes a fainter one, as wide as a pixel.
    """
    mask = torch.zeros(batch * size * size)
    value, r = value * (2 * r).clamp_max(1), r.clamp_min(0.5)
    for chosen in (r <= 1.5, r > 1.5):  # small discs have few pixels to visit
        if chosen.any():
            _add_discs(mask, size, item[chosen], x[chosen], y[chosen], r[chosen], value[chosen])
    return mask.view(batch, size, size)


def _add_discs(mask: Tensor, size: int, item: Tensor, x: Tensor, y: Tensor, r: Tensor, value: Tensor) -> None:
    reach = int(r.max() + 1)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            i, j = y.floor() + dy, x.floor() + dx
            cover = value * (0.5 + r - norm(j + 0.5 - x, i + 0.5 - y)).clamp(0, 1)
            seen = (cover > 0) & (i >= 0) & (i < size) & (j >= 0) & (j < size)
            pixel = (item * size + i.long()) * size + j.long()
            mask.scatter_reduce_(0, pixel[seen], cover[seen], "amax")
