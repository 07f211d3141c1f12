"""Operators: exact adjoints, honest norms, derivatives of every order, pseudo-inverses, and what bad input gets."""

import functools

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu.operators import column, inner, squared_norm

DTYPES = [torch.float32, torch.float64]
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random_mask(height, width, seed=0):
    return (torch.rand(height, width, generator=seeded(seed)) < 0.5).float()


MAKERS = {
    "Identity gray": lambda: ar.Identity((1, 8, 8)),
    "Identity colour, odd": lambda: ar.Identity((3, 7, 10)),
    "Inpainting gray": lambda: ar.Inpainting(random_mask(8, 8)),
    "Inpainting colour, odd": lambda: ar.Inpainting(random_mask(9, 5), channels=3),
    "Fourier, lines": lambda: ar.FourierSampling(ar.cartesian_mask(12, generator=seeded())),
    "Fourier, points, odd": lambda: ar.FourierSampling(random_mask(9, 7), channels=2),
    "Ray 12x12, 7 angles": lambda: ar.RayTransform(12, 7),
    "Ray 9x9, 4 angles": lambda: ar.RayTransform(9, 4, filter="hann"),
    "Ray 8x8, 1 angle": lambda: ar.RayTransform(8, 1),
    "Ray 9x9, 2 of 3 radians": lambda: ar.RayTransform(9, 5, arc=2.0),
    "Fan 8x8, 7 angles": lambda: ar.operators.FanBeam(8, 7),
    "Fan 9x9, short scan": lambda: ar.operators.FanBeam(9, 6, arc=4.5, source_radius=12.0),
    "Fan 8x8, limited": lambda: ar.operators.FanBeam(8, 5, "hann", arc=2.0, detector_radius=0.0),
}
MASKED = [name for name in MAKERS if name.startswith(("Inpainting", "Fourier"))]


@functools.cache
def operator(name):
    return MAKERS[name]()


@pytest.fixture(params=MAKERS, ids=str)
def A(request):
    return operator(request.param)


def random_image(A, batch=2, dtype=torch.float64, seed=1):
    return torch.randn(batch, *A.domain_shape, generator=seeded(seed), dtype=dtype)


def random_data(A, batch=2, dtype=torch.float64, seed=2):
    """Random numbers in all of the range, also where A does not measure."""
    y = torch.randn(batch, *A.range_shape, *[2] * A.complex_range, generator=seeded(seed), dtype=dtype)
    return torch.view_as_complex(y) if A.complex_range else y


def dense(A):
    """The real matrix of A, from its columns."""
    pixels = int(np.prod(A.domain_shape))
    columns = A(torch.eye(pixels, dtype=torch.float64).reshape(pixels, *A.domain_shape))
    columns = torch.view_as_real(columns) if columns.is_complex() else columns
    return columns.flatten(1).T


def close(u, v, tolerance):
    return (u - v).abs().max() <= tolerance * max(1, v.abs().max())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_adjoint(A, dtype):
    """<Ax, y> = <x, A*y> for every y, measured or not."""
    x, y = random_image(A, dtype=dtype), random_data(A, dtype=dtype)
    Ax, Aty = A(x), A.T(y)
    scale = (squared_norm(Ax) * squared_norm(y)).sqrt()
    assert ((inner(Ax, y) - inner(x, Aty)).abs() <= TOLERANCE[dtype] * scale).all()
    assert Ax.shape == (2, *A.range_shape) and Aty.shape == (2, *A.domain_shape)
    assert Aty.dtype == dtype and Ax.dtype == (dtype.to_complex() if A.complex_range else dtype)


def test_adjoint_is_the_transposed_matrix(A):
    M = dense(A)
    y = random_data(A, 3)
    columns = (torch.view_as_real(y) if y.is_complex() else y).flatten(1).T
    assert close(A.T(y).flatten(1).T, M.T @ columns, 1e-12)


def test_dot_test(A):
    assert ar.dot_test(A, seeded()) <= 1e-12


def test_dot_test_sees_a_wrong_adjoint():
    class Wrong(ar.Identity):
        def _adjoint(self, y):
            return 1.01 * y

    assert ar.dot_test(Wrong((1, 8, 8)), seeded()) > 1e-6


