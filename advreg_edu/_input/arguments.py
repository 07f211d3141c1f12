"""Checks of what comes in. Every message says what was expected, what came, and how to fix it."""

import math
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .messages import describe

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_images(x: torch.Tensor, name: str = "x", shape: Sequence[int] | None = None, unit_range: bool = True) -> None:
    """Raise unless `x` is a finite float batch (B, C, H, W), of item shape `shape` and in [0, 1] where asked.

    >>> check_images(torch.rand(2, 1, 8, 8), shape=(1, 8, 8))
    """
    check_batch(x, name, shape, "images (B, C, H, W)")
    if x.ndim != 4:
        raise ValueError(
            f"{name}: expected images of shape (B, C, H, W), got {tuple(x.shape)}. "
            "Add the missing axes, for example x[None, None] for one gray image."
        )
    check_float(x, name)
    check_finite(x, name)
    if unit_range and not (x.min() >= -1e-4 and x.max() <= 1 + 1e-4):
        raise ValueError(
            f"{name}: expected intensities in [0, 1], got [{x.min():.4g}, {x.max():.4g}]. "
            "Scale the images first: divide bytes by 255, use images.from_hounsfield for CT, or clamp(0, 1)."
        )


def check_batch(x: torch.Tensor, name: str, shape: Sequence[int] | None = None, what: str = "a batch") -> None:
    """Raise unless `x` is a tensor (B, *shape) with B > 0.

    >>> check_batch(torch.zeros(4), "x")
    >>> check_batch(torch.zeros(2, 3), "x", shape=(5,))
    Traceback (most recent call last):
    ValueError: x: expected a batch of shape (B, 5), got (2, 3). Check channels and size, and keep the batch axis: ...
    """
    check_tensor(x, name)
    if x.ndim and not len(x):
        got = f"an empty batch of shape {tuple(x.shape)}"
        raise ValueError(f"{name}: expected at least one item, got {got}. Look at the selection that made it.")
    if shape is not None and (x.ndim != len(shape) + 1 or tuple(x.shape[1:]) != tuple(shape)):
        expected = "(B, " + ", ".join(str(n) for n in shape) + ")"
        raise ValueError(
            f"{name}: expected {what} of shape {expected}, got {tuple(x.shape)}. "
            f"Check channels and size, and keep the batch axis: {name}[None] for one image."
        )


def check_tensor(x: object, name: str) -> None:
    """Raise unless `x` is a tensor that holds its numbers one by one.

    >>> check_tensor([1, 2], "x")
    Traceback (most recent call last):
    TypeError: x: expected a torch.Tensor, got list. Convert it: torch.as_tensor(x).
    """
    if not isinstance(x, torch.Tensor):
        fix = f"Convert it: torch.as_tensor({name})."
        raise TypeError(f"{name}: expected a torch.Tensor, got {type(x).__name__}. {fix}")
    if x.layout != torch.strided:
        raise TypeError(f"{name}: expected a dense tensor, got the layout {x.layout}. Convert it: {name}.to_dense().")
    if x.device.type == "meta":
        raise ValueError(f"{name}: expected numbers, got a tensor on the meta device, which has none. Use the cpu.")


def check_float(x: torch.Tensor, name: str) -> None:
    """Raise unless `x` has a real floating-point type.

    >>> check_float(torch.arange(3), "x")
    Traceback (most recent call last):
    TypeError: x: expected a float tensor, got torch.int64. Convert it: x.float(), bytes / 255.
    """
    if x.dtype not in FLOATS:
        fix = f"Take the real part: {name}.real." if x.is_complex() else f"Convert it: {name}.float(), bytes / 255."
        raise TypeError(f"{name}: expected a float tensor, got {x.dtype}. {fix}")


def check_finite(x: torch.Tensor, name: str) -> None:
    """Raise if a NaN or an infinity is in `x`.

    >>> check_finite(torch.tensor([1.0, math.nan]), "x")
    Traceback (most recent call last):
    ValueError: x: expected finite numbers, got 1 NaN or infinite of 2. ...
    """
    numbers = x.detach()
    ends = numbers if x.is_complex() or not x.numel() else torch.stack(numbers.aminmax())  # without a copy of x
    if not torch.isfinite(ends).all():
        bad = int((~torch.isfinite(x)).sum())
        raise ValueError(
            f"{name}: expected finite numbers, got {bad} NaN or infinite of {x.numel()}. "
            "Look for a division by zero upstream, or replace them with torch.nan_to_num."
        )


