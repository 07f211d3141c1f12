"""Notebook 03: the points between the heaps, Eq. 6, and the weight that keeps the slope near 1."""

from collections.abc import Callable
from typing import Any

import torch

from ..exercise import Answer, Exercise, Unexpected
from .toys import Bowl, Tensor, normal, uniform


def _heaps(g: torch.Generator, case: int) -> tuple[Tensor, Tensor, torch.Generator]:
    shape = ((64, 1, 5, 5), (80, 3, 4, 6), (100, 1, 8, 3))[case]
    x_real = uniform(g, *shape)
    return x_real, x_real + 0.2 * normal(g, *shape), g


MIX = (
    "The point does not lie on the line between its two images.",
    "The mixing number differs from pixel to pixel. A point on a line has one.",
    "All images have the same mixing number. Each draws its own.",
    "Some points lie beyond the ends of their line. From which interval is the mixing number drawn?",
    "The mixing numbers do not fill the interval from 0 to 1 evenly.",
    "The slope at x_i needs x_i.requires_grad.",
    "The same generator gave other points: the mixing numbers have to come from it.",
)


def _mixing(answer: Answer, x_real: Tensor, x_noisy: Tensor, generator: torch.Generator) -> list[float]:
    """What can be seen of the points that an answer returns, in the order of MIX."""
    start = generator.get_state()
    x_i = answer(x_real, x_noisy, generator)
    if not isinstance(x_i, Tensor) or x_i.shape != x_real.shape:
        raise Unexpected(f"The check expected a tensor of the shape {tuple(x_real.shape)}.")
    ratio = ((x_i.detach() - x_noisy) / (x_real - x_noisy)).flatten(1)
    sure = ((x_real - x_noisy).abs() > 1e-3).flatten(1)  # where the division is exact enough
    mix = torch.stack([row[keep].mean() for row, keep in zip(ratio, sure, strict=True)])
    spread = max(float(row[keep].std()) for row, keep in zip(ratio, sure, strict=True))
    off = (x_i.detach() - x_noisy - mix.view(-1, 1, 1, 1) * (x_real - x_noisy)).abs().max()
    inside = bool((ratio[sure] > -1e-3).all() and (ratio[sure] < 1 + 1e-3).all())
    one, several = spread < 1e-3, float(mix.std()) > 1e-3
    even = abs(float(mix.mean()) - 0.5) < 0.15 and 0.2 < float(mix.std()) < 0.4
    on_lines = not one or float(off) < 1e-4
    again = bool((answer(x_real, x_noisy, generator.set_state(start)) == x_i).all())
    likely = even or not (one and several and inside)
    checks = (on_lines, one, several, inside or not one, likely, x_i.requires_grad, again)
    return [float(fine) for fine in checks]


def _mixed(draw: Callable[[Tensor, torch.Generator], Tensor], grad: bool = True) -> Answer:
    def answer(x_real: Tensor, x_noisy: Tensor, generator: torch.Generator) -> Tensor:
        mix = draw(x_real, generator)
        return (mix * x_real + (1 - mix) * x_noisy).requires_grad_(grad)

    return answer


def _each(x: Tensor, g: torch.Generator) -> Tensor:
    return torch.rand(len(x), 1, 1, 1, generator=g)


