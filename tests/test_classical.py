"""Total variation: optimality, closed forms, scikit-image's solution, and what bad input gets."""

import functools
import math

import advreg_edu as ar
import pytest
import torch
from advreg_edu.baselines import SmoothedTV, Tikhonov, minimise_tv, stability_limit
from advreg_edu.baselines.duality import gradient, gradient_adjoint, inverse_laplacian, lower_bound
from skimage.restoration import denoise_tv_chambolle


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def tv(x):
    """TV(x) = sum over pixels of sqrt((d_1 x)^2 + (d_2 x)^2), forward differences, 0 at the last row and column."""
    rows = torch.nn.functional.pad(x.diff(dim=2), (0, 0, 0, 1))
    columns = torch.nn.functional.pad(x.diff(dim=3), (0, 1))
    return (rows**2 + columns**2).sqrt().flatten(1).sum(1)


def objective(problem, x, y, weight):
    """||Ax - y||^2 + lambda TV(x), per image."""
    return (problem.A(x) - y).abs().square().flatten(1).sum(1) + weight * tv(x)


MAKERS = {
    "denoising, gray": (lambda: ar.Problem(ar.Identity((1, 24, 24)), 0.1), 0.2),
    "denoising, colour, not square": (lambda: ar.Problem(ar.Identity((3, 16, 21)), 0.1), 0.2),
    "inpainting": (
        lambda: ar.Problem(ar.Inpainting((torch.arange(256).reshape(16, 16) % 3 > 0).float(), 3), 0.05),
        0.1,
    ),
    "MRI": (lambda: ar.Problem(ar.FourierSampling(ar.cartesian_mask(24, 0.5, generator=seeded())), 0.02), 0.05),
    "CT": (lambda: ar.Problem(ar.RayTransform(24, 12), 0.01), 0.003),
}


@functools.cache
def case(name):
    """problem, x, y, lambda for two images of blocks, and the reconstruction with the default gap."""
    make, weight = MAKERS[name]
    problem = make()
    channels, height, width = problem.A.domain_shape
    coarse = torch.rand(2, channels, 3, 3, generator=seeded())
    x = torch.nn.functional.interpolate(coarse, (height, width), mode="nearest")
    y = problem.measure(x, seeded(1))
    return problem, x, y, weight, ar.total_variation(problem, y, weight)


@pytest.mark.parametrize("name", MAKERS)
def test_no_perturbation_lowers_the_objective(name):
    """J(x*) <= J(x* + d) to 0.3 %, for noise, shifts, scalings, smoothings of x*, the truth and A†y."""
    problem, x, y, weight, best = case(name)
    assert best.shape == x.shape and best.dtype == torch.float32
    smooth = torch.nn.functional.avg_pool2d(best, 3, 1, padding=1, count_include_pad=False)
    rivals = [x, problem.naive(y), smooth, best + 0.01, best - 0.01, 0.98 * best, 1.02 * best]
    rivals += [best + size * torch.randn(best.shape, generator=seeded(s)) for size in (1e-1, 1e-2) for s in range(3)]
    rivals += [best + s * (other - best) for other in (x, problem.naive(y)) for s in (-0.1, 0.1)]
    least = objective(problem, best, y, weight)
    assert all((least <= 1.003 * objective(problem, rival, y, weight)).all() for rival in rivals)


@pytest.mark.parametrize("name", MAKERS)
def test_nearer_to_the_truth(name):
    problem, x, y, _, best = case(name)
    assert (ar.psnr(best, x) > ar.psnr(problem.naive(y), x) + 1).all()


@pytest.mark.parametrize("name", MAKERS)
def test_the_gap_bounds_the_distance_to_the_minimum(name):
    """The gap is at most the tolerance for every image, and P(x) - P(x*) at most the gap, x* of a much smaller gap."""
    problem, _, y, weight, best = case(name)
    run = minimise_tv(problem, y, weight)
    assert torch.equal(run.x, best) and (run.gap <= 1e-3).all() and (run.gap >= -1e-6).all()
    near, far = (minimise_tv(problem, y, weight, gap) for gap in (3e-5, 0.1))
    assert (near.gap <= 3e-5).all() and far.steps <= run.steps < near.steps
    least, value = objective(problem, near.x, y, weight), objective(problem, far.x, y, weight)
    assert (value - least <= far.gap * value + 1e-6).all()
    assert (objective(problem, run.x, y, weight) <= 1.001 * least).all()


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("size", [0, 1e-2, 1, 100])
def test_the_bound_lies_below_every_objective(name, size):
    """For any q and p, here far from feasible, and for other weights than those of the run."""
    problem, x, y, weight, best = case(name)
    q = size * problem.A.random_measurement(2, seeded(3)) + 2 * (problem.A(best) - y)
    p = size * torch.randn(2, 2, *problem.A.domain_shape, generator=seeded(4))
    for factor in (0, 0.1, 1, 10):
        bound = lower_bound(problem.A, y, factor * weight, q, p)
        for image in (x, best, problem.naive(y)):
            assert (bound <= objective(problem, image, y, factor * weight) * (1 + 1e-5)).all()


