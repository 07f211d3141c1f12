"""One critic, many settings: sigma and angles that it was not trained for, lambda by the formula. Paper: §5.1, §6."""

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ... import images, pretrained
from ..._input.networks import Network
from ...baselines import minimise_tv, post_process
from ...metrics import psnr
from ...operators import Identity, RayTransform
from ...problem import Problem
from ...reconstruction import NotConverged, reconstruct
from ...reg_weight import weight_from_noise

Row = dict[str, Any]
FACTORS = (1.0, 4.0, 0.25, 2.0, 0.5)  # of the noise of the training
ANGLES = (30, 10, 60, 180)
COUNT, TV_STEPS, STEPS = 4, 1000, 300


def settings() -> Iterator[Row]:
    """One row for each setting: PSNR of TV at the best lambda for these very images, of a U-Net and of ours."""
    yield from (dict(name="photos", factor=factor) for factor in FACTORS)
    yield from (dict(name="ct", factor=factor, angles=angles) for angles in ANGLES for factor in FACTORS)


def measure_setting(row: Row) -> Row:
    """The numbers of a setting: means over images, and the standard error of ours minus the others."""
    problem, x, guess = setting(row)
    y = problem.measure(x, torch.Generator().manual_seed(1))
    name = "ct-thorax" if row["name"] == "ct" else "photos-color"
    critic, unet = pretrained.load_critic(name), pretrained.load_unet(f"{name}-unet")
    score = lambda u: psnr(u.clamp(0, 1), x)
    ours, ended, steps = our_minimum(problem, y, critic)
    weight, tv, gap = best_tv(problem, y, score, guess)
    values = dict(naive=score(problem.naive(y)), tv=tv, unet=score(post_process(problem, y, unet)), ours=score(ours))
    found: Row = {key: round(value.mean().item(), 3) for key, value in values.items()}
    for other in ("tv", "unet"):
        lead = values["ours"] - values[other]
        found[f"error over {other}"] = round(lead.std().item() / len(x) ** 0.5, 3)
    return found | {"λ of TV": weight, "gap of TV": gap, "ended by the rule": ended, "steps": steps}


def setting(row: Row) -> tuple[Problem, Tensor, float]:
    """The problem, the images, and a weight of TV to begin with."""
    seeded = torch.Generator().manual_seed(4_712)
    if row["name"] == "photos":
        problem = Problem(Identity((3, 128, 128)), 0.1 * row["factor"])
        return problem, images.photos(COUNT, 128, seeded), 0.14 * row["factor"]
    problem = Problem(_ray_transform(row["angles"]), 0.02 * row["factor"])
    share = weight_from_noise(problem) / weight_from_noise(Problem(_ray_transform(30), 0.02))
    return problem, images.thorax(COUNT, 128, seeded), 0.004 * float(share)


@cache
def _ray_transform(angles: int) -> RayTransform:
    return RayTransform(128, angles)


def our_minimum(
    problem: Problem, y: Tensor, critic: Network, x0: Tensor | None = None, tolerance: float = 0.02, steps: int = STEPS
) -> tuple[Tensor, int, int]:
    """The end of Algorithm 2 with lambda by the formula; how many images ended by the rule; steps."""
    weight = float(weight_from_noise(problem))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # it is counted
        *_, it = reconstruct(problem, y, critic, weight, steps=steps, stop="gradient", x0=x0, tolerance=tolerance)
    return it.x, int((it.gradient_norm <= tolerance * weight).sum()), it.step


def best_tv(
    problem: Problem, y: Tensor, score: Callable[[Tensor], Tensor], guess: float, steps: int = TV_STEPS
) -> tuple[float, Tensor, float]:
    """Weight, PSNR of each image and largest gap of TV at the best weight of a grid of factors sqrt(2), an oracle.

    The grid grows until the best is inside it.
    """
    found: dict[int, tuple[float, Tensor, float]] = {}
    best = 0
    while True:
        for k in (best - 1, best, best + 1):
            if k not in found:
                found[k] = _tv(problem, y, score, guess * 2 ** (k / 2), steps)
        new = max(found, key=lambda k: float(found[k][1].mean()))
        if new == best:
            return found[best]
        best = new


def _tv(
    problem: Problem, y: Tensor, score: Callable[[Tensor], Tensor], weight: float, steps: int
) -> tuple[float, Tensor, float]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "total_variation: expected a relative duality gap")  # it is kept in the row
        minimum = minimise_tv(problem, y, weight, gap=1e-3, steps=steps)
    return float(f"{weight:.3g}"), score(minimum.x), float(f"{minimum.gap.max():.2g}")
