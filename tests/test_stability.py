"""Minimisers, perturbations and their amplification, against closed forms and singular values."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.drawing import maps
from advreg_edu.operators import LinearOperator, inner
from advreg_edu.theory import stability, worlds

plane = ar.Problem(ar.Identity((1, 1, 2)), sigma=0.05)
seed = lambda number: torch.Generator().manual_seed(number)
point = lambda x, y: torch.tensor([[[[x, y]]]])


def distance_to(world):
    """d_M, rounded at the tip so that descent settles."""
    return lambda x: (world.distance(x) ** 2 + 1.6e-5).sqrt()


class Matrix(LinearOperator):
    """Any matrix (m, n) as an operator from (1, 1, n) to (1, 1, m)."""

    def __init__(self, matrix):
        super().__init__(domain_shape=(1, 1, matrix.shape[1]), range_shape=(1, 1, matrix.shape[0]))
        self.matrix, self.norm = matrix, float(torch.linalg.matrix_norm(matrix, 2))

    def _forward(self, x):
        return x @ self.matrix.T

    def _adjoint(self, y):
        return y @ self.matrix


def test_the_minimiser_moves_from_y_to_the_manifold_by_half_of_the_weight():
    """||x - y|| = lambda / 2 for a functional of unit slope, until M is reached."""
    circle, y = worlds.circle(0.3), point(0.95, 0.5)  # 0.15 outside
    for weight, radius in ((0.1, 0.4), (0.2, 0.35), (0.5, 0.3)):
        (x,) = stability.minimisers(plane, y, distance_to(circle), weight, y)
        assert x.flatten().tolist() == pytest.approx([0.5 + radius, 0.5], abs=5e-3)


def test_between_two_points_there_are_two_minimisers():
    two = worlds.points(((0.25, 0.5), (0.75, 0.5)))
    found = stability.minimisers(plane, point(0.5, 0.5), distance_to(two), 0.2, maps.lattice(8))
    assert sorted(found.flatten(1).tolist()) == [
        pytest.approx([0.4, 0.5], abs=3e-3),
        pytest.approx([0.6, 0.5], abs=3e-3),
    ]
    beside = stability.minimisers(plane, point(0.49, 0.5), distance_to(two), 0.2, maps.lattice(8))
    assert beside.flatten(1).tolist() == [pytest.approx([0.39, 0.5], abs=3e-3)]
    assert stability.excess(beside, found) < 0.02 < stability.excess(found, beside)


def test_the_worst_perturbation_of_a_matrix_is_its_first_singular_vector():
    matrix = torch.randn(7, 5, generator=seed(0))
    A = Matrix(matrix)
    method = A.T
    delta = stability.worst_perturbation(method, stability.by_autograd(method), torch.rand(2, 1, 1, 7), 0.5, steps=80)
    assert torch.allclose(delta.flatten(1).norm(dim=1), torch.full((2,), 0.5))
    assert stability.amplification(method, torch.zeros(2, 1, 1, 7), delta).tolist() == pytest.approx(
        [A.norm] * 2, rel=1e-3
    )


def test_the_implicit_pullback_is_the_transpose_of_the_solution_operator():
    """f = ||x||^2: R(y) = (A*A + lambda)^-1 A* y, and the pullback is A (A*A + lambda)^-1."""
    matrix = torch.randn(6, 4, generator=seed(1))
    problem, weight = ar.Problem(Matrix(matrix), 0.1), 0.3
    f = lambda x: x.square().flatten(1).sum(1)
    normal = matrix.T @ matrix + weight * torch.eye(4)
    method = lambda y: torch.linalg.solve(normal, (y @ matrix)[..., None])[..., 0]
    pullback = stability.implicitly(problem, f, weight, method, step_size=0.05, steps=600)
    r = torch.randn(3, 1, 1, 4, generator=seed(2))
    expected = torch.linalg.solve(normal, r[..., None])[..., 0] @ matrix.T
    assert torch.allclose(pullback(torch.rand(3, 1, 1, 6), r), expected, atol=1e-3)


def test_ascent_beats_noise():
    """On CT by FBP the perturbation that ascent finds is amplified more than noise of the same size."""
    problem = ar.Problem(ar.RayTransform(size=32, angles=12), 0.02)
    y = problem.A(ar.images.thorax(1, size=32, generator=seed(3)))
    noise = problem.noise(1, seed(4))
    size = inner(noise, noise).sqrt().item()
    delta = stability.worst_perturbation(problem.naive, stability.by_autograd(problem.naive), y, size, steps=10)
    gain = lambda e: stability.amplification(problem.naive, y, e).item()
    assert gain(delta) > 1.5 * gain(noise)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="size: expected a finite number above 0"):
        stability.worst_perturbation(lambda y: y, lambda r: r, torch.zeros(1, 1, 1, 2), 0.0)
    with pytest.raises(TypeError, match="problem: expected a Problem"):
        stability.implicitly(None, None, 0.1, None)
