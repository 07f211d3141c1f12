"""Algorithm 1: training a critic. Paper: §3.1.

Its lines are counted from `while` (1) to `end while` (9). Line 2, the loop over i, is the batch axis: a mean replaces
the sum of line 8.
"""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .._input.arguments import check_choice, check_pair, check_seed
from .._input.networks import computing_type, derivatives
from ..hardware.cores import in_parts
from ..hardware.processes import shared
from ..problem import Problem
from ..reconstruction import gradient
from .checks import check_critic, check_source, check_training, checked_precision, device_of
from .loss import Eq6, Score, draw_mix
from .pairs import Batch, Context, Paired, Pairs, check_pairs
from .run import TrainingRun


@dataclass(frozen=True)
class Step:
    """What one step of Algorithm 1 saw, before its update; scalar tensors without gradient."""

    index: int  # from 0
    loss: Tensor  # Eq. 6
    wasserstein: Tensor  # mean Psi(x_noisy) - mean Psi(x_real), estimates Eq. 7 from below
    gradient_norm: Tensor  # mean ||grad Psi|| on the lines between x_real and x_noisy
    shown: ClassVar = ("wasserstein", "gradient_norm")  # in a progress bar


def train_critic(
    critic: nn.Module,
    problem: Problem,
    x_real: Tensor,
    steps: int = 2000,
    batch_size: int = 16,
    seed: int = 0,
    *,
    gp_weight: float | None = None,
    learning_rate: float = 1e-3,
    averaging: float = 0.998,
    precision: str | None = None,
    checkpoint: str | PathLike | None = None,
    checkpoint_every: int = 100,
    resume: bool = False,
) -> Generator[Step]:
    """Algorithm 1 on pairs of the same images: a generator of `steps` Steps that trains `critic` in place.

    Each step draws x_real, simulates y = Ax + e, sets x_noisy = A†y and takes one Adam step on Eq. 6. When the
    generator ends or is closed, the critic holds the running average of its weights. `algorithm_1` takes other sources
    of pairs and other losses.

    Args:
        critic: PaperCritic, LocalCritic or any module (B, C, H, W) to (B,); trained on the device it is on.
        problem: operator and noise level that make x_noisy.
        x_real: ground-truth images (N, *A.domain_shape) in [0, 1], the samples of P_r.
        gp_weight: penalty weight; None takes `default_gp_weight`.
        learning_rate: of Adam, betas (0.9, 0.999); rises over 50 steps, then falls to 0 along a cosine.
        averaging: decay of the running average of the weights (not in the paper).
        precision: of the convolutions, "float32" or "bfloat16" (weights and sums stay float32). None takes bfloat16
            where the processor is made for it, see `hardware.limits.fast_precision`.
        checkpoint: file for the state of the training, written every `checkpoint_every` steps and when interrupted.
        resume: go on from `checkpoint`. The result is the same as without the interruption.

    Yields: Step. Raises ValueError or TypeError for bad input before the first step.

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> critic = ar.LocalCritic(widths=(4, 8))
    >>> steps = list(train_critic(critic, problem, ar.images.ellipses(8, 16), steps=2, batch_size=4))
    >>> steps[-1].index
    1
    """
    check_critic(critic, problem, x_real)
    seed = check_seed(seed)
    pairs = Paired(problem, x_real.to(computing_type(critic, x_real)))
    loss = Eq6(default_gp_weight(pairs, seed) if gp_weight is None else gp_weight)
    settings: dict[str, Any] = dict(learning_rate=learning_rate, averaging=averaging, precision=precision)
    settings |= dict(checkpoint=checkpoint, checkpoint_every=checkpoint_every, resume=resume)
    return algorithm_1(critic, pairs, loss, steps, batch_size, seed, **settings)


