"""Tables 1 and 2, ours beside the paper's: python -m advreg_edu tables 1|2. Paper: §5.2 and §5.3.

Nothing is chosen on the reported images: lambda of ours is the formula of §5.1 and its run has a fixed number of steps;
lambda of TV and of RED is the best of a grid on training images. Rows called "oracle" look at the truth, to show the
distance to what could have been.
"""

import csv
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch

from . import datasets, images, pictures, presets, pretrained
from .classical import total_variation
from .diagnostics import diagnose
from .metrics import psnr, ssim
from .operators import Identity
from .problem import Problem
from .ray_transform import RayTransform
from .reconstruction import reconstruct
from .reg_weight import weight_from_noise
from .supervised import post_process, red

BATCH, DRAWS, CROPS = 16, 3, 100  # images at a time; noise draws per image; photographs in Table 1


@dataclass(frozen=True)
class Experiment:
    """One block of a table: a problem, the networks that reconstruct, grids of weights, and the paper's numbers."""

    title: str
    problem: Callable  # () -> Problem
    critic: str  # names of presets
    unet: str
    solver: dict  # of `reconstruct`
    tv_weights: tuple
    red_weights: tuple  # none: no RED
    paper: dict  # method -> (PSNR, SSIM)


def _denoising(critic="photos-color", **paper):
    problem = lambda: Problem(Identity((3, 128, 128)), sigma=0.1)
    title, solver = "Table 1: denoising, σ = 0.1", dict(step_size=0.03, steps=60)
    return Experiment(title, problem, critic, f"{critic}-unet", solver, (0.1, 0.12, 0.14, 0.17, 0.2), (), paper)


def _tomography(title, sigma, critic, tv_weights, **paper):
    problem = lambda: Problem(RayTransform(128, 30), sigma)
    title, solver = f"Table 2: {title}, 30 angles, σ = {sigma:g}", dict(step_size=0.5, steps=150)
    red_weights = (0.003, 0.01, 0.03, 0.1, 0.3)
    return Experiment(title, problem, critic, f"{critic}-unet", solver, tv_weights, red_weights, paper)


HIGH, LOW = (0.002, 0.003, 0.004, 0.005), (0.0004, 0.0007, 0.001, 0.0014)
PAPER_HIGH = {"FBP": (14.9, 0.227), "TV": (27.7, 0.890), "post-processing": (31.2, 0.936), "RED": (29.9, 0.904)}
PAPER_LOW = {"FBP": (23.3, 0.604), "TV": (30.0, 0.924), "post-processing": (33.6, 0.955), "RED": (32.8, 0.947)}
PAPER_DENOISING = {"noisy": (20.3, 0.534), "TV": (26.3, 0.836), "U-Net": (28.8, 0.908), "ours": (28.2, 0.892)}
EXPERIMENTS = {
    "1": (_denoising(**PAPER_DENOISING),),
    "2": (
        _tomography("high noise", 0.02, "ct-chest-high", HIGH, **PAPER_HIGH, ours=(30.5, 0.927)),
        _tomography("low noise", 0.005, "ct-chest-low", LOW, **PAPER_LOW, ours=(32.5, 0.946)),
    ),
}
QUICK = {"1": EXPERIMENTS["1"], "2": (_tomography("phantoms", 0.02, "ct-thorax", HIGH),)}


@dataclass(frozen=True)
class Row:
    """One method: means over images (or patients) and their standard errors; an oracle has only a PSNR."""

    method: str
    psnr: float  # dB, per image after clipping
    psnr_error: float
    batch_psnr: float = math.nan  # dB, the authors': from the squared error of all images together
    ssim: float = math.nan  # data range 1
    ssim_error: float = math.nan
    authors_ssim: float = math.nan  # data range 2
    paper_psnr: float = math.nan
    paper_ssim: float = math.nan

    def __str__(self):
        number = lambda value, digits: "" if math.isnan(value) else f"{value:.{digits}f}"
        cells = [f"{self.psnr:.2f} ± {self.psnr_error:.2f}", number(self.batch_psnr, 2)]
        cells += [" ± ".join(filter(None, (number(self.ssim, 3), number(self.ssim_error, 3))))]
        cells += [number(self.authors_ssim, 3), number(self.paper_psnr, 1), number(self.paper_ssim, 3)]
        return f"| {self.method} | " + " | ".join(cells) + " |"


