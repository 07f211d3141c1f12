"""Notebook 09: convexity on a segment, the exact step of the data term, lambda on larger images, bias and spread."""

from collections.abc import Callable
from typing import Any

import torch

from ..exercise import Answer, Exercise
from .toys import Bowl, Tensor, normal, uniform


def _segment(g: torch.Generator, case: int) -> tuple[Any, ...]:
    f = Bowl() if case else distance_to_one
    x, y = normal(g, 3, 1, 4, 4), 2 * normal(g, 3, 1, 4, 4) + 1
    return (lambda u: f(u).detach()), x, y, float(0.1 + 0.3 * uniform(g, 1))


def distance_to_one(x: Tensor) -> Tensor:
    """||x - 1||, a convex function: (B, C, H, W) to (B,).

    >>> distance_to_one(torch.zeros(1, 1, 2, 2))
    tensor([2.])
    """
    return (x - 1).flatten(1).norm(dim=1)


def _above(point: Callable[..., Tensor], chord: Callable[..., Tensor], sign: float = 1.0) -> Answer:
    return lambda f, x, y, t: sign * (f(point(x, y, t)) - chord(f(x), f(y), t))


def _between(a: Tensor, b: Tensor, t: float) -> Tensor:
    return (1 - t) * a + t * b


def _swapped(a: Tensor, b: Tensor, t: float) -> Tensor:
    return _between(b, a, t)


def _halves(a: Tensor, b: Tensor, t: float) -> Tensor:
    return (a + b) / 2


CONVEXITY = Exercise(
    name="09c",
    title="Above the chord",
    call="above(critic, x, y, t)",
    draw=_segment,
    reference=_above(_between, _between),
    mistakes={
        "sign": (_above(_between, _between, -1), "A convex function lies below its chord: look at the sign."),
        "chord swapped": (_above(_between, _swapped), "At t = 0 the chord has the value at x."),
        "point swapped": (_above(_swapped, _between), "At t = 0 the point is x."),
        "both swapped": (_above(_swapped, _swapped), "At t = 0 the point is x."),
        "middle": (_above(_halves, _halves), "This is the middle of the segment, whatever t is."),
        "middle of the chord": (_above(_between, _halves), "The chord is taken in its middle, the point is not."),
        "no chord": (lambda f, x, y, t: f(_between(x, y, t)), "The chord is missing: what is the value above?"),
        "sum": (_above(_between, lambda a, b, t: a + b), "The chord is a weighted mean of two values, not their sum."),
    },
    hints=(
        "Two numbers for each image: the critic at a point of the segment, and a weighted mean of its two end values.",
        "The point is (1 - t) x + t y. The mean has the same two weights.",
    ),
    solution="""\
def above(critic, x, y, t):
    return critic((1 - t) * x + t * y) - ((1 - t) * critic(x) + t * critic(y))""",
    praise="One positive value disproves convexity. No number of negative ones proves it.",
)


def _masked(g: torch.Generator, case: int) -> tuple[Any, ...]:
    mask = (uniform(g, 6, 6) > 0.5).double()
    y = mask * (uniform(g, 2, 1, 6, 6) + 0.1 * normal(g, 2, 1, 6, 6))
    return mask, y, normal(g, 2, 1, 6, 6), (0.2, 1.0, 5.0)[case] * float(1 + uniform(g, 1))


PROXIMAL = Exercise(
    name="09b",
    title="The exact step of the data term",
    call="exact_step(mask, y, z, step_size)",
    draw=_masked,
    reference=lambda m, y, z, s: (z + 2 * s * m * y) / (1 + 2 * s * m),
    mistakes={
        "half": (
            lambda m, y, z, s: (z + s * m * y) / (1 + s * m),
            "Our data term has no factor 1/2, and the square of the distance has one.",
        ),
        "everywhere": (
            lambda m, y, z, s: (z + 2 * s * m * y) / (1 + 2 * s),
            "What becomes of a pixel that was not measured? Nothing should pull at it.",
        ),
        "explicit": (
            lambda m, y, z, s: z - 2 * s * m * (m * z - y),
            "This is a step of gradient descent from z. Set the gradient at the new point to zero instead.",
        ),
        "projection": (
            lambda m, y, z, s: torch.where(m > 0, y, z),
            "You believe the measurement entirely. That is the limit of a large step.",
        ),
        "inverse": (
            lambda m, y, z, s: (z + 2 * m * y / s) / (1 + 2 * m / s),
            "A large step should go far from z. Look where the step size stands.",
        ),
        "mean": (lambda m, y, z, s: (z + m * y) / (1 + m), "The step size is missing."),
    },
    hints=(
        "Write down the objective for one pixel, once with mask 1 and once with mask 0, and differentiate by x.",
        "Where the mask is 1: 2 (x - y) + (x - z) / step_size = 0.",
        "Solve it for x. Where the mask is 0 the answer is z, and one formula with the mask in it says both.",
    ),
    solution="""\
def exact_step(mask, y, z, step_size):
    return (z + 2 * step_size * mask * y) / (1 + 2 * step_size * mask)""",
    praise="The solution stays finite for any step size. That is what the implicit step buys.",
)