def check_number(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, fix: str = "", above: bool = False
) -> float:
    """Raise unless `value` is a finite number in [low, high], or in (low, high] if `above`; return it as a float.

    >>> check_number(torch.tensor(2), "sigma", low=0)
    2.0
    """
    try:
        number = None if isinstance(value, (str, bytes)) else float(value)
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError, RuntimeError):  # a RuntimeError of tensors that are no number
        number = None
    if number is None:
        raise TypeError(f"{name}: expected a number, got {describe(value)}. {fix}".strip())
    if not math.isfinite(number) or not low <= number <= high or (above and number == low):
        bound = f"above {low:g}" if above else f"at least {low:g}"
        bound += f" and at most {high:g}" if high < math.inf else ""
        raise ValueError(f"{name}: expected a finite number {bound}, got {number:g}. {fix}".strip())
    return number


def check_count(value: Any, name: str, low: int = 1, fix: str = "", high: int = 10**9) -> int:
    """Raise unless `value` is an integer in [low, high]; return it as an int.

    >>> check_count(16.0, "batch_size")
    16
    """
    whole = isinstance(value, int) or int(check_number(value, name, fix=fix)) == value
    if isinstance(value, bool) or not whole:
        raise TypeError(f"{name}: expected a whole number, got {describe(value)}. {fix}".strip())
    if value < low:
        raise ValueError(f"{name}: expected at least {low}, got {describe(value)}. {fix}".strip())
    if value > high:
        raise ValueError(f"{name}: expected at most {high}, got {describe(value)}. {fix}".strip())
    return int(value)


def check_pair(value: Any, name: str, fix: str, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """Raise unless `value` is two finite numbers in [low, high]; return them.

    >>> check_pair(3, "window", "Give (low, high).")
    Traceback (most recent call last):
    TypeError: window: expected two numbers, got 3. Give (low, high).
    """
    try:
        first, second = value
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected two numbers, got {describe(value)}. {fix}") from None
    return check_number(first, f"{name}[0]", low, high, fix), check_number(second, f"{name}[1]", low, high, fix)


def check_seed(value: Any, name: str = "seed") -> int:
    """Raise unless `value` can seed a training, whose step k takes seed * 1,000,003 + k; return it as an int.

    >>> check_seed(-1)
    Traceback (most recent call last):
    ValueError: seed: expected at least 0, got -1.
    """
    return check_count(value, name, 0, high=10**12)


def as_tensor(values: Any, name: str, fix: str) -> torch.Tensor:
    """The numbers of a tensor, array or list as a tensor of their own: any byte order, any strides, none of objects.

    >>> as_tensor([[1, 2]], "x", "Give numbers.")
    tensor([[1, 2]])
    """
    if isinstance(values, torch.Tensor):
        check_tensor(values, name)
        return values.detach().clone()
    try:
        array = np.array(values, order="C")
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected an array of numbers, got {describe(values)}. {fix}") from None


def check_choice(value: Any, name: str, choices: Collection[str], fix: str = "Choose one of them.") -> str:
    """Raise unless `value` is one of `choices`; return it.

    >>> check_choice("tv", "method", ("ours", "TV"))
    Traceback (most recent call last):
    ValueError: method: expected one of ours, TV, got 'tv'. Choose one of them.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(choices)}, got {describe(value)}. {fix}")
    return value


def check_path(path: object, name: str = "path", fix: str = "Give the place of a file as text.") -> Path:
    """Raise unless `path` is text or a Path; return it as a Path, with ~ for the home folder.

    >>> check_path("runs/mine.checkpoint").name
    'mine.checkpoint'
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{name}: expected a path, got {type(path).__name__}. {fix}")
    if "\0" in str(path):
        raise ValueError(f"{name}: expected a path, got one with a zero byte. {fix}")
    return Path(path).expanduser()


def place_of(generator: torch.Generator | None) -> torch.device:
    """Where a generator draws: on its own device alone, the CPU where there is none. What is drawn is moved then.

    >>> place_of(torch.Generator())
    device(type='cpu')
    >>> place_of(3)
    Traceback (most recent call last):
    TypeError: generator: expected a torch.Generator, got 3. Pass torch.Generator().manual_seed(3).
    """
    if not isinstance(generator, torch.Generator | None):
        fix = "Pass torch.Generator().manual_seed(3)."
        raise TypeError(f"generator: expected a torch.Generator, got {describe(generator)}. {fix}")
    return torch.device("cpu") if generator is None else generator.device
