"""Notebook 06: a step of Algorithm 2, a stopping rule of your own, and the step size from the curvature."""

from collections.abc import Callable
from typing import Any

import torch

from ...baselines import SmoothedTV, stability_limit
from ...operators import Identity, RayTransform
from ...problem import Problem
from ..exercise import Answer, Exercise
from .toys import Counted, Hill, Tensor, distance_to_flat, gradient_of, mask_operator, normal, uniform


def _point(g: torch.Generator, case: int) -> tuple[Any, ...]:
    size, angles, weight, step_size = ((24, 10, 0.7, 0.3), (16, 24, 2.0, 0.05), (20, 6, 0.3, 0.8))[case]
    A = RayTransform(size, angles=angles)
    x = uniform(g, 2, 1, size, size).float()
    y = A(uniform(g, 2, 1, size, size).float()) + 0.3 * torch.randn(2, *A.range_shape, generator=g)
    return A, y, x, distance_to_flat, weight, step_size


def _by(data: Callable[[Any, Tensor, Tensor], Tensor], change: Callable[[float], float] = lambda w: w) -> Answer:
    """A step with a gradient of the data term of its own, and a changed weight."""

    def step(A: Any, y: Tensor, x: Tensor, critic: Any, reg_weight: float, step_size: float) -> Tensor:
        return x - step_size * (data(A, x, y) + change(reg_weight) * gradient_of(critic, x))

    return step


def _of_square(A: Any, x: Tensor, y: Tensor) -> Tensor:
    return 2 * A.T(A(x) - y)


def _on_data(A: Any, y: Tensor, x: Tensor, critic: Any, reg_weight: float, step_size: float) -> Tensor:
    return x - step_size * (reg_weight * _of_square(A, x, y) + gradient_of(critic, x))


def _full_critic(A: Any, y: Tensor, x: Tensor, critic: Any, reg_weight: float, step_size: float) -> Tensor:
    return x - step_size * _of_square(A, x, y) - reg_weight * gradient_of(critic, x)


def _move(answer: Answer, A: Any, y: Tensor, x: Tensor, *rest: Any) -> Tensor:
    moved = answer(A, y, x.clone(), *rest)
    return moved - x if isinstance(moved, Tensor) and moved.shape == x.shape else moved


STEP = Exercise(
    name="06a",
    title="A step of Algorithm 2",
    call="step(A, y, x, critic, reg_weight, step_size)",
    draw=_point,
    observe=_move,
    tolerance=1e-3,
    reference=_by(_of_square),
    mistakes={
        "half": (
            _by(lambda A, x, y: A.T(A(x) - y)),
            "Differentiate the square of the data term, which has no factor 1/2 before it.",
        ),
        "ascent": (_by(_of_square, lambda w: -w), "You climb on the critic. Real images have a low value."),
        "ascent on the data": (_by(lambda A, x, y: -_of_square(A, x, y)), "Look at the sign of the data term."),
        "both signs": (
            _by(lambda A, x, y: -_of_square(A, x, y), lambda w: -w),
            "This step leads uphill.",
        ),
        "pseudo-inverse": (
            _by(lambda A, x, y: 2 * A.pinv(A(x) - y)),
            "The gradient of the data term holds the adjoint, and not the pseudo-inverse.",
        ),
        "weight on the data": (_on_data, "The weight belongs to the critic."),
        "step on the data": (_full_critic, "The step size multiplies both gradients."),
        "no weight": (_by(_of_square, lambda w: 1.0), "The critic has lost its weight."),
        "no critic": (_by(_of_square, lambda w: 0.0), "The critic is missing: this fits the data alone."),
        "mean": (
            _by(lambda A, x, y: _of_square(A, x, y) / y[0].numel()),
            "The data term is a sum over the data, not a mean.",
        ),
    },
    hints=(
        "Two gradients: of the squared norm by hand, 2 A*(Ax - y), and of the critic by torch.autograd.grad.",
        "The second is multiplied by the weight. Subtract step_size times their sum from x.",
        "Or let torch do both: J = (A(x) - y).square().sum() + reg_weight * critic(x).sum().",
    ),
    solution="""\
def step(A, y, x, critic, reg_weight, step_size):
    x = x.detach().requires_grad_()
    (grad,) = torch.autograd.grad(critic(x).sum(), x)
    return (x - step_size * (2 * A.T(A(x) - y) + reg_weight * grad)).detach()""",
    praise="Line 3 of Algorithm 2, for three scanners.",
)


