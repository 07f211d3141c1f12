"""Notebook 00: a decibel from its definition, six lines, and why the critic is lower at the end than at the truth."""

import math
from typing import Any

import torch

from ... import operators
from ...problem import Problem
from ...reconstruction import reconstruct
from ...reg_weight import weight_from_noise
from ..exercise import Exercise
from .toys import Tensor, distance_to_flat, mask_operator, normal, uniform


def _images(g: torch.Generator, case: int) -> tuple[Tensor, Tensor]:
    count, channels, size = ((2, 1, 8), (3, 3, 12), (4, 1, 16))[case]
    x_true = 0.3 + 0.4 * uniform(g, count, channels, size, size)
    scales = torch.linspace(0.02, 0.1, count).double().view(-1, 1, 1, 1)
    return (x_true + scales * normal(g, *x_true.shape)).clamp(0, 1), x_true


def _mse(x: Tensor, x_true: Tensor) -> Tensor:
    return (x - x_true).square().flatten(1).mean(1)


PSNR = Exercise(
    name="00a",
    title="The decibel from its definition",
    call="psnr(x, x_true)",
    draw=_images,
    reference=lambda x, x_true: -10 * _mse(x, x_true).log10(),
    mistakes={
        "natural log": (lambda x, t: -10 * _mse(x, t).log(), "The decibel uses the logarithm to base 10."),
        "20 for 10": (
            lambda x, t: -20 * _mse(x, t).log10(),
            "20 log10 belongs to amplitudes; the error is squared already.",
        ),
        "root": (lambda x, t: -5 * _mse(x, t).log10(), "Is the error still squared when the logarithm sees it?"),
        "sign": (lambda x, t: 10 * _mse(x, t).log10(), "A smaller error should give a larger PSNR."),
        "sum": (
            lambda x, t: -10 * (x - t).square().flatten(1).sum(1).log10(),
            "PSNR uses a mean over pixels: a larger image must not have a lower value.",
        ),
        "one for the batch": (
            lambda x, t: -10 * (x - t).square().mean().log10(),
            "Each image of the batch needs a number of its own.",
        ),
        "mean of the batch": (
            lambda x, t: (-10 * _mse(x, t).log10()).mean(),
            "Each image of the batch needs a number of its own.",
        ),
        "absolute": (
            lambda x, t: -10 * (x - t).abs().flatten(1).mean(1).log10(),
            "The definition has a mean squared error.",
        ),
        "decibels of pixels": (
            lambda x, t: -10 * (x - t).square().clamp_min(1e-12).log10().flatten(1).mean(1),
            "Which comes first, the mean or the logarithm?",
        ),
        "range 255": (
            lambda x, t: 20 * math.log10(255) - 10 * _mse(x, t).log10(),
            "These intensities reach from 0 to 1. What is the peak?",
        ),
    },
    hints=(
        "Begin with the mean squared error of each image: one number per image, so the mean runs over three axes.",
        "flatten(1) keeps the batch axis and joins the others.",
        "Ten times less error is 10 dB more, and an error of 1 is 0 dB.",
    ),
    solution="""\
def psnr(x, x_true):
    error = (x - x_true).square().flatten(1).mean(1)
    return -10 * torch.log10(error)""",
    praise="The same as ar.psnr, on gray and coloured images of three sizes.",
)


