"""What the critic is shown: samples x_real of P_r and x_noisy of P_n. Paper: §3.1; Algorithm 1, lines 3 and 4."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, Self, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from .._input.arguments import check_finite, check_images, check_seed, place_of
from .._input.networks import to_float_type
from ..hardware.cores import one_thread
from ..hardware.devices import moved
from ..operators import check_measurement
from ..problem import Problem, check_problem


class Batch(NamedTuple):
    """One step's pairs of images, each (B, C, H, W), and what the study adds to a pair."""

    x_real: Tensor
    x_noisy: Tensor
    x_end: Tensor  # where the line from x_real leads; x_noisy itself in Alg. 1, line 5
    pair_weights: Tensor  # (B,): by what each pair counts in the Wasserstein estimate; 1 in Eq. 6
    is_iterate: Tensor  # (B,): true where x_noisy is an iterate of Algorithm 2 (§6)

    @classmethod
    def between(cls, x_real: Tensor, x_noisy: Tensor) -> Self:
        """The batch of Algorithm 1: lines lead from x_real to x_noisy, and every pair counts the same."""
        ones = x_real.new_ones(len(x_real))
        return cls(x_real, x_noisy, x_noisy, ones, torch.zeros_like(ones, dtype=torch.bool))


@dataclass(frozen=True)
class Context:
    """What `algorithm_1` tells a source of pairs before its first step."""

    gradient: Callable[[Tensor], Tensor]  # x to grad Psi(x), by the critic as it then is
    batch_size: int
    seed: int
    device: torch.device
    dtype: torch.dtype
    critic: nn.Module | None = None
    average: Callable[[], list[Tensor]] = list  # of the weights of the critic as it then is, in their order
    gradient_of: Callable[[nn.Module, Tensor], Tensor] | None = None  # as `gradient`, of a copy of the critic


@runtime_checkable
class Pairs(Protocol):
    """A source of batches. What wraps a source is a source."""

    @property
    def innermost(self) -> "Paired":
        """The source inside all wrappers, from which everything is drawn."""

    @property
    def own_lines(self) -> bool:
        """Does x_end differ from x_noisy? True of `OwnLines`: it is a measurement that was made for the line alone."""

    @property
    def aligned(self) -> bool:
        """Is x_end a measurement of x_real itself? True of `Paired` and `OwnLines`, not of `Unpaired`."""

    @property
    def state(self) -> dict[str, Tensor]:
        """What changes from step to step; kept in checkpoints."""

    def draw(self, count: int, generator: Generator | None = None, step: int = 0) -> Batch:
        """Algorithm 1, lines 3 and 4, of a step: `count` pairs."""

    def prepared(self, context: Context) -> "Pairs":
        """The same source, ready for a training: on its device, in its float type."""

    def line_length(self, seed: int = 0) -> float:
        """E ||x_end - x_real|| where the line leads from an image to its own measurement, over 32 draws."""


