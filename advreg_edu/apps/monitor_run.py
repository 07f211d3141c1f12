"""What the training monitor computes and shows, without a widget. Paper: §3.1, Eq. 6 and Algorithm 1.

Model: `results(settings, critic)`, an iterator that trains the critic. View: `picture`, `chart`, `histograms`,
`sentence` and `verdict` of a Result.
"""

from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from .. import images
from ..charts import Drawing, curves, note
from ..critics import LocalCritic, PaperCritic
from ..metrics import psnr
from ..operators import Identity, inner
from ..pictures import number
from ..problem import Problem
from ..reconstruction import Diverged, gradient, reconstruct
from ..reg_weight import weight_from_noise
from ..tiles import Grid, tile
from ..training import train_critic

SIZE, BATCH, HELD = 48, 8, 32  # pixels; images in a batch; held-out images
LOCAL, PAPER = "LocalCritic (ours)", "PaperCritic (the authors')"
CHESTS, ELLIPSES = "chest phantoms", "ellipses"
LOOK_EVERY, DESCENT = 10, dict(step_size=0.05, steps=20)  # training steps; Algorithm 2 on the held-out image


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


def results(settings, critic):
    """Algorithm 1 on `critic`; yields a Result at the start, after every step, and at the end with averaged weights.

    Every LOOK_EVERY steps a new look is taken, in pieces, with a Result after each: no piece is longer than a step.
    """
    s = settings
    start = yield from _looking(None, s, critic)
    yield (result := Result(s, (), (), (), start))
    run = train_critic(
        critic,
        problem(s),
        _images(s.images)[:-HELD],
        steps=s.steps,
        batch_size=BATCH,
        gp_weight=s.gp_weight,
        learning_rate=s.learning_rate,
        averaging=0.9,
        paired=False,
    )
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
    diverged = False
    try:
        for it in reconstruct(p, noisy[:1], critic, weight, **DESCENT):
            x = it.x
            yield None
    except Diverged:
        diverged = True
    direction, noise = grad_noisy[:1], noisy[:1] - real[:1]
    cosine = float(inner(direction, noise) / (direction.norm() * noise.norm()).clamp_min(1e-12))
    length = lambda grad: grad.flatten(1).norm(dim=1)
    yield Look(step, x, direction[0], cosine, length(grad_real), length(grad_noisy), psi_real, psi_noisy, diverged)


def picture(result):
    """Six tiles: a held-out image, A†y, its reconstruction by the critic of the last look; noise, grad Psi, error."""
    (real, noisy), look = held_out(result.settings), result.look
    score = lambda x: f"{float(psnr(x.clamp(0, 1), real[:1])):.1f} dB"
    noise, x = noisy[0] - real[0], look.x
    direction = look.direction / look.direction.norm().clamp_min(1e-12) * noise.norm()
    signed = ("signed", (-3 * result.settings.sigma, 3 * result.settings.sigma))
    return Grid(
        (
            tile(real[0], "held-out image x*"),
            tile(noisy[0], f"A†y: {score(noisy[:1])}"),
            tile(x[0], f"critic of step {look.step}: {score(x)}"),
            tile(noise, "noise A†y − x*", *signed),
            tile(
                direction, f"∇Ψ at A†y, cosine {look.cosine:.2f}", *signed, numbers="scaled to the length of the noise"
            ),
            tile(x[0] - real[0], "what is left: x − x*", *signed),
        )
    )


def chart(result):
    """Distance, slope and penalty of every step, with the limits that a legal critic keeps."""
    size = dict(width=808, height=206)
    if not result.done:
        return note("Distance, slope and penalty of every step appear here: press “start”.", **size)
    steps, bound = range(1, result.done + 1), bound_of(result.settings)
    series = {
        "distance (Eq. 7)": {"estimate": result.wasserstein, "limit": [bound for _ in steps]},
        "slope on the lines": {"mean ‖∇Ψ‖": result.slope, "limit 1": [1.0 for _ in steps]},
        "penalty": result.penalty,
    }
    return curves(series, steps=result.settings.steps, x=steps, axis="step", **size).at()


def bound_of(settings):
    """Mean ||x_noisy - x_real||, which no critic of slope 1 can exceed in Eq. 7."""
    real, noisy = held_out(settings)
    return float((noisy - real).flatten(1).norm(dim=1).mean())


def histograms(result):
    """(slopes, values): ||grad Psi|| and Psi on 32 real and 32 noisy held-out images, as two drawings."""
    look = result.look
    slopes = [half.clamp(max=1.999).tolist() for half in (look.slope_real, look.slope_noisy)]
    values = [half.tolist() for half in (look.psi_real, look.psi_noisy)]
    low, high = min(map(min, values)), max(map(max, values))
    room = max(high - low, 1e-3) / 16
    return (
        _histogram(slopes, (0.0, 2.0), "images by slope ‖∇Ψ‖", "‖∇Ψ‖, beyond 2 counted at 2", {"limit": 1.0}),
        _histogram(values, (low - room, high + room), "images by value Ψ", "Ψ: low on real, high on noisy", {}),
    )


def _histogram(halves, span, title, axis, marks):
    """Counts in 20 bins as curves, which stay apart where bars would cover each other."""
    counts = [np.histogram(values, 20, span)[0].tolist() for values in halves]
    edges = np.linspace(*span, 21)
    lines = dict(zip(("real", "noisy"), counts, strict=True))
    drawing = curves({title: lines}, x=(edges[1:] + edges[:-1]) / 2, axis=axis, marks=marks, width=404, height=206).at()
    words = [f"{name} {number(min(half))} to {number(max(half))}" for name, half in zip(lines, halves, strict=True)]
    return Drawing(drawing.svg, f"Histogram, {title}: {', '.join(words)}.", drawing.size)


def sentence(result):
    """Where the training is, in words and numbers."""
    look, total = result.look, result.settings.steps
    real, noisy = held_out(result.settings)
    before, after = (float(psnr(x.clamp(0, 1), real[:1])) for x in (noisy[:1], look.x))
    now = "no step yet"
    if result.done:
        w, penalty, slope = result.wasserstein[-1], result.penalty[-1], result.slope[-1]
        now = f"distance {w:.2f} (bound {bound_of(result.settings):.2f}), slope {slope:.2f}, penalty {penalty:.3f}"
    weights = f"{'averaged ' * result.averaged}weights of step {look.step}"
    return (
        f"Step {result.done} of {total}: {now}. With the {weights}: Ψ {look.psi_real.mean():.2f} on real and "
        f"{look.psi_noisy.mean():.2f} on noisy images; held-out image {before:.1f} dB, after descent {after:.1f} dB."
    )


def verdict(result):
    """(sentence, tone) for what deserves a word of care, or None."""
    slope = sum(result.slope[-10:]) / max(len(result.slope[-10:]), 1)
    if slope > 1.5:
        return (
            f"Ψ is too steep: mean slope {slope:.1f}. The fine is too cheap, so the estimate is no distance any more. "
            f"Raise the penalty μ; our rule 3 E‖x_r − x_n‖ gives {3 * bound_of(result.settings):.0f}.",
            "warning",
        )
    if result.look.diverged:
        return "Algorithm 2 diverged with this critic: it is too curved for a step of 0.05. Train on.", "warning"
    return None
