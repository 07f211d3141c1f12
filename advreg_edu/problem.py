"""The inverse problem y = Ax + e. Paper: §2.1, Eq. 1."""

from dataclasses import dataclass

import torch

from ._input.arguments import check_count, check_finite, check_images, check_number
from .operators import LinearOperator, check_measurement, check_operator, check_type


@dataclass(frozen=True)
class Problem:
    """An operator A and the standard deviation sigma >= 0 of its Gaussian noise e, in units of the measurements.

    >>> from advreg_edu.operators import Identity
    >>> problem = Problem(Identity((1, 8, 8)), sigma=0.1)
    >>> y = problem.measure(torch.full((2, 1, 8, 8), 0.5), generator=torch.Generator().manual_seed(0))
    >>> y.shape, problem.naive(y).shape
    (torch.Size([2, 1, 8, 8]), torch.Size([2, 1, 8, 8]))
    """

    A: LinearOperator
    sigma: float

    def __post_init__(self) -> None:
        check_operator(self.A)
        fix = "sigma is a standard deviation; 0 means no noise."
        object.__setattr__(self, "sigma", check_number(self.sigma, "sigma", low=0, fix=fix))

    def measure(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Return y = Ax + sigma * e with e ~ N(0, I): (B, *A.domain_shape) in [0, 1] to (B, *A.range_shape).

        The same generator state gives the same e for every sigma: a noise slider rescales one draw.
        """
        check_images(x, "x", self.A.domain_shape)
        check_type(self.A, x, "x")
        return self.A(x) + self.noise(len(x), generator, x.device, x.dtype)

    def noise(
        self,
        batch: int,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> torch.Tensor:
        """Draw the noise sigma * e `batch` times: (batch, *A.range_shape).

        The mean of ||sigma * e||^2 over them is sigma^2 * A.measured_count.
        """
        check_count(batch, "batch")
        return self.sigma * self.A.random_measurement(batch, generator, device, dtype)

    def naive(self, y: torch.Tensor) -> torch.Tensor:
        """Return A†y: where Algorithm 2 starts, and for random y a sample of P_n (§3.1)."""
        check_measurement(self.A, y)
        check_finite(y, "y")
        return self.A.pinv(y)


def check_problem(problem: object) -> None:
    """Raise unless it is a Problem, and not, say, an operator.

    >>> from advreg_edu.operators import Identity
    >>> check_problem(Problem(Identity((1, 8, 8)), sigma=0.1))
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem: expected Problem(A, sigma), got {type(problem).__name__}.")
