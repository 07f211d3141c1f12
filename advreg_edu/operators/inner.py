"""Inner product and norm on images and measurements, each item of a batch on its own."""

import torch

from .._input.arguments import check_batch, check_tensor


def inner(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Return <u, v> = Re sum u conj(v) of each item of the batch: (B, ...) twice to (B,).

    >>> inner(torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[3.0, 1.0], [5.0, 7.0]]))
    tensor([5., 7.])
    """
    check_tensor(u, "u")
    check_tensor(v, "v")
    if u.shape != v.shape:
        raise ValueError(f"v: expected the shape of u, {tuple(u.shape)}, got {tuple(v.shape)}.")
    return (u * v.conj()).real.flatten(1).sum(1) if u.is_complex() else (u * v).flatten(1).sum(1)


def squared_norm(u: torch.Tensor) -> torch.Tensor:
    """Return ||u||^2, the sum of squares over all but the batch axis: (B, ...) to (B,).

    >>> squared_norm(torch.tensor([[3.0, 4.0], [1.0, 0.0]]))
    tensor([25.,  1.])
    """
    return inner(u, u)


def column(numbers: torch.Tensor) -> torch.Tensor:
    """Shape numbers as one factor for each image: (B,) to (B, 1, 1, 1).

    >>> column(torch.tensor([1.0, 2.0])).shape
    torch.Size([2, 1, 1, 1])
    """
    check_batch(numbers, "numbers", ())
    return numbers[:, None, None, None]
