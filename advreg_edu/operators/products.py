"""The test of an adjoint by inner products."""

import torch

from .._input.arguments import place_of
from .checks import check_operator
from .inner import inner
from .linear import LinearOperator


def dot_test(A: LinearOperator, generator: torch.Generator | None = None) -> torch.Tensor:
    """Test the adjoint: |<Ax, y> - <x, A*y>| / (||Ax|| ||y||) for random x and y, in double precision if A takes that.

    It is zero, up to rounding, for the exact adjoint, and almost surely not for another map.

    >>> from advreg_edu.operators import Identity
    >>> bool(dot_test(Identity((1, 8, 8))) < 1e-12)
    True
    >>> shift = lambda x: x.roll(1, -1)
    >>> bool(dot_test(LinearOperator(shift, shift, (1, 8, 8), (1, 8, 8))) < 1e-12)  # the adjoint rolls the other way
    False
    """
    check_operator(A)
    dtype = A.types[-1]
    x = torch.randn(1, *A.domain_shape, generator=generator, dtype=dtype, device=place_of(generator))
    y = A.random_measurement(1, generator, x.device, dtype)
    Ax, Aty = A(x), A.T(y)
    return (inner(Ax, y) - inner(x, Aty)).abs().squeeze() / (Ax.norm() * y.norm())
