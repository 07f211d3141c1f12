"""A solver together with its step size, which is given, or found for each image. Paper: Alg. 2, epsilon."""

from typing import Protocol

import torch

from .._input.arguments import check_tensor
from ..operators import column, inner, squared_norm
from .objective import Objective, Point, norm
from .solvers import Solver, forward_backward, solver_of


class Stepper(Protocol):
    """What the loop of Algorithm 2 calls: a solver together with its step size.

    >>> stepper: Stepper = GivenStep("accelerated", 0.1)
    >>> stepper.step_size
    0.1
    """

    @property
    def step_size(self) -> float | torch.Tensor:
        """The step size of the next step: a number, or one for each image (B,)."""

    def __call__(self, J: Objective, p: Point) -> tuple[Point, torch.Tensor]:
        """The next point, and whether each image has moved: (B,) of bool."""


class GivenStep:
    """The stepper with one given step size for all images and iterates, as in the paper.

    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> p = J(y)
    >>> new, moved = GivenStep("gradient-descent", 0.1)(J, p)
    >>> round(new.x[0, 0, 0, 0].item(), 3), moved  # 1 - 0.1 * 2
    (0.8, tensor([True]))
    """

    def __init__(self, method: str | Solver, step: float) -> None:
        self.step_size = step
        self.solver = solver_of(method)
        if hasattr(self.solver, "start"):
            self.solver.start()

    def __call__(self, J: Objective, p: Point) -> tuple[Point, torch.Tensor]:
        """The next point, and whether each image has moved: (B,)."""
        x = self.solver(J, p, self.step_size)
        check_tensor(x, "method(J, p, step_size)")
        if x.shape != p.x.shape:
            expected = f"images like p.x of shape {tuple(p.x.shape)}"
            raise ValueError(f"method(J, p, step_size): expected {expected}, got {tuple(x.shape)}. Return x_(k+1).")
        return J(x), torch.ones_like(p.objective, dtype=torch.bool)


class FoundStep:
    """The stepper that finds a step size for each image on the way, with which J never rises (not in the paper).

    An image moves if that makes J fall; else it stays where it is for this iterate and halves its step. So an iterate
    costs one evaluation of the critic, whatever happens. After a move s that changed the gradient by v the next step is
    <s, v> / ||v||^2, one over the curvature met (Barzilai and Borwein 1988), or twice the last where that is negative.

    "accelerated" takes the gradient at z = x + beta (x - x_previous), as `Momentum` does, but extrapolates it from the
    last two, which is exact for a quadratic J, and lets the step grow by a tenth at most. An image whose J would rise
    first loses its momentum, then halves its step. For "forward-backward" the curvature is that of lambda Psi alone.

    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> p = J(y)
    >>> advance = FoundStep("gradient-descent", p, step=0.1)
    >>> p, moved = advance(J, p)
    >>> moved, advance.step_size  # J is a quadratic of curvature 4: the next step reaches its minimum
    (tensor([True]), tensor([0.2500]))
    """

    def __init__(self, method: str, start: Point, step: float) -> None:
        self.method = method
        self.step_size = torch.full_like(start.objective, step)  # (B,)
        self.least = 1e-3 * step  # where J is no number with steps as small, it is not for the step
        self.before = start  # x_{k-1}
        self.age = torch.zeros_like(self.step_size)  # for how many iterates an image has had momentum

    def __call__(self, J: Objective, p: Point) -> tuple[Point, torch.Tensor]:
        """The next point, and whether each image has moved: (B,)."""
        step = column(self.step_size)
        if self.method == "forward-backward":
            new = J(forward_backward(J, p, step))
            change = J.reg_weight * (new.grad_psi - p.grad_psi)
        else:
            beta = column(self.age / (self.age + 3))  # without momentum 0, and z = x
            z = p.x + beta * (p.x - self.before.x)
            new = J(z - step * (p.gradient + beta * (p.gradient - self.before.gradient)))  # Alg. 2, line 3
            change = new.gradient - p.gradient
        if (~torch.isfinite(new.objective + norm(new.grad_psi)) & (self.step_size < self.least)).any():
            raise ValueError(
                "critic(x): expected finite values and gradients, got NaN or infinity with every step, however small. "
                "Look for a root, a logarithm or a quotient at 0 in the critic."
            )
        moved = objective_fell(J, p, new, self.step_size)
        self._learn(p, new, change, moved)
        return new.where(moved, p), moved

    def _learn(self, p: Point, new: Point, change: torch.Tensor, moved: torch.Tensor) -> None:
        """Set the next step size and the age of the momentum."""
        s = new.x - p.x
        curvature = inner(s, change)
        step = torch.where(curvature > 0, curvature / squared_norm(change), 2 * self.step_size)
        if self.method == "accelerated":
            step = torch.minimum(step, 1.1 * self.step_size)
        self.step_size = torch.where(moved, step, torch.where(self.age == 0, self.step_size / 2, self.step_size))
        if self.method == "accelerated":
            downhill = inner(new.gradient, s) < 0
            self.before, self.age = p, torch.where(moved & downhill, self.age + 1, 0)


def objective_fell(J: Objective, p: Point, new: Point, step: torch.Tensor) -> torch.Tensor:
    """Return for which images J fell by a share of what such a step promises, ||x_new - x||^2 / epsilon (Armijo).

    Where J changes by less than its rounding the slopes at both ends tell how it changed (Hager and Zhang 2005).

    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> p = J(y)
    >>> objective_fell(J, p, J(p.x - 0.1 * p.gradient), torch.tensor([0.1]))
    tensor([True])
    """
    s, fall = new.x - p.x, p.objective - new.objective
    least = 1e-4 * squared_norm(s) / step
    fall_by_slopes = -inner(p.gradient + new.gradient, s) / 2  # exact for a quadratic J
    return (fall >= least) | (fall >= -J.rounding(p)) & (fall_by_slopes >= least)
