"""What the training monitor computes: Algorithm 1, and looks at its critic on the way. Paper: §3.1, Eq. 6, Alg. 1.

`results(settings, critic)` is an iterator that trains the critic. What is shown is in `view`.
"""

import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch

from ... import images
from ...critics import LocalCritic, PaperCritic
from ...operators import Identity, inner
from ...problem import Problem
from ...reconstruction import Diverged, NotConverged, gradient, reconstruct
from ...reg_weight import weight_from_noise
from ...training import Unpaired
from .training import Knobs, Pair, steps

SIZE, BATCH, HELD = 48, 8, 32  # pixels; images in a batch; held-out images
PAPER, LOCAL = "PaperCritic (the authors')", "LocalCritic (ours)"
CHESTS, ELLIPSES = "chest phantoms", "ellipses"
SNAPSHOT_EVERY = 10  # training steps
DESCENT: dict[str, Any] = dict(
    step_size="auto", steps=40, stop="gradient"
)  # Algorithm 2 on the held-out image, 40 steps at most


@dataclass(frozen=True)
class Settings:
    """What the controls say. `gp_weight` is called lambda in Eq. 6 and mu in Algorithm 1.

    The authors' critic comes first: it knows nothing before its first step. A blur is built into `LocalCritic`.
    """

    images: str = CHESTS
    network: str = PAPER
    sigma: float = 0.1
    gp_weight: float = 15.0
    learning_rate: float = 0.002
    steps: int = 150


@dataclass(frozen=True)
class Snapshot:
    """The critic at one moment, on held-out images; slopes ||grad Psi|| and values Psi are (HELD,)."""

    step: int
    x: torch.Tensor  # (1, 1, H, W), by Algorithm 2 with the critic of this moment
    direction: torch.Tensor  # grad Psi at A†y of the same image, (1, H, W)
    cosine: float  # of the angle between this gradient and the noise
    slope_real: torch.Tensor
    slope_noisy: torch.Tensor
    psi_real: torch.Tensor
    psi_noisy: torch.Tensor
    diverged: bool = False
    settled: bool = False  # x is at a minimum

    @property
    def slope(self) -> float:
        """Mean ||grad Psi|| on noisy images."""
        return float(self.slope_noisy.mean())


@dataclass(frozen=True)
class Result:
    """The training so far: one number per step, the first and the last snapshot, a pair of the last step.

    `averaged` once the training has ended; `moved` is the step before which a knob was moved last.
    """

    settings: Settings
    wasserstein: tuple
    penalty: tuple  # mean (||grad Psi|| - 1)_+^2, without its weight
    slope: tuple
    first: Snapshot
    snapshot: Snapshot
    pair: Pair | None = None
    averaged: bool = False
    moved: int | None = None

    @property
    def done(self) -> int:
        """How many steps are taken."""
        return len(self.wasserstein)


