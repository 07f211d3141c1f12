"""Algorithm 1 with its knobs in hand, and one of its pairs in numbers. Paper: §3.1, Eq. 6, Algorithm 1.

It is the loop of `training.algorithm_1`: as long as no knob is moved, the weights are the same to the last bit.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import torch

from ..._input.networks import computing_type
from ...critics import Critic
from ...reconstruction import gradient
from ...training import Eq6
from ...training.algorithm import Step, loop
from ...training.checks import checked_precision, device_of
from ...training.loss import Score, draw_mix
from ...training.pairs import Batch, Context, Pairs
from ...training.run import TrainingRun

AVERAGING = 0.9  # of the weights: a short training wants a short memory


@dataclass
class Knobs:
    """What a hand may move between two steps."""

    gp_weight: float
    learning_rate: float
    look: bool = False  # take a snapshot after every step


class Turned:
    """Eq. 6 with the weight that its knob has now."""

    needs_whole_batch = False

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs

    def __call__(self, critic: Critic, batch: Batch, mix: torch.Tensor) -> Score:
        return Eq6(self.knobs.gp_weight)(critic, batch, mix)


@dataclass(frozen=True)
class Terms:
    """Eq. 6 for one pair, by the critic of one moment."""

    psi_real: float
    psi_noisy: float
    slope: float  # ||grad Psi(x_i)||
    gp_weight: float

    @property
    def excess(self) -> float:
        """(||grad Psi(x_i)|| - 1)_+^2: a slope below 1 costs nothing."""
        return max(self.slope - 1, 0.0) ** 2

    @property
    def loss(self) -> float:
        """Psi(x_real) - Psi(x_noisy) + mu (||grad Psi(x_i)|| - 1)_+^2."""
        return self.psi_real - self.psi_noisy + self.gp_weight * self.excess


@dataclass(frozen=True)
class Pair:
    """The first pair of a step's batch, images (1, H, W), with Eq. 6 before and after the step."""

    x_real: torch.Tensor
    x_noisy: torch.Tensor
    x_i: torch.Tensor
    mix: float
    before: Terms
    after: Terms


def steps(
    critic: torch.nn.Module, source: Pairs, knobs: Knobs, total: int, batch_size: int
) -> Iterator[tuple[Step, Pair]]:
    """Train `critic` by Algorithm 1; at the end, and when closed, it gets its averaged weights."""
    precision, dtype = checked_precision(None, critic), computing_type(critic, source.innermost.x_real)
    run = TrainingRun(critic, total, 0, knobs.learning_rate, AVERAGING, precision, {}, None, total)
    grad_psi = lambda x: gradient(critic, x)[1]
    pairs = source.prepared(Context(grad_psi, batch_size, run.seed, device_of(critic), dtype))
    run.begin(pairs, resume=False)
    with closing(loop(critic, pairs, Turned(knobs), batch_size, run)) as running:  # type: ignore[arg-type]
        for k in range(total):
            run.learning_rate = knobs.learning_rate
            x_real, x_noisy, mix = _first(run, pairs, batch_size, k)
            before = terms(critic, x_real, x_noisy, mix, knobs.gp_weight)
            step = next(running)
            after = terms(critic, x_real, x_noisy, mix, knobs.gp_weight)
            yield step, Pair(x_real[0], x_noisy[0], _between(x_real, x_noisy, mix)[0], mix, before, after)


def _first(run: TrainingRun, pairs: Pairs, count: int, k: int) -> tuple[torch.Tensor, torch.Tensor, float]:
    """x_real, x_noisy (1, C, H, W) and the mixing number of the first pair that step k will draw."""
    with run.step(k) as generator:
        batch = pairs.draw(count, generator, k)
        mix = draw_mix(batch.x_real, generator)
    return batch.x_real[:1], batch.x_noisy[:1], float(mix[0])


def _between(x_real: torch.Tensor, x_noisy: torch.Tensor, mix: float) -> torch.Tensor:
    return mix * x_real + (1 - mix) * x_noisy


def terms(critic: torch.nn.Module, x_real: torch.Tensor, x_noisy: torch.Tensor, mix: float, gp_weight: float) -> Terms:
    """Eq. 6 for this pair."""
    psi, _ = gradient(critic, torch.cat([x_real, x_noisy]))
    _, grad = gradient(critic, _between(x_real, x_noisy, mix))
    return Terms(float(psi[0]), float(psi[1]), float(grad.norm()), gp_weight)
