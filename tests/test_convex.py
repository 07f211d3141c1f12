"""ConvexCritic: below its chords at any weights, weakly convex by the modulus, trained by Algorithm 1 as it is."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.training import Eq6BySlopes, NoiseLeft, Paired, algorithm_1


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def shaken(critic, size=1.0, seed=1):
    """Weights of any sign and size, far from the start."""
    with torch.no_grad():
        for p in critic.parameters():
            p.add_(size * torch.randn(p.shape, generator=seeded(seed)))
    return critic.double()


def above(f, x, y, t):
    """By how much f is above its chord at t, relative to the change along the segment: (B,)."""
    with torch.no_grad():
        chord = (1 - t) * f(x) + t * f(y)
        return (f((1 - t) * x + t * y) - chord) / (f(x).abs() + f(y).abs() + 1)


def segments(shape, count=20, seed=0):
    """Ends inside and far outside of [0, 1], near each other and far apart."""
    g = seeded(seed)
    x = 4 * torch.rand(count, *shape, generator=g, dtype=torch.float64) - 2
    lengths = 10 ** (4 * torch.rand(count, 1, 1, 1, generator=g, dtype=torch.float64) - 3)
    return x, x + lengths * torch.randn(count, *shape, generator=g, dtype=torch.float64)


MADE = {
    "at the start": lambda: ar.ConvexCritic(1).double(),
    "shaken": lambda: shaken(ar.ConvexCritic(1)),
    "shaken, three levels, colour": lambda: shaken(ar.ConvexCritic(3, (8, 12, 16)), 2.0),
    "shaken, one level, flat": lambda: shaken(ar.ConvexCritic(1, (8,), modulus=0.0), 0.3),
    "ships": lambda: ar.load_critic("ct-thorax-convex").double(),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("size", [(16, 16), (13, 22)])
def test_below_every_chord(name, size):
    critic = MADE[name]()
    for seed in range(4):
        x, y = segments((critic.channels, *size), seed=seed)
        for t in (0.1, 0.5, 0.8):
            assert above(critic, x, y, t).max() < 1e-12


def test_the_critic_that_is_not_convex_is_above_some():
    """Between an image of little contrast and one of much; on most segments between images it is below its chord."""
    critic, x = ar.load_critic("ct-thorax").double(), ar.images.thorax(8, 32, seeded()).double()
    assert above(critic, 0.2 * x, 2 * x - 0.5, 0.2).max() > 0.01


def test_convex_after_algorithm_1_which_clips_nothing():
    problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = ar.ConvexCritic(1, (8, 8))
    before = critic.mix[0].raw.detach().clone()
    pairs = NoiseLeft(Paired(problem, ar.images.ellipses(16, 16, seeded())), 0.3)
    steps = list(algorithm_1(critic, pairs, Eq6BySlopes(5.0), steps=60, batch_size=8, learning_rate=0.05))
    assert steps[-1].wasserstein > 2 * steps[0].wasserstein > 0
    assert not torch.equal(before, critic.mix[0].raw) and (critic.mix[0].raw < 0).any()
    assert (critic.mix[0]() > 0).all() and all((read() > 0).all() for read in critic.read)
    assert above(critic.double(), *segments((1, 16, 16)), 0.4).max() < 1e-12


@pytest.mark.parametrize("modulus", [0.5, -0.5])
def test_the_modulus_of_convexity(modulus):
    """Psi - modulus/2 ||x||^2 / sqrt(pixels) is convex; less of it than the modulus says is not, once Psi is flat."""
    critic = shaken(ar.ConvexCritic(1, (8, 8), modulus=modulus), 0.3)
    square = lambda x: x.square().flatten(1).sum(1) / 16
    for x, y in (segments((1, 16, 16), seed=seed) for seed in range(3)):
        assert above(lambda u: critic(u) - modulus / 2 * square(u), x, y, 0.4).max() < 1e-12
    flat = ar.ConvexCritic(1, (8, 8), modulus=modulus).double()
    with torch.no_grad():
        for p in flat.parameters():
            p.fill_(-60.0 if p.ndim != 1 else 0.0)  # positive weights next to nothing
        for conv in (flat.first, *flat.see):
            conv.weight.zero_()
    x, y = segments((1, 16, 16))
    assert above(lambda u: flat(u) - 1.1 * modulus / 2 * square(u), x, y, 0.4).max() * modulus > 0


def test_the_slope_does_not_depend_on_the_size():
    critic = ar.load_critic("ct-thorax-convex")
    noise = 0.3 * torch.randn(1, 1, 128, 128, generator=seeded())
    slope = lambda x: torch.autograd.grad(critic(x.requires_grad_()).sum(), x)[0].norm()
    whole, part = slope(0.5 + noise), slope(0.5 + noise[..., :32, :32])
    assert float(whole) == pytest.approx(float(part), rel=0.05)


def test_twenty_starts_and_one_objective():
    """Four views of 32x32 pixels, from twenty images: the convex critic has one minimum, the other one several."""
    problem = ar.Problem(ar.RayTransform(32, 4), sigma=0.02)
    x0 = torch.cat([ar.images.thorax(15, 32, seeded(3)), torch.rand(5, 1, 32, 32, generator=seeded(4))])
    y = problem.measure(ar.images.thorax(1, 32, seeded(22)), seeded(1)).expand(20, -1, -1, -1).contiguous()
    spread = {}
    for name in ("ct-thorax-convex", "ct-thorax"):
        critic, weight = ar.load_critic(name), ar.weight_from_noise(problem)
        how = dict(steps=3000, method="accelerated", stop="gradient", tolerance=1e-3)
        *_, it = ar.reconstruct(problem, y, critic, weight, x0=x0, **how)
        spread[name] = (it.objective.max() - it.objective.min()) / it.objective.min()
        assert it.stopped, name
    assert spread["ct-thorax-convex"] < 1e-4 < 1e-2 < spread["ct-thorax"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(widths=8), "widths: expected one for each level"),
        (dict(widths=()), "widths: expected one for each level"),
        (dict(widths=(8, 0)), "widths: expected at least 1"),
        (dict(channels=0), "channels: expected at least 1"),
        (dict(modulus=float("nan")), "modulus: expected"),
    ],
)
def test_what_is_no_argument_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ar.ConvexCritic(**arguments)