def test_adjoint_of_the_adjoint(A):
    assert A.T.T is A and A.T.domain_shape == A.range_shape and A.T.range_shape == A.domain_shape and A.T.norm == A.norm


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_linear(A, dtype):
    """A(a u + b v) = a Au + b Av, and likewise A* and A†."""
    a, b = 0.7, -1.3
    maps = [(A, random_image), (A.T, random_data), (A.pinv, random_data)]
    for apply, draw in maps:
        u, v = draw(A, dtype=dtype, seed=3), draw(A, dtype=dtype, seed=4)
        assert close(apply(a * u + b * v), a * apply(u) + b * apply(v), TOLERANCE[dtype])


def test_batch_is_loop(A):
    """A([x_1, x_2, x_3]) = [A x_1, A x_2, A x_3], and likewise A* and A†."""
    for apply, batch in [(A, random_image(A, 3)), (A.T, random_data(A, 3)), (A.pinv, random_data(A, 3))]:
        alone = torch.cat([apply(item[None]) for item in batch])
        assert close(apply(batch), alone, 1e-12)


def test_input_is_left_alone(A):
    """No operator writes into its argument or returns a view of it; what comes is contiguous, so that `.view` works."""
    for apply, u in [(A, random_image(A)), (A.T, random_data(A)), (A.pinv, random_data(A))]:
        before, out = u.clone(), apply(u)
        assert out.is_contiguous()
        out.zero_()
        assert torch.equal(u, before)


def test_norm(A):
    """A.norm = largest singular value of A, and the power method on A*A finds the same."""
    x = random_image(A, 1)
    for _ in range(300):
        x = A.T(A(x))
        x = x / x.norm()
    assert A.norm == pytest.approx(A(x).norm().item(), rel=1e-4)
    assert A.norm == pytest.approx(torch.linalg.matrix_norm(dense(A), 2).item(), rel=1e-5)


def test_gradient_of_half_squared_norm(A):
    """grad 1/2 ||Ax||^2 = A*Ax."""
    x = random_image(A).requires_grad_()
    (grad,) = torch.autograd.grad(0.5 * squared_norm(A(x)).sum(), x)
    assert close(grad, A.T(A(x.detach())), 1e-12)


def test_gradcheck(A):
    """First and second derivatives of ||Ax||^2 and ||A*y||^2 agree with finite differences."""
    for apply, u in [(A, random_image(A, 1)), (A.T, random_data(A, 1))]:
        objective = lambda u, apply=apply: squared_norm(apply(u)) + squared_norm(apply(u)) ** 2
        assert torch.autograd.gradcheck(apply, u.requires_grad_(), fast_mode=True)
        assert torch.autograd.gradcheck(objective, u, fast_mode=True)
        assert torch.autograd.gradgradcheck(objective, u, fast_mode=True)


def test_pinv_is_differentiable(A):
    """A† can stand inside a network: <A†y, v> has a gradient that agrees with finite differences."""
    y = random_data(A, 1).requires_grad_()
    assert torch.autograd.gradcheck(A.pinv, y, fast_mode=True)


def test_torch_func(A):
    """The derivative of A is A, its transpose A*, and `vmap` is a larger batch; likewise A* and A†; and two deep."""
    for apply, transpose, draw in [(A, A.T, random_image), (A.T, A, random_data), (A.pinv, None, random_data)]:
        u, v = draw(A), draw(A, seed=9)
        value, derivative = torch.func.jvp(apply, (u,), (v,))
        assert close(value, apply(u), 1e-12) and close(derivative, apply(v), 1e-12)
        pull = torch.func.vjp(apply, u)[1]
        w = apply(v)
        assert close(inner(pull(w)[0], u), inner(w, apply(u)), 1e-12)
        assert transpose is None or close(pull(w)[0], transpose(w), 1e-12)
        many = torch.stack([u, v], dim=1)
        assert close(torch.func.vmap(apply, in_dims=1)(many), torch.stack([apply(u), apply(v)]), 1e-12)
    energy = lambda x: squared_norm(A(x)).sum() / 2
    x, v = random_image(A), random_image(A, seed=9)
    assert close(torch.func.jvp(torch.func.grad(energy), (x,), (v,))[1], A.T(A(v)), 1e-12)


