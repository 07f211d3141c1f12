"""Speed changes no result: Algorithms 1 and 2 of the package against the plain transcription in benchmarks/plain.py."""

import importlib.util

import advreg_edu as ar
import pytest
import torch
from advreg_edu.hardware import limits
from advreg_edu.training import (
    Batch,
    Eq6,
    Eq6BySlopes,
    Paired,
    Quadratic,
    algorithm_1,
    critic_loss,
    draw_mix,
    gradient_on_lines,
)

SIZE, ANGLES, SIGMA = 32, 12, 0.02


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def made(kind, **arguments):
    """A critic whose first weights depend on nothing else, away from the zeros it starts with."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = kind(**arguments)
        with torch.no_grad():
            for p in critic.parameters():
                p.add_(0.02 * torch.randn(p.shape))
    return critic


CRITICS = {
    "PaperCritic": lambda: made(ar.PaperCritic, channels=1, size=SIZE),
    "LocalCritic": lambda: made(ar.LocalCritic, channels=1),
}


@pytest.fixture(scope="module")
def plain(root):
    spec = importlib.util.spec_from_file_location("plain", root / "benchmarks" / "plain.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def scan(plain):
    return plain.PlainScan(SIZE, ANGLES)


@pytest.fixture
def problem():
    return ar.Problem(ar.RayTransform(SIZE, ANGLES), SIGMA)


def relative(u, v):
    return float((u - v).norm() / v.norm())


def test_scans_agree_but_for_the_filter_of_odl(plain, scan, problem):
    """A and A* to 1e-4. FBP to 10 %: ODL takes |frequency| for the ramp, which loses part of the mean."""
    A, c = problem.A, problem.A.unscaled_norm
    x = ar.images.ellipses(3, SIZE, generator=seeded())
    assert relative(scan.forward(x) / c, A(x)) <= 1e-4
    assert relative(scan.adjoint(A(x)) / c, A.T(A(x))) <= 1e-4
    assert relative(scan.pinv(c * A(x)), A.pinv(A(x))) <= 0.1


@pytest.mark.parametrize("name", CRITICS)
def test_a_training_step_is_the_plain_one(plain, problem, name):
    """Loss and every weight after a step: one batch of real and noisy images, channels last, simulated at once."""
    A, x_real = problem.A, ar.images.ellipses(4, SIZE, generator=seeded())

    class SameSimulation:  # the two FBPs differ, see above; all else is the plain way
        forward = staticmethod(lambda x: A.unscaled_norm * A(x))
        pinv = staticmethod(lambda y: A.pinv(y / A.unscaled_norm))

    slow, fast = CRITICS[name](), CRITICS[name]().to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(slow.parameters(), lr=1e-3)
    expected = plain.training_step(slow, sgd, SameSimulation, 1 / A.unscaled_norm, SIGMA, x_real, 20.0, seeded(1))

    generator = seeded(1)
    noisy = problem.naive(problem.measure(x_real, generator))
    x_real, noisy = (u.contiguous(memory_format=torch.channels_last) for u in (x_real, noisy))
    loss = critic_loss(fast, x_real, noisy, 20.0, generator)
    loss.backward()
    torch.optim.SGD(fast.parameters(), lr=1e-3).step()
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-4, abs=1e-5)
    for p, q in zip(fast.parameters(), slow.parameters(), strict=True):
        assert torch.allclose(p, q, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", CRITICS)
def test_iterates_are_the_plain_ones(plain, scan, problem, name):
    critic, x_true = CRITICS[name](), ar.images.ellipses(2, SIZE, generator=seeded())
    y = problem.measure(x_true, seeded(1))
    x = problem.naive(y)
    fast = critic.to(memory_format=torch.channels_last)
    for it in ar.reconstruct(problem, y, fast, 0.3, step_size=0.2, steps=5):
        assert relative(it.x, x) <= 1e-4
        x = plain.descent_step(critic, scan, 1 / problem.A.unscaled_norm, x, y, 0.3, 0.2)


def test_the_line_estimate_has_the_mean_of_eq6():
    """The mean of <grad Psi(x_i), x_noisy - x_real> over `mix` is Psi(x_noisy) - Psi(x_real)."""
    critic = CRITICS["LocalCritic"]()
    x_real = ar.images.ellipses(1, SIZE, generator=seeded())
    noisy = x_real + 0.1 * torch.randn(x_real.shape, generator=seeded(1))
    many = lambda u: u.expand(400, -1, -1, -1)
    pair, pairs = Batch.between(x_real, noisy), Batch.between(many(x_real), many(noisy))
    ends = Eq6()(critic, pair, draw_mix(x_real, seeded())).wasserstein
    estimate = Eq6BySlopes()(critic, pairs, draw_mix(many(x_real), seeded())).wasserstein
    single = torch.stack(
        [Eq6BySlopes()(critic, pair, draw_mix(x_real, seeded(k))).wasserstein.detach() for k in range(20)]
    )
    estimate, ends, spread = (float(t.detach()) for t in (estimate, ends, single.std()))
    assert estimate == pytest.approx(ends, abs=4 * spread / 20)


def test_both_estimates_are_equal_where_the_critic_is_linear():
    class Linear(torch.nn.Module):
        def forward(self, x):
            return (w * x).flatten(1).sum(1)

    w = torch.randn(1, 8, 8, generator=seeded())
    x, noisy = torch.rand(2, 5, 1, 8, 8, generator=seeded(1))
    batch = Batch.between(x, noisy)
    ends, slopes = (kind()(Linear(), batch, draw_mix(x, seeded())) for kind in (Eq6, Eq6BySlopes))
    assert float(slopes.wasserstein) == pytest.approx(float(ends.wasserstein), rel=1e-4)
    assert torch.equal(slopes.gradient_norm, ends.gradient_norm), "the second part is the same"


def test_the_quadratic_loss_is_a_completed_square():
    """mu/2 mean ||grad Psi(x_i) - (x_noisy - x_real)/mu||^2, but for a number that no critic changes."""
    x_real, noisy = torch.rand(2, 5, 1, 8, 8, generator=seeded(1))
    batch, mix, mu = Batch.between(x_real, noisy), draw_mix(x_real, seeded()), 3.0
    d = noisy - x_real
    for critic in (CRITICS["LocalCritic"](), lambda x: x.flatten(1).square().sum(1)):
        grad = gradient_on_lines(critic, batch, mix)
        square = mu / 2 * (grad - d / mu).square().flatten(1).sum(1).mean()
        constant = d.square().flatten(1).sum(1).mean() / (2 * mu)
        assert float(Quadratic(mu)(critic, batch, mix).loss) == pytest.approx(float(square - constant), rel=1e-4)


def test_the_quadratic_loss_with_free_slopes_up_to_1_is_eq_6():
    """And has half of the penalty's weight, so twice the gp_weight."""
    x_real, noisy = torch.rand(2, 5, 1, 8, 8, generator=seeded(1))
    batch, mix, critic = Batch.between(x_real, noisy), draw_mix(x_real, seeded()), CRITICS["LocalCritic"]()
    steep = lambda x: 5 * critic(x)
    assert Eq6BySlopes(0.0)(steep, batch, mix).gradient_norm > 1, "something to pay for"
    assert torch.equal(Quadratic(6.0, free=1.0)(steep, batch, mix).loss, Eq6BySlopes(3.0)(steep, batch, mix).loss)


