"""The ray transform of a fan of rays, as clinical scanners measure it. Not in the paper, which has parallel beams."""

import math
from collections.abc import Iterator
from typing import Any

import torch

from .._input.arguments import check_choice, check_number
from .checks import check_measurement
from .projectors import odl_fan_geometry, parker_weights
from .ray_transform import FILTERS, RayTransform, ramp_filtered


class FanBeam(RayTransform):
    """Line integrals along fans of rays from a source that goes around the image, divided by their norm: ||A|| = 1.

    Geometry by ODL, projector by ASTRA. View k is taken from the angle beta_k = (k + 1/2) arc / angles; its detector is
    flat, opposite the source, and as wide as the shadow of the image.

    >>> A = FanBeam(size=32, angles=24)
    >>> x = torch.rand(2, 1, 32, 32)
    >>> y = A(x)
    >>> y.shape, A.pinv(y).shape, round(math.degrees(A.fan_angle))
    (torch.Size([2, 1, 24, 67]), torch.Size([2, 1, 32, 32]), 39)

    Args:
        size, angles, filter, memory_budget: as of `RayTransform`.
        arc: in radians, at most 2 pi (default). From pi + `fan_angle` on every line is measured, some twice: Parker's
            weights even that out in `pinv`. Less is limited-angle tomography.
        source_radius: of the circle of the source, in pixels, above size / sqrt(2); by default 2 size.
        detector_radius: distance of the detector from the middle of the image, in pixels; by default size.
    """

    full_arc = 2 * math.pi
    nonzeros = 2.6  # measured for ASTRA's 'line_fanflat' projector with radii from 0.8 to 10 sizes, at most

    def __init__(
        self,
        size: int = 128,
        angles: int = 60,
        filter: str = "ram-lak",
        memory_budget: float = 600_000_000,
        *,
        arc: float | None = None,
        source_radius: float | None = None,
        detector_radius: float | None = None,
    ) -> None:
        side = check_number(size, "size")
        fix = "The source must be outside of the image, whose corners are size / sqrt(2) from its middle."
        radius = 2 * side if source_radius is None else source_radius
        self.source_radius = check_number(radius, "source_radius", side / math.sqrt(2), above=True, fix=fix)
        self.detector_radius = check_number(side if detector_radius is None else detector_radius, "detector_radius", 0)
        super().__init__(size, angles, filter, memory_budget, arc=arc)
        self._weights = self._line_weights()

    @property
    def fan_angle(self) -> float:
        """The angle between the outermost rays, in radians."""
        return 2 * math.atan(self.domain_shape[1] / math.sqrt(2) / self.source_radius)

    def pinv(self, y: torch.Tensor, filter: str | None = None) -> torch.Tensor:
        """Return A†y, the filtered back-projection for flat detectors: sum over views of U^-2 (h * w y)(p).

        p is where the ray through a pixel meets the detector, scaled to the middle of the image; U is the distance of
        the pixel from the source along the central ray, w the cosine of the ray's angle with it, both by the radius.
        Args: y (B, 1, angles, detectors); filter, one of FILTERS, if another than the operator's own is wanted.
        Source: Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988, §3.4.2.
        """
        check_measurement(self, y)
        name = check_choice(filter or self.filter, "filter", FILTERS)
        factor = self.arc / self.range_shape[1] * self.unscaled_norm / self._cell
        filtered = ramp_filtered(y * self._weights.to(y), name, factor)
        x = y.new_zeros(len(y), 1, math.prod(self.domain_shape))
        for view, (left, share, depth) in enumerate(self._views()):
            q, left, share = filtered[:, :, view], left.to(y.device), share.to(y)
            x = x + (q[..., left] * (1 - share) + q[..., left + 1] * share) / depth.to(y) ** 2
        return x.reshape(-1, *self.domain_shape)

    def _odl_geometry(self, size: int, angles: int) -> tuple[Any, Any]:
        return odl_fan_geometry(size, angles, self.arc, self.source_radius, self.detector_radius)

    @property
    def _detectors(self) -> torch.Tensor:
        """Coordinates of the detector's cells, scaled to the middle of the image: (detectors,), float64."""
        scale = self.source_radius / (self.source_radius + self.detector_radius)
        return scale * torch.as_tensor(self.geometry.det_partition.coord_vectors[0], dtype=torch.float64)

    @property
    def _cell(self) -> float:
        return float(self._detectors[1] - self._detectors[0])

    def _views(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Of each view and for each pixel: the detector to the left of its ray, how far it is from there, and U."""
        size, s = self.domain_shape[1], self._detectors
        t = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
        pixels = torch.cartesian_prod(t, t)
        for beta in self.geometry.angles:
            source, axis = (torch.as_tensor(f(beta)) for f in (self.geometry.src_position, self.geometry.det_axis))
            depth = 1 - pixels @ source / self.source_radius**2
            place = (pixels @ axis / depth - s[0]) / self._cell
            left = place.long().clamp(0, len(s) - 2)
            yield left, place - left, depth

    def _line_weights(self) -> torch.Tensor:
        """w times the share by which a line counts, as it may be measured twice: (angles or 1, detectors)."""
        cosine = self.source_radius / (self.source_radius**2 + self._detectors**2).sqrt()
        if self.arc == self.full_arc:
            return cosine / 2
        if self.arc < math.pi + self.fan_angle:
            return cosine
        space, geometry = self._odl_geometry(self.domain_shape[1], self.range_shape[1])
        return cosine * torch.as_tensor(parker_weights(space, geometry)) * (math.pi / self.arc)