def _case(g: torch.Generator, case: int) -> tuple[Any, ...]:
    """Denoising, which is over after a few steps; inpainting, which takes hundreds; and one between."""
    size, weight, beta = ((8, 0.05, 0.2), (8, 0.05, 0.1), (8, 0.4, 0.1))[case]
    A = Identity((1, size, size)) if case != 1 else mask_operator(g, size)
    x = torch.full((1, 1, size, size), 0.3, dtype=torch.float64)
    x[..., size // 2 :] = 0.7
    y = A(x) + 0.1 * A(normal(g, 1, 1, size, size))
    f = SmoothedTV(beta)
    return Problem(A, 0.1), y, f, weight, stability_limit(A, f, weight) / 2


def _descend(problem: Problem, y: Tensor, critic: Any, reg_weight: float, step_size: float, ends: Any) -> Tensor:
    x, first = problem.naive(y), 0.0
    for k in range(4000):
        gradient = _of_square(problem.A, x, y) + reg_weight * gradient_of(critic, x)
        first = first or float(gradient.norm())
        if ends(k, float(gradient.norm()) / first, problem, x, y):
            break
        x = x - step_size * gradient
    return x


def _stopping(ends: Any) -> Answer:
    return lambda problem, y, critic, weight, step_size: _descend(problem, y, critic, weight, step_size, ends)


STOPS = (
    "The run ended on its way: on one of the problems it is still more than 5 % of the way from the minimum.",
    "The run went on long after it had arrived. On an easy problem a few dozen steps are enough.",
)


def _end(answer: Answer, problem: Problem, y: Tensor, critic: Any, reg_weight: float, step_size: float) -> list[float]:
    counted = Counted(critic)
    x = answer(problem, y, counted, reg_weight, step_size)
    steps = Counted(critic)
    goal = _descend(problem, y, steps, reg_weight, step_size, lambda k, size, *_: size < 1e-4)
    near = float((torch.as_tensor(x) - goal).norm() / (problem.naive(y) - goal).norm())
    return [float(near < 0.05), float(counted.calls <= 4 * steps.calls + 100)]


STOPPING = Exercise(
    name="06c",
    title="A stopping rule of your own",
    call="descend(problem, y, critic, reg_weight, step_size)",
    draw=_case,
    observe=_end,
    features=STOPS,
    reference=_stopping(lambda k, size, *_: size < 1e-3),
    mistakes={
        "fixed, short": (_stopping(lambda k, *_: k == 30), STOPS[0]),
        "fixed, long": (_stopping(lambda k, *_: k == 3000), STOPS[1]),
        "first step": (_stopping(lambda k, *_: k == 1), STOPS[0]),
        "loose": (_stopping(lambda k, size, *_: size < 0.3), STOPS[0]),
    },
    hints=(
        "At a minimum the gradient of J is zero. Its length tells how far the run has come.",
        "Compare the length of the gradient with that at the start, and stop at a thousandth of it.",
    ),
    solution="""\
def descend(problem, y, critic, reg_weight, step_size):
    x, first = problem.naive(y), None
    while True:
        x = x.detach().requires_grad_()
        J = (problem.A(x) - y).square().sum() + reg_weight * critic(x).sum()
        (grad,) = torch.autograd.grad(J, x)
        first = first or grad.norm()
        if grad.norm() <= 1e-3 * first:
            return x.detach()
        x = x - step_size * grad""",
    praise="At the minimum of three problems, without the truth, and without a number of steps.",
)


def _curved(g: torch.Generator, case: int) -> tuple[Any, ...]:
    size, top, norm_A, weight = ((4, 3.0, 1.0, 0.4), (5, 0.8, 0.5, 44.0), (6, 20.0, 2.0, 0.1))[case]
    return norm_A, weight, Hill(g, size * size, top * float(0.6 + uniform(g, 1))), normal(g, 1, 1, size, size)


def _safe(limit: Callable[[float, float, float], float]) -> Answer:
    """A step size from the norm of A, the weight, and the largest curvature of the critic."""
    return lambda norm_A, weight, critic, x: limit(norm_A, weight, float(critic.curvatures[0]))


STEP_SIZE = Exercise(
    name="06b",
    title="The step size from the curvature",
    call="limit(norm_A, reg_weight, critic, x)",
    draw=_curved,
    tolerance=0.02,
    reference=_safe(lambda a, w, L: 2 / (2 * a**2 + w * L)),
    mistakes={
        "data alone": (
            _safe(lambda a, w, L: 1 / a**2),
            "The critic is curved too. Look at the photograph of section 3: 0.6 gives a bad image and no error.",
        ),
        "no weight": (_safe(lambda a, w, L: 2 / (2 * a**2 + L)), "The curvature of the critic counts by its weight."),
        "half of it": (_safe(lambda a, w, L: 1 / (2 * a**2 + w * L)), "This is safe, but it is not the limit."),
        "half in the data": (_safe(lambda a, w, L: 2 / (a**2 + w * L)), "Our data term has no factor 1/2."),
        "norm not squared": (_safe(lambda a, w, L: 2 / (2 * a + w * L)), "In the data term A appears twice."),
        "slope": (
            lambda a, w, critic, x: 2 / (2 * a**2 + w * float(gradient_of(critic, x).norm())),
            "You took the length of the gradient. Curvature is how fast the gradient changes.",
        ),
    },
    hints=(
        "Between x and x + d the gradient changes by about H d. Its length over that of d is a curvature.",
        "Take for d the last change, scaled to length 0.001, again and again: it turns to the most curved direction.",
        "After 50 rounds the ratio is L of the critic. The limit is 2 / (2 norm_A^2 + reg_weight L).",
    ),
    solution="""\
def limit(norm_A, reg_weight, critic, x):
    def gradient(z):
        z = z.detach().requires_grad_()
        return torch.autograd.grad(critic(z).sum(), z)[0]

    d = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    for _ in range(50):
        d = 1e-3 * d / d.norm()
        d = gradient(x + d) - gradient(x)
    return 2 / (2 * norm_A**2 + reg_weight * d.norm() / 1e-3)""",
    praise="For flat and for strongly curved critics, within 2 %.",
)

EXERCISES = (STEP, STEP_SIZE, STOPPING)
