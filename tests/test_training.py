"""Algorithm 1: Eq. 6 against a plain transcription, what training achieves in a small world, checkpoints, bad input."""

import functools
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import advreg_edu as ar
import pytest
import torch
from advreg_edu.training import (
    Balanced,
    Eq6,
    Eq6BySlopes,
    MeasuredElsewhere,
    NoiseLeft,
    OwnLines,
    Paired,
    Unpaired,
    Windows,
    WithIterates,
    algorithm_1,
    default_gp_weight,
)
from advreg_edu.training.fingerprint import differences, training_fingerprint
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

SIZE = 16


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Tiny(nn.Module):
    """A critic of two convolutions, smooth, with its weights from a seed."""

    def __init__(self, seed=0, width=6):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Linear(width, 1)
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(0.3 * torch.randn(p.shape, generator=seeded(seed)))

    def forward(self, x):
        h = torch.nn.functional.silu(self.first(4 * x - 2))
        return self.last(self.second(h).square().mean((2, 3))).squeeze(1)


class Linear(nn.Module):
    """Psi(x) = <w, x>: slope ||w|| everywhere."""

    def __init__(self, slope, shape=(1, 4, 4), seed=0):
        super().__init__()
        w = torch.randn(shape, generator=seeded(seed), dtype=torch.float64)
        self.w = nn.Parameter(slope * w / w.norm())

    def forward(self, x):
        return (self.w * x).flatten(1).sum(1)


def world(n=40, sigma=0.1, size=SIZE):
    """Ellipses and the problem of removing noise from them."""
    return ar.Problem(ar.Identity((1, size, size)), sigma), ar.images.ellipses(n, size, seeded(3))


def batch(seed=0, n=5, size=8, dtype=torch.float64):
    real = torch.rand(n, 1, size, size, generator=seeded(seed), dtype=dtype)
    return real, real + 0.3 * torch.randn(real.shape, generator=seeded(seed + 1), dtype=dtype)


def eq6(critic, x_real, x_noisy, gp_weight, mix):
    """Eq. 6 word by word: image after image, three forward passes each."""
    losses = []
    for x_r, x_n, epsilon in zip(x_real, x_noisy, mix, strict=True):
        x_i = (epsilon * x_r + (1 - epsilon) * x_n).clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(x_i[None])[0], x_i, create_graph=True)
        penalty = torch.clamp(slope.square().sum().sqrt() - 1, min=0) ** 2
        losses.append(critic(x_r[None])[0] - critic(x_n[None])[0] + gp_weight * penalty)
    return sum(losses) / len(losses)


@pytest.mark.parametrize("gp_weight", [0, 1, 20])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_loss_is_eq6(gp_weight, scale):
    """critic_loss = mean Psi(x_r) - mean Psi(x_n) + mu mean (||grad Psi(x_i)|| - 1)_+^2, gradient by gradient too."""
    critic, (real, noisy) = Tiny().double(), batch()
    with torch.no_grad():
        critic.last.weight *= scale
    loss = ar.critic_loss(critic, real, noisy, gp_weight, generator=seeded(5))
    plain = eq6(critic, real, noisy, gp_weight, torch.rand(len(real), generator=seeded(5)).double())
    assert loss.shape == () and loss.item() == pytest.approx(plain.item(), rel=1e-10, abs=1e-12)
    parameters = list(critic.parameters())
    ours, theirs = (torch.autograd.grad(value, parameters, allow_unused=True) for value in (loss, plain))
    assert all(torch.allclose(a, b, rtol=1e-8, atol=1e-12) for a, b in zip(ours, theirs, strict=True))


def test_gradient_of_the_loss_by_differences():
    """d/dTheta of Eq. 6, through the penalty's own gradient, agrees with finite differences."""
    critic, (real, noisy) = Tiny().double(), batch()
    with torch.no_grad():
        critic.last.weight *= 30
    parameters = list(critic.parameters())
    loss = lambda: ar.critic_loss(critic, real, noisy, 20.0, generator=seeded(5))
    gradients = torch.autograd.grad(loss(), parameters)
    direction = [torch.randn(p.shape, generator=seeded(i), dtype=torch.float64) for i, p in enumerate(parameters)]
    h = 1e-6

    def moved(step):
        with torch.no_grad():
            for p, d in zip(parameters, direction, strict=True):
                p.add_(step * d)
        return loss().item()

    difference = (moved(h) - moved(-2 * h)) / (2 * h)
    expected = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True))
    assert expected == pytest.approx(difference, rel=1e-5) and abs(expected) > 1e-3


@pytest.mark.parametrize("slope", [0.0, 0.5, 0.999])
def test_slopes_below_1_cost_nothing(slope):
    """One-sided: a critic of slope at most 1 pays no penalty, whatever its weight (Eq. 6)."""
    critic, (real, noisy) = Linear(slope, (1, 8, 8)), batch()
    free, dear = (ar.critic_loss(critic, real, noisy, mu, generator=seeded()).item() for mu in (0, 1e6))
    assert free == dear == pytest.approx((critic(real) - critic(noisy)).mean().item(), abs=1e-12)


@pytest.mark.parametrize("slope", [1.5, 3.0])
def test_slopes_above_1_cost_their_square(slope):
    """Psi = <w, x>: the penalty is mu (||w|| - 1)^2, its gradient 2 mu (||w|| - 1) w / ||w||."""
    critic, (real, noisy) = Linear(slope, (1, 8, 8)), batch()
    with_penalty, without = (ar.critic_loss(critic, real, noisy, mu, generator=seeded()) for mu in (20.0, 0.0))
    assert (with_penalty - without).item() == pytest.approx(20 * (slope - 1) ** 2)
    (grad,) = torch.autograd.grad(with_penalty - without, critic.w)
    assert torch.allclose(grad, 40 * (slope - 1) * critic.w.detach() / slope)


def test_mix_is_uniform_on_the_line():
    """The penalty is taken at mix x_r + (1 - mix) x_n, mix ~ U[0, 1], each image its own."""
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(x.detach())
            return x.flatten(1).sum(1)

    real, noisy = torch.ones(4000, 1, 1, 1), torch.zeros(4000, 1, 1, 1)
    ar.critic_loss(Spy(), real, noisy, generator=seeded())
    mix = seen[-1].flatten()
    assert len(mix) == 4000 and mix.min() >= 0 and mix.max() <= 1
    quantiles = torch.quantile(mix, torch.tensor([0.1, 0.5, 0.9]))
    assert torch.allclose(quantiles, torch.tensor([0.1, 0.5, 0.9]), atol=0.03)