@derivatives()
def algorithm_1(
    critic: nn.Module,
    pairs: Pairs,
    loss: Eq6,
    steps: int = 2000,
    batch_size: int = 16,
    seed: int = 0,
    *,
    learning_rate: float = 1e-3,
    averaging: float = 0.998,
    betas: tuple[float, float] = (0.9, 0.999),
    schedule: str = "cosine",
    precision: str | None = None,
    checkpoint: str | PathLike | None = None,
    checkpoint_every: int = 100,
    resume: bool = False,
) -> Generator[Step]:
    """Algorithm 1 on any source of pairs and with any loss. The rest is as in `train_critic`.

    Args:
        pairs: what the critic is shown: `Paired`, `Unpaired` or `MeasuredElsewhere`, perhaps wrapped.
        loss: how it is scored: `Eq6`, `Eq6BySlopes` or `Balanced`.
        betas: of Adam. (0, 0.9) is RMSProp, but for the correction of its first steps.
        schedule: of the learning rate, "cosine" or "constant".

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> pairs = ar.training.NoiseLeft(ar.training.Paired(problem, ar.images.ellipses(8, 16)), share=0.4)
    >>> steps = algorithm_1(ar.LocalCritic(widths=(4, 8)), pairs, Eq6(gp_weight=3.0), steps=2, batch_size=4)
    >>> [step.index for step in steps]
    [0, 1]
    """
    check_source(critic, pairs, loss)
    check_training(pairs.innermost.x_real, steps, batch_size, seed, learning_rate, averaging, checkpoint_every)
    precision = checked_precision(precision, critic)
    settings = dict(pairs=repr(pairs), loss=repr(loss), batch_size=batch_size)

    def grad_psi(network: nn.Module, x: Tensor) -> Tensor:  # for WithIterates and Reflow, once the training runs
        with run.without_counting():
            return shared(lambda x: torch.cat(in_parts(partial(grad_psi_of_part, network), x)), x)

    def grad_psi_of_part(network: nn.Module, x: Tensor) -> Tensor:
        with run.autocast():
            return gradient(network, x)[1]

    place = batch_size, seed, device_of(critic), computing_type(critic, pairs.innermost.x_real)
    context = Context(partial(grad_psi, critic), *place, critic, lambda: run.average, grad_psi)
    prepared = pairs.prepared(context)
    check_choice(schedule, "schedule", ("cosine", "constant"))
    check_pair(betas, "betas", "Adam's are (0.9, 0.999).", 0, 1 - 1e-9)
    adam: dict[str, Any] = dict(betas=betas, schedule=schedule)
    rates = learning_rate, averaging
    run = TrainingRun(critic, steps, seed, *rates, precision, settings, checkpoint, checkpoint_every, **adam)
    run.begin(prepared, resume)
    return loop(critic, prepared, loss, batch_size, run)


def loop(critic: nn.Module, pairs: Pairs, loss: Eq6, batch_size: int, run: TrainingRun) -> Generator[Step]:
    """The loop of Algorithm 1 on a run that has begun: whoever made the run can look at it between two steps.

    >>> import advreg_edu as ar
    >>> critic, problem = ar.LocalCritic(widths=(4, 8)), ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> pairs = Paired(problem, ar.images.ellipses(8, 16))
    >>> run = TrainingRun(critic, 2, 0, 1e-3, 0.9, "float32", {}, None, 100)
    >>> run.begin(pairs, resume=False)
    >>> [step.index for step in loop(critic, pairs, Eq6(3.0), 2, run)]
    [0, 1]
    """

    def score(*tensors: Tensor) -> Score:  # of a part of the batch, see `run.gradients`
        *part, mix = tensors
        return loss(critic, Batch(*part), mix)

    parts = 1 if loss.needs_whole_batch else None
    with run:  # checkpoints; at the end the averaged weights
        for k in run.steps_to_do():  # line 1
            with run.step(k) as generator:
                batch = pairs.draw(batch_size, generator, k)  # lines 3 and 4: x_real, x_noisy = A†y
                mix = draw_mix(batch.x_real, generator)  # line 3
                values, gradients = run.gradients(score, *batch, mix, parts=parts)  # lines 5, 6; gradient of line 8
                found = Score(*values)
                run.update(found.loss, gradients)  # line 8: a step of Adam
            yield Step(k, *found)


def default_gp_weight(pairs: Pairs, seed: int = 0) -> float:
    """3 E ||x_real - x_noisy||, which lets the slope exceed 1 by at most 17 %.

    With a free scale s the loss is -s W + gp_weight (s - 1)^2, least at s = 1 + W / (2 gp_weight), and W is at most the
    mean distance. A larger weight holds the slope tighter and trains more slowly.

    >>> import advreg_edu as ar
    >>> pairs = Paired(ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1), ar.images.ellipses(8, 16))
    >>> round(default_gp_weight(pairs), 1)  # three times the length of the noise, 0.1 * 16
    4.8
    """
    check_pairs(pairs)
    return 3 * pairs.line_length(seed)
