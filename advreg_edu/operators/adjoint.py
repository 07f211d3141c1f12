"""The adjoint A* of an operator. Paper: §2.1."""

from typing import TYPE_CHECKING

import torch

from .autograd import linear
from .checks import check_measurement, check_operator

if TYPE_CHECKING:
    from .linear import LinearOperator


class Adjoint:
    """A* as an operator of its own, so that `A.T(y)` reads like the formula.

    >>> from advreg_edu.operators import Identity
    >>> A = Identity((1, 8, 8))
    >>> A.T
    Identity((1, 8, 8) -> (1, 8, 8)).T
    >>> A.T(torch.ones(2, 1, 8, 8)).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(self, A: "LinearOperator") -> None:
        check_operator(A)
        self.T = A
        self.domain_shape, self.range_shape = A.range_shape, A.domain_shape

    @property
    def norm(self) -> float:
        """||A*|| = ||A||."""
        return self.T.norm

    def __call__(self, y: torch.Tensor) -> torch.Tensor:
        """Return A*y: (B, *range_shape) to (B, *domain_shape), both of A."""
        check_measurement(self.T, y)
        return linear(y, self.T._adjoint, self.T._forward)

    def __repr__(self) -> str:
        return f"{self.T}.T"
