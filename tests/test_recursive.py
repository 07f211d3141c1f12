"""Recursive training: the pool does what Algorithm 2 does, begins again, and the training resumes exactly."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.reconstruction import gradient
from advreg_edu.training import (
    Batch,
    Eq6,
    Eq6BySlopes,
    EqualLines,
    MeasuredElsewhere,
    NoiseLeft,
    OwnLines,
    Paired,
    Unpaired,
    Windows,
    WithIterates,
    algorithm_1,
    default_gp_weight,
    draw_mix,
    gradient_on_lines,
)
from advreg_edu.training.iterates import Pool
from advreg_edu.training.pairs import Context


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def critic(scale=1.0):
    """The distance from gray: convex, smooth, slope `scale` far away."""
    return lambda x: scale * ((x - 0.5).square().flatten(1).sum(1) + 1e-2).sqrt()


PROBLEM = ar.Problem(ar.RayTransform(16, 8), sigma=0.05)
IMAGES = ar.images.ellipses(6, 16, seeded(1))


PAIRED = Paired(PROBLEM, IMAGES)


def setting(batch_size):
    """What `algorithm_1` tells of the critic above."""
    return Context(lambda x: gradient(critic(), x)[1], batch_size, 0, torch.device("cpu"), torch.float32)


def pool_of(steps, step_size=0.3, batch_size=2, pairs=PAIRED, hops=2):
    """A pool of twice `batch_size` images."""
    return Pool(pairs, steps, step_size, hops, setting(batch_size))


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_a_pooled_image_is_an_iterate_of_algorithm_2(hops):
    pool = pool_of(steps=100, hops=hops)
    y, runs = pool.state["y"].clone(), 3
    for k in range(runs):
        pool.draw(4, seeded(k))
    *_, it = ar.reconstruct(PROBLEM, y, critic(), pool.reg_weight, step_size=0.3, steps=runs * hops)
    torch.testing.assert_close(pool.state["x"], it.x)


def test_a_run_begins_again_at_the_pseudo_inverse_of_other_data():
    pool = pool_of(steps=2)
    before = pool.state["y"].clone()
    real, x = pool.draw(4, seeded())
    assert (pool.state["age"] == 0).all() and not torch.equal(pool.state["y"], before)
    torch.testing.assert_close(pool.state["x"], PROBLEM.naive(pool.state["y"]))
    assert not torch.equal(x, pool.state["x"]) and real.shape == x.shape


def test_a_run_that_leaves_begins_again():
    """A step far past the stability limit blows up; the pool stays finite."""
    pool = pool_of(steps=10**6, step_size=50.0)
    for k in range(30):
        pool.draw(2, seeded(k))
    assert torch.isfinite(pool.state["x"]).all() and (pool.state["age"] < 60).all()


@pytest.mark.parametrize("source", [Paired, Unpaired])
def test_paired_means_that_the_iterate_is_of_the_real_image(source):
    """Without noise and with full data a run stays near the image that comes with it; unpaired it does not."""
    problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.0)
    pool = pool_of(steps=100, batch_size=3, pairs=source(problem, IMAGES))
    real, x = pool.draw(6, seeded())
    assert ((real - x).abs().max() < 1e-5) == (source is Paired)


def test_half_of_the_batch_is_from_the_pool():
    pairs = WithIterates(PAIRED, start=0, steps=100, step_size=0.3).prepared(setting(2))
    old, new = PAIRED.draw(6, seeded(5)), pairs.draw(6, seeded(5))  # another seed than the pool has
    for before, after in ((old.x_real, new.x_real), (old.x_noisy, new.x_noisy)):
        assert torch.equal(after[3:], before[3:]) and not torch.equal(after[:3], before[:3])
    assert new.is_iterate.tolist() == [True] * 3 + [False] * 3 and torch.equal(new.x_end, new.x_noisy)


@pytest.mark.parametrize("kind", [Eq6, Eq6BySlopes])
def test_iterates_have_their_own_share_and_count_by_their_direction(kind):
    """x_real of an iterate keeps nine tenths of its error, and the short line counts as one of the given length."""
    seen = []

    class Watched(kind):
        def __call__(self, critic, batch, mix):
            seen.append(batch)
            return super().__call__(critic, batch, mix)

    iterates = WithIterates(PAIRED, start=0, steps=100, step_size=0.3)
    sources = (
        NoiseLeft(iterates, 0.25, of_iterates=0.0),
        EqualLines(NoiseLeft(iterates, 0.25, of_iterates=0.9), distance=2.0),
    )
    (old,), (new,) = (list(algorithm_1(tiny(), pairs, Watched(0.0), steps=1, batch_size=4)) for pairs in sources)
    before, after = seen
    torch.testing.assert_close(after.x_noisy, before.x_noisy)
    assert (before.pair_weights == 1).all() and (after.pair_weights[2:] == 1).all()
    torch.testing.assert_close(after.x_real[:2], before.x_real[:2].lerp(before.x_noisy[:2], 0.9))  # iterates
    torch.testing.assert_close(after.x_real[2:], before.x_real[2:])  # with their own quarter both times
    counted = after.pair_weights * (after.x_noisy - after.x_real).flatten(1).norm(dim=1)
    torch.testing.assert_close(counted[:2], torch.full((2,), 2.0))
    assert not torch.isclose(old.wasserstein, new.wasserstein)


def test_weights_count_in_the_gaps_of_eq_6():
    """A linear critic: the gap of each pair is <slope, x_noisy - x_real>, whichever way it is estimated."""
    real, noisy = torch.rand(2, 3, 1, 8, 8, generator=seeded()).double()
    weights = torch.tensor([0.5, 2.0, 0.0]).double()
    linear = lambda x: 0.25 * x.flatten(1).sum(1)
    expected = (weights * 0.25 * (noisy - real).flatten(1).sum(1)).mean()
    batch, mix = Batch.between(real, noisy)._replace(pair_weights=weights), draw_mix(real, seeded())
    slopes = gradient_on_lines(linear, batch, mix).flatten(1).norm(dim=1)
    torch.testing.assert_close(slopes, torch.full((3,), 2.0).double())
    for kind in (Eq6, Eq6BySlopes):
        score = kind(gp_weight=10.0)(linear, batch, mix)
        torch.testing.assert_close(score.wasserstein, expected)
        torch.testing.assert_close(score.gradient_norm, slopes.mean())
        torch.testing.assert_close(score.loss, 10 - expected)  # (2 - 1)^2 counts alike for each pair


def tiny():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ar.LocalCritic(1, widths=(4, 4))


@pytest.mark.parametrize("apart", [False, True])
def test_interrupted_it_resumes_to_the_same_weights(tmp_path, apart):
    source = Paired(PROBLEM, IMAGES[3:])
    if apart:
        source = MeasuredElsewhere(PROBLEM, IMAGES[3:], measurements=PROBLEM.measure(IMAGES[:3], seeded(2)))
    pairs = WithIterates(source, start=2, steps=4, step_size=0.3)

    def trained(stop=None, **more):
        network = tiny()
        loss = Eq6(default_gp_weight(pairs))
        running = algorithm_1(network, pairs, loss, steps=12, batch_size=4, checkpoint_every=5, **more)
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
    pairs, loss = WithIterates(PAIRED, start=1, steps=6, step_size=0.3), Eq6(default_gp_weight(PAIRED))
    arguments = dict(pairs=pairs, loss=loss, steps=8, batch_size=4)
    file, networks = tmp_path / "run.checkpoint", [tiny() for _ in range(4)]
    list(algorithm_1(networks[0], **arguments))
    running = algorithm_1(networks[1], checkpoint=file, **arguments)
    for step in running:
        if step.index == 3:
            running.close()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Eq6, "__call__", interrupted)  # a child of Eq6 would be another loss to the checkpoint
        list(algorithm_1(networks[2], checkpoint=file, resume=True, **arguments))
    list(algorithm_1(networks[3], checkpoint=file, resume=True, **arguments))
    both = zip(networks[0].parameters(), networks[3].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in both)


def interrupted(*arguments):
    raise KeyboardInterrupt


def test_measurements_are_all_that_is_used_of_the_images_behind_them():
    y = PROBLEM.measure(IMAGES[:2], seeded())
    real, noisy, *_ = MeasuredElsewhere(PROBLEM, IMAGES[2:], measurements=y).draw(32, seeded(1))
    distances = lambda u, v: (u[:, None] - v).abs().amax((2, 3, 4)).amin(1)
    assert distances(noisy, PROBLEM.naive(y)).max() < 1e-3 and distances(PROBLEM.naive(y), noisy).max() < 1e-3
    assert distances(real, IMAGES[2:]).max() < 1e-3


ITERATES, UNPAIRED = WithIterates(PAIRED), WithIterates(Unpaired(PROBLEM, IMAGES))
HOLES = torch.full((1, *PROBLEM.A.range_shape), float("nan"))
NEEDS_PAIRS = r"NoiseLeft: expected lines from an image to its own measurement, got WithIterates"
BAD = {
    "a dict": (lambda: WithIterates({"start": 1}), TypeError, r"pairs: expected a source such as Paired.*got dict"),
    "no start": (lambda: WithIterates(PAIRED, start=-1), ValueError, "start: expected at least 0"),
    "no steps": (lambda: WithIterates(PAIRED, 0, 0, 0.3), ValueError, "steps: expected at least 1"),
    "no step size": (lambda: WithIterates(PAIRED, 0, 9, 0.0), ValueError, "step_size: expected a finite number"),
    "no hops": (lambda: WithIterates(PAIRED, hops=0), ValueError, "hops: expected at least 1"),
    "all of the error left": (
        lambda: NoiseLeft(ITERATES, 0.2, 1.0),
        ValueError,
        "of_iterates: .*at most 0.99",
    ),
    "no distance": (lambda: EqualLines(ITERATES, 0.0), ValueError, "distance: expected .*above 0"),
    "a share without pairs": (lambda: NoiseLeft(UNPAIRED, 0.0, of_iterates=0.9), ValueError, NEEDS_PAIRS),
    "a share on own lines": (
        lambda: NoiseLeft(OwnLines(ITERATES), 0.2, of_iterates=0.9),
        ValueError,
        r"of_iterates: expected None where lines end elsewhere, got OwnLines\. Leave it out",
    ),
    "a distance without pairs": (lambda: EqualLines(UNPAIRED, 2.0), ValueError, "EqualLines: expected pairs of one im"),
    "a distance on own lines": (
        lambda: EqualLines(OwnLines(ITERATES), 2.0),
        ValueError,
        "EqualLines: expected pairs of one image without OwnLines, got others. Wrap Paired",
    ),
    "one image a step": (
        lambda: algorithm_1(tiny(), ITERATES, Eq6(), batch_size=1),
        ValueError,
        "batch_size: expected at least 2, got 1. Half of each batch are iterates",
    ),
    "windows": (
        lambda: WithIterates(Windows(PAIRED, 8)),
        ValueError,
        "WithIterates: expected a source of whole images, such as Paired, got Windows",
    ),
    "an image as measurement": (
        lambda: MeasuredElsewhere(PROBLEM, IMAGES, measurements=IMAGES),
        ValueError,
        "y: expected",
    ),
    "holes": (lambda: MeasuredElsewhere(PROBLEM, IMAGES, measurements=HOLES), ValueError, "measurements: expected fin"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, kind, message = BAD[name]
    with pytest.raises(kind, match=f"^{message}"):
        call()
