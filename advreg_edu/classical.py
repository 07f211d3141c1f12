"""Total variation, the model-based baseline, and two smooth relatives. Paper: §2.3, Eq. 2; §5.2, §5.3."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ._checks import check_count, check_finite, check_number
from .operators import check_measurement
from .problem import check_problem


def total_variation(problem, y, reg_weight, steps=300):
    """argmin_x ||Ax - y||^2 + lambda TV(x) by the primal-dual hybrid gradient method: (B, C, H, W).

    TV(x) = sum over pixels of sqrt((d_1 x)^2 + (d_2 x)^2), forward differences, each channel on its own.
    Args: y (B, *A.range_shape); reg_weight lambda >= 0; steps of `odl.solvers.pdhg` on `A.as_odl()`.
    Source: Chambolle and Pock 2011, by ODL.
    """
    import odl

    check_problem(problem)
    A = problem.A
    check_measurement(A, y)
    check_finite(y, "y")
    weight = check_number(reg_weight, "reg_weight", low=0, fix="Try 0.1 for denoising, 0.003 for CT.")
    check_count(steps, "steps")
    forward = A.as_odl(batch=len(y))
    rows, columns = forward.domain.ndim - 2, forward.domain.ndim - 1
    differences = [odl.PartialDerivative(forward.domain, axis, pad_mode="symmetric") for axis in (rows, columns)]
    gradient = odl.BroadcastOperator(*differences)
    stacked = odl.BroadcastOperator(forward, gradient)
    data = torch.view_as_real(y) if y.is_complex() else y
    target = forward.range.element(data.detach().cpu().float().numpy())
    data_term = odl.functionals.L2NormSquared(forward.range).translated(target)
    tv = weight * odl.functionals.GroupL1Norm(gradient.range)
    x = forward.domain.element(problem.naive(y).detach().cpu().float().numpy())
    norm = (A.norm**2 + 8) ** 0.5 * 1.01  # ||(A, gradient)||^2 <= ||A||^2 + 8
    zero = odl.functionals.ZeroFunctional(forward.domain)
    odl.solvers.pdhg(x, zero, odl.functionals.SeparableSum(data_term, tv), stacked, steps, tau=1 / norm, sigma=1 / norm)
    return torch.from_numpy(x.asarray().copy()).to(y.device)


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
