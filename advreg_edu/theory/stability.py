"""How reconstructions answer to perturbed data. Paper: §4, Theorem 3.

A `method` maps measurements y to images x, batched. Norms are sums over pixels, per image.
"""

import torch

from .._input.arguments import check_count, check_number
from ..operators import inner, squared_norm
from ..problem import check_problem
from ..reconstruction import gradient, reconstruct


def minimisers(problem, y, f, reg_weight, starts, step_size=0.01, steps=600, tolerance=1e-4, apart=0.02):
    """The minimisers of ||Ax - y||^2 + lambda f(x) that descent finds from many starts, each once: (K, C, H, W).

    Args:
        y: one measurement (1, *A.range_shape); f, reg_weight: the functional and lambda.
        starts: (N, C, H, W), where gradient descent (`reconstruct`) begins.
        tolerance: ends whose objective is so much above the least are local minima only and are left out.
        apart: ends nearer to each other than this are one minimiser.
    """
    many = y.expand(len(starts), *y.shape[1:])
    *_, it = reconstruct(problem, many, f, reg_weight, step_size, steps, x0=starts)
    order = it.objective.argsort()
    best = it.x[order[it.objective[order] <= it.objective.min() + tolerance]]
    kept = best[:1]
    for x in best[1:]:
        if squared_norm(kept - x).min().sqrt() > apart:
            kept = torch.cat([kept, x[None]])
    return kept


def excess(found, known):
    """The largest distance from an element of `found` to the nearest of `known`, a float: 0 if all are known."""
    return torch.cdist(found.flatten(1), known.flatten(1)).min(1).values.max().item()


def amplification(method, y, delta):
    """||R(y + delta) - R(y)|| / ||delta|| of a method R, per image: (B,)."""
    return (squared_norm(method(y + delta) - method(y)) / squared_norm(delta)).sqrt()


def worst_perturbation(method, pullback, y, size, steps=5, generator=None):
    """A perturbation of norm `size` that moves R(y) much: (B, *A.range_shape). A lower bound of the worst case.

    Gradient ascent on ||R(y + delta) - R(y)||^2 with the longest step that the ball allows: delta becomes `size` times
    the direction of the gradient J* (R(y + delta) - R(y)). For a linear R that is the power method.

    Args: pullback(y, r) gives J* r, with J the derivative of R at y: `by_autograd(method)` or `implicitly(...)`.
    """
    size = check_number(size, "size", low=0, above=True)
    delta = _of_norm(torch.randn(y.shape, generator=generator).to(y), size)
    x = method(y)
    for _ in range(check_count(steps, "steps")):
        r = method(y + delta) - x
        delta = _of_norm(pullback(y + delta, r), size)
    return delta


def by_autograd(method):
    """The pullback of a method that autograd can differentiate: FBP, U-Net."""

    def pullback(y, r):
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            return torch.autograd.grad((method(y) * r).sum(), y)[0]

    return pullback


def implicitly(problem, f, reg_weight, method, step_size=0.3, steps=30):
    """The pullback of R(y) = argmin_x ||Ax - y||^2 + lambda f(x): J* r = 2 A H^-1 r, H the Hessian at R(y).

    At a minimiser 2 A*(A x - y) + lambda grad f(x) = 0 for every y; differentiate this equation by y. H w = r is solved
    as Algorithm 2 solves the problem itself, by `steps` steps w <- w + step_size (r - H w); H is applied by differences
    of gradients. A learned f need not be convex: few steps keep w finite where H has a negative direction.
    """
    check_problem(problem)
    A, width = problem.A, 1e-2

    def pullback(y, r):
        x = method(y)

        def hessian(v):
            h = (width / squared_norm(v).sqrt().clamp_min(1e-12))[:, None, None, None]
            curved = (gradient(f, x + h * v)[1] - gradient(f, x - h * v)[1]) / (2 * h)
            return 2 * A.T(A(v)) + reg_weight * curved

        w = step_size * r
        for _ in range(steps):
            w = w + step_size * (r - hessian(w))
        return 2 * A(w)

    return pullback


def _of_norm(u, size):
    return u * (size / inner(u, u).sqrt().clamp_min(1e-12)).reshape(-1, *[1] * (u.ndim - 1))