def test_loss_depends_on_the_generator_alone():
    critic, (real, noisy) = Tiny().double(), batch()
    with torch.no_grad():
        critic.last.weight *= 30
    at = lambda seed: ar.critic_loss(critic, real, noisy, generator=seeded(seed)).item()
    assert at(1) == at(1) != at(2)


@pytest.mark.parametrize("source", [Paired, Unpaired])
def test_draws(source):
    """x_r is one of the images, x_n = A†(Ax + e), of the same image if paired and of any if not; the noise is sigma."""
    problem, images = world(n=30, sigma=0.05)
    real, noisy, *_ = source(problem, images).draw(200, seeded())
    match = lambda x: torch.cdist(x.flatten(1), images.flatten(1)).argmin(1)
    assert all(any(torch.equal(x, image) for image in images) for x in real[:20])
    same = (match(real) == match(noisy)).float().mean()
    assert same == 1 if source is Paired else same < 0.2
    assert (noisy - images[match(noisy)]).std().item() == pytest.approx(0.05, rel=0.02)


def test_windows_are_the_same_in_both_images():
    """Cut out of x_r and x_n at one place: what differs between them is the noise alone; every place is drawn."""
    problem = ar.Problem(ar.Identity((1, SIZE, SIZE)), 0)
    images = torch.arange(SIZE * SIZE).reshape(1, 1, SIZE, SIZE) / SIZE**2
    corners = set()
    for seed in range(200):
        real, noisy, *_ = Windows(Paired(problem, images), side=13).draw(2, seeded(seed))
        assert real.shape == (2, 1, 13, 13) and torch.equal(real, noisy)
        corners.add(round(float(real[0, 0, 0, 0]) * SIZE**2))
    assert corners == {SIZE * row + column for row in range(4) for column in range(4)}


def train(critic, steps=12, batch_size=4, on=None, **kwargs):
    problem, x = on or world()
    return list(ar.train_critic(critic, problem, x, steps=steps, batch_size=batch_size, **kwargs))


def train_on(critic, pairs, loss=None, steps=12, batch_size=4, **kwargs):
    """Algorithm 1 on other pairs, with the default penalty weight unless a loss is given."""
    return list(algorithm_1(critic, pairs, loss or Eq6(default_gp_weight(pairs)), steps, batch_size, **kwargs))


def watched(kind=Eq6, **arguments):
    """(a loss, the list of the batches that it is asked to score)."""
    seen = []

    class Watched(kind):
        def __call__(self, critic, batch, mix):
            seen.append(batch)
            return super().__call__(critic, batch, mix)

    return Watched(**arguments), seen


def weights(critic):
    return torch.cat([p.detach().flatten() for p in critic.parameters()])


SMALL = {
    "Tiny": lambda: Tiny(),
    "LocalCritic": lambda: ar.LocalCritic(1, widths=(8, 12)),
    "PaperCritic": lambda: ar.PaperCritic(1, SIZE),
}


def test_own_lines_hold_the_slope_between_an_image_and_its_own_measurement():
    """Images are constant, and Psi(x) = (mean of x)^2: its gradient at a point tells the point. Of x_real = 0.2 and
    measurements of 0.8 without noise, the lines of the batch lead from one to the other, own lines stay at 0.2."""
    problem = ar.Problem(ar.Identity((1, SIZE, SIZE)), sigma=0.0)
    x_real, others = torch.full((4, 1, SIZE, SIZE), 0.2), torch.full((4, 1, SIZE, SIZE), 0.8)
    apart, slopes = MeasuredElsewhere(problem, x_real, measurements=others), {}
    for name, pairs in dict(batch=apart, own=OwnLines(apart)).items():
        run = algorithm_1(Square(), pairs, Eq6(gp_weight=0.0), steps=1)
        slopes[name] = next(run).gradient_norm.item() * SIZE
        run.close()
    assert slopes["own"] == pytest.approx(0.4, rel=1e-5) and 0.5 < slopes["batch"] < 1.5


def test_balance_charges_for_telling_whose_image_was_measured():
    """Images are constant, measured without noise: Psi, the mean squared, is 0.64 on others, 0.04 on x_real."""
    problem = ar.Problem(ar.Identity((1, SIZE, SIZE)), sigma=0.0)
    x_real, others = torch.full((4, 1, SIZE, SIZE), 0.2), torch.full((4, 1, SIZE, SIZE), 0.8)
    pairs, losses = OwnLines(MeasuredElsewhere(problem, x_real, measurements=others)), []
    for loss in (Eq6(0.0), Balanced(0.0, weight=0.0), Balanced(0.0, weight=2.0)):
        run = algorithm_1(Square(), pairs, loss, steps=1)
        losses.append(next(run).loss.item())
        run.close()
    assert losses == pytest.approx([-0.6, -0.6, -0.6 + 2 * 0.6**2], rel=1e-4)


@pytest.mark.parametrize("source", [Paired, Unpaired])
def test_balance_needs_own_measurements(source):
    with pytest.raises(ValueError, match=r"Balanced: expected lines to own measurements, got others\..*OwnLines"):
        algorithm_1(Tiny(), source(*world()), Balanced(20.0, weight=1), steps=2)


def test_own_lines_of_recursive_training_lead_from_the_image_beside_the_iterate():
    """Without noise an image is its own measurement, whether the batch or the pool of iterates has drawn it."""
    x_real = torch.rand(20, 1, SIZE, SIZE, generator=seeded())
    problem = ar.Problem(ar.Identity((1, SIZE, SIZE)), sigma=0.0)
    apart = MeasuredElsewhere(problem, x_real, measurements=x_real.flip(0))
    loss, seen = watched(gp_weight=1.0)
    train_on(Tiny(), OwnLines(WithIterates(apart, start=0, steps=4)), loss, steps=2)
    assert len(seen) == 2
    for batch in seen:
        assert batch.is_iterate.tolist() == [True, True, False, False]
        torch.testing.assert_close(batch.x_end, batch.x_real)


SOURCES = {
    "pairs": Paired,
    "apart": lambda *world: OwnLines(MeasuredElsewhere(*world, measurements=torch.ones(3, 1, SIZE, SIZE))),
    "recursive": lambda *world: WithIterates(Paired(*world), start=0, steps=100, step_size=0.1),
}


