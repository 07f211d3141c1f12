"""The paper exactly as written, the authors' code as written, and each step from there to what ships.

What the text leaves open (learning rate, penalty weight, step size, numbers of steps) is taken from the authors' code,
https://github.com/lunz-s/DeepAdverserialRegulariser. Why each step: data/STUDY.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ...critics import LocalCritic, PaperCritic
from ...operators import Identity, RayTransform
from ...problem import Problem
from ...training import Eq6, NoiseLeft, Paired, Pairs, Unpaired, WithIterates
from ...training.pairs import Batch, channels_last
from ..training_images import Loader
from .parts import by_slopes, given
from .recipe import Recipe

RMSPROP = (0.0, 0.9)  # Adam's betas
DATA_STEPS = 10
BATCH_SIZE = 16


def after_data_steps(problem: Problem, y: torch.Tensor) -> torch.Tensor:
    """A†y, then ten steps x <- x - A*(Ax - y) / ||A||^2: where the authors' code starts, in training and in use.

    >>> problem = Problem(RayTransform(16, 8), sigma=0.0)
    >>> y = problem.measure(torch.rand(1, 1, 16, 16))
    >>> far = lambda x: (problem.A(x) - y).norm()
    >>> bool(far(after_data_steps(problem, y)) < far(problem.naive(y)))
    True
    """
    x, A = problem.naive(y), problem.A
    for _ in range(DATA_STEPS):
        x = x - A.T(A(x) - y) / A.norm**2
    return x


class DataStepsFirst(Paired):
    """x_noisy = `after_data_steps`: pairs as the authors' code makes them for tomography ("Mini").

    >>> import advreg_edu as ar
    >>> pairs = DataStepsFirst(ar.Problem(ar.RayTransform(16, 8), 0.02), ar.images.ellipses(4, 16))
    >>> pairs.draw(2).x_noisy.shape
    torch.Size([2, 1, 16, 16])
    """

    def draw(self, count: int, generator: torch.Generator | None = None, step: int = 0) -> Batch:
        x_real, y = self.data(count, generator)
        return Batch.between(channels_last(x_real), channels_last(after_data_steps(self.problem, y)))


@dataclass(frozen=True)
class Rung:
    """A training and a run of Algorithm 2; what is new, and why.

    `descent` are arguments of `reconstruct`; reg_weight is lambda where it is not the formula's; start is A†y, or as
    the function gives it.
    """

    name: str
    why: str
    recipe: Recipe
    descent: dict[str, Any]
    reg_weight: float | None = None
    start: Callable[[Problem, torch.Tensor], torch.Tensor] | None = None
    step: bool = field(default=True)  # of the ladder; False: a row beside it


def rungs(number: str, images: Loader, side: int = 128, steps: int = 2500) -> list[Rung]:
    """The rows for Table 1 or 2, in order; each changes one thing of the rung before it, but the authors' row.

    Args: number, "1" (denoising, sigma = 0.1) or "2" (tomography, sigma = 0.02); images, of side x side pixels;
    steps, of each training.

    >>> [rung.name for rung in rungs("1", lambda path, generator: torch.rand(4, 3, 16, 16), side=16)][:3]
    ['the paper as written', "the authors' code", 'pairs']
    """
    denoising = number == "1"
    channels, step = (3, 0.01) if denoising else (1, 0.3)
    problem = lambda: Problem(Identity((3, side, side)), 0.1) if denoising else Problem(RayTransform(side, 30), 0.02)
    paper = Recipe(
        problem,
        images,
        lambda: PaperCritic(channels, side),
        steps=steps,
        batch_size=BATCH_SIZE,
        learning_rate=1e-4,
        averaging=0.0,
        source=Unpaired,
        loss=given(Eq6(20.0)),
        settings=dict(schedule="constant"),
    )
    plain: dict[str, Any] = dict(step_size=step, steps=150 if denoising else 200)
    first = Rung("the paper as written", "Algorithms 1 and 2, Eq. 6, λ by the formula", paper, plain)
    return [first, _authors(first, denoising), *_ladder(first, channels)]


def _authors(first: Rung, denoising: bool) -> Rung:
    """The code of the tables: RMSProp, pairs, λ by hand; for tomography after ten steps on the data term."""
    source, start = (Paired, None) if denoising else (DataStepsFirst, after_data_steps)
    recipe = replace(first.recipe, source=source, settings=dict(schedule="constant", betas=RMSPROP))
    why = "RMSProp, pairs, λ by hand" + ("" if denoising else ", ten data steps first")
    return replace(
        first,
        name="the authors' code",
        why=why,
        recipe=recipe,
        reg_weight=50.0 if denoising else 0.7,
        start=start,
        step=False,
    )


def _ladder(first: Rung, channels: int) -> list[Rung]:
    pairs = replace(first.recipe, source=Paired)
    rate = replace(pairs, learning_rate=1e-3, averaging=0.99, settings={})
    widths = (32, 64, 96) if channels == 3 else (16, 48, 96)
    local = replace(rate, network=lambda: LocalCritic(channels, widths, smoothing=0.004))
    slopes = replace(local, loss=by_slopes)
    share = 0.4 if channels == 3 else 0.3
    left = replace(slopes, pairs=lambda source: NoiseLeft(source, share))
    run = dict(steps=90, step_size=0.015) if channels == 3 else dict(steps=160)

    def with_iterates(source: Paired) -> Pairs:
        return NoiseLeft(WithIterates(source, start=first.recipe.steps // 2, **run), share, of_iterates=0.9)

    last = replace(left, pairs=with_iterates)
    steps = [
        ("pairs", "each image beside its own measurement", pairs),
        ("rate", "ten times the learning rate, falling to 0; averaged weights", rate),
        ("LocalCritic", "a smooth distance to a denoised image, any size", local),
        ("slopes", "the gap by slopes, penalty 3 E‖x_r − x_n‖", slopes),
        ("noise left", f"x_r keeps {share:g} of its noise", left),
        ("iterates", "half of x_n are iterates of Algorithm 2 (§6)", last),
    ]
    plain = [replace(first, name=name, why=why, recipe=recipe) for name, why, recipe in steps]
    found: dict[str, Any] = dict(step_size="auto", steps=400, stop="gradient")
    return [*plain, replace(plain[-1], name="rule", why="steps found, an end where ‖∇J‖ ≤ 0.01 λ", descent=found)]