def test_what_torch_func_leaves_behind():
    """What is first made for double precision within a transform is there after it: a mask, a matrix, a filter."""
    for make in MAKERS.values():
        A = make()
        x, v, y = random_image(A), random_image(A, seed=9), random_data(A)
        torch.func.jvp(torch.func.grad(lambda x, A=A: squared_norm(A(x)).sum()), (x,), (v,))
        torch.func.jvp(A.pinv, (y,), (y,))
        assert close(A.pinv(A(x)), make().pinv(make()(x)), 1e-12)


@pytest.mark.parametrize("make", [lambda: ar.RayTransform(9, 4, arc=2.3), lambda: ar.operators.FanBeam(9, 4, arc=2.3)])
def test_what_inference_mode_leaves_behind(make):
    """A filter that is first made within it serves a gradient later."""
    A = make()
    with torch.inference_mode():
        A.pinv(random_data(A))
    y = random_data(A).requires_grad_()
    A.pinv(y).sum().backward()
    assert y.grad.abs().max() > 0


FULL = {
    "Identity": lambda: ar.Identity((2, 6, 5)),
    "Inpainting": lambda: ar.Inpainting(torch.ones(6, 5), channels=2),
    "Fourier": lambda: ar.FourierSampling(torch.ones(6, 5), channels=2),
}


@pytest.mark.parametrize("name", FULL)
def test_pinv_inverts_a_full_measurement(name):
    """A†Ax = x."""
    A = FULL[name]()
    x = random_image(A)
    assert close(A.pinv(A(x)), x, 1e-12)


@pytest.mark.parametrize("name", MASKED)
def test_pinv_of_masks(name):
    """A A† A = A and A† A A† = A†; for Fourier sampling A†A and AA† are symmetric too, as Moore and Penrose ask."""
    A = operator(name)
    x, u, y, z = random_image(A, seed=5), random_image(A, seed=6), random_data(A), random_data(A, seed=7)
    assert close(A.pinv(A(A.pinv(y))), A.pinv(y), 1e-12)
    assert close(A(A.pinv(A(x))), A(x), 1e-12)
    assert torch.equal(A.pinv(y, inverse="adjoint"), A.T(y))
    assert torch.equal(type(A)(A.mask, A.domain_shape[0], inverse="adjoint").pinv(y), A.T(y))
    if A.complex_range:
        assert close(inner(A.pinv(A(x)), u), inner(x, A.pinv(A(u))), 1e-12)
        assert close(inner(A(A.pinv(y)), z), inner(y, A(A.pinv(z))), 1e-12)


def test_pinv_of_fourier_sampling_is_the_one_of_linear_algebra():
    """Where f was measured and -f was not, zero filling halves an amplitude and A† does not."""
    A = operator("Fourier, points, odd")
    y = A(random_image(A))
    flat = torch.view_as_real(y).flatten(1)
    exact = (torch.linalg.pinv(dense(A), rtol=1e-9) @ flat.T).T.reshape(-1, *A.domain_shape)
    assert close(A.pinv(y), exact, 1e-9) and not close(A.T(y), exact, 0.1)


def test_exact_fourier_inverse_is_ahead_of_zero_filling():
    """Chests without noise, 30 % of the lines, as in notebook 01: by 1 dB and more."""
    x = ar.images.thorax(2, size=128, generator=seeded(5))
    for k in (6, 7):
        A = ar.FourierSampling(ar.cartesian_mask(128, fraction=0.3, generator=seeded(k)))
        assert (ar.psnr(A.pinv(A(x)), x) > ar.psnr(A.T(A(x)), x) + 1).all()


