"""What a critic learned, on training pairs where the noise is known. Paper: Eq. 6, Theorem 1, Corollary 1; §5.1."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from .._input.arguments import check_count, check_seed
from .._input.networks import check_trainable
from ..operators import inner
from ..problem import Problem
from ..reconstruction import gradient
from .checks import device_of
from .loss import Eq6, draw_mix
from .pairs import Batch, Paired


@dataclass(frozen=True)
class Diagnosis:
    """Means over training pairs, where e = x_noisy - x_real."""

    wasserstein: float  # Psi(x_noisy) - Psi(x_real)
    distance: float  # ||e||, the largest that `wasserstein` can be if ||grad Psi|| <= 1
    slope_lines: float  # ||grad Psi|| between the two, where Eq. 6 holds it at 1 or below
    slope_real: float  # the formula for lambda takes it to be 1 (§5.1: at the truth)
    slope_noisy: float
    cosine: float  # of the angle between grad Psi(x_noisy) and e

    def __str__(self) -> str:
        return (
            f"Wasserstein estimate {self.wasserstein:.2f} (mean distance {self.distance:.2f}); slope on lines "
            f"{self.slope_lines:.2f}, real {self.slope_real:.2f}, noisy {self.slope_noisy:.2f}; "
            f"cos(∇Ψ, e) {self.cosine:.3f}"
        )


def diagnose(critic: nn.Module, problem: Problem, x_real: Tensor, pairs: int = 32, seed: int = 0) -> Diagnosis:
    """The Diagnosis of `critic` on `pairs` draws from x_real (N, *A.domain_shape) in [0, 1] and their measurements.

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> diagnosis = diagnose(ar.LocalCritic(widths=(4, 8)), problem, ar.images.ellipses(8, 16), pairs=4)
    >>> diagnosis.wasserstein < diagnosis.distance
    True
    """
    check_trainable(critic)
    generator = torch.Generator().manual_seed(check_seed(seed))
    draw = Paired(problem, x_real, device=device_of(critic)).draw(check_count(pairs, "pairs"), generator)
    both = zip(draw.x_real, draw.x_noisy, strict=True)
    parts = [_measure(critic, real[None], noisy[None], generator) for real, noisy in both]
    return Diagnosis(*(sum(values) / pairs for values in zip(*parts, strict=True)))


def _measure(critic: nn.Module, real: Tensor, noisy: Tensor, generator: Generator) -> list[float]:
    e = noisy - real
    score = Eq6()(critic, Batch.between(real, noisy), draw_mix(real, generator))
    grad_real, grad_noisy = (gradient(critic, x)[1] for x in (real, noisy))
    cosine = inner(grad_noisy, e) / (grad_noisy.norm() * e.norm())
    found = score.wasserstein, e.norm(), score.gradient_norm, grad_real.norm(), grad_noisy.norm(), cosine
    return [value.detach().item() for value in found]