def test_differences_and_their_adjoint():
    x = torch.randn(2, 3, 5, 7, generator=seeded(), dtype=torch.float64)
    p = torch.randn(2, 2, 3, 5, 7, generator=seeded(1), dtype=torch.float64)
    assert torch.allclose((gradient(x) * p).sum(), (x * gradient_adjoint(p)).sum())
    assert torch.allclose(gradient(x).square().sum(1).sqrt().flatten(1).sum(1), tv(x))
    mean = x.mean((2, 3), keepdim=True)
    assert torch.allclose(inverse_laplacian(gradient_adjoint(gradient(x))), x - mean)


def test_steps_that_run_out_are_said():
    problem, _, y, weight, _ = case("CT")
    with pytest.warns(UserWarning, match=r"gap of at most 0\.001, got [\d.]+ after 7 steps\. Allow more") as record:
        x = ar.total_variation(problem, y, weight, steps=7)
    assert record[0].filename == __file__ and x.shape == (2, 1, 24, 24)


def plain_primal_dual(A, y, weight, steps):
    """Chambolle and Pock 2011, Algorithm 1, in double precision: its own code, without ODL."""
    x = relaxed = A.pinv(y)
    q, p = torch.zeros_like(y), torch.zeros(len(y), 2, *A.domain_shape, dtype=y.dtype)
    tau, sigma = 5 / 3, 0.2 / 3
    for _ in range(steps):
        q = (q + sigma * (A(relaxed) - y)) / (1 + sigma / 2)
        rows = torch.nn.functional.pad(relaxed.diff(dim=2), (0, 0, 0, 1))
        columns = torch.nn.functional.pad(relaxed.diff(dim=3), (0, 1))
        p = p + sigma * torch.stack([rows, columns], 1)
        p = p / (p.square().sum(1, keepdim=True).sqrt() / weight).clamp_min(1)
        new = x - tau * (A.T(q) + adjoint_differences(p[:, 0], p[:, 1]))
        x, relaxed = new, 2 * new - x
    return x


@pytest.mark.parametrize("sigma, weight", [(0.005, 0.0007), (0.02, 0.003)])
def test_ct_agrees_with_a_long_plain_run(sigma, weight):
    """To 0.02 dB and 0.1 % of the objective, at the noise levels of Table 2."""
    problem = ar.Problem(ar.RayTransform(24, 12), sigma)
    x = ar.images.thorax(1, 24, generator=seeded())
    y = problem.measure(x, seeded(1))
    ours = ar.total_variation(problem, y, weight)
    reference = plain_primal_dual(problem.A, y.double(), weight, 2000).float()
    assert torch.allclose(ar.psnr(ours, x), ar.psnr(reference, x), atol=0.02)
    assert (objective(problem, ours, y, weight) <= 1.001 * objective(problem, reference, y, weight)).all()


@pytest.mark.parametrize("weight", [1.0, 10.0, 245.0])
def test_large_weights_reach_the_gap(weight):
    problem = ar.Problem(ar.Identity((1, 24, 24)), 0.1)
    y = problem.measure(ar.images.ellipses(2, 24, generator=seeded()), seeded(1))
    run = minimise_tv(problem, y, weight)
    assert (run.gap <= 1e-3).all()
    if weight == 245:
        assert torch.allclose(run.x, y.mean((2, 3), keepdim=True).expand_as(y), atol=1e-6) and run.steps == 0


@pytest.mark.filterwarnings("ignore:total_variation. expected a relative")
@pytest.mark.parametrize("name", MAKERS)
def test_batch_is_loop(name):
    problem, _, y, weight, _ = case(name)
    alone = torch.cat([ar.total_variation(problem, item[None], weight, steps=15) for item in y])
    assert torch.allclose(ar.total_variation(problem, y, weight, steps=15), alone, atol=1e-5)


@pytest.mark.parametrize("weight", [0, 0.1, 10])
def test_constant_images_stay(weight):
    """TV(c) = 0: without noise a constant is its own reconstruction for every lambda."""
    problem = ar.Problem(ar.Identity((2, 8, 9)), 0)
    x = torch.full((1, 2, 8, 9), 0.4)
    assert torch.allclose(ar.total_variation(problem, problem.measure(x), weight), x, atol=1e-5)


