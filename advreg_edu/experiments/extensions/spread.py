"""How sure? The spread over noise draws, starts and critics of other seeds, against the error (not in the paper)."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from ... import images, pretrained
from ...operators import RayTransform
from ...problem import Problem
from ..train import train
from .settings import Row, our_minimum

COUNT, REPEATS, BINS = 2, 6, 10
STEPS = 400  # of the critics of three seeds
KINDS = ("noise draws", "starts", "critics of three seeds")


def spreads() -> Iterator[Row]:
    """Each kind of repetition, with the 30 angles of the training and with 8."""
    for angles in (30, 8):
        for kind in KINDS:
            yield dict(kind=kind, angles=angles)


def measure_spread(row: Row) -> Row:
    """Root mean squares of spread and error over all pixels, and in ten bins of pixels sorted by their spread."""
    problem = Problem(RayTransform(128, row["angles"]), 0.02)
    x = images.thorax(COUNT, 128, torch.Generator().manual_seed(4_712))
    spread, error = spread_and_error(REPETITIONS[row["kind"]](problem, x), x)
    order = spread.flatten().argsort()
    rms = lambda u: round(u.square().mean().sqrt().item(), 5)
    bins = [[rms(spread.flatten()[part]), rms(error.flatten()[part])] for part in order.chunk(BINS)]
    bias = (error.square() - spread.square()).clamp_min(0).sqrt()
    return dict(spread=rms(spread), error=rms(error), bias=rms(bias), bins=bins)


def spread_and_error(repeated: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Standard deviation and root mean square error of each pixel over repetitions, (K, B, C, H, W) to (B, C, H, W).

    >>> spread, error = spread_and_error(torch.tensor([1.0, 3.0])[:, None, None, None, None], torch.zeros(1, 1, 1, 1))
    >>> spread.item(), round(error.item() ** 2)  # 1 + 2^2: variance and squared bias
    (1.0, 5)
    """
    return repeated.std(0, correction=0), (repeated - truth).square().mean(0).sqrt()


def _noise_draws(problem: Problem, x: Tensor) -> Tensor:
    critic, ys = pretrained.load_critic("ct-thorax"), range(1, REPEATS + 1)
    measured = (problem.measure(x, torch.Generator().manual_seed(seed)) for seed in ys)
    return torch.stack([our_minimum(problem, y, critic)[0] for y in measured])


def _starts(problem: Problem, x: Tensor) -> Tensor:
    critic, y = pretrained.load_critic("ct-thorax"), problem.measure(x, torch.Generator().manual_seed(1))
    starts = (images.thorax(COUNT, 128, torch.Generator().manual_seed(seed)) for seed in range(1, REPEATS + 1))
    return torch.stack([our_minimum(problem, y, critic, x0=x0)[0] for x0 in starts])


def _critics(problem: Problem, x: Tensor) -> Tensor:
    y = problem.measure(x, torch.Generator().manual_seed(1))
    return torch.stack([our_minimum(problem, y, trained(seed))[0] for seed in range(3)])


REPETITIONS: dict[str, Callable[[Problem, Tensor], Tensor]] = dict(
    zip(KINDS, (_noise_draws, _starts, _critics), strict=True)
)


@cache
def trained(seed: int) -> nn.Module:
    """The critic of the recipe `ct-minute`, with this seed and half of its steps; into runs/, unless it is there."""
    file = Path(f"runs/ct-minute-seed-{seed}.safetensors")
    if not file.exists() and train("ct-minute", file, seed=seed, steps=STEPS):
        raise KeyboardInterrupt
    return pretrained.load_critic(file)
