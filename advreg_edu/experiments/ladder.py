"""From the paper as written to what ships, one change at a time: python -m advreg_edu ladder 1|2. Paper: §5.2, §5.3."""

import json
import math
from collections.abc import Callable
from functools import cache
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
from .recipes.baselines_as_written import Baseline, baselines
from .train import seeded
from .training_images import Loader, crops, slices

HEAD = """\
## The ladder to Table {number}: {problem}

{images} images, {training} training steps for each network, batches of {batch}, one noise draw, seed {seed}. λ by the
formula but for the authors' code; of TV the best of a grid on {chosen} training images. PSNR per image after
clipping, of the last iterate; batch PSNR and SSIM of the first channel with data range 2 as in the authors' code.
"Change" is against the rung before.

| | what is new | PSNR, dB | change | batch PSNR | their SSIM | iterates | λ |
|---|---|---|---|---|---|---|---|
"""
CHOSEN_ON = 8
Entry = Rung | Baseline


class Score(NamedTuple):
    """What a rung or a baseline reaches."""

    psnr: float
    batch_psnr: float
    authors_ssim: float
    iterates: int
    diverged: bool
    reg_weight: float | None = None  # lambda


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

    Rows that the same command left in the JSON are not computed again.

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
    recipe, problem = ladder[0].recipe, ladder[0].recipe.problem()
    folder.mkdir(parents=True, exist_ok=True)
    x_train = cache(lambda: loader(path, Generator().manual_seed(1))[:CHOSEN_ON])

    def score(entry: Entry) -> Score:
        if isinstance(entry, Baseline):
            return at_its_best(entry, problem, x_train(), x)
        return reached(entry, critic_of(entry, path, folder, seed), problem, x)

    command = f"python -m advreg_edu ladder {number} --steps {recipe.steps} --side {side}" + quick * " --quick"
    command += (seed != 0) * f" --seed {seed}" + (count != 16) * f" --count {count}"
    shown = dict(number=number, problem=problem, images=count, training=recipe.steps, batch=recipe.batch_size)
    head, label = HEAD.format(**shown, seed=seed, chosen=CHOSEN_ON), dict(training=recipe.steps, side=side)
    _table(head, [*baselines(number), *ladder], score, folder / f"ladder{number}", command, label)
    return 0


def _table(
    head: str, entries: list[Entry], score: Callable[[Entry], Score], file: Path, command: str, label: dict[str, int]
) -> None:
    """Print the rows, and write them as Markdown, and as JSON in the way of data/extensions."""
    lines, scores, before = [head], _kept(file.with_suffix(".json"), command), math.nan
    print(head, end="")
    for entry in entries:
        scores[entry.name] = found = scores.get(entry.name) or score(entry)
        rung = isinstance(entry, Rung) and entry.step
        lines.append(row(entry, found, f"{found.psnr - before:+.2f}" if rung and not math.isnan(before) else ""))
        print(lines[-1], end="", flush=True)
        before = found.psnr if rung else before
        rows = [dict(rung=e.name) | label | scores[e.name]._asdict() for e in entries if e.name in scores]
        text = json.dumps(dict(command=command, rows=rows), indent=1, ensure_ascii=False)
        file.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    file.with_suffix(".md").write_text("".join(lines), encoding="utf-8")


def _kept(file: Path, command: str) -> dict[str, Score]:
    """The rows that this very command has measured already."""
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    rows = found["rows"] if found.get("command") == command else []
    return {line["rung"]: Score(**{k: line[k] for k in Score._fields if k in line}) for line in rows}


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
    return _score(it.x, x, it.step, diverged, weight)


def at_its_best(baseline: Baseline, problem: Problem, x_train: Tensor, x: Tensor) -> Score:
    """The baseline on the images x, with the lambda that suits the images x_train best."""
    y_train = problem.measure(x_train, Generator().manual_seed(2))
    quality = lambda weight: psnr(baseline.solve(problem, y_train, weight)[0].clamp(0, 1), x_train).mean().item()
    weight = max(baseline.weights, key=quality)
    end, steps = baseline.solve(problem, problem.measure(x, Generator().manual_seed(1)), weight)
    return _score(end, x, steps, False, weight)


def _score(end: Tensor, x: Tensor, iterates: int, diverged: bool, reg_weight: float) -> Score:
    end = end.clamp(0, 1)
    batch = -10 * math.log10((end - x).square().mean())
    theirs = ssim(end[:, :1], x[:, :1], data_range=2).mean().item()
    return Score(psnr(end, x).mean().item(), batch, theirs, iterates, diverged, reg_weight)


def row(entry: Entry, score: Score, change: str) -> str:
    """One line of the table.

    >>> rung = rungs("1", lambda path, generator: torch.rand(4, 3, 16, 16), 16)[2]
    >>> row(rung, Score(25.0, 24.9, 0.8, 150, False, 5.5), "+0.30")
    '| pairs | each image beside its own measurement | 25.00 | +0.30 | 24.90 | 0.800 | 150 | 5.5 |\\n'
    """
    end = f"{score.iterates}, then diverged" if score.diverged else f"{score.iterates}"
    weight = f"{score.reg_weight:.3g}" if score.reg_weight else ""
    numbers = f"{score.psnr:.2f} | {change} | {score.batch_psnr:.2f} | {score.authors_ssim:.3f} | {end} | {weight}"
    return f"| {entry.name} | {entry.why} | {numbers} |\n"


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