@dataclass(frozen=True)
class Paired:
    """x_noisy = A†(A x_real + e): each image beside its own measurement, as in the authors' code.

    Args:
        problem: operator and noise level.
        x_real: ground-truth images (N, *A.domain_shape) in [0, 1], the samples of P_r.

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> pairs = Paired(problem, ar.images.ellipses(8, 16))
    >>> pairs.draw(4).x_noisy.shape
    torch.Size([4, 1, 16, 16])
    """

    problem: Problem
    x_real: Tensor = field(repr=False)
    device: torch.device | None = field(default=None, repr=False, kw_only=True)

    own_lines = False
    aligned = True

    def __post_init__(self) -> None:
        check_problem(self.problem)
        check_images(self.x_real, "x_real", self.problem.A.domain_shape)

    @property
    def innermost(self) -> Self:
        return self

    @property
    def state(self) -> dict[str, Tensor]:
        return {}

    def prepared(self, context: Context) -> Self:
        return replace(self, x_real=self.x_real.to(context.dtype), device=context.device)

    def draw(self, count: int, generator: Generator | None = None, step: int = 0) -> Batch:
        x_real, y = self.data(count, generator)  # Alg. 1, line 3
        x_noisy = self.problem.A.pinv(y)  # line 4: `problem.naive`, which would wait for a GPU to see that y is finite
        return Batch.between(channels_last(x_real), channels_last(x_noisy))

    def data(self, count: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """x_real ~ P_r and y ~ P_Y, `count` of each."""
        x_real = self.pick(self.x_real, count, generator)
        return x_real, self.measured(x_real, generator)

    def with_own(self, count: int, generator: Generator | None = None) -> Batch:
        """Images beside their own measurements, whatever `draw` does: to measure lengths on."""
        x_real = self.pick(self.x_real, count, generator)
        return Batch.between(channels_last(x_real), channels_last(self.problem.naive(self.measured(x_real, generator))))

    def line_length(self, seed: int = 0) -> float:
        with one_thread():
            return mean_length(self.with_own(32, torch.Generator().manual_seed(check_seed(seed))))

    def pick(self, items: Tensor, count: int, generator: Generator | None) -> Tensor:
        """`count` of the items, at random, on the device of the training."""
        i = torch.randint(len(items), (count,), generator=generator, device=place_of(generator))
        return moved(items[i.to(items.device)], self.device)

    def measured(self, x: Tensor, generator: Generator | None) -> Tensor:
        """y = Ax + e of these images; a child may measure in another way."""
        return self.problem.A(x) + self.problem.noise(len(x), generator, x.device, x.dtype)


class Unpaired(Paired):
    """x_real and x_noisy of independent draws, as in the text of Algorithm 1.

    >>> import advreg_edu as ar
    >>> x_real = torch.stack([torch.full((1, 4, 4), k / 7) for k in range(8)])
    >>> pairs = Unpaired(ar.Problem(ar.Identity((1, 4, 4)), sigma=0.0), x_real)
    >>> batch = pairs.draw(5, torch.Generator().manual_seed(0))
    >>> torch.equal(batch.x_real, batch.x_noisy)  # without noise, yet other images
    False
    """

    aligned = False

    def data(self, count: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        x_real, x = (self.pick(self.x_real, count, generator) for _ in range(2))
        return x_real, self.measured(x, generator)


@dataclass(frozen=True)
class MeasuredElsewhere(Paired):
    """x_noisy from `measurements` y (M, *A.range_shape) of images that nobody has; nothing is simulated.

    >>> import advreg_edu as ar
    >>> problem, x_real = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1), ar.images.ellipses(8, 16)
    >>> y = problem.measure(ar.images.ellipses(8, 16))  # of others
    >>> MeasuredElsewhere(problem, x_real, measurements=y).draw(4).x_noisy.shape
    torch.Size([4, 1, 16, 16])
    """

    measurements: Tensor = field(kw_only=True, repr=False)

    aligned = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_measurement(self.problem.A, self.measurements)
        check_finite(self.measurements, "measurements")

    def prepared(self, context: Context) -> Self:
        measurements = to_float_type(self.measurements.detach(), context.dtype)
        return replace(super().prepared(context), measurements=measurements)

    def data(self, count: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        return self.pick(self.x_real, count, generator), self.pick(self.measurements, count, generator)


def check_pairs(pairs: Pairs) -> None:
    """Raise unless it is a source of batches, and not, say, images, or the class of a source."""
    if isinstance(pairs, type) or not isinstance(pairs, Pairs):
        got = type(pairs).__name__
        raise TypeError(f"pairs: expected a source such as Paired(problem, x_real), got {got}. Build one.")


def mean_length(batch: Batch) -> float:
    """E ||x_noisy - x_real||."""
    return (batch.x_real - batch.x_noisy).flatten(1).norm(dim=1).mean().item()


def channels_last(u: Tensor) -> Tensor:
    """The same images in the order in memory that convolutions on CPUs are fastest with."""
    return u.contiguous(memory_format=torch.channels_last)
