"""Arguments checked by the types that a signature names: a wrong one is said before anything is computed."""

import functools
import inspect
import os
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch

from .arguments import check_count, check_number, check_path, check_tensor, place_of
from .messages import describe

P = ParamSpec("P")
R = TypeVar("R")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Decorates a function whose arguments must have the types of its signature: numbers, texts, paths, functions,
    tensors, generators, and objects of a class. What a type does not say, such as a range, the function checks itself.

    >>> @checked
    ... def doubled(x: float) -> float:
    ...     return 2 * x
    >>> doubled("3")
    Traceback (most recent call last):
    TypeError: x: expected a number, got '3'.
    """
    signature = inspect.signature(function)

    @functools.cache
    def checks() -> dict[str, Callable[[Any, str], object]]:  # at the first call, when all types are known
        hints = typing.get_type_hints(function)
        found = {name: check_of(hints[name]) for name in signature.parameters if name in hints}
        return {name: check for name, check in found.items() if check is not None}

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:  # Python's own words are better: they name the function
            given = {}
        for name, check in checks().items():
            if name in given:
                check(given[name], name)
        return function(*args, **kwargs)

    return call


def check_of(hint: Any) -> Callable[[Any, str], object] | None:
    """The check of a type; None where every value will do, or the function knows better.

    >>> check_of(float)("3", "sigma")
    Traceback (most recent call last):
    TypeError: sigma: expected a number, got '3'.
    """
    parts = set(typing.get_args(hint)) if typing.get_origin(hint) in (typing.Union, types.UnionType) else {hint}
    may_be_none, parts = types.NoneType in parts, parts - {types.NoneType}
    if parts <= {str, Path, os.PathLike} and parts != {str}:
        check: Any = check_path
    elif len(parts) != 1:
        return None
    else:
        kind = parts.pop()
        check = CHECKS.get(kind) or (check_function if typing.get_origin(kind) is Callable else None)
        plain = isinstance(kind, type) and typing.get_origin(kind) is None and kind is not object
        if check is None and plain and getattr(kind, "_is_runtime_protocol", not getattr(kind, "_is_protocol", False)):
            check = functools.partial(check_instance, kind=kind)
    if check is None or not may_be_none:
        return check
    return lambda value, name: None if value is None else check(value, name)


def check_flag(value: Any, name: str) -> bool:
    """Raise unless `value` is True or False, or the number of one; return it.

    >>> check_flag(1, "mirrored")
    True
    """
    if not isinstance(value, bool | int | np.bool_) or value not in (0, 1):
        raise TypeError(f"{name}: expected True or False, got {describe(value)}.")
    return bool(value)


def check_function(value: Any, name: str) -> None:
    """Raise unless `value` can be called and is no class.

    >>> check_function(None, "f")
    Traceback (most recent call last):
    TypeError: f: expected a function, got None.
    """
    if isinstance(value, type) or not callable(value):
        raise TypeError(f"{name}: expected a function, got {describe(value)}.")


def check_instance(value: Any, name: str, kind: type) -> None:
    """Raise unless `value` is a `kind`.

    >>> check_instance("a", "path", Path)
    Traceback (most recent call last):
    TypeError: path: expected a Path, got 'a'.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected a {kind.__name__}, got {describe(value)}.")


def check_shape(value: Any, name: str, length: int | None = None) -> tuple[int, ...]:
    """Raise unless `value` is a sequence of positive whole numbers, `length` of them if given; return it as a tuple.

    >>> check_shape(8, "domain_shape", 3)
    Traceback (most recent call last):
    ValueError: domain_shape: expected (channels, height, width), got 8. Example: (1, 64, 64).
    """
    given = tuple(value) if isinstance(value, tuple | list | torch.Size) else ()
    if not given or (length is not None and len(given) != length):
        expected = "(channels, height, width)" if length == 3 else "positive whole numbers"
        raise ValueError(f"{name}: expected {expected}, got {describe(value)}. Example: (1, 64, 64).")
    return tuple(check_count(n, name) for n in given)


CHECKS: dict[Any, Callable[[Any, str], object]] = {
    float: check_number,
    int: functools.partial(check_count, low=-(10**9)),
    bool: check_flag,
    torch.Tensor: check_tensor,
    torch.Generator: lambda value, name: place_of(value),
}
