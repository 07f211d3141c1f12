"""Operators that measure where a mask says so: inpainting and Fourier sampling (MRI). Paper: §2.1."""

import math

import torch

from .._input.arguments import as_tensor, check_choice, check_count, check_number, place_of
from .._input.messages import describe
from .autograd import linear
from .checks import check_measurement
from .copies import Copies
from .harmonic import harmonic_fill
from .linear import LinearOperator


class _Masked(LinearOperator):
    """What inpainting and Fourier sampling share: a mask of the numbers that are measured, and a choice of A†."""

    inverses: tuple[str, ...]

    def __init__(self, mask: torch.Tensor, channels: int, inverse: str) -> None:
        self.inverse = check_choice(inverse, "inverse", self.inverses)
        mask = as_tensor(mask, "mask", "Give a matrix (H, W) of zeros and ones.")
        if mask.is_complex():
            raise TypeError(f"mask: expected real numbers, got {describe(mask)}. Take mask.real.")
        if mask.ndim != 2 or not mask.numel() or not ((mask == 0) | (mask == 1)).all():
            raise ValueError(
                f"mask: expected a matrix (H, W) of zeros and ones, 1 = measured, got shape {tuple(mask.shape)} with "
                f"values {mask.unique()[:5].tolist()}. Threshold it: (mask > 0.5)."
            )
        if not mask.any():
            raise ValueError("mask: expected at least one 1 (= measured), got only zeros. Invert it if 1 marks holes.")
        self.mask = mask.float()
        self._masks = Copies(self.mask)
        shape = (check_count(channels, "channels"), *mask.shape)
        super().__init__(domain_shape=shape, range_shape=shape, norm=1.0, mask=self.mask)

    def pinv(self, y: torch.Tensor, inverse: str | None = None) -> torch.Tensor:
        """Return A†y. Args: y (B, *range_shape); inverse, one of `inverses`, if another than the operator's own."""
        check_measurement(self, y)
        name = check_choice(inverse or self.inverse, "inverse", self.inverses)
        return self.T(y) if name == "adjoint" else self._pinv(y)

    def _pinv(self, y: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def _seen(self, u: torch.Tensor) -> torch.Tensor:
        """mask * u."""
        return u * self._masks.like(u)


class Inpainting(_Masked):
    """The operator A x = mask * x, which sees some pixels and not others. Paper: §2.1.

    Its pseudo-inverse is the harmonic fill: of all x with mask * x = y, A†y is the smoothest, with the least sum of
    squared differences of neighbours. So A A†y = y, and each hidden pixel is the mean of its neighbours. The
    Moore-Penrose inverse A*, which takes the least ||x|| instead, leaves holes black.

    >>> mask = torch.ones(1, 5)
    >>> mask[0, 1:4] = 0
    >>> A = Inpainting(mask)
    >>> y = A(torch.tensor([[[[0.0, 0.3, 0.1, 0.9, 0.8]]]]))
    >>> A.pinv(y), A.pinv(y, inverse="adjoint"), A.measured_count
    (tensor([[[[0.0000, 0.2000, 0.4000, 0.6000, 0.8000]]]]), tensor([[[[0.0000, 0.0000, 0.0000, 0.0000, 0.8000]]]]), 2)

    Args: mask (H, W), 1 = seen; channels, the number C of colour channels; inverse, "harmonic" or "adjoint", of `pinv`.
    """

    inverses = ("harmonic", "adjoint")

    def __init__(self, mask: torch.Tensor, channels: int = 1, inverse: str = "harmonic") -> None:
        super().__init__(mask, channels, inverse)
        self._pixels = self.mask.numpy()

    def _pinv(self, y: torch.Tensor) -> torch.Tensor:
        return linear(y, *harmonic_fill(self._pixels))

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._seen(x)

    _adjoint = _forward

    def resolvent(self, b: torch.Tensor, t: float | torch.Tensor) -> torch.Tensor:
        """Return b / (1 + t) in the pixels that are seen, and b in the others."""
        return b / (1 + t * self.mask.to(b))


class FourierSampling(_Masked):
    """The operator A x = mask * F x with the orthonormal Fourier transform F, as in Cartesian MRI. Paper: §2.1.

    Its pseudo-inverse on real images is that of Moore and Penrose, A† = (A*A)^+ A*: A*A multiplies the frequency f by
    (m(f) + m(-f)) / 2 and A† divides by it, 0 where neither was measured. "Zero filling" is A† = A* = Re F* mask: the
    same where the mask is symmetric; where f was measured and -f was not, it halves the amplitude.

    >>> A = FourierSampling(cartesian_mask(16, fraction=0.25))
    >>> y = A(torch.rand(2, 1, 16, 16))
    >>> y.shape, y.dtype, A.measured_count  # 4 of 16 rows, real and imaginary part
    (torch.Size([2, 1, 16, 16]), torch.complex64, 128)

    Args: mask (H, W) in the order of `torch.fft.fft2` (zero frequency first; `torch.fft.ifftshift` brings a centred
    mask into it), 1 = measured; channels, the number C of channels; inverse, "exact" or "adjoint" (zero filling).
    Measurements are complex (B, C, H, W); noise has standard deviation sigma in real and imaginary part each.
    """

    complex_range = True
    types = (torch.float32, torch.float64)  # torch has no Fourier transform of half precision
    inverses = ("exact", "adjoint")

    def __init__(self, mask: torch.Tensor, channels: int = 1, inverse: str = "exact") -> None:
        super().__init__(mask, channels, inverse)
        twin = self.mask.flip(0, 1).roll((1, 1), (0, 1))  # 1 where -f is measured
        # of f alone, a real image gives half its energy
        self.norm = 1.0 if (self.mask * twin).any() else math.sqrt(0.5)
        self._eigenvalues = (self.mask + twin) / 2  # of A*A: a real image has f and -f in one
        self._divisors = Copies(self._eigenvalues + (1 - self.mask) / 2)  # where f is measured; y is 0 elsewhere

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._seen(torch.fft.fft2(x, norm="ortho"))

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return torch.fft.ifft2(self._seen(y), norm="ortho").real.contiguous()

    def _pinv(self, y: torch.Tensor) -> torch.Tensor:
        divided = lambda y: y / self._divisors.like(y)
        return linear(y, lambda y: self._adjoint(divided(y)), lambda x: divided(self._forward(x)))

    def resolvent(self, b: torch.Tensor, t: float | torch.Tensor) -> torch.Tensor:
        """Return b with each frequency f divided by 1 + t (mask(f) + mask(-f)) / 2."""
        return torch.fft.ifft2(torch.fft.fft2(b) / (1 + t * self._eigenvalues.to(b))).real.contiguous()


def cartesian_mask(
    size: int, fraction: float = 0.3, centre: float = 0.08, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Draw the lines of k-space that an MRI scanner takes: rows of ones in (size, size), zero frequency first.

    The `centre` share of lowest frequencies is always kept, the rest is drawn so that `fraction` of all rows is seen.
    Not in the paper.

    >>> mask = cartesian_mask(64, fraction=0.25, generator=torch.Generator().manual_seed(0))
    >>> mask.shape, int(mask[:, 0].sum()), int(mask[0, 0])
    (torch.Size([64, 64]), 16, 1)
    """
    size = check_count(size, "size")
    fraction = check_number(fraction, "fraction", low=0, high=1, above=True, fix="It is the share of rows measured.")
    check_number(centre, "centre", low=0, high=1, fix="It is the share of rows always measured.")
    distance = torch.fft.fftfreq(size).abs()
    drawn = torch.rand(size, generator=generator, device=place_of(generator)).cpu()
    chance = drawn * (1 - distance)  # low frequencies carry more: prefer them
    chance[distance <= centre / 2] = 2.0
    keep = chance.topk(max(1, round(fraction * size))).indices
    mask = torch.zeros(size, size)
    mask[keep] = 1.0
    return mask
