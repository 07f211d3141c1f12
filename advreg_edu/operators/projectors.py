"""How a ray transform is computed: as a sparse matrix, or by ODL and ASTRA image by image. Paper: §5.3.

Geometry by ODL, projector by ASTRA. The matrix is kept in torch, so that a batch costs one sparse product and the
adjoint is the exact transpose.
"""

import math
import warnings
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F

from .copies import Copies

CPU_FLOAT = (torch.device("cpu"), torch.float32)
_TOO_SLOW = "The 'astra_cpu' backend may be too slow"  # ODL's warning


class Projector(Protocol):
    """What a ray transform asks of its projector: both ways on a batch of any shape, and one division by the norm.

    >>> projector: Projector = MatrixProjector(*odl_geometry(8, 3))
    >>> y = projector.forward(torch.ones(1, 64))
    >>> projector.divide_by(2.0)
    >>> torch.equal(projector.forward(torch.ones(1, 64)), y / 2)
    True
    """

    def divide_by(self, norm: float) -> None: ...

    def forward(self, x: torch.Tensor) -> torch.Tensor: ...

    def adjoint(self, y: torch.Tensor) -> torch.Tensor: ...


class MatrixProjector:
    """ASTRA's projector as a sparse matrix, copied once to every device and float type it is used with.

    Any two-dimensional geometry of ODL's will do: parallel or fan beam, any angles.

    >>> projector = MatrixProjector(*odl_geometry(8, 3))
    >>> projector.forward(torch.rand(2, 1, 8, 8)).shape  # 3 views by 13 detectors
    torch.Size([2, 39])
    """

    def __init__(self, space: Any, geometry: Any) -> None:
        matrix = _astra_matrix(space, geometry)
        self._matrix, self._transposed = Copies(_to_torch(matrix)), Copies(_to_torch(matrix.T.tocsr()))

    @property
    def bytes(self) -> int:
        """The memory of the matrix and its transpose on the CPU."""
        both = self._matrix.original, self._transposed.original
        parts = [t for m in both for t in (m.values(), m.col_indices(), m.crow_indices())]
        return sum(t.numel() * t.element_size() for t in parts)

    def divide_by(self, norm: float) -> None:
        self._matrix.original.values().div_(norm)
        self._transposed.original.values().div_(norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _times(self._matrix.like(x), x.flatten(1))

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return _times(self._transposed.like(y), y.flatten(1))


def _times(matrix: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """The matrix times each row of u."""
    return (matrix @ u[0])[None] if len(u) == 1 else _transposed(_product(matrix, _transposed(u)))


def _product(matrix: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """matrix @ u. For many columns `embedding_bag`, weighted sums of rows of u, is up to three times faster on CPUs."""
    if u.shape[1] < 16 or (u.device, u.dtype) != CPU_FLOAT:
        return matrix @ u
    options: dict[str, Any] = dict(mode="sum", per_sample_weights=matrix.values(), include_last_offset=True)
    return F.embedding_bag(matrix.col_indices(), u, matrix.crow_indices(), **options)


def _transposed(u: torch.Tensor) -> torch.Tensor:
    """u.T in new memory, three times faster than u.T.contiguous() if the long side is a power of two: such rows compete
    for the same lines of the cache, so they are first spread out."""
    rows, columns = u.shape
    if columns > rows:
        return F.pad(u, (0, 16))[:, :columns].T.contiguous()
    spread = u.new_empty(columns, rows + 16)[:, :rows]
    return spread.copy_(u.T).contiguous()


class OnTheFlyProjector:
    """ODL's own ray transform, one image at a time, on CUDA where ASTRA has it.

    Its adjoint has the weights of a transposed matrix: all cells have side 1 but for the detector's, which is divided
    out.

    >>> projector = OnTheFlyProjector(*odl_geometry(8, 3))
    >>> projector.forward(torch.rand(2, 1, 8, 8)).shape
    torch.Size([2, 3, 13])
    """

    def __init__(self, space: Any, geometry: Any) -> None:
        from odl.applications.tomo import RayTransform as OdlRayTransform

        astra = import_astra()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_TOO_SLOW, category=RuntimeWarning)
            self._odl = OdlRayTransform(space, geometry, impl="astra_cuda" if astra.use_cuda() else "astra_cpu")
            self._odl(space.zero())  # ODL builds its backend, and warns, at the first call
        self._norm = 1.0

    def divide_by(self, norm: float) -> None:
        self._norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._each(self._odl, x) / self._norm

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        weight = self._odl.range.weighting.const / self._odl.domain.weighting.const
        return self._each(self._odl.adjoint, y) / (weight * self._norm)

    def _each(self, operator: Any, batch: torch.Tensor) -> torch.Tensor:
        items = batch.detach().cpu().float().numpy().reshape(len(batch), *operator.domain.shape)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_TOO_SLOW, category=RuntimeWarning)
            out = np.stack([operator(operator.domain.element(item)).asarray() for item in items])
        return torch.from_numpy(out).to(batch)


def import_astra() -> Any:
    """Return the package `astra`, or raise ModuleNotFoundError with the way to install it.

    >>> import_astra().__name__
    'astra'
    """
    try:
        import astra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "RayTransform: expected the package astra-toolbox, got none. Install it: conda install -c astra-toolbox "
            "astra-toolbox (pip install astra-toolbox has none for macOS). Only CT needs it."
        ) from None
    return astra