@pytest.mark.parametrize("shape", [(9, 7), (1, 8), (8, 1)])
def test_the_harmonic_fill_is_the_mean_of_its_neighbours(shape):
    """Hidden pixels solve Laplace's equation; no other image with the same seen pixels has a smaller ||grad x||."""
    mask = random_mask(*shape)
    A = ar.Inpainting(mask, channels=2)
    x = A.pinv(A(random_image(A)))
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    inside = torch.nn.functional.pad(torch.ones_like(x), (1, 1, 1, 1))
    around = lambda u: u[..., 2:, 1:-1] + u[..., :-2, 1:-1] + u[..., 1:-1, 2:] + u[..., 1:-1, :-2]
    assert close((around(padded) / around(inside))[..., mask == 0], x[..., mask == 0], 1e-12)
    roughness = lambda u: u.diff(dim=-1).square().sum() + u.diff(dim=-2).square().sum()
    other = x + 1e-3 * (1 - mask) * random_image(A, seed=8)
    assert roughness(other) > roughness(x)


def test_the_harmonic_fill_of_constants_ramps_and_large_holes():
    """A constant and, between rows that are seen, a ramp come back whole, however large the hole."""
    mask = torch.zeros(40, 12)
    mask[0] = mask[-1] = 1
    ramp = torch.linspace(0.2, 0.9, 40, dtype=torch.float64)[:, None].expand(1, 1, 40, 12)
    A = ar.Inpainting(mask)
    for x in (ramp, torch.full_like(ramp, 0.4)):
        assert close(A.pinv(A(x)), x, 1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_noise_only_where_measured(name):
    """e = 0 where the mask is 0 and e ~ N(0, 1) elsewhere, real and imaginary part each."""
    A = operator(name)
    e = A.random_measurement(400, generator=seeded())
    assert e.shape == (400, *A.range_shape) and e.is_complex() == A.complex_range
    mask = A.mask.bool() if name in MASKED else torch.ones(A.range_shape[1:], dtype=torch.bool)
    assert e[:, :, ~mask].abs().sum() == 0
    for part in [e.real, e.imag] if A.complex_range else [e]:
        numbers = part[:, :, mask]
        n = numbers.numel()
        assert abs(numbers.mean()) < 5 / n**0.5 and abs(numbers.std() - 1) < 5 / (2 * n) ** 0.5


class EverySecondRow(ar.LinearOperator):
    """A user's operator whose range has empty places, said by `_measured`; complex, with norm and mask unsaid."""

    complex_range = True

    def __init__(self, size):
        super().__init__(domain_shape=(1, size, size), range_shape=(1, size, size))

    def _forward(self, x):
        return self._measured(torch.fft.fft2(x, norm="ortho"))

    def _adjoint(self, y):
        return torch.fft.ifft2(self._measured(y), norm="ortho").real

    def _measured(self, y):
        y = y.clone()
        y[..., 1::2, :] = 0
        return y


def displacement():
    from advreg_edu.theory import worlds

    return worlds.corruption(worlds.circle(), 0.1).A


def stacked():
    from advreg_edu.baselines.odl_solver import WithGradient

    return WithGradient(operator("Fourier, lines"), 2.0)


class Shadowed(ar.Identity):
    """A user's operator with an attribute of the name `mask` that has nothing to do with noise."""

    mask = torch.zeros(3)


OTHERS = {
    "its own mask": lambda: Shadowed((1, 3, 3)),
    "by _measured": lambda: EverySecondRow(8),
    "displacement": displacement,
    "with gradient": stacked,
    "two functions": lambda: ar.LinearOperator(torch.sin, torch.sin, (1, 3, 3), (1, 3, 3)),
    "two functions, mask": lambda: ar.LinearOperator(
        torch.sin, torch.sin, (1, 4, 4), (1, 4, 4), mask=torch.eye(4), norm=1.0
    ),
}


@pytest.mark.parametrize("name", [*MAKERS, *OTHERS])
def test_measured_count_is_the_mean_energy_of_the_noise(name):
    """E ||e||^2 = measured_count for sigma = 1: a chi-squared mean of 4000 draws, to five standard deviations."""
    A = operator(name) if name in MAKERS else OTHERS[name]()
    energy = squared_norm(A.random_measurement(4000, seeded())).double().mean().item()
    assert isinstance(A.measured_count, int) and A.measured_count > 0
    assert abs(energy - A.measured_count) < 5 * (2 * A.measured_count / 4000) ** 0.5


def test_measured_count_of_known_operators():
    assert displacement().measured_count == 2 and EverySecondRow(8).measured_count == 64
    mask = random_mask(9, 5)
    assert ar.Inpainting(mask, channels=3).measured_count == 3 * int(mask.sum())
    assert ar.FourierSampling(mask, channels=2).measured_count == 4 * int(mask.sum())
    assert operator("Ray 9x9, 4 angles").measured_count == np.prod(operator("Ray 9x9, 4 angles").range_shape)


def blur(x):
    return (2 * x + x.roll(1, -1) + x.roll(-1, -2)) / 4


def transposed_blur(y):
    return (2 * y + y.roll(-1, -1) + y.roll(1, -2)) / 4


def test_an_operator_from_two_functions():
    """It has the adjoint, the norm, the derivatives and the noise of a written one, and Algorithm 2 takes it."""
    A = ar.LinearOperator(blur, transposed_blur, (1, 8, 8), (1, 8, 8))
    assert ar.dot_test(A, seeded()) < 1e-12 and repr(A) == "LinearOperator((1, 8, 8) -> (1, 8, 8))"
    assert A.norm == pytest.approx(float(torch.linalg.matrix_norm(dense(A), 2)), rel=1e-4)
    x = random_image(A).requires_grad_()
    assert torch.allclose(torch.autograd.grad(A(x).square().sum(), x)[0], 2 * A.T(A(x)))
    problem = ar.Problem(A, 0.01)
    y = problem.measure(torch.rand(1, 1, 8, 8, generator=seeded()), seeded(1))
    energy = lambda x: x.square().flatten(1).sum(1)
    *_, last = ar.reconstruct(problem, y, energy, 1e-2, steps=1000, stop="discrepancy", x0=torch.zeros_like(y))
    assert last.stopped and last.data_term <= 0.01**2 * A.measured_count
    wrong = ar.LinearOperator(blur, blur, (1, 8, 8), (1, 8, 8))
    assert ar.dot_test(wrong, seeded()) > 1e-6


def test_an_operator_from_two_functions_may_be_complex():
    fourier, back = torch.fft.fft2, lambda y: torch.fft.ifft2(y, norm="forward").real
    A = ar.LinearOperator(fourier, back, (1, 8, 6), (1, 8, 6))
    assert A.complex_range and A.measured_count == 96 and ar.dot_test(A, seeded()) < 1e-12
    assert A.norm == pytest.approx(48**0.5, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in MAKERS if not name.startswith(("Ray", "Fan"))])