@pytest.mark.parametrize("source", SOURCES)
def test_noise_left_moves_the_real_images_towards_their_own_noise(source):
    """x_real + share (x_end - x_real), be x_end the batch's x_noisy, simulated for this alone, or an iterate."""
    seen = {}
    for share in (0.0, 0.25):
        loss, batches = watched()
        train_on(Tiny(), NoiseLeft(SOURCES[source](*world(sigma=0.1)), share), loss, steps=1)
        (seen[share],) = batches
    before, after = seen[0.0], seen[0.25]
    torch.testing.assert_close(after.x_end, before.x_end)
    torch.testing.assert_close(after.x_noisy, before.x_noisy)
    torch.testing.assert_close(after.x_real, 0.75 * before.x_real + 0.25 * before.x_end)
    assert (after.x_real - before.x_real).abs().max() > 0.01


def test_noise_left_scales_the_default_penalty_weight():
    """It is three times a distance, and the distance is shorter."""
    pairs = Paired(*world())
    none, quarter = (default_gp_weight(NoiseLeft(pairs, share)) for share in (0.0, 0.25))
    assert quarter == pytest.approx(0.75 * none, rel=1e-5) and none == pytest.approx(default_gp_weight(pairs))


@pytest.mark.parametrize("change", ["Unpaired", "MeasuredElsewhere"])
def test_noise_left_needs_the_noise_of_x_real(change):
    apart = dict(
        Unpaired=Unpaired(*world()),
        MeasuredElsewhere=MeasuredElsewhere(*world(), measurements=torch.zeros(2, 1, SIZE, SIZE)),
    )
    expected = rf"NoiseLeft: expected lines from an image to its own measurement, got {change}\. Add OwnLines"
    with pytest.raises(ValueError, match=expected):
        NoiseLeft(apart[change], 0.2)
    assert NoiseLeft(OwnLines(apart[change]), 0.2).share == 0.2, "the fix that it names"


def test_own_lines_need_the_ends_and_whole_images():
    with pytest.raises(ValueError, match=r"Eq6BySlopes: expected lines that end at x_noisy, got OwnLines\. Take Eq6"):
        algorithm_1(Tiny(), OwnLines(Paired(*world())), Eq6BySlopes(20.0), steps=2)
    with pytest.raises(ValueError, match=r"OwnLines: expected whole images .*, got windows of them\. Leave Windows"):
        algorithm_1(Tiny(), OwnLines(Windows(Paired(*world()), 8)), Eq6(20.0), steps=2)
    with pytest.raises(ValueError, match=r"Windows: expected lines to x_noisy, got OwnLines\. Leave one out"):
        Windows(OwnLines(Paired(*world())), 8)


@pytest.fixture(scope="module", params=["LocalCritic, paired", "LocalCritic, unpaired", "PaperCritic, paired"])
def trained(request):
    """A critic after 120 steps in the small world, with the steps."""
    name, source = request.param.split(", ")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = SMALL[name]()
    if source == "paired":
        return critic, train(critic, 120, 8, on=world(60))
    problem, x = world(60)
    loss = Eq6(default_gp_weight(Paired(problem, x)))
    steps = train_on(critic, Unpaired(problem, x), loss, 120, 8)
    return critic, steps


def held_out(n=24, sigma=0.1):
    problem, _ = world()
    x = ar.images.ellipses(n, SIZE, seeded(99))
    return x, problem.naive(problem.measure(x, seeded(98)))


def test_training_raises_the_wasserstein_estimate(trained):
    """-W is what Eq. 6 lowers: at the end mean Psi(x_n) - mean Psi(x_r) is well above its start, the loss below."""
    mean = lambda steps, part: torch.stack([getattr(s, part) for s in steps]).mean()
    _, steps = trained
    first, last = steps[:10], steps[-30:]
    assert mean(last, "wasserstein") > mean(first, "wasserstein") + 0.1
    assert mean(last, "loss") < mean(first, "loss")


def test_wasserstein_estimate_keeps_below_the_distance(trained):
    """Eq. 7 by pairing: W <= E ||x_n - x_r|| = sigma sqrt(n), up to the few per cent that the penalty allows."""
    _, steps = trained
    estimate = torch.stack([s.wasserstein for s in steps[-30:]]).mean()
    assert 0.3 * 0.1 * SIZE < estimate < 1.1 * 0.1 * SIZE


def test_slopes_on_the_lines_stay_near_1(trained):
    """||grad Psi|| on the lines between held-out x_r and x_n: about 1 at most."""
    critic, steps = trained
    (x, noisy), mix = held_out(), torch.rand(24, 1, 1, 1, generator=seeded())
    x_i = (mix * x + (1 - mix) * noisy).requires_grad_()
    (grad,) = torch.autograd.grad(critic(x_i).sum(), x_i)
    slopes = grad.flatten(1).norm(dim=1)
    assert 0.5 < slopes.mean() < 1.15 and slopes.max() < 1.5
    assert torch.stack([s.gradient_norm for s in steps[-30:]]).mean() < 1.15


def test_noisy_images_cost_more(trained):
    """Psi(x_n) > Psi(x_r) for images and noise that training never saw, one by one."""
    critic, _ = trained
    x, noisy = held_out()
    with torch.no_grad():
        assert (critic(noisy) > critic(x)).float().mean() >= 0.95


def test_trained_critic_denoises(trained):
    """What it is for: Algorithm 2 with lambda by the formula brings the image nearer to the truth."""
    critic, _ = trained
    (x, noisy), problem = held_out(), world()[0]
    weight = ar.weight_from_noise(problem)
    *_, last = ar.reconstruct(problem, noisy, critic, weight, step_size=0.05, steps=40)
    assert ar.psnr(last.x, x).mean() > ar.psnr(noisy, x).mean() + 1


def test_steps_report():
    """`steps` of them, from 0, scalars without gradient, with loss = -W + penalty >= -W."""
    steps = train(Tiny(), 7)
    assert [s.index for s in steps] == list(range(7))
    for s in steps:
        for number in (s.loss, s.wasserstein, s.gradient_norm):
            assert number.shape == () and torch.isfinite(number) and not number.requires_grad
        assert s.loss >= -s.wasserstein - 1e-6


