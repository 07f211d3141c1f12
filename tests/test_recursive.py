"""Recursive training: the pool does what Algorithm 2 does, begins again, and the training resumes exactly."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.training import draw_mix, wasserstein_and_slopes
from advreg_edu.training.iterates import Iterates, Recursion
from advreg_edu.training.pairs import draw_batch


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def critic(scale=1.0):
    """The distance from gray: convex, smooth, slope `scale` far away."""
    return lambda x: scale * ((x - 0.5).square().flatten(1).sum(1) + 1e-2).sqrt()


PROBLEM = ar.Problem(ar.RayTransform(16, 8), sigma=0.05)
IMAGES = ar.images.ellipses(6, 16, seeded(1))


def test_a_pooled_image_is_an_iterate_of_algorithm_2():
    pool = Iterates(PROBLEM, IMAGES, 4, Recursion(0, 100, 0.3))
    y, runs = pool.state["y"].clone(), 3
    for k in range(runs):
        pool.draw(critic(), 4, seeded(k))
    *_, it = ar.reconstruct(PROBLEM, y, critic(), pool.weight, step_size=0.3, steps=runs * 2)
    torch.testing.assert_close(pool.state["x"], it.x)


def test_a_run_begins_again_at_the_pseudo_inverse_of_other_data():
    pool = Iterates(PROBLEM, IMAGES, 4, Recursion(0, 2, 0.3))
    before = pool.state["y"].clone()
    real, x = pool.draw(critic(), 4, seeded())
    assert (pool.state["age"] == 0).all() and not torch.equal(pool.state["y"], before)
    torch.testing.assert_close(pool.state["x"], PROBLEM.naive(pool.state["y"]))
    assert not torch.equal(x, pool.state["x"]) and real.shape == x.shape


def test_a_run_that_leaves_begins_again():
    """A step far past the stability limit blows up; the pool stays finite."""
    pool = Iterates(PROBLEM, IMAGES, 4, Recursion(0, 10**6, 50.0))
    for k in range(30):
        pool.draw(critic(), 2, seeded(k))
    assert torch.isfinite(pool.state["x"]).all() and (pool.state["age"] < 60).all()


def test_paired_means_that_the_iterate_is_of_the_real_image():
    """Without noise and with full data a run stays near the image that comes with it; unpaired it does not."""
    problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.0)
    for paired in (True, False):
        pool = Iterates(problem, IMAGES, 6, Recursion(0, 100, 0.3), paired=paired)
        real, x = pool.draw(critic(), 6, seeded())
        assert ((real - x).abs().max() < 1e-5) == paired


def test_half_of_the_batch_is_from_the_pool():
    pool = Iterates(PROBLEM, IMAGES, 4, Recursion(0, 100, 0.3))
    real, noisy = draw_batch(PROBLEM, IMAGES, 6, seeded())
    mixed_real, mixed_noisy = pool.mixed_in(critic(), real, noisy, seeded())
    for old, new in ((real, mixed_real), (noisy, mixed_noisy)):
        assert torch.equal(new[3:], old[3:]) and not torch.equal(new[:3], old[:3])


@pytest.mark.parametrize("gap", ["ends", "lines"])
def test_iterates_have_their_own_share_and_count_by_their_direction(monkeypatch, gap):
    """x_real of an iterate keeps nine tenths of its error, and the short line counts as one of the given length."""
    seen = []

    def spy(critic, real, noisy, mix, gap, x_own, factors):
        seen.append((real, noisy, factors))
        return wasserstein_and_slopes(critic, real, noisy, mix, gap, x_own, factors)

    monkeypatch.setattr("advreg_edu.training.algorithm.wasserstein_and_slopes", spy)
    arguments = dict(steps=1, batch_size=4, noise_left=0.25, gap=gap, gp_weight=0.0)
    recursions = (Recursion(0, 100, 0.3, noise_left=0.0), Recursion(0, 100, 0.3, noise_left=0.9, distance=2.0))
    (old,), (new,) = (list(ar.train_critic(tiny(), PROBLEM, IMAGES, recursive=r, **arguments)) for r in recursions)
    (truth, noisy, ones), (real, same, factors) = seen
    torch.testing.assert_close(same, noisy)
    assert (ones == 1).all() and (factors[2:] == 1).all()
    torch.testing.assert_close(real[:2], truth[:2].lerp(noisy[:2], 0.9))  # iterates
    torch.testing.assert_close(real[2:], truth[2:])  # with their own quarter both times
    counted = factors * (noisy - real).flatten(1).norm(dim=1)
    torch.testing.assert_close(counted[:2], torch.full((2,), 2.0))
    assert not torch.isclose(old.wasserstein, new.wasserstein)


def test_factors_weigh_the_gaps_of_eq_6():
    """A linear critic: the gap of each pair is <slope, x_noisy - x_real>, whichever way it is estimated."""
    real, noisy = torch.rand(2, 3, 1, 8, 8, generator=seeded()).double()
    factors = torch.tensor([0.5, 2.0, 0.0]).double()
    linear = lambda x: 0.25 * x.flatten(1).sum(1)
    expected = (factors * 0.25 * (noisy - real).flatten(1).sum(1)).mean()
    for gap in ("ends", "lines"):
        wasserstein, slopes = wasserstein_and_slopes(
            linear, real, noisy, draw_mix(real, seeded()), gap, factors=factors
        )
        torch.testing.assert_close(wasserstein, expected)
        torch.testing.assert_close(slopes, torch.full((3,), 2.0).double())


def tiny():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ar.LocalCritic(1, widths=(4, 4))


@pytest.mark.parametrize("unpaired", [False, True])
def test_interrupted_it_resumes_to_the_same_weights(tmp_path, unpaired):
    measurements = dict(measurements=PROBLEM.measure(IMAGES[:3], seeded(2))) if unpaired else {}
    arguments = dict(steps=12, batch_size=4, checkpoint_every=5, recursive=Recursion(2, 4, 0.3)) | measurements

    def trained(stop=None, **more):
        network = tiny()
        running = ar.train_critic(network, PROBLEM, IMAGES[3:], **arguments, **more)
        for step in running:
            if step.index == stop:
                running.close()
        return [p.detach() for p in network.parameters()]

    whole, file = trained(), tmp_path / "run.checkpoint"
    trained(7, checkpoint=file)
    resumed = trained(checkpoint=file, resume=True)
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))


def test_a_resumed_step_that_is_cut_off_leaves_the_pool_alone(tmp_path):
    """Ctrl-C in the first step after resuming: the pool has moved on by then, the weights have not."""
    arguments = dict(steps=8, batch_size=4, recursive=Recursion(1, 6, 0.3))
    file, networks = tmp_path / "run.checkpoint", [tiny() for _ in range(4)]
    list(ar.train_critic(networks[0], PROBLEM, IMAGES, **arguments))
    running = ar.train_critic(networks[1], PROBLEM, IMAGES, checkpoint=file, **arguments)
    for step in running:
        if step.index == 3:
            running.close()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("advreg_edu.training.algorithm.wasserstein_and_slopes", interrupted)
        list(ar.train_critic(networks[2], PROBLEM, IMAGES, checkpoint=file, resume=True, **arguments))
    list(ar.train_critic(networks[3], PROBLEM, IMAGES, checkpoint=file, resume=True, **arguments))
    pairs = zip(networks[0].parameters(), networks[3].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def interrupted(*arguments):
    raise KeyboardInterrupt


def test_measurements_are_all_that_is_used_of_the_images_behind_them():
    y = PROBLEM.measure(IMAGES[:2], seeded())
    real, noisy = draw_batch(PROBLEM, IMAGES[2:], 32, seeded(1), measurements=y)
    distances = lambda u, v: (u[:, None] - v).abs().amax((2, 3, 4)).amin(1)
    assert distances(noisy, PROBLEM.naive(y)).max() < 1e-3 and distances(PROBLEM.naive(y), noisy).max() < 1e-3
    assert distances(real, IMAGES[2:]).max() < 1e-3


BAD = {
    "a dict": (dict(recursive={"start": 1}), TypeError, r"recursive: expected Recursion"),
    "no steps": (dict(recursive=Recursion(0, 0, 0.3)), ValueError, "recursive.steps: expected at least 1"),
    "no step size": (dict(recursive=Recursion(0, 9, 0.0)), ValueError, "recursive.step_size: expected a finite number"),
    "all of the error left": (dict(recursive=Recursion(noise_left=1.0)), ValueError, "recursive.noise_left: expected"),
    "no distance": (dict(recursive=Recursion(distance=0.0)), ValueError, "recursive.distance: expected"),
    "a share without pairs": (dict(recursive=Recursion(noise_left=0.9), paired=False), ValueError, "Leave them out"),
    "a share on own lines": (dict(recursive=Recursion(distance=2.0), lines="own"), ValueError, "Leave them out"),
    "one image a step": (dict(recursive=Recursion(), batch_size=1), ValueError, "batch_size: expected at least 2"),
    "windows": (dict(recursive=Recursion(), crop=8), ValueError, "crop: expected None with recursive"),
    "an image as measurement": (dict(measurements=IMAGES), ValueError, "y: expected"),
    "holes": (dict(measurements=torch.full((1, *PROBLEM.A.range_shape), float("nan"))), ValueError, "measurements:"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    arguments, kind, message = BAD[name]
    with pytest.raises(kind, match=message):
        ar.train_critic(tiny(), PROBLEM, IMAGES, **arguments)