@pytest.mark.parametrize("name", ["denoising, gray", "denoising, colour, not square"])
def test_mean_is_kept_in_denoising(name):
    """1 is in the kernel of TV: the mean of every channel stays, and for huge lambda nothing else does."""
    _, _, y, _, best = case(name)
    mean = lambda u: u.mean((2, 3), keepdim=True)
    assert torch.allclose(mean(best), mean(y), atol=1e-4)
    small = ar.Problem(ar.Identity((2, 5, 6)), 0)
    x = torch.rand(1, 2, 5, 6, generator=seeded())
    assert torch.allclose(ar.total_variation(small, x, 20.0), mean(x).expand_as(x), atol=1e-5)


def test_weight_0_fits_the_data():
    """lambda = 0: the minimiser of ||x - y||^2 is y."""
    problem = ar.Problem(ar.Identity((1, 8, 8)), 0.1)
    y = problem.measure(torch.rand(1, 1, 8, 8, generator=seeded()), seeded(1))
    assert torch.allclose(ar.total_variation(problem, y, 0), y, atol=1e-4)


@pytest.mark.parametrize("height, weight", [(0.3, 0.4), (1.0, 0.1)])
def test_a_step_loses_height(height, weight):
    """A step of height h between two halves of n columns: both sides move by lambda / (2 n), every row alone."""
    n = 8
    y = torch.zeros(1, 1, 6, 2 * n)
    y[..., n:] = height
    move = weight / (2 * n)
    expected = torch.where(y > 0, height - move, move)
    problem = ar.Problem(ar.Identity((1, 6, 2 * n)), 0)
    assert torch.allclose(ar.total_variation(problem, y, weight), expected, atol=3e-3)


@pytest.mark.parametrize("weight", [0.1, 0.4])
def test_agrees_with_scikit_image(weight):
    """denoise_tv_chambolle(y, w) minimises ||x - y||^2 / 2 + w TV(x): our lambda is 2 w.

    The gap is 1e-4: at 1e-3 and lambda = 0.4 these few pixels still differ by 0.2 dB.
    """
    problem = ar.Problem(ar.Identity((1, 24, 24)), 0.1)
    x = ar.images.ellipses(1, 24, generator=seeded())
    y = problem.measure(x, seeded(1))
    ours = ar.total_variation(problem, y, weight, gap=1e-4)
    reference = denoise_tv_chambolle(y[0, 0].double().numpy(), weight / 2, eps=1e-9, max_num_iter=3000)
    theirs = torch.from_numpy(reference)[None, None].float()
    value = lambda x: objective(problem, x, y, weight).item()
    assert value(ours) == pytest.approx(value(theirs), rel=1e-3)
    assert torch.allclose(ours, theirs, atol=0.01)
    assert ar.psnr(ours, x).item() == pytest.approx(ar.psnr(theirs, x).item(), abs=0.02)


def test_measurements_in_double_are_taken():
    problem = ar.Problem(ar.RayTransform(8, 4), 0.01)
    y = problem.measure(torch.rand(1, 1, 8, 8, generator=seeded()), seeded())
    doubled = ar.total_variation(problem, y.double(), 0.01)
    assert doubled.dtype == torch.float64
    assert torch.allclose(doubled.float(), ar.total_variation(problem, y, 0.01), atol=1e-5)


def bad(change=None, **kwargs):
    problem = ar.Problem(ar.Identity((1, 8, 8)), 0.1)
    y = torch.rand(2, 1, 8, 8, generator=seeded())
    arguments = dict(problem=problem, y=change(y) if change else y, reg_weight=0.1) | kwargs
    return lambda: ar.total_variation(**arguments)


