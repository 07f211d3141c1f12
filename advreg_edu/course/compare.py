"""Comparing what two answers gave: shapes first, then relative errors, then a common factor or a common constant."""

import math
from typing import Any

import torch

from .exercise import Unexpected

Numbers = tuple[torch.Tensor, ...]


def numbers(value: Any) -> Numbers:
    """A value as tensors of float64 (complex128), one for each part of a tuple. Raises Unexpected for anything else.

    >>> numbers((1, [2.0, 3.0]))
    (tensor(1., dtype=torch.float64), tensor([2., 3.], dtype=torch.float64))
    """
    parts = value if isinstance(value, tuple) else (value,)
    return tuple(_number(part) for part in parts)


def _number(part: Any) -> torch.Tensor:
    try:
        tensor = torch.as_tensor(part).detach()
        return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise Unexpected(f"The check expected numbers, and got {type(part).__name__}.") from None


def shapes(value: Numbers) -> str:
    """The shapes in words.

    >>> shapes(numbers(([1, 2], 3.0)))
    'shape (2,) and one number'
    """
    words = [f"shape {tuple(part.shape)}" if part.ndim else "one number" for part in value]
    return " and ".join(words) or "nothing"


def arranged(seen: Numbers, wanted: Numbers) -> Numbers:
    """`seen` in the parts of `wanted`, where that is a matter of form: a list for a tuple, [3.0] for 3.0.

    >>> arranged(numbers([1.0, 2.0]), numbers((5, 6)))
    (tensor(1., dtype=torch.float64), tensor(2., dtype=torch.float64))
    """
    if len(seen) == 1 < len(wanted) and seen[0].ndim and len(seen[0]) == len(wanted):
        seen = seen[0].unbind()
    if len(seen) != len(wanted):
        return seen
    return tuple(a.reshape(b.shape) if a.numel() == b.numel() == 1 else a for a, b in zip(seen, wanted, strict=True))


def same_shapes(a: Numbers, b: Numbers) -> bool:
    """Whether both have the same parts of the same shapes.

    >>> same_shapes(numbers([1, 2]), numbers([[1, 2]]))
    False
    """
    return [part.shape for part in a] == [part.shape for part in b]


def distance(seen: Numbers, wanted: Numbers) -> float:
    """The largest relative error ||seen - wanted|| / ||wanted|| of the parts; infinite where shapes differ.

    >>> distance(numbers([1.0, 1.1]), numbers([1.0, 1.0])) < 0.1
    True
    """
    if not same_shapes(seen, wanted):
        return math.inf
    errors = [_error(a, b) for a, b in zip(seen, wanted, strict=True)]
    return max(errors, default=0.0)


def _error(a: torch.Tensor, b: torch.Tensor) -> float:
    error, size = float((a - b).norm()), float(b.norm())
    relative = error / size if size > 0 else error
    return relative if math.isfinite(relative) else math.inf


def relation(seen: list[Numbers], wanted: list[Numbers], tolerance: float) -> str:
    """A sentence where every number is off by one factor or by one constant, else "".

    >>> relation([numbers([2.0, 4.0])], [numbers([1.0, 2.0])], 1e-4)
    'Every number is off by the factor 2.'
    """
    a, b = (torch.cat([part.flatten() for case in cases for part in case]) for cases in (seen, wanted))
    if a.is_complex() or b.is_complex() or not a.isfinite().all() or len(a) < 2 or b.norm() == 0:
        return ""
    factor, constant = float((a @ b) / (b @ b)), float((a - b).mean())
    if abs(factor) > 1e-6 and float((a - factor * b).norm()) < tolerance * float(a.norm()):
        return f"Every number is off by the factor {factor:.4g}."
    if float((a - b - constant).norm()) < tolerance * float(b.norm()):
        return f"Every number is off by the constant {constant:.4g}."
    return ""
