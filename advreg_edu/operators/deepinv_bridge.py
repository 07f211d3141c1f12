"""Operators of deepinv as ours, and ours as deepinv's. Not in the paper.

deepinv's `LinearPhysics` has A, A_adjoint and A_dagger, maps of batches, and knows no shape of the measurements.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .._input.arguments import FLOATS, check_tensor
from .._input.messages import describe
from .._input.signature import check_shape
from .checks import check_measurement
from .linear import LinearOperator


def from_deepinv(physics: Any, domain_shape: Sequence[int] = ()) -> LinearOperator:
    """Return the noiseless part of a deepinv `LinearPhysics`, or of anything with its interface, as an operator.

    It takes the float type of the physics' own tensors, and computes where they are. The norm is found by our own power
    method. A physics does not say where it measures nothing, so that noise falls on every number that it gives.

    >>> class Halved:  # the interface
    ...     A = A_adjoint = staticmethod(lambda x: x / 2)
    ...     A_dagger = staticmethod(lambda y: 2 * y)
    >>> A = from_deepinv(Halved(), (1, 8, 8))
    >>> A.range_shape, round(A.norm, 4)
    ((1, 8, 8), 0.5)

    Args: domain_shape (C, H, W) of one image; by default the `img_size` of the physics, where it has one.
    """
    for name in ("A", "A_adjoint", "A_dagger"):
        if not callable(getattr(physics, name, None)):
            fix = "Pass a deepinv.physics.LinearPhysics, or LinearOperator(forward, adjoint, shapes)."
            raise TypeError(
                f"physics: expected an object with A, A_adjoint and A_dagger, got {describe(physics)}. {fix}"
            )
    unsaid = isinstance(domain_shape, tuple) and not domain_shape
    said = getattr(physics, "img_size", None) if unsaid else domain_shape
    return _FromPhysics(physics, check_shape(said, "domain_shape", 3))


class _FromPhysics(LinearOperator):
    def __init__(self, physics: Any, shape: Sequence[int]) -> None:
        self.physics = physics
        tensors = [*physics.parameters(), *physics.buffers()] if isinstance(physics, nn.Module) else []
        like = next((t for t in tensors if t.is_floating_point()), None)
        x = torch.zeros(1, *shape) if like is None else like.new_zeros(1, *shape)
        y = physics.A(x)
        check_tensor(y, "physics.A(x)")  # a stack of several physics gives a list
        super().__init__(domain_shape=tuple(shape), range_shape=tuple(y.shape[1:]))
        self.complex_range, self.types = y.is_complex(), FLOATS if like is None else (like.dtype,)

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.physics.A(x)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self.physics.A_adjoint(y)

    def pinv(self, y: torch.Tensor) -> torch.Tensor:
        check_measurement(self, y)
        return self.physics.A_dagger(y)


def as_deepinv(A: LinearOperator) -> Any:
    """Return `A` as a `deepinv.physics.LinearPhysics`: see `LinearOperator.as_deepinv`.

    Raises ModuleNotFoundError where deepinv is not installed.
    """
    try:
        from deepinv.physics import LinearPhysics
    except ModuleNotFoundError:
        raise ModuleNotFoundError("as_deepinv: expected the package deepinv, got none: pip install deepinv.") from None

    class Physics(LinearPhysics):
        def __init__(self) -> None:
            super().__init__(img_size=A.domain_shape)

        def A(self, x: torch.Tensor, **_: Any) -> torch.Tensor:
            y = A(x)
            return torch.view_as_real(y) if A.complex_range else y

        def A_adjoint(self, y: torch.Tensor, **_: Any) -> torch.Tensor:
            return A.T(_measurement(A, y))

        def A_dagger(self, y: torch.Tensor, **_: Any) -> torch.Tensor:
            return A.pinv(_measurement(A, y))

    return Physics()


def _measurement(A: LinearOperator, y: torch.Tensor) -> torch.Tensor:
    return torch.view_as_complex(y.contiguous()) if A.complex_range else y
