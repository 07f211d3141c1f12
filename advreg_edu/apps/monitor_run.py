"""What the training monitor computes: Algorithm 1, and looks at its critic on the way. Paper: §3.1, Eq. 6, Alg. 1.

Model: `results(settings, critic)`, an iterator that trains the critic. What is shown is in `monitor_view`.
"""

import warnings
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from .. import images
from ..critics import LocalCritic, PaperCritic
from ..operators import Identity, inner
from ..problem import Problem
from ..reconstruction import Diverged, NotConverged, gradient, reconstruct
from ..reg_weight import weight_from_noise
from ..training import Eq6, Unpaired, algorithm_1

SIZE, BATCH, HELD = 48, 8, 32  # pixels; images in a batch; held-out images
LOCAL, PAPER = "LocalCritic (ours)", "PaperCritic (the authors')"
CHESTS, ELLIPSES = "chest phantoms", "ellipses"
LOOK_EVERY = 10  # training steps
DESCENT = dict(step_size="auto", steps=40, stop="gradient")  # Algorithm 2 on the held-out image, 40 steps at most


@dataclass(frozen=True)
class Settings:
    """What the controls say. `gp_weight` is called lambda in Eq. 6 and mu in Algorithm 1."""

    images: str = CHESTS
    critic: str = LOCAL
    sigma: float = 0.1
    gp_weight: float = 15.0
    learning_rate: float = 0.002
    steps: int = 150


@dataclass(frozen=True)
class Look:
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


@dataclass(frozen=True)
class Result:
    """The training so far: one number per step, and the last look. `averaged` once the training has ended."""

    settings: Settings
    wasserstein: tuple
    penalty: tuple  # mean (||grad Psi|| - 1)_+^2, without its weight
    slope: tuple
    look: Look
    averaged: bool = False

    @property
    def done(self):
        return len(self.wasserstein)


def new_critic(settings):
    """A critic with first weights that do not depend on, or change, the global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LocalCritic(1, widths=(8, 16)) if settings.critic == LOCAL else PaperCritic(1, SIZE)


def problem(settings):
    return Problem(Identity((1, SIZE, SIZE)), settings.sigma)


@lru_cache(maxsize=4)
def _images(kind):
    """96 images (1, 48, 48): 64 to train on and 32 held out."""
    make = images.thorax if kind == CHESTS else images.ellipses
    return make(64 + HELD, size=SIZE, generator=torch.Generator().manual_seed(0))


def held_out(settings):
    """(x_real, x_noisy) (32, 1, 48, 48) that the training never sees."""
    real, p = _images(settings.images)[-HELD:], problem(settings)
    return real, p.naive(p.measure(real, torch.Generator().manual_seed(5)))


def bound_of(settings):
    """Mean ||x_noisy - x_real||, which no critic of slope 1 can exceed in Eq. 7."""
    real, noisy = held_out(settings)
    return float((noisy - real).flatten(1).norm(dim=1).mean())


def results(settings, critic):
    """Algorithm 1 on `critic`; yields a Result at the start, after every step, and at the end with averaged weights.

    Every LOOK_EVERY steps a new look is taken, in pieces, with a Result after each: no piece is longer than a step.
    """
    s = settings
    start = yield from _looking(None, s, critic)
    yield (result := Result(s, (), (), (), start))
    pairs = Unpaired(problem(s), _images(s.images)[:-HELD])
    adam = dict(learning_rate=s.learning_rate, averaging=0.9)
    run = algorithm_1(critic, pairs, Eq6(s.gp_weight), s.steps, BATCH, **adam)
    with closing(run):  # however this ends, the critic gets its averaged weights
        for step in run:
            result = _longer(result, step)
            yield result
            if result.done % LOOK_EVERY == 0:
                look = yield from _looking(result, s, critic)
                yield (result := replace(result, look=look))
    yield ended(result, critic)


def ended(result, critic):
    """The Result with a look at the averaged weights, which `critic` has when its training is over."""
    *_, look = _looks(result.done, result.settings, critic)
    return replace(result, look=look, averaged=True)


def _longer(result, step):
    w, loss = float(step.wasserstein), float(step.loss)
    penalty = (loss + w) / result.settings.gp_weight if result.settings.gp_weight else 0.0
    return replace(
        result,
        wasserstein=(*result.wasserstein, w),
        penalty=(*result.penalty, max(penalty, 0.0)),
        slope=(*result.slope, float(step.gradient_norm)),
    )


def _looking(result, settings, critic):
    """Take a look, yielding `result` (if there is one) between its pieces; returns the Look."""
    for look in _looks(result.done if result else 0, settings, critic):
        if look is None and result:
            yield result
    return look


def _looks(step, settings, critic):
    """None several times while the look is being taken, then the Look."""
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
    yield Look(step, it.x, direction[0], cosine, *slopes, psi_real, psi_noisy, *ends)


def _next(run):
    """The next iterate or None; that the steps ran out is in `Look.settled`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)
        return next(run, None)
