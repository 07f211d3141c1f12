"""The harmonic fill of holes in images, the pseudo-inverse of inpainting. Paper: §2.1 names A†; the choice is ours."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from .autograd import Map

if TYPE_CHECKING:  # at run time when the first hole is filled
    from scipy.sparse import csr_matrix


def harmonic_fill(mask: np.ndarray) -> tuple[Map, Map]:
    """The map from y to the image that is y where the mask is 1 and solves Laplace's equation elsewhere; its transpose.

    A hidden pixel is the mean of its two to four neighbours, at the border of those inside. The equations are solved
    exactly, in double precision, by a factorisation that is kept for the next call. Both map (B, C, H, W) to itself.

    >>> fill, transpose = harmonic_fill(np.array([[1, 0, 1]]))
    >>> fill(torch.tensor([[[[0.0, 0.0, 1.0]]]])), transpose(torch.tensor([[[[0.0, 1.0, 0.0]]]]))
    (tensor([[[[0.0000, 0.5000, 1.0000]]]]), tensor([[[[0.5000, 0.0000, 0.5000]]]]))

    Args: mask (H, W) of zeros and at least one 1.
    """
    seen = mask > 0
    weights = _Weights.of(seen.tobytes(), seen.shape)

    def fill(y: torch.Tensor) -> torch.Tensor:
        x = _columns(y)
        x[weights.hidden] = weights.from_seen(x[weights.seen])
        return _images(x, y)

    def transpose(x: torch.Tensor) -> torch.Tensor:
        y = _columns(x)
        y[weights.seen] += weights.to_seen(y[weights.hidden])
        y[weights.hidden] = 0
        return _images(y, x)

    return fill, transpose


class _Weights:
    """W = -L_hh^-1 L_hs, by which hidden pixels follow from seen ones, where L is the Laplacian of the grid."""

    def __init__(self, seen: np.ndarray) -> None:
        from scipy import sparse
        from scipy.sparse.linalg import splu

        self.seen, self.hidden = seen.ravel(), ~seen.ravel()
        height, width = seen.shape
        L = sparse.kronsum(_second_difference(width), _second_difference(height), "csr")[self.hidden]
        self._from_seen = L[:, self.seen]
        # symmetric and positive definite, as some pixel is seen: no pivots needed
        options = dict(permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=dict(SymmetricMode=True))
        self._solve = splu(L[:, self.hidden].tocsc(), **options).solve if self.hidden.any() else lambda u: u

    @classmethod
    @lru_cache(maxsize=8)  # 3 MB at 128x128
    def of(cls, seen: bytes, shape: tuple[int, int]) -> "_Weights":
        return cls(np.frombuffer(seen, bool).reshape(shape))

    def from_seen(self, y: np.ndarray) -> np.ndarray:
        return self._solve(-(self._from_seen @ y))

    def to_seen(self, x: np.ndarray) -> np.ndarray:
        return -(self._from_seen.T @ self._solve(x))


def _second_difference(n: int) -> "csr_matrix":
    """D^T D of the differences D of n neighbours."""
    from scipy import sparse

    D = sparse.eye(n - 1, n, 1) - sparse.eye(n - 1, n)
    return (D.T @ D).tocsr()


def _columns(images: torch.Tensor) -> np.ndarray:
    """A column of double precision for each channel of each image, a copy."""
    return images.detach().cpu().double().flatten(2).flatten(0, 1).numpy().T.copy()


def _images(columns: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(columns.T.copy()).reshape(like.shape).to(like)