@pytest.mark.parametrize("name", ["Tiny", "LocalCritic"])
def test_same_seed_same_critic(name):
    """The seed alone decides; another seed gives another critic; no step touches the global generator."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        start = SMALL[name]().state_dict()
    results = []
    for seed in (1, 1, 2):
        with torch.random.fork_rng():
            critic = SMALL[name]()
        critic.load_state_dict(start)
        state = torch.get_rng_state()
        train(critic, 5, seed=seed)
        assert torch.equal(torch.get_rng_state(), state)
        results.append(weights(critic))
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])


def test_result_is_the_running_average():
    """averaging = 0: the last weights themselves. Above: between the first and the last."""
    finals = {}
    for averaging in (0.0, 0.998):
        critic = Tiny()
        finals[averaging] = (train(critic, 40, averaging=averaging), weights(critic))[1]
    start = weights(Tiny())
    assert not torch.equal(finals[0.0], finals[0.998])
    assert (finals[0.998] - start).norm() < (finals[0.0] - start).norm()


def test_closing_early_leaves_the_average():
    """A loop that breaks leaves the same critic as one that ends there, up to the learning rate's cosine."""
    critic = Tiny()
    steps = ar.train_critic(critic, *world(), steps=50, batch_size=4)
    for step in steps:
        during = weights(critic)
        if step.index == 9:
            break
    steps.close()
    assert not torch.equal(weights(critic), during) and not torch.equal(weights(critic), weights(Tiny()))


def test_default_gp_weight():
    """None takes 3 E ||x_real - x_noisy||, for denoising 3 sigma sqrt(n): the loss of a steep critic shows it."""
    problem, x = world()
    losses = {}
    for gp_weight in (None, 3 * 0.1 * math.sqrt(SIZE**2), 0):
        steep = Linear(3.0, (1, SIZE, SIZE)).float()
        losses[gp_weight] = next(ar.train_critic(steep, problem, x, gp_weight=gp_weight)).loss.item()
    auto, by_hand, free = losses.values()
    assert by_hand - free == pytest.approx(3 * 0.1 * SIZE * (3 - 1) ** 2, rel=1e-4)
    assert auto - free == pytest.approx(by_hand - free, rel=0.03)


@pytest.mark.parametrize("critic, on", [("LocalCritic", "ct"), ("LocalCritic", "mri"), ("Tiny", "inpainting")])
def test_every_problem_trains(critic, on):
    """CT, MRI and inpainting go through the same loop; x_n is A†y."""
    operators = {
        "ct": lambda: ar.RayTransform(SIZE, 6),
        "mri": lambda: ar.FourierSampling(ar.cartesian_mask(SIZE, 0.5, generator=seeded())),
        "inpainting": lambda: ar.Inpainting((torch.rand(SIZE, SIZE, generator=seeded()) < 0.7).float()),
    }
    problem = ar.Problem(operators[on](), 0.02)
    steps = train(SMALL[critic](), 4, on=(problem, world()[1]))
    assert len(steps) == 4 and all(torch.isfinite(s.loss) for s in steps)


def test_windows_train_a_local_critic():
    critic = ar.LocalCritic(1, widths=(8, 12))
    steps = train_on(critic, Windows(Paired(*world()), 9), steps=4)
    assert len(steps) == 4 and torch.isfinite(critic(world()[1])).all()


# Checkpoints


@functools.cache
def full(name="Tiny"):
    """An uninterrupted training: its steps and its weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = SMALL[name]()
    return train(critic, 13), weights(critic)


def interrupt_by_throw(steps):
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt)


def interrupt_by_close(steps):
    steps.close()


@pytest.mark.parametrize("name", ["Tiny", "LocalCritic"])
@pytest.mark.parametrize("interrupt", [interrupt_by_throw, interrupt_by_close])
@pytest.mark.parametrize("at", [0, 7])
def test_resume_equals_uninterrupted(tmp_path, name, interrupt, at):
    """Interrupted after step `at`, resumed with a fresh critic: the same steps, the same weights, bit for bit."""
    steps, expected = full(name)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic, fresh = SMALL[name](), SMALL[name]()  # the fresh one has other weights, but for Tiny
    arguments = dict(steps=13, batch_size=4, checkpoint=tmp_path / "run" / "a.checkpoint", checkpoint_every=100)
    running = ar.train_critic(critic, *world(), **arguments)
    seen = [next(running) for _ in range(at + 1)]
    interrupt(running)
    seen += list(ar.train_critic(fresh, *world(), resume=True, **arguments))
    assert [s.index for s in seen] == list(range(13))
    assert torch.equal(weights(fresh), expected)
    assert all(torch.equal(a.loss, b.loss) for a, b in zip(seen, steps, strict=True))


def test_resume_twice_and_after_the_end(tmp_path):
    """Interrupted again and again it still ends at the same weights; resumed at its end it stays there."""
    _, expected = full()
    arguments = dict(steps=13, batch_size=4, checkpoint=tmp_path / "a.checkpoint")
    for k, resume in [(3, False), (7, True), (1, True), (None, True), (None, True)]:
        critic = Tiny()
        running = ar.train_critic(critic, *world(), resume=resume, **arguments)
        for _ in range(100 if k is None else k):
            if next(running, None) is None:
                break
        running.close()
    assert torch.equal(weights(critic), expected)


def test_checkpoint_every(tmp_path):
    """A killed process finds its last periodic checkpoint: every 5 steps one is written, whole."""
    path = tmp_path / "a.checkpoint"
    done = []
    for step in ar.train_critic(Tiny(), *world(), steps=12, batch_size=4, checkpoint=path, checkpoint_every=5):
        done.append(checkpoint_steps(path) if path.exists() else None)
        assert step.index + 1 - (done[-1] or 0) < 5
    assert done[4] == 5 and done[11] == 10 and checkpoint_steps(path) == 12
    assert [p.name for p in tmp_path.iterdir()] == ["a.checkpoint"]


def checkpoint_steps(path):
    with safe_open(path, "pt") as file:
        return int(file.metadata()["done"])


def test_interrupt_inside_the_update(tmp_path, monkeypatch):
    """SIGINT in the middle of Adam's step, before any periodic checkpoint: resuming still gives the same result."""
    _, expected = full()
    arguments = dict(steps=13, batch_size=4, checkpoint=tmp_path / "a.checkpoint", checkpoint_every=100)
    original, calls = torch.optim.Adam.step, []

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        result = original(self, *args, **kwargs)
        if len(calls) == 8:
            signal.raise_signal(signal.SIGINT)
        return result

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(torch.optim.Adam, "step", interrupted)
        list(ar.train_critic(Tiny(), *world(), **arguments))
    critic = Tiny()
    list(ar.train_critic(critic, *world(), resume=True, **arguments))
    assert torch.equal(weights(critic), expected)


def test_interrupt_outside_the_generator(tmp_path):
    """Ctrl-C while the loop's body draws a picture, before any periodic checkpoint: the generator does not know."""
    _, expected = full()
    arguments = dict(steps=13, batch_size=4, checkpoint=tmp_path / "a.checkpoint", checkpoint_every=100)
    running = ar.train_critic(Tiny(), *world(), **arguments)  # alive, as a traceback in a notebook keeps it
    assert next(running).index == 0 and next(running).index == 1
    critic = Tiny()
    list(ar.train_critic(critic, *world(), resume=True, **arguments))
    assert torch.equal(weights(critic), expected)


