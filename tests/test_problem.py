"""y = Ax + e: the statistics of e, its reproducibility, and what bad input gets."""

import math

import advreg_edu as ar
import pytest
import torch


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def half_mask(size=8):
    return (torch.arange(size * size).reshape(size, size) % 2).float()


MAKERS = {
    "Identity": lambda: ar.Identity((3, 8, 8)),
    "Inpainting": lambda: ar.Inpainting(half_mask()),
    "Fourier": lambda: ar.FourierSampling(half_mask(), channels=2),
    "Ray": lambda: ar.RayTransform(8, 5),
}


@pytest.fixture(params=MAKERS, ids=str)
def A(request):
    return MAKERS[request.param]()


def images(A, batch=2):
    return torch.rand(batch, *A.domain_shape, generator=seeded(9))


def test_measure_without_noise(A):
    """sigma = 0: y = Ax, and naive(y) = A†y."""
    problem, x = ar.Problem(A, 0), images(A)
    assert torch.equal(problem.measure(x), A(x))
    assert torch.equal(problem.naive(A(x)), A.pinv(A(x)))


def test_the_slider_rescales_one_draw(A):
    """The same generator state gives the same e: (y_sigma - Ax) / sigma does not depend on sigma."""
    x = images(A).double()
    draw = lambda sigma: (ar.Problem(A, sigma).measure(x, seeded(1)) - A(x)) / sigma
    assert torch.allclose(draw(0.02), draw(0.5), atol=1e-12) and draw(0.02).abs().max() > 0.1
    another = (ar.Problem(A, 0.5).measure(x, seeded(2)) - A(x)) / 0.5
    assert not torch.allclose(draw(0.5), another)


