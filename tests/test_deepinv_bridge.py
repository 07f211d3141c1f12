"""Operators of deepinv as ours, ours as deepinv's: with a class that has its interface and its two checks.

The package itself is large and no dependency. With deepinv 0.5 both directions were tried by hand: CONTRIBUTING.md.
"""

import sys
import types

import advreg_edu as ar
import pytest
import torch
from advreg_edu.operators import FanBeam, from_deepinv


class LinearPhysics(torch.nn.Module):
    """What our code uses of `deepinv.physics.LinearPhysics`, and what deepinv checks it with."""

    def __init__(self, img_size=None):
        super().__init__()
        self.img_size = img_size
        self.register_buffer("_device_holder", torch.tensor(0.0), persistent=False)

    def adjointness_test(self, samples=4, dtype=torch.float64):
        u = torch.randn(samples, *self.img_size, dtype=dtype, generator=torch.Generator().manual_seed(0))
        Au = self.A(u)
        v = torch.randn(Au.shape, dtype=dtype, generator=torch.Generator().manual_seed(1))
        s1 = (v * Au).reshape(samples, -1).sum(-1)
        s2 = (u * self.A_adjoint(v)).reshape(samples, -1).sum(-1)
        return float(((s1 - s2).square().mean() / s1.square().mean()).sqrt())

    def compute_norm(self, x0, max_iter=1000):
        x = x0 / x0.norm()
        for _ in range(max_iter):
            y = self.A_adjoint(self.A(x))
            z = torch.vdot(x.flatten(), y.flatten())
            x = y / y.norm()
        return float(z.sqrt())


class Blur(LinearPhysics):
    """A periodic blur, with a filter in single precision."""

    def __init__(self):
        super().__init__(img_size=(1, 8, 8))
        self.register_buffer("filter", torch.tensor([0.25, 0.5, 0.25]))

    def A(self, x, **_):
        padded = torch.nn.functional.pad(x, (1, 1, 0, 0), mode="circular")
        return torch.nn.functional.conv2d(padded, self.filter[None, None, None])

    A_adjoint = A  # the filter is symmetric

    def A_dagger(self, y, **_):
        spectrum = torch.fft.rfft(torch.nn.functional.pad(self.filter, (0, 5)).roll(-1))
        return torch.fft.irfft(torch.fft.rfft(y) / (spectrum + (spectrum.abs() < 1e-6)), 8)


def mask(side=8):
    return (torch.rand(side, side, generator=torch.Generator().manual_seed(0)) < 0.5).float()


OURS = {
    "Identity": lambda: ar.Identity((3, 8, 8)),
    "Inpainting": lambda: ar.Inpainting(mask()),
    "Fourier": lambda: ar.FourierSampling(mask()),
    "Ray": lambda: ar.RayTransform(12, 7),
    "Fan": lambda: FanBeam(12, 7),
}


@pytest.mark.parametrize("name", OURS)
def test_ours_pass_deepinvs_checks(name, monkeypatch):
    """adjointness_test, the norm by its power method, A_dagger, and derivatives by torch.func."""
    module = types.ModuleType("deepinv.physics")
    module.LinearPhysics = LinearPhysics
    monkeypatch.setitem(sys.modules, "deepinv", types.ModuleType("deepinv"))
    monkeypatch.setitem(sys.modules, "deepinv.physics", module)
    A = OURS[name]()
    physics, x = A.as_deepinv(), torch.rand(2, *A.domain_shape, dtype=torch.float64)
    assert isinstance(physics, LinearPhysics) and physics.img_size == A.domain_shape
    assert physics.adjointness_test() < 1e-12
    assert physics.compute_norm(x[:1]) == pytest.approx(A.norm, rel=1e-3)
    y = physics.A(x)
    assert not y.is_complex() and torch.equal(physics.A_dagger(y), A.pinv(A(x)))
    assert torch.allclose(torch.func.vjp(physics.A, x)[1](y)[0], physics.A_adjoint(y))


def test_theirs_are_operators_here():
    """dot_test, the norm, A† and a run of Algorithm 2; single precision, as the filter is."""
    physics = Blur()
    A = from_deepinv(physics)
    assert A.domain_shape == A.range_shape == (1, 8, 8) and A.types == (torch.float32,)
    assert ar.dot_test(A, torch.Generator().manual_seed(0)) < 1e-6
    x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    assert A.norm == pytest.approx(physics.compute_norm(x), rel=1e-4) == pytest.approx(1, rel=1e-4)
    problem = ar.Problem(A, 0.01)
    y = problem.measure(x, torch.Generator().manual_seed(2))
    assert torch.equal(problem.naive(y), physics.A_dagger(y))
    *_, it = ar.reconstruct(problem, y, lambda x: x.square().flatten(1).sum(1), 0.1, steps=100, stop="gradient")
    assert it.stopped
    with pytest.raises(TypeError, match=r"x: expected torch\.float32 for"):
        A(x.double())


def test_a_pseudo_inverse_from_a_function():
    physics = Blur()
    A = ar.LinearOperator(physics.A, physics.A_adjoint, (1, 8, 8), (1, 8, 8), pinv=physics.A_dagger)
    y = A(torch.rand(2, 1, 8, 8))
    assert torch.equal(A.pinv(y), physics.A_dagger(y))
    with pytest.raises(ValueError, match=r"pinv\(y\): expected images of shape \(B, 1, 8, 8\)"):
        ar.LinearOperator(physics.A, physics.A, (1, 8, 8), (1, 8, 8), pinv=lambda y: y[..., 1:])
    with pytest.raises(TypeError, match=r"pinv: expected a function of a batch, got 3\."):
        ar.LinearOperator(physics.A, physics.A, (1, 8, 8), (1, 8, 8), pinv=3)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: from_deepinv(torch.sin), "physics: expected an object with A, A_adjoint and A_dagger, got"),
        (lambda: from_deepinv(LinearPhysics()), "physics: expected an object with A, A_adjoint and A_dagger, got"),
        (lambda: ar.Problem(Blur(), 0.1), r"A: expected an operator .*got Blur\. Make it one: operators\.from_deepinv"),
        (
            lambda: ar.Identity((1, 8, 8)).as_deepinv(),
            "as_deepinv: expected the package deepinv, got none: pip install",
        ),
    ],
)
def test_what_is_no_physics(call, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "deepinv", None)
    with pytest.raises((TypeError, ModuleNotFoundError), match=message):
        call()


def test_a_physics_without_a_size():
    physics = Blur()
    physics.img_size = None
    with pytest.raises(ValueError, match=r"domain_shape: expected \(channels, height, width\), got None"):
        from_deepinv(physics)
    assert from_deepinv(physics, (1, 4, 8)).range_shape == (1, 4, 8)
