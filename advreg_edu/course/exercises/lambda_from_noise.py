"""Notebook 05: the weight by Monte Carlo, the two other conventions, and how wrong sigma may be."""

from collections.abc import Callable

import torch

from ...operators import Inpainting, RayTransform
from ...problem import Problem
from ..exercise import Answer, Exercise
from .toys import Tensor, normal, uniform


def _problem(g: torch.Generator, case: int) -> tuple[Problem, torch.Generator]:
    times = float(0.7 + 0.6 * uniform(g, 1))
    if case == 0:
        return Problem(RayTransform(32, angles=12), sigma=0.07 * times), g
    if case == 1:
        return Problem(RayTransform(24, angles=20), sigma=0.3 * times), g
    return Problem(Inpainting((torch.rand(20, 20, generator=g) > 0.3).float()), sigma=0.2 * times), g


def _mean_of(length: Callable[[Problem, Tensor], Tensor]) -> Answer:
    """A Monte Carlo mean of something that is computed from draws of the noise."""
    return lambda problem, g: length(problem, problem.noise(600, g)).mean()


def _norm(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1)


WEIGHT = Exercise(
    name="05a",
    title="The weight by Monte Carlo",
    call="weight(problem, generator)",
    draw=_problem,
    tolerance=0.02,
    reference=_mean_of(lambda p, e: 2 * _norm(p.A.T(e))),
    mistakes={
        "without 2": (
            _mean_of(lambda p, e: _norm(p.A.T(e))),
            "Half of it: where did the 2 of the gradient of the data term go?",
        ),
        "squared": (
            _mean_of(lambda p, e: 2 * _norm(p.A.T(e)) ** 2),
            "The formula has a norm, not a norm squared.",
        ),
        "no adjoint": (
            _mean_of(lambda p, e: 2 * _norm(e)),
            "This is the length of the noise in the data. The gradient has it in the image.",
        ),
        "pseudo-inverse": (
            _mean_of(lambda p, e: 2 * _norm(p.A.pinv(e))),
            "The gradient of the data term holds the adjoint, and not the pseudo-inverse.",
        ),
        "per pixel": (
            _mean_of(lambda p, e: 2 * p.A.T(e).flatten(1).square().mean(1).sqrt()),
            "This is a mean over pixels. The norm is a sum over them.",
        ),
        "sigma twice": (
            _mean_of(lambda p, e: 2 * p.sigma * _norm(p.A.T(e))),
            "problem.noise has sigma in it already.",
        ),
        "unit noise": (
            _mean_of(lambda p, e: 2 * _norm(p.A.T(e)) / p.sigma),
            "The weight does not change with sigma. Which noise did you draw?",
        ),
        "root of n": (
            _mean_of(lambda p, e: torch.tensor(2 * p.sigma * float(torch.tensor(p.A.domain_shape).prod()) ** 0.5)),
            "This holds for denoising. Another operator lets less noise into the image.",
        ),
    },
    hints=(
        "problem.noise(n, generator) draws the noise n times; problem.A.T brings all of them into the image.",
        "Take the norm of each, over all its pixels, and then the mean of the norms.",
        "A few hundred draws are enough for one percent.",
    ),
    solution="""\
def weight(problem, generator):
    noise = problem.noise(500, generator)
    return 2 * problem.A.T(noise).flatten(1).norm(dim=1).mean()""",
    praise="Within 2 % of 2 E‖A*e‖, for three problems.",
)

CONVERT = Exercise(
    name="05c",
    title="Two other conventions",
    call="convert(reg_weight, m)",
    draw=lambda g, case: (1 + 40 * float(uniform(g, 1)), (100, 4096, 37)[case]),
    reference=lambda w, m: (w / 2, w / m),
    mistakes={
        "twice": (lambda w, m: (2 * w, w / m), "Divide the whole objective by 2. What becomes of the weight?"),
        "times m": (lambda w, m: (w / 2, w * m), "Divide the whole objective by m. What becomes of the weight?"),
        "order": (lambda w, m: (w / m, w / 2), "First the convention with a half, then that with a mean."),
        "both": (lambda w, m: (w / 2, w / (2 * m)), "The second convention has no factor 1/2 beside its mean."),
        "both ways": (lambda w, m: (2 * w, w * m), "Divide the whole objective by 2. What becomes of the weight?"),
        "root of m": (lambda w, m: (w / 2, w / m**0.5), "The data term is a sum of m squares, not a norm."),
        "unchanged": (lambda w, m: (w, w), "The objectives differ, so one weight cannot suit all of them."),
    },
    hints=(
        "An objective that is divided by a number has the same minimiser.",
        "Divide all of J by 2, and look what stands before the critic; then by m.",
    ),
    solution="""\
def convert(reg_weight, m):
    return reg_weight / 2, reg_weight / m""",
    praise="A weight without its convention is worth nothing.",
)