@dataclass(frozen=True)
class Sample:
    """Ground truth (N, C, H, W), whom each image is of (N), and images of train on which weights are chosen."""

    x: torch.Tensor
    groups: np.ndarray
    train: torch.Tensor


def evaluate(experiment, critic, unet, sample, draws=DRAWS, progress=iter):
    """All methods on all images and noise draws: Rows, and the first image by every method, {name: (C, H, W)}."""
    problem, scores, shown = experiment.problem(), {}, {"truth": sample.x[0]}
    methods = _methods(experiment, problem, critic, unet, sample.train)
    for draw, start in progress([(d, s) for d in range(draws) for s in range(0, len(sample.x), BATCH)]):
        truth = sample.x[start : start + BATCH]
        y = problem.measure(truth, torch.Generator().manual_seed(100_000 * draw + start))
        for name, method in methods.items():
            candidates = method(y)  # the last is the result; an oracle may choose among all
            shown.setdefault(name, candidates[-1][0])
            scores.setdefault(name, []).append([_scores(x, truth) for x in candidates])
    mean = partial(_over_draws_and_groups, draws=draws, groups=sample.groups)
    rows = []
    for name, parts in scores.items():
        results = torch.cat([part[-1] for part in parts], 1)  # (4, draws * N)
        rows.append(_row(name, mean(results), results, experiment.paper.get(name, ())))
    for name in ("TV", "ours"):
        every = torch.stack([torch.cat([part[k][:1] for part in scores[name]], 1) for k in range(len(scores[name][0]))])
        best = int(every.mean((1, 2)).argmax())
        label = f"iterate {best}" if name == "ours" else f"λ = {experiment.tv_weights[best]:g}"
        average, error = mean(every[best])
        rows.append(Row(f"{name}, best {label} (oracle)", float(average[0]), float(error[0])))
    return rows, shown


def _methods(experiment, problem, critic, unet, x_train):
    """{name: y -> list of images}, weights chosen on training images."""
    y_train = problem.measure(x_train, torch.Generator().manual_seed(1))
    best = lambda method, weights: max(weights, key=lambda w: psnr(method(y_train, w).clamp(0, 1), x_train).mean())
    tv = lambda y, weight: total_variation(problem, y, weight)
    tv_weight = best(tv, experiment.tv_weights)
    reg_weight = weight_from_noise(problem)
    denoising = isinstance(problem.A, Identity)
    methods = {"noisy" if denoising else "FBP": lambda y: [problem.naive(y)]}
    if not denoising:
        methods["FBP, Hann"] = lambda y: [problem.A.pinv(y, "hann")]
    methods["TV"] = lambda y: [*(tv(y, w) for w in experiment.tv_weights), tv(y, tv_weight)]
    methods["U-Net" if denoising else "post-processing"] = lambda y: [post_process(problem, y, unet)]
    if experiment.red_weights:
        regularised = lambda y, weight: red(problem, y, unet, weight)
        red_weight = best(regularised, experiment.red_weights)
        methods["RED"] = lambda y: [regularised(y, red_weight)]
    methods["ours"] = lambda y: [it.x for it in reconstruct(problem, y, critic, reg_weight, **experiment.solver)]
    return methods


def _scores(x, truth):
    """PSNR, SSIM, the authors' SSIM and mean squared error of each image: (4, B)."""
    x = x.clamp(0, 1)
    error = (x - truth).square().flatten(1).mean(1)
    return torch.stack([psnr(x, truth), ssim(x, truth), ssim(x, truth, data_range=2), error])


def _over_draws_and_groups(scores, draws, groups):
    """Scores (4, draws * N): mean over draws, then within groups; mean and standard error over groups, (4,) each."""
    scores = scores.reshape(len(scores), draws, -1).mean(1)
    means = torch.stack([scores[:, groups == g].mean(1) for g in np.unique(groups)], 1)
    return means.mean(1), means.std(1) / means.shape[1] ** 0.5


def _row(name, mean_and_error, scores, paper):
    mean, error = (values.tolist() for values in mean_and_error)
    batch = -10 * math.log10(scores[3].mean())
    return Row(name, mean[0], error[0], batch, mean[1], error[1], mean[2], *paper)


