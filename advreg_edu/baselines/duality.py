"""How far a total variation run still is from the minimum: the duality gap. Not in the paper.

Primal: P(x) = ||Ax - y||^2 + lambda TV(x). Dual: D(q, p) = -||q||^2 / 4 - <q, y>, for q of the shape of y and a field
p of two differences in every pixel, subject to |p| <= lambda in every pixel and A*q + grad* p = 0. D <= min P <= P.
Source: Chambolle and Pock, An introduction to continuous optimization for imaging, Acta Numerica 2016, §2-3.
"""

import math

import torch
import torch.nn.functional as F

from ..operators import LinearOperator, squared_norm


def gradient(x: torch.Tensor) -> torch.Tensor:
    """Return grad x = (d_1 x, d_2 x): (B, C, H, W) to (B, 2, C, H, W).

    These are forward differences, and 0 beyond the last row and column. ||grad||^2 <= 8.

    >>> ramp = torch.arange(3.0).expand(1, 1, 2, 3)
    >>> down, right = gradient(ramp)[0, :, 0]
    >>> right
    tensor([[1., 1., 0.],
            [1., 1., 0.]])
    """
    return torch.stack([F.pad(x.diff(dim=-2), (0, 0, 0, 1)), F.pad(x.diff(dim=-1), (0, 1))], 1)


def gradient_adjoint(p: torch.Tensor) -> torch.Tensor:
    """Return grad* p, minus the divergence: (B, 2, C, H, W) to (B, C, H, W).

    >>> x, p = torch.rand(1, 1, 5, 6), torch.rand(1, 2, 1, 5, 6)
    >>> torch.allclose((gradient(x) * p).sum(), (x * gradient_adjoint(p)).sum(), atol=1e-4)
    True
    """
    rows, columns = p[:, 0, ..., :-1, :], p[:, 1, ..., :-1]
    return -F.pad(rows, (0, 0, 0, 1)) + F.pad(rows, (0, 0, 1, 0)) - F.pad(columns, (0, 1)) + F.pad(columns, (1, 0))


def primal(A: LinearOperator, y: torch.Tensor, reg_weight: float, x: torch.Tensor) -> torch.Tensor:
    """Return P(x) = ||Ax - y||^2 + lambda TV(x), summed in double precision: (B,).

    >>> from advreg_edu.operators import Identity
    >>> ramp = torch.arange(3.0).expand(1, 1, 2, 3)
    >>> primal(Identity((1, 2, 3)), ramp, 0.5, ramp)  # TV is 4
    tensor([2.], dtype=torch.float64)
    """
    tv = gradient(x.double()).square().sum(1).sqrt().flatten(1).sum(1)
    return squared_norm(A(x) - y).double() + reg_weight * tv


def lower_bound(
    A: LinearOperator, y: torch.Tensor, reg_weight: float, q: torch.Tensor, p: torch.Tensor
) -> torch.Tensor:
    """Return a number that is at most P(x) for every x, sharp where (q, p) solves the dual problem: (B,), double.

    Any (q, p) will do, because it is made feasible. One gradient step takes q towards A*q = -grad* p (for A = I it
    arrives), q loses what constant images c see of it (then <A*q, c> = 0), p becomes p - grad (grad* grad)^-1
    (A*q + grad* p), and both are scaled by the best number in [0, lambda / max|p|]. So nothing has to be known of x.
    For lambda = 0 that number is 0, and the bound is 0, unless A*q vanishes.
    Args: y, q (B, *A.range_shape); p (B, 2, C, H, W), of any length.

    >>> from advreg_edu.operators import Identity
    >>> A, y = Identity((1, 8, 8)), torch.rand(1, 1, 8, 8)
    >>> x = y.mean().expand_as(y)
    >>> bool(lower_bound(A, y, 0.1, 2 * (x - y), torch.zeros(1, 2, 1, 8, 8)) <= primal(A, y, 0.1, x))
    True
    """
    p, back = p.double(), A.T(q)
    q = q - A(back + gradient_adjoint(p).to(back)) / A.norm**2
    _, seen, fit = constant_fit(A, q)
    q = q - torch.einsum("bc,c...->b...", fit.to(q), seen)
    p = p - gradient(inverse_laplacian(A.T(q).double() + gradient_adjoint(p)))
    longest = p.square().sum(1).flatten(1).amax(1).sqrt()
    along, size = _product(q, y).diagonal(), squared_norm(q).double()
    best = (-2 * along / size.clamp_min(1e-300)).clamp_min(0)
    scale = torch.minimum(best, reg_weight / longest.clamp_min(1e-300))
    return -(scale**2) * size / 4 - scale * along


def constant_fit(A: LinearOperator, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Find the constant images whose measurements are nearest to y.

    Returns: images 1_c (C, C, H, W) that are 1 in channel c alone, A 1_c (C, *A.range_shape), and the heights (B, C),
    0 for a channel whose constants A does not see.

    >>> from advreg_edu.operators import Identity
    >>> ones, seen, heights = constant_fit(Identity((1, 2, 2)), torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    >>> round(heights.item(), 3)  # the mean
    2.5
    """
    channels = A.domain_shape[0]
    ones = torch.eye(channels, dtype=y.real.dtype)[:, :, None, None].expand(-1, *A.domain_shape).contiguous()
    seen = A(ones)
    gram = _product(seen, seen)
    return ones, seen, _product(y, seen) @ torch.linalg.pinv(gram, hermitian=True, atol=1e-6, rtol=1e-6)


def _product(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """<u_i, v_j> = Re sum u_i conj(v_j): (B, ...) and (C, ...) to (B, C), double precision."""
    u, v = (torch.view_as_real(z) if z.is_complex() else z for z in (u, v))
    return u.flatten(1).double() @ v.flatten(1).double().T


def inverse_laplacian(r: torch.Tensor) -> torch.Tensor:
    """Return the u of mean 0 with grad* grad u = r - mean(r), exact by a cosine transform: (B, C, H, W).

    >>> r = torch.rand(1, 1, 6, 8, dtype=torch.float64)
    >>> torch.allclose(gradient_adjoint(gradient(inverse_laplacian(r))), r - r.mean())
    True
    """
    (rows, down), (columns, right) = (_cosines(n, r.dtype) for n in r.shape[-2:])
    squares = down[:, None] + right
    squares[0, 0] = math.inf
    return rows.T @ ((rows @ r @ columns.T) / squares) @ columns


def _cosines(n: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """The orthonormal eigenvectors of d* d for n pixels in a row (DCT-II), one a row, and their eigenvalues."""
    k, i = torch.arange(n, dtype=torch.float64), torch.arange(n, dtype=torch.float64)
    waves = torch.cos(math.pi * k[:, None] * (i + 0.5) / n) * (2 / n) ** 0.5
    waves[0] /= 2**0.5
    return waves.to(dtype), (2 - 2 * torch.cos(math.pi * k / n)).to(dtype)
