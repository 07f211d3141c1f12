"""How the networks for inpainting and Fourier sampling were trained. Paper: §2.1; Algorithm 1; §6.

Why each is as it is: data/study/inpainting-mri.md.
"""

from collections.abc import Callable

from torch import nn

from ...critics import UNet
from ...pretrained import load_critic
from ...training import EqualLines, NoiseLeft, Paired, Pairs, WhiteNoise, WithIterates
from ..training_images import crops, phantoms
from .parts import by_slopes, inpainting, mri
from .recipe import Recipe


def _from(name: str) -> Callable[[], nn.Module]:
    """Begin with the weights of a critic that ships, for other measurements of the same kind of image."""
    return lambda: load_critic(name).requires_grad_(True).train()


def _own_iterates(sigma: float, steps: int) -> Callable[[Paired], Pairs]:
    return lambda source: EqualLines(
        NoiseLeft(WhiteNoise(WithIterates(source, 0, steps, step_size=0.3), sigma), 0.4, of_iterates=0.9), distance=5.0
    )


CRITICS = {
    "photos-inpainting": Recipe(
        inpainting,
        crops(4000),
        _from("photos-color"),
        pairs=_own_iterates(sigma=0.1, steps=60),
        loss=by_slopes,
        steps=1000,
        learning_rate=4e-4,
    ),
    "mri-thorax": Recipe(
        mri,
        phantoms(2000),
        _from("ct-thorax"),
        pairs=_own_iterates(sigma=0.06, steps=80),
        loss=by_slopes,
        steps=500,
        batch_size=8,
        learning_rate=4e-4,
        averaging=0.98,
    ),
}
UNETS = {
    "photos-inpainting-unet": Recipe(
        inpainting, crops(4000), lambda: UNet(3, (32, 64, 96)), steps=2500, learning_rate=2e-3, averaging=0.99
    ),
    "mri-thorax-unet": Recipe(
        mri, phantoms(2000), lambda: UNet(1, (32, 64, 96)), steps=1500, batch_size=8, learning_rate=2e-3
    ),
}