def odl_geometry(size: int, angles: int, arc: float = math.pi) -> tuple[Any, Any]:
    """Return ODL's space of images with pixels of side 1, and its parallel beam geometry with views in (0, arc).

    >>> space, geometry = odl_geometry(8, 3)
    >>> space.shape, geometry.angles.shape
    ((8, 8), (3,))
    """
    import odl
    from odl.applications.tomo import Parallel2dGeometry, parallel_beam_geometry

    space = _unit_pixels(size)
    detector = parallel_beam_geometry(space, num_angles=angles).det_partition
    return space, Parallel2dGeometry(odl.uniform_partition(0, arc, angles), detector)


def odl_fan_geometry(size: int, angles: int, arc: float, source: float, detector: float) -> tuple[Any, Any]:
    """Return the same space, and ODL's fan beam geometry: radii of the circles of source and flat detector in pixels.

    >>> space, geometry = odl_fan_geometry(8, 3, 6.28, source=16, detector=8)
    >>> geometry.angles.shape, geometry.src_radius
    ((3,), 16.0)
    """
    import odl
    from odl.applications.tomo import FanBeamGeometry, cone_beam_geometry

    space = _unit_pixels(size)
    cells = cone_beam_geometry(space, source, detector, num_angles=angles).det_partition
    return space, FanBeamGeometry(odl.uniform_partition(0, arc, angles), cells, source, detector)


def parker_weights(space: Any, geometry: Any) -> np.ndarray:
    """Return ODL's weights for short scans, of mean arc / pi over each line: (angles, detectors).

    >>> parker_weights(*odl_fan_geometry(8, 30, 4.0, source=16, detector=8)).shape
    (30, 19)
    """
    from odl.applications.tomo import RayTransform as OdlRayTransform
    from odl.applications.tomo import parker_weighting

    weights = parker_weighting(OdlRayTransform(space, geometry, impl="astra_cpu")).asarray()
    return np.ascontiguousarray(weights[:, ::-1])  # ODL 1.0 counts the detector from the other end here


def _unit_pixels(size: int) -> Any:
    import odl

    return odl.uniform_discr([-size / 2] * 2, [size / 2] * 2, (size, size), dtype="float32")


def _astra_matrix(space: Any, geometry: Any) -> Any:
    """ASTRA's projector, ODL's default for the geometry, as scipy CSR (angles * detectors, size^2)."""
    from odl.applications.tomo import Parallel2dGeometry
    from odl.applications.tomo.backends import astra_setup

    astra = import_astra()
    volume = astra_setup.astra_volume_geometry(space, "cpu")
    rays = astra_setup.astra_projection_geometry(geometry, "cpu")
    kind = "linear" if isinstance(geometry, Parallel2dGeometry) else "line_fanflat"
    projector = astra.create_projector(kind, rays, volume)
    matrix = astra.projector.matrix(projector)
    csr = astra.matrix.get(matrix).astype(np.float32)
    astra.matrix.delete(matrix)
    astra.projector.delete(projector)
    return csr


def _to_torch(csr: Any) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta", category=UserWarning)
        rows, columns = torch.from_numpy(csr.indptr.astype(np.int32)), torch.from_numpy(csr.indices.astype(np.int32))
        return torch.sparse_csr_tensor(rows, columns, torch.from_numpy(csr.data), csr.shape, check_invariants=True)