MIXED = Exercise(
    name="03a",
    title="Points between the heaps",
    call="mixed(x_real, x_noisy, generator)",
    draw=_heaps,
    observe=_mixing,
    features=MIX,
    reference=_mixed(_each),
    mistakes={
        "per pixel": (_mixed(lambda x, g: torch.rand(x.shape, generator=g)), MIX[1]),
        "one for all": (_mixed(lambda x, g: torch.rand(1, generator=g)), MIX[2]),
        "midpoint": (_mixed(lambda x, g: torch.tensor(0.5)), MIX[2]),
        "normal": (_mixed(lambda x, g: torch.randn(len(x), 1, 1, 1, generator=g)), MIX[3]),
        "near one end": (_mixed(lambda x, g: 0.1 * _each(x, g)), MIX[4]),
        "detached": (_mixed(_each, grad=False), MIX[5]),
        "no generator": (_mixed(lambda x, g: torch.rand(len(x), 1, 1, 1)), MIX[6]),
        "noise": (lambda x_real, x_noisy, g: _mixed(_each)(x_real, torch.zeros_like(x_real), g), MIX[1]),
    },
    hints=(
        "One number from torch.rand for each image: what shape must it have so that it multiplies a batch?",
        "The shape (batch, 1, 1, 1) spreads over channels and pixels.",
        "requires_grad_() at the end makes the point one to differentiate by.",
    ),
    solution="""\
def mixed(x_real, x_noisy, generator):
    mix = torch.rand(len(x_real), 1, 1, 1, generator=generator)
    return (mix * x_real + (1 - mix) * x_noisy).requires_grad_()""",
    praise="Which end has the mixing number does not matter: mix and 1 - mix are drawn alike.",
)


def _batch(g: torch.Generator, case: int) -> tuple[Any, ...]:
    channels, gp_weight = ((1, 2.0), (3, 10.0), (2, 0.7))[case]
    scales = torch.tensor([0.2, 1.0, 2.0, 4.0], dtype=torch.float64).view(-1, 1, 1, 1) * 1.2 / channels**0.5
    x_real, x_noisy = (scales * normal(g, 4, channels, 8, 8) for _ in range(2))
    return Bowl(), x_real, x_noisy, uniform(g, 4, 1, 1, 1), gp_weight


def _value_and_gradient(answer: Answer, critic: Bowl, *rest: Any) -> Any:
    """The loss and its gradient in the weights, which is what Adam will use."""
    loss = answer(critic, *rest)
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.requires_grad:
        raise Unexpected("The check expected one number that torch can differentiate by the weights of the critic.")
    (gradient,) = torch.autograd.grad(loss, critic.weight)
    return loss.reshape(()), gradient


def _slopes(critic: Bowl, x_i: Tensor, create_graph: bool = True) -> Tensor:
    x_i = x_i.detach().requires_grad_()
    return torch.autograd.grad(critic(x_i).sum(), x_i, create_graph=create_graph)[0].flatten(1).norm(dim=1)


def _eq6(
    penalty: Callable[[Tensor], Tensor] = lambda slopes: (slopes - 1).relu().square().mean(),
    sign: float = 1.0,
    **options: bool,
) -> Answer:
    def loss(critic: Bowl, x_real: Tensor, x_noisy: Tensor, mix: Tensor, gp_weight: float) -> Tensor:
        slopes = _slopes(critic, mix * x_real + (1 - mix) * x_noisy, **options)
        return sign * (critic(x_real).mean() - critic(x_noisy).mean()) + gp_weight * penalty(slopes)

    return loss


def _sums(critic: Bowl, x_real: Tensor, x_noisy: Tensor, mix: Tensor, gp_weight: float) -> Tensor:
    return len(x_real) * _eq6()(critic, x_real, x_noisy, mix, gp_weight)


def _by_channel(critic: Bowl, x_real: Tensor, x_noisy: Tensor, mix: Tensor, gp_weight: float) -> Tensor:
    x_i = (mix * x_real + (1 - mix) * x_noisy).requires_grad_()
    slopes = torch.autograd.grad(critic(x_i).sum(), x_i, create_graph=True)[0].norm(dim=1)
    return critic(x_real).mean() - critic(x_noisy).mean() + gp_weight * (slopes - 1).relu().square().mean()


