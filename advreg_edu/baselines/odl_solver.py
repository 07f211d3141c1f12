"""Total variation as ODL's primal-dual solver takes it: one stacked operator and one proximal map. Paper: §2.3."""

import math
from collections.abc import Callable
from typing import Any

import torch

from ..operators import LinearOperator
from .duality import gradient, gradient_adjoint


class WithGradient(LinearOperator):
    """The operator from x to (b Ax, grad x), written one after the other: (B, *A.domain_shape) to (B, n).

    For ODL one operator in place of three on a product space: a step takes half the time. The balance b shares the
    work: the dual step for A is b^2 times that for grad.

    >>> from advreg_edu.operators import Identity, dot_test
    >>> stacked = WithGradient(Identity((1, 4, 4)), balance=2.0)
    >>> stacked.range_shape, bool(dot_test(stacked) < 1e-12)  # 16 + 2 * 16
    ((48,), True)
    """

    def __init__(self, A: LinearOperator, balance: float) -> None:
        self._A, self.balance = A, balance
        self._numbers = math.prod(A.range_shape) * (2 if A.complex_range else 1)
        super().__init__(domain_shape=A.domain_shape, range_shape=(self._numbers + 2 * math.prod(A.domain_shape),))
        self.norm = (balance**2 * A.norm**2 + 8) ** 0.5  # an upper bound: ||grad||^2 <= 8

    def join(self, q: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
        """Join (A, grad)'s (q, p), (B, *A.range_shape) and (B, 2, C, H, W), to the dual variable (q / b, p): (B, n)."""
        return self._joined(q / self.balance, p)

    def split(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the (q, p) that `join` has joined."""
        q, p = z[:, : self._numbers], z[:, self._numbers :].unflatten(1, (2, *self.domain_shape))
        if self._A.complex_range:
            q = torch.view_as_complex(q.unflatten(1, (*self._A.range_shape, 2)))
        return self.balance * q.reshape(len(z), *self._A.range_shape), p

    def _joined(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        u = torch.view_as_real(u) if u.is_complex() else u
        return torch.cat([u.flatten(1), v.flatten(1)], 1)

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._joined(self.balance * self._A(x), gradient(x))

    def _adjoint(self, z: torch.Tensor) -> torch.Tensor:
        q, p = self.split(z)
        return self._A.T(q) + gradient_adjoint(p)


class TVDual:
    """What `odl.solvers.pdhg` asks of the data term and TV together: the proximal map of their conjugate.

    >>> from advreg_edu.operators import Identity
    >>> dual = TVDual(WithGradient(Identity((1, 4, 4)), balance=2.0), torch.ones(1, 1, 4, 4), reg_weight=0.1)
    >>> callable(dual.convex_conj.proximal(0.5))
    True
    """

    def __init__(self, stacked: WithGradient, y: torch.Tensor, reg_weight: float) -> None:
        self._stacked, self._y, self._weight = stacked, y, reg_weight
        self.convex_conj = self

    def proximal(self, sigma: float) -> Callable[[Any, Any], None]:
        """Map (q, p) to ((q - s y) / (1 + s / 2), p cut to |p| <= lambda in every pixel), with s = b^2 sigma."""
        s = self._stacked.balance**2 * sigma

        def apply(z: Any, out: Any) -> None:
            q, p = self._stacked.split(torch.from_numpy(z.asarray()))
            length = p.square().sum(1, keepdim=True).sqrt()
            p = p * (self._weight / length.clamp_min(1e-30)).clamp_max(1)
            out[:] = self._stacked.join((q - s * self._y) / (1 + s / 2), p).numpy()

        return apply
