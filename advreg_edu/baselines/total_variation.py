"""Total variation, the model-based baseline. Paper: §2.3, Eq. 2; §5.2, §5.3."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from .._input.arguments import check_count, check_finite, check_number
from ..hardware.cores import use_free
from ..operators import Inpainting, LinearOperator, check_measurement, squared_norm
from ..problem import Problem, check_problem
from .duality import constant_fit, gradient, inverse_laplacian, lower_bound, primal

BLOCK = 20  # steps between two looks at the gap
SLOPE = 40  # the dual step for grad is SLOPE lambda / L: in about one step, a jump of 0.1 in x takes |p| to lambda
SLOPE_UNSEEN = 10  # for pixels that A does not see, which move by p alone: longer steps in x (data/study)
BALANCE = 3  # the dual step for A, relative to that for grad; measured: 1 suits denoising, 8 suits CT


@dataclass(frozen=True)
class TVMinimum:
    """What `minimise_tv` finds: x (B, C, H, W), the gap (B,), relative: P(x) - min P <= gap * P(x), and the steps.

    >>> TVMinimum(torch.zeros(1, 1, 8, 8), gap=torch.tensor([5e-4]), steps=40).steps
    40
    """

    x: torch.Tensor
    gap: torch.Tensor
    steps: int


def total_variation(
    problem: Problem, y: torch.Tensor, reg_weight: float, gap: float = 1e-3, steps: int = 5000
) -> torch.Tensor:
    """Minimise ||Ax - y||^2 + lambda TV(x) to a relative duality gap: (B, C, H, W). See `minimise_tv`.

    >>> import advreg_edu as ar
    >>> x_true = torch.zeros(1, 1, 16, 16)
    >>> x_true[..., 4:12, 4:12] = 1
    >>> problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> y = problem.measure(x_true, torch.Generator().manual_seed(0))
    >>> x = total_variation(problem, y, reg_weight=0.3)
    >>> bool(ar.psnr(x, x_true) > ar.psnr(y, x_true) + 3)
    True
    """
    return minimise_tv(problem, y, reg_weight, gap, steps).x


def minimise_tv(
    problem: Problem, y: torch.Tensor, reg_weight: float, gap: float = 1e-3, steps: int = 5000
) -> TVMinimum:
    """Minimise P(x) = ||Ax - y||^2 + lambda TV(x) by the primal-dual hybrid gradient method.

    TV(x) = sum over pixels of sqrt((d_1 x)^2 + (d_2 x)^2), forward differences, each channel on its own.
    It stops when the P of every image is at most `gap` * P above its minimum, by a bound from below (`duality`), or
    after `steps`, with a warning. A P under 1e-6 ||y||^2 counts as 1e-6 ||y||^2: there single precision ends.
    It starts at A†y or at the best constant image, whichever has the lower P: for a large lambda that is the minimum.
    For denoising ||x - x*||^2 <= gap * P(x): with a large lambda a gap of 1e-3 can still be 0.1 dB, 1e-4 is not.
    For lambda = 0 the bound is 0: the gap only closes if A†y solves Ax = y.
    Args: y (B, *A.range_shape); reg_weight lambda >= 0; gap > 0; steps, a limit on those of `odl.solvers.pdhg`.
    Returns: x in the type of y; all is computed in float32.
    Source: Chambolle and Pock 2011, by ODL.

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> found = minimise_tv(problem, torch.rand(2, 1, 16, 16), reg_weight=0.3)
    >>> found.x.shape, bool((found.gap <= 1e-3).all())
    (torch.Size([2, 1, 16, 16]), True)
    """
    check_problem(problem)
    A = problem.A
    check_measurement(A, y)
    check_finite(y, "y")
    weight = check_number(reg_weight, "reg_weight", low=0, fix="Try 0.1 for denoising, 0.003 for CT.")
    tolerance = check_number(gap, "gap", low=0, above=True, fix="It is relative to the objective: try 1e-3.")
    limit = check_count(steps, "steps")
    data = y.detach().cpu().to(torch.complex64 if A.complex_range else torch.float32)
    least = 1e-6 * squared_norm(data).double().clamp_min(1e-30)
    for taken, (x, q, p) in _primal_dual(A, data, weight, _start(problem, data, weight), limit):  # noqa: B007
        objective = primal(A, data, weight, x)
        reached = (objective - lower_bound(A, data, weight, q, p)) / objective.maximum(least)
        if reached.max() <= tolerance:
            break
    else:
        warnings.warn(
            f"total_variation: expected a relative duality gap of at most {tolerance:g}, got {reached.max():.2g} after "
            f"{limit} steps. Allow more steps, or a larger gap.",
            stacklevel=3,
        )
    return TVMinimum(x.to(y.device, y.real.dtype), reached.float().to(y.device), taken)


def _start(problem: Problem, y: torch.Tensor, reg_weight: float) -> torch.Tensor:
    """A†y or the best constant image, by the objective, for each image."""
    naive, (ones, _, heights) = problem.naive(y), constant_fit(problem.A, y)
    constant = torch.einsum("bc,c...->b...", heights.to(ones), ones)
    better = primal(problem.A, y, reg_weight, constant) < primal(problem.A, y, reg_weight, naive)
    return torch.where(better[:, None, None, None], constant, naive)


def _primal_dual(
    A: LinearOperator, y: torch.Tensor, reg_weight: float, x: torch.Tensor, limit: int
) -> Iterator[tuple[int, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]]:
    """(steps, (x, q, p)) at the start and after every BLOCK of steps of `odl.solvers.pdhg`."""
    import odl

    from .odl_solver import TVDual, WithGradient

    stacked = WithGradient(A, BALANCE**0.5)
    operator = stacked.as_odl(batch=len(y))
    q = 2 * (A(x) - y)
    p = -gradient(inverse_laplacian(A.T(q).double())).to(x.dtype)  # with q a dual solution, if no longer than lambda
    z = operator.range.element(stacked.join(q, p).numpy())
    u, relaxed = (operator.domain.element(x.numpy().copy()) for _ in range(2))
    zero, terms = odl.functionals.ZeroFunctional(operator.domain), TVDual(stacked, y, reg_weight)
    ratio = (SLOPE_UNSEEN if isinstance(A, Inpainting) else SLOPE) * max(reg_weight, 1e-6)
    options = dict(tau=1 / (ratio * stacked.norm), sigma=ratio / stacked.norm, x_relax=relaxed, y=z)
    steps = 0
    while True:
        yield steps, (torch.from_numpy(u.asarray().copy()), *stacked.split(torch.from_numpy(z.asarray())))
        if steps == limit:
            return
        block = min(BLOCK, limit - steps)
        use_free()
        odl.solvers.pdhg(u, zero, terms, operator, block, **options)
        steps += block
