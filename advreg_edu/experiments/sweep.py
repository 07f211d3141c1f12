"""Many trainings as independent jobs, and one table of them: python -m advreg_edu sweep NAME, gather FOLDER.

A sweep is there to choose by, so it measures on images held back from the training, and not on those that tables
report. Not in the paper.
"""

import itertools
import json
import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import images
from .._input.arguments import check_choice, check_count, check_number, check_seed
from .._input.files import as_path, write
from .._input.messages import describe, refused
from .._input.signature import check_instance, checked
from .._input.tensors import read_object
from ..metrics import psnr
from ..operators import RayTransform
from ..pretrained import load_critic
from ..problem import Problem, check_problem
from ..reconstruction import NotConverged, reconstruct
from ..reg_weight import weight_from_noise
from ..training import diagnose
from . import datasets
from .recipes import RECIPES
from .recipes.recipe import Recipe
from .train import checked_device, train_recipe

NO_NOISE = "Without noise the formula gives no weight to the critic."
COUNT, STEPS = 16, 400  # images held back; iterates of Algorithm 2 at most
RESULT = {"stem", "name", "sigma", "angles", "naive", "psnr", "slope", "reg_weight", "minutes", "changes", "sweep"}
HEAD = """\
| recipe | σ | angles | seeds | A†y, dB | ours, dB | slope at A†y | λ | minutes |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Job:
    """One training of a sweep: a recipe with another seed, noise level or number of angles; None is the recipe's.

    >>> Job("ct-minute", 1, 0.01, None).stem
    'ct-minute-seed-1-sigma-0.01'
    """

    name: str
    seed: int
    sigma: float | None
    angles: int | None

    @property
    def stem(self) -> str:
        """The name of its files."""
        parts = dict(seed=self.seed, sigma=self.sigma, angles=self.angles)
        return "-".join([self.name, *(f"{key}-{value:g}" for key, value in parts.items() if value is not None)])

    def recipe(self) -> Recipe:
        """The recipe that it trains. A penalty weight that a recipe gives as a number stays as it is."""
        problem = RECIPES[self.name].problem()
        A = problem.A
        if self.angles is not None:
            if type(A) is not RayTransform:
                raise ValueError(f"angles: expected a recipe for CT, got {self.name} of {A}. Leave it out.")
            A = RayTransform(A.domain_shape[1], self.angles, A.filter, arc=A.arc)
        changed = Problem(A, problem.sigma if self.sigma is None else self.sigma)
        return replace(RECIPES[self.name], problem=lambda: changed)


def jobs_of(
    name: str, seeds: Sequence[int], sigmas: Sequence[float] | None = None, angles: Sequence[int] | None = None
) -> list[Job]:
    """Every combination of the seeds, the noise levels and the numbers of angles.

    >>> len(jobs_of("ct-minute", [0, 1, 2], sigmas=[0.01, 0.02]))
    6
    """
    if RECIPES[check_choice(name, "name", RECIPES)].loss is None:
        raise ValueError(f"name: expected a recipe of a critic, got {name}, a supervised one. Choose another.")
    for key, values in dict(seeds=seeds, sigmas=sigmas, angles=angles).items():
        check_instance(() if values is None and key != "seeds" else values, key, Sequence)
    seeds = [check_seed(seed, "seeds") for seed in seeds]
    levels = [None] if sigmas is None else [check_number(s, "sigmas", 0, fix=NO_NOISE, above=True) for s in sigmas]
    counts = [None] if angles is None else [check_count(count, "angles") for count in angles]
    return [Job(name, *values) for values in itertools.product(seeds, levels, counts)]


def part_of(jobs: Sequence[Job], task: str) -> list[Job]:
    """The jobs of task i of n, "i/n" with i from 1; together the n tasks do each job once.

    >>> [job.seed for job in part_of(jobs_of("ct-minute", range(5)), "2/3")]
    [1, 4]
    """
    if not isinstance(jobs, Sequence) or not all(isinstance(job, Job) for job in jobs):
        raise TypeError(f"jobs: expected a list of jobs, got {describe(jobs)}. Make them by jobs_of.")
    i, slash, n = task.partition("/") if isinstance(task, str) else ("", "", "")
    if not (slash and i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise ValueError(f"task: expected i/n with i from 1 to n, such as 2/8, got {describe(task)}.")
    return list(jobs[int(i) - 1 :: int(n)])


def run(
    jobs: Sequence[Job],
    task: str = "1/1",
    out: Path | str = "runs/sweep",
    path: Path | str | None = None,
    device: str = "cpu",
    **changes: Any,
) -> int:
    """Do the jobs of a task, one after the other, each into files of its own in `out`; what is there is not done again.

    An interrupted job goes on where it was. Tasks share nothing but the folder, so that any launcher can start them.
    Args: path of the images, device, changes, as of `train`. Returns: exit status, 130 after Ctrl-C.
    """
    _check_same(folder := as_path(out, "out"), changes)
    place = str(checked_device(device))
    for job in part_of(jobs, task):
        file = folder / f"{job.stem}.safetensors"
        result, start = file.with_suffix(".json"), time.perf_counter()
        if result.exists():
            continue
        recipe = job.recipe()
        problem = recipe.problem()
        anew = not file.exists() and not file.with_suffix(".checkpoint").exists()
        x = held_back(problem, path)  # before the training, which is lost without them
        if not file.exists():
            resume = file.with_suffix(".checkpoint").exists()
            status = train_recipe(recipe, job.stem, file, path, job.seed, resume, place, **changes)
            if status:
                return status
        angles = problem.A.range_shape[1] if isinstance(problem.A, RayTransform) else None
        found = dict(stem=job.stem, name=job.name, seed=job.seed, sigma=problem.sigma, angles=angles)
        found |= measured(problem, load_critic(file).to(place), x.to(place))
        minutes = (time.perf_counter() - start) / 60 if anew else None  # nobody counted those before a kill
        found |= dict(minutes=minutes, changes=changes, sweep=[job.stem for job in jobs])
        write(result, json.dumps(found, indent=1).encode())
    return 0


def _results(folder: Path) -> list[dict[str, Any]]:
    """The results of sweeps in a folder."""
    what, fix = "the result of a job", "Move it away: the job is done again."
    found = {file: read_object(file.read_bytes(), file, what, fix) for file in sorted(folder.glob("*.json"))}
    results = {file: result for file, result in found.items() if "sweep" in result}
    for file in (file for file, result in results.items() if RESULT - result.keys()):
        raise refused(file, what, f"none of {', '.join(sorted(RESULT - results[file].keys()))}", fix)
    return list(results.values())


def _check_same(folder: Path, changes: dict[str, Any]) -> None:
    """Raise if a training whose result is there was given other arguments: a row of the table would mix the two."""
    for result in _results(folder):
        if (then := result["changes"]) != changes:
            got = f"one with {then}, {result['stem']}"
            raise ValueError(f"{folder}: expected trainings with {changes}, got {got}. Name another folder.")


def held_back(problem: Problem, path: Path | str | None) -> Tensor:
    """Images that no training has seen and no table reports: the part "dev" of data, or phantoms of another seed."""
    check_problem(problem)
    channels, side, _ = problem.A.domain_shape
    generator = torch.Generator().manual_seed(4_714)
    if channels == 3:
        return datasets.photographs(path, "dev", COUNT, side, generator)
    if path is None:
        return images.thorax(COUNT, size=side, generator=generator)
    x, _ = datasets.chest(path, "dev")
    return x[torch.linspace(0, len(x) - 1, COUNT).long()]


@checked
def measured(problem: Problem, critic: torch.nn.Module, x: Tensor) -> dict[str, float]:
    """What a critic is worth on the images x: means over them, at the minimum, with λ by the formula.

    >>> from advreg_edu import LocalCritic, operators
    >>> problem = Problem(operators.Identity((1, 16, 16)), 0.1)
    >>> sorted(measured(problem, LocalCritic(widths=(4, 8)), torch.rand(2, 1, 16, 16)))
    ['iterates', 'naive', 'psnr', 'reg_weight', 'slope']
    """
    y = problem.measure(x, torch.Generator().manual_seed(1))
    weight = weight_from_noise(problem).item()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # the count of iterates tells
        *_, it = reconstruct(problem, y, critic, weight, steps=STEPS, stop="gradient")
    score = lambda image: psnr(image.clamp(0, 1), x).mean().item()
    slope = diagnose(critic, problem, x).slope_noisy
    return dict(naive=score(problem.naive(y)), psnr=score(it.x), slope=slope, reg_weight=weight, iterates=it.step)


def gather(folder: Path | str) -> str:
    """The results in a folder as one Markdown table, a row for each setting, mean ± deviation over its seeds."""
    if not (results := _results(as_path(folder, "folder"))):
        raise ValueError(f"folder: expected the results of a sweep, *.json, got none in {folder}. Run the sweep first.")
    setting = lambda r: (r["name"], r["sigma"], r["angles"] or 0)
    rows = itertools.groupby(sorted(results, key=setting), setting)
    missing = sorted({stem for r in results for stem in r["sweep"]} - {r["stem"] for r in results})
    lines = [HEAD, *(_row(*key, list(found)) for key, found in rows)]
    return "\n".join(lines + ([f"\nNot there yet: {', '.join(missing)}"] if missing else []))


def _row(name: str, sigma: float, angles: int, results: list[dict[str, Any]]) -> str:
    cells = [name, f"{sigma:g}", str(angles or ""), str(len(results))]
    cells += [_spread([r[key] for r in results], digits) for key, digits in (("naive", 2), ("psnr", 2), ("slope", 2))]
    minutes = [r["minutes"] for r in results if r["minutes"] is not None]  # None: of a job that was interrupted
    cells += [f"{results[0]['reg_weight']:.3g}", _spread(minutes, 1) if minutes else ""]
    return f"| {' | '.join(cells)} |"


def _spread(values: list[float], digits: int) -> str:
    """Mean ± standard deviation; of a single one itself."""
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{deviation}"
