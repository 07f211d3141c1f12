"""Tables 1 and 2, ours beside the paper's, and others: python -m advreg_edu tables --help. Paper: §5.

Here are the experiments and the paper's numbers; `methods` says what chooses what, `evaluation` computes, `report`
writes.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import images, pretrained
from .._input.arguments import check_count
from ..operators import Identity, RayTransform
from ..problem import Problem
from ..training import diagnose
from . import datasets, report
from .bsd68 import SHAPE, bsd68, lying
from .evaluation import BATCH, Evaluation, Experiment, Sample, evaluate
from .recipes.parts import inpainting, mri
from .train import train
from .training_images import phantoms

DRAWS = {"bsd68": 1}  # noise draws per image, where not three
CROPS = {"1": 100, "1-fine": 100, "inpainting": 32}  # one of each photograph
PHANTOMS = 32
Numbers = tuple[float, float]  # PSNR and SSIM in the paper


def _denoising(critic: str, title: str = "") -> Experiment:
    problem = lambda: Problem(Identity((3, 128, 128)), sigma=0.1)
    title, tv_weights = f"Table 1{title}: denoising, σ = 0.1", (0.12, 0.14, 0.17, 0.2)
    return Experiment(title, problem, critic, f"{critic}-unet", 1e-4, tv_weights, (), PAPER_DENOISING)


def _tomography(title: str, sigma: float, critic: str, tv_weights: tuple[float, ...], **paper: Numbers) -> Experiment:
    problem = lambda: Problem(RayTransform(128, 30), sigma)
    title, red_weights = f"Table 2: {title}, 30 angles, σ = {sigma:g}", (0.03, 0.06, 0.12, 0.25)
    return Experiment(title, problem, critic, f"{critic}-unet", 1e-3, tv_weights, red_weights, paper)


def _masked(title: str, problem: Callable[[], Problem], critic: str, tv_weights: tuple[float, ...]) -> Experiment:
    """Not in the paper, which names both problems in §2.1."""
    return Experiment(f"{title}, σ = 0.02", problem, critic, f"{critic}-unet", 1e-3, tv_weights, (), {})


def _gray(shape: tuple[int, int]) -> Experiment:
    """Not in the paper: the benchmark of the field."""
    problem = lambda: Problem(Identity((1, *shape)), sigma=25 / 255)
    title, critic, tv_weights = "BSD68, gray: denoising, σ = 25/255", "photos-gray", (0.1, 0.12, 0.14, 0.17)
    published = PUBLISHED if shape == SHAPE else ""
    return Experiment(title, problem, critic, f"{critic}-unet", 1e-4, tv_weights, (), {}, published)


PUBLISHED = """\
Published, same images and σ, other noise, dB: CRR-NN 28.10, BM3D 28.57, WCRR-NN 28.68, DEAL 29.16, DnCNN 29.23, DRUNet
29.48. CRR-NN and WCRR-NN: Goujon et al. 2023, 2024, and DEAL: Pourya et al. 2025, by the files of their repositories;
BM3D, DnCNN and DRUNet: Zhang et al., "Plug-and-Play Image Restoration with Deep Denoiser Prior", 2022."""
HIGH, LOW = (0.002, 0.003, 0.004, 0.005), (0.00025, 0.0004, 0.0007, 0.001)
PAPER_HIGH = {"FBP": (14.9, 0.227), "TV": (27.7, 0.890), "post-processing": (31.2, 0.936), "RED": (29.9, 0.904)}
PAPER_LOW = {"FBP": (23.3, 0.604), "TV": (30.0, 0.924), "post-processing": (33.6, 0.955), "RED": (32.8, 0.947)}
PAPER_DENOISING = {"noisy": (20.3, 0.534), "TV": (26.3, 0.836), "U-Net": (28.8, 0.908), "ours": (28.2, 0.892)}
EXPERIMENTS = {
    "1": (_denoising("photos-color"),),
    "1-fine": (_denoising("photos-color-fine", " at full resolution"),),
    "2": (
        _tomography("high noise", 0.02, "ct-chest-high", HIGH, **PAPER_HIGH, ours=(30.5, 0.927)),
        _tomography("low noise", 0.005, "ct-chest-low", LOW, **PAPER_LOW, ours=(32.5, 0.946)),
    ),
    "inpainting": (
        _masked("Inpainting, 30 % seen", partial(inpainting, seed=1), "photos-inpainting", (0.007, 0.01, 0.015, 0.02)),
    ),
    "mri": (_masked("MRI, a quarter of the lines", mri, "mri-thorax", (0.007, 0.01, 0.015, 0.02)),),
    "bsd68": (_gray(SHAPE),),
}
QUICK = EXPERIMENTS | {"2": (_tomography("phantoms", 0.02, "ct-thorax", HIGH),), "bsd68": (_gray((128, 128)),)}


def run(
    number: str,
    path: Path | str | None = None,
    quick: bool = False,
    retrain: bool = False,
    out: Path | str = "runs/tables",
    seed: int = 0,
    draws: int | None = None,
) -> int:
    """Train what is missing, evaluate, print the table beside the paper's, and write it with its pictures to `out`.

    Args:
        number: "1", "1-fine", "2", "inpainting", "mri" or "bsd68".
        path: BSDS500 (subfolders train and val), or CT slices for 2, see `datasets.chest`; mri has none.
        quick: a few of scikit-image's photographs, or phantoms: no data needed, one noise draw.
        draws: noise draws for each image; None takes 3, and 1 if quick or for bsd68.
        retrain: train the networks anew, also those that ship; an interrupted training goes on. Into `out`, a file for
            each seed: one that is there already is used.
    """
    draws = check_count((1 if quick else DRAWS.get(number, 3)) if draws is None else draws, "draws")
    folder, sections, label = Path(out), [], f"table{number}" if number[0].isdigit() else number
    for experiment in (QUICK if quick else EXPERIMENTS)[number]:
        sample = _quick_sample(number) if quick else _sample(number, path)
        folder.mkdir(parents=True, exist_ok=True)
        critic, unet = (_network(name, path, retrain, folder, seed) for name in (experiment.critic, experiment.unet))
        text, evaluation = _evaluated(experiment, critic, unet, sample, draws, quick)
        print(text, flush=True)
        sections.append(report.write(folder, f"{label}-{experiment.critic}", text, evaluation))
    (folder / f"{label}.md").write_text("\n".join(sections), encoding="utf-8")
    print(f"Written to {folder}")
    return 0


def _evaluated(
    experiment: Experiment, critic: torch.nn.Module, unet: torch.nn.Module, sample: Sample, draws: int, quick: bool
) -> tuple[str, Evaluation]:
    """The table as Markdown, and what it was made of."""
    from tqdm import tqdm

    diagnosis = diagnose(critic, experiment.problem(), sample.train)
    progress = partial(tqdm, desc=experiment.title, unit="run")
    evaluation = evaluate(experiment, critic, unet, diagnosis.slope_real, sample, draws, progress)
    return report.section(experiment, evaluation, diagnosis, sample, draws, quick), evaluation


def _sample(number: str, path: Path | str | None) -> Sample:
    """The reported images, and training images on which weights are chosen."""
    seeded = lambda seed: torch.Generator().manual_seed(seed)
    if count := CROPS.get(number):
        x = datasets.photographs(path, "val", count, 128, seeded(20_261_123))
        return Sample(x, np.arange(count), datasets.photographs(path, "dev", BATCH, 128, seeded(0)))
    if number == "mri":
        x, train = (phantoms(n)(path, seeded(seed)) for n, seed in ((PHANTOMS, 20_261_129), (BATCH, 0)))
        return Sample(x, np.arange(PHANTOMS), train)
    if number == "bsd68":
        train = torch.cat([lying(file) for file in datasets.photograph_files(path, "dev")[:BATCH:2]])
        return Sample(bsd68(path), np.arange(68), train)
    x, patients = datasets.chest(path, "val")
    dev, _ = datasets.chest(path, "dev")
    return Sample(x, patients, dev[torch.linspace(0, len(dev) - 1, BATCH).long()])


def _quick_sample(number: str) -> Sample:
    gray = partial(images.photos, channels=1)
    make = gray if number == "bsd68" else images.photos if number in CROPS else images.thorax
    x, train = (make(BATCH, 128, torch.Generator().manual_seed(seed)) for seed in (4_712, 0))
    return Sample(x, np.arange(BATCH), train)


def _network(name: str, path: Path | str | None, retrain: bool, folder: Path, seed: int) -> Any:
    """What ships under that name, or was trained into `out` before, or is trained now."""
    load, shipped = (
        (pretrained.load_unet, pretrained.unet_names)
        if name.endswith("-unet")
        else (pretrained.load_critic, pretrained.names)
    )
    if not retrain and name in shipped():
        return load(name)
    file = folder / f"{name}-seed-{seed}.safetensors"
    if not file.exists():
        resume = file.with_suffix(".checkpoint").exists()
        if train(name, file, path, seed, resume):
            raise KeyboardInterrupt
    return load(file)
