"""Every method on every image and noise draw, with nothing chosen on the reported images. Paper: §5.2 and §5.3.

lambda of ours is the formula of §5.1; a second row divides it by ||grad Psi|| on training images, which the formula
takes to be 1. lambda of TV and of RED is the best of a grid on training images. Every run ends by a rule that does not
look at the truth: TV by its duality gap, RED and ours where the gradient vanishes, or at a limit on the steps; `Ends`
counts both. Rows called "oracle" look at the truth, to show the distance to what could have been.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from ..baselines import minimise_tv, post_process, solve_red
from ..metrics import psnr, ssim
from ..operators import Identity
from ..reconstruction import NotConverged, reconstruct
from ..reg_weight import weight_from_noise

BATCH = 16  # images at a time
OVER_SLOPE = "ours, λ / slope"
FIRST_DRAW = ("TV", "RED", OVER_SLOPE)  # methods that take many times as long: on one noise draw only
STEPS = 400  # the limit of ours
TOLERANCE = 0.01  # of ours and RED


@dataclass(frozen=True)
class Experiment:
    """One block of a table: a problem, the networks that reconstruct, grids of weights, and the paper's numbers."""

    title: str
    problem: Callable  # () -> Problem
    critic: str  # names of presets
    unet: str
    tv_gap: float  # relative duality gap
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


@dataclass
class Ends:
    """How the runs of the reported images ended."""

    weights: dict = field(default_factory=dict)  # TV and RED -> the lambda that was chosen
    gap: float = 0.0  # the largest of TV
    arrived: dict = field(default_factory=dict)  # method -> whether the rule ended it, one tensor (B,) per batch
    steps: dict = field(default_factory=dict)  # method -> after how many iterates, likewise

    def add(self, method, arrived, steps):
        self.arrived.setdefault(method, []).append(arrived)
        self.steps.setdefault(method, []).append(steps)

    def of(self, method):
        """As words: 69 of 70 runs ended by the rule, 1 at the limit, after 67 iterates in the mean."""
        arrived, steps = torch.cat(self.arrived[method]), torch.cat(self.steps[method]).float()
        count, by_rule = len(arrived), int(arrived.sum())
        ends = f"{by_rule} of {count} runs ended by the rule, {count - by_rule} at the limit"
        return f"{ends}, after {steps.mean():.0f} iterates in the mean"


def evaluate(experiment, critic, unet, slope, sample, draws, progress=iter):
    """All methods on all images and noise draws: Rows; the first image by every method, {name: (C, H, W)}; Ends.

    Args: slope, mean ||grad Psi|| on training images, see `diagnose`.
    """
    problem, scores, traces, shown, ends = experiment.problem(), {}, {}, {"truth": sample.x[0]}, Ends()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # `ends` counts them
        methods = _methods(experiment, problem, critic, unet, slope, sample.train, ends)
        for draw, start in progress([(d, s) for d in range(draws) for s in range(0, len(sample.x), BATCH)]):
            truth = sample.x[start : start + BATCH]
            y = problem.measure(truth, torch.Generator().manual_seed(100_000 * draw + start))
            for name, method in methods.items():
                if draw and name in FIRST_DRAW:
                    continue
                trace = []
                for x in method(y):  # the last is the result; an oracle may choose among all
                    trace.append(psnr(x.clamp(0, 1), truth))
                shown.setdefault(name, x[0])
                scores.setdefault(name, []).append(_scores(x, truth))
                traces.setdefault(name, []).append(trace)
    mean = partial(_over_draws_and_groups, groups=sample.groups)
    rows = []
    for name, parts in scores.items():
        results = torch.cat(parts, 1)  # (4, draws * N)
        rows.append(_row(name, mean(results), results, experiment.paper.get(name, ())))
    for name in ("TV", "ours"):
        rows.append(_oracle(name, traces[name], experiment.tv_weights, mean))
    return rows, shown, ends


def _methods(experiment, problem, critic, unet, slope, x_train, ends):
    """{name: y -> iterable of images}, weights chosen on training images; how their runs end is added to `ends`."""
    y_train = problem.measure(x_train, torch.Generator().manual_seed(1))
    best = lambda method, weights: max(weights, key=lambda w: psnr(method(y_train, w).x.clamp(0, 1), x_train).mean())
    tv = lambda y, weight: minimise_tv(problem, y, weight, experiment.tv_gap)
    regularised = lambda y, weight: solve_red(problem, y, unet, weight, TOLERANCE)
    ends.weights["TV"] = best(tv, experiment.tv_weights)
    if experiment.red_weights:
        ends.weights["RED"] = best(regularised, experiment.red_weights)

    def every_tv(y):
        minima = {weight: tv(y, weight) for weight in experiment.tv_weights}
        ends.gap = max([ends.gap, *(minimum.gap.max().item() for minimum in minima.values())])
        return [*(minimum.x for minimum in minima.values()), minima[ends.weights["TV"]].x]

    def fixed_point(y):
        found = regularised(y, ends.weights["RED"])
        ends.add("RED", found.residual <= TOLERANCE, found.steps)
        return [found.x]

    def ours(y, name, weight):
        steps = torch.zeros(len(y))
        for it in reconstruct(problem, y, critic, weight, "auto", STEPS, stop="gradient", tolerance=TOLERANCE):
            on_the_way = it.gradient_norm > TOLERANCE * weight
            steps += on_the_way
            yield it.x
        ends.add(name, ~on_the_way, steps.clamp_max(STEPS))

    denoising, reg_weight = isinstance(problem.A, Identity), float(weight_from_noise(problem))
    methods = {"noisy" if denoising else "FBP": lambda y: [problem.naive(y)]}
    if not denoising:
        methods["FBP, Hann"] = lambda y: [problem.A.pinv(y, "hann")]
    methods["TV"] = every_tv
    methods["U-Net" if denoising else "post-processing"] = lambda y: [post_process(problem, y, unet)]
    if experiment.red_weights:
        methods["RED"] = fixed_point
    methods["ours"] = partial(ours, name="ours", weight=reg_weight)
    methods[OVER_SLOPE] = partial(ours, name=OVER_SLOPE, weight=reg_weight / slope)
    return methods


def _oracle(name, traces, tv_weights, mean):
    """The Row of the candidate with the largest mean PSNR. A run that ended earlier than others stays where it is."""
    length = max(len(trace) for trace in traces)
    every = torch.stack([torch.cat([trace[min(k, len(trace) - 1)] for trace in traces]) for k in range(length)])
    best = int(every.mean(1).argmax())
    label = f"iterate {best}" if name == "ours" else f"λ = {tv_weights[best]:g}"
    average, error = mean(every[best][None])
    return Row(f"{name}, best {label} (oracle)", float(average[0]), float(error[0]))


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
