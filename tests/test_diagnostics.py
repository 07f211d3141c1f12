"""What a diagnosis says of critics whose slope, distance and direction are known."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.training.diagnosis import diagnose

PROBLEM = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)


class Linear(torch.nn.Module):
    def __init__(self, direction):
        super().__init__()
        self.direction = torch.nn.Parameter(direction)

    def forward(self, x):
        return (self.direction * x).flatten(1).sum(1)


class Distance(torch.nn.Module):
    """Psi(x) = ||x - c||: to one image c, so that the critic of Theorem 2 is exact."""

    def __init__(self, c):
        super().__init__()
        self.c = torch.nn.Parameter(c)

    def forward(self, x):
        return ((x - self.c).square().flatten(1).sum(1) + 1e-12).sqrt()


def test_an_exact_distance_has_slope_one_and_the_direction_of_the_noise():
    c = torch.full((1, 1, 16, 16), 0.5)
    found = diagnose(Distance(c), PROBLEM, c.expand(4, -1, -1, -1), pairs=16)
    assert found.wasserstein == pytest.approx(found.distance, rel=1e-4) == pytest.approx(1.6, rel=0.1)
    assert found.slope_noisy == pytest.approx(1, abs=1e-4) == found.slope_lines == pytest.approx(found.cosine)
    assert "cos(∇Ψ, e) 1.000" in str(found) and "slope on lines 1.00" in str(found)


def test_a_direction_that_knows_nothing_has_no_gap():
    direction = torch.zeros(1, 16, 16)
    direction[0, 3, 4] = 2.0
    found = diagnose(Linear(direction), PROBLEM, torch.rand(8, 1, 16, 16), pairs=64)
    assert found.slope_lines == found.slope_real == found.slope_noisy == 2
    assert abs(found.wasserstein) < 0.1 and abs(found.cosine) < 0.03


def test_the_same_seed_gives_the_same_diagnosis():
    x = torch.rand(8, 1, 16, 16)
    critic = Distance(x[:1])
    assert diagnose(critic, PROBLEM, x, 4, seed=1) == diagnose(critic, PROBLEM, x, 4, seed=1)
    assert diagnose(critic, PROBLEM, x, 4, seed=1) != diagnose(critic, PROBLEM, x, 4, seed=2)
