"""Small things that several exercises are tried on: a critic with known slope, images, operators."""

from typing import Any

import torch
from torch import nn

from ...operators import Inpainting

Tensor = torch.Tensor


def uniform(generator: torch.Generator, *shape: int) -> Tensor:
    """Numbers from [0, 1] in float64.

    >>> uniform(torch.Generator().manual_seed(0), 2, 3).shape
    torch.Size([2, 3])
    """
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    """Numbers ~ N(0, 1) in float64.

    >>> normal(torch.Generator().manual_seed(0), 2).dtype
    torch.float64
    """
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def mask_operator(generator: torch.Generator, size: int) -> Inpainting:
    """An operator that sees about half of the pixels.

    >>> mask_operator(torch.Generator().manual_seed(0), 8).domain_shape
    (1, 8, 8)
    """
    return Inpainting((torch.rand(size, size, generator=generator) > 0.5).float())


def distance_to_flat(x: Tensor) -> Tensor:
    """The distance to the images of one gray level, rounded at its tip: a critic of slope 1, (B, C, H, W) to (B,).

    >>> distance_to_flat(torch.tensor([[[[0.0, 2.0]]]]).double()).round(decimals=2)
    tensor([1.4100], dtype=torch.float64)
    """
    return ((x - x.mean((1, 2, 3), keepdim=True)).square().flatten(1).sum(1) + 1e-4).sqrt()


class Bowl(nn.Module):
    """A critic with two weights, weight[0] 0.05 ||x||^2 + weight[1] times the sum of sin(x); its slopes vary.

    >>> Bowl()(torch.ones(1, 1, 2, 2).double()).shape
    torch.Size([1])
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 0.05], dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight[0] * 0.05 * x.square().flatten(1).sum(1) + self.weight[1] * x.sin().flatten(1).sum(1)


class Counted:
    """A critic that counts how often it is asked.

    >>> critic = Counted(torch.sum)
    >>> float(critic(torch.ones(3))), critic.calls
    (3.0, 1)
    """

    def __init__(self, critic: Any) -> None:
        self.critic, self.calls = critic, 0

    def __call__(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.critic(x)


def gradient_of(critic: Any, x: Tensor) -> Tensor:
    """grad Psi(x), (B, C, H, W).

    >>> gradient_of(torch.sum, torch.zeros(2))
    tensor([1., 1.])
    """
    x = x.detach().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x)[0]


class Hill:
    """A critic whose largest curvature is `top` everywhere, in a direction that depends on `g`."""

    def __init__(self, g: torch.Generator, n: int, top: float) -> None:
        self.axes = torch.linalg.qr(normal(g, n, n)).Q
        self.curvatures = torch.cat([torch.tensor([top]), torch.linspace(0.4 * top, 0, n - 1)]).double()
        self.slope = normal(g, n)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return (self.curvatures * (x @ self.axes).square()).sum(1) / 2 + x @ self.slope
