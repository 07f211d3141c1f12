"""What the λ lab computes: reconstructions with weights around the formula's. Paper: §5.1."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import torch

from ...metrics import psnr
from ...problem import Problem
from ...reconstruction import Diverged, Iterate, NotConverged, reconstruct
from ...reg_weight import weight_from_noise
from ..shared import scenes

FACTORS = (0.25, 0.5, 0.71, 1.0, 1.41, 2.0, 4.0)  # of the formula's weight
RIGHT = "σ, the right one"  # what the formula is told
PHOTO, THORAX = PROBLEMS = ("photo, denoising", "thorax, CT")


@dataclass(frozen=True)
class Kind:
    """A problem with the critic that was trained for it."""

    image: str
    operator: str
    critic: str
    size: int
    sigma: tuple  # smallest, to begin with, largest


KINDS = {
    PHOTO: Kind(scenes.PHOTO, scenes.DENOISING, "photos-color", 64, (0.02, 0.1, 0.3)),
    THORAX: Kind(scenes.PHANTOM, scenes.CT, "ct-thorax", 128, (0.005, 0.02, 0.05)),
}


@dataclass(frozen=True)
class Settings:
    """What the controls say. `size` None means that of the kind of problem; `steps` is a limit."""

    problem: str = PHOTO
    number: int = 24
    sigma: float = 0.1
    noise: int = 0
    size: int | None = None
    steps: int = 400
    claimed: str = field(default=RIGHT, compare=False)  # one of `claimed_sigmas`; it only picks among the results


@dataclass(frozen=True)
class Result:
    """Truth and A†y (1, C, H, W), the formula's weight, and for every factor of it so far the reconstruction."""

    settings: Settings
    truth: torch.Tensor
    naive: torch.Tensor
    formula: float
    images: Mapping
    missed: tuple = ()  # factors whose run hit the limit of steps before it was at a minimum

    def psnr(self, factor: float) -> float:
        """In dB, of the reconstruction with that factor."""
        return float(psnr(self.images[factor].clamp(0, 1), self.truth))

    def error(self, factor: float) -> float:
        """‖x − x*‖ with that factor."""
        return float((self.images[factor] - self.truth).norm())

    @property
    def factors(self) -> list[float]:
        """Those that are computed, rising."""
        return sorted(self.images)


def results(settings: Settings, critic: Callable | None = None) -> Iterator[Result]:
    """Reconstruct with every factor of the formula's weight, the formula itself first, then those nearest to it; yields
    a Result before the first and after each. The truth does not enter but for the scores."""
    kind = KINDS[settings.problem]
    critic = critic or scenes.critic(kind.critic)
    scene = scenes.Scene(
        image=kind.image, number=settings.number, operator=kind.operator, size=settings.size or kind.size
    )
    problem = Problem(scenes.operator(scene), settings.sigma)
    x = scenes.truth(scene)
    y = problem.measure(x, scenes.seed(settings.noise))
    result = Result(settings, x, problem.naive(y), float(weight_from_noise(problem)), {})
    yield result
    for factor in sorted(FACTORS, key=lambda factor: max(factor, 1 / factor)):
        it = _solved(problem, y, critic, factor * result.formula, settings.steps)
        missed = result.missed if it.stopped else (*result.missed, factor)
        yield (result := replace(result, images={**result.images, factor: it.x}, missed=missed))


def _solved(problem: Problem, y: torch.Tensor, critic: Callable, weight: float, steps: int) -> Iterate:
    """The last iterate: at a minimum, unless the steps run out."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConverged)  # `Result.missed` says it
            *_, it = reconstruct(problem, y, critic, weight, "auto", steps, stop="gradient")
    except Diverged as error:
        it = error.last
    return it


def compute(settings: Settings, critic: Callable | None = None) -> Result:
    """The Result with all factors."""
    *_, result = results(settings, critic)
    return result


@lru_cache(maxsize=1)
def claimed_sigmas() -> dict[str, float]:
    """{what the formula is told about the noise: factor}."""
    names = {
        0.25: "σ / 4",
        0.5: "σ / 2",
        0.71: "σ / 1.41",
        1.0: RIGHT,
        1.41: "1.41 σ",
        2.0: "2 σ",
        4.0: "4 σ",
    }
    return {names[factor]: factor for factor in FACTORS}
