"""The training of the supervised networks that the paper compares with: from A†y to x, on pairs. Paper: §5.2, §5.3."""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F

from .._input.arguments import check_batch, check_seed
from .._input.networks import computing_type, derivatives, evaluate, in_eval_mode
from ..training.algorithm import check_training, checked_precision, device_of, one_window
from ..training.fingerprint import whose
from ..training.pairs import draw_batch
from ..training.run import TrainingRun, run_steps


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
