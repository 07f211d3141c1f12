"""The ray transform of computed tomography. Paper: §2.1, §5.3.

Geometry by ODL, projector by ASTRA; the projector is kept as a sparse matrix in torch, so that a batch costs one
sparse product and the adjoint is the exact transpose.
"""

import copy
import math
import warnings
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

from .._input.arguments import check_choice, check_count
from ..hardware.limits import memory_limit
from .linear import LinearOperator, check_measurement

NONZEROS_PER_PIXEL_AND_ANGLE = 1.82  # measured for ASTRA's 'linear' projector
BYTES_PER_NONZERO = 16  # float32 value and int32 column, for A and for A*
BYTES_PER_PIXEL, BYTES_PER_VALUE = 36, 12  # measured for ODL on the fly: of the image, of the measurement
FILTERS = ("ram-lak", "shepp-logan", "cosine", "hamming", "hann")
CPU_FLOAT = (torch.device("cpu"), torch.float32)
_TOO_SLOW = "The 'astra_cpu' backend may be too slow"  # ODL's warning


class RayTransform(LinearOperator):
    """Parallel-beam line integrals of a square image over an arc of pi, divided by their norm, so that ||A|| = 1.

    (Ax)(theta, s) = 1/c * integral of x along the line {u : <u, (cos theta, sin theta)> = s}, c = `unscaled_norm`.
    Dividing by the norm is what the authors' code does; the paper does not say.

    Args:
        size: pixels along each side of the image; domain_shape is (1, size, size).
        angles: number of equidistant views in (0, pi); range_shape is (1, angles, detectors), detectors by ODL.
        filter: of the filtered back-projection `pinv`, one of FILTERS; "ram-lak" is the paper's.
        memory_budget: bytes that the matrix and its transpose may take (default 600 MB, about 512x512 with 78 angles);
            beyond it ODL and ASTRA project on the fly, image by image.
    """

    def __init__(self, size=128, angles=30, filter="ram-lak", memory_budget=600_000_000):
        size = check_count(size, "size", 2, "It is the side of the image in pixels.")
        if (count := np.size(angles)) != 1:
            raise TypeError(f"angles: expected a count, got {count} numbers. Pass angles={count} equidistant views.")
        angles = check_count(angles, "angles", 1, "A scan needs at least one view.")
        self.filter = check_choice(filter, "filter", FILTERS)
        _astra()
        bytes_needed = NONZEROS_PER_PIXEL_AND_ANGLE * BYTES_PER_NONZERO * size**2 * angles
        as_matrix = bytes_needed <= memory_budget
        on_the_fly = BYTES_PER_PIXEL * size**2 + BYTES_PER_VALUE * angles * math.sqrt(2) * size
        _check_memory(size, angles, bytes_needed if as_matrix else on_the_fly)
        self._space, self._geometry = _odl_geometry(size, angles)
        detectors = self._geometry.det_partition.size
        super().__init__((1, size, size), (1, angles, detectors))
        if as_matrix:
            self._project = _Matrix(_astra_matrix(self._space, self._geometry))
        else:
            self._project = _OnTheFly(self._space, self._geometry)
        self.unscaled_norm = self._largest_singular_value()
        self._project.divide_by(self.unscaled_norm)

    def __deepcopy__(self, memo):
        """Copies share the projector, which never changes: torch copies no sparse matrix, ASTRA no projector."""
        return copy.copy(self)

    types = (torch.float32, torch.float64)  # a sparse product of half precision would round every sum

    def _forward(self, x):
        return self._project.forward(x).reshape(-1, *self.range_shape)

    def _adjoint(self, y):
        return self._project.adjoint(y).reshape(-1, *self.domain_shape)

    def pinv(self, y, filter=None):
        """A†y, filtered back-projection: pi/N c^2 A*(h * y) with the discrete ramp h.

        Args: y (B, 1, angles, detectors); filter, one of FILTERS, if another than the operator's own is wanted.
        Source: Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988, Eq. 61 (ramp kernel).
        """
        check_measurement(self, y)
        angles, detectors = self.range_shape[1:]
        padded = 2 ** math.ceil(math.log2(2 * detectors))  # no wrap-around between the ends of the detector
        response = _filter_response(padded, check_choice(filter or self.filter, "filter", FILTERS))
        response = (math.pi / angles * self.unscaled_norm**2 * response).to(y)
        return self.T(torch.fft.irfft(torch.fft.rfft(y, padded) * response, padded)[..., :detectors].contiguous())

    def _largest_singular_value(self):
        """Power method on A*A. The ray transform's first singular value stands alone, so it converges fast."""
        x, previous = torch.ones(1, *self.domain_shape), 0.0
        for _ in range(100):
            y = self._project.adjoint(self._project.forward(x)).reshape(x.shape)
            norm = float(y.norm() / x.norm())
            if abs(norm - previous) <= 1e-7 * norm:
                break
            x, previous = y / y.norm(), norm
        return math.sqrt(norm)


