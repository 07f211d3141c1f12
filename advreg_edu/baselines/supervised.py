"""Supervised baselines that the paper compares with: denoising network, post-processing, RED. Paper: §5.2, §5.3."""

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._input.arguments import check_batch, check_count, check_finite, check_number
from .._input.networks import check_network, check_trainable, computing_type, derivatives, evaluate, in_eval_mode
from ..hardware.cores import use_free
from ..operators import check_measurement
from ..problem import Problem, check_problem
from ..reconstruction import NotConverged
from ..reconstruction.objective import column, norm
from ..reconstruction.solvers import conjugate_gradients
from ..training.checks import check_training, checked_precision, device_of
from ..training.pairs import Paired, Setting
from ..training.run import TrainingRun


@dataclass(frozen=True)
class DenoiserStep:
    """One step of `train_denoiser`, before its update."""

    index: int  # from 0
    loss: torch.Tensor  # mean squared error
    shown = ("loss",)  # in a progress bar


@derivatives()
def train_denoiser(
    net: nn.Module,
    problem: Problem,
    x_real: Tensor,
    steps: int = 2000,
    batch_size: int = 16,
    seed: int = 0,
    *,
    learning_rate: float = 1e-3,
    averaging: float = 0.998,
    precision: str | None = None,
    checkpoint: str | PathLike | None = None,
    checkpoint_every: int = 100,
    resume: bool = False,
) -> Generator[DenoiserStep]:
    """Train `net` to map A†y to x by mean squared error on pairs: a generator of DenoiserSteps.

    For A = I it learns to denoise (§5.2), for the ray transform to post-process FBP (§5.3). Unlike a critic it needs
    the truth to each measurement. Arguments as in `train_critic`. When the generator ends or is closed, `net` holds
    the averaged weights.
    """
    check_trainable(net, "net", "(B, C, H, W)")
    pairs = Paired(problem, x_real)
    check_training(x_real, steps, batch_size, seed, learning_rate, averaging, checkpoint_every)
    _check_output(net, x_real[:1].to(device_of(net)))
    precision = checked_precision(precision, net)
    settings = dict(pairs=repr(pairs), batch_size=batch_size)
    run = TrainingRun(net, steps, seed, learning_rate, averaging, precision, settings, checkpoint, checkpoint_every)
    ready = pairs.prepared(Setting(net, batch_size, seed, run.device, computing_type(net, x_real)))
    run.begin(ready, resume)
    return _loop(net, ready, batch_size, run)


def _loop(net: nn.Module, pairs: Paired, batch_size: int, run: TrainingRun) -> Generator[DenoiserStep]:
    error = lambda x_real, x_noisy: (F.mse_loss(evaluate(net, x_noisy), x_real),)
    with run:
        for k in run.steps_to_do():
            with run.step(k) as generator:
                batch = pairs.draw(batch_size, generator, k)
                values, gradients = run.gradients(error, batch.x_real, batch.x_noisy)
                run.update(values[0], gradients)
            yield DenoiserStep(k, *values)


def _check_output(net: nn.Module, x: Tensor) -> None:
    """Raise unless the net maps images to images."""
    with torch.no_grad(), in_eval_mode(net):
        check_batch(evaluate(net, x), "net(x)", x.shape[1:], "images like x")


@torch.no_grad()
def post_process(problem, y, net):
    """net(A†y): (B, C, H, W), computed in the type of the net's weights, returned in that of y.

    Paper: §5.3 after Jin et al. 2017.
    """
    check_problem(problem)
    check_network(net, "net", "(B, C, H, W)")
    return evaluate(net, problem.naive(y))


@dataclass(frozen=True)
class REDFixedPoint:
    """x (B, C, H, W); of each image (B,): ||g|| / (lambda ||x - net(x)||), see `solve_red`, and its network calls."""

    x: torch.Tensor
    residual: torch.Tensor
    steps: torch.Tensor


def red(problem, y, net, reg_weight, tolerance=0.01, steps=200):
    """Regularisation by denoising: the x with 2 A*(Ax - y) + lambda (x - net(x)) = 0, (B, C, H, W). See `solve_red`."""
    return solve_red(problem, y, net, reg_weight, tolerance, steps).x


@torch.no_grad()
def solve_red(problem, y, net, reg_weight, tolerance=0.01, steps=200):
    """The fixed point of RED from A†y, x <- argmin_u ||Au - y||^2 + lambda / 2 ||u - net(x)||^2: a REDFixedPoint.

    There g = 2 A*(Ax - y) + lambda (x - net(x)) vanishes, the gradient of ||Ax - y||^2 + lambda / 2 <x, x - net(x)>
    where net has a symmetric Jacobian and net(cx) = c net(x) for c near 1 (Romano et al.). A U-Net has neither
    (Reehorst and Schniter 2019): g = 0 then defines the result, and nothing is minimised. Their data term is
    ||Ax - y||^2 / (2 sigma^2), so that their lambda is ours / (2 sigma^2).
    An image is done, and waits for the others, where ||g|| <= tolerance * lambda ||x - net(x)||: both parts of g cancel
    to that share. If `steps` run out first, it warns `NotConverged`. One step costs one evaluation of the network.
    Args: reg_weight lambda > 0; steps, a limit.
    Paper: §5.3 after Romano, Elad and Milanfar 2017, "fixed-point strategy".
    """
    check_problem(problem)
    A = problem.A
    check_measurement(A, y)
    check_finite(y, "y")
    weight = check_number(reg_weight, "reg_weight", low=0, above=True, fix="Try 0.1.")
    tolerance = check_number(tolerance, "tolerance", low=0, above=True, fix="Try 0.01.")
    normal = lambda u: 2 * A.T(A(u)) + weight * u
    data, x = 2 * A.T(y), problem.naive(y)
    clean, taken, done = (
        net(x),
        torch.zeros(len(y), device=y.device),
        torch.zeros(len(y), dtype=torch.bool, device=y.device),
    )
    for _ in range(check_count(steps, "steps")):
        use_free()
        new = conjugate_gradients(normal, data + weight * clean, x)
        x, clean = (torch.where(column(done), old, u) for old, u in ((x, new), (clean, net(new))))
        taken = taken + ~done
        pull = weight * (x - clean)
        residual = norm(normal(x) - data - weight * clean) / norm(pull).clamp_min(1e-30)
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
