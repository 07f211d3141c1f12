"""lambda = 2 E ||A* e||: against closed forms and against its bound 2 sigma ||A||_F."""

import math

import advreg_edu as ar
import pytest
import torch


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def frobenius(A):
    """||A||_F from the columns of A, in double."""
    pixels = math.prod(A.domain_shape)
    return A(torch.eye(pixels, dtype=torch.float64).reshape(pixels, *A.domain_shape)).abs().square().sum().sqrt().item()


def mask(size=16):
    return (torch.rand(size, size, generator=seeded()) < 0.4).float()


MAKERS = {
    "Identity gray": lambda: ar.Identity((1, 16, 16)),
    "Identity colour": lambda: ar.Identity((3, 16, 16)),
    "Inpainting": lambda: ar.Inpainting(mask(), channels=3),
    "Ray 32x32, 30 angles": lambda: ar.RayTransform(32, 30),
    "Ray 24x24, 60 angles": lambda: ar.RayTransform(24, 60),
}


@pytest.mark.parametrize("name", MAKERS)
def test_bound_by_the_frobenius_norm(name):
    """2 E ||A*e|| <= 2 sigma ||A||_F, and within 1 % of it."""
    A, sigma = MAKERS[name](), 0.05
    bound, problem = 2 * sigma * frobenius(A), ar.Problem(A, sigma)
    many = float(ar.weight_from_noise(problem, samples=2000))
    assert 0.99 <= many / bound <= 1.001
    assert float(ar.weight_from_noise(problem)) == pytest.approx(many, rel=0.01)


@pytest.mark.parametrize("channels, size", [(1, 4), (3, 4), (1, 16)])
def test_closed_form_for_denoising(channels, size):
    """A = I in n dimensions, chi distribution: lambda = 2 sigma sqrt(2) Gamma((n + 1) / 2) / Gamma(n / 2)."""
    n, sigma = channels * size**2, 0.1
    exact = 2 * sigma * math.sqrt(2) * math.exp(math.lgamma((n + 1) / 2) - math.lgamma(n / 2))
    estimate = float(ar.weight_from_noise(ar.Problem(ar.Identity((channels, size, size)), sigma), samples=20_000))
    assert estimate == pytest.approx(exact, rel=5 / math.sqrt(2 * n * 20_000))


def test_complex_measurements_count_only_what_reaches_the_image():
    """MRI: A*e = Re F*(mask e), so E ||A*e||^2 = sigma^2 channels sum(mask), though e has twice as many numbers."""
    m = ar.cartesian_mask(24, 0.4, generator=seeded())
    estimate = float(ar.weight_from_noise(ar.Problem(ar.FourierSampling(m, channels=2), 0.1), samples=500))
    assert estimate == pytest.approx(2 * 0.1 * math.sqrt(2 * float(m.sum())), rel=0.01)


@pytest.mark.parametrize("name", MAKERS)
def test_linear_in_sigma(name):
    """lambda(3 sigma) = 3 lambda(sigma), by default on the same draws; lambda(0) = 0."""
    A = MAKERS[name]()
    at = lambda sigma: float(ar.weight_from_noise(ar.Problem(A, sigma)))
    assert at(0.3) == pytest.approx(3 * at(0.1), rel=1e-5) and at(0) == 0 and at(0.1) > 0


def test_same_problem_same_weight():
    """No generator: the same number every time. A generator: another estimate, within the spread of the mean."""
    problem = ar.Problem(ar.Identity((1, 16, 16)), 0.1)
    default, other = ar.weight_from_noise(problem), ar.weight_from_noise(problem, generator=seeded(5))
    assert torch.equal(default, ar.weight_from_noise(problem)) and not torch.equal(default, other)
    assert float(other) == pytest.approx(float(default), rel=0.05) and default.shape == ()


def test_divided_by_the_slope_of_the_critic():
    """2 A*e = lambda grad Psi(x): a critic of slope 2 needs half the weight."""
    problem = ar.Problem(ar.Identity((1, 16, 16)), 0.1)
    half = ar.weight_from_noise(problem, gradient_norm=2.0)
    assert float(half) == pytest.approx(float(ar.weight_from_noise(problem)) / 2)


def test_global_random_state_is_untouched():
    state = torch.get_rng_state()
    ar.weight_from_noise(ar.Problem(ar.RayTransform(8, 3), 0.1))
    assert torch.equal(torch.get_rng_state(), state)


PROBLEM = ar.Problem(ar.Identity((1, 4, 4)), 0.1)
BAD_CALLS = {
    "operator": (lambda: ar.weight_from_noise(PROBLEM.A), TypeError, r"expected Problem\(A, sigma\), got Identity"),
    "samples": (lambda: ar.weight_from_noise(PROBLEM, 0), ValueError, r"samples: expected at least 1, got 0"),
    "half a sample": (lambda: ar.weight_from_noise(PROBLEM, 1.5), TypeError, r"samples: expected a whole number"),
    "flat": (lambda: ar.weight_from_noise(PROBLEM, gradient_norm=0), ValueError, r"gradient_norm: .*above 0, got 0"),
    "nan": (lambda: ar.weight_from_noise(PROBLEM, gradient_norm=math.nan), ValueError, r"gradient_norm: .*got nan"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_arguments(name):
    call, kind, message = BAD_CALLS[name]
    with pytest.raises(kind, match=message):
        call()