class _Matrix:
    """ASTRA's projector as a sparse matrix, copied once to every device and float type it is used with."""

    def __init__(self, matrix):
        self._stored = {CPU_FLOAT: (_to_torch(matrix), _to_torch(matrix.T.tocsr()))}

    @property
    def bytes(self):
        """Of the matrix and its transpose on the CPU."""
        parts = [t for m in self._stored[CPU_FLOAT] for t in (m.values(), m.col_indices(), m.crow_indices())]
        return sum(t.numel() * t.element_size() for t in parts)

    def divide_by(self, norm):
        for matrices in self._stored.values():
            for matrix in matrices:
                matrix.values().div_(norm)

    def forward(self, x):
        return self._times(0, x)

    def adjoint(self, y):
        return self._times(1, y)

    def _times(self, which, u):
        key = (u.device, u.dtype)
        if key not in self._stored:
            self._stored[key] = tuple(m.to(device=u.device, dtype=u.dtype) for m in self._stored[CPU_FLOAT])
        matrix, u = self._stored[key][which], u.flatten(1)
        return (matrix @ u[0])[None] if len(u) == 1 else _transposed(_product(matrix, _transposed(u)))


def _product(matrix, u):
    """matrix @ u. For many columns `embedding_bag`, weighted sums of rows of u, is up to three times faster on CPUs."""
    if u.shape[1] < 16 or (u.device, u.dtype) != CPU_FLOAT:
        return matrix @ u
    options = dict(mode="sum", per_sample_weights=matrix.values(), include_last_offset=True)
    return F.embedding_bag(matrix.col_indices(), u, matrix.crow_indices(), **options)


def _transposed(u):
    """u.T in new memory, three times faster than u.T.contiguous() if the long side is a power of two: such rows compete
    for the same lines of the cache, so they are first spread out."""
    rows, columns = u.shape
    if columns > rows:
        return F.pad(u, (0, 16))[:, :columns].T.contiguous()
    spread = u.new_empty(columns, rows + 16)[:, :rows]
    return spread.copy_(u.T).contiguous()


class _OnTheFly:
    """ODL's own ray transform, one image at a time, on CUDA where ASTRA has it. Its `adjoint` uses the same weights
    as ours because all cells have side 1 but for the detector's, which is divided out."""

    def __init__(self, space, geometry):
        from odl.applications.tomo import RayTransform as OdlRayTransform

        astra = _astra()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_TOO_SLOW, category=RuntimeWarning)
            self._odl = OdlRayTransform(space, geometry, impl="astra_cuda" if astra.use_cuda() else "astra_cpu")
            self._odl(space.zero())  # ODL builds its backend, and warns, at the first call
        self._norm = 1.0

    def divide_by(self, norm):
        self._norm = norm

    def forward(self, x):
        return self._each(self._odl, x) / self._norm

    def adjoint(self, y):
        weight = self._odl.range.weighting.const / self._odl.domain.weighting.const
        return self._each(self._odl.adjoint, y) / (weight * self._norm)

    def _each(self, operator, batch):
        items = batch.detach().cpu().float().numpy().reshape(len(batch), *operator.domain.shape)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_TOO_SLOW, category=RuntimeWarning)
            out = np.stack([operator(operator.domain.element(item)).asarray() for item in items])
        return torch.from_numpy(out).to(batch)


def _check_memory(size, angles, needed):
    """Raise if the memory of this process cannot hold what the operator needs."""
    limit = memory_limit()
    if limit is not None and needed > limit:
        raise ValueError(
            f"size: expected a ray transform that fits into {limit / 1e9:.1f} GB of memory, got size={size} and "
            f"angles={angles}, which need about {needed / 1e9:.1f} GB. Lower size or angles."
        )


def _astra():
    try:
        import astra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "RayTransform: expected the package astra-toolbox, got none. Install it: conda install -c astra-toolbox "
            "astra-toolbox (pip install astra-toolbox has none for macOS). Only CT needs it."
        ) from None
    return astra


def _odl_geometry(size, angles):
    import odl
    from odl.applications.tomo import parallel_beam_geometry

    half = size / 2  # pixels of side 1
    space = odl.uniform_discr([-half, -half], [half, half], (size, size), dtype="float32")
    return space, parallel_beam_geometry(space, num_angles=angles)


def _astra_matrix(space, geometry):
    """ASTRA's 'linear' projector, ODL's default for this geometry, as scipy CSR (angles * detectors, size^2)."""
    from odl.applications.tomo.backends import astra_setup

    astra = _astra()
    volume = astra_setup.astra_volume_geometry(space, "cpu")
    rays = astra_setup.astra_projection_geometry(geometry, "cpu")
    projector = astra.create_projector("linear", rays, volume)
    matrix = astra.projector.matrix(projector)
    csr = astra.matrix.get(matrix).astype(np.float32)
    astra.matrix.delete(matrix)
    astra.projector.delete(projector)
    return csr


def _to_torch(csr):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
        rows, columns = torch.from_numpy(csr.indptr.astype(np.int32)), torch.from_numpy(csr.indices.astype(np.int32))
        return torch.sparse_csr_tensor(rows, columns, torch.from_numpy(csr.data), csr.shape, check_invariants=True)


@lru_cache
def _filter_response(n, name):
    """Fourier transform of the band-limited ramp kernel h(0) = 1/4, h(odd k) = -1/(pi k)^2, times a window: (n//2+1,).

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
    return ramp * windows[name]