def _noisy(g: torch.Generator, case: int) -> tuple[Problem, Tensor, Any]:
    size, sigma = ((16, 0.1), (24, 0.05), (16, 0.2))[case]
    x = torch.full((2, 1, size, size), 0.3, dtype=torch.float64)
    x[..., size // 2 :] = 0.7
    problem = Problem(operators.Identity((1, size, size)), sigma)
    return problem, problem.measure(x, g), distance_to_flat


def _minimise(problem: Problem, y: Tensor, critic: Any, reg_weight: Any, steps: int = 400) -> Tensor:
    *_, it = reconstruct(problem, y, critic, reg_weight, step_size="auto", steps=steps, stop="gradient")
    return it.x


SIX_LINES = Exercise(
    name="00b",
    title="A reconstruction in three lines",
    call="denoise(problem, y, critic)",
    draw=_noisy,
    reference=lambda problem, y, critic: _minimise(problem, y, critic, weight_from_noise(problem)),
    mistakes={
        "nothing removed": (
            lambda problem, y, critic: problem.naive(y),
            "What came back is A†y. The last iterate of the run is the one that is wanted.",
        ),
        "weight of CT": (
            lambda problem, y, critic: _minimise(problem, y, critic, 0.4),
            "The weight did not change with the problem. Compute it from operator and noise, as in section 3.",
        ),
        "weight 1": (
            lambda problem, y, critic: _minimise(problem, y, critic, 1.0),
            "The weight did not change with the problem. Compute it from operator and noise, as in section 3.",
        ),
        "half": (
            lambda problem, y, critic: _minimise(problem, y, critic, weight_from_noise(problem) / 2),
            "Your weight is half of the formula's. Our data term has no factor 1/2.",
        ),
        "twice": (
            lambda problem, y, critic: _minimise(problem, y, critic, 2 * weight_from_noise(problem)),
            "Your weight is twice the formula's. ar.weight_from_noise has the factor 2 in it.",
        ),
        "times sigma": (
            lambda problem, y, critic: _minimise(problem, y, critic, weight_from_noise(problem) * problem.sigma),
            "ar.weight_from_noise knows sigma already.",
        ),
    },
    hints=(
        "Section 3 has all you need: a weight, a run, the last iterate.",
        "ar.reconstruct yields iterates. list(...)[-1] is the last one, and its .x is the image.",
        'Take step_size="auto", steps=400 and stop="gradient": a run of fixed length may end too early.',
    ),
    solution="""\
def denoise(problem, y, critic):
    reg_weight = ar.weight_from_noise(problem)
    *_, last = ar.reconstruct(problem, y, critic, reg_weight, step_size="auto", steps=400, stop="gradient")
    return last.x""",
    tolerance=0.01,
    praise="Three noise levels, each with the weight that belongs to it.",
)


def _end_and_truth(g: torch.Generator, case: int) -> tuple[Any, ...]:
    size, reg_weight = ((8, 0.7), (12, 3.0), (16, 1.6))[case]
    A = mask_operator(g, size)
    x_true, x_end = uniform(g, 1, 1, size, size), uniform(g, 1, 1, size, size)
    y = A(x_true) + 0.1 * A(normal(g, 1, 1, size, size))
    return A, y, distance_to_flat, reg_weight, x_true, 0.7 * x_true + 0.3 * x_end


def _fit(A: Any, y: Tensor, x: Tensor) -> Tensor:
    return (A(x) - y).square().sum()


def _shares(A: Any, y: Tensor, critic: Any, reg_weight: float, x_true: Tensor, x_end: Tensor) -> tuple[Tensor, Tensor]:
    return _fit(A, y, x_true) - _fit(A, y, x_end), reg_weight * (critic(x_true) - critic(x_end)).sum()


SHARES = Exercise(
    name="00c",
    title="Where the end beats the truth",
    call="shares(A, y, critic, reg_weight, x_true, x_end)",
    draw=_end_and_truth,
    reference=_shares,
    mistakes={
        "sign": (
            lambda *a: tuple(-part for part in _shares(*a)),
            "Wanted is the truth minus the end: positive where the end is lower.",
        ),
        "order": (lambda *a: _shares(*a)[::-1], "First the share of the data term, then that of the critic."),
        "without its weight": (
            lambda A, y, critic, w, t, x: _shares(A, y, critic, 1.0, t, x),
            "What stands in J is the critic times its weight.",
        ),
        "norm": (
            lambda A, y, critic, w, t, x: (
                (A(t) - y).norm() - (A(x) - y).norm(),
                _shares(A, y, critic, w, t, x)[1],
            ),
            "The data term is the norm squared.",
        ),
        "mean": (
            lambda A, y, critic, w, t, x: (
                (A(t) - y).square().mean() - (A(x) - y).square().mean(),
                _shares(A, y, critic, w, t, x)[1],
            ),
            "The data term of this course is a sum over the data, not a mean.",
        ),
    },
    hints=(
        "Write J(x) as two numbers, the data term and reg_weight times the critic.",
        "Take both numbers at x_true and subtract those at x_end.",
    ),
    solution="""\
def shares(A, y, critic, reg_weight, x_true, x_end):
    fit = lambda x: (A(x) - y).square().sum().item()
    belief = lambda x: float(reg_weight) * critic(x).sum().item()
    return fit(x_true) - fit(x_end), belief(x_true) - belief(x_end)""",
    praise="Now apply it to the run of section 3 and explain the two numbers.",
)

EXERCISES = (PSNR, SIX_LINES, SHARES)
