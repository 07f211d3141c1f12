"""Total variation, ours and as the authors' code has it: rows beside the ladder.

Source: Framework.py and LUNA.py at commit cf5906f of https://github.com/lunz-s/DeepAdverserialRegulariser. Their RED
needs no row: it descends along A*(Ax - y) + lambda (x - D(x)), without the 2 in front of A*, and so has the fixed point
of `baselines.red` for twice the lambda.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...baselines import minimise_tv
from ...problem import Problem

TV_STEPS = 200
Solve = Callable[[Problem, Tensor, float], tuple[Tensor, int]]  # (problem, y, lambda) to images and iterates


@dataclass(frozen=True)
class Baseline:
    """A row beside the rungs; `weights` is the grid of lambda, of which training images choose."""

    name: str
    why: str
    solve: Solve
    weights: tuple[float, ...]


def baselines(number: str) -> list[Baseline]:
    """The rows for Table 1 or 2.

    >>> [row.name for row in baselines("2")]
    ['TV', "the authors' TV"]
    """
    weights = (0.05, 0.07, 0.1, 0.14, 0.2) if number == "1" else (0.0014, 0.002, 0.003, 0.004, 0.006, 0.008)
    anisotropic = "‖∂₁x‖₁ + ‖∂₂x‖₁, anisotropic, x = 0 beyond the image; 200 steps from A†y"
    return [
        Baseline("TV", "the sum of ‖∇x‖ over pixels, to a duality gap of 1e-3", _tv, weights),
        Baseline("the authors' TV", anisotropic, _authors_tv, weights),
    ]


def authors_tv(problem: Problem, y: Tensor, reg_weight: float, steps: int = TV_STEPS) -> Tensor:
    """Total variation as the authors' code has it: (B, C, H, W).

    ||Ax - y||^2 + lambda sum (|d_1 x| + |d_2 x|) by ODL's primal-dual method with their step sizes, from A†y. x is 0
    beyond the last row and column, so an edge stands where an image is not black there.

    >>> from advreg_edu.operators import Identity
    >>> flat = torch.ones(1, 1, 8, 8)
    >>> x = authors_tv(Problem(Identity((1, 8, 8)), 0.1), flat, reg_weight=0.5)
    >>> bool(x[..., -1, -1] < x[..., 0, 0])  # the boundary pulls
    True
    """
    import odl

    operator = problem.A.as_odl(batch=len(y))
    d_1, d_2 = (odl.PartialDerivative(operator.domain, axis, pad_mode="constant") for axis in (2, 3))
    stacked = odl.BroadcastOperator(operator, d_1, d_2)
    misfit = odl.functionals.L2NormSquared(operator.range).translated(operator.range.element(y.numpy()))
    length = reg_weight * odl.functionals.L1Norm(operator.domain)
    terms, zero = odl.functionals.SeparableSum(misfit, length, length), odl.functionals.ZeroFunctional(operator.domain)
    x, norm = operator.domain.element(problem.naive(y).numpy()), 1.1 * (problem.A.norm**2 + 8) ** 0.5
    odl.solvers.pdhg(x, zero, terms, stacked, steps, tau=10 / norm, sigma=0.1 / norm)
    return torch.from_numpy(x.asarray().copy())


def _tv(problem: Problem, y: Tensor, reg_weight: float) -> tuple[Tensor, int]:
    found = minimise_tv(problem, y, reg_weight)
    return found.x, found.steps


def _authors_tv(problem: Problem, y: Tensor, reg_weight: float) -> tuple[Tensor, int]:
    return authors_tv(problem, y, reg_weight, TV_STEPS), TV_STEPS
