"""Two computations with a symmetric positive operator such as A*A. Not in the paper."""

import torch

from ..hardware.devices import is_time_to_look
from .autograd import Map
from .inner import column, inner, squared_norm


def largest_eigenvalue(operator: Map, start: torch.Tensor) -> float:
    """Return the largest eigenvalue by the power method, from a random start.

    >>> round(largest_eigenvalue(lambda x: 4 * x, torch.ones(1, 1, 8, 8)), 4)
    4.0
    """
    x, largest, previous = start, 0.0, -1.0
    with torch.no_grad():
        for _ in range(1000):
            y = operator(x / x.norm())
            largest, x = float(y.norm()), y
            if largest - previous <= 1e-7 * largest:
                break
            previous = largest
    return largest


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
    for k in range(100):  # one that is not done by then is still a descent direction
        left = rr > tolerance**2 * bb  # an image that is done stays as it is
        if is_time_to_look(k, left) and not left.any():
            break
        q = operator(p)
        alpha = torch.where(left, rr / inner(p, q).clamp_min(1e-30), 0)
        u, r = u + column(alpha) * p, r - column(alpha) * q
        rr, old = squared_norm(r), rr
        p = r + column(rr / old.clamp_min(1e-30)) * p
    return u