def _sweep(g: torch.Generator, case: int) -> tuple[Tensor, Tensor]:
    """Factors of sigma, and the PSNR of some images for each: a hill around 1 that is steeper on one side."""
    images, count, top = ((5, 33, 0.5), (7, 49, 1.8), (6, 41, 0.5))[case]
    factors = torch.logspace(-2, 2, count, base=2, dtype=torch.float64)
    off = (factors / top).log2()
    hill = 30 - torch.where(off < 0, 2.5, 0.9) * off.square()
    psnr = hill + 4 * normal(g, images, 1) + 0.5 * normal(g, images, 1) * off + 0.1 * normal(g, images, count)
    psnr[0] -= 3 * off * (1 if case % 2 else -1)  # the first image is unlike the others
    return factors, psnr


def _within(factors: Tensor, values: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    fine = factors[values >= least]
    return (fine.min(), fine.max()) if len(fine) else (factors[0] * 0, factors[0] * 0)


def _margin(factors: Tensor, psnr: Tensor, by: float) -> tuple[Tensor, Tensor]:
    mean = psnr.mean(0)
    return _within(factors, mean, mean.max() - by)


def _from_formula(factors: Tensor, psnr: Tensor) -> tuple[Tensor, Tensor]:
    mean = psnr.mean(0)
    return _within(factors, mean, mean[(factors.log2().abs()).argmin()] - 1)


def _each_image(factors: Tensor, psnr: Tensor) -> tuple[Tensor, Tensor]:
    all_fine = (psnr >= psnr.max(1, keepdim=True).values - 1).double().min(0).values
    return _within(factors, all_fine, torch.tensor(1.0))


MARGIN = Exercise(
    name="05b",
    title="How wrong may sigma be?",
    call="margin(factors, psnr)",
    draw=_sweep,
    reference=lambda f, p: _margin(f, p, 1.0),
    mistakes={
        "first image": (
            lambda f, p: _margin(f, p[:1], 1.0),
            "This is the margin of the first image. A claim about a method needs the mean over images.",
        ),
        "every image": (_each_image, "Take the mean over the images first. You ask that every image keeps its dB."),
        "half": (lambda f, p: _margin(f, p, 0.5), "The margin is 1 dB, not half of it."),
        "twice": (lambda f, p: _margin(f, p, 2.0), "The margin is 1 dB, not 2."),
        "from the formula": (_from_formula, "Measure from the best factor, which need not be the formula's 1."),
        "order": (lambda f, p: _margin(f, p, 1.0)[::-1], "First the smallest factor, then the largest."),
        "places": (
            lambda f, p: tuple(int((f == bound).nonzero()) for bound in _margin(f, p, 1.0)),
            "These are places in the list. Return the factors that stand there.",
        ),
        "squared": (
            lambda f, p: tuple(bound**2 for bound in _margin(f, p, 1.0)),
            "The weight is proportional to sigma, not to its square.",
        ),
    },
    hints=(
        "psnr has a row for each image and a column for each factor. Take the mean down the columns.",
        "Which factors have a mean of at least the best mean minus 1 dB? Return the smallest and the largest.",
    ),
    solution="""\
def margin(factors, psnr):
    mean = psnr.mean(0)
    fine = factors[mean >= mean.max() - 1]
    return fine.min(), fine.max()""",
    praise="Both sides of the hill, for the mean over images.",
)

EXERCISES = (WEIGHT, MARGIN, CONVERT)
