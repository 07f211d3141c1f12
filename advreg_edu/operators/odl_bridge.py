"""Our operators as ODL operators, for ODL's solvers."""

from collections.abc import Sequence
from typing import Any

import odl
import torch

from .linear import LinearOperator


def as_odl(A: LinearOperator, batch: int | None = None) -> odl.Operator:
    """Return `A` as an `odl.Operator` with `adjoint`, on unit cells, single or batched: see `LinearOperator.as_odl`.

    >>> from advreg_edu.operators import Identity
    >>> operator = as_odl(Identity((1, 4, 4)))
    >>> operator(operator.domain.one()).shape
    (1, 4, 4)
    """
    domain = _space(A.domain_shape, batch)
    range_ = _space((*A.range_shape, *[2] * A.complex_range), batch)
    return _Wrapped(A, domain, range_, batch, forward=True)


def _space(shape: Sequence[int], batch: int | None) -> Any:
    shape = tuple(shape) if batch is None else (batch, *shape)
    return odl.uniform_discr([0] * len(shape), list(shape), shape, dtype="float32")


class _Wrapped(odl.Operator):
    def __init__(self, A: LinearOperator, domain: Any, range: Any, batch: int | None, forward: bool) -> None:
        super().__init__(domain, range, linear=True)
        self._A, self._batch, self._forward = A, batch, forward

    def _call(self, x: Any) -> Any:
        u = torch.from_numpy(x.asarray())
        u = u if self._batch is not None else u[None]
        if self._forward:
            v = self._A(u)
            v = torch.view_as_real(v) if v.is_complex() else v
        else:
            v = self._A.T(torch.view_as_complex(u) if self._A.complex_range else u)
        return self.range.element(v.reshape(self.range.shape).numpy())

    @property
    def adjoint(self) -> "_Wrapped":
        return _Wrapped(self._A, self.range, self.domain, self._batch, not self._forward)
