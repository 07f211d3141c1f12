"""A tensor that an operator keeps, on the device and in the number type of what it is applied to."""

import torch


class Copies:
    """A tensor, copied once to every device and float type that it is used with: a copy at each call would wait.

    Ask for a copy only within `autograd.linear`, where `torch.func` shows plain tensors: a tensor made under one of its
    transforms must not outlive it.

    >>> copies = Copies(torch.ones(3))
    >>> copies.like(torch.zeros(1, dtype=torch.complex128)).dtype
    torch.float64
    >>> copies.like(torch.zeros(1)) is copies.like(torch.zeros(2))
    True
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.original = tensor
        self._stored = {(tensor.device, tensor.dtype): tensor}

    def like(self, u: torch.Tensor) -> torch.Tensor:
        """The copy on the device of u, in its float type; that of the parts where u is complex."""
        key = (u.device, u.real.dtype if u.is_complex() else u.dtype)
        if key not in self._stored:
            self._stored[key] = self.original.to(*key)
        return self._stored[key]