BAD_CALLS = {
    "operator": (
        bad(problem=ar.Identity((1, 8, 8))),
        TypeError,
        r"problem: expected Problem\(A, sigma\), got Identity",
    ),
    "shape": (bad(lambda y: y[..., 1:]), ValueError, r"y: expected measurements .*\(B, 1, 8, 8\), got \(2, 1, 8, 7\)"),
    "one y": (bad(lambda y: y[0]), ValueError, r"y: expected measurements .*batch axis"),
    "nan": (bad(lambda y: y / 0 - y / 0), ValueError, r"y: expected finite numbers, got 128 NaN"),
    "complex": (bad(lambda y: y + 0j), TypeError, r"y: expected a float tensor, got torch\.complex64"),
    "negative": (bad(reg_weight=-1), ValueError, r"reg_weight: expected .*at least 0, got -1.*Try"),
    "nan weight": (bad(reg_weight=math.nan), ValueError, r"reg_weight: expected a finite number .*got nan"),
    "text": (bad(reg_weight="best"), TypeError, r"reg_weight: expected a number, got 'best'"),
    "no gap": (bad(gap=0), ValueError, r"gap: expected .*above 0, got 0.*try 1e-3"),
    "no steps": (bad(steps=0), ValueError, r"steps: expected at least 1, got 0"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_input(name):
    call, kind, message = BAD_CALLS[name]
    with pytest.raises(kind, match=message):
        call()


SMOOTH = {
    "smoothed TV 0.1": SmoothedTV(0.1),
    "smoothed TV 0.01": SmoothedTV(0.01),
    "Tikhonov": Tikhonov(),
}
each_smooth = pytest.mark.parametrize("f", SMOOTH.values(), ids=SMOOTH)


def gradient_of(f, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(f(x).sum(), x)[0]


def adjoint_differences(v, w):
    """d_1* v + d_2* w: minus the divergence, written out."""
    rows = torch.zeros_like(v)
    rows[:, :, :-1] -= v[:, :, :-1]
    rows[:, :, 1:] += v[:, :, :-1]
    columns = torch.zeros_like(w)
    columns[..., :-1] -= w[..., :-1]
    columns[..., 1:] += w[..., :-1]
    return rows + columns


@each_smooth
def test_gradients_are_those_of_the_formula(f):
    """grad f = D* (D x / sqrt(|D x|^2 + beta^2)), and 2 D* D x for Tikhonov."""
    x = torch.rand(2, 3, 9, 7, generator=seeded(), dtype=torch.float64)
    rows = torch.nn.functional.pad(x.diff(dim=2), (0, 0, 0, 1))
    columns = torch.nn.functional.pad(x.diff(dim=3), (0, 1))
    quadratic = isinstance(f, Tikhonov)
    weight = 2.0 if quadratic else 1 / (rows**2 + columns**2 + f.smoothing**2).sqrt()
    assert torch.allclose(gradient_of(f, x), adjoint_differences(weight * rows, weight * columns))


def curvature(f, x, iterations=300):
    """Largest eigenvalue of the Hessian of f at x, by power iteration."""
    v = torch.randn(x.shape, generator=seeded(), dtype=x.dtype)
    for _ in range(iterations):
        v = v / v.norm()
        _, v = torch.autograd.functional.hvp(lambda u: f(u).sum(), x, v)
    return v.norm().item()


@each_smooth
@pytest.mark.parametrize("scale", [0.0, 0.01, 1.0])
def test_curvature_stays_below_the_lipschitz_constant_and_reaches_it_on_flat_images(f, scale):
    x = 0.5 + scale * torch.rand(1, 1, 16, 16, generator=seeded(), dtype=torch.float64)
    largest = curvature(f, x)
    assert largest <= f.lipschitz * (1 + 1e-9)
    if scale == 0:  # 8 cos^2(pi / 32) = 7.92 in place of 8 on 16 x 16 pixels
        assert largest == pytest.approx(f.lipschitz * math.cos(math.pi / 32) ** 2, rel=1e-3)


@pytest.mark.parametrize("beta", [1e-1, 1e-3, 1e-6])
def test_smoothed_tv_lies_within_beta_per_pixel_below_tv(beta):
    x = torch.rand(2, 1, 12, 10, generator=seeded(), dtype=torch.float64)
    gap = tv(x) - SmoothedTV(beta)(x)
    assert (gap >= 0).all() and (gap <= beta * 120).all()


@each_smooth
@pytest.mark.parametrize("weight", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("make", [lambda: ar.Identity((1, 16, 16)), lambda: ar.RayTransform(16, 8)])
def test_no_step_below_the_limit_raises_the_objective(f, weight, make):
    problem = ar.Problem(make(), 0.1)
    y = problem.measure(torch.rand(1, 1, 16, 16, generator=seeded()), seeded(1))
    limit = stability_limit(problem.A, f, weight)
    values = torch.stack([it.objective for it in ar.reconstruct(problem, y, f, weight, 0.99 * limit, 60)])
    assert (values.diff(dim=0) <= 1e-5 * values[:-1].clamp_min(1)).all()


def test_past_the_limit_a_quadratic_diverges():
    """Denoising with Tikhonov: the checkerboard is the steepest direction of both terms, so the limit is sharp."""
    problem = ar.Problem(ar.Identity((1, 16, 16)), 0.1)
    y = problem.measure(torch.rand(1, 1, 16, 16, generator=seeded()), seeded(1))
    limit = stability_limit(problem.A, Tikhonov(), 1.0)
    with pytest.raises(ar.Diverged):
        list(ar.reconstruct(problem, y, Tikhonov(), 1.0, 1.05 * limit, 400))


@pytest.mark.parametrize("beta", [0, -0.1, math.inf])
def test_smoothing_must_be_positive(beta):
    with pytest.raises(ValueError, match=r"smoothing: expected .* above 0, got .*take total_variation"):
        SmoothedTV(beta)
