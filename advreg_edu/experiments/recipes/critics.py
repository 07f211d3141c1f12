"""How the critics that ship were trained, and a critic in a minute. Paper: Algorithm 1; §5.1, §5.2, §5.3.

Why each is as it is: data/STUDY.md.
"""

from ...critics import LocalCritic
from ...training import Balanced, Eq6, Eq6BySlopes, EqualLines, NoiseLeft, OwnLines, Reflow, Unpaired, WithIterates
from ..training_images import crops, phantoms, phantoms_in_windows, slices
from .parts import FINE, by_slopes, chest_critic, denoising, given, half_free, photo_critic, scan
from .recipe import Recipe

CRITICS = {
    "ct-thorax": Recipe(
        scan,
        phantoms_in_windows(8000),
        lambda: LocalCritic(1, (16, 48, 96), blocks_down=False),  # 16 at the finest level: 0.7 of the time with 32
        pairs=lambda source: EqualLines(
            NoiseLeft(WithIterates(source, start=3000, steps=160), 0.3, of_iterates=0.9), distance=4.5
        ),
        loss=given(Eq6BySlopes(74.0)),
        steps=5000,
        learning_rate=1.5e-3,
    ),
    "ct-chest-high": Recipe(
        scan,
        slices(sharp=True, even=True),
        lambda: chest_critic(smoothing=0.004, blocks_down=True),
        pairs=lambda source: EqualLines(
            NoiseLeft(WithIterates(source, start=3500, steps=160), 0.4, of_iterates=0.9), distance=4.0
        ),
        loss=given(Eq6BySlopes(64.0)),
        steps=6000,
    ),
    "ct-chest-low": Recipe(
        lambda: scan(sigma=0.005),
        slices(),
        lambda: chest_critic(smoothing=0.003, blocks_down=True),
        pairs=lambda source: EqualLines(
            NoiseLeft(WithIterates(source, 1500, steps=500, step_size=0.9, hops=6), 0.2, of_iterates=0.9), distance=3.0
        ),
        loss=given(Eq6BySlopes(36.0)),
        steps=2800,
        learning_rate=1.2e-3,
    ),
    "photos-color": Recipe(
        denoising,
        crops(16000),
        lambda: photo_critic(smoothing=0.004),
        pairs=lambda source: NoiseLeft(WithIterates(source, start=3000, steps=90, step_size=0.015), 0.4),
        loss=by_slopes,
        steps=8000,
        learning_rate=8e-4,
        averaging=0.998,
    ),
    "photos-color-fine": Recipe(
        denoising,
        crops(48000, turned=True),
        lambda: LocalCritic(3, FINE, smoothing=0.003, fold=1, window=64),
        pairs=lambda source: Reflow(NoiseLeft(source, 0.4), start=5200),
        loss=half_free,
        steps=7000,
        learning_rate=3e-3,
        averaging=0.998,
    ),
    "photos-gray": Recipe(
        lambda: denoising(1, 25 / 255),
        crops(64000, channels=1, turned=True),
        lambda: LocalCritic(1, FINE, smoothing=0.003, fold=1, window=64),
        pairs=lambda source: NoiseLeft(source, 0.4),
        loss=by_slopes,
        steps=9000,
        learning_rate=3e-3,
        averaging=0.998,
    ),
    # images and measurements drawn independently of each other, as in Alg. 1; all patients are in both
    "ct-chest-high-unpaired": Recipe(
        scan,
        slices(),
        chest_critic,
        source=Unpaired,
        pairs=lambda source: NoiseLeft(OwnLines(source), 0.2),
        loss=given(Eq6(105.0)),
        steps=1000,
    ),
    # images of half of the patients, measurements of the others: no image and measurement of the same
    "ct-chest-high-apart": Recipe(
        scan,
        slices(half=0),
        chest_critic,
        measured=slices(half=1),
        pairs=lambda source: NoiseLeft(OwnLines(source), 0.2),
        loss=given(Balanced(105.0, weight=1.0)),
        steps=1000,
    ),
    "ct-minute": Recipe(
        scan,
        phantoms(400),
        lambda: LocalCritic(1, (16, 32, 64), blocks_down=False),
        loss=by_slopes,
        steps=800,
        batch_size=4,
    ),
    "photos-minute": Recipe(
        denoising,
        crops(8000),
        photo_critic,
        pairs=lambda source: NoiseLeft(source, 0.4),
        loss=by_slopes,
        steps=600,
        learning_rate=1.5e-3,
    ),
}
