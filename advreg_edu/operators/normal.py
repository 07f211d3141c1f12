"""Two computations with A*A: its largest eigenvalue, and (I + t A*A)^-1. Not in the paper."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from .inner import column, inner, squared_norm

if TYPE_CHECKING:
    from .linear import LinearOperator

Map = Callable[[torch.Tensor], torch.Tensor]


def largest_singular_value(A: "LinearOperator") -> float:
    """Return ||A|| by the power method on A*A.

    >>> from advreg_edu.operators import LinearOperator
    >>> double = lambda x: 2 * x
    >>> round(largest_singular_value(LinearOperator(double, double, (1, 8, 8), (1, 8, 8))), 4)
    2.0
    """
    x = torch.randn(1, *A.domain_shape, generator=torch.Generator().manual_seed(0), dtype=A.types[-1])
    squared, previous = 0.0, -1.0
    with torch.no_grad():
        for _ in range(1000):
            y = A.T(A(x / x.norm()))
            squared, x = float(y.norm()), y
            if squared - previous <= 1e-7 * squared:
                break
            previous = squared
    return math.sqrt(squared)


def conjugate_gradients(operator: Map, b: torch.Tensor, tolerance: float = 1e-5) -> torch.Tensor:
    """Solve operator(u) = b for a symmetric positive operator, each image on its own.

    It ends where ||operator(u) - b|| <= tolerance ||b||, after 100 products at the latest.

    >>> b = torch.ones(1, 1, 2, 2)
    >>> conjugate_gradients(lambda u: 4 * u, b)[0, 0]
    tensor([[0.2500, 0.2500],
            [0.2500, 0.2500]])
    """
    u, r, p = torch.zeros_like(b), b, b
    rr = bb = squared_norm(b)
    for _ in range(100):  # one that is not done by then is still a descent direction
        left = rr > tolerance**2 * bb
        if not left.any():
            break
        q = operator(p)
        alpha = torch.where(left, rr / inner(p, q).clamp_min(1e-30), 0)
        u, r = u + column(alpha) * p, r - column(alpha) * q
        rr, old = squared_norm(r), rr
        p = r + column(rr / old.clamp_min(1e-30)) * p
    return u
