"""Worlds: manifolds M in the plane, with projection, distance and samples. Paper: §3.3, Assumptions 1 and 2.

A point of the plane is an image of two pixels, (B, 1, 1, 2), so that problems, critics and Algorithms 1 and 2 are the
same as for images. Every world lies in the unit square.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .._input.arguments import check_batch, check_number
from ..operators import LinearOperator
from ..problem import Problem

GRID, CANDIDATES, HALVINGS = 512, 3, 18  # of the search for the nearest point


@dataclass(frozen=True)
class World:
    """M, the image of a curve, and the law P_r on it: t uniform in [0, 1]. Points are tensors (B, ..., 2)."""

    name: str
    curve: Callable  # t (...) in [0, 1] to points (..., 2)
    velocity: Callable  # t (...) to the derivative of the curve (..., 2), zero where M is a single point
    nearest: Callable  # points (..., 2) to the t (...) of the nearest point of M

    def sample(self, n, generator=None):
        """x_r ~ P_r: (n, 1, 1, 2)."""
        t = torch.rand(n, generator=generator, dtype=torch.float64)
        return self.curve(t).float()[:, None, None]

    def project(self, x):
        """P_M(x), a nearest point of M, shape of x. Source: Eq. 16."""
        with torch.no_grad():
            return self.curve(self.nearest(x.double())).to(x.dtype)

    def distance(self, x):
        """d_M(x) = ||x - P_M(x)||: (B, ..., 2) to (B,). Source: Eq. 19.

        Its gradient, by autograd, is (x - P_M(x)) / d_M(x): by the envelope theorem P_M may be held fixed.
        """
        return (x - self.project(x)).flatten(1).norm(dim=1)

    def tangent(self, x):
        """Unit tangent of M at P_M(x), shape of x; zero where M is a single point."""
        return F.normalize(self.velocity(self.nearest(x.double())), dim=-1).to(x.dtype)

    def __repr__(self):
        return self.name


def circle(radius=0.3):
    """A circle around the centre of the square; P_r is uniform on it."""
    curve, velocity = _around(torch.tensor([radius, radius]))
    nearest = lambda x: torch.atan2(x[..., 1] - 0.5, x[..., 0] - 0.5) / (2 * math.pi) % 1
    return World("circle", curve, velocity, nearest)


def ellipse(a=0.38, b=0.24):
    """Half axes a and b; P_r is uniform in the angle of (a cos, b sin)."""
    curve, velocity = _around(torch.tensor([a, b]))
    return World("ellipse", curve, velocity, _nearest_by_bisection(curve, velocity))


def spiral(turns=1.75, inner=0.06, outer=0.42):
    """Archimedes' spiral, radius proportional to the angle, open at both ends; P_r is nearly uniform in length."""
    start = (inner / outer) ** 2
    share = lambda t: (start + (1 - start) * t).sqrt()[..., None]  # radius / outer
    angle = lambda t: 2 * math.pi * turns * share(t)[..., 0]

    def curve(t):
        return 0.5 + outer * share(t) * _direction(angle(t))

    def velocity(t):
        turned = _direction(angle(t) + math.pi / 2)
        growth = (1 - start) / (2 * share(t))
        return outer * growth * (_direction(angle(t)) + 2 * math.pi * turns * share(t) * turned)

    return World("spiral", curve, velocity, _nearest_by_bisection(curve, velocity))


def points(places=((0.25, 0.5), (0.75, 0.5)), name="two points"):
    """Finitely many points of equal weight; by default two."""
    places = _places(places, least=1)
    curve = lambda t: places[(t * len(places)).long().clamp(0, len(places) - 1)]
    velocity = lambda t: torch.zeros_like(t)[..., None].repeat_interleave(2, -1)
    nearest = lambda x: ((x[..., None, :] - places).square().sum(-1).argmin(-1) + 0.5) / len(places)
    return World(name, curve, velocity, nearest)


def polyline(places, name="your own"):
    """Straight pieces from place to place, in the unit square; P_r is uniform in length."""
    places = _places(places, least=2)
    start, step = places[:-1], places.diff(dim=0)
    length = step.norm(dim=1)
    if not (length > 0).all():
        raise ValueError("places: expected neighbours that differ, got a place twice in a row. Delete one of the two.")
    before = F.pad(length.cumsum(0), (1, 0))  # length up to each place

    piece = lambda t: torch.bucketize(t * before[-1], before[1:-1].contiguous())

    def curve(t):
        k = piece(t)
        return start[k] + ((t * before[-1] - before[k]) / length[k])[..., None] * step[k]

    def velocity(t):
        k = piece(t)
        return step[k] * (before[-1] / length[k])[..., None]

    def nearest(x):
        share = (((x[..., None, :] - start) * step).sum(-1) / length.square()).clamp(0, 1)  # (..., pieces)
        k = (x[..., None, :] - start - share[..., None] * step).square().sum(-1).argmin(-1)
        return (before[k] + share.gather(-1, k[..., None])[..., 0] * length[k]) / before[-1]

    return World(name, curve, velocity, nearest)