def test_noise_statistics(A):
    """E e = 0, E e^2 = sigma^2 for every number measured, none elsewhere, neighbours and images uncorrelated."""
    sigma, e = 0.3, ar.Problem(A, 0.3).noise(600, seeded())
    real = torch.view_as_real(e) if e.is_complex() else e
    flat = real.flatten(1)
    flat = flat[:, flat.abs().sum(0) > 0]
    n = flat.numel()
    expected = math.prod(A.range_shape) * (1 + A.complex_range) * (0.5 if hasattr(A, "mask") else 1)
    assert flat.shape[1] == expected
    assert abs(flat.mean()) < 5 * sigma / n**0.5
    assert flat.std().item() == pytest.approx(sigma, rel=5 / (2 * n) ** 0.5)
    assert abs((flat[:, 1:] * flat[:, :-1]).mean()) < 5 * sigma**2 / n**0.5
    assert abs((flat[1:] * flat[:-1]).mean()) < 5 * sigma**2 / n**0.5
    kurtosis = (flat**4).mean() / (flat**2).mean() ** 2
    assert kurtosis.item() == pytest.approx(3, abs=5 * (96 / n) ** 0.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_dtype_follows_the_image(A, dtype):
    y = ar.Problem(A, 0.1).measure(images(A).to(dtype), seeded())
    assert y.real.dtype == dtype and ar.Problem(A, 0.1).naive(y).dtype == dtype


def test_global_random_state_is_untouched(A):
    """With a generator at hand nothing draws from, or seeds, torch's global generator."""
    problem, state = ar.Problem(A, 0.1), torch.get_rng_state()
    problem.naive(problem.measure(images(A), seeded()))
    ar.dot_test(A, seeded())
    ar.cartesian_mask(8, generator=seeded())
    ar.weight_from_noise(problem)
    assert torch.equal(torch.get_rng_state(), state)


def test_problem_is_frozen():
    problem = ar.Problem(ar.Identity((1, 4, 4)), 0.1)
    with pytest.raises(AttributeError):
        problem.sigma = 0.2
    assert problem.sigma == 0.1


@pytest.mark.parametrize("sigma", [0, 1, 0.02, torch.tensor(0.25)])
def test_sigma_of_any_number_type(sigma):
    assert ar.Problem(ar.Identity((1, 4, 4)), sigma).sigma == pytest.approx(float(sigma))


BAD_SIGMAS = {
    "negative": (-0.1, ValueError, r"sigma: expected .*at least 0, got -0\.1.*standard deviation"),
    "nan": (float("nan"), ValueError, r"sigma: expected a finite number .*got nan"),
    "infinite": (float("inf"), ValueError, r"sigma: expected a finite number .*got inf"),
    "text": ("loud", TypeError, r"sigma: expected a number, got 'loud'"),
    "none": (None, TypeError, r"sigma: expected a number, got None"),
}


@pytest.mark.parametrize("name", BAD_SIGMAS)
def test_bad_sigma(name):
    sigma, kind, message = BAD_SIGMAS[name]
    with pytest.raises(kind, match=message):
        ar.Problem(ar.Identity((1, 4, 4)), sigma)


def test_not_an_operator():
    with pytest.raises(TypeError, match=r"A: expected an operator such as Identity or RayTransform, got function"):
        ar.Problem(lambda x: x, 0.1)


def spoiled(x, value):
    x = x.clone()
    x.view(-1)[3] = value
    return x


BAD_IMAGES = {
    "nan": (lambda x: spoiled(x, float("nan")), ValueError, r"x: expected finite numbers, got 1 NaN .* of \d+"),
    "infinity": (lambda x: spoiled(x, -math.inf), ValueError, r"x: expected finite numbers, got 1 NaN or infinite"),
    "too bright": (lambda x: spoiled(x, 1.2), ValueError, r"x: expected .*in \[0, 1\], got \[.*1\.2\].*Scale"),
    "too dark": (lambda x: spoiled(x, -0.2), ValueError, r"x: expected intensities in \[0, 1\], got \[-0\.2, .*clamp"),
    "bytes": (lambda x: (255 * x).byte(), TypeError, r"x: expected a float tensor, got torch\.uint8.*255"),
    "numpy": (lambda x: x.numpy(), TypeError, r"x: expected a torch\.Tensor, got ndarray.*torch\.as_tensor"),
    "no batch": (lambda x: x[0], ValueError, r"x: expected images .*\(B, \d, 8, 8\), got \(\d, 8, 8\).*batch axis"),
    "channels": (lambda x: x.repeat(1, 4, 1, 1), ValueError, r"x: expected images .*\(B, \d, 8, 8\), got .*channels"),
    "size": (lambda x: x[..., 1:], ValueError, r"x: expected images .*\(B, \d, 8, 8\), got \(2, \d, 8, 7\)"),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_bad_images(A, name):
    spoil, kind, message = BAD_IMAGES[name]
    with pytest.raises(kind, match=message):
        ar.Problem(A, 0.1).measure(spoil(images(A)))


def test_rounding_errors_are_not_bad_images(A):
    """Resizing and float arithmetic leave [0, 1] by a hair: 1 + 1e-6 passes."""
    x = spoiled(spoiled(images(A), 1 + 1e-6), -1e-6)
    assert torch.isfinite(ar.Problem(A, 0.1).measure(x, seeded()).abs()).all()


BAD_MEASUREMENTS = {
    "nan": (lambda y: spoiled(y, math.nan), ValueError, r"y: expected finite numbers, got 1 NaN or infinite of \d+"),
    "infinity": (lambda y: spoiled(y, math.inf), ValueError, r"y: expected finite numbers, got 1 NaN or infinite"),
    "no batch": (lambda y: y[0], ValueError, r"y: expected measurements of .*, got \(\d, \d+, \d+\).*batch axis"),
    "size": (lambda y: y[..., 1:], ValueError, r"y: expected measurements of \w+\(.*\(B, \d, \d+, \d+\), got"),
    "numpy": (lambda y: y.numpy(), TypeError, r"y: expected a torch\.Tensor, got ndarray"),
}


@pytest.mark.parametrize("name", BAD_MEASUREMENTS)
def test_bad_measurements(A, name):
    spoil, kind, message = BAD_MEASUREMENTS[name]
    problem = ar.Problem(A, 0.1)
    with pytest.raises(kind, match=message):
        problem.naive(spoil(problem.measure(images(A), seeded())))
