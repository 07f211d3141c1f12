"""Every method on every image and noise draw, with nothing chosen on the reported images. Paper: §5.2 and §5.3.

lambda of ours is the formula of §5.1 and its run has a fixed number of steps; a second row divides it by ||grad Psi||
on training images, which the formula takes to be 1. lambda of TV and of RED is the best of a grid on training images.
Rows called "oracle" look at the truth, to show the distance to what could have been.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from .classical import total_variation
from .metrics import psnr, ssim
from .operators import Identity
from .reconstruction import reconstruct
from .reg_weight import weight_from_noise
from .supervised import post_process, red

BATCH = 16  # images at a time
OVER_SLOPE = "ours, λ / slope"
FIRST_DRAW = ("TV", "RED", OVER_SLOPE)  # methods that take many times as long: on one noise draw only


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


@dataclass(frozen=True)
class Row:
    """One method: means over images (or patients) and their standard errors; an oracle has only a PSNR."""

    method: str
    psnr: float  # dB, per image after clipping
    psnr_error: float  # NaN where there is but one image or patient
    batch_psnr: float = math.nan  # dB, the authors': from the squared error of all images together
    ssim: float = math.nan  # data range 1
    ssim_error: float = math.nan
    authors_ssim: float = math.nan  # data range 2
    paper_psnr: float = math.nan
    paper_ssim: float = math.nan

    def __str__(self):
        number = lambda value, digits: "" if math.isnan(value) else f"{value:.{digits}f}"
        both = lambda mean, error, digits: " ± ".join(filter(None, (number(mean, digits), number(error, digits))))
        cells = [both(self.psnr, self.psnr_error, 2), number(self.batch_psnr, 2), both(self.ssim, self.ssim_error, 3)]
        cells += [number(self.authors_ssim, 3), number(self.paper_psnr, 1), number(self.paper_ssim, 3)]
        return f"| {self.method} | " + " | ".join(cells) + " |"


@dataclass(frozen=True)
class Sample:
    """Ground truth (N, C, H, W), whom each image is of (N), and images of train on which weights are chosen."""

    x: torch.Tensor
    groups: np.ndarray
    train: torch.Tensor


def evaluate(experiment, critic, unet, slope, sample, draws, progress=iter):
    """All methods on all images and noise draws: Rows, and the first image by every method, {name: (C, H, W)}.

    Args: slope, mean ||grad Psi|| on training images, see `diagnose`.
    """
    problem, scores, shown = experiment.problem(), {}, {"truth": sample.x[0]}
    methods = _methods(experiment, problem, critic, unet, slope, sample.train)
    for draw, start in progress([(d, s) for d in range(draws) for s in range(0, len(sample.x), BATCH)]):
        truth = sample.x[start : start + BATCH]
        y = problem.measure(truth, torch.Generator().manual_seed(100_000 * draw + start))
        for name, method in methods.items():
            if draw and name in FIRST_DRAW:
                continue
            candidates = method(y)  # the last is the result; an oracle may choose among all
            shown.setdefault(name, candidates[-1][0])
            scores.setdefault(name, []).append([_scores(x, truth) for x in candidates])
    mean = partial(_over_draws_and_groups, groups=sample.groups)
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


def _methods(experiment, problem, critic, unet, slope, x_train):
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
    methods["TV"] = lambda y: _with_last(
        [tv(y, w) for w in experiment.tv_weights], experiment.tv_weights.index(tv_weight)
    )
    methods["U-Net" if denoising else "post-processing"] = lambda y: [post_process(problem, y, unet)]
    if experiment.red_weights:
        regularised = lambda y, weight: red(problem, y, unet, weight)
        red_weight = best(regularised, experiment.red_weights)
        methods["RED"] = lambda y: [regularised(y, red_weight)]
    iterates = lambda y, weight: (it.x for it in reconstruct(problem, y, critic, weight, **experiment.solver))
    methods["ours"] = lambda y: list(iterates(y, reg_weight))
    methods[OVER_SLOPE] = lambda y: [deque(iterates(y, reg_weight / slope), maxlen=1)[0]]
    return methods


def _with_last(candidates, index):
    return [*candidates, candidates[index]]


def _scores(x, truth):
    """PSNR, SSIM, the authors' SSIM and mean squared error of each image: (4, B)."""
    x = x.clamp(0, 1)
    error = (x - truth).square().flatten(1).mean(1)
    return torch.stack([psnr(x, truth), ssim(x, truth), ssim(x, truth, data_range=2), error])


def _over_draws_and_groups(scores, groups):
    """Scores (4, draws * N): mean over draws, then within groups; mean and standard error over groups, (4,) each. The
    error of a single group is unknown, NaN."""
    scores = scores.reshape(len(scores), -1, len(groups)).mean(1)
    means = torch.stack([scores[:, groups == g].mean(1) for g in np.unique(groups)], 1)
    count = means.shape[1]
    return means.mean(1), means.std(1) / count**0.5 if count > 1 else torch.full_like(means[:, 0], math.nan)


def _row(name, mean_and_error, scores, paper):
    mean, error = (values.tolist() for values in mean_and_error)
    batch = -10 * math.log10(scores[3].mean())
    return Row(name, mean[0], error[0], batch, mean[1], error[1], mean[2], *paper)
