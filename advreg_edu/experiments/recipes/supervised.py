"""How the U-Nets that ship were trained, each for the problem of a critic. Paper: §5.1, §5.2."""

from functools import partial

from ...critics import UNet
from ..training_images import crops, phantoms_in_windows, slices
from .parts import FINE, denoising, scan
from .recipe import Recipe

# supervised, for the problem of a critic: they learn from pairs, so they get all patients
_unet = partial(Recipe, batch_size=8, learning_rate=1.5e-3, averaging=0.998)
_chest_unet = partial(_unet, network=lambda: UNet(1, (48, 96, 128), mirrored=True), steps=3500)
UNETS = {
    "ct-thorax-unet": _unet(scan, phantoms_in_windows(8000), lambda: UNet(1, (32, 64, 96)), steps=6000),
    "ct-chest-high-unet": _chest_unet(scan, slices(sharp=True)),
    "ct-chest-low-unet": _chest_unet(lambda: scan(sigma=0.005), slices(sharp=True)),
    "photos-color-unet": Recipe(
        denoising, crops(16000), lambda: UNet(3, (32, 64, 96)), steps=6000, learning_rate=2e-3, averaging=0.998
    ),
    "photos-color-fine-unet": Recipe(
        denoising,
        crops(64000, turned=True),
        lambda: UNet(3, FINE, fold=1),
        steps=6000,
        learning_rate=2e-3,
        averaging=0.998,
    ),
    "photos-gray-unet": Recipe(
        lambda: denoising(1, 25 / 255),
        crops(64000, channels=1, turned=True),
        lambda: UNet(1, FINE, fold=1),
        steps=6000,
        learning_rate=2e-3,
        averaging=0.998,
    ),
}
