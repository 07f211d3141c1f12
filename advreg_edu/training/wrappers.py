"""What the study changes in the pairs: each takes a source and is one. Not in the paper; data/STUDY.md has its worth.

A wrapper draws after the source that it wraps, so that the same seed gives the same pairs with it and without it.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Generator, Tensor

from .._input.arguments import check_count, check_number, place_of
from ..hardware.devices import moved
from ..operators import squared_norm
from .pairs import Batch, Context, Paired, Pairs, channels_last, check_pairs, mean_length


@dataclass(frozen=True)
class Around:
    """A source made of another: `change` makes a new batch of each, with its own draws after theirs."""

    pairs: Pairs

    def __post_init__(self) -> None:
        check_pairs(self.pairs)

    @property
    def innermost(self) -> Paired:
        return self.pairs.innermost

    @property
    def own_lines(self) -> bool:
        return self.pairs.own_lines

    @property
    def aligned(self) -> bool:
        return self.pairs.aligned

    @property
    def state(self) -> dict[str, Tensor]:
        return self.pairs.state

    def prepared(self, context: Context) -> Self:
        return replace(self, pairs=self.pairs.prepared(context))

    def draw(self, count: int, generator: Generator | None = None, step: int = 0) -> Batch:
        return self.change(self.pairs.draw(count, generator, step), generator)

    def line_length(self, seed: int = 0) -> float:
        return self.pairs.line_length(seed)

    def change(self, batch: Batch, generator: Generator | None) -> Batch:
        """What this source makes of a batch of the other."""
        raise NotImplementedError


@dataclass(frozen=True)
class Windows(Around):
    """The same random window of x_real and x_noisy, `side` pixels wide: for critics that take any size.

    A critic with slope 1 on windows has it on images too if its value is a norm, as that of `LocalCritic` is.

    >>> import advreg_edu as ar
    >>> pairs = ar.training.Paired(ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1), ar.images.ellipses(8, 16))
    >>> Windows(pairs, side=8).draw(4).x_noisy.shape
    torch.Size([4, 1, 8, 8])
    """

    side: int

    def __post_init__(self) -> None:
        super().__post_init__()
        most, got = min(self.innermost.x_real.shape[-2:]), type(self.pairs).__name__
        if check_count(self.side, "side") > most:
            raise ValueError(f"side: expected at most the image side {most}, got {self.side}.")
        if self.own_lines or isinstance(self.pairs, WhiteNoise):
            raise ValueError(f"Windows: expected lines to x_noisy, got {got}. Leave one out.")
        if isinstance(self.pairs, NoiseLeft | EqualLines):  # `line_length` measures lines from clean windows
            raise ValueError(f"Windows: expected pairs as they are drawn, got {got}. Cut first: {got}(Windows(...)).")

    def change(self, batch: Batch, generator: Generator | None) -> Batch:
        draw = lambda n: int(torch.randint(n + 1, (), generator=generator, device=place_of(generator)))
        top, left = (draw(n - self.side) for n in batch.x_real.shape[-2:])
        cut = lambda u: channels_last(u[..., top : top + self.side, left : left + self.side])
        x_noisy = cut(batch.x_noisy)
        return batch._replace(x_real=cut(batch.x_real), x_noisy=x_noisy, x_end=x_noisy)

    def line_length(self, seed: int = 0) -> float:
        generator = torch.Generator().manual_seed(seed)
        return mean_length(self.change(self.innermost.with_own(32, generator), generator))


class OwnLines(Around):
    """The slope is held between x_real and a measurement of x_real itself, simulated for this alone.

    Of unpaired images the line of Algorithm 1 leads through a double exposure of two images, and on the way from noisy
    to clean, where the critic is used, its slope is free.

    >>> import advreg_edu as ar
    >>> pairs = ar.training.Unpaired(ar.Problem(ar.Identity((1, 16, 16)), sigma=0.0), ar.images.ellipses(8, 16))
    >>> batch = OwnLines(pairs).draw(4)
    >>> torch.equal(batch.x_end, batch.x_real)  # without noise an image is its own measurement
    True
    """

    own_lines = True
    aligned = True

    def change(self, batch: Batch, generator: Generator | None) -> Batch:
        source, problem = self.innermost, self.innermost.problem
        if batch.x_real.shape[1:] != tuple(problem.A.domain_shape):
            raise ValueError("OwnLines: expected whole images to measure, got windows of them. Leave Windows out.")
        return batch._replace(x_end=problem.naive(source.measured(batch.x_real, generator)))


@dataclass(frozen=True)
class WhiteNoise(Around):
    """x_noisy is x_real and white noise of standard deviation `sigma` in place of A†y, but for iterates of Algorithm 2.

    Where A† fills in what A does not see, its error is not noise but what is missing. It shrinks in proportion on the
    line to x_real, so that the texture of an image in the holes says how far along it is, and a critic learns to ask
    for more of what is there: a descent along it has no end. Under noise it has to know images; how images made by
    A† and the descent differ from them it learns from iterates, `WithIterates` (not in the paper).

    >>> import advreg_edu as ar
    >>> A = ar.Inpainting(torch.rand(16, 16, generator=torch.Generator().manual_seed(0)) < 0.3)
    >>> pairs = WhiteNoise(ar.training.Paired(ar.Problem(A, sigma=0.02), ar.images.ellipses(8, 16)), sigma=0.1)
    >>> pairs.draw(4).x_noisy.shape, round(pairs.line_length(), 3)
    (torch.Size([4, 1, 16, 16]), 1.6)
    """

    sigma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.sigma, "sigma", low=0, above=True)
        if not self.aligned or self.own_lines or isinstance(self.pairs, Windows | NoiseLeft | EqualLines):
            got = type(self.pairs).__name__
            raise ValueError(f"WhiteNoise: expected whole images with their own measurements, got {got}. Wrap Paired.")

    def change(self, batch: Batch, generator: Generator | None) -> Batch:
        white = torch.randn(batch.x_real.shape, generator=generator, device=place_of(generator))
        noisy = batch.x_real + self.sigma * moved(white, batch.x_real.device).to(batch.x_real)
        x_noisy = torch.where(batch.is_iterate[:, None, None, None], batch.x_noisy, noisy)
        return batch._replace(x_noisy=channels_last(x_noisy), x_end=channels_last(x_noisy))

    def line_length(self, seed: int = 0) -> float:
        return self.sigma * math.sqrt(self.innermost.x_real[0].numel())


@dataclass(frozen=True)
class NoiseLeft(Around):
    """x_real keeps a share of the error at the end of its line, x_end - x_real.

    With a share of 0 a critic has to tell a real image from one with next to no noise, which reconstructions rarely
    are, and pays with its direction where they are.

    Args:
        share: in [0, 0.9].
        of_iterates: in [0, 0.99], the share where the end is an iterate of Algorithm 2; None takes `share` there too.

    >>> import advreg_edu as ar
    >>> pairs = ar.training.Paired(ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1), ar.images.ellipses(8, 16))
    >>> seeded = lambda: torch.Generator().manual_seed(0)
    >>> clean, left = pairs.draw(4, seeded()), NoiseLeft(pairs, share=0.25).draw(4, seeded())
    >>> torch.allclose(left.x_real, 0.75 * clean.x_real + 0.25 * clean.x_noisy)
    True
    """

    share: float
    of_iterates: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.share, "share", low=0, high=0.9)
        if self.of_iterates is not None:
            check_number(self.of_iterates, "of_iterates", low=0, high=0.99)
        if not self.aligned:
            got = type(self.pairs).__name__
            raise ValueError(
                f"NoiseLeft: expected lines from an image to its own measurement, got {got}. Add OwnLines."
            )
        if self.of_iterates is not None and self.own_lines:
            raise ValueError("of_iterates: expected None where lines end elsewhere, got OwnLines. Leave it out.")

    def change(self, batch: Batch, generator: Generator | None) -> Batch:
        share: float | Tensor = self.share
        if batch.is_iterate.any():
            share = batch.x_real.new_full((len(batch.x_real), 1, 1, 1), self.share)
            share[batch.is_iterate] = self.share if self.of_iterates is None else self.of_iterates
        return batch._replace(x_real=batch.x_real.lerp(batch.x_end, share))

    def line_length(self, seed: int = 0) -> float:
        return (1 - self.share) * self.pairs.line_length(seed)


@dataclass(frozen=True)
class EqualLines(Around):
    """An iterate counts in the Wasserstein estimate as if ||x_noisy - x_real|| were `distance`.

    So a short line, near the end of a run, counts by its direction as much as a long one.

    >>> import advreg_edu as ar
    >>> pairs = ar.training.Paired(ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1), ar.images.ellipses(8, 16))
    >>> EqualLines(pairs, distance=2.0).draw(3).pair_weights  # no iterates among them
    tensor([1., 1., 1.])
    """

    distance: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.distance, "distance", low=0, above=True)
        if not self.aligned or self.own_lines:
            raise ValueError("EqualLines: expected pairs of one image without OwnLines, got others. Wrap Paired.")

    def change(self, batch: Batch, generator: Generator | None) -> Batch:
        lengths = squared_norm(batch.x_noisy - batch.x_real).sqrt().clamp_min(1e-6)
        return batch._replace(pair_weights=torch.where(batch.is_iterate, self.distance / lengths, batch.pair_weights))
