"""What the descent lab computes: gradient descent on Eq. 2. Paper: §2.3, Eq. 2.

`results(settings)` is an iterator of growing results. The pictures are in `view`.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch

from ... import images
from ...baselines import SmoothedTV, Tikhonov, stability_limit
from ...metrics import psnr
from ...operators import Identity, Inpainting, LinearOperator
from ...problem import Problem
from ...reconstruction import Diverged, Iterate, reconstruct

TWO, TIKHONOV, TV = "two unknowns, f = ‖x‖²", "Tikhonov, f = ‖∇x‖²", "smoothed TV"
COSTS = (TWO, TIKHONOV, TV)
WEIGHTS = {TWO: 0.05, TIKHONOV: 1.0, TV: 0.2}  # where each cost begins
PHANTOM, PHOTO = "chest phantom", "photograph"
DENOISING, INPAINTING = "denoising", "inpainting"
SIZE = 128
STEEP, FLAT = 1.0, 0.35  # singular values of A in the problem with two unknowns


@dataclass(frozen=True)
class Settings:
    """What the controls say. `smoothing` belongs to TV; `noise` is the seed of the draw; `looked_at` is an iterate."""

    cost: str = TV
    image: str = PHANTOM
    problem: str = DENOISING
    sigma: float = 0.1
    reg_weight: float = WEIGHTS[TV]
    smoothing: float = 0.02
    step_size: float = 0.012
    steps: int = 60
    noise: int = 0
    looked_at: int | None = field(default=None, compare=False)  # these two compute nothing new: None is the newest
    swept: bool = field(default=False, compare=False)  # the L-curve is shown


@dataclass(frozen=True)
class Case:
    """What is minimised, J(x) = ||Ax - y||^2 + lambda f(x), and from where; truth and start (1, 1, H, W)."""

    problem: Problem
    truth: torch.Tensor
    y: torch.Tensor
    start: torch.Tensor
    regularizer: Any

    def limit(self, reg_weight: float) -> float:
        """2 / L, L = 2 ||A||^2 + lambda L_f."""
        return stability_limit(self.problem.A, self.regularizer, reg_weight)

    @property
    def expected(self) -> float:
        """E ||e||^2 = sigma^2 times the numbers measured."""
        return self.problem.sigma**2 * self.problem.A.measured_count


@dataclass(frozen=True)
class Result:
    """The run so far. `quality` is the PSNR in dB, or with two unknowns the distance to the minimiser."""

    settings: Settings
    case: Case
    iterates: tuple
    quality: tuple
    diverged: bool = False

    @property
    def last(self) -> int:
        """The number of the newest iterate."""
        return len(self.iterates) - 1

    @property
    def limit(self) -> float:
        """2 / L for the weight of this run."""
        return self.case.limit(self.settings.reg_weight)

    @property
    def rises(self) -> list[int]:
        """The steps k at which J(x_k) > J(x_{k-1}), by more than rounding."""
        J = [float(it.objective) for it in self.iterates]
        return [k for k in range(1, len(J)) if J[k] > J[k - 1] * (1 + 1e-5)]


class Stretch(LinearOperator):
    """A = diag(FLAT, STEEP) on "images" of two pixels: small enough to draw."""

    def __init__(self) -> None:
        super().__init__(domain_shape=(1, 1, 2), range_shape=(1, 1, 2))
        self.norm = STEEP

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.tensor([FLAT, STEEP]).to(x)

    _adjoint = _forward


@dataclass(frozen=True)
class Energy:
    """f(x) = ||x||^2; grad f = 2 x is Lipschitz with constant 2."""

    lipschitz = 2.0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x.square().flatten(1).sum(1)


@lru_cache(maxsize=8)
def ground_truth(image: str) -> torch.Tensor:
    """(1, 1, 128, 128) in [0, 1]."""
    if image == PHOTO:
        return images.photos(1, SIZE, torch.Generator().manual_seed(28), channels=1)
    return images.thorax(1, SIZE, generator=torch.Generator().manual_seed(2035))


def case(settings: Settings) -> Case:
    """The problem that the controls describe; the same draw of noise for every sigma."""
    s, draw = settings, torch.Generator().manual_seed(settings.noise)
    if s.cost == TWO:
        problem, truth = Problem(Stretch(), s.sigma), torch.tensor([[[[0.9, 0.3]]]])
        return Case(problem, truth, problem.measure(truth, draw), torch.tensor([[[[-1.3, 1.4]]]]), Energy())
    seen = (torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(7)) > 0.4).float()  # 60 % of the pixels
    A = Identity((1, SIZE, SIZE)) if s.problem == DENOISING else Inpainting(seen)
    problem, truth = Problem(A, s.sigma), ground_truth(s.image)
    y = problem.measure(truth, draw)
    return Case(problem, truth, y, problem.naive(y), SmoothedTV(s.smoothing) if s.cost == TV else Tikhonov())


def minimiser(case: Case, reg_weight: float) -> torch.Tensor:
    """With two unknowns: argmin J = (A*A + lambda)^-1 A*y."""
    singular = case.problem.A(torch.ones_like(case.y))
    return singular * case.y / (singular**2 + reg_weight)


def results(settings: Settings) -> Iterator[Result]:
    """Gradient descent; yields a Result for the start and after every step, each containing those before."""
    s, c = settings, case(settings)
    with warnings.catch_warnings(record=True):  # the app has its own words for a large step
        warnings.simplefilter("always")
        run = reconstruct(c.problem, c.y, c.regularizer, s.reg_weight, s.step_size, s.steps, x0=c.start)
        first = next(run)
    yield (result := _longer(Result(s, c, (), ()), first))
    try:
        for it in run:
            yield (result := _longer(result, it))
    except Diverged:
        yield replace(result, diverged=True)


def compute(settings: Settings) -> Result:
    """The Result of the whole run."""
    *_, result = results(settings)
    return result


def _longer(result: Result, it: Iterate) -> Result:
    if result.settings.cost == TWO:
        quality = float((it.x - minimiser(result.case, result.settings.reg_weight)).norm())
    else:
        quality = float(psnr(it.x.clamp(0, 1), result.case.truth))
    return replace(result, iterates=(*result.iterates, it), quality=(*result.quality, quality))
