"""RED, regularisation by denoising: a denoiser in the place of a regulariser. Paper: §5.3, Table 2."""

import warnings
from dataclasses import dataclass

import torch

from .._input.arguments import check_count, check_finite, check_number
from .._input.networks import check_network
from ..hardware.cores import use_free
from ..operators import check_measurement, column
from ..operators.autograd import Map
from ..problem import Problem, check_problem
from ..reconstruction import NotConverged
from ..reconstruction.objective import norm


@dataclass(frozen=True)
class REDFixedPoint:
    """What `solve_red` finds: x (B, C, H, W), and how well and how soon for each image (B,).

    `residual` is ||g|| / (lambda ||x - net(x)||), 0 at the fixed point; `steps` counts evaluations of the network.

    >>> REDFixedPoint(torch.zeros(1, 1, 8, 8), residual=torch.tensor([0.005]), steps=torch.tensor([12])).steps
    tensor([12])
    """

    x: torch.Tensor
    residual: torch.Tensor
    steps: torch.Tensor


def red(
    problem: Problem, y: torch.Tensor, net: Map, reg_weight: float, tolerance: float = 0.01, steps: int = 200
) -> torch.Tensor:
    """Regularise by denoising: return the x (B, C, H, W) with 2 A*(Ax - y) + lambda (x - net(x)) = 0.

    See `solve_red`.

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 8, 8)), sigma=0.1)
    >>> darker = lambda x: x / 2  # a "denoiser" for which the equation reads 2 (x - y) + x = 0
    >>> x = red(problem, torch.full((1, 1, 8, 8), 0.9), darker, reg_weight=2.0, tolerance=1e-5)
    >>> torch.allclose(x, torch.tensor(0.6), atol=1e-4)
    True
    """
    return solve_red(problem, y, net, reg_weight, tolerance, steps).x


@torch.no_grad()
def solve_red(
    problem: Problem, y: torch.Tensor, net: Map, reg_weight: float, tolerance: float = 0.01, steps: int = 200
) -> REDFixedPoint:
    """Find the fixed point of RED from A†y by x <- argmin_u ||Au - y||^2 + lambda / 2 ||u - net(x)||^2.

    There g = 2 A*(Ax - y) + lambda (x - net(x)) vanishes, the gradient of ||Ax - y||^2 + lambda / 2 <x, x - net(x)>
    where net has a symmetric Jacobian and net(cx) = c net(x) for c near 1 (Romano et al.). A U-Net has neither
    (Reehorst and Schniter 2019): g = 0 then defines the result, and nothing is minimised. Their data term is
    ||Ax - y||^2 / (2 sigma^2), so that their lambda is ours / (2 sigma^2).
    An image is done, and waits for the others, where ||g|| <= tolerance * lambda ||x - net(x)||: both parts of g cancel
    to that share. If `steps` run out first, it warns `NotConverged`. One step costs one evaluation of the network.
    Args: reg_weight lambda > 0; steps, a limit.
    Paper: §5.3 after Romano, Elad and Milanfar 2017, "fixed-point strategy".

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 8, 8)), sigma=0.1)
    >>> found = solve_red(problem, torch.rand(2, 1, 8, 8), lambda x: x / 2, reg_weight=2.0)
    >>> found.x.shape, bool((found.residual <= 0.01).all())
    (torch.Size([2, 1, 8, 8]), True)
    """
    check_problem(problem)
    check_network(net, "net", "(B, C, H, W)")
    A = problem.A
    check_measurement(A, y)
    check_finite(y, "y")
    weight = check_number(reg_weight, "reg_weight", low=0, above=True, fix="Try 0.1.")
    tolerance = check_number(tolerance, "tolerance", low=0, above=True, fix="Try 0.01.")
    g = lambda x, clean: 2 * A.T(A(x) - y) + weight * (x - clean)
    x = problem.naive(y)
    clean, taken = net(x), torch.zeros(len(y), device=y.device)
    done = torch.zeros(len(y), dtype=torch.bool, device=y.device)
    for _ in range(check_count(steps, "steps")):
        use_free()
        new = x - A.resolvent(g(x, clean), 2 / weight) / weight  # g(new, clean) = 0
        x, clean = (torch.where(column(done), old, u) for old, u in ((x, new), (clean, net(new))))
        taken = taken + ~done
        pull = weight * (x - clean)
        residual = norm(g(x, clean)) / norm(pull).clamp_min(1e-30)
        done = residual <= tolerance
        if done.all():
            break
    else:
        warnings.warn(
            f"red: steps: {steps} ran out; expected both parts of its equation to cancel to {tolerance:g} for every "
            f"image, got up to {residual.max():.3g}. Raise steps; if that does not help, another reg_weight.",
            NotConverged,
            stacklevel=4,  # the line that called `red`: torch has a frame of its own
        )
    return REDFixedPoint(x, residual, taken)
