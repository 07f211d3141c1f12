"""Total variation, the model-based baseline. Paper: §2.3, Eq. 2 with f = TV; §5.2, §5.3."""

import torch

from ._checks import check_count, check_finite, check_number
from .operators import check_measurement
from .problem import Problem


def total_variation(problem, y, reg_weight, steps=300):
    """argmin_x ||Ax - y||^2 + lambda TV(x) by the primal-dual hybrid gradient method: (B, C, H, W).

    TV(x) = sum over pixels of sqrt((d_1 x)^2 + (d_2 x)^2), forward differences, each channel on its own.
    Args: y (B, *A.range_shape); reg_weight lambda >= 0; steps of `odl.solvers.pdhg` on `A.as_odl()`.
    Source: Chambolle and Pock 2011, by ODL.
    """
    import odl

    if not isinstance(problem, Problem):
        raise TypeError(f"problem: expected Problem(A, sigma), got {type(problem).__name__}.")
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
