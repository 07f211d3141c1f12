"""The sweep of the descent lab: minimisers for many weights, and rules that choose among them. Paper: §2.3, Eq. 2."""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ...metrics import psnr
from ...reconstruction import NotConverged, reconstruct
from .model import Case, Settings, Stretch, case

SWEPT = tuple(0.01 * 10 ** (k / 5) for k in range(13))  # 0.01 to 2.5


@dataclass(frozen=True)
class Minimiser:
    """One point of the L-curve."""

    reg_weight: float
    data_term: float
    regularizer: float
    quality: float


@dataclass(frozen=True)
class Sweep:
    """Minimisers for growing weights, as far as they are computed."""

    case: Case
    points: tuple

    @property
    def discrepancy(self) -> float | None:
        """Morozov: the weight whose data term is E ||e||^2, or None beyond the sweep. No truth is used."""
        data = [math.log(point.data_term) for point in self.points]
        expected = math.log(max(self.case.expected, 1e-300))
        if not data[0] <= expected <= data[-1]:
            return None
        return float(np.exp(np.interp(expected, data, [math.log(point.reg_weight) for point in self.points])))

    @property
    def oracle(self) -> float:
        """The weight of the best PSNR (least error, with two unknowns), which takes the truth."""
        best: Callable = min if isinstance(self.case.problem.A, Stretch) else max
        return best(self.points, key=lambda p: p.quality).reg_weight


def sweep(settings: Settings, steps: int = 80) -> Iterator[Sweep]:
    """Minimise J for every weight of SWEPT, the largest first, each from the minimiser before; yields growing Sweeps.

    Accelerated, with step 1 / L; 0 to `steps` steps each, until the image moves by less than 1e-4.
    """
    c, x = case(settings), None
    points: tuple[Minimiser, ...] = ()
    for weight in reversed(SWEPT):
        step = c.limit(weight) / 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConverged)  # `steps` is enough for a curve
            *_, it = reconstruct(
                c.problem, c.y, c.regularizer, weight, step, steps, "accelerated", 1e-4, c.start if x is None else x
            )
        x = it.x
        found = Minimiser(weight, float(it.data_term), float(it.regularizer), _sweep_quality(c, x))
        yield Sweep(c, points := (found, *points))


def _sweep_quality(c: Case, x: torch.Tensor) -> float:
    if isinstance(c.problem.A, Stretch):
        return float((x - c.truth).norm())
    return float(psnr(x.clamp(0, 1), c.truth))
