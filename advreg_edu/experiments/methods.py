"""The methods that the tables compare, with weights chosen on training images alone. Paper: §5.2 and §5.3.

lambda of ours is the formula of §5.1; a second row divides it by ||grad Psi|| on training images, which the formula
takes to be 1. lambda of TV and of RED is the best of a grid on training images. Every run ends by a rule that does not
look at the truth: TV by its duality gap, RED and ours where the gradient vanishes, or at a limit on the steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from .._input.networks import Network
from ..baselines import bm3d_version, denoise_bm3d, minimise_tv, post_process, solve_red
from ..metrics import psnr
from ..operators import FourierSampling, Identity, Inpainting, RayTransform
from ..problem import Problem
from ..reconstruction import reconstruct
from ..reg_weight import weight_from_noise

_NAIVE = {Identity: "noisy", RayTransform: "FBP", Inpainting: "harmonic fill"}
OVER_SLOPE = "ours, λ / slope"
STEPS = 400  # the limit of ours
TOLERANCE = 0.01  # of ours and RED

Watch = Callable[[Tensor], object]  # is given each image (B, C, H, W) that an oracle could choose


class Method(Protocol):
    """One way from measurements to images: a row of a table."""

    name: str
    slow: bool  # takes many times as long as others: on one noise draw only

    def reconstruct(self, y: Tensor, watch: Watch) -> Tensor:
        """Images (B, C, H, W) from measurements y."""


@dataclass
class Endings:
    """How the runs of a method ended.

    >>> endings = Endings()
    >>> endings.add(torch.tensor([True, False]), torch.tensor([12.0, 400.0]))
    >>> print(endings)
    1 of 2 runs ended by the rule, 1 at the limit, after 206 iterates in the mean
    """

    by_rule: list[Tensor] = field(default_factory=list)  # whether the rule ended it, one tensor (B,) per batch
    steps: list[Tensor] = field(default_factory=list)  # after how many iterates, likewise

    def add(self, by_rule: Tensor, steps: Tensor) -> None:
        """Note the runs of one batch, each (B,)."""
        self.by_rule.append(by_rule)
        self.steps.append(steps)

    def __str__(self) -> str:
        by_rule, steps = torch.cat(self.by_rule), torch.cat(self.steps).float()
        count, rule = len(by_rule), int(by_rule.sum())
        ends = f"{rule} of {count} runs ended by the rule, {count - rule} at the limit"
        return f"{ends}, after {steps.mean():.0f} iterates in the mean"


@dataclass
class Direct:
    """A method that is one function of the measurements."""

    name: str
    function: Callable[[Tensor], Tensor]
    slow: bool = False

    def reconstruct(self, y: Tensor, watch: Watch) -> Tensor:
        """function(y)."""
        return self.function(y)


@dataclass
class TotalVariation:
    """TV with the weight that was chosen; an oracle sees the minima of all weights."""

    problem: Problem
    weights: Sequence[float]
    gap: float  # relative duality gap at which a run ends
    weight: float = 0.0  # the one that was chosen
    largest_gap: float = 0.0  # of all runs
    name: str = "TV"
    slow: bool = True

    def choose(self, y: Tensor, x: Tensor) -> None:
        """Take the weight with the best PSNR on training images x with measurements y."""
        minimum = lambda weight: minimise_tv(self.problem, y, weight, self.gap).x
        self.weight = _best(minimum, self.weights, x)

    def reconstruct(self, y: Tensor, watch: Watch) -> Tensor:
        """The minimum for `weight`."""
        minima = {weight: minimise_tv(self.problem, y, weight, self.gap) for weight in self.weights}
        for minimum in minima.values():
            self.largest_gap = max(self.largest_gap, minimum.gap.max().item())
            watch(minimum.x)
        return minima[self.weight].x


@dataclass
class Red:
    """RED, whose denoiser is the U-Net, with the weight that was chosen."""

    problem: Problem
    unet: Network
    weights: Sequence[float]
    weight: float = 0.0
    endings: Endings = field(default_factory=Endings)
    name: str = "RED"
    slow: bool = True

    def choose(self, y: Tensor, x: Tensor) -> None:
        """Take the weight with the best PSNR on training images x with measurements y."""
        fixed_point = lambda weight: solve_red(self.problem, y, self.unet, weight, TOLERANCE).x
        self.weight = _best(fixed_point, self.weights, x)

    def reconstruct(self, y: Tensor, watch: Watch) -> Tensor:
        """The fixed point."""
        found = solve_red(self.problem, y, self.unet, self.weight, TOLERANCE)
        self.endings.add(found.residual <= TOLERANCE, found.steps)
        return found.x


@dataclass
class Adversarial:
    """Algorithm 2; an oracle sees every iterate."""

    problem: Problem
    critic: Network
    weight: float
    name: str = "ours"
    slow: bool = False
    endings: Endings = field(default_factory=Endings)

    def reconstruct(self, y: Tensor, watch: Watch) -> Tensor:
        """Where the gradient has vanished, or the limit on the steps."""
        steps = torch.zeros(len(y))
        run = reconstruct(
            self.problem, y, self.critic, self.weight, "auto", STEPS, stop="gradient", tolerance=TOLERANCE
        )
        for it in run:
            on_the_way = it.gradient_norm > TOLERANCE * self.weight
            steps += on_the_way
            watch(it.x)
        self.endings.add(~on_the_way, steps.clamp_max(STEPS))
        return it.x


@dataclass(frozen=True)
class Comparison:
    """The methods of one experiment; `rows` in the order of the paper."""

    direct: list[Direct]
    tv: TotalVariation
    network: Direct
    red: Red | None
    ours: Adversarial
    over_slope: Adversarial

    @property
    def rows(self) -> list[Method]:
        """All of them."""
        red = [self.red] if self.red else []
        return [*self.direct, self.tv, self.network, *red, self.ours, self.over_slope]


def compare(
    problem: Problem,
    critic: Network,
    unet: Network,
    slope: float,
    x_train: Tensor,
    tv_gap: float,
    tv_weights: Sequence[float],
    red_weights: Sequence[float] = (),
) -> Comparison:
    """The methods for a problem, their weights chosen on the images x_train.

    Args: slope, mean ||grad Psi|| on training images, see `diagnose`; red_weights, none for no RED.

    >>> from advreg_edu import images
    >>> x = images.ellipses(2, 16, torch.Generator().manual_seed(0))
    >>> spread = lambda x: x.flatten(1).norm(dim=1)
    >>> methods = compare(Problem(Identity((1, 16, 16)), 0.1), spread, lambda x: x, 1.0, x, 1e-3, (0.1, 0.2))
    >>> [method.name for method in methods.rows]
    ['noisy', 'TV', 'U-Net', 'ours', 'ours, λ / slope']
    """
    y_train = problem.measure(x_train, torch.Generator().manual_seed(1))
    tv = TotalVariation(problem, tv_weights, tv_gap)
    tv.choose(y_train, x_train)
    red = Red(problem, unet, red_weights) if red_weights else None
    if red:
        red.choose(y_train, x_train)
    denoising, weight = isinstance(problem.A, Identity), float(weight_from_noise(problem))
    direct = [Direct(_NAIVE.get(type(problem.A), "A†y"), problem.naive)]
    if isinstance(problem.A, RayTransform):
        direct.append(Direct("FBP, Hann", partial(problem.A.pinv, filter="hann")))
    if isinstance(problem.A, FourierSampling):
        direct.append(Direct("zero filling", problem.A.T))
    if denoising and (version := bm3d_version()):
        direct.append(Direct(f"BM3D ({version})", partial(denoise_bm3d, sigma=problem.sigma), slow=True))
    network = Direct("U-Net" if denoising else "post-processing", lambda y: post_process(problem, y, unet))
    ours = Adversarial(problem, critic, weight)
    over_slope = Adversarial(problem, critic, weight / slope, OVER_SLOPE, slow=True)
    return Comparison(direct, tv, network, red, ours, over_slope)


def _best(solve: Callable[[float], Tensor], weights: Sequence[float], x: Tensor) -> float:
    """The weight whose solution has the largest mean PSNR."""
    return max(weights, key=lambda weight: psnr(solve(weight).clamp(0, 1), x).mean())
