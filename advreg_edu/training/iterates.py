"""Recursive training: half of x_noisy are iterates of Algorithm 2. Paper: §6, "Recursive Training".

Algorithm 2 shows the critic images that are neither real nor samples of P_n, and follows its gradient there. Here such
images are made by the critic as it is, with lambda by the formula, and become samples to train on.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Generator, Tensor

from .._input.arguments import check_count, check_number
from ..operators import squared_norm
from ..reg_weight import weight_from_noise
from .pairs import Batch, Context, Paired
from .wrappers import Around


@dataclass(frozen=True)
class WithIterates(Around):
    """From step `start` of the training on, the first half of each batch are iterates of Algorithm 2.

    A critic without any direction yet would be taught by its own mistakes: start after a few hundred steps. Eq. 6 alone
    then makes Psi as low on iterates as on real images; `NoiseLeft` and `EqualLines` around this keep its direction.

    Args:
        pairs: a source of whole images (Paired, Unpaired, MeasuredElsewhere).
        steps, step_size: of the runs of Algorithm 2, after which one begins again at A†y with other data.
        hops: steps of Algorithm 2 for each time that an image is drawn. Long runs want more of them, or none comes to
            its end during the training.

    >>> import advreg_edu as ar
    >>> paired = ar.training.Paired(ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1), ar.images.ellipses(8, 16))
    >>> pairs = WithIterates(paired, start=1, steps=4, step_size=0.1)
    >>> pairs.draw(4, step=0).is_iterate.sum()
    tensor(0)
    >>> critic = ar.LocalCritic(widths=(4, 8))
    >>> steps = list(ar.training.algorithm_1(critic, pairs, ar.training.Eq6(3.0), steps=2, batch_size=4))
    """

    start: int = 200
    steps: int = 100
    step_size: float = 0.5
    hops: int = 2
    pool: "Pool | None" = field(default=None, repr=False, kw_only=True)  # filled by `prepared`

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.pairs, Paired):
            got = type(self.pairs).__name__
            raise ValueError(f"WithIterates: expected a source of whole images, such as Paired, got {got}.")
        check_count(self.start, "start", 0)
        check_count(self.steps, "steps")
        check_number(self.step_size, "step_size", low=0, above=True)
        check_count(self.hops, "hops")

    @property
    def state(self) -> dict[str, Tensor]:
        return self.pool.state if self.pool else {}

    def prepared(self, context: Context) -> Self:
        check_count(context.batch_size, "batch_size", 2, "Half of each batch are iterates.")
        pairs = self.innermost.prepared(context)
        return replace(self, pairs=pairs, pool=Pool(pairs, self.steps, self.step_size, self.hops, context))

    def draw(self, count: int, generator: Generator | None = None, step: int = 0) -> Batch:
        batch = self.pairs.draw(count, generator, step)
        if step < self.start:
            return batch
        if self.pool is None:
            raise ValueError("WithIterates: expected a critic to make iterates with, got none yet: see `prepared`.")
        x_real, x = self.pool.draw(count // 2, generator)
        joined = lambda new, old: torch.cat([new, old[len(new) :]])
        both = Batch.between(joined(x_real, batch.x_real), joined(x, batch.x_noisy))
        return both._replace(is_iterate=torch.arange(count, device=x.device) < len(x))


class Pool:
    """Images on their way through Algorithm 2, twice as many as a batch has: each drawn one goes `hops` steps further.

    The tensors in `state` are all there is to know: x_real, y, the iterate x and its age, in steps.
    """

    def __init__(self, pairs: Paired, steps: int, step_size: float, hops: int, context: Context):
        self.pairs, self.steps, self.step_size, self.hops = pairs, steps, step_size, hops
        self.problem, self.gradient = pairs.problem, context.gradient
        generator, size = torch.Generator().manual_seed(context.seed), 2 * context.batch_size
        x_real, y = pairs.data(size, generator)
        age = torch.randint(steps, (size,), generator=generator)  # so that not all begin again at once
        self.state = dict(real=x_real, y=y, x=self.problem.naive(y), age=age)
        self.reg_weight = weight_from_noise(self.problem).to(x_real)

    def draw(self, count: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """(x_real, iterate), each (count, C, H, W), after `hops` more steps of Algorithm 2."""
        i = torch.randperm(len(self.state["age"]), generator=generator)[:count]
        x_real, y, x = (self.state[key][i] for key in ("real", "y", "x"))
        A = self.problem.A
        for _ in range(self.hops):
            grad = 2 * A.T(A(x) - y) + self.reg_weight * self.gradient(x)
            x = x - self.step_size * grad  # Alg. 2, line 3
        self.state["x"][i] = x
        self.state["age"][i] += self.hops
        self._begin_again(i[self._is_over(i, x)], generator)
        return x_real, x

    def _is_over(self, i: Tensor, x: Tensor) -> Tensor:
        """Runs at their end, and runs that left: more than twice as long as any image in [0, 1]."""
        gone = ~(squared_norm(x) < 4 * x[0].numel()).cpu()
        return gone | (self.state["age"][i] >= self.steps)

    def _begin_again(self, i: Tensor, generator: Generator | None) -> None:
        if len(i):
            x_real, y = self.pairs.data(len(i), generator)
            self.state["age"][i] = 0
            for key, value in dict(real=x_real, y=y, x=self.problem.naive(y)).items():
                self.state[key][i] = value
