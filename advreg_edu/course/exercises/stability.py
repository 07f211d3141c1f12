"""Notebook 08: how far a point moves, the worst disturbance, and when Theorem 3 has nothing to speak of."""

from collections.abc import Callable
from typing import Any

import torch

from ..exercise import Answer, Exercise
from .toys import Tensor, normal, uniform

MOVES = Exercise(
    name="08a",
    title="How far a point moves",
    call="moves(distance, reg_weight)",
    draw=lambda g, case: (2 * uniform(g, (5, 9, 20)[case]), 0.8 + 1.2 * float(uniform(g, 1))),
    reference=lambda d, w: d.clamp(max=w / 2),
    mistakes={
        "never stops": (lambda d, w: torch.full_like(d, w / 2), "A point stops when it arrives."),
        "what is left": (
            lambda d, w: (d - w / 2).clamp_min(0),
            "This is the distance that is left, not the way that was gone.",
        ),
        "without half": (
            lambda d, w: d.clamp(max=w),
            "Set the gradient of the objective to zero: the data term brings a factor 2.",
        ),
        "always arrives": (lambda d, w: d, "Not every point arrives. How strong is the pull of the data?"),
        "scaled": (
            lambda d, w: d * w / (2 + w),
            "This would hold for a squared distance. The critic pulls with the same force wherever it is.",
        ),
        "linear": (lambda d, w: d * w / 2, "The critic pulls with the same force wherever it is."),
    },
    hints=(
        "Far from the manifold the two forces balance: 2 ||x - y|| = reg_weight.",
        "Near it the point arrives before they do, and stays.",
    ),
    solution="""\
def moves(distance, reg_weight):
    return distance.clamp(max=reg_weight / 2)""",
    praise="Near points arrive, far points go half of the weight.",
)


def _map(g: torch.Generator, case: int) -> tuple[Any, ...]:
    """A linear map, its adjoint and a start."""
    m, n = ((8, 8), (12, 7), (6, 15))[case]
    U, _, Vt = torch.linalg.svd(normal(g, m, n), full_matrices=False)
    J = U * torch.linspace(4, 0.1, len(Vt)).double() @ Vt
    return (lambda x: J @ x), (lambda y: J.T @ y), normal(g, n), 150


def _iterated(change: Callable[..., Tensor], last: bool = True, rounds: int | None = None) -> Answer:
    def answer(J: Any, Jt: Any, start: Tensor, steps: int) -> Tensor:
        d = start
        for _ in range(steps if rounds is None else rounds):
            d = change(J, Jt, d)
            d = d / d.norm()
        return d / d.norm() if last else 3 * d

    return answer


WORST = (
    "Its length is not 1. A disturbance is compared with others of its length.",
    "Another disturbance is amplified more. Does each round go forth by J and back by its adjoint?",
)


def _gain(answer: Answer, J: Any, Jt: Any, start: Tensor, steps: int) -> list[float]:
    delta = torch.as_tensor(answer(J, Jt, start.clone(), steps))
    matrix = torch.stack([J(e) for e in torch.eye(len(start)).double()], dim=1)
    most = torch.linalg.matrix_norm(matrix, 2)
    length = delta.norm()
    good = bool(length.isfinite()) and delta.shape == start.shape and float(length) > 0
    unit = good and abs(float(length) - 1) < 1e-4
    return [float(unit), float(good and float(J(delta / length).norm()) > 0.999 * float(most))]


POWER = Exercise(
    name="08b",
    title="The worst disturbance",
    call="worst(J, Jt, start, steps)",
    draw=_map,
    observe=_gain,
    features=WORST,
    reference=_iterated(lambda J, Jt, d: Jt(J(d))),
    mistakes={
        "start": (lambda J, Jt, start, steps: start / start.norm(), WORST[1]),
        "one round": (_iterated(lambda J, Jt, d: Jt(J(d)), rounds=1), WORST[1]),
        "not normalised": (_iterated(lambda J, Jt, d: Jt(J(d)), last=False), WORST[0]),
        "smallest": (_iterated(lambda J, Jt, d: 40 * d - Jt(J(d))), WORST[1]),
    },
    hints=(
        "J multiplies each singular pattern by its value, and so does the adjoint on the way back.",
        "After many rounds of Jt(J(d)) the pattern with the largest value is all that is left.",
        "Divide by the norm in every round: the numbers grow without end otherwise.",
    ),
    solution="""\
def worst(J, Jt, start, steps):
    delta = start
    for _ in range(steps):
        delta = Jt(J(delta))
        delta = delta / delta.norm()
    return delta""",
    praise="The first singular pattern, for three shapes of J.",
)


def _objective(g: torch.Generator, case: int) -> tuple[Tensor, Tensor]:
    """A matrix and a slope: by chance A sees all of it, a part, or nothing."""
    m, n, rank = ((6, 4, 4), (3, 5, 3), (4, 4, 3), (5, 5, 5), (6, 4, 2))[case % 5]
    A = normal(g, m, rank) @ normal(g, rank, n)
    slope, kind = normal(g, n), float(uniform(g, 1))
    seen = torch.linalg.pinv(A) @ (A @ slope)
    if kind < 0.4:
        slope = seen
    elif kind < 0.7 and rank < n:
        slope = slope - seen
    return A, slope * (0.3 + 2 * float(uniform(g, 1))) / slope.norm()


def _in_row_space(A: Tensor, g: Tensor) -> bool:
    return bool((torch.linalg.pinv(A) @ (A @ g) - g).norm() < 1e-8 * g.norm())


def _truth(answer: Answer, A: Tensor, slope: Tensor) -> float:
    return float(bool(answer(A, slope)))


EXISTS = Exercise(
    name="08c",
    title="Is there a minimum?",
    call="has_minimum(A, g)",
    draw=_objective,
    observe=_truth,
    cases=20,
    reference=_in_row_space,
    mistakes={
        "always": (lambda A, g: True, "Section 7 has a case without a minimum."),
        "never": (lambda A, g: False, "Where A sees everything, the data term grows like a square and wins."),
        "injective": (
            lambda A, g: torch.linalg.matrix_rank(A) == A.shape[1],
            "This is enough, but not needed: the slope may point to where A does see.",
        ),
        "slope at most 1": (
            lambda A, g: g.norm() <= 1,
            "The slope of section 7 is 1. It is its direction that does harm.",
        ),
        "A sees the slope": (
            lambda A, g: (A @ g).norm() > 1e-8,
            "It is not enough that A sees a part of the slope. Is there a part that it does not see?",
        ),
        "changed over": (lambda A, g: not _in_row_space(A, g), "Yes and no are changed over."),
    },
    hints=(
        "Go in a direction d with A d = 0. The data term stays as it is; what does the other term do?",
        "A minimum exists if and only if g is orthogonal to every d with A d = 0.",
        "That is: g is a combination of the rows of A. Compare torch.linalg.pinv(A) @ (A @ g) with g.",
    ),
    solution="""\
def has_minimum(A, g):
    seen = torch.linalg.pinv(A) @ (A @ g)
    return bool((seen - g).norm() < 1e-6 * g.norm())""",
    praise="Twenty pairs, with matrices of every shape.",
)

EXERCISES = (MOVES, POWER, EXISTS)