def new_critic(settings: Settings) -> LocalCritic | PaperCritic:
    """A critic with first weights that do not depend on, or change, the global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LocalCritic(1, widths=(8, 16)) if settings.network == LOCAL else PaperCritic(1, SIZE)


def problem(settings: Settings) -> Problem:
    """Denoising with the noise of these settings."""
    return Problem(Identity((1, SIZE, SIZE)), settings.sigma)


@lru_cache(maxsize=4)
def _images(kind: str) -> torch.Tensor:
    """96 images (1, 48, 48): 64 to train on and 32 held out."""
    make = images.thorax if kind == CHESTS else images.ellipses
    return make(64 + HELD, size=SIZE, generator=torch.Generator().manual_seed(0))


def held_out(settings: Settings) -> tuple[torch.Tensor, torch.Tensor]:
    """(x_real, x_noisy) (32, 1, 48, 48) that the training never sees."""
    real, p = _images(settings.images)[-HELD:], problem(settings)
    return real, p.naive(p.measure(real, torch.Generator().manual_seed(5)))


def bound_of(settings: Settings) -> float:
    """Mean ||x_noisy - x_real||, which no critic of slope 1 can exceed in Eq. 7."""
    real, noisy = held_out(settings)
    return float((noisy - real).flatten(1).norm(dim=1).mean())


def untrained_local(settings: Settings) -> Snapshot:
    """What `LocalCritic` is before any training, to compare with: its blur alone."""
    return _untrained_local(replace(settings, network=LOCAL, gp_weight=1.0, learning_rate=1.0, steps=1))


@lru_cache(maxsize=8)
def _untrained_local(settings: Settings) -> Snapshot:
    *_, shot = _snapshot(0, settings, new_critic(settings))
    assert shot is not None
    return shot


def results(settings: Settings, critic: torch.nn.Module, knobs: Knobs | None = None) -> Iterator[Result]:
    """Algorithm 1 on `critic`; yields a Result at the start, after every step, and at the end with averaged weights.

    Every SNAPSHOT_EVERY steps, or after each if the knobs say so, a new snapshot is taken in pieces, with a Result
    after each: none is longer than a step.
    """
    s, knobs = settings, knobs or Knobs(settings.gp_weight, settings.learning_rate)
    start = yield from _shooting(None, s, critic)
    yield (result := Result(s, (), (), (), start, start))
    pairs = Unpaired(problem(s), _images(s.images)[:-HELD])
    with closing(steps(critic, pairs, knobs, s.steps, BATCH)) as run:  # type: ignore[type-var]
        for step, pair in run:  # however this ends, the critic gets its averaged weights
            result = _longer(result, step, pair, knobs)
            yield result
            if result.done % SNAPSHOT_EVERY == 0 or knobs.look:
                snapshot = yield from _shooting(result, s, critic)
                yield (result := replace(result, snapshot=snapshot))
    yield ended(result, critic)


def ended(result: Result, critic: torch.nn.Module) -> Result:
    """The Result with a snapshot of the averaged weights, which `critic` has when its training is over."""
    *_, snapshot = _snapshot(result.done, result.settings, critic)
    assert snapshot is not None
    return replace(result, snapshot=snapshot, averaged=True)


def _longer(result: Result, step: Any, pair: Pair, knobs: Knobs) -> Result:
    w, loss, s = float(step.wasserstein), float(step.loss), result.settings
    now = replace(s, gp_weight=knobs.gp_weight, learning_rate=knobs.learning_rate)
    return replace(
        result,
        settings=now,
        wasserstein=(*result.wasserstein, w),
        penalty=(*result.penalty, max((loss + w) / now.gp_weight, 0.0)),
        slope=(*result.slope, float(step.gradient_norm)),
        pair=pair,
        moved=result.moved if now == s or not result.done else result.done,
    )


def _shooting(result: Result | None, settings: Settings, critic: torch.nn.Module) -> Generator[Any, None, Any]:
    """Take a snapshot, yielding `result` (if there is one) between its pieces; returns the Snapshot."""
    for snapshot in _snapshot(result.done if result else 0, settings, critic):
        if snapshot is None and result:
            yield result
    return snapshot


def _snapshot(step: int, settings: Settings, critic: torch.nn.Module) -> Iterator[Snapshot | None]:
    """None several times while it is being taken, then the Snapshot."""
    real, noisy = held_out(settings)
    halves = []
    for x in (real, noisy):
        halves.append(gradient(critic, x))
        yield None
    (psi_real, grad_real), (psi_noisy, grad_noisy) = halves
    weight, p = weight_from_noise(problem(settings)), problem(settings)
    diverged, run = False, reconstruct(p, noisy[:1], critic, weight, **DESCENT)
    try:
        while (latest := _next(run)) is not None:
            it = latest
            yield None
    except Diverged:
        diverged = True
    direction, noise = grad_noisy[:1], noisy[:1] - real[:1]
    cosine = float(inner(direction, noise) / (direction.norm() * noise.norm()).clamp_min(1e-12))
    length = lambda grad: grad.flatten(1).norm(dim=1)
    slopes, ends = (length(grad_real), length(grad_noisy)), (diverged, it.stopped)
    yield Snapshot(step, it.x, direction[0], cosine, *slopes, psi_real, psi_noisy, *ends)


def _next(run: Iterator) -> Any:
    """The next iterate or None; that the steps ran out is in `Snapshot.settled`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)
        return next(run, None)
