"""Worlds: manifolds M in the plane, with projection, distance and samples. Paper: §3.3, Assumptions 1 and 2.

A point of the plane is an image of two pixels, (B, 1, 1, 2), so that problems, critics and Algorithms 1 and 2 are the
same as for images. Every world lies in the unit square.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from .._input.arguments import as_tensor, check_batch, check_number
from .._input.signature import checked
from .corruption import corruption
from .nearest import nearest_by_bisection
from .world import Curve, World

__all__ = ["World", "circle", "corruption", "ellipse", "points", "polyline", "segment", "spiral"]

Places = Sequence[Sequence[float]] | torch.Tensor


@checked
def circle(radius: float = 0.3) -> World:
    """Make a circle around the centre of the square; P_r is uniform on it.

    >>> circle(radius=0.3).distance(torch.tensor([[[[0.5, 0.5]]]]))  # of the centre
    tensor([0.3000])
    """
    check_number(radius, "radius", 0, above=True)
    curve, velocity = _around(torch.tensor([radius, radius]))
    nearest: Curve = lambda x: torch.atan2(x[..., 1] - 0.5, x[..., 0] - 0.5) / (2 * math.pi) % 1
    return World("circle", curve, velocity, nearest)


@checked
def ellipse(a: float = 0.38, b: float = 0.24) -> World:
    """Make an ellipse with half axes a and b; P_r is uniform in the angle of (a cos, b sin).

    >>> ellipse(a=0.4, b=0.2).project(torch.tensor([[[[0.5, 0.9]]]]))  # the top
    tensor([[[[0.5000, 0.7000]]]])
    """
    check_number(min(a, b), "a and b", 0, above=True)
    curve, velocity = _around(torch.tensor([a, b]))
    return World("ellipse", curve, velocity, nearest_by_bisection(curve, velocity))


@checked
def spiral(turns: float = 1.75, inner: float = 0.06, outer: float = 0.42) -> World:
    """Make a spiral, radius proportional to the angle, open at both ends; P_r is nearly uniform in length.

    >>> x = spiral().sample(100)
    >>> bool((spiral().distance(x) < 1e-5).all())
    True
    """
    start = (inner / check_number(outer, "outer", inner, above=True)) ** 2
    share: Curve = lambda t: (start + (1 - start) * t).sqrt()[..., None]  # radius / outer
    angle: Curve = lambda t: 2 * math.pi * turns * share(t)[..., 0]

    def curve(t: torch.Tensor) -> torch.Tensor:
        return 0.5 + outer * share(t) * _direction(angle(t))

    def velocity(t: torch.Tensor) -> torch.Tensor:
        turned = _direction(angle(t) + math.pi / 2)
        growth = (1 - start) / (2 * share(t))
        return outer * growth * (_direction(angle(t)) + 2 * math.pi * turns * share(t) * turned)

    return World("spiral", curve, velocity, nearest_by_bisection(curve, velocity))


@checked
def points(places: Places = ((0.25, 0.5), (0.75, 0.5)), name: str = "two points") -> World:
    """Make a world of finitely many points of equal weight; by default two.

    >>> points().project(torch.tensor([[[[0.4, 0.6]]]]))
    tensor([[[[0.2500, 0.5000]]]])
    """
    at = _places(places, least=1)
    curve: Curve = lambda t: at[(t * len(at)).long().clamp(0, len(at) - 1)]
    velocity: Curve = lambda t: torch.zeros_like(t)[..., None].repeat_interleave(2, -1)
    nearest: Curve = lambda x: ((x[..., None, :] - at).square().sum(-1).argmin(-1) + 0.5) / len(at)
    return World(name, curve, velocity, nearest)


@checked
def polyline(places: Places, name: str = "your own") -> World:
    """Make straight pieces from place to place, in the unit square; P_r is uniform in length.

    >>> corner = polyline([(0.2, 0.2), (0.8, 0.2), (0.8, 0.8)])
    >>> corner.distance(torch.tensor([[[[0.5, 0.5]]]]))
    tensor([0.3000])
    """
    corners = _places(places, least=2)
    start, step = corners[:-1], corners.diff(dim=0)
    length = step.norm(dim=1)
    if not (length > 0).all():
        raise ValueError("places: expected neighbours that differ, got a place twice in a row. Delete one of the two.")
    before = F.pad(length.cumsum(0), (1, 0))  # length up to each place

    piece: Curve = lambda t: torch.bucketize(t * before[-1], before[1:-1].contiguous())

    def curve(t: torch.Tensor) -> torch.Tensor:
        k = piece(t)
        return start[k] + ((t * before[-1] - before[k]) / length[k])[..., None] * step[k]

    def velocity(t: torch.Tensor) -> torch.Tensor:
        k = piece(t)
        return step[k] * (before[-1] / length[k])[..., None]

    def nearest(x: torch.Tensor) -> torch.Tensor:
        share = (((x[..., None, :] - start) * step).sum(-1) / length.square()).clamp(0, 1)  # (..., pieces)
        k = (x[..., None, :] - start - share[..., None] * step).square().sum(-1).argmin(-1)
        return (before[k] + share.gather(-1, k[..., None])[..., 0] * length[k]) / before[-1]

    return World(name, curve, velocity, nearest)


@checked
def segment(start: Sequence[float] = (0.2, 0.5), end: Sequence[float] = (0.8, 0.5)) -> World:
    """Make a straight piece; P_r is uniform on it.

    >>> segment().distance(torch.tensor([[[[0.5, 0.6]]]]))
    tensor([0.1000])
    """
    return polyline((start, end), "segment")


def _direction(angle: torch.Tensor) -> torch.Tensor:
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def _around(axes: torch.Tensor) -> tuple[Curve, Curve]:
    """Curve and velocity of an ellipse around the centre, half axes (2,)."""
    axes = axes.double()
    turn = 2 * math.pi
    return (lambda t: 0.5 + axes * _direction(turn * t)), (lambda t: turn * axes * _direction(turn * t + math.pi / 2))


def _places(places: Places, least: int) -> torch.Tensor:
    at = as_tensor(places, "places", "Give a list of pairs of numbers.").double()
    check_batch(at, "places", (2,), "points")
    if len(at) < least or not ((at >= 0) & (at <= 1)).all():
        low, high = (float(v) for v in (at.min(), at.max())) if len(at) else (math.nan, math.nan)
        raise ValueError(
            f"places: expected at least {least} points with coordinates in [0, 1], got {len(at)} "
            f"from {low:.3g} to {high:.3g}. Scale them into the unit square."
        )
    return at
