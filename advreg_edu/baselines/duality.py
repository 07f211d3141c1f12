"""How far a total variation run still is from the minimum: the duality gap. Not in the paper.

Primal: P(x) = ||Ax - y||^2 + lambda TV(x). Dual: D(q, p) = -||q||^2 / 4 - <q, y>, for q of the shape of y and a field
p of two differences in every pixel, subject to |p| <= lambda in every pixel and A*q + grad* p = 0. D <= min P <= P.
Source: Chambolle and Pock, An introduction to continuous optimization for imaging, Acta Numerica 2016, §2-3.
"""

import math

import torch
import torch.nn.functional as F

from ..operators import squared_norm


def gradient(x):
    """grad x = (d_1 x, d_2 x), forward differences, 0 beyond the last row and column: (B, C, H, W) to (B, 2, C, H, W).

    ||grad||^2 <= 8.
    """
    return torch.stack([F.pad(x.diff(dim=-2), (0, 0, 0, 1)), F.pad(x.diff(dim=-1), (0, 1))], 1)


def gradient_adjoint(p):
    """grad* p, minus the divergence: (B, 2, C, H, W) to (B, C, H, W)."""
    rows, columns = p[:, 0, ..., :-1, :], p[:, 1, ..., :-1]
    return -F.pad(rows, (0, 0, 0, 1)) + F.pad(rows, (0, 0, 1, 0)) - F.pad(columns, (0, 1)) + F.pad(columns, (1, 0))


def primal(A, y, reg_weight, x):
    """P(x) = ||Ax - y||^2 + lambda TV(x), summed in double precision: (B,)."""
    tv = gradient(x.double()).square().sum(1).sqrt().flatten(1).sum(1)
    return squared_norm(A(x) - y).double() + reg_weight * tv


def lower_bound(A, y, reg_weight, q, p):
    """A number that is at most P(x) for every x, sharp where (q, p) solves the dual problem: (B,), double precision.

    Any (q, p) will do, because it is made feasible. One gradient step takes q towards A*q = -grad* p (for A = I it
    arrives), q loses what constant images c see of it (then <A*q, c> = 0), p becomes p - grad (grad* grad)^-1
    (A*q + grad* p), and both are scaled by the best number in [0, lambda / max|p|]. So nothing has to be known of x.
    For lambda = 0 that number is 0, and the bound is 0, unless A*q vanishes.
    Args: y, q (B, *A.range_shape); p (B, 2, C, H, W), of any length.
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


def constant_fit(A, y):
    """The constant images whose measurements are nearest to y: images 1_c (C, C, H, W) that are 1 in channel c alone,
    A 1_c (C, *A.range_shape), and (B, C), the heights; 0 for a channel whose constants A does not see.
    """
    channels = A.domain_shape[0]
    ones = torch.eye(channels, dtype=y.real.dtype)[:, :, None, None].expand(-1, *A.domain_shape).contiguous()
    seen = A(ones)
    gram = _product(seen, seen)
    return ones, seen, _product(y, seen) @ torch.linalg.pinv(gram, hermitian=True, atol=1e-6, rtol=1e-6)


def _product(u, v):
    """<u_i, v_j> = Re sum u_i conj(v_j): (B, ...) and (C, ...) to (B, C), double precision."""
    u, v = (torch.view_as_real(z) if z.is_complex() else z for z in (u, v))
    return u.flatten(1).double() @ v.flatten(1).double().T


def inverse_laplacian(r):
    """The u of mean 0 with grad* grad u = r - mean(r), exact by a cosine transform: (B, C, H, W)."""
    (rows, down), (columns, right) = (_cosines(n, r.dtype) for n in r.shape[-2:])
    squares = down[:, None] + right
    squares[0, 0] = math.inf
    return rows.T @ ((rows @ r @ columns.T) / squares) @ columns


def _cosines(n, dtype):
    """The orthonormal eigenvectors of d* d for n pixels in a row (DCT-II), one a row, and their eigenvalues."""
    k, i = torch.arange(n, dtype=torch.float64), torch.arange(n, dtype=torch.float64)
    waves = torch.cos(math.pi * k[:, None] * (i + 0.5) / n) * (2 / n) ** 0.5
    waves[0] /= 2**0.5
    return waves.to(dtype), (2 - 2 * torch.cos(math.pi * k / n)).to(dtype)