@pytest.mark.parametrize("free", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("known", [0.2, 1.0])
def test_the_slope_that_a_quadratic_loss_asks_for_is_free_and_how_much_can_be_known(free, known):
    """Of ten lines of length 4 through the same points, a share leads up and the rest down: known = up - down."""
    up = (torch.arange(10) < round(5 * (1 + known)))[:, None, None, None]
    ends = torch.where(up, 0.5, -0.5) * torch.ones(10, 1, 4, 4)
    batch, mix, loss = Batch.between(-ends, ends), draw_mix(ends, seeded()), Quadratic(4.0, free=free)
    slopes = torch.linspace(0, 2.5, 251)
    values = torch.stack([loss(lambda x, s=s: s * x.flatten(1).sum(1) / 4, batch, mix).loss for s in slopes])
    assert slopes[values.argmin()].item() == pytest.approx(free + known, abs=0.02)


@pytest.mark.parametrize("name", CRITICS)
def test_bfloat16_points_the_same_way(name):
    """The gradient of Eq. 6 with respect to the weights, in bfloat16 and in float32: at most 15 degrees apart."""
    x_real = ar.images.ellipses(8, SIZE, generator=seeded())
    noisy = x_real + 0.1 * torch.randn(x_real.shape, generator=seeded(1))
    directions = []
    for enabled in (False, True):
        critic = CRITICS[name]()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = critic_loss(critic, x_real, noisy, 5.0, seeded(2))
        directions.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(critic.parameters()))]))
    assert float(torch.cosine_similarity(*directions, dim=0)) >= 0.966


def test_precision_is_chosen_at_run_time_and_can_be_asked_for(monkeypatch):
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert limits.fast_precision() == "float32"
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert limits.fast_precision() == "bfloat16"
    problem, x = ar.Problem(ar.Identity((1, 16, 16)), 0.1), torch.rand(4, 1, 16, 16, generator=seeded())
    ends = []
    for precision in ("float32", "bfloat16", None):
        critic = made(ar.LocalCritic, channels=1, widths=(8,))
        list(ar.train_critic(critic, problem, x, steps=3, batch_size=2, precision=precision))
        ends.append(torch.cat([p.flatten() for p in critic.parameters()]))
    assert not torch.equal(ends[0], ends[1]) and torch.equal(ends[1], ends[2])


def test_unknown_choices_are_refused_before_any_step():
    problem, x = ar.Problem(ar.Identity((1, 16, 16)), 0.1), torch.rand(4, 1, 16, 16, generator=seeded())
    with pytest.raises(ValueError, match="precision: expected one of"):
        ar.train_critic(ar.LocalCritic(1), problem, x, steps=3, precision="float16")
    for loss in ("middle", critic_loss, Eq6):
        with pytest.raises(TypeError, match=r"loss: expected Eq6\(gp_weight\) or a child of it, got .*Build one"):
            algorithm_1(ar.LocalCritic(1), Paired(problem, x), loss, steps=3)
