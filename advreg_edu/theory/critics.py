"""Small critics for the plane. Paper: §3.1, Theorem 2."""

import torch
from torch import nn

from .._input.arguments import check_count

ZOOM = 8.0  # the unit square becomes [-4, 4]^2, the range in which a fresh network is curved


class PlaneCritic(nn.Module):
    """Psi(x) by a plain network of two hidden layers with ReLU: points (B, 1, 1, 2) to (B,).

    It is zero before training. The activation is ReLU, since d_M has a kink on M: a smooth network of the same size
    rounds it off.

    >>> PlaneCritic()(torch.rand(3, 1, 1, 2)).tolist()
    [0.0, 0.0, 0.0]

    Args: width of the two hidden layers.
    """

    channels = 1

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.net = _perceptron(check_count(width, "width"), 1, nn.ReLU)
        for p in self.net[-1].parameters():
            nn.init.zeros_(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(ZOOM * (x.flatten(1) - 0.5)).squeeze(1)


class DistanceCritic(nn.Module):
    """Psi(x) = ||x - D(x)|| has the form of `LocalCritic`: D is a network from the plane to the plane.

    Args: width of the two hidden layers (SiLU); smoothing, the radius of the rounded tip.

    >>> critic = DistanceCritic()
    >>> x = torch.rand(3, 1, 1, 2)
    >>> critic(x).shape, critic.clean(x).shape
    (torch.Size([3]), torch.Size([3, 1, 1, 2]))
    """

    channels = 1

    def __init__(self, width: int = 32, smoothing: float = 1e-3) -> None:
        super().__init__()
        self.net, self.smoothing = _perceptron(check_count(width, "width"), 2, nn.SiLU), smoothing

    def clean(self, x: torch.Tensor) -> torch.Tensor:
        """Return D(x), in the place of P_M(x), of the shape of x."""
        return x - self.net(ZOOM * (x.flatten(1) - 0.5)).reshape(x.shape) / ZOOM

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squared = (x - self.clean(x)).square().flatten(1).sum(1)
        return (squared + self.smoothing**2).sqrt() - self.smoothing


def _perceptron(width: int, outputs: int, activation: type[nn.Module]) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, outputs)
    )
