"""Linear maps that autograd differentiates by their adjoint."""

from collections.abc import Callable
from typing import Any

import torch

Map = Callable[[torch.Tensor], torch.Tensor]


def linear(u: torch.Tensor, apply: Map, transpose: Map) -> torch.Tensor:
    """apply(u), whose gradient is `transpose`: for linear maps that autograd cannot see through.

    >>> u = torch.ones(2, requires_grad=True)
    >>> linear(u, lambda u: 3 * u.detach(), lambda v: 3 * v).sum().backward()
    >>> u.grad
    tensor([3., 3.])
    """
    return Linear.apply(u, apply, transpose)


class Linear(torch.autograd.Function):
    """A linear map whose gradient is its adjoint; differentiable any number of times, and by `torch.func` too."""

    @staticmethod
    def forward(x: torch.Tensor, apply: Map, transpose: Map) -> torch.Tensor:  # type: ignore[override]
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 is for networks, not for measurements
            return apply(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
        ctx.maps = inputs[1:]

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple:  # type: ignore[override]
        apply, transpose = ctx.maps
        return Linear.apply(grad, transpose, apply), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, *_: None) -> torch.Tensor:  # type: ignore[override]
        return Linear.apply(tangent, *ctx.maps)

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: torch.Tensor, apply: Map, transpose: Map) -> tuple[torch.Tensor, int]:
        """The mapped axis joins the batch: one call for all."""
        x = x.movedim(in_dims[0], 0)
        return Linear.apply(x.flatten(0, 1), apply, transpose).unflatten(0, x.shape[:2]), 0
