"""What the training monitor shows: a held-out image, curves, histograms, sentences. Paper: §3.1, Eq. 6, Algorithm 1."""

from dataclasses import replace
from typing import Any

import numpy as np

from ...drawing.charts import Drawing, curves, note
from ...drawing.pictures import number
from ...drawing.tiles import Grid, tile
from ...metrics import psnr
from ..shared.numbers import two_digits
from .model import Result, bound_of, held_out

HINTS = {
    "start": "Press start, or “one step”: a fresh critic is trained by Algorithm 1. Other cells can run meanwhile.",
    "pause": "Training. μ and the learning rate may be moved meanwhile; `monitor.critic` is the critic as it is now.",
    "resume": "Paused. Resume goes on exactly here, “one step” by a single step; stop averages the weights.",
    "start again": "Ended: `monitor.critic` holds the running average of its weights. Start again begins afresh.",
}


def picture(result: Result) -> Grid:
    """Six tiles: a held-out image, A†y, its reconstruction by the last snapshot; noise, grad Psi, error."""
    (real, noisy), shot = held_out(result.settings), result.snapshot
    score = lambda x: f"{float(psnr(x.clamp(0, 1), real[:1])):.1f} dB"
    noise, x = noisy[0] - real[0], shot.x
    direction = shot.direction / shot.direction.norm().clamp_min(1e-12) * noise.norm()
    title = f"∇Ψ at A†y, cosine {two_digits(shot.cosine)}"
    signed = ("signed", (-3 * result.settings.sigma, 3 * result.settings.sigma))
    return Grid(
        (
            tile(real[0], "held-out image x*"),
            tile(noisy[0], f"A†y: {score(noisy[:1])}"),
            tile(x[0], f"after step {shot.step}: {score(x)}"),
            tile(noise, "noise A†y − x*", *signed),
            tile(direction, title, *signed, numbers="scaled to the length of the noise"),
            tile(x[0] - real[0], "what is left: x − x*", *signed),
        )
    )


def chart(result: Result) -> Drawing:
    """Distance, slope and penalty of every step, with the limits that a legal critic keeps."""
    size: dict[str, Any] = dict(width=900, height=172)
    if not result.done:
        words = "Distance, slope and penalty of every step appear here: press “start”."
        return note(words, ("distance (Eq. 7)", "slope ‖∇Ψ‖ on the lines", "penalty"), **size)
    steps, bound = range(1, result.done + 1), bound_of(result.settings)
    series = {
        "distance (Eq. 7)": {"this critic": result.wasserstein, "limit": [bound for _ in steps]},
        "slope ‖∇Ψ‖ on the lines": {"this critic": result.slope, "limit": [1.0 for _ in steps]},
        "penalty": result.penalty,
    }
    marks = {"knob moved": result.moved} if result.moved else {}
    return curves(series, steps=result.settings.steps, x=steps, axis="training step", marks=marks, **size).at()


def histograms(result: Result) -> tuple[Drawing, Drawing]:
    """(slopes, values): ||grad Psi|| and Psi on 32 real and 32 noisy held-out images, as two drawings."""
    shot = result.snapshot
    slopes = [half.clamp(max=1.999).tolist() for half in (shot.slope_real, shot.slope_noisy)]
    values = [half.tolist() for half in (shot.psi_real, shot.psi_noisy)]
    low, high = min(map(min, values)), max(map(max, values))
    room = max(high - low, 1e-3) / 16
    return (
        _histogram(slopes, (0.0, 2.0), "images by slope ‖∇Ψ‖", "‖∇Ψ‖, beyond 2 counted at 2", {"limit": 1.0}),
        _histogram(values, (low - room, high + room), "images by value Ψ", "Ψ: low on real, high on noisy", {}),
    )


def _histogram(
    halves: list[list[float]], span: tuple[float, float], title: str, axis: str, marks: dict[str, float]
) -> Drawing:
    """Counts in 20 bins as curves, which stay apart where bars would cover each other."""
    counts = [np.histogram(values, 20, span)[0].tolist() for values in halves]
    edges = np.linspace(*span, 21)
    lines, middles = dict(zip(("real", "noisy"), counts, strict=True)), ((edges[1:] + edges[:-1]) / 2).tolist()
    drawing = curves({title: lines}, x=middles, axis=axis, marks=marks, width=300, height=180).at()
    words = [f"{name} {number(min(half))} to {number(max(half))}" for name, half in zip(lines, halves, strict=True)]
    return replace(drawing, alt=f"Histogram, {title}: {', '.join(words)}.")


def sentence(result: Result) -> str:
    """Where the training is, in words and numbers."""
    shot, total = result.snapshot, result.settings.steps
    real, noisy = held_out(result.settings)
    before, after = (float(psnr(x.clamp(0, 1), real[:1])) for x in (noisy[:1], shot.x))
    now = "no step yet"
    if result.done:
        w, penalty, slope = result.wasserstein[-1], result.penalty[-1], result.slope[-1]
        now = f"distance {w:.2f} (bound {bound_of(result.settings):.2f}), slope {slope:.2f}, penalty {penalty:.3f}"
    weights = f"{'averaged ' * result.averaged}weights of step {shot.step}"
    end = "a minimum" if shot.settled else "no minimum yet"
    psi_real, psi_noisy = (two_digits(float(psi.mean())) for psi in (shot.psi_real, shot.psi_noisy))
    return (
        f"Step {result.done} of {total}: {now}. With the {weights}: Ψ {psi_real} on real and "
        f"{psi_noisy} on noisy images; held-out image {before:.1f} dB, "
        f"after descent {after:.1f} dB ({end})."
    )


def verdict(result: Result) -> tuple[str, str] | None:
    """(sentence, tone) for what deserves a word of care, or None."""
    slope = sum(result.slope[-10:]) / max(len(result.slope[-10:]), 1)
    if slope > 1.5:
        return (
            f"Ψ is too steep: mean slope {slope:.1f}. The fine is too cheap, so the estimate is no distance any more. "
            f"Raise the penalty μ; our rule 3 E‖x_r − x_n‖ gives {3 * bound_of(result.settings):.0f}.",
            "warning",
        )
    if result.snapshot.diverged:
        return "Algorithm 2 diverged with this critic: λΨ falls faster than the data term rises. Train on.", "warning"
    return None
