"""Notebook 10, the scanner: an operator of one's own with its adjoint, and the noise from two scans."""

from typing import Any

import torch
import torch.nn.functional as F

from ...operators import LinearOperator, dot_test
from ..exercise import Answer, Exercise, Unexpected
from .toys import Tensor, normal, uniform


def _blocks(g: torch.Generator, case: int) -> tuple[int, int]:
    factor = (2, 3, 4)[case]
    return factor * int(torch.randint(3, 12, (), generator=g)), factor


def _means(factor: int) -> Any:
    return lambda x: F.avg_pool2d(x, factor)


def _spread(factor: int, scale: float) -> Any:
    return lambda y: scale * y.repeat_interleave(factor, -1).repeat_interleave(factor, -2)


def _operator(forward: Any, adjoint: Any, size: int, factor: int) -> LinearOperator:
    small = size // factor
    return LinearOperator(forward, adjoint, (1, size, size), (1, small, small))


def _first(size: int, factor: int) -> LinearOperator:
    """Takes the first pixel of each block, with the right adjoint."""

    def back(y: Tensor) -> Tensor:
        x = y.new_zeros(len(y), 1, size, size)
        x[..., ::factor, ::factor] = y
        return x

    return _operator(lambda x: x[..., ::factor, ::factor].clone(), back, size, factor)


def _smooth(size: int, factor: int) -> LinearOperator:
    back = lambda y: F.interpolate(y, (size, size), mode="bilinear") / factor**2
    return _operator(_means(factor), back, size, factor)


OPERATORS = (
    "The shapes are not those of images (1, size, size) and measurements (1, size / factor, size / factor).",
    "The forward map is not the mean over each block. Try it on an image of ones, and on a single bright pixel.",
    "ar.dot_test of your operator is far from 0: the second function is not the adjoint of the first.",
)


def _operator_features(answer: Answer, size: int, factor: int) -> list[float]:
    A = answer(size, factor)
    if not isinstance(A, LinearOperator):
        raise Unexpected("The check expected an operator, ar.LinearOperator(...), and got something else.")
    small = size // factor
    if A.domain_shape != (1, size, size) or A.range_shape != (1, small, small):
        return [0.0, 0.0, 0.0]
    x = normal(torch.Generator().manual_seed(size), 2, 1, size, size)
    same = bool((A(x) - F.avg_pool2d(x, factor)).abs().max() < 1e-6)
    return [1.0, float(same), float(float(dot_test(A, torch.Generator().manual_seed(1))) < 1e-6)]


OWN = Exercise(
    name="10c",
    title="An operator of your own",
    call="operator(size, factor)",
    draw=_blocks,
    observe=_operator_features,
    features=OPERATORS,
    reference=lambda size, factor: _operator(_means(factor), _spread(factor, 1 / factor**2), size, factor),
    mistakes={
        "repeats": (
            lambda size, factor: _operator(_means(factor), _spread(factor, 1.0), size, factor),
            OPERATORS[2],
        ),
        "one side": (
            lambda size, factor: _operator(_means(factor), _spread(factor, 1 / factor), size, factor),
            OPERATORS[2],
        ),
        "smooth": (_smooth, OPERATORS[2]),
        "sum": (
            lambda size, factor: _operator(lambda x: factor**2 * _means(factor)(x), _spread(factor, 1.0), size, factor),
            OPERATORS[1],
        ),
        "one pixel": (_first, OPERATORS[1]),
        "upside down": (
            lambda size, factor: LinearOperator(
                _spread(factor, 1.0), _means(factor), (1, size // factor, size // factor), (1, size, size)
            ),
            OPERATORS[0],
        ),
    },
    hints=(
        "The forward map is torch.nn.functional.avg_pool2d(x, factor).",
        "Each pixel enters one number of y, with the weight 1 / factor². The adjoint gives that number back, weighted.",
        "y.repeat_interleave(factor, -1).repeat_interleave(factor, -2) fills each block. That alone is A†.",
    ),
    solution="""\
def operator(size, factor):
    forward = lambda x: torch.nn.functional.avg_pool2d(x, factor)
    adjoint = lambda y: y.repeat_interleave(factor, -1).repeat_interleave(factor, -2) / factor**2
    return ar.LinearOperator(forward, adjoint, (1, size, size), (1, size // factor, size // factor))""",
    praise="Three sizes, and an adjoint that passes the dot test.",
)


def _two_scans(g: torch.Generator, case: int) -> tuple[Tensor, Tensor]:
    sigma = (0.02, 0.3, 0.11)[case] * (1 + float(uniform(g, 1)))
    clean = uniform(g, 1, 1, 200, 1).expand(1, 1, 200, 500) + 0.5 * case
    return clean + sigma * normal(g, *clean.shape), clean + sigma * normal(g, *clean.shape)


SIGMA = Exercise(
    name="10d",
    title="The noise of a scanner",
    call="noise_level(first, second)",
    draw=_two_scans,
    reference=lambda a, b: (a - b).square().mean().sqrt() / 2**0.5,
    mistakes={
        "no root of 2": (lambda a, b: (a - b).std(), "The difference holds the noise of both scans."),
        "half": (lambda a, b: (a - b).std() / 2, "Two independent noises add by their squares."),
        "of one scan": (
            lambda a, b: a.std(),
            "The spread of one scan is that of the patient. What do two scans share?",
        ),
        "of the mean": (lambda a, b: ((a + b) / 2).std(), "The mean of the scans keeps the patient. What removes it?"),
        "variance": (lambda a, b: (a - b).var() / 2, "This is sigma squared."),
        "absolute": (
            lambda a, b: (a - b).abs().mean() / 2**0.5,
            "The mean of the absolute value is smaller than the standard deviation.",
        ),
    },
    hints=(
        "Subtract: the patient goes, and the noise of both scans stays.",
        "The variance of a difference of independent numbers is the sum of their variances.",
    ),
    solution="""\
def noise_level(first, second):
    return (first - second).std() / 2**0.5""",
    tolerance=0.01,
    praise="Three scanners; the patient was never used.",
)
