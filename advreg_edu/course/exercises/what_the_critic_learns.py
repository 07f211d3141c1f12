"""Notebook 04: the slope of a rival, Wasserstein distances on a line, and how far Assumption 2 is from true."""

from typing import Any

import torch

from ...theory import wasserstein, worlds
from ..exercise import Exercise
from .toys import Tensor, normal, uniform


def _gradients(g: torch.Generator, case: int) -> tuple[Tensor, Tensor]:
    """A critic's gradients, of length 1, and those of a rival, of at most 1, at the same points."""
    shape = ((9, 1, 1, 2), (20, 1, 2, 3), (5, 3, 2, 2))[case]
    u, v = normal(g, *shape), normal(g, *shape)
    unit = lambda x: x / x.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return unit(u), uniform(g, shape[0], 1, 1, 1) * unit(v + 0.5 * unit(u))


def _inner(u: Tensor, v: Tensor) -> Tensor:
    return (u * v).flatten(1).sum(1)


def _norms(u: Tensor, v: Tensor) -> Tensor:
    return u.flatten(1).norm(dim=1) * v.flatten(1).norm(dim=1)


RIVAL = Exercise(
    name="04b",
    title="The slope of a rival",
    call="slope(grad_psi, grad_f)",
    draw=_gradients,
    reference=lambda u, v: -_inner(u, v).mean(),
    mistakes={
        "product of norms": (
            lambda u, v: -_norms(u, v).mean(),
            "Two long gradients may be at right angles. What does the rival's step then do to the critic?",
        ),
        "sign": (lambda u, v: _inner(u, v).mean(), "A rival that follows the critic brings the heaps nearer."),
        "sum": (lambda u, v: -_inner(u, v).sum(), "The expectation is a mean over the points."),
        "mean over pixels": (
            lambda u, v: -(u * v).mean(),
            "An inner product is a sum over the coordinates; the mean is over points alone.",
        ),
        "cosine": (
            lambda u, v: -(_inner(u, v) / _norms(u, v)).mean(),
            "A rival with a short gradient is slow. You have divided its length away.",
        ),
        "means first": (
            lambda u, v: -(u.mean(0) * v.mean(0)).sum(),
            "Take the inner product at each point, and then the mean.",
        ),
        "rival squared": (lambda u, v: -_inner(v, v).mean(), "Only one of the two gradients is the rival's."),
    },
    hints=(
        "The heaps approach as fast as the mean of the critic falls along the rival's steps.",
        "Along the step x - eta grad f the critic changes at the rate -<grad psi, grad f>.",
    ),
    solution="""\
def slope(grad_psi, grad_f):
    return -(grad_psi * grad_f).flatten(1).sum(1).mean()""",
    praise="Its lowest value, -1, is reached by the critic itself.",
)


def _samples(g: torch.Generator, case: int) -> tuple[Tensor, Tensor]:
    n = (12, 51, 200)[case]
    u, v = normal(g, n), 2.5 * normal(g, n) + (0.0, 1.0, -0.5)[case]
    return u, v


W1 = Exercise(
    name="04a",
    title="Earth moved on a line",
    call="w1(u, v)",
    draw=_samples,
    reference=lambda u, v: (u.sort().values - v.sort().values).abs().mean(),
    mistakes={
        "unsorted": (
            lambda u, v: (u - v).abs().mean(),
            "The order of the samples has no meaning. Which partner makes the way shortest?",
        ),
        "means": (
            lambda u, v: (u.mean() - v.mean()).abs(),
            "Two heaps with one mean can still be far apart.",
        ),
        "squared": (
            lambda u, v: (u.sort().values - v.sort().values).square().mean().sqrt(),
            "Eq. 7 has the mean distance, not the root of a mean square.",
        ),
        "square": (
            lambda u, v: (u.sort().values - v.sort().values).square().mean(),
            "Eq. 7 has the mean distance, not its square.",
        ),
        "sum": (lambda u, v: (u.sort().values - v.sort().values).abs().sum(), "Each sample weighs 1/n: take a mean."),
        "nearest": (
            lambda u, v: (u[:, None] - v).abs().min(1).values.mean(),
            "Each grain goes to its nearest place, and several may go to the same one. Every place takes one grain.",
        ),
        "opposite": (
            lambda u, v: (u.sort().values - v.sort(descending=True).values).abs().mean(),
            "This pairs the lowest with the highest, which is the longest way.",
        ),
    },
    hints=(
        "On a line no two ways of the best plan cross.",
        "So the lowest sample goes to the lowest, the second to the second, and so on.",
    ),
    solution="""\
def w1(u, v):
    return (u.sort().values - v.sort().values).abs().mean()""",
    praise="The same as the linear programme, for three numbers of samples.",
)


def _world(g: torch.Generator, case: int) -> tuple[Any, ...]:
    world, sigma, along = ((worlds.segment(), 0.15, 1.0), (worlds.spiral(), 0.2, 0.0), (worlds.circle(), 0.1, 1.0))[
        case
    ]
    noisy = worlds.corruption(world, sigma, along)
    pushed = noisy.naive(noisy.measure(world.sample(80, g), g))
    return world, world.sample(80, g), pushed


ASSUMPTION = Exercise(
    name="04c",
    title="How wrong is Assumption 2?",
    call="broken(world, x_real, x_noisy)",
    draw=_world,
    tolerance=1e-3,
    reference=lambda world, real, noisy: wasserstein(real, world.project(noisy)),
    mistakes={
        "not projected": (
            lambda world, real, noisy: wasserstein(real, noisy),
            "This is Eq. 7. The assumption speaks of the noisy points after they were projected back.",
        ),
        "distance to M": (
            lambda world, real, noisy: world.distance(noisy).mean(),
            "This is how far the noise has pushed. The assumption asks where the points come back to.",
        ),
        "pairs": (
            lambda world, real, noisy: (world.project(noisy) - real).flatten(1).norm(dim=1).mean(),
            "The assumption compares two distributions, not one point with another.",
        ),
        "means": (
            lambda world, real, noisy: (world.project(noisy).mean(0) - real.mean(0)).norm(),
            "Two heaps with one mean can still be far apart.",
        ),
    },
    hints=(
        "world.project(x) is the nearest point of the manifold. Which two heaps does Assumption 2 call alike?",
        "theory.wasserstein(a, b) is the exact distance of two heaps of samples.",
    ),
    solution="""\
def broken(world, x_real, x_noisy):
    return theory.wasserstein(x_real, world.project(x_noisy))""",
    praise="Now find out how large it is by chance alone.",
)

EXERCISES = (W1, RIVAL, ASSUMPTION)
