"""What the critic minimises. Paper: §3.1, Eq. 6; Algorithm 1, lines 5 and 6.

A loss of one's own is a child of `Eq6`, `@dataclass(frozen=True, repr=False)`, with `__call__`; with `check` if it
cannot score every source; and with `needs_whole_batch = True` unless it is a mean over the pairs.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .._input.arguments import check_batch, check_finite, check_float, check_images, check_number, place_of
from .._input.networks import (
    check_network,
    check_values,
    computing_type,
    derivatives,
    evaluate,
    gradient_by,
    variable,
)
from .._input.signature import check_instance
from ..critics import Critic
from ..hardware.devices import moved
from ..operators import inner
from .pairs import Batch, Pairs


class Score(NamedTuple):
    """Eq. 6 and its parts, scalars."""

    loss: Tensor
    wasserstein: Tensor  # mean Psi(x_noisy) - mean Psi(x_real), estimates Eq. 7 from below
    gradient_norm: Tensor  # mean ||grad Psi(x_i)||


@dataclass(frozen=True)
class Eq6:
    """mean Psi(x_real) - mean Psi(x_noisy) + gp_weight * mean (||grad Psi(x_i)|| - 1)_+^2, as the paper writes it.

    Args: gp_weight >= 0, called lambda in Eq. 6 and mu in Alg. 1.

    >>> batch = Batch.between(torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2))
    >>> steep = lambda x: x.flatten(1).sum(1)  # its slope on 4 pixels is 2
    >>> Eq6(gp_weight=10.0)(steep, batch, draw_mix(batch.x_real)).loss.item()  # -4 + 10 (2 - 1)^2
    6.0
    """

    gp_weight: float = 20.0
    needs_whole_batch = False  # a mean over the batch can be taken in parts

    def __post_init__(self) -> None:
        check_number(self.gp_weight, "gp_weight", low=0)

    def __call__(self, critic: Critic, batch: Batch, mix: Tensor) -> Score:
        both = torch.cat([batch.x_real, batch.x_noisy])
        psi = evaluate(critic, both)  # in the type of x: a mean in bfloat16 is coarse
        check_values(psi, both)
        psi_real, psi_noisy = psi.chunk(2)
        return self._score(batch, psi_noisy - psi_real, gradient_on_lines(critic, batch, mix))

    def check(self, pairs: Pairs) -> None:
        """Raise unless this loss can score what `pairs` draws."""

    def _score(self, batch: Batch, gaps: Tensor, grad: Tensor) -> Score:
        wasserstein, slopes = (batch.pair_weights * gaps).mean(), grad.flatten(1).norm(dim=1)
        return Score(-wasserstein + self.gp_weight * self._penalty(slopes), wasserstein, slopes.mean())

    def _penalty(self, slopes: Tensor) -> Tensor:
        return F.relu(slopes - 1).square().mean()  # Alg. 1, line 6, last term; slopes below 1 cost nothing

    def __repr__(self) -> str:  # in checkpoints: rounding, which differs between machines, makes no other loss
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name):.6g}' for f in fields(self))})"


def gradient_on_lines(critic: Critic, batch: Batch, mix: Tensor) -> Tensor:
    """grad Psi(x_i), (B, C, H, W), differentiable by the weights. `mix`: see `draw_mix`.

    >>> zero, one = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    >>> gradient_on_lines(lambda x: x.square().flatten(1).sum(1), Batch.between(zero, one), one / 4).item()  # 2 x_i
    1.5
    """
    check_instance(batch, "batch", Batch)
    check_batch(mix, "mix", (1, 1, 1))
    with derivatives():
        x_i = variable(mix * batch.x_real + (1 - mix) * batch.x_end)  # Alg. 1, line 5
        return gradient_by(evaluate(critic, x_i), x_i, create_graph=True)


def draw_mix(x_real: Tensor, generator: Generator | None = None) -> Tensor:
    """Alg. 1, line 3: a number ~ U[0, 1] for each image, (B, 1, 1, 1).

    >>> draw_mix(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 1, 1, 1])
    """
    check_batch(x_real, "x_real")
    mix = torch.rand(len(x_real), 1, 1, 1, generator=generator, device=place_of(generator))
    return moved(mix, x_real.device).to(x_real)


class Eq6BySlopes(Eq6):
    """Eq. 6, its first part as the mean of <grad Psi(x_i), x_noisy - x_real>, from the gradients of the second.

    The integral of the slope along a line is the difference between its ends, so the expectation over the mixing number
    is the same, for less than half of the work (not in the paper).

    >>> batch = Batch.between(torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2))
    >>> steep = lambda x: x.flatten(1).sum(1)
    >>> Eq6BySlopes(gp_weight=10.0)(steep, batch, draw_mix(batch.x_real)).loss.item()  # as Eq6: the slope is the same
    6.0
    """

    def __call__(self, critic: Critic, batch: Batch, mix: Tensor) -> Score:
        grad = gradient_on_lines(critic, batch, mix)
        return self._score(batch, inner(grad, batch.x_noisy - batch.x_real), grad)

    def check(self, pairs: Pairs) -> None:
        if pairs.own_lines:
            name = type(self).__name__
            raise ValueError(f"{name}: expected lines that end at x_noisy, got OwnLines. Take Eq6.")


@dataclass(frozen=True, repr=False)
class Quadratic(Eq6BySlopes):
    """Eq. 6 with gp_weight / 2 * mean (||grad Psi(x_i)|| - free)_+^2 in place of its penalty, and by slopes.

    free = 0: completing the square, grad Psi is to be the mean of (x_noisy - x_real) / gp_weight, of all pairs whose
    line leads through x_i. With the mean length of the lines as gp_weight the slope is how much of the direction of the
    noise can be known at x_i: next to 1 on smooth images, less on texture. free = 1 is Eq. 6, whose slope is 1 and more
    wherever anything can be known; between them the slope is free + how much can be known (not in the paper).

    Args: gp_weight >= 0, twice that of Eq. 6; free >= 0, up to which slopes cost nothing.

    >>> batch = Batch.between(torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2))
    >>> right = lambda x: x.flatten(1).sum(1) / 2  # its slope on 4 pixels is 1, the lines are 2 long
    >>> Quadratic(gp_weight=2.0)(right, batch, draw_mix(batch.x_real)).loss.item()  # -2 + 2/2, the least there is
    -1.0
    """

    free: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.free, "free", low=0)

    def _penalty(self, slopes: Tensor) -> Tensor:
        return F.relu(slopes - self.free).square().mean() / 2


@dataclass(frozen=True, repr=False)
class Balanced(Eq6):
    """Eq. 6 + weight * (mean Psi(x_noisy) - mean Psi(x_end))^2, where x_end is the own measurement of `OwnLines`.

    Noise is alike in both, so that the difference is who is in the images. Without it a wide critic learns whom to call
    noisy where x_real and x_noisy are of few and different patients (not in the paper).

    >>> batch = Batch.between(torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2))
    >>> steep = lambda x: x.flatten(1).sum(1)
    >>> alike = Balanced(10.0, weight=1.0)(steep, batch, draw_mix(batch.x_real))  # x_end is x_noisy: nothing to pay
    >>> alike.loss.item()
    6.0
    """

    weight: float = 1.0
    needs_whole_batch = True  # the square of a mean is not a mean of squares

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.weight, "weight", low=0)

    def __call__(self, critic: Critic, batch: Batch, mix: Tensor) -> Score:
        score = super().__call__(critic, batch, mix)
        psi_noisy, psi_own = evaluate(critic, torch.cat([batch.x_noisy, batch.x_end])).chunk(2)
        return score._replace(loss=score.loss + self.weight * (psi_noisy.mean() - psi_own.mean()) ** 2)

    def check(self, pairs: Pairs) -> None:
        if not pairs.own_lines:
            raise ValueError(
                "Balanced: expected lines to own measurements, got others. Wrap the pairs: OwnLines(pairs)."
            )


def critic_loss(
    critic: Critic, x_real: Tensor, x_noisy: Tensor, gp_weight: float = 20.0, generator: Generator | None = None
) -> Tensor:
    """Eq. 6: mean Psi(x_real) - mean Psi(x_noisy) + gp_weight * mean (||grad Psi(x_i)|| - 1)_+^2, a scalar.

    x_i = mix * x_real + (1 - mix) * x_noisy with mix ~ U[0, 1] (Alg. 1). The penalty is one-sided: slopes below 1 cost
    nothing. It is computed in the type of the critic's weights, at least float32, and returned in that of x_real.

    Args: x_real, x_noisy (B, C, H, W), as many of each; gp_weight >= 0, called lambda in Eq. 6 and mu in Alg. 1.
    Raises ValueError for other shapes, numbers that are not finite and a negative weight.

    >>> mean = lambda x: x.flatten(1).mean(1)  # a critic whose slope on 4 pixels is 1/2
    >>> critic_loss(mean, torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2)).item()
    -1.0
    """
    check_network(critic)
    check_images(x_real, "x_real", unit_range=False)
    check_batch(x_noisy, "x_noisy", tuple(x_real.shape[1:]), "images like x_real")
    if len(x_noisy) != len(x_real):
        raise ValueError(f"x_noisy: expected {len(x_real)} images, as many as in x_real, got {len(x_noisy)}.")
    check_float(x_noisy, "x_noisy")
    check_finite(x_noisy, "x_noisy")
    loss, dtype = Eq6(check_number(gp_weight, "gp_weight", low=0)), computing_type(critic, x_real)
    batch = Batch.between(x_real.to(dtype), x_noisy.to(dtype))
    return loss(critic, batch, draw_mix(batch.x_real, generator)).loss.to(x_real.dtype)