def run(number, path=None, quick=False, retrain=False, out="runs/tables", seed=0):
    """Train what is missing, evaluate, print the table beside the paper's, and write it with its pictures to `out`.

    Args:
        number: "1" or "2".
        path: BSDS500 (subfolders train and val) or CT slices (see `datasets.chest`).
        quick: a few of scikit-image's photographs, or phantoms: no data needed, one noise draw.
        retrain: train the networks anew (into `out`), also those that ship. An interrupted training goes on.
    """
    from tqdm import tqdm

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    sections = []
    for experiment in (QUICK if quick else EXPERIMENTS)[number]:
        sample = _quick_sample(number) if quick else _sample(number, path)
        networks = [_network(name, path, retrain, out, seed) for name in (experiment.critic, experiment.unet)]
        draws = 1 if quick else DRAWS
        rows, shown = evaluate(experiment, *networks, sample, draws, partial(tqdm, desc=experiment.title, unit="batch"))
        diagnosis = diagnose(networks[0], experiment.problem(), sample.train)
        text = _section(experiment, rows, diagnosis, sample, draws, quick)
        print(text, flush=True)
        name = f"table{number}-{experiment.critic}"
        _write_csv(out / f"{name}.csv", rows)
        (out / f"{name}.png").write_bytes(figure(shown).png)
        sections.append(f"{text}\n![{figure(shown).alt}]({name}.png)\n")
    (out / f"table{number}.md").write_text("\n".join(sections), encoding="utf-8")
    print(f"Written to {out}")
    return 0


def figure(shown, side=32):
    """The pictures of Figures 1 and 2: truth, measured, TV, network, ours, each with a zoomed inset."""
    names = [name for name in shown if name not in ("FBP, Hann", "RED")]
    corner = pictures.busiest(shown["truth"], side)
    panels = [pictures.with_inset(shown[name].clamp(0, 1), corner, side) for name in names]
    truth = shown["truth"][None]
    quality = [f"{name}, {psnr(shown[name][None].clamp(0, 1), truth).item():.1f} dB" for name in names[1:]]
    return pictures.strip(panels, ["truth", *quality])


def _sample(number, path):
    """The reported images, and training images on which weights are chosen."""
    seeded = lambda seed: torch.Generator().manual_seed(seed)
    if number == "1":
        x = datasets.photographs(path, "val", CROPS, 128, seeded(20_261_123))
        return Sample(x, np.arange(CROPS), datasets.photographs(path, "train", BATCH, 128, seeded(0)))
    x, patients = datasets.chest(path, "val")
    dev, _ = datasets.chest(path, "dev")
    return Sample(x, patients, dev[torch.linspace(0, len(dev) - 1, BATCH).long()])


def _quick_sample(number):
    make = images.photos if number == "1" else images.thorax
    x, train = (make(BATCH, 128, torch.Generator().manual_seed(seed)) for seed in (4_712, 0))
    return Sample(x, np.arange(BATCH), train)


def _network(name, path, retrain, out, seed):
    """What ships under that name, or was trained into `out` before, or is trained now."""
    load, shipped = (
        (pretrained.load_unet, pretrained.unet_names)
        if name.endswith("-unet")
        else (pretrained.load_critic, pretrained.names)
    )
    if not retrain and name in shipped():
        return load(name)
    file = out / f"{name}.safetensors"
    if not file.exists():
        resume = file.with_suffix(".checkpoint").exists()
        if presets.train(name, file, path, seed, resume):
            raise KeyboardInterrupt
    return load(file)


def _section(experiment, rows, diagnosis, sample, draws, quick):
    """The table as Markdown, with its protocol."""
    problem = experiment.problem()
    weight = float(weight_from_noise(problem))
    whom = f"{len(sample.x)} images"
    if len(np.unique(sample.groups)) < len(sample.x):
        whom += f" of {len(np.unique(sample.groups))} patients, averaged per patient"
    source = "phantoms or bundled photographs: not the images of the paper" if quick else "images never used to choose"
    head = f"""\
## {experiment.title}

{whom}, {source}; {draws} noise draw(s) each; mean ± standard error. {problem}.
Ours: λ = {weight:.3g} by the formula, {experiment.solver["steps"]} steps of gradient descent, step size
{experiment.solver["step_size"]:g}. TV and RED: λ chosen on {len(sample.train)} training images. The rows called oracle
look at the truth.

| method | PSNR, dB | batch PSNR, dB | SSIM | SSIM, range 2 | paper: PSNR | paper: SSIM (range 2) |
|---|---|---|---|---|---|---|
"""
    return head + "\n".join(map(str, rows)) + f"\n\nCritic, on training pairs: {diagnosis}.\n"


def _write_csv(file, rows):
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
