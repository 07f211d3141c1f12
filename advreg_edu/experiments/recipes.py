"""How the networks that ship were trained, and a critic in a minute. Paper: Algorithm 1; §5.1, §5.2, §5.3.

Why each is as it is: data/STUDY.md.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..baselines.supervised import train_denoiser
from ..critics import LocalCritic, UNet
from ..operators import Identity, RayTransform
from ..problem import Problem
from ..training import (
    Balanced,
    Eq6,
    Eq6BySlopes,
    EqualLines,
    MeasuredElsewhere,
    NoiseLeft,
    OwnLines,
    Paired,
    Pairs,
    Unpaired,
    WithIterates,
    algorithm_1,
    default_gp_weight,
)
from .training_images import Loader, crops, phantoms, phantoms_in_windows, slices


@dataclass(frozen=True)
class Recipe:
    """What a training is made of. The parts are functions: nothing is computed before the training runs."""

    problem: Callable[[], Problem]
    images: Loader
    network: Callable[[], nn.Module]
    steps: int
    batch_size: int = 16
    learning_rate: float = 1e-3
    averaging: float = 0.99
    pairs: Callable[[Paired], Pairs] = lambda source: source  # what is made of the source
    source: type[Paired] = Paired
    measured: Loader | None = None  # images of which the training sees the measurements alone
    loss: Callable[[Pairs, int], Eq6] | None = None  # of the pairs and the seed; None: supervised, mean squared error
    settings: dict = field(default_factory=dict)  # further arguments of the training

    def start(self, network: nn.Module, path: Path | str | None, seed: int, **changes) -> Generator[Any]:
        """The training as a generator of its steps. `changes`: arguments of the training that differ."""
        generator, problem = torch.Generator().manual_seed(seed), self.problem()
        x_real = self.images(path, generator)
        run: dict[str, Any] = dict(steps=self.steps, batch_size=self.batch_size, seed=seed)
        run |= dict(learning_rate=self.learning_rate, averaging=self.averaging) | self.settings | changes
        if self.loss is None:
            return train_denoiser(network, problem, x_real, **run)
        source = self.source(problem, x_real)
        if self.measured:  # the images are forgotten here
            y = problem.measure(self.measured(path, generator), generator)
            source = MeasuredElsewhere(problem, x_real, measurements=y)
        pairs = self.pairs(source)
        return algorithm_1(network, pairs, self.loss(pairs, seed), **run)


# Problems, networks, losses


def scan(sigma: float = 0.02) -> Problem:
    return Problem(RayTransform(128, 30), sigma)


def denoising() -> Problem:
    return Problem(Identity((3, 48, 48)), sigma=0.1)


def photo_critic(smoothing: float = 0.01) -> LocalCritic:
    return LocalCritic(3, (32, 64, 96), smoothing=smoothing)


def chest_critic(smoothing: float = 0.01, blocks_down: bool = False) -> LocalCritic:
    return LocalCritic(1, (32, 64, 96), smoothing=smoothing, blocks_down=blocks_down, mirrored=True)


def by_slopes(pairs: Pairs, seed: int) -> Eq6BySlopes:
    return Eq6BySlopes(default_gp_weight(pairs, seed))


def given(loss: Eq6) -> Callable[[Pairs, int], Eq6]:
    return lambda pairs, seed: loss


# The recipes

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
}
RECIPES = CRITICS | UNETS
