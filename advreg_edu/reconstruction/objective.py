"""J(x) = ||Ax - y||^2 + lambda Psi(x), its parts and its gradient. Paper: §3, Eq. 5."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch

from .._input.networks import check_values, derivatives, evaluate, gradient_by, variable
from ..critics import Critic
from ..operators import LinearOperator, column, inner, squared_norm


@dataclass(frozen=True)
class Iterate:
    """An iterate x_k, and the parts of J(x) = ||Ax - y||^2 + lambda Psi(x) there, each for every image (B,).

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 8, 8)), sigma=0.1)
    >>> energy = lambda x: x.square().flatten(1).sum(1)
    >>> *_, it = ar.reconstruct(problem, torch.ones(2, 1, 8, 8), energy, reg_weight=1.0, steps=20)
    >>> it.step, it.x.shape, it.objective  # the minimiser is 1/2 in each of the 64 pixels
    (20, torch.Size([2, 1, 8, 8]), tensor([32., 32.]))
    """

    step: int  # k; 0 is the start
    x: torch.Tensor  # (B, C, H, W)
    objective: torch.Tensor  # J(x_k)
    data_term: torch.Tensor  # ||A x_k - y||^2
    regularizer: torch.Tensor  # Psi(x_k), without lambda
    gradient_norm: torch.Tensor  # ||grad J(x_k)||
    step_size: torch.Tensor  # epsilon of the next step
    stopped: bool  # whether the rule `stop` ends the run here; False at the last iterate: `steps` ran out

    def __repr__(self) -> str:
        mean: Callable[[torch.Tensor], str] = lambda t: f"{t.mean():.4g}"
        return f"Iterate(step={self.step}, objective={mean(self.objective)}, gradient_norm={mean(self.gradient_norm)})"


@dataclass(frozen=True)
class Point:
    """What one evaluation of J at x gives: the value and the gradient of both parts, for each image.

    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> p = J(y)
    >>> p.data_term, p.regularizer, p.objective, p.gradient.shape
    (tensor([0.]), tensor([64.]), tensor([64.]), torch.Size([1, 1, 8, 8]))
    """

    x: torch.Tensor
    objective: torch.Tensor  # (B,), as the next two
    data_term: torch.Tensor
    regularizer: torch.Tensor
    gradient: torch.Tensor  # grad J, like x
    grad_psi: torch.Tensor  # without lambda

    def where(self, chosen: torch.Tensor, other: "Point") -> "Point":
        """Take this point for the images that are chosen, (B,) of bool, and the other one for the rest."""
        pick = lambda u, v: torch.where(column(chosen) if u.ndim == 4 else chosen, u, v)
        return Point(*(pick(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))


@dataclass(frozen=True)
class Objective:
    """The objective J(x) = ||Ax - y||^2 + reg_weight * Psi(x), for a batch of measurements y. Paper: Eq. 5.

    >>> from advreg_edu.operators import Identity
    >>> energy = lambda x: x.square().flatten(1).sum(1)
    >>> J = Objective(Identity((1, 2, 2)), torch.ones(1, 1, 2, 2), energy, reg_weight=0.5)
    >>> p = J(torch.full((1, 1, 2, 2), 2.0))
    >>> p.data_term, p.regularizer, p.objective
    (tensor([4.]), tensor([16.]), tensor([12.]))
    >>> p.gradient[0, 0]  # 2 (x - y) + 0.5 * 2 x
    tensor([[4., 4.],
            [4., 4.]])
    """

    A: LinearOperator
    y: torch.Tensor
    critic: Critic
    reg_weight: float

    def __call__(self, x: torch.Tensor) -> Point:
        """Return the point at x, by one product with A and A* and one evaluation of the critic forward and back."""
        residual = self.A(x) - self.y
        psi, grad_psi = gradient(self.critic, x)
        data, grad_data = squared_norm(residual), 2 * self.A.T(residual)
        return Point(x, data + self.reg_weight * psi, data, psi, grad_data + self.reg_weight * grad_psi, grad_psi)

    def rounding(self, p: Point) -> torch.Tensor:
        """Return by how much rounding may change J(x), a float32 or float64 sum of two terms."""
        return 8 * torch.finfo(p.x.dtype).eps * (p.data_term + self.reg_weight * p.regularizer.abs())


def gradient(critic: Critic, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return Psi(x) and grad Psi(x): (B,) and (B, C, H, W).

    >>> gradient(lambda x: x.square().flatten(1).sum(1), torch.tensor([[[[3.0, 4.0]]]]))
    (tensor([25.]), tensor([[[[6., 8.]]]]))
    """
    with derivatives():
        x = variable(x)
        psi = evaluate(critic, x)
        check_values(psi, x)
        grad = gradient_by(psi, x)
    return psi.detach(), grad


def norm(u: torch.Tensor) -> torch.Tensor:
    """Return ||u|| of each image: (B, ...) to (B,).

    >>> norm(torch.tensor([[3.0, 4.0], [1.0, 0.0]]))
    tensor([5., 1.])
    """
    return inner(u, u).sqrt()
