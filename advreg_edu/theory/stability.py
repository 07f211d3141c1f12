"""How reconstructions answer to perturbed data. Paper: §4, Theorem 3.

A `method` maps measurements y to images x, batched. Norms are sums over pixels, per image.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch

from .._input.arguments import check_batch, check_count, check_float, check_number, place_of
from .._input.signature import checked
from ..critics import Critic
from ..operators import check_measurement, inner, squared_norm
from ..problem import Problem, check_problem
from ..reconstruction import gradient, reconstruct

Method: TypeAlias = Callable[[torch.Tensor], torch.Tensor]  # R: measurements y to images x
Pullback: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (y, r) to J* r, J the derivative of R at y


@checked
def minimisers(
    problem: Problem,
    y: torch.Tensor,
    f: Critic,
    reg_weight: float,
    starts: torch.Tensor,
    step_size: float = 0.01,
    steps: int = 600,
    tolerance: float = 1e-4,
    apart: float = 0.02,
) -> torch.Tensor:
    """Find the minimisers of ||Ax - y||^2 + lambda f(x) by descent from many starts, each once: (K, C, H, W).

    Args:
        y: one measurement (1, *A.range_shape); f, reg_weight: the functional and lambda.
        starts: (N, C, H, W), where gradient descent (`reconstruct`) begins.
        tolerance: ends whose objective is so much above the least are local minima only and are left out.
        apart: ends nearer to each other than this are one minimiser.

    >>> import advreg_edu as ar
    >>> from advreg_edu.theory import worlds
    >>> plane = ar.Problem(ar.Identity((1, 1, 2)), sigma=0.05)
    >>> middle = torch.tensor([[[[0.5, 0.5]]]])  # as near to one of the two points as to the other
    >>> starts = torch.tensor([[0.3, 0.5], [0.4, 0.7], [0.7, 0.5], [0.6, 0.4]])[:, None, None]
    >>> len(minimisers(plane, middle, worlds.points().distance, 0.2, starts))
    2
    """
    check_problem(problem)
    check_measurement(problem.A, y)
    if len(y) != 1:
        raise ValueError(f"y: expected one measurement, got {len(y)}. Take y[:1].")
    many = y.expand(len(starts), *y.shape[1:])
    *_, it = reconstruct(problem, many, f, reg_weight, step_size, steps, x0=starts)
    order = it.objective.argsort()
    best = it.x[order[it.objective[order] <= it.objective.min() + tolerance]]
    kept = best[:1]
    for x in best[1:]:
        if squared_norm(kept - x).min().sqrt() > apart:
            kept = torch.cat([kept, x[None]])
    return kept


@checked
def excess(found: torch.Tensor, known: torch.Tensor) -> float:
    """Return the largest distance from an element of `found` to the nearest of `known`: 0 if all are known.

    >>> excess(torch.tensor([[0.0, 0.0], [0.5, 0.0]]), known=torch.tensor([[0.0, 0.0]]))
    0.5
    """
    for name, x in (("found", found), ("known", known)):
        check_batch(x, name, found.shape[1:])
        check_float(x, name)
    return torch.cdist(found.flatten(1).double(), known.flatten(1).double()).min(1).values.max().item()


@checked
def amplification(method: Method, y: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """Return ||R(y + delta) - R(y)|| / ||delta|| of a method R, for each image: (B,).

    >>> amplification(lambda y: 3 * y, torch.rand(2, 1, 8, 8), delta=torch.ones(2, 1, 8, 8))
    tensor([3., 3.])
    """
    check_batch(y, "y")
    check_batch(delta, "delta", y.shape[1:])
    return (squared_norm(method(y + delta) - method(y)) / squared_norm(delta)).sqrt()


@checked
def worst_perturbation(
    method: Method,
    pullback: Pullback,
    y: torch.Tensor,
    size: float,
    steps: int = 5,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Find a perturbation of norm `size` that moves R(y) much: (B, *A.range_shape).

    How far it moves R(y) is a lower bound of the worst case.
    It is found by gradient ascent on ||R(y + delta) - R(y)||^2 with the longest step that the ball allows: delta
    becomes `size` times the direction of the gradient J* (R(y + delta) - R(y)). For a linear R that is the power
    method.

    Args: pullback(y, r) gives J* r, with J the derivative of R at y: `by_autograd(method)` or `implicitly(...)`.

    >>> method = lambda y: torch.tensor([1.0, 3.0]) * y
    >>> y = torch.zeros(1, 1, 1, 2)
    >>> delta = worst_perturbation(method, by_autograd(method), y, size=0.1, generator=torch.Generator().manual_seed(0))
    >>> amplification(method, y, delta).round(decimals=2)  # the largest factor
    tensor([3.])
    """
    size = check_number(size, "size", low=0, above=True)
    delta = _of_norm(torch.randn(y.shape, generator=generator, device=place_of(generator)).to(y), size)
    x = method(y)
    for _ in range(check_count(steps, "steps")):
        r = method(y + delta) - x
        delta = _of_norm(pullback(y + delta, r), size)
    return delta


@checked
def by_autograd(method: Method) -> Pullback:
    """Return the pullback of a method that autograd can differentiate, such as FBP or a U-Net.

    >>> by_autograd(lambda y: 3 * y)(torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1, 2))
    tensor([[[[3., 3.]]]])
    """

    def pullback(y: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            return torch.autograd.grad((method(y) * r).sum(), y)[0]

    return pullback


@checked
def implicitly(
    problem: Problem, f: Critic, reg_weight: float, method: Method, step_size: float = 0.3, steps: int = 30
) -> Pullback:
    """Return the pullback of R(y) = argmin_x ||Ax - y||^2 + lambda f(x): J* r = 2 A H^-1 r, H the Hessian at R(y).

    At a minimiser 2 A*(A x - y) + lambda grad f(x) = 0 for every y; differentiate this equation by y. H w = r is solved
    as Algorithm 2 solves the problem itself, by `steps` steps w <- w + step_size (r - H w); H is applied by differences
    of gradients. A learned f need not be convex: few steps keep w finite where H has a negative direction.

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 1, 2)), sigma=0.1)
    >>> energy = lambda x: x.square().flatten(1).sum(1)
    >>> pullback = implicitly(problem, energy, 1.0, method=lambda y: y / 2)  # argmin ||x - y||^2 + ||x||^2 = y / 2
    >>> pullback(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 1, 2)).round(decimals=3)
    tensor([[[[0.5000, 0.5000]]]])
    """
    check_problem(problem)
    A, width = problem.A, 1e-2

    def pullback(y: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        x = method(y)

        def hessian(v: torch.Tensor) -> torch.Tensor:
            h = (width / squared_norm(v).sqrt().clamp_min(1e-12))[:, None, None, None]
            curved = (gradient(f, x + h * v)[1] - gradient(f, x - h * v)[1]) / (2 * h)
            return 2 * A.T(A(v)) + reg_weight * curved

        w = step_size * r
        for _ in range(steps):
            w = w + step_size * (r - hessian(w))
        return 2 * A(w)

    return pullback


def _of_norm(u: torch.Tensor, size: float) -> torch.Tensor:
    return u * (size / inner(u, u).sqrt().clamp_min(1e-12)).reshape(-1, *[1] * (u.ndim - 1))
