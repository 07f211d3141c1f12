"""From the paper as written to what ships, one change at a time: python -m advreg_edu ladder 1|2. Paper: §5.2, §5.3."""

import json
import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from .. import images
from .._input.arguments import check_count
from ..metrics import psnr, ssim
from ..pretrained import load_critic, save_network
from ..problem import Problem
from ..reconstruction import Diverged, reconstruct
from ..reg_weight import weight_from_noise
from . import datasets
from .recipes.as_written import Rung, rungs
from .train import seeded
from .training_images import Loader, crops, slices

HEAD = """\
## The ladder to Table {number}: {problem}

{images} images, {training} training steps for each network, batches of {batch}, one noise draw, seed {seed}. λ by the
formula but for the authors' code. PSNR per image after clipping, of the last iterate; batch PSNR and SSIM of the first
channel with data range 2 as in the authors' code. "Change" is against the rung before.

| | what is new | PSNR, dB | change | batch PSNR | their SSIM | iterates |
|---|---|---|---|---|---|---|
"""


class Score(NamedTuple):
    """What a rung reaches."""

    psnr: float
    batch_psnr: float
    authors_ssim: float
    iterates: int
    diverged: bool


def run(
    number: str,
    path: Path | str | None = None,
    quick: bool = False,
    out: Path | str = "runs/ladder",
    seed: int = 0,
    steps: int | None = None,
    side: int = 128,
    count: int = 16,
) -> int:
    """Train each rung's critic that is not in `out` yet, print and write the table, as Markdown and as JSON.

    Args:
        number: "1" or "2".
        path: BSDS500 or CT slices, as for `tables`; not with quick, which takes bundled photographs and phantoms.
        steps: of each training, in place of the 2500 of the authors' code.
        side: of the images in pixels; for real CT slices 128.
        count: images reported.
    """
    folder, side, count = Path(out), check_count(side, "side", 16), check_count(count, "count")
    loader, x = _quick(number, side, count) if quick else _real(number, path, side, count)
    ladder = rungs(number, loader, side, 2500 if steps is None else check_count(steps, "steps"))
    folder.mkdir(parents=True, exist_ok=True)
    recipe, problem = ladder[0].recipe, ladder[0].recipe.problem()
    shown = dict(number=number, problem=problem, images=count, training=recipe.steps, batch=recipe.batch_size)
    lines, rows, before = [HEAD.format(**shown, seed=seed)], [], math.nan
    print(lines[0], end="")
    for rung in ladder:
        score = reached(rung, critic_of(rung, path, folder, seed), problem, x)
        change = f"{score.psnr - before:+.2f}" if rung.step and not math.isnan(before) else ""
        lines.append(row(rung, score, change))
        rows.append(dict(rung=rung.name, training=rung.recipe.steps, side=side) | score._asdict())
        print(lines[-1], end="", flush=True)
        before = score.psnr if rung.step else before
    (folder / f"ladder{number}.md").write_text("".join(lines), encoding="utf-8")
    command = f"python -m advreg_edu ladder {number} --steps {recipe.steps} --side {side}" + quick * " --quick"
    _keep(folder / f"ladder{number}.json", command, rows)
    return 0


def _keep(file: Path, command: str, rows: list[dict]) -> None:
    """As data/extensions keeps its rows."""
    text = json.dumps(dict(command=command, rows=rows), indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def critic_of(rung: Rung, path: Path | str | None, folder: Path, seed: int) -> nn.Module:
    """The rung's critic: trained now, or found in the folder; the last rung shares that of the one before."""
    recipe = rung.recipe
    name = {"rule": "iterates"}.get(rung.name, rung.name).replace(" ", "-").replace("'", "")
    side = recipe.problem().A.domain_shape[1]
    file = folder / f"{name}-{recipe.problem().A.domain_shape[0]}x{side}-{recipe.steps}-seed-{seed}.safetensors"
    if not file.exists():
        checkpoint = file.with_suffix(".checkpoint")
        network = seeded(recipe.network, seed)
        for _ in recipe.start(network, path, seed, checkpoint=checkpoint, resume=checkpoint.exists()):
            pass
        save_network(network, file)
        checkpoint.unlink(missing_ok=True)
    return load_critic(file)


def reached(rung: Rung, critic: nn.Module, problem: Problem, x: Tensor) -> Score:
    """The end of the rung's descent on the images x, or the last finite iterate where it diverges."""
    y = problem.measure(x, Generator().manual_seed(1))
    weight = weight_from_noise(problem).item() if rung.reg_weight is None else rung.reg_weight
    x0 = rung.start(problem, y) if rung.start else None
    diverged = False
    try:
        *_, it = reconstruct(problem, y, critic, weight, **rung.descent, x0=x0)
    except Diverged as error:
        it, diverged = error.last, True
    end = it.x.clamp(0, 1)
    batch = -10 * math.log10((end - x).square().mean())
    theirs = ssim(end[:, :1], x[:, :1], data_range=2).mean().item()
    return Score(psnr(end, x).mean().item(), batch, theirs, it.step, diverged)


def row(rung: Rung, score: Score, change: str) -> str:
    """One line of the table.

    >>> rung = rungs("1", lambda path, generator: torch.rand(4, 3, 16, 16), 16)[2]
    >>> row(rung, Score(25.0, 24.9, 0.8, 150, False), "+0.30")
    '| pairs | each image beside its own measurement | 25.00 | +0.30 | 24.90 | 0.800 | 150 |\\n'
    """
    end = f"{score.iterates}, then diverged" if score.diverged else f"{score.iterates}"
    numbers = f"{score.psnr:.2f} | {change} | {score.batch_psnr:.2f} | {score.authors_ssim:.3f} | {end}"
    return f"| {rung.name} | {rung.why} | {numbers} |\n"


def _quick(number: str, side: int, count: int) -> tuple[Loader, Tensor]:
    """Bundled photographs, of which the reported crops are too, or phantoms of another seed."""
    make = images.photos if number == "1" else images.thorax
    loader: Loader = lambda path, generator: make(400, side, generator)
    return loader, make(count, side, Generator().manual_seed(4_712))


def _real(number: str, path: Path | str | None, side: int, count: int) -> tuple[Loader, Tensor]:
    if number == "1":
        return crops(4000, side), datasets.photographs(path, "val", count, side, Generator().manual_seed(20_261_123))
    x, _ = datasets.chest(path, "val", side)
    return slices(), x[torch.linspace(0, len(x) - 1, count).long()]
