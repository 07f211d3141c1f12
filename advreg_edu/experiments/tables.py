"""Tables 1 and 2, ours beside the paper's: python -m advreg_edu tables 1|2. Paper: §5.2 and §5.3.

Here are the experiments, the paper's numbers, and what is written; `evaluation` computes, and says what chooses what.
"""

import csv
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch

from .. import images, pretrained
from .._input.arguments import check_count
from ..drawing import pictures
from ..experiments import datasets
from ..metrics import psnr
from ..operators import Identity, RayTransform
from ..problem import Problem
from ..reg_weight import weight_from_noise
from ..training import diagnose
from .evaluation import BATCH, FIRST_DRAW, OVER_SLOPE, STEPS, TOLERANCE, Experiment, Row, Sample, evaluate
from .train import train

DRAWS, CROPS = 3, 100  # noise draws per image; crops in Table 1, one of each photograph


def _denoising(critic="photos-color", **paper):
    problem = lambda: Problem(Identity((3, 128, 128)), sigma=0.1)
    tv_weights = (0.12, 0.14, 0.17, 0.2)
    return Experiment("Table 1: denoising, σ = 0.1", problem, critic, f"{critic}-unet", 1e-4, tv_weights, (), paper)


def _tomography(title, sigma, critic, tv_weights, **paper):
    problem = lambda: Problem(RayTransform(128, 30), sigma)
    title, red_weights = f"Table 2: {title}, 30 angles, σ = {sigma:g}", (0.03, 0.06, 0.12, 0.25)
    return Experiment(title, problem, critic, f"{critic}-unet", 1e-3, tv_weights, red_weights, paper)


HIGH, LOW = (0.002, 0.003, 0.004, 0.005), (0.00025, 0.0004, 0.0007, 0.001)
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


def run(number, path=None, quick=False, retrain=False, out="runs/tables", seed=0, draws=None):
    """Train what is missing, evaluate, print the table beside the paper's, and write it with its pictures to `out`.

    Args:
        number: "1" or "2".
        path: BSDS500 (subfolders train and val) or CT slices (see `datasets.chest`).
        quick: a few of scikit-image's photographs, or phantoms: no data needed, one noise draw.
        draws: noise draws for each image; None takes 3, and 1 if quick.
        retrain: train the networks anew, also those that ship; an interrupted training goes on. Into `out`, a file for
            each seed: one that is there already is used.
    """
    from tqdm import tqdm

    draws = check_count((1 if quick else DRAWS) if draws is None else draws, "draws")
    out, sections = Path(out), []
    for experiment in (QUICK if quick else EXPERIMENTS)[number]:
        sample = _quick_sample(number) if quick else _sample(number, path)
        out.mkdir(parents=True, exist_ok=True)
        networks = [_network(name, path, retrain, out, seed) for name in (experiment.critic, experiment.unet)]
        diagnosis = diagnose(networks[0], experiment.problem(), sample.train)
        progress = partial(tqdm, desc=experiment.title, unit="batch")
        rows, shown, ends = evaluate(experiment, *networks, diagnosis.slope_real, sample, draws, progress)
        text = _section(experiment, rows, ends, diagnosis, sample, draws, quick)
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
    names = [name for name in shown if name not in ("FBP, Hann", "RED", OVER_SLOPE)]
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
        return Sample(x, np.arange(CROPS), datasets.photographs(path, "dev", BATCH, 128, seeded(0)))
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
    file = out / f"{name}-seed-{seed}.safetensors"
    if not file.exists():
        resume = file.with_suffix(".checkpoint").exists()
        if train(name, file, path, seed, resume):
            raise KeyboardInterrupt
    return load(file)


def _section(experiment, rows, ends, diagnosis, sample, draws, quick):
    """The table as Markdown, with its protocol."""
    problem = experiment.problem()
    weight = float(weight_from_noise(problem))
    whom = f"{len(sample.x)} images"
    if len(np.unique(sample.groups)) < len(sample.x):
        whom += f" of {len(np.unique(sample.groups))} patients, averaged per patient"
    source = "images never used to choose"
    if quick:
        source = "not the paper's" if sample.x.shape[1] == 1 else "crops of four photographs, which λ was chosen on too"
    red = f"\nRED: λ = {ends.weights['RED']:g}, {ends.of('RED')}." if experiment.red_weights else ""
    head = f"""\
## {experiment.title}

{whom}, {source}; {draws} noise draw(s) each; mean ± standard error. {problem}.
Ours: λ = {weight:.3g} by the formula; gradient descent with steps that are found ends where ‖∇J‖ ≤ {TOLERANCE:g} λ
or after {STEPS} iterates: {ends.of("ours")}.
The row "{OVER_SLOPE}": λ divided by the mean ‖∇Ψ‖ on training images, {diagnosis.slope_real:.2f}, which the formula
takes to be 1: {ends.of(OVER_SLOPE)}.
TV: λ = {ends.weights["TV"]:g}, relative duality gap at most {ends.gap:.2g}.{red}
The λ of each baseline was chosen on {len(sample.train)} training images. One noise draw for
{", ".join(FIRST_DRAW)}. Rows called oracle look at the truth.

| method | PSNR, dB | batch PSNR, dB | SSIM | SSIM, range 2 | paper: PSNR | paper: SSIM (range 2) |
|---|---|---|---|---|---|---|
"""
    return head + "\n".join(map(str, rows)) + f"\n\nCritic, on training pairs: {diagnosis}.\n"


def _write_csv(file, rows):
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