SCRIPT = """
import sys
sys.path.insert(0, "tests")
import advreg_edu as ar
from test_training import Tiny, world
arguments = dict(steps=4000, batch_size=4, checkpoint=sys.argv[1], checkpoint_every=20)
try:
    for step in ar.train_critic(Tiny(), *world(), **arguments):
        print(step.index, flush=True)
finally:
    print("ended", flush=True)
"""


def test_ctrl_c_in_a_real_process(tmp_path):
    """SIGINT to a running training leaves a checkpoint; what follows from it is what would have followed anyway."""
    root, path = Path(__file__).resolve().parent.parent, tmp_path / "a.checkpoint"
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)], cwd=root, env=environment, **pipes)
    for line in child.stdout:
        if line.strip() == "30":
            child.send_signal(signal.SIGINT)
            break
    rest, errors = child.communicate(timeout=300)
    assert child.returncode != 0 and "KeyboardInterrupt" in errors and "ended" in rest, errors
    done = checkpoint_steps(path)
    assert 20 <= done < 4000

    reference, resumed = Tiny(), Tiny()
    arguments = dict(steps=4000, batch_size=4)
    losses = []
    for running in (
        ar.train_critic(reference, *world(), **arguments),
        ar.train_critic(resumed, *world(), checkpoint=path, checkpoint_every=20, resume=True, **arguments),
    ):
        losses.append([s.loss.item() for s in until(running, done + 3)])
        running.close()
    assert losses[1] == pytest.approx(losses[0][done:], abs=1e-6) and len(losses[1]) == 3
    assert torch.allclose(weights(resumed), weights(reference), atol=1e-6)


def until(steps, end):
    """The steps with index below `end`."""
    for step in steps:
        yield step
        if step.index == end - 1:
            return


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint after 4 of 12 steps."""
    path = tmp_path / "a.checkpoint"
    running = ar.train_critic(Tiny(), *world(), steps=12, batch_size=4, checkpoint=path)
    for _ in range(4):
        next(running)
    running.close()
    return path


def resume(path, critic=None, **changes):
    problem, x = world()
    arguments = dict(steps=12, batch_size=4, checkpoint=path, resume=True) | changes
    return ar.train_critic(critic or Tiny(), problem, x, **arguments)


CHANGES = [dict(steps=13), dict(batch_size=5), dict(seed=1), dict(learning_rate=1e-4), dict(averaging=0.9)]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_other_settings_are_refused(checkpoint, change):
    ((name, value),) = change.items()
    with pytest.raises(ValueError, match=rf"expected the same settings, got .*{name}: .* then, {value} now.*back"):
        resume(checkpoint, **change)


def test_another_penalty_weight_is_refused(checkpoint):
    said = r"expected the same settings, got loss: Eq6\(gp_weight=4\..*\) then, Eq6\(gp_weight=3\) now\. Change"
    with pytest.raises(ValueError, match=said):
        resume(checkpoint, gp_weight=3.0)


OTHER_PAIRS = {
    "Unpaired": Unpaired,
    "Windows": lambda *world: Windows(Paired(*world), side=9),
    "OwnLines": lambda *world: OwnLines(Paired(*world)),
    "NoiseLeft": lambda *world: NoiseLeft(Paired(*world), share=0.1),
    "WithIterates": lambda *world: WithIterates(Paired(*world), start=8),
}


@pytest.mark.parametrize("name", OTHER_PAIRS)
def test_other_pairs_are_refused(checkpoint, name):
    """By name, and nothing else is: the loss is the same."""
    loss = Eq6(default_gp_weight(Paired(*world())))
    arguments = dict(steps=12, batch_size=4, checkpoint=checkpoint, resume=True)
    if name == "WithIterates":  # what it keeps in a checkpoint is missed first
        said = r"expected state\.age of shape \(8,\), got None\. The checkpoint belongs to .*other settings"
    else:
        said = rf"expected the same settings, got pairs: Paired\([^;]* then, {name}\([^;]* now\. Change them back"
    with pytest.raises(ValueError, match=said):
        algorithm_1(Tiny(), OTHER_PAIRS[name](*world()), loss, **arguments)
    assert next(algorithm_1(Tiny(), Paired(*world()), loss, **arguments)).index == 4, "the same pairs go on"


@pytest.mark.parametrize("loss", [Eq6BySlopes, Balanced])
def test_another_loss_is_refused(tmp_path, loss):
    pairs = Paired(*world()) if loss is Eq6BySlopes else OwnLines(Paired(*world()))
    arguments = dict(steps=4, batch_size=2, checkpoint=tmp_path / "a.checkpoint")
    next(algorithm_1(Tiny(), pairs, Eq6(10.0), **arguments))
    with pytest.raises(ValueError, match=rf"got loss: Eq6\(gp_weight=10\) then, {loss.__name__}\(gp_weight=10.* now"):
        algorithm_1(Tiny(), pairs, loss(10.0), resume=True, **arguments)


def test_missing_checkpoint(tmp_path):
    for path in (tmp_path / "none.checkpoint", None):
        with pytest.raises(ValueError, match=r"resume: expected a checkpoint file, got .*Start without resume"):
            resume(path)


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def damage_text(path):
    path.write_text("not a checkpoint")


def damage_empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [damage_cut, damage_text, damage_empty])
def test_damaged_checkpoint(checkpoint, damage):
    damage(checkpoint)
    with pytest.raises(ValueError, match=r"a\.checkpoint: expected a checkpoint, got a damaged one \(.*Delete it"):
        resume(checkpoint)


def test_file_that_is_no_checkpoint(checkpoint):
    """Weights of a critic are safetensors too, but no checkpoint."""
    for meta in (None, {"critic": "PaperCritic"}):
        save_file({"w": torch.zeros(2)}, checkpoint, meta)
        with pytest.raises(ValueError, match=r"a\.checkpoint: expected a checkpoint"):
            resume(checkpoint)


class Square(nn.Module):
    """Psi(x) = s (mean of x)^2, with s = 1 to be trained."""

    def __init__(self):
        super().__init__()
        self.s = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.s * x.flatten(1).mean(1) ** 2


class Longer(Tiny):
    """One more layer than in the checkpoint, at the end."""

    def __init__(self):
        super().__init__(seed=4)
        self.more = nn.Linear(1, 1)


class Shorter(Tiny):
    """One layer fewer."""

    def __init__(self):
        super().__init__(seed=4)
        del self.last

    def forward(self, x):
        return self.second(self.first(x)).mean((1, 2, 3))


@pytest.mark.parametrize("critic", [Tiny(width=7), Linear(1.0, (1, SIZE, SIZE)), Longer(), Shorter()])
def test_checkpoint_of_another_critic(checkpoint, critic):
    """Other shapes, more parameters or fewer: refused, and the critic keeps its weights."""
    before = weights(critic)
    with pytest.raises(ValueError, match=r"a\.checkpoint: expected .*another network"):
        resume(checkpoint, critic)
    assert torch.equal(weights(critic), before)


def test_refused_resume_leaves_critic_and_file_alone(checkpoint):
    critic, content = Tiny(seed=4), checkpoint.read_bytes()
    before = weights(critic)
    with pytest.raises(ValueError, match="same settings"):
        resume(checkpoint, critic, seed=9)
    assert torch.equal(weights(critic), before) and checkpoint.read_bytes() == content


def test_checkpoint_is_safetensors(checkpoint):
    """Weights, average and Adam's moments per parameter; no pickle."""
    tensors = load_file(checkpoint)
    parts = {"weight", "average", "first", "second"}
    assert set(tensors) == {f"{i}.{part}" for i, _ in enumerate(Tiny().parameters()) for part in parts}
    length = int.from_bytes(checkpoint.read_bytes()[:8], "little")
    assert json.loads(checkpoint.read_bytes()[8 : 8 + length])["__metadata__"]["done"] == "4"


