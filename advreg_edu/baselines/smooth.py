"""Smooth classical functionals, for gradient descent: Tikhonov, smoothed total variation. Paper: §2.3, Eq. 2."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F

from .._input.arguments import check_number
from .._input.signature import checked
from ..operators import LinearOperator


@runtime_checkable
class SmoothFunctional(Protocol):
    """A functional (B, C, H, W) to (B,) that knows the Lipschitz constant of its gradient.

    >>> f: SmoothFunctional = SmoothedTV(smoothing=0.5)
    >>> f.lipschitz
    16.0
    """

    @property
    def lipschitz(self) -> float:
        """The L in ||grad f(u) - grad f(v)|| <= L ||u - v||."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True)
class SmoothedTV:
    """The functional f(x) = sum over pixels of sqrt((d_1 x)^2 + (d_2 x)^2 + beta^2) - beta, differentiable.

    Shapes: (B, C, H, W) to (B,).
    It lies below TV(x), by at most beta per pixel. grad f is Lipschitz with constant `lipschitz` = 8 / beta: 8 bounds
    ||(d_1, d_2)||^2, and 1 / beta is the curvature of the root at 0, so in flat regions. Not in the paper.
    Args: smoothing, beta > 0 in intensities.

    >>> edge = torch.tensor([[[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]])
    >>> SmoothedTV(smoothing=0.01)(edge)  # TV is 2
    tensor([1.9801])
    """

    smoothing: float = 0.01

    def __post_init__(self) -> None:
        check_number(self.smoothing, "smoothing", low=0, above=True, fix="For exact TV take total_variation.")

    @property
    def lipschitz(self) -> float:
        """8 / beta."""
        return 8 / self.smoothing

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return ((_squared_differences(x) + self.smoothing**2).sqrt() - self.smoothing).flatten(1).sum(1)


@dataclass(frozen=True)
class Tikhonov:
    """The quadratic f(x) = sum over pixels of (d_1 x)^2 + (d_2 x)^2: (B, C, H, W) to (B,). Not in the paper.

    grad f is Lipschitz with constant `lipschitz` = 16, nearly reached by a checkerboard.

    >>> edge = torch.tensor([[[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]])
    >>> Tikhonov()(edge)
    tensor([2.])
    """

    lipschitz = 16.0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return _squared_differences(x).flatten(1).sum(1)


@checked
def stability_limit(A: LinearOperator, regularizer: SmoothFunctional, reg_weight: float) -> float:
    """Return the step size below which no step of gradient descent on J(x) = ||Ax - y||^2 + reg_weight * f(x) raises J.

    It is 2 / L with L = 2 ||A||^2 + reg_weight * regularizer.lipschitz.
    L bounds the curvature of J. The limit is sharp for a quadratic whose steepest directions in both terms agree; else
    some larger steps may work, without a promise. Source: Nesterov 2004, §1.2.3; not in the paper.

    >>> from advreg_edu.operators import Identity
    >>> stability_limit(Identity((1, 8, 8)), Tikhonov(), reg_weight=0.5)  # 2 / (2 + 8)
    0.2
    """
    return 2 / (2 * A.norm**2 + check_number(reg_weight, "reg_weight", low=0) * regularizer.lipschitz)


def _squared_differences(x: torch.Tensor) -> torch.Tensor:
    """(d_1 x)^2 + (d_2 x)^2 of forward differences, 0 beyond the last row and column: (B, C, H, W) twice."""
    return F.pad(x.diff(dim=2), (0, 0, 0, 1)).square() + F.pad(x.diff(dim=3), (0, 1)).square()