def test_the_power_method_finds_the_norm(name):
    """What an operator says of its norm is what would be found if it did not."""
    A = operator(name)
    assert ar.LinearOperator(A, A.T, A.domain_shape, A.range_shape).norm == pytest.approx(A.norm, rel=1e-3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (((1, 8, 8), (1, 8, 8)), r"forward: expected a function of a batch, got \(1, 8, 8\). A subclass defines"),
        ((blur,), r"adjoint: expected a function of a batch, got None"),
        ((blur, blur, (1, 8, 8), (1, 4, 4)), r"forward\(x\): expected measurements of shape \(B, 1, 4, 4\)"),
        ((blur, lambda y: y[..., :4], (1, 8, 8), (1, 8, 8)), r"adjoint\(y\): expected images of shape \(B, 1, 8, 8\)"),
        ((), "forward: expected a function of a batch, got None"),
    ],
)
def test_an_operator_from_functions_that_do_not_fit(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ar.LinearOperator(*arguments)


def test_same_generator_same_noise(A):
    draw = lambda seed: A.random_measurement(2, generator=seeded(seed))
    assert torch.equal(draw(3), draw(3)) and not torch.equal(draw(3), draw(4))


@pytest.mark.parametrize("batch", [None, 3])
def test_as_odl(A, batch):
    """A.as_odl() is A, its adjoint is A*, and ODL's own inner products agree: <Ax, y>_Y = <x, A*y>_X."""
    odl_A = A.as_odl(batch)
    x, y = random_image(A, batch or 1, torch.float32), random_data(A, batch or 1, torch.float32)
    real = lambda u: torch.view_as_real(u) if u.is_complex() else u
    shaped = lambda u: u if batch else u[0]
    ox, oy = odl_A.domain.element(shaped(x).numpy()), odl_A.range.element(shaped(real(y)).numpy())
    assert np.allclose(odl_A(ox).asarray(), shaped(real(A(x))).numpy(), atol=1e-6)
    assert np.allclose(odl_A.adjoint(oy).asarray(), shaped(A.T(y)).numpy(), atol=1e-6)
    assert np.allclose(odl_A.adjoint.adjoint(ox).asarray(), odl_A(ox).asarray())
    assert odl_A(ox).inner(oy) == pytest.approx(ox.inner(odl_A.adjoint(oy)), rel=1e-4, abs=1e-4)
    assert ox.norm() == pytest.approx(x.norm().item(), rel=1e-5)  # cells of side 1


@pytest.mark.parametrize("size", [8, 33, 128])
@pytest.mark.parametrize("fraction, centre", [(0.3, 0.08), (0.25, 0.1), (1.0, 0.0), (0.01, 0.0)])
def test_cartesian_mask(size, fraction, centre):
    """`fraction` of the rows, each of them whole, and the lowest frequencies always."""
    mask = ar.cartesian_mask(size, fraction, centre, seeded())
    rows = mask[:, 0]
    assert mask.shape == (size, size) and torch.equal(mask, rows[:, None].expand(size, size))
    assert rows.sum() == max(1, round(fraction * size)) and ((rows == 0) | (rows == 1)).all()
    low = torch.fft.fftfreq(size).abs() <= centre / 2
    assert rows[low].all() or low.sum() > rows.sum()
    assert torch.equal(mask, ar.cartesian_mask(size, fraction, centre, seeded()))


def test_cartesian_mask_prefers_low_frequencies():
    rows = sum(ar.cartesian_mask(64, 0.3, 0.0, seeded(s))[:, 0] for s in range(200))
    low = torch.fft.fftfreq(64).abs() < 0.25
    assert rows[low].mean() > 1.2 * rows[~low].mean()


@pytest.mark.parametrize("rows, norm", [([2], 0.5**0.5), ([2, 6], 1.0), ([0], 1.0), ([4], 1.0), ([1, 2, 3], 0.5**0.5)])
def test_norm_of_half_a_spectrum(rows, norm):
    """||A||^2 = 1/2 for real images if of every pair of frequencies f, -f only one is measured; 0 and n/2 are pairs."""
    mask = torch.zeros(8, 8)
    mask[rows, 3 if norm < 1 else slice(None)] = 1
    A = ar.FourierSampling(mask)
    assert A.norm == pytest.approx(norm) == torch.linalg.matrix_norm(dense(A), 2).item()


@pytest.mark.parametrize("centred", [False, True])
def test_fourier_sampling_of_a_wave(centred):
    """A cosine of 3 periods along the rows has all its energy at the frequencies (3, 0) and (-3, 0)."""
    n = 16
    wave = torch.cos(2 * torch.pi * 3 * torch.arange(n, dtype=torch.float64) / n)[:, None].expand(n, n)[None, None]
    mask = torch.zeros(n, n)
    if centred:  # as one draws it, zero frequency in the middle
        mask[n // 2 + 3, n // 2] = mask[n // 2 - 3, n // 2] = 1
        mask = torch.fft.ifftshift(mask)
    else:
        mask[3, 0] = mask[-3, 0] = 1
    A = ar.FourierSampling(mask)
    assert close(A.pinv(A(wave)), wave, 1e-12) and A(wave).norm().item() == pytest.approx(wave.norm().item())


def test_inpainting_keeps_seen_pixels_and_blackens_holes():
    mask = random_mask(6, 7)
    x = torch.rand(2, 3, 6, 7, generator=seeded())
    y = ar.Inpainting(mask, channels=3)(x)
    assert torch.equal(y[:, :, mask == 1], x[:, :, mask == 1]) and not y[:, :, mask == 0].any()


@pytest.mark.parametrize("mask", [random_mask(6, 6).bool(), random_mask(6, 6).int(), random_mask(6, 6).numpy()])
def test_masks_of_any_number_type(mask):
    x = torch.rand(1, 1, 6, 6, generator=seeded())
    assert torch.equal(ar.Inpainting(mask)(x), x * random_mask(6, 6))


def test_repr_names_operator_and_shapes():
    assert repr(ar.RayTransform(8, 1)).startswith("RayTransform((1, 8, 8) -> (1, 1, ")
    assert repr(ar.Identity((1, 8, 8)).T).endswith(".T")


def test_wrong_shapes(A):
    """A(x), A.T(y) and A.pinv(y) say which shape they expected and which came."""
    x, y = random_image(A), random_data(A)
    bad_x = [x[0], x[:, :, :-1], x.repeat(1, 2, 1, 1), x[0, 0]]
    for bad in bad_x:
        with pytest.raises(ValueError, match=r"x: expected images .*\(B, \d+, \d+, \d+\), got") as error:
            A(bad)
        assert str(tuple(bad.shape)) in str(error.value) and "channels" in str(error.value)
    for bad in [y[0], y[:, :, :, :-1], y.repeat(1, 2, 1, 1)]:
        for apply in (A.T, A.pinv):
            with pytest.raises(ValueError, match=r"y: expected measurements .*\(B, \d+, \d+, \d+\), got"):
                apply(bad)


def test_not_a_tensor(A):
    for apply in (A, A.T, A.pinv):
        with pytest.raises(TypeError, match=r"expected a torch\.Tensor, got ndarray.*torch\.as_tensor"):
            apply(np.zeros((1, 8, 8)))


def test_integers_are_refused(A):
    """Bytes would be truncated or fail far inside: the message names the conversion."""
    with pytest.raises(TypeError, match=r"x: expected .*float.*got torch\.uint8.*255"):
        A(torch.zeros(1, *A.domain_shape, dtype=torch.uint8))


def test_complex_images_are_refused(A):
    with pytest.raises(TypeError, match=r"x: expected .*got torch\.complex64"):
        A(torch.zeros(1, *A.domain_shape, dtype=torch.complex64))


@pytest.mark.parametrize("name", ["Identity gray", "Inpainting gray", "Ray 9x9, 4 angles"])
def test_complex_measurements_of_a_real_operator(name):
    A = operator(name)
    for apply in (A.T, A.pinv):
        with pytest.raises(TypeError, match=r"y: expected a float tensor, got torch\.complex128.*y\.real"):
            apply(random_data(A).to(torch.complex128))


@pytest.mark.parametrize("name", ["Fourier, lines", "Fourier, points, odd"])
def test_real_measurements_of_a_complex_operator(name):
    A = operator(name)
    for apply in (A.T, A.pinv):
        with pytest.raises(TypeError, match=r"y: expected complex measurements.*got torch\.float32.*y \+ 0j"):
            apply(torch.zeros(1, *A.range_shape))


@pytest.mark.parametrize("make, names", [(ar.Inpainting, "harmonic, adjoint"), (ar.FourierSampling, "exact, adjoint")])
def test_an_unknown_inverse_lists_the_known(make, names):
    A = make(torch.ones(4, 4))
    for call in (lambda: make(torch.ones(4, 4), inverse="fbp"), lambda: A.pinv(A(torch.ones(1, 1, 4, 4)), "fbp")):
        with pytest.raises(ValueError, match=f"inverse: expected one of {names}, got 'fbp'"):
            call()


BAD_MASKS = {
    "three axes": (torch.ones(1, 4, 4), r"matrix \(H, W\).*got shape \(1, 4, 4\)"),
    "one axis": (torch.ones(4), r"matrix \(H, W\).*got shape \(4,\)"),
    "empty": (torch.ones(0, 4), r"matrix \(H, W\).*got shape \(0, 4\)"),
    "grey values": (torch.full((4, 4), 0.5), r"zeros and ones.*0\.5.*mask > 0\.5"),
    "bytes": (torch.full((4, 4), 255, dtype=torch.uint8), r"zeros and ones.*255"),
    "nan": (torch.full((4, 4), float("nan")), r"zeros and ones.*nan"),
    "all zero": (torch.zeros(4, 4), r"at least one 1.*only zeros.*Invert"),
}


@pytest.mark.parametrize("make", [ar.Inpainting, ar.FourierSampling])
@pytest.mark.parametrize("name", BAD_MASKS)
def test_bad_masks(make, name):
    mask, message = BAD_MASKS[name]
    with pytest.raises(ValueError, match=r"mask: expected .*" + message):
        make(mask)


@pytest.mark.parametrize("make", [ar.Inpainting, ar.FourierSampling])
def test_mask_and_image_of_different_size(make):
    with pytest.raises(ValueError, match=r"expected .*\(B, 1, 8, 8\), got \(1, 1, 16, 16\)"):
        make(torch.ones(8, 8))(torch.zeros(1, 1, 16, 16))


BAD_CALLS = {
    "two numbers": (lambda: ar.Identity((8, 8)), ValueError, r"expected \(channels, height, width\), got \(8, 8\)"),
    "one number": (lambda: ar.Identity(8), ValueError, r"shape: expected \(channels, height, width\)"),
    "no height": (lambda: ar.Identity((1, 0, 8)), ValueError, r"shape: expected at least 1, got 0"),
    "half a pixel": (lambda: ar.Identity((1, 8, 8.5)), TypeError, r"shape: expected a whole number, got 8\.5"),
    "no channels": (lambda: ar.Inpainting(torch.ones(4, 4), 0), ValueError, r"channels: expected at least 1, got 0"),
    "no size": (lambda: ar.cartesian_mask(0), ValueError, r"size: expected at least 1, got 0"),
    "percent": (lambda: ar.cartesian_mask(8, 30), ValueError, r"fraction: expected .* at most 1, got 30"),
    "nothing": (lambda: ar.cartesian_mask(8, 0), ValueError, r"fraction: expected .* above 0 .*got 0"),
    "centre": (lambda: ar.cartesian_mask(8, 0.3, -1), ValueError, r"centre: expected .* at least 0 .*got -1"),
    "zero angles": (lambda: ar.RayTransform(8, 0), ValueError, r"angles: expected at least 1, got 0.*one view"),
    "fewer angles": (lambda: ar.RayTransform(8, -3), ValueError, r"angles: expected at least 1, got -3"),
    "half a view": (lambda: ar.RayTransform(8, 2.5), TypeError, r"angles: expected a whole number, got 2\.5"),
    "no pixels": (lambda: ar.RayTransform(0, 3), ValueError, r"size: expected at least 2, got 0"),
    "text": (lambda: ar.RayTransform("big", 3), TypeError, r"size: expected a number, got 'big'"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_arguments(name):
    call, kind, message = BAD_CALLS[name]
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("name", ["Ray 12x12, 7 angles", "Inpainting gray", "Fourier, lines"])
def test_autocast_leaves_measurements_alone(name):
    """Inside a network's bfloat16 an operator computes what it computes outside."""
    A = operator(name)
    x = random_image(A, dtype=torch.float32)
    y = A(x)
    back, inverse = A.T(y), A.pinv(y)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(A(x), y) and torch.equal(A.T(y), back) and torch.equal(A.pinv(y), inverse)


@pytest.mark.parametrize("t", [0.0, 0.3, 20.0])
def test_resolvent_solves_its_system(A, t):
    """(I + t A*A) u = b by the dense matrix: closed forms and conjugate gradients alike."""
    b, M = random_image(A), dense(A)
    expected = torch.linalg.solve(torch.eye(M.shape[1], dtype=M.dtype) + t * M.T @ M, b.flatten(1).T).T
    assert close(A.resolvent(b, t).flatten(1), expected, 1e-4)


def test_resolvent_takes_a_number_for_each_image(A):
    b, t = random_image(A), torch.tensor([0.2, 5.0], dtype=torch.float64)
    alone = torch.cat([A.resolvent(b[i : i + 1], float(t[i])) for i in range(2)])
    assert close(A.resolvent(b, column(t)), alone, 1e-12)
