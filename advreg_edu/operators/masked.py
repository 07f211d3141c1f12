"""Operators that measure where a mask says so: inpainting and Fourier sampling (MRI). Paper: §2.1."""

import math

import torch

from .._input.arguments import as_tensor, check_count, check_number
from .linear import LinearOperator


class _Masked(LinearOperator):
    """What inpainting and Fourier sampling share: a mask of the numbers that are measured."""

    def __init__(self, mask: torch.Tensor, channels: int) -> None:
        mask = as_tensor(mask, "mask", "Give a matrix (H, W) of zeros and ones.")
        if mask.ndim != 2 or not mask.numel() or not ((mask == 0) | (mask == 1)).all():
            raise ValueError(
                f"mask: expected a matrix (H, W) of zeros and ones, 1 = measured, got shape {tuple(mask.shape)} with "
                f"values {mask.unique()[:5].tolist()}. Threshold it: (mask > 0.5)."
            )
        if not mask.any():
            raise ValueError("mask: expected at least one 1 (= measured), got only zeros. Invert it if 1 marks holes.")
        self.mask = mask.float()
        shape = (check_count(channels, "channels"), *mask.shape)
        super().__init__(domain_shape=shape, range_shape=shape, norm=1.0, mask=self.mask)


class Inpainting(_Masked):
    """The operator A x = mask * x, which sees some pixels and not others. Paper: §2.1.

    Its pseudo-inverse is A† = A*, so holes stay black in A†y.

    >>> mask = torch.ones(8, 8)
    >>> mask[2:4, 2:4] = 0
    >>> A = Inpainting(mask)
    >>> A(torch.rand(2, 1, 8, 8)).shape, A.measured_count
    (torch.Size([2, 1, 8, 8]), 60)

    Args: mask (H, W), 1 = seen; channels, the number C of colour channels.
    """

    def __init__(self, mask: torch.Tensor, channels: int = 1) -> None:
        super().__init__(mask, channels)

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._measured(x)

    _adjoint = _forward

    def resolvent(self, b: torch.Tensor, t: float | torch.Tensor) -> torch.Tensor:
        """Return b / (1 + t) in the pixels that are seen, and b in the others."""
        return b / (1 + t * self.mask.to(b))


class FourierSampling(_Masked):
    """The operator A x = mask * F x with the orthonormal Fourier transform F, as in Cartesian MRI. Paper: §2.1.

    Its pseudo-inverse is A† = A* = Re F* mask, which fills the missing frequencies with zeros ("zero filling").

    >>> A = FourierSampling(cartesian_mask(16, fraction=0.25))
    >>> y = A(torch.rand(2, 1, 16, 16))
    >>> y.shape, y.dtype, A.measured_count  # 4 of 16 rows, real and imaginary part
    (torch.Size([2, 1, 16, 16]), torch.complex64, 128)

    Args: mask (H, W) in the order of `torch.fft.fft2` (zero frequency first; `torch.fft.ifftshift` brings a centred
    mask into it), 1 = measured; channels, the number C of channels.
    Measurements are complex (B, C, H, W); noise has standard deviation sigma in real and imaginary part each.
    """

    complex_range = True
    types = (torch.float32, torch.float64)  # torch has no Fourier transform of half precision

    def __init__(self, mask: torch.Tensor, channels: int = 1) -> None:
        super().__init__(mask, channels)
        twins = self.mask * _turned(self.mask)  # f and -f measured
        self.norm = 1.0 if twins.any() else math.sqrt(0.5)  # of f alone, a real image gives half its energy

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._measured(torch.fft.fft2(x, norm="ortho"))

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return torch.fft.ifft2(self._measured(y), norm="ortho").real.contiguous()

    def resolvent(self, b: torch.Tensor, t: float | torch.Tensor) -> torch.Tensor:
        """Return b with each frequency f divided by 1 + t (mask(f) + mask(-f)) / 2: a real image has both in one."""
        measured = (self.mask + _turned(self.mask)) / 2
        return torch.fft.ifft2(torch.fft.fft2(b) / (1 + t * measured.to(b))).real.contiguous()


def _turned(mask: torch.Tensor) -> torch.Tensor:
    """The mask at -f."""
    return mask.flip(0, 1).roll((1, 1), (0, 1))


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
    chance = torch.rand(size, generator=generator) * (1 - distance)  # low frequencies carry more: prefer them
    chance[distance <= centre / 2] = 2.0
    keep = chance.topk(max(1, round(fraction * size))).indices
    mask = torch.zeros(size, size)
    mask[keep] = 1.0
    return mask
