"""What the measurement lab computes: a measurement, its naive inversion, singular values. Paper: §2.1, Eq. 1."""

from dataclasses import dataclass, field
from functools import lru_cache

import torch

from ...metrics import psnr
from ...problem import Problem
from ..shared.scenes import CT, DENOISING, INPAINTING, MRI, Scene, operator, seed, truth

SMALL = 24  # pixels of the image on which the ray transform is taken apart
ZERO = 1e-5  # what is smaller is rounding


@dataclass(frozen=True, kw_only=True)
class Settings(Scene):
    """What the controls say; `noise` is the seed of the draw, `pattern` the one looked at, in percent of all."""

    sigma: float = 0.02
    noise: int = 0
    pattern: int = field(default=20, compare=False)  # only looked at


@dataclass(frozen=True)
class Result:
    """x, y, A†y of one measurement (1, ...), the part A†e of the error that is noise, and the length ||e||."""

    settings: Settings
    truth: torch.Tensor
    data: torch.Tensor
    naive: torch.Tensor
    noise: torch.Tensor
    noise_length: float

    @property
    def psnr(self) -> float:
        """Of A†y, in dB."""
        return float(psnr(self.naive.clamp(0, 1), self.truth))


@dataclass(frozen=True, eq=False)  # compared and hashed as the very object
class Spectrum:
    """Singular values s_k of A, falling, each with the noise that inversion leaves along v_k where e has sigma = 1.

    `exact` is 1/s_k, infinite where s_k = 0; `used` is that of the A† of the course. `size` and `angles` say which
    operator was taken apart.
    """

    values: torch.Tensor
    exact: torch.Tensor
    used: torch.Tensor
    size: int
    angles: int

    @property
    def zeros(self) -> int:
        """How many patterns leave no trace in the data."""
        return int((self.values == 0).sum())


def measure(settings: Settings) -> Result:
    """y = Ax + e and A†y."""
    problem = Problem(operator(settings), settings.sigma)
    x = truth(settings)
    y = problem.measure(x, seed(settings.noise))
    e = problem.noise(1, seed(settings.noise))  # the same draw
    return Result(settings, x, y, problem.naive(y), problem.naive(e), float(e.abs().square().sum().sqrt()))


def spectrum(settings: Settings) -> Spectrum:
    """The singular values of the operator of these settings, for one channel.

    In closed form for denoising (all are 1), inpainting (1 where a pixel is seen, 0 elsewhere) and MRI: A*A multiplies
    the frequency f of a real image by (m(f) + m(-f))/2, so s is 1, sqrt(1/2) or 0. For CT they are computed on SMALL x
    SMALL pixels, with as many angles less, so that there are as many data per pixel; the fill of inpainting, which
    puts noise into hidden pixels too, is taken apart on as few.
    """
    return _spectrum(settings.operator, settings.size, settings.angles, settings.share)


@lru_cache(maxsize=32)
def _spectrum(name: str, size: int, angles: int, share: int) -> Spectrum:
    if name == CT:
        return _ray_spectrum(min(size, SMALL), max(1, round(angles * min(size, SMALL) / size)))
    size = min(size, SMALL) if name == INPAINTING else size
    s = torch.sort(_eigenvalues(name, size, share).flatten(), descending=True).values.sqrt()
    exact = 1 / s
    return Spectrum(s, exact, _fills(size, share) if name == INPAINTING else exact.where(s > 0, 0), size, 0)


def _fills(size: int, share: int) -> torch.Tensor:
    """By how much A† of inpainting multiplies noise in each pixel, in the order of the singular values: (size^2,)."""
    A = operator(Settings(operator=INPAINTING, share=share, size=size))
    rows = A.pinv(torch.eye(size * size).reshape(-1, *A.range_shape)).flatten(1).norm(dim=0)
    return rows[_order(INPAINTING, size, share)]


def _eigenvalues(name: str, size: int, share: int) -> torch.Tensor:
    """Those of A*A, (size, size)."""
    if name == DENOISING:
        return torch.ones(size, size)
    mask = operator(Settings(operator=name, share=share, size=size)).mask
    if name == INPAINTING:
        return mask
    return (mask + mask.flip(0, 1).roll((1, 1), (0, 1))) / 2


@lru_cache(maxsize=9)  # 1.3 MB each
def _ray_svd(size: int, angles: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The matrix of the ray transform taken apart: s (n,), V* (n, n), and the length of v_k* A† (n,)."""
    settings = Settings(operator=CT, angles=angles, size=size)
    A = operator(settings)
    columns = A(torch.eye(size * size).reshape(-1, *A.domain_shape)).flatten(1).double()  # row j is the scan of pixel j
    squares, V = torch.linalg.eigh(columns @ columns.T)
    units = torch.eye(columns.shape[1]).reshape(-1, *A.range_shape)
    inverse = A.pinv(units).flatten(1).T.double()
    s, Vt = squares.clamp_min(0).sqrt().flip(0), V.T.flip(0)
    return s, Vt.float().contiguous(), (Vt @ inverse).norm(dim=1)


def _ray_spectrum(size: int, angles: int) -> Spectrum:
    s, _, used = _ray_svd(size, angles)
    s, used = (torch.where(values > ZERO, values, 0) for values in (s, used))
    return Spectrum(s, 1 / s, used, size, angles)


def pattern(settings: Settings, k: int) -> torch.Tensor:
    """v_k (size, size), scaled to largest magnitude 1. Patterns of one s_k can be chosen freely: we take single pixels
    (denoising, inpainting) and waves (MRI)."""
    if settings.operator == CT:
        what = spectrum(settings)
        v = _ray_svd(what.size, what.angles)[1][k].reshape(what.size, what.size)
        return v / v.abs().max()
    size = spectrum(settings).size
    place = _order(settings.operator, size, settings.share)[k]
    spot = torch.zeros(size**2).index_fill(0, place, 1.0).reshape(size, size)
    return _wave(spot) if settings.operator == MRI else spot


@lru_cache(maxsize=8)
def _order(name: str, size: int, share: int) -> torch.Tensor:
    """Which pixel or frequency the k-th singular value belongs to."""
    return torch.sort(_eigenvalues(name, size, share).flatten(), descending=True, stable=True).indices


def _wave(spot: torch.Tensor) -> torch.Tensor:
    """The real wave of the frequency at `spot`."""
    wave = torch.fft.ifft2(spot)
    wave = wave.real + wave.imag
    return wave / wave.abs().max()
