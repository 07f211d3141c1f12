"""What a training is made of. Paper: Algorithm 1."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...baselines.supervised import train_denoiser
from ...problem import Problem
from ...training import Eq6, MeasuredElsewhere, Paired, Pairs, algorithm_1, mapped
from ..training_images import Loader


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
    source: Callable[[Problem, Tensor], Paired] = Paired
    measured: Loader | None = None  # images of which the training sees the measurements alone
    loss: Callable[[Pairs, int], Eq6] | None = None  # of the pairs and the seed; None: supervised, mean squared error
    settings: dict = field(default_factory=dict)  # further arguments of the training

    @property
    def streams(self) -> bool:
        """Can its images stay on disk?"""
        return "keep" in signature(self.images).parameters and self.measured is None

    def start(
        self, network: nn.Module, path: Path | str | None, seed: int, disk: Path | None = None, **changes
    ) -> Generator[Any]:
        """The training as a generator of its steps. `changes`: arguments of the training that differ.

        disk: a folder, in which the images of a recipe that `streams` are to stay.
        """
        generator, problem = torch.Generator().manual_seed(seed), self.problem()
        x_real = self.images(path, generator, **({"keep": partial(mapped, folder=disk)} if disk else {}))
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
