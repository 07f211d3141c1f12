"""J(x) = ||Ax - y||^2 + lambda Psi(x), its parts and its gradient. Paper: §3, Eq. 5."""

from dataclasses import dataclass, fields

import torch

from .._input.networks import check_values, derivatives, evaluate, gradient_by, variable
from ..operators import inner, squared_norm


@dataclass(frozen=True)
class Iterate:
    """x_k and the parts of the objective J(x) = ||Ax - y||^2 + lambda Psi(x) at x_k, each per image (B,)."""

    step: int  # k; 0 is the start
    x: torch.Tensor  # (B, C, H, W)
    objective: torch.Tensor  # J(x_k)
    data_term: torch.Tensor  # ||A x_k - y||^2
    regularizer: torch.Tensor  # Psi(x_k), without lambda
    gradient_norm: torch.Tensor  # ||grad J(x_k)||
    step_size: torch.Tensor  # epsilon of the next step
    stopped: bool  # whether the rule `stop` ends the run here; False at the last iterate: `steps` ran out

    def __repr__(self):
        mean = lambda t: f"{t.mean():.4g}"
        return f"Iterate(step={self.step}, objective={mean(self.objective)}, gradient_norm={mean(self.gradient_norm)})"


@dataclass(frozen=True)
class Point:
    """What one evaluation of J gives: a value and a gradient of both parts, per image."""

    x: torch.Tensor
    objective: torch.Tensor  # (B,), as the next two
    data_term: torch.Tensor
    regularizer: torch.Tensor
    gradient: torch.Tensor  # grad J, like x
    grad_psi: torch.Tensor  # without lambda

    def where(self, chosen, other):
        """This point for the images that are chosen, the other one for the rest."""
        pick = lambda u, v: torch.where(column(chosen) if u.ndim == 4 else chosen, u, v)
        return Point(*(pick(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))


@dataclass(frozen=True)
class Objective:
    """J for a batch of measurements."""

    A: object
    y: torch.Tensor
    critic: object
    weight: float

    def __call__(self, x):
        """The point at x, by one product with A and A* and one evaluation of the critic forward and back."""
        residual = self.A(x) - self.y
        psi, grad_psi = gradient(self.critic, x)
        data, grad_data = squared_norm(residual), 2 * self.A.T(residual)
        return Point(x, data + self.weight * psi, data, psi, grad_data + self.weight * grad_psi, grad_psi)

    def rounding(self, p):
        """By how much rounding may change J(x), a float32 or float64 sum of two terms."""
        return 8 * torch.finfo(p.x.dtype).eps * (p.data_term + self.weight * p.regularizer.abs())


def gradient(critic, x):
    """Psi(x) and grad Psi(x): (B,) and (B, C, H, W)."""
    with derivatives():
        x = variable(x)
        psi = evaluate(critic, x)
        check_values(psi, x)
        grad = gradient_by(psi, x)
    return psi.detach(), grad


def column(numbers):
    """(B,) as (B, 1, 1, 1): one factor per image."""
    return numbers[:, None, None, None]


def norm(u):
    """||u|| per image: (B,)."""
    return inner(u, u).sqrt()
