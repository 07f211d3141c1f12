"""What the theorems talk about, as numbers: Wasserstein distance, flow, slopes. Paper: §3.1 (Eq. 7), §3.2, §3.3.

`x_real` and `x_noisy` are samples of P_r and P_n, images (B, C, H, W) or points of `worlds` (B, 1, 1, 2); `f` is a
functional (B, C, H, W) to (B,), differentiable by autograd.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from .._input.arguments import check_batch, check_finite, check_float, check_number
from .._input.signature import check_instance, checked
from ..critics import Critic
from ..operators import inner
from ..reconstruction import gradient
from .world import World

# Arguments of `algorithm_1` for the plane: a thousand points cost as much as one image, so the batch is large. The
# penalty weight there is 60 sigma: the slope exceeds 1 by about 1 %.
TRAINING: dict[str, Any] = dict(batch_size=128, learning_rate=1e-2, averaging=0.97, precision="float32")


@dataclass(frozen=True)
class Transport:
    """An optimal plan: `plan[i, j]` of the mass goes from x_noisy[i] to x_real[j]; `distance` is the mean way.

    >>> Transport(0.5, torch.eye(2, dtype=torch.float64) / 2).plan.sum().item()
    1.0
    """

    distance: float
    plan: torch.Tensor  # (N, M), float64, sum 1


@checked
def transport(x_real: torch.Tensor, x_noisy: torch.Tensor) -> Transport:
    """Find the optimal transport between two samples, each point with the same weight. Source: Eq. 7, its dual side.

    It is exact: a linear programme with N x M unknowns, solved by the network simplex method of POT (Bonneel et al.
    2011), in a second for 2000 points. Raises RuntimeError if the solver stops early.

    >>> x_real = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    >>> found = transport(x_real, x_real.flip(0) + torch.tensor([0.0, 0.5]))
    >>> found.distance, found.plan.tolist()  # each point goes straight up, by 0.5
    (0.5, [[0.0, 0.5], [0.5, 0.0]])
    """
    import ot

    _check_samples(x_real=x_real, x_noisy=x_noisy)
    noisy, real = (x.detach().flatten(1).double() for x in (x_noisy, x_real))
    costs = torch.cdist(noisy, real, compute_mode="donot_use_mm_for_euclid_dist")
    plan, log = ot.emd(ot.unif(len(noisy)), ot.unif(len(real)), costs.cpu().numpy(), numItermax=10**7, log=True)
    if log["warning"]:
        raise RuntimeError(f"transport: expected an optimal plan, POT stopped: {log['warning']} Take fewer points.")
    return Transport(float(log["cost"]), torch.from_numpy(plan).to(x_noisy.device))


@checked
def wasserstein(x_real: torch.Tensor, x_noisy: torch.Tensor) -> float:
    """Return Wass(P_r, P_n) of two samples, exact. Source: Eq. 7.

    >>> x = torch.rand(20, 1, 1, 2)
    >>> round(wasserstein(x, x + torch.tensor([0.3, 0.4])), 4)
    0.5
    """
    return transport(x_real, x_noisy).distance


@checked
@torch.no_grad()
def gap(f: Critic, x_real: torch.Tensor, x_noisy: torch.Tensor) -> float:
    """Return E f(x_noisy) - E f(x_real), which Eq. 7 maximises over the 1-Lipschitz functions.

    >>> x = torch.rand(20, 1, 1, 2)
    >>> height = lambda x: x[..., 1].flatten()
    >>> round(gap(height, x, x + torch.tensor([0.3, 0.4])), 4)
    0.4
    """
    _check_samples(x_real=x_real, x_noisy=x_noisy)
    return (f(x_noisy).mean() - f(x_real).mean()).item()


@checked
def flow(f: Critic, x: torch.Tensor, eta: float) -> torch.Tensor:
    """Return g_eta(x) = x - eta * grad f(x), of the shape of x. Source: Eq. 8.

    >>> from advreg_edu.theory import worlds
    >>> flow(worlds.circle(radius=0.3).distance, torch.tensor([[[[1.0, 0.5]]]]), eta=0.2)
    tensor([[[[0.8000, 0.5000]]]])
    """
    return x - eta * gradient(f, x)[1]


@checked
def squared_slope(f: Critic, x: torch.Tensor) -> float:
    """Return E ||grad f(x)||^2. Theorem 1 says that it is minus the slope of the Wasserstein distance.

    >>> from advreg_edu.theory import worlds
    >>> round(squared_slope(worlds.circle().distance, torch.rand(20, 1, 1, 2)), 4)
    1.0
    """
    return inner(g := gradient(f, x)[1], g).mean().item()


@checked
def decay(f: Critic, x_real: torch.Tensor, x_noisy: torch.Tensor, etas: Iterable[float]) -> list[float]:
    """Return Wass(P_r, P_eta) for each eta, exact. P_eta is the law of flow(f, x_noisy, eta). Source: §3.2.

    >>> height = lambda x: x[..., 1].flatten()
    >>> x = torch.rand(20, 1, 1, 2)
    >>> [round(d, 4) for d in decay(height, x, x + torch.tensor([0.0, 0.4]), etas=[0, 0.1, 0.2])]
    [0.4, 0.3, 0.2]
    """
    check_instance(etas, "etas", Iterable)
    direction, lengths = gradient(f, x_noisy)[1], [check_number(eta, "etas") for eta in etas]
    return [wasserstein(x_real, x_noisy - eta * direction) for eta in lengths]


@checked
def slope_at_zero(f: Critic, x_real: torch.Tensor, x_noisy: torch.Tensor) -> float:
    """Return d/d eta Wass(P_r, P_eta) at eta = 0, exact for the samples, without a difference quotient.

    By the envelope theorem (Eq. 9) the optimal plan may be held fixed: the slope is -E <u, grad f(x_noisy)> with u the
    unit vector from the goal of x_noisy to x_noisy. Holds where the optimal plan is unique and no point lies on its own
    goal (there u is taken as 0).

    >>> height = lambda x: x[..., 1].flatten()
    >>> x = torch.rand(20, 1, 1, 2)
    >>> round(slope_at_zero(height, x, x + torch.tensor([0.0, 0.4])), 4)
    -1.0
    """
    plan, g = transport(x_real, x_noisy).plan, gradient(f, x_noisy)[1].flatten(1).double()
    i, j = plan.nonzero(as_tuple=True)
    away = F.normalize((x_noisy[i] - x_real[j]).flatten(1).double(), dim=1)
    return -(plan[i, j] * inner(away, g[i])).sum().item()


@checked
@torch.no_grad()
def distance_error(f: Critic, world: World, x: torch.Tensor) -> float:
    """Return the minimum over c of E |f(x) - d_M(x) - c|: Eq. 18 leaves a constant free. Source: Theorem 2.

    >>> from advreg_edu.theory import worlds
    >>> circle = worlds.circle()
    >>> round(distance_error(lambda x: circle.distance(x) + 7, circle, torch.rand(20, 1, 1, 2)), 4)
    0.0
    """
    _check_samples(x=x)
    difference = f(x) - world.distance(x)
    return (difference - difference.median()).abs().mean().item()


def _check_samples(**samples: torch.Tensor) -> None:
    """Raise unless they are batches of finite numbers."""
    for name, x in samples.items():
        check_batch(x, name)
        check_float(x, name)
        check_finite(x, name)
