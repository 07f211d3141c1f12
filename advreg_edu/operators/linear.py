"""Linear operators A with their adjoint A* and regularised pseudo-inverse A†.

Paper: §2.1, Eq. 1 (the operators of denoising, inpainting, MRI and CT) and §3.1 (the pseudo-inverse A†_δ).
All of them are batched, differentiable by autograd, and work in plain Euclidean coordinates on any device.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from .._input.arguments import FLOATS, as_tensor, check_batch, check_number, place_of
from .._input.messages import describe
from .._input.signature import check_shape
from ..hardware.devices import moved
from .adjoint import Adjoint
from .autograd import Map, linear
from .checks import check_measurement, check_type
from .normal import conjugate_gradients, largest_eigenvalue


class LinearOperator:
    """A linear map from images (B, *domain_shape) to measurements (B, *range_shape).

    What all that takes an operator asks of it: `A(x)`; the adjoint `A.T(y)`; `A.pinv(y)`, where Algorithm 2 starts;
    `A.norm` and `A.resolvent`, by default from products with A and A*; the shapes; the noise, `random_measurement`.

    There are two ways to make one. Pass two functions on batches, the map and its adjoint:

    >>> blur = lambda x: (x + x.roll(1, -1)) / 2  # each pixel and its left neighbour
    >>> unblur = lambda y: (y + y.roll(-1, -1)) / 2
    >>> A = LinearOperator(blur, unblur, (1, 8, 8), (1, 8, 8))
    >>> from advreg_edu.operators import dot_test
    >>> bool(dot_test(A) < 1e-12)
    True
    >>> round(A.norm, 4)
    1.0

    Or write a class with the methods `_forward` and `_adjoint`, and pass the shapes by name:

    >>> class Halved(LinearOperator):
    ...     def __init__(self, shape):
    ...         super().__init__(domain_shape=shape, range_shape=shape, norm=0.5)
    ...
    ...     def _forward(self, x):
    ...         return x / 2
    ...
    ...     _adjoint = _forward
    >>> Halved((1, 8, 8))
    Halved((1, 8, 8) -> (1, 8, 8))

    The two are each other's exact transpose for the real inner product <u, v> = Re sum(u * conj(v)): `dot_test` says
    whether they are. A pseudo-inverse other than A* is passed as `pinv`, or the class overrides it. Where the range has
    places that hold no measurement, pass a `mask`, or override `_measured`, which puts zeros there: the noise of
    `random_measurement` and `measured_count` follow from it. A `LinearPhysics` of deepinv becomes an operator by
    `from_deepinv`, and an operator becomes one by `as_deepinv`, or one of ODL's by `as_odl`.

    Args:
        forward, adjoint, pinv: functions of a batch, if the class has no such methods.
        domain_shape, range_shape: of one image and of one measurement, without the batch axis.
        norm: ||A||, the largest singular value. By default the power method finds it when it is first asked for.
        mask: 1 where the range holds a measured number, 0 elsewhere, broadcast to `range_shape`. Default: 1 everywhere.
    """

    complex_range = False
    types: tuple[torch.dtype, ...] = FLOATS  # of the images that it takes
    _mask: torch.Tensor | None = None

    def __init__(
        self,
        forward: Map | None = None,
        adjoint: Map | None = None,
        domain_shape: Sequence[int] = (),
        range_shape: Sequence[int] = (),
        *,
        norm: float | None = None,
        mask: torch.Tensor | None = None,
        pinv: Map | None = None,
    ) -> None:
        self._functions, self._given_pinv = (forward, adjoint), pinv
        own = forward is not None or adjoint is not None or type(self)._forward is LinearOperator._forward
        if own:
            self._check_functions()
        self.domain_shape = check_shape(domain_shape, "domain_shape")
        self.range_shape = check_shape(range_shape, "range_shape")
        if norm is not None:
            self.norm = check_number(norm, "norm", low=0)
        self._mask = None if mask is None else self._checked_mask(mask)
        if own:
            self._check_shapes()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return Ax: (B, *domain_shape) to (B, *range_shape)."""
        check_batch(x, "x", self.domain_shape, f"images for {self}")
        check_type(self, x, "x")
        return linear(x, self._forward, self._adjoint)

    @property
    def T(self) -> "Adjoint":
        """The adjoint A*, for which <Ax, y> = <x, A*y>; `A.T.T is A`."""
        return Adjoint(self)

    def pinv(self, y: torch.Tensor) -> torch.Tensor:
        """Return A†y, a (regularised) pseudo-inverse. For an orthogonal projection or an isometry it is the adjoint."""
        if self._given_pinv is None:
            return self.T(y)
        check_measurement(self, y)
        return self._given_pinv(y)

    def resolvent(self, b: torch.Tensor, t: float | torch.Tensor) -> torch.Tensor:
        """Return (I + t A*A)^-1 b, like b: (B, *domain_shape). t >= 0 is a number, or (B, 1, 1, 1).

        It is the exact proximal step of the data term (`forward_backward`). Closed forms where A*A is diagonal, in
        pixels or in frequencies; else conjugate gradients.
        """
        return conjugate_gradients(lambda u: u + t * self.T(self(u)), b)

    @cached_property
    def norm(self) -> float:
        """||A||, the largest singular value. Where the operator does not say it, the power method on A*A finds it.

        The result is a bound from below, and exact to about six digits where the largest singular value stands alone.
        """
        x = torch.randn(1, *self.domain_shape, generator=torch.Generator().manual_seed(0), dtype=self.types[-1])
        return math.sqrt(largest_eigenvalue(lambda x: self.T(self(x)), x))

    @cached_property
    def measured_count(self) -> int:
        """How many real numbers A measures, so that E ||e||^2 = sigma^2 * measured_count.

        All of `range_shape` unless a mask or `_measured` leaves places empty; a complex number counts twice.
        """
        ones = torch.ones(1, *self.range_shape, dtype=torch.complex64 if self.complex_range else torch.float32)
        return int(self._measured(ones).count_nonzero()) * (2 if self.complex_range else 1)

    def random_measurement(
        self,
        batch: int,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> torch.Tensor:
        """Draw the noise e for sigma = 1: standard normal where A measures, zero elsewhere, (batch, *range_shape).

        The draw is made where the generator is, by default on the CPU, and moved to `device` where one is given: the
        same generator gives the same noise on every device. The mean of ||e||^2 is `measured_count`.
        """
        shape = (batch, *self.range_shape, *[2] * self.complex_range)
        e = torch.randn(shape, generator=generator, dtype=dtype, device=place_of(generator))
        return moved(self._measured(torch.view_as_complex(e) if self.complex_range else e), device)

    def as_odl(self, batch: int | None = None) -> Any:
        """Return the same map as an `odl.Operator` on (*domain_shape), or on a batch.

        The cells have side 1, so A* is unchanged.
        Complex measurements become real ones with a last axis of length 2.
        """
        from .odl_bridge import as_odl

        return as_odl(self, batch)

    def as_deepinv(self) -> Any:
        """Return the same map as a `deepinv.physics.LinearPhysics`, with A† as `A_dagger`.

        Complex measurements become real ones with a last axis of length 2.
        """
        from .deepinv_bridge import as_deepinv

        return as_deepinv(self)

    def _forward(self, x: torch.Tensor, /) -> torch.Tensor:
        return self._functions[0](x)  # type: ignore[misc]  # _check_functions has seen to it

    def _adjoint(self, y: torch.Tensor, /) -> torch.Tensor:
        return self._functions[1](y)  # type: ignore[misc]

    def _measured(self, y: torch.Tensor) -> torch.Tensor:
        """`y` with zeros in the places that hold no measurement; noise and `measured_count` follow from it."""
        return y if self._mask is None else y * self._mask.to(device=y.device, dtype=y.real.dtype)

    def _checked_mask(self, mask: torch.Tensor) -> torch.Tensor:
        """The mask as a tensor; raises unless it can be broadcast to `range_shape`."""
        mask, over = as_tensor(mask, "mask", "Give zeros and ones."), self.range_shape[::-1]
        if mask.ndim > len(over) or any(n not in (1, m) for n, m in zip(mask.shape[::-1], over, strict=False)):
            raise ValueError(f"mask: expected one for {self.range_shape}, got {describe(mask)}. Give zeros and ones.")
        return mask

    def _check_functions(self) -> None:
        """Raise unless there is a function for the map, one for its adjoint, and one for A†."""
        given = (*self._functions, self._adjoint if self._given_pinv is None else self._given_pinv)
        for name, function in zip(("forward", "adjoint", "pinv"), given, strict=True):
            if isinstance(function, type) or not callable(function):
                fix = "A subclass defines _forward and _adjoint, and passes domain_shape=... and range_shape=..."
                raise TypeError(f"{name}: expected a function of a batch, got {describe(function)}. {fix}")

    def _check_shapes(self) -> None:
        """Raise unless the functions map one image of zeros as they should. Sets `complex_range`."""
        y = self._forward(torch.zeros(1, *self.domain_shape))
        check_batch(y, "forward(x)", self.range_shape, "measurements")
        self.complex_range = y.is_complex()
        for name, inverse in (("adjoint", self._adjoint), ("pinv", self._given_pinv or self._adjoint)):
            check_batch(inverse(y), f"{name}(y)", self.domain_shape, "images")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.domain_shape} -> {self.range_shape})"