def _larger(g: torch.Generator, case: int) -> tuple[Any, ...]:
    pixels = int(torch.randint(1000, 5000, (), generator=g))
    more = pixels * int(torch.randint(2, 40, (), generator=g))
    return float(1 + uniform(g, 1)), pixels, more, ("norm", "mean", "sum")[case]


def _by_powers(norm: float, mean: float, sum: float) -> Answer:
    """lambda times a power of the ratio of the pixels, which depends on the pooling."""
    return lambda w, n, m, pooling: w * (m / n) ** {"norm": norm, "mean": mean, "sum": sum}[pooling]


WEIGHT = Exercise(
    name="09a",
    title="λ on a larger image",
    call="weight_for(reg_weight, pixels, more_pixels, pooling)",
    draw=_larger,
    reference=_by_powers(0.5, 1.0, 0.0),
    mistakes={
        "always the root": (
            _by_powers(0.5, 0.5, 0.5),
            "The slope does not depend on the size for the norm alone. What is it for a mean, and for a sum?",
        ),
        "never": (_by_powers(0, 0, 0), "The noise has more pixels to be in. How does the length of A*e grow?"),
        "mean and sum swapped": (
            _by_powers(0.5, 0.0, 1.0),
            "λ times the slope is what pulls. A flatter critic needs a larger λ.",
        ),
        "slope alone": (_by_powers(0.0, 0.5, -0.5), "The slope is right, and the noise is missing: 2 E||A*e|| grows."),
        "ratio": (_by_powers(1.0, 1.0, 1.0), "The length of a vector grows with the root of the count of its entries."),
        "inverse": (_by_powers(-0.5, -1.0, 0.0), "More pixels hold more noise. Did you divide the wrong way?"),
    },
    hints=(
        "λ times the slope has to be 2 E||A*e||. For denoising that grows with the root of the number of pixels.",
        "A sum of n equal terms, one for each pixel, has n slopes of one size: the gradient has length about sqrt(n).",
        "So the slope grows with the power 1/2 for a sum, falls with 1/2 for a mean, and stays for a norm.",
    ),
    solution="""\
def weight_for(reg_weight, pixels, more_pixels, pooling):
    power = {"norm": 0.5, "mean": 1.0, "sum": 0.0}[pooling]
    return reg_weight * (more_pixels / pixels) ** power""",
    praise="One rule for three kinds of critics: λ times the slope has to balance the noise.",
)


def _repeated(g: torch.Generator, case: int) -> tuple[Any, ...]:
    truth = uniform(g, 1, 5, 5)
    common = (0.1, 0.3, 0.02)[case] * normal(g, 1, 5, 5)
    return truth + common + 0.1 * uniform(g, 1, 5, 5) * normal(g, (4, 3, 6)[case], 1, 5, 5), truth


def _rms(u: Tensor) -> Tensor:
    return u.square().mean().sqrt()


def _bias(r: Tensor, truth: Tensor) -> Tensor:
    return _rms(r.mean(0) - truth)


def _spread(r: Tensor) -> Tensor:
    return _rms(r.std(0, correction=0))


CALIBRATION = Exercise(
    name="09d",
    title="Bias and spread",
    call="bias_and_spread(repeated, truth)",
    draw=_repeated,
    reference=lambda r, x: (_bias(r, x), _spread(r)),
    mistakes={
        "error for bias": (
            lambda r, x: (_rms(r - x), _spread(r)),
            "The first number is the whole error, in which the spread is contained. Average the repetitions first.",
        ),
        "divisor": (
            lambda r, x: (_bias(r, x), _rms(r.std(0))),
            "Divide by the number of repetitions, not by one less, so that squared bias and squared spread add up.",
        ),
        "squares": (lambda r, x: (_bias(r, x) ** 2, _spread(r) ** 2), "These are the squares: take the root."),
        "over pixels": (
            lambda r, x: (_bias(r, x), r.std((1, 2, 3), correction=0).mean()),
            "This is how much pixels differ within an image. How much does one pixel differ between repetitions?",
        ),
        "absolute": (
            lambda r, x: ((r.mean(0) - x).abs().mean(), r.std(0, correction=0).mean()),
            "Take root mean squares over the pixels, not means.",
        ),
        "signed": (
            lambda r, x: ((r.mean(0) - x).mean(), _spread(r)),
            "Errors of opposite sign cancel in this mean. Square first.",
        ),
    },
    hints=(
        "Both numbers are root mean squares over pixels. The repetitions are the first axis.",
        "The bias of a pixel is its mean over repetitions minus the truth.",
        "Its spread is repeated.std(0, correction=0). Then squared bias plus squared spread is the mean squared error.",
    ),
    solution="""\
def bias_and_spread(repeated, truth):
    rms = lambda u: u.square().mean().sqrt()
    return rms(repeated.mean(0) - truth), rms(repeated.std(0, correction=0))""",
    praise="Their squares add up to the mean squared error. Only the second can be seen without the truth.",
)

EXERCISES = (WEIGHT, PROXIMAL, CONVEXITY, CALIBRATION)
