"""Every method on every image and noise draw, with nothing chosen on the reported images. Paper: §5.2 and §5.3.

Rows called "oracle" look at the truth, to show the distance to what could have been.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .._input.networks import Network
from ..metrics import psnr, ssim
from ..problem import Problem
from ..reconstruction import NotConverged
from .methods import Comparison, compare

BATCH = 16  # images at a time, of up to LARGEST numbers each; fewer of larger ones
LARGEST = 3 * 128 * 128

Average = Callable[[Tensor], tuple[Tensor, Tensor]]  # scores (K, draws * N) to their mean and its standard error (K,)
Progress = Callable[[Sequence], Iterable]


@dataclass(frozen=True)
class Experiment:
    """One block of a table: a problem, the networks that reconstruct, grids of weights, and the paper's numbers."""

    title: str
    problem: Callable[[], Problem]
    critic: str  # names of presets
    unet: str
    tv_gap: float  # relative duality gap
    tv_weights: tuple[float, ...]
    red_weights: tuple[float, ...]  # none: no RED
    paper: dict[str, tuple[float, float]]  # method -> (PSNR, SSIM)
    published: str = ""  # what others report, with its source


@dataclass(frozen=True)
class Row:
    """One method: means over images (or patients) and their standard errors; an oracle has only a PSNR.

    >>> print(Row("TV", 26.5, 0.31, 26.1, 0.731, 0.012, 0.84, 26.3, 0.836))
    | TV | 26.50 ± 0.31 | 26.10 | 0.731 ± 0.012 | 0.840 | 26.3 | 0.836 |
    """

    method: str
    psnr: float  # dB, per image after clipping
    psnr_error: float  # NaN where there is but one image or patient
    batch_psnr: float = math.nan  # dB, the authors': from the squared error of all images together
    ssim: float = math.nan  # data range 1
    ssim_error: float = math.nan
    authors_ssim: float = math.nan  # data range 2
    paper_psnr: float = math.nan
    paper_ssim: float = math.nan

    def __str__(self) -> str:
        number = lambda value, digits: "" if math.isnan(value) else f"{value:.{digits}f}"
        both = lambda mean, error, digits: " ± ".join(filter(None, (number(mean, digits), number(error, digits))))
        cells = [both(self.psnr, self.psnr_error, 2), number(self.batch_psnr, 2), both(self.ssim, self.ssim_error, 3)]
        cells += [number(self.authors_ssim, 3), number(self.paper_psnr, 1), number(self.paper_ssim, 3)]
        return f"| {self.method} | " + " | ".join(cells) + " |"


@dataclass(frozen=True)
class Sample:
    """Ground truth (N, C, H, W), the patient or photograph of each (N), and training images to choose weights on."""

    x: Tensor
    groups: np.ndarray
    train: Tensor


@dataclass(frozen=True)
class Evaluation:
    """The rows of a table, the first image by every method (name -> (C, H, W)), and the methods after their runs."""

    rows: list[Row]
    pictures: dict[str, Tensor]
    methods: Comparison