def segment(start=(0.2, 0.5), end=(0.8, 0.5)):
    """A straight piece; P_r is uniform on it."""
    return polyline((start, end), "segment")


def corruption(world, sigma, along=0.0):
    """The Problem whose A†y = x + sigma * (normal part of e + along * tangential part of e), e ~ N(0, I), x on M.

    Its P_n obeys Assumption 2, (P_M)# P_n = P_r, while the noise stays below the distance at which two points of M are
    equally near. along=1 is plain Gaussian noise, which moves points along M too.

    So that `train_critic` can take it as it takes every problem, A appends an empty row to x; the noise is written
    there, and A† adds it to x in the directions that M has at x.
    """
    along = check_number(along, "along", low=0, fix="0 is noise across M, 1 is plain Gaussian noise.")
    return Problem(_Displacement(world, along), sigma)


class _Displacement(LinearOperator):
    """Ax = (x, 0): the point, and room for its noise. A†(x, e) moves x by e, off M and along M."""

    def __init__(self, world, along):
        super().__init__(domain_shape=(1, 1, 2), range_shape=(1, 2, 2), norm=1.0)
        self.world, self.along = world, along

    def _forward(self, x):
        return F.pad(x, (0, 0, 0, 1))

    def _adjoint(self, y):
        return y[..., :1, :].contiguous()

    def _measured(self, e):
        return F.pad(e[..., 1:, :], (0, 0, 1, 0))

    def pinv(self, y):
        x, e = y[..., :1, :], y[..., 1:, :]
        if self.along == 1:
            return x + e
        tangent = self.world.tangent(x)
        return x + e + (self.along - 1) * (e * tangent).sum(-1, keepdim=True) * tangent


def _direction(angle):
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def _around(axes):
    """Curve and velocity of an ellipse around the centre, half axes (2,)."""
    axes = axes.double()
    turn = 2 * math.pi
    return (lambda t: 0.5 + axes * _direction(turn * t)), (lambda t: turn * axes * _direction(turn * t + math.pi / 2))


def _places(places, least):
    places = torch.as_tensor(places, dtype=torch.float64)
    check_batch(places, "places", (2,), "points")
    if len(places) < least or not ((places >= 0) & (places <= 1)).all():
        low, high = (float(v) for v in (places.min(), places.max())) if len(places) else (math.nan, math.nan)
        raise ValueError(
            f"places: expected at least {least} points with coordinates in [0, 1], got {len(places)} "
            f"from {low:.3g} to {high:.3g}. Scale them into the unit square."
        )
    return places


def _nearest_by_bisection(curve, velocity):
    """The search for t: the best places of a grid, each refined to the zero of <curve(t) - x, velocity(t)> near it."""
    grid = torch.linspace(0, 1, GRID, dtype=torch.float64)
    on_grid = curve(grid)

    def nearest(x):
        flat = x.reshape(-1, 1, 2)
        distance = torch.cdist(flat[:, 0], on_grid, compute_mode="donot_use_mm_for_euclid_dist")
        beside = F.pad(distance, (1, 1), value=math.inf)
        minima = (distance <= beside[:, :-2]) & (distance <= beside[:, 2:])
        k = distance.masked_fill(~minima, math.inf).topk(CANDIDATES, largest=False).indices
        slope = lambda t: ((curve(t) - flat) * velocity(t)).sum(-1)
        t = _zero(slope, grid[(k - 1).clamp_min(0)], grid[(k + 1).clamp_max(GRID - 1)])  # (N, CANDIDATES)
        best = (curve(t) - flat).square().sum(-1).argmin(1, keepdim=True)
        return t.gather(1, best).reshape(x.shape[:-1])

    return nearest


def _zero(slope, low, high):
    """Where `slope` turns positive between low and high: halvings, then one secant, exact on so short a piece."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        past = slope(middle) > 0
        low, high = torch.where(past, low, middle), torch.where(past, middle, high)
    before, after = -slope(low).clamp(max=0), slope(high).clamp(min=0)  # one is 0 where an open curve ends
    return low + (high - low) * (before / (before + after)).nan_to_num(0.5)
