"""Recursive training in small: what the critic's own iterates do to it. Paper: §6, "Recursive Training"."""

from collections.abc import Iterator
from typing import Any

import torch

from ... import images
from ...critics import LocalCritic
from ...metrics import psnr
from ...operators import RayTransform, inner
from ...problem import Problem
from ...reconstruction import reconstruct
from ...reg_weight import weight_from_noise
from ...training import Eq6BySlopes, EqualLines, NoiseLeft, Paired, Pairs, WithIterates, algorithm_1, default_gp_weight
from ..train import seeded
from .settings import Row

SIZE, STEPS, RUN = 48, 500, 300


def sources(paired: Paired) -> dict[str, Pairs]:
    """What the critics are shown: pairs as in Algorithm 1, iterates too, x_real that keeps noise, and both.

    >>> list(sources(Paired(Problem(RayTransform(16, 8), 0.02), images.ellipses(4, 16))))
    ['pairs', 'iterates', 'noise left', 'iterates, noise left']
    """
    iterates = WithIterates(paired, start=200, steps=100)
    both = EqualLines(NoiseLeft(iterates, 0.3, of_iterates=0.9), distance=paired.line_length() / 5)
    return {"pairs": paired, "iterates": iterates, "noise left": NoiseLeft(paired, 0.3), "iterates, noise left": both}


def recursions() -> Iterator[Row]:
    """One row for each source of pairs."""
    for name in sources(_paired()):
        yield dict(name=name)


def measure_recursion(row: Row) -> Row:
    """A run of Algorithm 2 by a critic trained on this source: PSNR, and cosine of grad Psi and x_k - x, by iterate."""
    paired = _paired()
    pairs, problem = sources(paired)[row["name"]], paired.problem
    critic = seeded(lambda: LocalCritic(1, (16, 32)), 0)
    loss = Eq6BySlopes(default_gp_weight(paired))
    list(algorithm_1(critic, pairs, loss, STEPS, 8, learning_rate=2e-3, averaging=0.98))
    x = images.thorax(8, SIZE, torch.Generator().manual_seed(99))
    y = problem.measure(x, torch.Generator().manual_seed(5))
    found: dict[str, list[Any]] = {"psnr": [], "cosine": [], "psi": []}
    for it in reconstruct(problem, y, critic, weight_from_noise(problem), steps=RUN):
        u = it.x.detach().requires_grad_()
        (grad,) = torch.autograd.grad(critic(u).sum(), u)
        cosine = inner(grad, it.x - x) / (inner(grad, grad) * inner(it.x - x, it.x - x)).sqrt()
        for key, value in dict(psnr=psnr(it.x.clamp(0, 1), x), cosine=cosine, psi=it.regularizer).items():
            found[key].append(round(value.mean().item(), 3))
    with torch.no_grad():
        return found | {"psi of the truth": round(critic(x).mean().item(), 3)}


def _paired() -> Paired:
    problem = Problem(RayTransform(SIZE, 20), 0.02)
    return Paired(problem, images.thorax(200, SIZE, torch.Generator().manual_seed(0)))
