"""The identity, A = I: denoising. Paper: §2.1, §5.2."""

from collections.abc import Sequence

import torch

from .._input.signature import check_shape
from .linear import LinearOperator


class Identity(LinearOperator):
    """The operator A = I, which measures the image itself: denoising. Paper: §2.1, §5.2.

    >>> A = Identity((3, 128, 128))
    >>> A.measured_count == 3 * 128 * 128
    True

    Args: shape (C, H, W) of one image.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        shape = check_shape(shape, "shape", 3)
        super().__init__(domain_shape=shape, range_shape=shape, norm=1.0)

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    _adjoint = _forward

    def resolvent(self, b: torch.Tensor, t: float | torch.Tensor) -> torch.Tensor:
        """Return b / (1 + t)."""
        return b / (1 + t)
