"""The ray transform of computed tomography. Paper: §2.1, §5.3.

Line integrals, divided by their norm, and the filtered back-projection. `projectors` has what computes them.
"""

import copy
import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from .._input.arguments import check_choice, check_count, check_number
from ..hardware.limits import memory_limit
from .autograd import linear
from .checks import check_measurement
from .linear import LinearOperator
from .projectors import MatrixProjector, OnTheFlyProjector, Projector, import_astra, odl_geometry

NONZEROS_PER_PIXEL_AND_ANGLE = 1.82  # measured for ASTRA's 'linear' projector
BYTES_PER_NONZERO = 16  # float32 value and int32 column, for A and for A*
BYTES_PER_PIXEL, BYTES_PER_VALUE = 36, 12  # measured for ODL on the fly: of the image, of the measurement
FILTERS = ("ram-lak", "shepp-logan", "cosine", "hamming", "hann")


class RayTransform(LinearOperator):
    """Parallel-beam line integrals of a square image, by default over an arc of pi, divided by their norm: ||A|| = 1.

    (Ax)(theta, s) = 1/c * integral of x along the line {u : <u, (cos theta, sin theta)> = s}, c = `unscaled_norm`.
    Dividing by the norm is what the authors' code does; the paper does not say.

    >>> A = RayTransform(size=32, angles=12)
    >>> x = torch.rand(2, 1, 32, 32)
    >>> y = A(x)
    >>> y.shape, A.pinv(y).shape, A.norm
    (torch.Size([2, 1, 12, 47]), torch.Size([2, 1, 32, 32]), 1.0)

    Args:
        size: pixels along each side of the image; domain_shape is (1, size, size).
        angles: number of equidistant views in (0, arc); range_shape is (1, angles, detectors), detectors by ODL.
        filter: of the filtered back-projection `pinv`, one of FILTERS; "ram-lak" is the paper's.
        memory_budget: bytes that the matrix and its transpose may take (default 600 MB, about 512x512 with 78 angles);
            beyond it ODL and ASTRA project on the fly, image by image.
        arc: in radians, at most pi (default). Less is limited-angle tomography: `pinv` is blind to the missing wedge.
    """

    full_arc = math.pi  # beyond it every line is measured twice
    nonzeros = NONZEROS_PER_PIXEL_AND_ANGLE
    types = (torch.float32, torch.float64)  # a sparse product of half precision would round every sum

    def __init__(
        self,
        size: int = 128,
        angles: int = 30,
        filter: str = "ram-lak",
        memory_budget: float = 600_000_000,
        *,
        arc: float | None = None,
    ) -> None:
        size = check_count(size, "size", 2, "It is the side of the image in pixels.")
        if (count := np.size(angles)) != 1:
            raise TypeError(f"angles: expected a count, got {count} numbers. Pass angles={count} equidistant views.")
        angles = check_count(angles, "angles", 1, "A scan needs at least one view.")
        fix = "It is an angle in radians: math.radians(120)."
        self.arc = self.full_arc if arc is None else check_number(arc, "arc", 0, self.full_arc, fix, above=True)
        self.filter = check_choice(filter, "filter", FILTERS)
        import_astra()
        memory_budget = check_number(memory_budget, "memory_budget", 0, fix="It counts bytes.")
        bytes_needed = self.nonzeros * BYTES_PER_NONZERO * size**2 * angles
        as_matrix = bytes_needed <= memory_budget
        on_the_fly = BYTES_PER_PIXEL * size**2 + BYTES_PER_VALUE * angles * math.sqrt(2) * size
        _check_memory(size, angles, bytes_needed if as_matrix else on_the_fly)
        space, self.geometry = self._odl_geometry(size, angles)
        shape = (1, angles, self.geometry.det_partition.size)
        super().__init__(domain_shape=(1, size, size), range_shape=shape, norm=1.0)
        kind = MatrixProjector if as_matrix else OnTheFlyProjector
        self._project: Projector = kind(space, self.geometry)
        self.unscaled_norm = self._largest_singular_value()
        self._project.divide_by(self.unscaled_norm)

    def _odl_geometry(self, size: int, angles: int) -> tuple[Any, Any]:
        return odl_geometry(size, angles, self.arc)

    def __deepcopy__(self, memo: dict) -> "RayTransform":
        """Copies share the projector, which never changes: torch copies no sparse matrix, ASTRA no projector."""
        return copy.copy(self)

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._project.forward(x).reshape(-1, *self.range_shape)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._project.adjoint(y).reshape(-1, *self.domain_shape)

    def pinv(self, y: torch.Tensor, filter: str | None = None) -> torch.Tensor:
        """Return A†y, the filtered back-projection arc/N c^2 A*(h * y) with the discrete ramp h.

        Args: y (B, 1, angles, detectors); filter, one of FILTERS, if another than the operator's own is wanted.
        Source: Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988, Eq. 61 (ramp kernel).
        """
        check_measurement(self, y)
        name = check_choice(filter or self.filter, "filter", FILTERS)
        ramp = lambda y: ramp_filtered(y, name, self.arc / self.range_shape[1] * self.unscaled_norm**2)
        return linear(y, lambda y: self._adjoint(ramp(y)), lambda x: ramp(self._forward(x)))  # the ramp is symmetric

    def _largest_singular_value(self) -> float:
        """Power method on A*A. The ray transform's first singular value stands alone, so it converges fast."""
        x, previous = torch.ones(1, *self.domain_shape), 0.0
        for _ in range(100):
            y = self._project.adjoint(self._project.forward(x)).reshape(x.shape)
            norm = float(y.norm() / x.norm())
            if abs(norm - previous) <= 1e-7 * norm:
                break
            x, previous = y / y.norm(), norm
        return math.sqrt(norm)


