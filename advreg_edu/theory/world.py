"""A world: a manifold M in the plane with its projection, distance and samples. Paper: §3.3, Assumption 1."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F

from .._input.arguments import place_of

Curve: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class World:
    """A manifold M, the image of a curve, and the law P_r on it: t is uniform in [0, 1]. Points are (B, ..., 2).

    >>> from advreg_edu.theory import worlds
    >>> world = worlds.circle(radius=0.3)
    >>> world, world.sample(5).shape
    (circle, torch.Size([5, 1, 1, 2]))
    >>> x = torch.tensor([[[[1.0, 0.5]]]])
    >>> world.project(x), world.distance(x)
    (tensor([[[[0.8000, 0.5000]]]]), tensor([0.2000]))
    """

    name: str
    curve: Curve  # t (...) in [0, 1] to points (..., 2)
    velocity: Curve  # t (...) to the derivative of the curve (..., 2), zero where M is a single point
    nearest: Curve  # points (..., 2) to the t (...) of the nearest point of M

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Draw x_r ~ P_r: (n, 1, 1, 2)."""
        t = torch.rand(n, generator=generator, dtype=torch.float64, device=place_of(generator)).cpu()
        return self.curve(t).float()[:, None, None]

    def project(self, x: torch.Tensor) -> torch.Tensor:
        """Return P_M(x), a nearest point of M, of the shape of x. Source: Eq. 16."""
        with torch.no_grad():
            return self.curve(self.nearest(x.cpu().double())).to(x)  # tables of a curve are on the CPU

    def distance(self, x: torch.Tensor) -> torch.Tensor:
        """Return d_M(x) = ||x - P_M(x)||: (B, ..., 2) to (B,). Source: Eq. 19.

        Its gradient, by autograd, is (x - P_M(x)) / d_M(x): by the envelope theorem P_M may be held fixed.
        """
        return (x - self.project(x)).flatten(1).norm(dim=1)

    def tangent(self, x: torch.Tensor) -> torch.Tensor:
        """Return the unit tangent of M at P_M(x), of the shape of x; zero where M is a single point."""
        return F.normalize(self.velocity(self.nearest(x.cpu().double())), dim=-1).to(x)

    def __repr__(self) -> str:
        return self.name
