"""A critic trained for one operator as the regulariser of another (not in the paper)."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ... import images, pretrained
from ..._input.networks import Network
from ...metrics import psnr
from ...operators import Identity, Inpainting, RayTransform
from ...problem import Problem
from ..recipes.parts import mri
from .settings import Row, best_tv, our_minimum

COUNT = 4
Scene = tuple[Problem, Tensor, float]  # the images, and a weight of TV to begin with


def _chests(problem: Problem, guess: float) -> Scene:
    return problem, images.thorax(COUNT, 128, torch.Generator().manual_seed(4_712)), guess


def _photographs(problem: Problem, guess: float) -> Scene:
    return problem, images.photos(COUNT, 128, torch.Generator().manual_seed(4_712)), guess


def _mask(share: float) -> Tensor:
    return (torch.rand(128, 128, generator=torch.Generator().manual_seed(0)) < share).float()


SCENES: dict[str, Callable[[], Scene]] = {
    "CT of chests, σ = 0.02": lambda: _chests(Problem(RayTransform(128, 30), 0.02), 0.004),
    "denoising of chests, σ = 0.1": lambda: _chests(Problem(Identity((1, 128, 128)), 0.1), 0.14),
    "denoising of photographs, σ = 0.1": lambda: _photographs(Problem(Identity((3, 128, 128)), 0.1), 0.14),
    "inpainting of photographs, 30 % seen, σ = 0.02": lambda: _photographs(
        Problem(Inpainting(_mask(0.3), channels=3), 0.02), 0.02
    ),
    "MRI of chests, a quarter of the lines, σ = 0.02": lambda: _chests(mri(), 0.015),
}
CRITICS = ("TV", "ct-thorax", "ct-thorax-convex", "photos-color", "photos-inpainting", "mri-thorax")


def transfers() -> Iterator[Row]:
    """Every scene with TV at its best lambda for these images, and with every critic that ships."""
    for scene in SCENES:
        for critic in CRITICS:
            if critic == "TV" or critic in pretrained.names():
                yield dict(scene=scene, critic=critic)


def measure_transfer(row: Row) -> Row:
    """PSNR, and that of A†y."""
    problem, x, guess = SCENES[row["scene"]]()
    y = problem.measure(x, torch.Generator().manual_seed(1))
    score = lambda u: psnr(u.clamp(0, 1), x)
    if row["critic"] == "TV":
        values = best_tv(problem, y, score, guess)[1]
    else:
        critic = for_channels(pretrained.load_critic(row["critic"]), x.shape[1])
        values = score(our_minimum(problem, y, critic)[0])
    return dict(psnr=round(values.mean().item(), 3), naive=round(score(problem.naive(y)).mean().item(), 3))


def for_channels(critic: Network, channels: int) -> Network:
    """The critic for images of another number of channels, with the same slope.

    A critic for colour sees a gray image in three equal channels; the gradient by the gray image is sqrt(3) times as
    long as by one in colour. A critic for gray images sees each channel, and the values are joined as lengths are.

    >>> length = lambda x: x.flatten(1).norm(dim=1)  # for any number of channels
    >>> length.channels = 3
    >>> float(for_channels(length, 1)(torch.ones(1, 1, 2, 2)))
    2.0
    """
    own = getattr(critic, "channels", channels)
    if own == channels:
        return critic
    if channels == 1:
        return lambda x: critic(x.expand(-1, own, -1, -1)) / own**0.5
    return lambda x: torch.stack([critic(x[:, k : k + 1]) for k in range(channels)]).norm(dim=0)
