"""How a checkpoint tells its own problem, images and network from others: by numbers that depend on all of theirs.

They are the logarithm of the length and products with fixed random directions, relative to the length: rounding, which
differs between machines, moves them by 1e-6, one pixel of a mask by 1e-2. Not in the paper.
"""

from typing import Any

import torch
from torch import Tensor

from .pairs import Paired

DIRECTIONS, CLOSE = 4, 1e-4


def training_fingerprint(source: Paired) -> dict[str, Any]:
    """The settings by which a training is known that its arguments do not say."""
    A, generator = source.problem.A, torch.Generator().manual_seed(0)
    x, y = torch.randn(1, *A.domain_shape, generator=generator), A.random_measurement(1, generator)
    marks: dict[str, Any] = {
        "images": len(source.x_real),
        "operator": _numbers(A(x)),
        "pseudo-inverse": _numbers(A.pinv(y)),
    }
    measurements = getattr(source, "measurements", None)
    marks["x_real"] = _numbers(source.x_real)
    return marks | {"measurements": None if measurements is None else _numbers(measurements)}


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two settings, in words."""
    said = []
    for key, value in now.items():
        old = then.get(key)
        if not isinstance(value, list) or not isinstance(old, list) or len(value) != len(old):
            if old != value:
                said.append(f"{key}: {_short(old)} then, {_short(value)} now")
        elif not all(isinstance(a, float) and abs(a - b) <= CLOSE for a, b in zip(old, value, strict=True)):
            said.append(f"{key}: another one")
    return said


def _numbers(u: Tensor) -> list[float]:
    u = (torch.view_as_real(u.resolve_conj()) if u.is_complex() else u).detach().cpu().flatten(1)
    u = u.to(torch.promote_types(u.dtype, torch.float32))
    generator = torch.Generator().manual_seed(1)
    columns = torch.randn(u.shape[1], DIRECTIONS, generator=generator, dtype=torch.float32).to(u)
    rows = torch.randn(DIRECTIONS, len(u), generator=generator, dtype=torch.float32).double()
    length = u.norm().double().clamp_min(1e-30)
    products = (rows * (u @ columns).T.double()).sum(1) / length
    return [round(p, 7) for p in (*products.tolist(), length.log().item())]


def _short(value: Any) -> Any:
    return "numbers" if isinstance(value, list) else value