NO_FINE = "Some slopes are above 1, and yours are not fined. Is a slope one norm, over channels and pixels?"
EQ6 = Exercise(
    name="03b",
    title="Eq. 6 from memory",
    call="loss(critic, x_real, x_noisy, mix, gp_weight)",
    draw=_batch,
    observe=_value_and_gradient,
    reference=_eq6(),
    mistakes={
        "two-sided": (_eq6(lambda s: (s - 1).square().mean()), "A slope below 1 should cost nothing."),
        "squared norm": (
            _eq6(lambda s: (s.square() - 1).relu().square().mean()),
            "Take the root before you subtract 1: the slope is a norm.",
        ),
        "sign": (_eq6(sign=-1.0), "This critic would be high on real images. On which heap should it be low?"),
        "mean first": (
            _eq6(lambda s: (s.mean() - 1).relu().square()),
            "Each image is fined for its own excess; the mean comes last.",
        ),
        "not squared": (_eq6(lambda s: (s - 1).relu().mean()), "The excess is squared in the penalty."),
        "absolute": (_eq6(lambda s: (s - 1).abs().square().mean()), "A slope below 1 should cost nothing."),
        "norm over channels": (_by_channel, NO_FINE),
        "sum": (_sums, "Every expectation is a mean over the batch, not a sum."),
        "sum of the penalty": (
            _eq6(lambda s: (s - 1).relu().square().sum()),
            "The penalty is a mean over the batch, too.",
        ),
        "no weight": (
            lambda critic, x_real, x_noisy, mix, w: _eq6()(critic, x_real, x_noisy, mix, 1.0),
            "The penalty has lost its weight.",
        ),
        "norm of the batch": (
            _eq6(lambda s: (s.norm() - 1).relu().square()),
            "This is one norm over all images. Each image has a slope of its own.",
        ),
        "no penalty": (_eq6(lambda s: s.new_zeros(())), NO_FINE),
        "no create_graph": (
            _eq6(create_graph=False),
            "The value is right, but its gradient in the weights is not: the penalty must be differentiated again.",
        ),
    },
    hints=(
        "Three parts: the mean on real images, minus the mean on noisy ones, plus the weight times the penalty.",
        "The slope of image k is the norm of the gradient at x_i, over all its pixels: flatten(1).norm(dim=1).",
        "The penalty is differentiated again, by the weights: torch.autograd.grad needs create_graph=True.",
    ),
    solution="""\
def loss(critic, x_real, x_noisy, mix, gp_weight):
    x_i = (mix * x_real + (1 - mix) * x_noisy).requires_grad_()
    (grad,) = torch.autograd.grad(critic(x_i).sum(), x_i, create_graph=True)
    slope = grad.flatten(1).norm(dim=1)
    penalty = (slope - 1).relu().square().mean()
    return critic(x_real).mean() - critic(x_noisy).mean() + gp_weight * penalty""",
    praise="Value and gradient by the weights, for slopes from 0.2 to 4.",
)

WEIGHT_FOR = Exercise(
    name="03c",
    title="The weight of the penalty",
    call="gp_weight_for(excess, distance)",
    draw=lambda g, case: ((0.05, 0.2, 0.01)[case], 1 + 9 * float(uniform(g, 1))),
    reference=lambda excess, W: W / (2 * excess),
    mistakes={
        "without 2": (lambda e, W: W / e, "The derivative of the square brings a factor 2."),
        "2 above": (lambda e, W: 2 * W / e, "The factor 2 stands on the other side of the fraction."),
        "product": (lambda e, W: W * e / 2, "A smaller excess asks for a heavier penalty."),
        "slope": (lambda e, W: W / (2 * (1 + e)), "The excess is what the slope has beyond 1, not the slope."),
        "inverse": (lambda e, W: 2 * e / W, "This is the inverse of the weight."),
    },
    hints=(
        "Section 8 gives the slope s at which -s W + mu (s - 1)^2 is smallest.",
        "The excess is s - 1 = W / (2 mu). Solve for mu.",
    ),
    solution="""\
def gp_weight_for(excess, distance):
    return distance / (2 * excess)""",
    praise="An excess of 5 % asks for ten times the distance between the heaps.",
)

EXERCISES = (MIXED, EQ6, WEIGHT_FOR)