def evaluate(
    experiment: Experiment,
    critic: Network,
    unet: Network,
    slope: float,
    sample: Sample,
    draws: int,
    progress: Progress = iter,
) -> Evaluation:
    """All methods on all images and noise draws.

    Args: slope, mean ||grad Psi|| on training images, see `diagnose`; progress, wraps the list of batches and methods.

    >>> from advreg_edu import images, operators
    >>> problem = lambda: Problem(operators.Identity((1, 16, 16)), sigma=0.1)
    >>> experiment = Experiment("in small", problem, "", "", 1e-3, (0.1, 0.2), (), {"TV": (26.3, 0.836)})
    >>> x, spread = images.ellipses(4, 16), lambda x: x.flatten(1).norm(dim=1)
    >>> found = evaluate(experiment, spread, lambda x: x, 1.0, Sample(x[:2], np.arange(2), x[2:]), draws=1)
    >>> found.rows[1].method, found.rows[1].paper_psnr, found.rows[-1].method[:18]
    ('TV', 26.3, 'ours, best iterate')
    """
    problem, scores, traces, pictures = experiment.problem(), _Lists(), _Lists(), {"truth": sample.x[0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # the methods count them
        weights = experiment.tv_gap, experiment.tv_weights, experiment.red_weights
        methods = compare(problem, critic, unet, slope, sample.train, *weights)
        size = min(BATCH, max(1, BATCH * LARGEST // sample.x[0].numel()))
        batches = [(draw, start) for draw in range(draws) for start in range(0, len(sample.x), size)]
        for (draw, start), method in progress([(b, m) for b in batches for m in methods.rows if not (b[0] and m.slow)]):
            truth = sample.x[start : start + size]
            y = problem.measure(truth, torch.Generator().manual_seed(100_000 * draw + start))
            trace: list[Tensor] = []
            x = method.reconstruct(y, partial(_note_psnr, trace, truth))
            pictures.setdefault(method.name, x[0])
            scores.add(method.name, _scores(x, truth))
            traces.add(method.name, trace)
    average = partial(_over_draws_and_groups, groups=sample.groups)
    rows = [_row(name, torch.cat(parts, 1), average, experiment.paper.get(name)) for name, parts in scores.items()]
    rows.append(_oracle("TV", traces["TV"], [f"λ = {weight:g}" for weight in experiment.tv_weights], average))
    rows.append(_oracle("ours", traces["ours"], None, average))
    return Evaluation(rows, pictures, methods)


class _Lists(dict[str, list]):
    """Name -> list, in the order of the first entries."""

    def add(self, name: str, value: object) -> None:
        self.setdefault(name, []).append(value)


def _note_psnr(trace: list[Tensor], truth: Tensor, x: Tensor) -> None:
    trace.append(psnr(x.clamp(0, 1), truth))


def _oracle(name: str, traces: list[list[Tensor]], labels: list[str] | None, average: Average) -> Row:
    """The Row of the candidate with the largest mean PSNR, by default an iterate. A run that ended earlier than others
    stays where it is."""
    length = max(len(trace) for trace in traces)
    every = torch.stack([torch.cat([trace[min(k, len(trace) - 1)] for trace in traces]) for k in range(length)])
    best = int(every.mean(1).argmax())
    mean, error = average(every[best][None])
    label = labels[best] if labels else f"iterate {best}"
    return Row(f"{name}, best {label} (oracle)", float(mean[0]), float(error[0]))


def _scores(x: Tensor, truth: Tensor) -> Tensor:
    """PSNR, SSIM, the authors' SSIM and mean squared error of each image: (4, B)."""
    x = x.clamp(0, 1)
    error = (x - truth).square().flatten(1).mean(1)
    return torch.stack([psnr(x, truth), ssim(x, truth), ssim(x, truth, data_range=2), error])


def _over_draws_and_groups(scores: Tensor, groups: np.ndarray) -> tuple[Tensor, Tensor]:
    """Scores (4, draws * N): mean over draws, then within groups; mean and standard error over groups, (4,) each. The
    error of a single group is unknown, NaN."""
    scores = scores.reshape(len(scores), -1, len(groups)).mean(1)
    means = torch.stack([scores[:, groups == g].mean(1) for g in np.unique(groups)], 1)
    count = means.shape[1]
    return means.mean(1), means.std(1) / count**0.5 if count > 1 else torch.full_like(means[:, 0], math.nan)


def _row(name: str, scores: Tensor, average: Average, paper: tuple[float, float] | None) -> Row:
    mean, error = (values.tolist() for values in average(scores))
    batch = -10 * math.log10(scores[3].mean())
    return Row(name, mean[0], error[0], batch, mean[1], error[1], mean[2], *(paper or ()))
