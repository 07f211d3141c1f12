"""What a critic trained at each setting gains over one that lambda carries there. Paper: §5.1, §6."""

from collections.abc import Iterator
from functools import cache

import torch
from torch import nn

from ... import pretrained
from ...metrics import psnr
from ..sweep import jobs_of
from ..sweep import run as sweep
from .settings import ANGLES, FACTORS, Row, our_minimum, setting

FIRST = dict(factor=1.0, angles=30)  # what the critic to be carried was trained for


def retrainings() -> Iterator[Row]:
    """One row for each setting: every noise with the first angles, every other number of angles at the first noise."""
    yield from (FIRST | dict(factor=factor) for factor in FACTORS)
    yield from (FIRST | dict(angles=angles) for angles in ANGLES if angles != FIRST["angles"])


def measure_retraining(row: Row) -> Row:
    """PSNR of `ct-minute` trained once and trained here, on the images and noise of the map; the gain of each image."""
    problem, x, _ = setting(dict(name="ct") | row)
    y = problem.measure(x, torch.Generator().manual_seed(1))
    found: Row = {}
    values = {}
    for name, place in (("once", FIRST), ("here", row)):
        u, found[f"{name}, ended by the rule"], found[f"{name}, steps"] = our_minimum(problem, y, trained(**place))
        values[name] = psnr(u.clamp(0, 1), x)
    values["gain"] = values["here"] - values["once"]
    means = {name: round(value.mean().item(), 3) for name, value in values.items()}
    return means | dict(gains=[round(gain, 3) for gain in values["gain"].tolist()]) | found


@cache
def trained(factor: float, angles: int) -> nn.Module:
    """The critic of `ct-minute` for a setting, seed 0; into runs/sweep, unless it is there."""
    (job,) = jobs = jobs_of("ct-minute", [0], [0.02 * factor], [angles])
    if sweep(jobs):
        raise KeyboardInterrupt
    return pretrained.load_critic(f"runs/sweep/{job.stem}.safetensors")
