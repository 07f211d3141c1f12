"""A critic straightens its own way: some x_real lie on the line from x_noisy along its gradient. Not in the paper.

Where A is the identity, Algorithm 2 ends at x = y - lambda/2 grad Psi(x). At y the direction of grad Psi is learnt
best. On the way it turns, for no training image is as smooth as what a descent has made of y. A line from y along
-grad Psi(y) leads where a denoiser leads and has no noise at its end; there the critic learns to keep its direction.
For flows: X. Liu, C. Gong and Q. Liu, "Flow straight and fast: learning to generate and transfer data with rectified
flow", 2023.
"""

import copy
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Generator, Tensor

from .._input.arguments import check_count
from ..operators import Identity, inner
from .pairs import Batch, Context, channels_last
from .wrappers import Around, NoiseLeft


@dataclass(frozen=True)
class Reflow(Around):
    """From step `start` of the training on, x_real of the first half of each batch are on the critic's own line.

    x_real = x_noisy - <x_noisy - x, u> u with u = grad Psi(x_noisy) / ||grad Psi(x_noisy)||: of that line the point
    nearest to the image x. u is that of the critic as it was at step `start`, with averaged weights: by the critic as
    it is it would learn whatever it does, and soon does nothing else. For denoising alone: elsewhere the data term
    bends the way.

    Args:
        pairs: `NoiseLeft` around a source for denoising. Its share, left on the other lines, is not left on these; they
            count for as much less.
        start: late, when the average is good and the learning rate low: at 1e-3 the new lines broke a training.

    >>> import advreg_edu as ar
    >>> paired = ar.training.Paired(ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1), ar.images.ellipses(8, 16))
    >>> pairs = Reflow(ar.training.NoiseLeft(paired, 0.4), start=1)
    >>> critic = ar.LocalCritic(widths=(4, 8))
    >>> steps = list(ar.training.algorithm_1(critic, pairs, ar.training.Quadratic(1.0), steps=2, batch_size=4))
    """

    pairs: NoiseLeft
    start: int
    teacher: "Teacher | None" = field(default=None, repr=False, kw_only=True)  # made by `prepared`

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count(self.start, "start", 0)
        if not isinstance(self.pairs, NoiseLeft):
            got = type(self.pairs).__name__
            raise ValueError(f"Reflow: expected NoiseLeft, got {got}. Wrap it: NoiseLeft({got}(...), share=0.4).")
        problem = self.innermost.problem
        if self.own_lines or not isinstance(problem.A, Identity):
            got = "OwnLines" if self.own_lines else type(problem.A).__name__
            raise ValueError(f"Reflow: expected denoising and lines that end at x_noisy, got {got}. Leave it out.")

    @property
    def state(self) -> dict[str, Tensor]:
        own = {f"teacher.{k}": v for k, v in self.teacher.critic.state_dict().items()} if self.teacher else {}
        return self.pairs.state | own

    def prepared(self, context: Context) -> Self:
        check_count(context.batch_size, "batch_size", 2, "Half of each batch are on the critic's own lines.")
        return replace(super().prepared(context), teacher=Teacher(context))

    def draw(self, count: int, generator: Generator | None = None, step: int = 0) -> Batch:
        batch = self.pairs.draw(count, generator, step)
        if step < self.start:
            return batch
        if self.teacher is None:
            raise ValueError("Reflow: expected a critic to draw lines with, got none yet: see `prepared`.")
        if step == self.start:
            self.teacher.learn()
        own, kept = slice(0, count // 2), 1 - self.pairs.share
        x_real, weights, x_noisy = batch.x_real.clone(), batch.pair_weights.clone(), batch.x_noisy[own]
        u = torch.nn.functional.normalize(self.teacher.gradient(x_noisy).flatten(1)).reshape(x_noisy.shape)
        along = inner(x_noisy - x_real[own], u) / kept  # <x_noisy - x, u>: x_real is x with a share of the noise
        x_real[own] = x_noisy - along[:, None, None, None] * u
        weights[own] *= kept
        return batch._replace(x_real=channels_last(x_real), pair_weights=weights)


class Teacher:
    """A copy of the critic that stays as it was when it last `learn`ed."""

    def __init__(self, context: Context):
        if context.critic is None or context.gradient_of is None:
            raise ValueError("Reflow: expected a training by `algorithm_1`, got another. Leave it out.")
        self.critic = copy.deepcopy(context.critic).requires_grad_(False).eval()
        self._pupil, self._average, self._gradient_of = context.critic, context.average, context.gradient_of

    def learn(self) -> None:
        """Take the averaged weights of the critic, and its buffers."""
        self.critic.load_state_dict(self._pupil.state_dict())
        for mine, new in zip(self.critic.parameters(), self._average(), strict=True):
            mine.copy_(new)

    def gradient(self, x: Tensor) -> Tensor:
        return self._gradient_of(self.critic, x)
