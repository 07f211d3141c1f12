"""Supervised baselines that the paper compares with: denoising network, post-processing, RED. Paper: §5.2, §5.3."""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F

from ._checks import check_batch, check_count, check_finite, check_number, check_seed
from ._fingerprint import whose
from ._networks import check_network, computing_type, derivatives, evaluate, in_eval_mode
from ._training_run import TrainingRun, run_steps
from .cores import use_free
from .operators import check_measurement, squared_norm
from .problem import check_problem
from .reconstruction import warn_if_unstable
from .samples import draw_batch
from .training import check_training, checked_precision, device_of, one_window
from .unet import UNet


@dataclass(frozen=True)
class DenoiserStep:
    """One step of `train_denoiser`, before its update."""

    index: int  # from 0
    loss: torch.Tensor  # mean squared error
    shown = ("loss",)  # in a progress bar


@derivatives()
def train_denoiser(
    net,
    problem,
    x_real,
    steps=2000,
    batch_size=16,
    seed=0,
    learning_rate=1e-3,
    averaging=0.998,
    crop=None,
    precision=None,
    checkpoint=None,
    checkpoint_every=100,
    resume=False,
):
    """Train `net` to map A†y to x by mean squared error on pairs: a generator of DenoiserSteps.

    For A = I it learns to denoise (§5.2), for the ray transform to post-process FBP (§5.3). Unlike a critic it needs
    the truth to each measurement. Arguments as in `train_critic`. When the generator ends or is closed, `net` holds
    the averaged weights.
    """
    check_training(net, problem, x_real, steps, batch_size, learning_rate, averaging, crop, checkpoint_every, "net")
    check_seed(seed)
    x_real = x_real.to(computing_type(net, x_real))
    _check_output(net, x_real, crop)
    precision = checked_precision(precision, net)
    settings = dict(seed=seed, batch_size=batch_size, learning_rate=learning_rate, steps=steps, averaging=averaging)
    settings |= dict(crop=crop, precision=precision) | ({} if checkpoint is None else whose(problem, x_real))
    run = TrainingRun(net, learning_rate, averaging, settings, checkpoint)
    start = run.start(resume)
    draw = partial(draw_batch, problem, x_real, batch_size, crop=crop, device=run.device)

    def evaluate_step(k, real, noisy, generator):
        values, gradients = run.gradients(loss, real, noisy)
        return values[0], gradients, DenoiserStep(k, *values)

    def loss(real, noisy):
        with torch.autocast(run.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            x = evaluate(net, noisy)
        return (F.mse_loss(x, real),)

    return run_steps(run, draw, evaluate_step, start, steps, seed, checkpoint_every)


def _check_output(net, x_real, crop):
    """Raise unless the net maps images to images."""
    x = one_window(x_real, crop).to(device_of(net))
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


@torch.no_grad()
def red(problem, y, net, reg_weight, step_size=0.3, steps=100):
    """Regularisation by denoising: x <- x - epsilon (2 A*(Ax - y) + lambda (x - net(x))), from A†y: (B, C, H, W).

    Paper: §5.3 after Romano, Elad and Milanfar 2017. Args: reg_weight lambda >= 0; step_size epsilon > 0, stable
    below 1 / (||A||^2 + lambda) if net does not expand distances; a larger one warns. Raises ValueError when the
    iterates blow up.
    """
    check_problem(problem)
    A = problem.A
    check_measurement(A, y)
    check_finite(y, "y")
    weight = check_number(reg_weight, "reg_weight", low=0)
    step_size = check_number(step_size, "step_size", low=0, above=True)
    warn_if_unstable(step_size, 1 / (A.norm**2 + weight), "1/(||A||^2 + reg_weight)")
    x = start = problem.naive(y)
    for _ in range(check_count(steps, "steps", 0)):
        use_free()
        x = x - step_size * (2 * A.T(A(x) - y) + weight * (x - net(x)))
    bound = 1e6 * (squared_norm(start) + start[0].numel())
    if not (squared_norm(x) <= bound).all():  # false for NaN, too
        raise ValueError(f"red blew up: expected iterates that settle, got step_size {step_size:g}. Lower it.")
    return x


__all__ = ["DenoiserStep", "UNet", "post_process", "red", "train_denoiser"]
