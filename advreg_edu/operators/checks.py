"""Checks of what an operator is given. Every message says what was expected, what came, and how to fix it."""

from typing import Protocol

import torch

from .._input.arguments import check_batch, check_float, check_tensor


class Measuring(Protocol):
    """What the checks ask of an operator."""

    @property
    def range_shape(self) -> tuple[int, ...]: ...

    @property
    def complex_range(self) -> bool: ...

    @property
    def types(self) -> tuple[torch.dtype, ...]: ...


def check_operator(A: object) -> None:
    """Raise unless it is an operator, with all that `Measuring` asks.

    >>> from advreg_edu.operators import Identity
    >>> check_operator(Identity((1, 8, 8)))
    """
    if not all(hasattr(A, name) for name in ("range_shape", "complex_range", "types")):
        fix = "Build one, such as Identity((1, 64, 64))."
        if hasattr(A, "A_adjoint"):
            fix = "Make it one: operators.from_deepinv(physics, (channels, height, width))."
        raise TypeError(f"A: expected an operator such as Identity or RayTransform, got {type(A).__name__}. {fix}")


def check_measurement(A: Measuring, y: torch.Tensor) -> None:
    """Raise unless `y` is a batch of measurements of `A`: (B, *A.range_shape), complex or real as A gives them.

    >>> from advreg_edu.operators import Identity
    >>> check_measurement(Identity((1, 8, 8)), torch.zeros(2, 1, 8, 8))
    >>> check_measurement(Identity((1, 8, 8)), torch.zeros(1, 8, 8))
    Traceback (most recent call last):
    ValueError: y: expected measurements of Identity((1, 8, 8) -> (1, 8, 8)) of shape (B, 1, 8, 8), got (1, 8, 8). ...
    """
    check_operator(A)
    check_batch(y, "y", A.range_shape, f"measurements of {A}")
    if A.complex_range and not y.is_complex():
        raise TypeError(f"y: expected complex measurements of {A}, got {y.dtype}. Add an imaginary part: y + 0j.")
    if A.complex_range:
        y = y.real
    check_type(A, y, "y")


def check_type(A: Measuring, x: torch.Tensor, name: str) -> None:
    """Raise unless `x`, which the message calls `name`, has a float type that `A` can take.

    >>> from advreg_edu.operators import Identity
    >>> check_type(Identity((1, 8, 8)), torch.zeros(2, 1, 8, 8), "x")
    """
    check_operator(A)
    check_tensor(x, name)
    check_float(x, name)
    if x.dtype not in A.types:
        expected = " or ".join(str(t) for t in A.types)
        raise TypeError(f"{name}: expected {expected} for {A}, got {x.dtype}. Convert it: {name}.float().")
