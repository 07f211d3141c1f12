"""Total variation, the model-based baseline, and two smooth relatives. Paper: §2.3, Eq. 2; §5.2, §5.3."""

import math
import warnings
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ._checks import check_count, check_finite, check_number
from .duality import constant_fit, gradient, inverse_laplacian, lower_bound, primal
from .operators import check_measurement, squared_norm
from .problem import check_problem


BLOCK = 20  # steps between two looks at the gap
BALANCE = 1.7  # the dual step for A is BALANCE^2 times that for grad: measured, 1 suits denoising and 3 CT
SLOPE = 40.0  # the dual step for grad is SLOPE lambda / L: a jump of 0.1 in x takes |p| to lambda in about one step


@dataclass(frozen=True)
class TVMinimum:
    """x (B, C, H, W); gap (B,), relative: P(x) - min P <= gap * P(x); the steps taken."""

    x: torch.Tensor
    gap: torch.Tensor
    steps: int


def total_variation(problem, y, reg_weight, gap=1e-3, steps=5000):
    """argmin_x ||Ax - y||^2 + lambda TV(x) to a relative duality gap: (B, C, H, W). See `minimise_tv`."""
    return minimise_tv(problem, y, reg_weight, gap, steps).x


def minimise_tv(problem, y, reg_weight, gap=1e-3, steps=5000):
    """argmin_x P(x) = ||Ax - y||^2 + lambda TV(x) by the primal-dual hybrid gradient method: a TVMinimum.

    TV(x) = sum over pixels of sqrt((d_1 x)^2 + (d_2 x)^2), forward differences, each channel on its own.
    It stops when the P of every image is within `gap` * P of its minimum, as a bound from below shows (`duality`), or
    after `steps`, with a warning. A P below 1e-6 ||y||^2 counts as that much: there single precision ends. The start
    is A†y or the constant image that fits best, whichever has the lower P: for a large lambda that is the solution.
    For lambda = 0 no gap can be shown, unless Ax = y for the start.
    Args: y (B, *A.range_shape); reg_weight lambda >= 0; gap > 0; steps of `odl.solvers.pdhg` on (A, grad), at most.
    Source: Chambolle and Pock 2011, by ODL.
    """
    check_problem(problem)
    A = problem.A
    check_measurement(A, y)
    check_finite(y, "y")
    weight = check_number(reg_weight, "reg_weight", low=0, fix="Try 0.1 for denoising, 0.003 for CT.")
    tolerance = check_number(gap, "gap", low=0, above=True, fix="It is relative to the objective: try 1e-3.")
    limit = check_count(steps, "steps")
    data = y.detach().cpu().to(torch.complex64 if A.complex_range else torch.float32)
    x, reached, taken = _start(problem, data, weight), math.inf, 0
    for taken, x, q, p in _primal_dual(A, data, weight, x, limit):
        objective = primal(A, data, weight, x)
        floor = 1e-6 * squared_norm(data).double()
        reached = (objective - lower_bound(A, data, weight, q, p)) / torch.maximum(objective, floor).clamp_min(1e-30)
        if reached.max() <= tolerance:
            break
    else:
        warnings.warn(
            f"total_variation: expected a relative duality gap of at most {tolerance:g}, got {reached.max():.2g} after "
            f"{limit} steps. Give it more steps, or accept a larger gap.",
            stacklevel=3,
        )
    return TVMinimum(x.to(y.device), reached, taken)


def _start(problem, y, reg_weight):
    """A†y or the best constant image, by the objective, for each image."""
    naive, (ones, _, heights) = problem.naive(y), constant_fit(problem.A, y)
    constant = torch.einsum("bc,c...->b...", heights.to(ones), ones)
    better = primal(problem.A, y, reg_weight, constant) < primal(problem.A, y, reg_weight, naive)
    return torch.where(better[:, None, None, None], constant, naive)


def _primal_dual(A, y, reg_weight, x, steps):
    """(steps so far, x, q, p) before the first step and after every BLOCK of `odl.solvers.pdhg`."""
    import odl

    from ._odl import TVDual, WithGradient

    stacked = WithGradient(A, BALANCE)
    operator = stacked.as_odl(batch=len(y))
    q = 2 * (A(x) - y)
    p = -gradient(inverse_laplacian(A.T(q).double())).to(q.real.dtype)  # solves the dual if nowhere longer than lambda
    x, relaxed = (operator.domain.element(x.numpy().copy()) for _ in range(2))
    z = operator.range.element(stacked.join(q / BALANCE, p).numpy())
    zero, terms = odl.functionals.ZeroFunctional(operator.domain), TVDual(stacked, y, reg_weight)
    slope = SLOPE * max(reg_weight, 1e-6)
    options = dict(tau=1 / (slope * stacked.norm), sigma=slope / stacked.norm, y=z, x_relax=relaxed)
    for taken in range(0, steps + BLOCK, BLOCK):
        q, p = stacked.split(torch.from_numpy(z.asarray()))
        yield min(taken, steps), torch.from_numpy(x.asarray().copy()), BALANCE * q, p
        odl.solvers.pdhg(x, zero, terms, operator, max(0, min(BLOCK, steps - taken)), **options)


@dataclass(frozen=True)
class SmoothedTV:
    """f(x) = sum over pixels of sqrt((d_1 x)^2 + (d_2 x)^2 + beta^2) - beta: (B, C, H, W) to (B,), differentiable.

    It lies below TV(x), by at most beta per pixel. grad f is Lipschitz with constant `lipschitz` = 8 / beta: 8 bounds
    ||(d_1, d_2)||^2, and 1 / beta is the curvature of the root at 0, so in flat regions. Not in the paper.
    Args: smoothing, beta > 0 in intensities.
    """

    smoothing: float = 0.01

    def __post_init__(self):
        check_number(self.smoothing, "smoothing", low=0, above=True, fix="For exact TV take total_variation.")

    @property
    def lipschitz(self):
        return 8 / self.smoothing

    def __call__(self, x):
        return ((_squared_differences(x) + self.smoothing**2).sqrt() - self.smoothing).flatten(1).sum(1)


@dataclass(frozen=True)
class Tikhonov:
    """f(x) = sum over pixels of (d_1 x)^2 + (d_2 x)^2: (B, C, H, W) to (B,), a quadratic. Not in the paper.

    grad f is Lipschitz with constant `lipschitz` = 16, nearly reached by a checkerboard.
    """

    lipschitz = 16.0

    def __call__(self, x):
        return _squared_differences(x).flatten(1).sum(1)


def stability_limit(A, regularizer, reg_weight):
    """2 / L with L = 2 ||A||^2 + reg_weight * regularizer.lipschitz: below it no step of gradient descent on
    J(x) = ||Ax - y||^2 + reg_weight * f(x) can raise J.

    L bounds the curvature of J. The limit is sharp for a quadratic whose steepest directions in both terms agree; else
    some larger steps may work, without a promise. Source: Nesterov 2004, §1.2.3; not in the paper.
    """
    return 2 / (2 * A.norm**2 + check_number(reg_weight, "reg_weight", low=0) * regularizer.lipschitz)


def _squared_differences(x):
    """(d_1 x)^2 + (d_2 x)^2 of forward differences, 0 beyond the last row and column: (B, C, H, W) twice."""
    return F.pad(x.diff(dim=2), (0, 0, 0, 1)).square() + F.pad(x.diff(dim=3), (0, 1)).square()