# Bad input


def spoiled(value):
    x = world()[1].clone()
    x[3, 0, 2, 2] = value
    return x


class Blind(Tiny):
    """Breaks down at the third step."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) * (math.nan if self.calls > 6 else 1)


class Column(Tiny):
    def forward(self, x):
        return super().forward(x)[:, None]


BAD_CALLS = {
    "nan": (dict(x_real=spoiled(math.nan)), ValueError, r"x_real: expected finite numbers, got 1 NaN"),
    "infinity": (dict(x_real=spoiled(math.inf)), ValueError, r"x_real: expected finite numbers, got 1 NaN or infinite"),
    "too bright": (dict(x_real=spoiled(2.0)), ValueError, r"x_real: expected intensities in \[0, 1\], got \[.*, 2\]"),
    "size": (
        dict(x_real=torch.zeros(4, 1, 8, 8)),
        ValueError,
        r"x_real: expected .*\(B, 1, 16, 16\), got \(4, 1, 8, 8\)",
    ),
    "channels": (
        dict(x_real=torch.zeros(4, 3, 16, 16)),
        ValueError,
        r"x_real: expected .*got \(4, 3, 16, 16\).*channels",
    ),
    "none": (dict(x_real=torch.zeros(0, 1, 16, 16)), ValueError, r"x_real: expected at least one item, got an empty"),
    "bytes": (dict(x_real=torch.zeros(4, 1, 16, 16).byte()), TypeError, r"x_real: expected a float tensor"),
    "numpy": (dict(x_real=world()[1].numpy()), TypeError, r"x_real: expected a torch\.Tensor, got ndarray"),
    "problem": (
        dict(problem=ar.Identity((1, 16, 16))),
        TypeError,
        r"problem: expected Problem\(A, sigma\), got Identity",
    ),
    "steps": (dict(steps=0), ValueError, r"steps: expected at least 1, got 0"),
    "batch size": (dict(batch_size=0), ValueError, r"batch_size: expected at least 1, got 0"),
    "a huge batch": (dict(batch_size=10**9), ValueError, r"batch_size: expected a batch that fits into .* GB"),
    "half a batch": (dict(batch_size=2.5), TypeError, r"batch_size: expected a whole number, got 2\.5"),
    "gp_weight": (dict(gp_weight=-1), ValueError, r"gp_weight: expected .*at least 0, got -1"),
    "learning rate": (dict(learning_rate=0), ValueError, r"learning_rate: expected .*above 0, got 0"),
    "averaging": (dict(averaging=1.5), ValueError, r"averaging: expected .*at most 1, got 1\.5"),
    "checkpoint_every": (dict(checkpoint_every=0), ValueError, r"checkpoint_every: expected at least 1, got 0"),
    "seed": (dict(seed=1.5), TypeError, r"seed: expected a whole number, got 1\.5"),
    "no seed": (dict(seed=None), TypeError, r"seed: expected a number, got None"),
    "critic's channels": (
        dict(critic=ar.LocalCritic(3)),
        ValueError,
        r"x: expected .*\(B, 3, 16, 16\), got \(1, 1, 16, 16\)",
    ),
    "critic's size": (
        dict(critic=ar.PaperCritic(1, 8)),
        ValueError,
        r"x: expected .*\(B, 1, 8, 8\), got \(1, 1, 16, 16\)",
    ),
    "critic's shape": (dict(critic=Column()), ValueError, r"critic\(x\): expected one number per image .*got \(1, 1\)"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_input_before_any_step(tmp_path, name):
    """Raised by the call itself: no step is taken, no file is written, the critic keeps its weights."""
    changes, kind, message = BAD_CALLS[name]
    problem, x = world()
    critic = changes.get("critic", Tiny())
    before = weights(critic)
    arguments = (
        dict(critic=critic, problem=problem, x_real=x, steps=3, batch_size=4, checkpoint=tmp_path / "c") | changes
    )
    with pytest.raises(kind, match=message):
        ar.train_critic(**arguments)
    assert torch.equal(weights(critic), before) and not list(tmp_path.iterdir())


BAD_PARTS = {
    "share": (lambda pairs: NoiseLeft(pairs, 1.0), ValueError, r"share: expected .*at most 0\.9, got 1"),
    "balance": (lambda pairs: Balanced(1.0, weight=-1), ValueError, r"weight: expected .*at least 0, got -1"),
    "gp_weight": (lambda pairs: Eq6BySlopes(-1), ValueError, r"gp_weight: expected .*at least 0, got -1"),
    "a large window": (
        lambda pairs: Windows(pairs, 17),
        ValueError,
        r"side: expected at most the image side 16.*17",
    ),
    "no window": (lambda pairs: Windows(pairs, 0), ValueError, r"side: expected at least 1, got 0"),
    "no pairs": (lambda pairs: algorithm_1(Tiny(), pairs.x_real, Eq6()), TypeError, r"pairs: expected .*got Tensor"),
    "no loss": (
        lambda pairs: algorithm_1(Tiny(), pairs, 20.0),
        TypeError,
        r"loss: expected Eq6\(gp_weight\).* float",
    ),
    "wrapped images": (lambda pairs: NoiseLeft(pairs.x_real, 0.2), TypeError, r"pairs: expected .*got Tensor"),
}


@pytest.mark.parametrize("name", BAD_PARTS)
def test_bad_parts_of_a_training_are_refused_when_they_are_made(name):
    make, kind, message = BAD_PARTS[name]
    with pytest.raises(kind, match=f"^{message}"):
        make(Paired(*world()))


def test_breaking_down_is_said_and_the_last_good_state_kept(tmp_path):
    """A loss that is no number stops the training with the fix; the checkpoint holds the steps before."""
    path = tmp_path / "a.checkpoint"
    seen = []
    with pytest.raises(
        ValueError, match=r"broke down at step \d: expected a finite loss, got nan.*Lower learning_rate"
    ):
        seen.extend(ar.train_critic(Blind(), *world(), steps=9, batch_size=4, checkpoint=path))
    assert 0 < checkpoint_steps(path) < 9 and all(torch.isfinite(t).all() for t in load_file(path).values())


def test_a_loaded_critic_goes_on_learning(tmp_path):
    """`load_critic` freezes the weights and turns training off; both are as a user of the critic wants them."""
    problem, x = world(8)
    ar.pretrained.save_network(ar.LocalCritic(1, widths=(4, 4), mirrored=True), tmp_path / "critic.safetensors")
    critic = ar.load_critic(tmp_path / "critic.safetensors")
    before = [p.clone() for p in critic.parameters()]
    modes = {critic.training for _ in ar.train_critic(critic, problem, x, steps=3, batch_size=2)}
    assert any(not torch.equal(a, b) for a, b in zip(before, critic.parameters(), strict=True))
    assert modes == {True} and not critic.training


@pytest.mark.parametrize("change", [dict(sigma=0.2), dict(images=lambda x: 1 - x)], ids=["noise", "images"])
def test_a_checkpoint_of_another_problem_is_refused(tmp_path, change):
    arguments = dict(steps=4, batch_size=2, gp_weight=10.0, checkpoint=tmp_path / "run.checkpoint")
    problem, x = world(8)
    running = ar.train_critic(Tiny(), problem, x, **arguments)
    next(running)
    running.close()
    other = ar.Problem(problem.A, change.get("sigma", 0.1))
    with pytest.raises(ValueError, match="expected the same settings"):
        list(ar.train_critic(Tiny(), other, change.get("images", lambda x: x)(x), resume=True, **arguments))


BAD_BATCHES = {
    "fewer noisy ones": ((3, 1, 8, 8), (1, 1, 8, 8), 1.0, "x_noisy: expected 3 images"),
    "of another size": ((3, 1, 8, 8), (3, 1, 9, 9), 1.0, "x_noisy: expected"),
    "a negative weight": ((3, 1, 8, 8), (3, 1, 8, 8), -1.0, "gp_weight: expected"),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_loss_of_what_does_not_belong_together_is_refused(name):
    real, noisy, gp_weight, message = BAD_BATCHES[name]
    with pytest.raises(ValueError, match=message):
        ar.critic_loss(Tiny(), torch.zeros(real), torch.zeros(noisy), gp_weight)
    with pytest.raises(ValueError, match="x_real: expected"):
        ar.critic_loss(Tiny(), torch.full((1, 1, 8, 8), math.nan), torch.zeros(1, 1, 8, 8))


# Resuming: what the arguments do not say


def masked(mask):
    return ar.Problem(ar.Inpainting(mask), 0.1)


class Shifted(ar.Inpainting):
    """Another A† for the same A."""

    def pinv(self, y):
        return super().pinv(y) * 1.01


HALF = (torch.rand(SIZE, SIZE, generator=seeded(5)) > 0.5).float()
ONE_PIXEL = HALF.clone()
ONE_PIXEL[3, 4] = 1 - ONE_PIXEL[3, 4]
OTHERS = {
    "mask": (dict(problem=masked(1 - HALF)), "operator: another one"),
    "one pixel of the mask": (dict(problem=masked(ONE_PIXEL)), "operator: another one"),
    "pseudo-inverse": (dict(problem=ar.Problem(Shifted(HALF), 0.1)), "pseudo-inverse: another one"),
    "mirrored images": (dict(x_real=world(8)[1].flip(-1)), "x_real: another one"),
    "other order": (dict(x_real=world(8)[1].flip(0)), "x_real: another one"),
    "measurements": (dict(measurements=torch.zeros(8, 1, SIZE, SIZE) + 0.5), "measurements: another one"),
    "other measurements": (dict(measurements=None), "measurements: numbers then, None now"),
    "smoothing": (dict(critic=ar.LocalCritic(1, (4, 4), smoothing=0.02)), "arguments: .*0.01.*then, .*0.02.*now"),
}


def on_measurements(critic, problem, x_real, measurements, **arguments):
    """A training on measurements of images that nobody has; on pairs where there are none."""
    if measurements is None:
        pairs = Paired(problem, x_real)
    else:
        pairs = MeasuredElsewhere(problem, x_real, measurements=measurements)
    return algorithm_1(critic, pairs, Eq6(gp_weight=10.0), **arguments)


@pytest.fixture(scope="module")
def of_half(tmp_path_factory):
    """A checkpoint of one step."""
    path = tmp_path_factory.mktemp("half") / "a.checkpoint"
    arguments = dict(critic=ar.LocalCritic(1, (4, 4)), problem=masked(HALF), x_real=world(8)[1], steps=4, batch_size=2)
    arguments |= dict(checkpoint=path, measurements=torch.zeros(8, 1, SIZE, SIZE) + world(8)[1])
    next(on_measurements(**arguments))
    return arguments


@pytest.mark.parametrize("name", OTHERS)
def test_another_world_is_refused_by_name(of_half, name):
    changes, message = OTHERS[name]
    with pytest.raises(ValueError, match=rf"expected the same settings, got .*{message}"):
        on_measurements(**(of_half | changes), resume=True)


def test_the_same_world_in_another_type_goes_on(of_half):
    of_half = of_half | dict(x_real=of_half["x_real"].double())
    assert next(on_measurements(**of_half, resume=True)).index == 1


def test_each_filter_of_a_scan_is_another_problem():
    scans = [ar.Problem(ar.RayTransform(SIZE, 5, name), 0.1) for name in ("ram-lak", "hann")]
    marks = [training_fingerprint(Paired(scan, world(2)[1])) for scan in scans]
    assert differences(*marks) == ["pseudo-inverse: another one"] and not differences(marks[0], marks[0])


class Counting(Tiny):
    """With batch normalisation, whose running statistics are no weights."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x):
        return super().forward(self.norm(x))


