"""The search for the nearest point of a curve. Not in the paper."""

import math

import torch
import torch.nn.functional as F

from .world import Curve

GRID, CANDIDATES, HALVINGS = 512, 3, 18  # points of the grid, places to refine, halvings of each


def nearest_by_bisection(curve: Curve, velocity: Curve) -> Curve:
    """A function from points x (..., 2) to the t (...) of the nearest point of the curve.

    The best places of a grid are each refined to the zero of <curve(t) - x, velocity(t)> near it.

    >>> curve = lambda t: torch.stack([t, 0.5 + 0 * t], -1)  # a straight piece from left to right
    >>> velocity = lambda t: torch.stack([1 + 0 * t, 0 * t], -1)
    >>> nearest_by_bisection(curve, velocity)(torch.tensor([[0.3, 0.9]], dtype=torch.float64))
    tensor([0.3000], dtype=torch.float64)
    """
    grid = torch.linspace(0, 1, GRID, dtype=torch.float64)
    on_grid = curve(grid)

    def nearest(x: torch.Tensor) -> torch.Tensor:
        flat = x.reshape(-1, 1, 2)
        distance = torch.cdist(flat[:, 0], on_grid, compute_mode="donot_use_mm_for_euclid_dist")
        beside = F.pad(distance, (1, 1), value=math.inf)
        minima = (distance <= beside[:, :-2]) & (distance <= beside[:, 2:])
        k = distance.masked_fill(~minima, math.inf).topk(CANDIDATES, largest=False).indices
        slope: Curve = lambda t: ((curve(t) - flat) * velocity(t)).sum(-1)
        t = _zero(slope, grid[(k - 1).clamp_min(0)], grid[(k + 1).clamp_max(GRID - 1)])  # (N, CANDIDATES)
        best = (curve(t) - flat).square().sum(-1).argmin(1, keepdim=True)
        return t.gather(1, best).reshape(x.shape[:-1])

    return nearest


def _zero(slope: Curve, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Where `slope` turns positive between low and high: halvings, then one secant, exact on so short a piece."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        past = slope(middle) > 0
        low, high = torch.where(past, low, middle), torch.where(past, middle, high)
    before, after = -slope(low).clamp(max=0), slope(high).clamp(min=0)  # one is 0 where an open curve ends
    return low + (high - low) * (before / (before + after)).nan_to_num(0.5)
