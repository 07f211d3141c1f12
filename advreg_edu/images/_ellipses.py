"""Random ellipses. Not in the paper; the usual first test of a tomography code."""

import math

import torch

from .._input.arguments import check_count
from ._shapes import ellipse, grid, or_fresh, rotate

CHUNK, MOST_ELLIPSES = 16, 12  # images drawn at a time, ellipses in an image


def ellipses(n: int, size: int = 128, generator: torch.Generator | None = None) -> torch.Tensor:
    """Images of 3 to 12 ellipses on black, one over the other, each of one gray value: (n, 1, size, size) in [0, 1].

    The images are piecewise constant, with edges antialiased over one pixel. The same seed gives the same ellipses at
    every size.

    >>> x = ellipses(4, size=64, generator=torch.Generator().manual_seed(0))
    >>> tuple(x.shape), x[0, 0, 0, 0].item()  # the corner is black
    ((4, 1, 64, 64), 0.0)
    """
    n, size, generator = check_count(n, "n"), check_count(size, "size", low=2), or_fresh(generator)
    return torch.cat([_draw(min(CHUNK, n - start), size, generator) for start in range(0, n, CHUNK)])[:, None]


def _draw(batch: int, size: int, generator: torch.Generator) -> torch.Tensor:
    draw = lambda low, high: low + (high - low) * torch.rand(batch, 1, 1, generator=generator)
    (gx, gy), image, many = grid(size), torch.zeros(batch, size, size), draw(3, MOST_ELLIPSES + 1).floor()
    for k in range(MOST_ELLIPSES):
        x, y = rotate(gx - draw(-0.6, 0.6), gy - draw(-0.6, 0.6), draw(0, math.pi))
        distance = ellipse(x, y, draw(0.04, 0.5), draw(0.04, 0.5))
        mask = (0.5 - distance * size / 2).clamp(0, 1) * (k < many)
        image.lerp_(draw(0.05, 1).expand_as(image), mask)
    return image
