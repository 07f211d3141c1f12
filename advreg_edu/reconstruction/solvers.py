"""How Algorithm 2 goes from x_k to x_{k+1}. Paper: §3.1; Alg. 2, line 3."""

from typing import Protocol

import torch

from .._input.arguments import check_choice
from ..operators import column, inner
from .objective import Objective, Point

METHODS = ("gradient-descent", "accelerated", "forward-backward")


class Solver(Protocol):
    """What `reconstruct(..., method=...)` takes: a function, or an object that remembers earlier iterates.

    It is called once for each iterate and returns x_{k+1}, of the shape of x_k. It may read
    - `p`, the point at x_k: `p.x`, `p.gradient` = grad J(x_k), `p.grad_psi` = grad Psi(x_k), `p.objective` = J(x_k);
    - `J`, the objective: `J(x)` is the point at another x, for one evaluation of the critic; `J.A`, `J.y`,
      `J.reg_weight`;
    - `step_size`, the number that `reconstruct` was given.
    If it also has a method `start()`, that is called before each run, so that one object can serve several.

    Gradient descent with heavy-ball momentum (Polyak 1964), for instance:

    >>> class HeavyBall:
    ...     def __init__(self, momentum):
    ...         self.momentum = momentum
    ...
    ...     def start(self):
    ...         self.move = 0.0
    ...
    ...     def __call__(self, J, p, step_size):
    ...         self.move = self.momentum * self.move - step_size * p.gradient
    ...         return p.x + self.move
    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 8, 8)), sigma=0.1)
    >>> energy = lambda x: x.square().flatten(1).sum(1)
    >>> y = torch.ones(1, 1, 8, 8)
    >>> *_, it = ar.reconstruct(problem, y, energy, reg_weight=1.0, step_size=0.1, steps=60, method=HeavyBall(0.5))
    >>> torch.allclose(it.x, torch.tensor(0.5))  # y / (1 + reg_weight)
    True
    """

    def __call__(self, J: Objective, p: Point, step_size: float, /) -> torch.Tensor: ...


def descend(J: Objective, p: Point, step: float) -> torch.Tensor:
    """Take a step of gradient descent, x <- x - epsilon grad (||Ax - y||^2 + lambda Psi(x)). Paper: Alg. 2, line 3.

    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> p = J(y)
    >>> torch.equal(descend(J, p, 0.1), y - 0.1 * 2 * y)
    True
    """
    return p.x - step * p.gradient


class Momentum:
    """Nesterov's method takes the gradient step at z = x + beta (x - x_previous).

    An image's beta restarts at 0 where it points uphill. Beta tends to 1, so that steps up to 2/3 of gradient descent's
    limit are stable.

    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> p = J(y)
    >>> solver = Momentum()
    >>> solver.start()
    >>> torch.equal(solver(J, p, 0.1), descend(J, p, 0.1))  # the first step has no momentum yet
    True
    """

    def start(self) -> None:
        """Forget the last run."""
        self.previous: torch.Tensor | None = None

    def __call__(self, J: Objective, p: Point, step: float) -> torch.Tensor:
        x = p.x
        if self.previous is None:
            self.previous, self.age = x, x.new_zeros(len(x))
        z = x + column(self.age / (self.age + 3)) * (x - self.previous)
        grad = J(z).gradient
        new = z - step * grad
        self.previous, self.age = x, torch.where(inner(grad, new - x) > 0, 0, self.age + 1)
        return new


def forward_backward(J: Objective, p: Point, step: float | torch.Tensor) -> torch.Tensor:
    """Take a step that is explicit in Psi and implicit in the data term:
    x <- argmin_u ||Au - y||^2 + ||u - (x - epsilon lambda grad Psi(x))||^2 / (2 epsilon).

    The condition (I + 2 epsilon A*A) u = x - epsilon lambda grad Psi(x) + 2 epsilon A*y, less the same operator at x,
    is u = x - (I + 2 epsilon A*A)^-1 epsilon grad J(x). `A.resolvent` has the inverse, in closed form for denoising,
    inpainting and Fourier sampling. Paper: §3.1 names the method.

    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> p = J(y)
    >>> torch.allclose(forward_backward(J, p, 0.5), torch.tensor(0.5))  # argmin (u - 1)^2 + (u - (1 - 0.5 * 2))^2
    True
    """
    return p.x - step * J.A.resolvent(p.gradient, 2 * step)


def solver_of(method: str | Solver) -> Solver:
    """Return the solver that a name stands for, or the given one.

    >>> solver_of("gradient-descent") is descend
    True
    """
    if not isinstance(method, str):
        return method
    solvers: dict[str, Solver] = {
        "gradient-descent": descend,
        "accelerated": Momentum(),
        "forward-backward": forward_backward,
    }
    return solvers[method]


def check_method(method: object, step_size: float | str) -> None:
    """Raise unless `method` is a name of METHODS or a `Solver`; "auto" finds step sizes for the names only.

    >>> check_method("accelerated", "auto")
    """
    if isinstance(method, type):
        fix = f"Make one: {method.__name__}()."
        raise TypeError(f"method: expected a name or a solver, got the class {method.__name__}. {fix}")
    if not callable(method):
        check_choice(method, "method", METHODS)
    elif step_size == "auto":
        raise ValueError('step_size: expected a number for a solver of your own, got "auto". Try 0.3 / A.norm**2.')