def _check_memory(size: int, angles: int, needed: float) -> None:
    """Raise if the memory of this process cannot hold what the operator needs."""
    limit = memory_limit()
    if limit is not None and needed > limit:
        raise ValueError(
            f"size: expected a ray transform that fits into {limit / 1e9:.1f} GB of memory, got size={size} and "
            f"angles={angles}, which need about {needed / 1e9:.1f} GB. Lower size or angles."
        )


def ramp_filtered(y: torch.Tensor, name: str, factor: float = 1.0) -> torch.Tensor:
    """factor * h * y, the convolution of each view with the ramp h in the window `name`, of the shape of y (..., n).

    >>> ramp_filtered(torch.tensor([[0.0, 1.0, 0.0]]), "ram-lak")  # h(0) = 1/4, h(1) = -1/pi^2
    tensor([[-0.1013,  0.2500, -0.1013]])
    """
    count = y.shape[-1]
    padded = 2 ** math.ceil(math.log2(2 * count))  # no wrap-around between the ends of the detector
    response = _filter_response(padded, name, factor, y.device, y.dtype)
    return torch.fft.irfft(torch.fft.rfft(y, padded) * response, padded)[..., :count].contiguous()


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # what is kept may meet a gradient later
def _filter_response(n: int, name: str, factor: float, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Fourier transform of the band-limited ramp kernel h(0) = 1/4, h(odd k) = -1/(pi k)^2, times a window and the
    factor: (n//2+1,).

    Made from the kernel, not from |frequency|, so that the mean of the image comes out right.
    """
    k = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    kernel = torch.where(k % 2 == 1, -1 / (math.pi * k) ** 2, 0.0)
    kernel[0] = 0.25
    ramp = torch.fft.rfft(kernel).real
    f = torch.fft.rfftfreq(n, dtype=torch.float64)  # cycles per detector cell, 0 to 1/2
    windows = {
        "ram-lak": torch.ones_like(f),
        "shepp-logan": torch.sinc(f),
        "cosine": torch.cos(math.pi * f),
        "hamming": 0.54 + 0.46 * torch.cos(2 * math.pi * f),
        "hann": 0.5 + 0.5 * torch.cos(2 * math.pi * f),
    }
    return (factor * (ramp * windows[name])).to(device, dtype)
