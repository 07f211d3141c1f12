"""The ray transform against ODL, against closed forms, and its filtered back-projection."""

import math
import sys
import warnings

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu.operators import ray_transform
from advreg_edu.operators.ray_transform import FILTERS

CASES = [(16, 10), (17, 7), (31, 4), (32, 1), (64, 30)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def relative(u, v):
    return float((u - v).norm() / v.norm())


def odl_transform(size, angles):
    """ODL's own ray transform on pixels of side 1, built without our code."""
    import odl

    space = odl.uniform_discr([-size / 2] * 2, [size / 2] * 2, (size, size), dtype="float32")
    geometry = odl.applications.tomo.parallel_beam_geometry(space, num_angles=angles)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the CPU is slow
        transform = odl.applications.tomo.RayTransform(space, geometry, impl="astra_cpu")
        transform(space.zero())
    return transform


def lines(size, angles):
    """theta (angles, 1) and s (detectors) of the lines, from ODL's geometry."""
    geometry = odl_transform(size, angles).geometry
    s = torch.tensor(np.asarray(geometry.det_partition.coord_vectors[0]), dtype=torch.float64)
    return torch.tensor(np.asarray(geometry.angles), dtype=torch.float64)[:, None], s


def pixels(size):
    """Coordinates (u_1, u_2) of the pixels, the origin in the middle of the image."""
    t = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    return torch.meshgrid(t, t, indexing="ij")


def gaussian(size, centre, width):
    u = pixels(size)
    return torch.exp(-((u[0] - centre[0]) ** 2 + (u[1] - centre[1]) ** 2) / (2 * width**2))[None, None]


def disc(size, radius):
    """Indicator of a centred disc, each pixel the mean of 8x8 points."""
    u = pixels(8 * size)
    fine = (u[0] ** 2 + u[1] ** 2 <= (8 * radius) ** 2).double()[None, None]
    return torch.nn.functional.avg_pool2d(fine, 8)


@pytest.mark.parametrize("size, angles", CASES)
def test_equals_odl(size, angles):
    """c A x = R x and c A*y = R*y with ODL's ray transform R: to 1e-4."""
    A, R = ar.RayTransform(size, angles), odl_transform(size, angles)
    x = torch.rand(2, *A.domain_shape, generator=seeded())
    y = torch.rand(2, *A.range_shape, generator=seeded())
    weight = R.range.weighting.const / R.domain.weighting.const  # R* is taken in ODL's weighted inner products
    for item, Ax in zip(x, A(x), strict=True):
        assert relative(A.unscaled_norm * Ax[0], torch.tensor(R(item[0].numpy()).asarray())) <= 1e-4
    for item, Aty in zip(y, A.T(y), strict=True):
        assert relative(A.unscaled_norm * Aty[0] * weight, torch.tensor(R.adjoint(item[0].numpy()).asarray())) <= 1e-4


@pytest.mark.parametrize("size, angles", [(16, 10), (17, 7), (24, 1)])
def test_on_the_fly_equals_matrix(size, angles):
    """Beyond the memory budget: the same A, A*, A† and gradient, to 1e-4."""
    A, B = ar.RayTransform(size, angles), ar.RayTransform(size, angles, memory_budget=0)
    assert pytest.approx(A.unscaled_norm, rel=1e-5) == B.unscaled_norm
    x = torch.rand(3, *A.domain_shape, generator=seeded())
    y = torch.rand(3, *A.range_shape, generator=seeded())
    gradients = []
    for operator in (A, B):
        u = x.clone().requires_grad_()
        ((operator(u) - y) ** 2).sum().backward()
        gradients.append(u.grad)
    pairs = [(A(x), B(x)), (A.T(y), B.T(y)), (A.pinv(y), B.pinv(y)), gradients]
    assert all(relative(b, a) <= 1e-4 for a, b in pairs)
    assert ar.dot_test(B, seeded()) <= 1e-6
    assert B(x.double()).dtype == torch.float64


@pytest.mark.parametrize("size, angles", [(16, 10), (33, 5)])
def test_every_batch_size_gives_the_same(size, angles):
    """One image, a few and many take different ways through torch: A and A* agree to 1e-5, and stay adjoint."""
    A = ar.RayTransform(size, angles)
    x, y = torch.rand(20, *A.domain_shape, generator=seeded()), torch.rand(20, *A.range_shape, generator=seeded(1))
    for operator, u in ((A, x), (A.T, y)):
        one_by_one = torch.cat([operator(item[None]) for item in u])
        assert relative(operator(u), one_by_one) <= 1e-5
        assert relative(operator(u[:3]), one_by_one[:3]) <= 1e-5
        assert relative(operator(u.double()), one_by_one.double()) <= 1e-5
    assert float((A(x) * y).sum()) == pytest.approx(float((x * A.T(y)).sum()), rel=1e-4)


def test_memory_budget_decides():
    """Default 600 MB: 128x128 with 30 angles is a matrix; with 10 MB it is not. The estimate of the bytes is right."""
    kind = lambda A: type(A._project).__name__
    assert kind(ar.RayTransform(128, 30)) == "MatrixProjector"
    assert kind(ar.RayTransform(128, 30, memory_budget=10_000_000)) == "OnTheFlyProjector"
    from advreg_edu.operators.ray_transform import BYTES_PER_NONZERO, NONZEROS_PER_PIXEL_AND_ANGLE

    A = ar.RayTransform(64, 20)
    assert A._project.bytes == pytest.approx(NONZEROS_PER_PIXEL_AND_ANGLE * BYTES_PER_NONZERO * 64**2 * 20, rel=0.1)


@pytest.mark.parametrize("size, angles", [(64, 12), (65, 7)])
@pytest.mark.parametrize("centre", [(0.0, 0.0), (6.0, -13.0), (-11.0, 4.0)])
def test_projections_of_a_gaussian_are_gaussians(size, angles, centre):
    """c (Ax)(theta, s) = w sqrt(2 pi) exp(-(s - <m, (cos theta, sin theta)>)^2 / 2 w^2): mean m, width w."""
    A, width = ar.RayTransform(size, angles), size / 12
    theta, s = lines(size, angles)
    middle = centre[0] * theta.cos() + centre[1] * theta.sin()
    exact = width * math.sqrt(2 * math.pi) * torch.exp(-((s - middle) ** 2) / (2 * width**2))
    assert relative(A.unscaled_norm * A(gaussian(size, centre, width))[0, 0], exact) <= 5e-3


@pytest.mark.parametrize("size, radius", [(64, 20.0), (65, 11.5)])
def test_projections_of_a_disc_are_chords(size, radius):
    """c (Ax)(theta, s) = 2 sqrt(r^2 - s^2) for a centred disc of radius r, the same at every angle."""
    A = ar.RayTransform(size, 9)
    _, s = lines(size, 9)
    chord = 2 * (radius**2 - s**2).clamp_min(0).sqrt()
    views = A.unscaled_norm * A(disc(size, radius))[0, 0]
    assert all(relative(view, chord) <= 0.03 for view in views)


@pytest.mark.parametrize("size, angles, tolerance", [(64, 180, 0.015), (65, 180, 0.015), (64, 60, 0.03)])
@pytest.mark.parametrize("centre", [(0.0, 0.0), (7.0, -12.0)])
def test_fbp_recovers_a_gaussian(size, angles, tolerance, centre):
    """A†Ax = x up to discretisation for a smooth x and many angles; the mean too."""
    A, x = ar.RayTransform(size, angles), gaussian(size, centre, size / 10)
    back = A.pinv(A(x))
    assert relative(back, x) <= tolerance
    assert float(back.mean()) == pytest.approx(float(x.mean()), rel=5e-3)


def test_fbp_of_exact_projections():
    """A† applied to the closed-form projections of a Gaussian, no projector involved."""
    size, angles, width, centre = 64, 180, 6.0, (5.0, -9.0)
    A, (theta, s) = ar.RayTransform(size, angles), lines(size, angles)
    middle = centre[0] * theta.cos() + centre[1] * theta.sin()
    y = width * math.sqrt(2 * math.pi) * torch.exp(-((s - middle) ** 2) / (2 * width**2)) / A.unscaled_norm
    assert relative(A.pinv(y[None, None]), gaussian(size, centre, width)) <= 0.015


def test_more_angles_make_better_fbp():
    x = disc(48, 15.0)
    errors = [relative(A.pinv(A(x)), x) for A in (ar.RayTransform(48, n) for n in (5, 15, 45, 135))]
    assert errors == sorted(errors, reverse=True)


def test_filters_by_name():
    """Noise passes the windows in the order of their bandwidth: Ram-Lak most, Hann least; Ram-Lak is the default."""
    A = ar.RayTransform(32, 20)
    e = A.random_measurement(8, generator=seeded())
    noise = {name: float(A.pinv(e, filter=name).std()) for name in FILTERS}
    assert FILTERS == ("ram-lak", "shepp-logan", "cosine", "hamming", "hann")
    assert list(noise.values()) == sorted(noise.values(), reverse=True) and noise["hann"] < 0.6 * noise["ram-lak"]
    assert torch.equal(A.pinv(e), A.pinv(e, filter="ram-lak"))
    assert torch.equal(ar.RayTransform(32, 20, filter="hann").pinv(e), A.pinv(e, filter="hann"))


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_keeps_smooth_images(name):
    """A window only cuts high frequencies: the mean stays, and a smooth x nearly."""
    A, x = ar.RayTransform(64, 120), gaussian(64, (3.0, -5.0), 9.0)
    back = A.pinv(A(x), filter=name)
    assert float(back.mean()) == pytest.approx(float(x.mean()), rel=5e-3) and relative(back, x) <= 0.03


@pytest.mark.parametrize(
    "call", [lambda: ar.RayTransform(8, 2, filter="gauss"), lambda: fbp("gauss"), lambda: fbp("Hann")]
)
def test_unknown_filter(call):
    with pytest.raises(ValueError, match=r"filter: expected one of ram-lak, .*hann, got '(gauss|Hann)'"):
        call()


def fbp(name):
    A = ar.RayTransform(8, 2)
    return A.pinv(torch.zeros(1, *A.range_shape), filter=name)


def test_norm_is_one_after_scaling():
    """||A|| = 1 for every size and number of angles, and c grows with the number of angles as its root."""
    scales = [ar.RayTransform(32, n).unscaled_norm for n in (16, 64)]
    assert scales[1] / scales[0] == pytest.approx(2, rel=0.02)


def test_nothing_is_said_while_projecting(recwarn):
    """No warning from ODL, ASTRA or torch reaches the student, on either path."""
    for budget in (0, 600_000_000):
        A = ar.RayTransform(16, 3, memory_budget=budget)
        A.pinv(A(torch.rand(1, 1, 16, 16)))
    assert not recwarn.list


def test_what_does_not_fit_says_how_much_it_needs(monkeypatch):
    monkeypatch.setattr(ray_transform, "memory_limit", lambda: 2_000_000_000)
    with pytest.raises(
        ValueError, match=r"fits into 2\.0 GB of memory, got size=20000 and angles=2, .* about 14\.4 GB"
    ):
        ar.RayTransform(20_000, 2)
    with pytest.raises(ValueError, match=r"about 6\.1 GB"):
        ar.RayTransform(2048, 50, memory_budget=10**11)


def test_views_are_a_count():
    with pytest.raises(TypeError, match=r"angles: expected a count, got 20 numbers\. Pass angles=20"):
        ar.RayTransform(64, angles=np.linspace(0, 2, 20))


def test_without_astra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "astra", None)
    with pytest.raises(ModuleNotFoundError, match=r"RayTransform: expected the package astra-toolbox.*conda install"):
        ar.RayTransform(16, 2)
