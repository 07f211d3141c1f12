"""Worlds in the plane: nearest points against brute force, laws, tangents, and noise that obeys Assumption 2."""

import math

import advreg_edu as ar
import pytest
import torch
from advreg_edu.theory import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

WORLDS = {
    "circle": worlds.circle(),
    "segment": worlds.segment(),
    "two points": worlds.points(),
    "ellipse": worlds.ellipse(),
    "spiral": worlds.spiral(),
    "your own": worlds.polyline([(0.1, 0.2), (0.5, 0.9), (0.6, 0.2), (0.9, 0.3)]),
}
each_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
seed = lambda number: torch.Generator().manual_seed(number)


@each_world
def test_no_point_of_a_fine_brute_force_grid_is_nearer(world):
    x = 1.4 * torch.rand(400, 2, generator=seed(0), dtype=torch.float64) - 0.2  # beyond the square too
    on_curve = world.curve(torch.linspace(0, 1, 40_001, dtype=torch.float64))
    brute = torch.cdist(x, on_curve, compute_mode="donot_use_mm_for_euclid_dist").min(1).values
    difference = world.distance(x) - brute
    assert difference.max() < 1e-14 and difference.min() > -1e-4  # never farther; the grid's own error is one-sided


@each_world
def test_the_way_to_the_nearest_point_is_normal_or_ends_at_an_end(world):
    """<x - P_M x, tangent> = 0 to machine precision wherever P_M x is not an end or a corner."""
    x = torch.rand(400, 2, generator=seed(1), dtype=torch.float64)
    t, p = world.nearest(x), world.project(x)
    inside = (t > 1e-9) & (t < 1 - 1e-9)
    if world.name == "your own":  # near a corner two directions are nearest
        inside &= (world.tangent(world.curve(t - 1e-6)) - world.tangent(world.curve(t + 1e-6))).norm(dim=1) < 1e-9
    along = ((x - p) * world.tangent(x)).sum(1)
    assert inside.sum() > 40
    assert along[inside].abs().max() < 1e-12


@each_world
def test_projections_and_samples_lie_on_the_manifold(world):
    x = torch.rand(200, 1, 1, 2, generator=seed(2))
    p = world.project(x)
    assert p.shape == x.shape and p.dtype == x.dtype
    assert world.distance(p).max() < 1e-7 and (world.project(p) - p).abs().max() < 1e-6
    sample = world.sample(500, seed(3))
    assert sample.shape == (500, 1, 1, 2) and world.distance(sample).max() < 1e-7
    assert sample.min() >= 0 and sample.max() <= 1


@each_world
def test_the_velocity_is_the_derivative_of_the_curve(world):
    t, h = torch.rand(100, generator=seed(4), dtype=torch.float64), 1e-7
    quotient = (world.curve(t + h) - world.curve(t - h)) / (2 * h)
    assert torch.allclose(quotient, world.velocity(t), atol=1e-5)


@each_world
@settings(max_examples=20, deadline=None)
@given(first=st.tuples(*[st.floats(-0.5, 1.5)] * 2), second=st.tuples(*[st.floats(-0.5, 1.5)] * 2))
def test_the_distance_is_one_lipschitz(world, first, second):
    """First half of the proof of Theorem 2."""
    a, b = (torch.tensor([place], dtype=torch.float64) for place in (first, second))
    assert (world.distance(a) - world.distance(b)).abs() <= (a - b).norm() + 1e-12


@each_world
def test_the_gradient_of_the_distance_is_the_unit_vector_away_from_the_manifold(world):
    x = torch.rand(50, 1, 1, 2, generator=seed(5), dtype=torch.float64).requires_grad_()
    (grad,) = torch.autograd.grad(world.distance(x).sum(), x)
    away = (x - world.project(x)).detach()
    assert torch.allclose(grad, away / world.distance(x).detach()[:, None, None, None], atol=1e-9)


def test_the_circle_has_its_closed_form():
    x = torch.rand(100, 2, generator=seed(6), dtype=torch.float64)
    assert torch.allclose(worlds.circle(0.2).distance(x), ((x - 0.5).norm(dim=1) - 0.2).abs())


def test_an_ellipse_with_equal_axes_is_a_circle():
    x = torch.rand(100, 2, generator=seed(7), dtype=torch.float64)
    assert torch.allclose(worlds.ellipse(0.3, 0.3).project(x), worlds.circle(0.3).project(x), atol=1e-12)


@each_world
def test_noise_across_the_manifold_obeys_assumption_2(world):
    """Every x_n projects back to its own x_r, but for corners of a drawn line and the ends of the worlds."""
    problem = worlds.corruption(world, sigma=0.005)
    x = world.sample(300, seed(8))
    x_noisy = problem.naive(problem.measure(x, seed(9)))
    back = (world.project(x_noisy) - x).flatten(1).norm(dim=1)
    assert (back < 1e-6).float().mean() > (0.9 if world.name == "your own" else 0.99)


def test_the_length_of_the_noise_across_a_curve_is_half_normal():
    world, sigma = worlds.circle(), 0.05
    problem = worlds.corruption(world, sigma)
    x_noisy = problem.naive(problem.measure(world.sample(20_000, seed(10)), seed(11)))
    assert world.distance(x_noisy).mean().item() == pytest.approx(sigma * math.sqrt(2 / math.pi), rel=0.02)


@each_world
def test_noise_along_and_across_is_plain_noise(world):
    problem, plain = worlds.corruption(world, 0.1, along=1.0), ar.Problem(ar.Identity((1, 1, 2)), 0.1)
    x = world.sample(20_000, seed(12))
    e = problem.naive(problem.measure(x, seed(13))) - x
    assert torch.allclose(e.flatten(1).T.cov(), plain.sigma**2 * torch.eye(2), atol=5e-4)


def test_the_operator_of_a_corruption_has_an_exact_adjoint_and_norm_one():
    A = worlds.corruption(worlds.circle(), 0.1).A
    assert ar.dot_test(A) < 1e-12 and A.norm == 1.0
    x = torch.rand(3, 1, 1, 2)
    assert torch.equal(A.T(A(x)), x) and torch.allclose(A.pinv(A(x)), x)


@pytest.mark.parametrize("places", [[], [(0.1, 0.2)], [(0.1, 0.2), (0.1, 0.2)], [(0.0, 0.0), (2.0, 0.5)]])
def test_a_drawing_that_is_no_line_is_refused(places):
    with pytest.raises(ValueError, match="places: expected"):
        worlds.polyline(places)
