"""Small critics for the plane. Paper: §3.1, Theorem 2."""

from torch import nn

from .._input.arguments import check_count

ZOOM = 8.0  # the unit square becomes [-4, 4]^2, the range in which a fresh network is curved


class PlaneCritic(nn.Module):
    """Psi(x): points (B, 1, 1, 2) to (B,) by a plain network, two hidden layers, ReLU. Zero before training.

    ReLU, since d_M has a kink on M: a smooth network of the same size rounds it off.
    """

    channels = 1

    def __init__(self, width=64):
        super().__init__()
        self.net = _perceptron(check_count(width, "width"), 1, nn.ReLU)
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        return self.net(ZOOM * (x.flatten(1) - 0.5)).squeeze(1)


class DistanceCritic(nn.Module):
    """Psi(x) = ||x - D(x)||, the form of `LocalCritic`: D is a network from the plane to the plane; rounded at the tip.

    Args: width of the two hidden layers (SiLU); smoothing, the radius of the rounded tip.
    """

    channels = 1

    def __init__(self, width=32, smoothing=1e-3):
        super().__init__()
        self.net, self.smoothing = _perceptron(check_count(width, "width"), 2, nn.SiLU), smoothing

    def clean(self, x):
        """D(x), in the place of P_M(x): shape of x."""
        return x - self.net(ZOOM * (x.flatten(1) - 0.5)).reshape(x.shape) / ZOOM

    def forward(self, x):
        squared = (x - self.clean(x)).square().flatten(1).sum(1)
        return (squared + self.smoothing**2).sqrt() - self.smoothing


def _perceptron(width, outputs, activation):
    return nn.Sequential(
        nn.Linear(2, width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, outputs)
    )
