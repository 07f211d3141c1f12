"""The training of the supervised networks that the paper compares with: from A†y to x, on pairs. Paper: §5.2, §5.3."""

from collections.abc import Generator
from dataclasses import dataclass
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._input.arguments import check_batch
from .._input.networks import check_trainable, computing_type, derivatives, evaluate, in_eval_mode
from ..problem import Problem
from ..training.checks import check_training, checked_precision, device_of
from ..training.pairs import Context, Paired
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

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> net = ar.UNet(widths=(4, 8))
    >>> steps = list(train_denoiser(net, problem, ar.images.ellipses(8, 16), steps=2, batch_size=4))
    >>> steps[-1].index
    1
    """
    check_trainable(net, "net", "(B, C, H, W)")
    pairs = Paired(problem, x_real)
    check_training(x_real, steps, batch_size, seed, learning_rate, averaging, checkpoint_every)
    _check_output(net, x_real[:1].to(device_of(net)))
    precision = checked_precision(precision, net)
    settings = dict(pairs=repr(pairs), batch_size=batch_size)
    run = TrainingRun(net, steps, seed, learning_rate, averaging, precision, settings, checkpoint, checkpoint_every)
    prepared = pairs.prepared(Context(net, batch_size, seed, run.device, computing_type(net, x_real)))
    run.begin(prepared, resume)
    return _loop(net, prepared, batch_size, run)


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