class Dropping(Tiny):
    """With dropout, which draws by torch's global generator."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        return super().forward(self.drop(x))


@pytest.mark.parametrize("kind", [Counting, Dropping])
@pytest.mark.parametrize("start", [None, 0, 3], ids=["Paired", "iterates", "iterates from 3"])
def test_running_statistics_and_draws_are_resumed(tmp_path, kind, start):
    """Whatever the steps before the cut: Algorithm 2 in between, or none; the global generator plays no part."""
    steps_of = lambda critic, **more: algorithm_1(critic, pairs, ar.training.Eq6(5.0), steps=9, batch_size=4, **more)
    pairs = Paired(*world())
    pairs = pairs if start is None else WithIterates(pairs, start=start, steps=4, step_size=0.1)
    whole = kind()
    list(steps_of(whole))
    for resume, end in ((False, 4), (True, 9)):
        critic, _ = kind(), torch.rand(3)
        steps = steps_of(critic, checkpoint=tmp_path / "a", resume=resume)
        list(until(steps, end))
        steps.close()
    state, expected = critic.state_dict(), whole.state_dict()
    assert all(torch.equal(state[key], value) for key, value in expected.items())
    assert kind is Dropping or state["norm.num_batches_tracked"] > 9


def test_iterates_are_made_by_the_critic_as_in_use():
    """Algorithm 2 reads running statistics and adds nothing to them."""
    counted = []
    for start in (99, 0):
        critic, (problem, x_real) = Counting(), world()
        pairs = WithIterates(Paired(problem, x_real), start=start, step_size=0.1)
        list(algorithm_1(critic, pairs, ar.training.Eq6(5.0), steps=3, batch_size=4))
        counted.append(int(critic.norm.num_batches_tracked))
        assert torch.isfinite(critic.norm.running_var).all()
    assert counted[0] == counted[1] > 0


# Files


def test_a_checkpoint_that_is_there_is_not_overwritten(checkpoint):
    content = checkpoint.read_bytes()
    with pytest.raises(ValueError, match=r"a\.checkpoint: expected no file, got one.*resume=True"):
        ar.train_critic(Tiny(), *world(), steps=12, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == content


def test_a_run_that_was_left_does_not_overwrite_the_one_that_went_on(tmp_path):
    arguments = dict(steps=8, batch_size=4, checkpoint=tmp_path / "a.checkpoint")
    left = ar.train_critic(Tiny(), *world(), **arguments)
    next(left)
    list(ar.train_critic(Tiny(), *world(), **arguments, resume=True))
    left.close()
    assert checkpoint_steps(tmp_path / "a.checkpoint") == 8


def test_names_that_share_a_beginning_do_not_share_a_file(tmp_path):
    """And nobody's own file is touched, whatever it is called."""
    own = [tmp_path / name for name in ("notes.partial", "lr0.partial", "lr0.001.x.partial", "lr0.001.1.2.partial")]
    for file in own:
        file.write_text("mine")
    leftover = tmp_path / "lr0.001.123.partial"  # of a process that was killed
    leftover.write_text("")
    runs = [
        ar.train_critic(Tiny(), *world(), steps=3, batch_size=4, checkpoint=tmp_path / name, checkpoint_every=1)
        for name in ("lr0.001", "lr0.002", "notes.ckpt")
    ]
    for _ in zip(*runs, strict=True):
        pass
    assert all(file.read_text() == "mine" for file in own) and not leftover.exists()
    assert sorted(set(tmp_path.iterdir()) - set(own)) == [tmp_path / n for n in ("lr0.001", "lr0.002", "notes.ckpt")]


