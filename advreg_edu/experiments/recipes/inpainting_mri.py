"""How the networks for inpainting and Fourier sampling were trained. Paper: §2.1; Algorithm 1; §6.

Why each is as it is: data/study/inpainting-mri.md.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ...critics import UNet
from ...operators import Identity
from ...pretrained import load_critic
from ...problem import Problem
from ...training import EqualLines, NoiseLeft, Paired, WhiteNoise, WithIterates
from ..training_images import crops, phantoms
from .parts import by_slopes, inpainting, mri
from .recipe import Recipe


def _from(name: str, **changes: Any) -> Callable[[], nn.Module]:
    """Begin with the weights of a critic that ships, for other measurements of the same kind of image."""

    def begun() -> nn.Module:
        critic = load_critic(name)
        network = type(critic)(**critic.arguments | changes)
        network.load_state_dict(critic.state_dict())
        return network

    return begun


def _noisy(sigma: float) -> Callable[[Problem, Tensor], Paired]:
    """Pairs for denoising, whatever the problem."""
    return lambda problem, x_real: Paired(Problem(Identity(tuple(x_real.shape[1:])), sigma), x_real)


CRITICS = {
    "photos-inpainting": Recipe(
        inpainting,
        crops(16000),
        _from("photos-color", window=64),
        source=_noisy(sigma=0.15),  # no image with holes: data/study/inpainting-mri.md
        pairs=lambda source: NoiseLeft(WithIterates(source, 0, steps=90, step_size=0.015), 0.4),
        loss=by_slopes,
        steps=1200,
        learning_rate=4e-4,
    ),
    "mri-thorax": Recipe(
        mri,
        phantoms(2000),
        _from("ct-thorax"),
        pairs=lambda source: EqualLines(
            NoiseLeft(WhiteNoise(WithIterates(source, 0, steps=80, step_size=0.3), 0.06), 0.4, of_iterates=0.9), 5.0
        ),
        loss=by_slopes,
        steps=500,
        batch_size=8,
        learning_rate=4e-4,
        averaging=0.98,
    ),
}
UNETS = {
    "photos-inpainting-unet": Recipe(
        inpainting, crops(3000, 128), lambda: UNet(3, (32, 64, 96)), steps=2200, batch_size=4, learning_rate=1.5e-3
    ),
    "mri-thorax-unet": Recipe(
        mri, phantoms(2000), lambda: UNet(1, (32, 64, 96)), steps=1500, batch_size=8, learning_rate=2e-3
    ),
}
