"""Noise that leaves a manifold sideways, as Assumption 2 wants it. Paper: §3.3."""

import torch
import torch.nn.functional as F

from .._input.arguments import check_number
from .._input.signature import checked
from ..operators import LinearOperator
from ..problem import Problem
from .world import World


@checked
def corruption(world: World, sigma: float, along: float = 0.0) -> Problem:
    """Return the Problem with A†y = x + sigma * (normal part of e + along * tangential part of e), e ~ N(0, I), x on M.

    Its P_n obeys Assumption 2, (P_M)# P_n = P_r, while the noise stays below the distance at which two points of M are
    equally near. along=1 is plain Gaussian noise, which moves points along M too.

    So that `train_critic` can take it as it takes every problem, A appends an empty row to x; the noise is written
    there, and A† adds it to x in the directions that M has at x.

    >>> from advreg_edu.theory import worlds
    >>> circle = worlds.circle()
    >>> problem = corruption(circle, sigma=0.05)
    >>> x = circle.sample(5)
    >>> x_noisy = problem.naive(problem.measure(x))
    >>> torch.allclose(circle.project(x_noisy), x, atol=1e-5), problem.A.measured_count
    (True, 2)
    """
    along = check_number(along, "along", low=0, fix="0 is noise across M, 1 is plain Gaussian noise.")
    return Problem(_Displacement(world, along), sigma)


class _Displacement(LinearOperator):
    """Ax = (x, 0): the point, and room for its noise. A†(x, e) moves x by e, off M and along M."""

    def __init__(self, world: World, along: float) -> None:
        super().__init__(domain_shape=(1, 1, 2), range_shape=(1, 2, 2), norm=1.0)
        self.world, self.along = world, along

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(x, (0, 0, 0, 1))

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return y[..., :1, :].contiguous()

    def _measured(self, y: torch.Tensor) -> torch.Tensor:
        return F.pad(y[..., 1:, :], (0, 0, 1, 0))  # the point itself carries no noise

    def pinv(self, y: torch.Tensor) -> torch.Tensor:
        x, e = y[..., :1, :], y[..., 1:, :]
        if self.along == 1:
            return x + e
        tangent = self.world.tangent(x)
        return x + e + (self.along - 1) * (e * tangent).sum(-1, keepdim=True) * tangent