def test_home_is_written_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME" if os.name == "posix" else "USERPROFILE", str(tmp_path))
    next(ar.train_critic(Tiny(), *world(), steps=3, batch_size=4, checkpoint="~/a.checkpoint"))
    ar.pretrained.save_network(ar.LocalCritic(1, (4, 4)), "~/a.safetensors")
    assert {"a.checkpoint", "a.safetensors"} <= {p.name for p in tmp_path.iterdir()}


@pytest.mark.parametrize("path", [True, 3, b"a", "", ["a"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(TypeError, match=r"checkpoint: expected the path of a file, got"):
        ar.train_critic(Tiny(), *world(), checkpoint=path)


def test_a_folder_is_no_checkpoint(tmp_path):
    for resume in (False, True):
        with pytest.raises(ValueError, match=r"expected"):
            ar.train_critic(Tiny(), *world(), checkpoint=tmp_path, resume=resume)


def rewritten(path, **changes):
    """The checkpoint with other metadata or tensors; None leaves one out."""
    with safe_open(path, "pt") as file:
        meta, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}
    for key, value in changes.items():
        part = meta if key in meta else tensors
        part[key] = value
        if value is None:
            del part[key]
    save_file(tensors, path, meta)


DAMAGES = {
    "no count": {"done": None},
    "a negative count": {"done": "-1"},
    "a count beyond the end": {"done": "13"},
    "a count in words": {"done": "four"},
    "a count of 10,000 digits": {"done": "9" * 10_000},
    "no settings": {"settings": "{"},
    "settings in a list": {"settings": "[1]"},
    "nested settings": {"settings": "[" * 100_000},
    "a missing tensor": {"0.first": None},
    "NaN": {"0.weight": torch.full((6, 1, 3, 3), math.nan)},
    "infinity": {"1.average": torch.full((6,), math.inf)},
    "another shape": {"1.second": torch.zeros(7)},
    "another type": {"1.second": torch.zeros(6, dtype=torch.int32)},
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_checkpoint_that_is_a_file_but_no_state_is_refused(checkpoint, name):
    rewritten(checkpoint, **DAMAGES[name])
    critic = Tiny(seed=4)
    before = weights(critic)
    with pytest.raises(ValueError, match=r"a\.checkpoint: expected .*got ") as caught:
        resume(checkpoint, critic)
    assert torch.equal(weights(critic), before) and len(str(caught.value)) < 400


def test_flipped_bits_are_refused_or_change_nothing_but_a_number(checkpoint):
    """Only ValueError comes out, whatever byte is damaged."""
    content, luck = checkpoint.read_bytes(), seeded()
    for _ in range(40):
        place, bit = (int(torch.randint(n, (), generator=luck)) for n in (min(len(content), 4000), 8))
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        checkpoint.write_bytes(damaged)
        try:
            resume(checkpoint)
        except ValueError as error:
            assert "expected" in str(error) and len(str(error)) < 500
