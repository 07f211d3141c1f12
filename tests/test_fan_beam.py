"""Fan beams and limited arcs against closed forms, against parallel beams, and against themselves on the fly."""

import math

import advreg_edu as ar
import pytest
import torch
from advreg_edu.operators import FanBeam
from advreg_edu.operators.ray_transform import BYTES_PER_NONZERO


def relative(u, v):
    return float((u - v).norm() / v.norm())


def gaussian(size, centre, width):
    t = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    u, v = torch.meshgrid(t, t, indexing="ij")
    return torch.exp(-((u - centre[0]) ** 2 + (v - centre[1]) ** 2) / (2 * width**2))[None, None]


@pytest.mark.parametrize("radius, detector", [(128.0, 64.0), (200.0, 0.0), (70.0, 70.0)])
def test_projections_of_a_gaussian(radius, detector):
    """c (Ax)(beta, p) = w sqrt(2 pi) exp(-d^2 / 2 w^2), d the distance of the mean from the ray: ODL's geometry."""
    A, centre, width = FanBeam(64, 9, source_radius=radius, detector_radius=detector), (7.0, -12.0), 5.0
    mean = torch.tensor(centre, dtype=torch.float64)
    exact = torch.zeros(A.range_shape[1:], dtype=torch.float64)
    for k, beta in enumerate(A.geometry.angles):
        source = torch.as_tensor(A.geometry.src_position(beta))
        ends = torch.as_tensor(A.geometry.det_point_position(beta, A.geometry.det_partition.coord_vectors[0]))
        along = torch.nn.functional.normalize(ends - source, dim=1)
        distance = along[:, 0] * (mean - source)[1] - along[:, 1] * (mean - source)[0]
        exact[k] = width * math.sqrt(2 * math.pi) * torch.exp(-(distance**2) / (2 * width**2))
    assert relative(A.unscaled_norm * A(gaussian(64, centre, width))[0, 0], exact) <= 0.02


@pytest.mark.parametrize(
    "options", [{}, dict(source_radius=640.0), dict(arc=3.9), dict(arc=5.5), dict(source_radius=70.0)], ids=str
)
def test_filtered_back_projection_recovers_a_gaussian(options):
    """A†Ax = x up to discretisation wherever every line is measured, once or twice; the mean too."""
    A, x = FanBeam(64, 180, **options), gaussian(64, (7.0, -12.0), 6.4)
    assert options.get("arc", 7) >= math.pi + A.fan_angle
    back = A.pinv(A(x))
    assert relative(back, x) <= 0.03 and float(back.mean()) == pytest.approx(float(x.mean()), rel=0.01)


def test_a_far_source_is_a_parallel_beam():
    """From a hundred sizes away the fan is parallel: the same image from both, as near as each is to the truth."""
    x = gaussian(48, (5.0, 3.0), 4.0)
    fan, parallel = FanBeam(48, 120, source_radius=4800.0, detector_radius=0.0), ar.RayTransform(48, 120)
    assert math.degrees(fan.fan_angle) < 1
    assert relative(fan.pinv(fan(x)), parallel.pinv(parallel(x))) <= 0.02


@pytest.mark.parametrize("make", [FanBeam, ar.RayTransform])
def test_less_of_the_arc_is_a_worse_image(make):
    """At the same number of views."""
    x = gaussian(48, (5.0, 3.0), 4.0)
    errors = [relative(A.pinv(A(x)), x) for A in (make(48, 60, arc=math.radians(a)) for a in (180, 150, 120, 90, 60))]
    assert errors == sorted(errors) and errors[-1] > 2 * errors[0]


def test_a_limited_arc_is_a_part_of_the_whole_one():
    """The first 20 of 30 views, up to the norm."""
    x = torch.rand(2, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    whole, part = ar.RayTransform(24, 30), ar.RayTransform(24, 20, arc=math.pi * 2 / 3)
    views = whole.unscaled_norm * whole(x)[:, :, :20]
    assert relative(part.unscaled_norm * part(x), views) <= 1e-5


@pytest.mark.parametrize(
    "make",
    [
        lambda **more: FanBeam(17, 6, **more),
        lambda **more: FanBeam(16, 5, arc=2.0, **more),
        lambda **more: ar.RayTransform(16, 5, arc=2.0, **more),
    ],
)
def test_on_the_fly_equals_matrix(make):
    A, B = make(), make(memory_budget=0)
    assert type(B._project).__name__ == "OnTheFlyProjector" and B.unscaled_norm == pytest.approx(A.unscaled_norm, 1e-5)
    x = torch.rand(2, *A.domain_shape, generator=torch.Generator().manual_seed(0))
    for one, other in [(A(x), B(x)), (A.T(A(x)), B.T(B(x))), (A.pinv(A(x)), B.pinv(B(x)))]:
        assert relative(other, one) <= 1e-4


@pytest.mark.parametrize("options", [{}, dict(source_radius=640.0, detector_radius=640.0), dict(source_radius=60.0)])
def test_the_memory_is_as_announced(options):
    A = FanBeam(64, 20, **options)
    assert A._project.bytes <= 1.02 * A.nonzeros * BYTES_PER_NONZERO * 64**2 * 20


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ar.RayTransform(16, 3, arc=4.0), "arc: expected a finite number above 0 and at most 3.14159, got 4"),
        (lambda: FanBeam(16, 3, arc=0), r"arc: .* got 0\. It is an angle in radians: math.radians\(120\)"),
        (
            lambda: FanBeam(16, 3, source_radius=11),
            r"source_radius: .* above 11.3137, got 11\. The source must be outs",
        ),
        (lambda: FanBeam(16, 3, detector_radius=-1), "detector_radius: expected a finite number at least 0, got -1"),
        (lambda: FanBeam("16"), "size: expected a number"),
    ],
)
def test_geometries_that_cannot_be(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
