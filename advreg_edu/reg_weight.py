"""The regularisation weight from the noise level. Paper: §5.1."""

import torch

from ._input.arguments import check_count, check_number
from .operators import squared_norm
from .problem import Problem, check_problem


def weight_from_noise(
    problem: Problem, samples: int = 64, generator: torch.Generator | None = None, gradient_norm: float = 1.0
) -> torch.Tensor:
    """Return the regularisation weight lambda = 2 E ||A* e||_2 with e ~ N(0, sigma^2), a scalar tensor.

    If the truth x is a critical point of ||Ax - y||^2 + lambda Psi(x), then 2 A*e = lambda grad Psi(x); with
    ||grad Psi|| = 1 the norms give lambda. The 2 comes from the data term without 1/2. In high dimension the value is
    close to its bound 2 sigma ||A||_F.

    Args:
        problem: operator and noise level; no image is needed.
        samples: noise draws in the mean.
        generator: of the draws; by default one with a fixed seed, so that the same problem gives the same weight.
        gradient_norm: E ||grad Psi|| where it is known not to be 1; the weight is divided by it (not in the paper).

    >>> from advreg_edu.operators import Identity
    >>> problem = Problem(Identity((1, 64, 64)), sigma=0.1)  # ||A||_F = 64
    >>> round(weight_from_noise(problem).item(), 1)
    12.8
    """
    check_problem(problem)
    check_count(samples, "samples")
    gradient_norm = check_number(gradient_norm, "gradient_norm", low=0, above=True)
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    draws = problem.noise(samples, generator)
    return 2 * squared_norm(problem.A.T(draws)).sqrt().mean() / gradient_norm
