"""How the networks for inpainting and Fourier sampling were trained. Paper: §2.1; Algorithm 1.

Why each is as it is: data/study/inpainting-mri.md.
"""

from ...critics import LocalCritic, UNet
from ...training import NoiseLeft, WithIterates
from ..training_images import crops, phantoms
from .parts import by_slopes, inpainting, mri
from .recipe import Recipe

CRITICS = {
    "photos-inpainting": Recipe(
        inpainting,
        crops(16000),
        lambda: LocalCritic(3, (16, 48, 96), blocks_down=False),
        pairs=lambda source: NoiseLeft(WithIterates(source, start=1600, steps=60, step_size=0.3), 0.3),
        loss=by_slopes,
        steps=2800,
        learning_rate=6e-4,
    ),
    "mri-thorax": Recipe(
        mri,
        phantoms(8000),
        lambda: LocalCritic(1, (16, 48, 96), smoothing=0.004, blocks_down=False),
        pairs=lambda source: NoiseLeft(WithIterates(source, start=2000, steps=60, step_size=0.3), 0.3),
        loss=by_slopes,
        steps=3500,
        learning_rate=1.5e-3,
    ),
}
UNETS = {
    "photos-inpainting-unet": Recipe(
        inpainting, crops(16000), lambda: UNet(3, (32, 64, 96)), steps=5000, learning_rate=2e-3, averaging=0.998
    ),
    "mri-thorax-unet": Recipe(
        mri,
        phantoms(8000),
        lambda: UNet(1, (32, 64, 96)),
        steps=3000,
        batch_size=8,
        learning_rate=1.5e-3,
        averaging=0.998,
    ),
}
