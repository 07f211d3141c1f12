"""What a critic trained at each setting gains over one that lambda carries there. Paper: §5.1, §6."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch
from torch import nn

from ... import pretrained
from ...metrics import psnr
from ..sweep import Job
from ..train import train_recipe
from .settings import Row, our_minimum, setting

FIRST = (1.0, 30)  # noise by that of the map's critic, angles: what the critic to be carried was trained for
GRID = (FIRST, (4.0, 30), (1.0, 10), (0.25, 30), (1.0, 180), (2.0, 30), (0.5, 30), (1.0, 60))


def retrainings() -> Iterator[Row]:
    """One row for each setting of a coarse grid."""
    yield from (dict(factor=factor, angles=angles) for factor, angles in GRID)


def measure_retraining(row: Row) -> Row:
    """PSNR of `ct-minute` trained once and trained here, on the images and noise of the map; the gain of each image."""
    problem, x, _ = setting(dict(name="ct") | row)
    y = problem.measure(x, torch.Generator().manual_seed(1))
    found: Row = {}
    values = {}
    for name, place in (("once", FIRST), ("here", (row["factor"], row["angles"]))):
        u, found[f"{name}, ended by the rule"], found[f"{name}, steps"] = our_minimum(problem, y, trained(*place))
        values[name] = psnr(u.clamp(0, 1), x)
    means = {name: round(value.mean().item(), 3) for name, value in values.items()}
    gains = [round(gain, 3) for gain in (values["here"] - values["once"]).tolist()]
    return means | dict(gains=gains) | found


@cache
def trained(factor: float, angles: int) -> nn.Module:
    """The critic of `ct-minute` for a setting; into runs/, where it is, or is begun."""
    job = Job("ct-minute", 0, 0.02 * factor, angles)
    file = Path(f"runs/{job.stem}.safetensors")
    begun = file.with_suffix(".checkpoint").exists()
    if not file.exists() and train_recipe(job.recipe(), job.stem, file, None, job.seed, begun, "cpu"):
        raise KeyboardInterrupt
    return pretrained.load_critic(file)
