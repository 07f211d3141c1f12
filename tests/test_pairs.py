"""The sources of pairs and what wraps them: what each changes, what it leaves, what it refuses."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.reconstruction import gradient
from advreg_edu.training import (
    Balanced,
    Eq6,
    Eq6BySlopes,
    EqualLines,
    MeasuredElsewhere,
    NoiseLeft,
    OwnLines,
    Paired,
    Pairs,
    Quadratic,
    Reflow,
    Unpaired,
    WhiteNoise,
    Windows,
    WithIterates,
    algorithm_1,
    default_gp_weight,
)
from advreg_edu.training.pairs import Context

SIZE, COUNT = 12, 6


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


X = ar.images.ellipses(9, SIZE, seeded(1))
DENOISING = ar.Problem(ar.Identity((1, SIZE, SIZE)), sigma=0.1)
PROBLEMS = {
    "denoising": DENOISING,
    "ct": ar.Problem(ar.RayTransform(SIZE, 5), sigma=0.05),
    "mri": ar.Problem(ar.FourierSampling(ar.cartesian_mask(SIZE, 0.5, generator=seeded())), sigma=0.05),
}
SOURCES = {
    "Paired": Paired,
    "Unpaired": Unpaired,
    "MeasuredElsewhere": lambda problem, x: MeasuredElsewhere(
        problem, x[:5], measurements=problem.measure(x[5:], seeded(2))
    ),
}
ALL = [(problem, source) for problem in PROBLEMS for source in SOURCES]
everywhere = pytest.mark.parametrize(("problem", "source"), ALL)


def source_of(problem, source):
    return SOURCES[source](PROBLEMS[problem], X)


def psi(x):
    """The distance from gray, a convex critic with slope 1 far away."""
    return ((x - 0.5).square().flatten(1).sum(1) + 1e-2).sqrt()


SETTING = Context(lambda x: gradient(psi, x)[1], COUNT, 0, torch.device("cpu"), torch.float32)


def with_iterates(pairs, **arguments):
    """Ready, with the iterates of a fresh pool from step 0 on."""
    return WithIterates(pairs, **(dict(start=0, steps=50, step_size=0.1) | arguments)).prepared(SETTING)


def same(batch, other, *but):
    """Do two batches agree bit for bit, but for some of their parts?"""
    return all(torch.equal(getattr(batch, name), getattr(other, name)) for name in set(batch._fields) - set(but))


def lengths(batch):
    return (batch.x_end - batch.x_real).flatten(1).norm(dim=1)


# Sources


@everywhere
def test_a_source_draws_what_algorithm_1_asks_for(problem, source):
    """x_real are images, x_noisy are of P_n; lines lead from one to the other and count the same; no iterates."""
    pairs = source_of(problem, source)
    batch = pairs.draw(COUNT, seeded())
    assert isinstance(pairs, Pairs) and pairs.innermost is pairs and pairs.state == {} and not pairs.own_lines
    assert pairs.aligned == (source == "Paired")
    assert all(any(torch.equal(x, image) for image in X) for x in batch.x_real)
    assert batch.x_noisy.shape == batch.x_real.shape == (COUNT, 1, SIZE, SIZE) and batch.x_end is batch.x_noisy
    assert torch.equal(batch.pair_weights, torch.ones(COUNT)) and not batch.is_iterate.any()
    assert not same(batch, pairs.draw(COUNT, seeded(1))) and same(batch, pairs.draw(COUNT, seeded(), step=7))


@everywhere
def test_a_prepared_source_draws_the_same_in_the_type_that_it_was_told(problem, source):
    pairs = source_of(problem, source)
    assert same(pairs.prepared(SETTING).draw(COUNT, seeded()), pairs.draw(COUNT, seeded()))
    double = Context(SETTING.gradient, COUNT, 0, SETTING.device, torch.float64)
    batch = pairs.prepared(double).draw(COUNT, seeded())
    assert batch.x_real.dtype == batch.x_noisy.dtype == torch.float64


def test_a_source_is_not_changed_by_a_training():
    pairs = Paired(DENOISING, X)
    before = X.clone()
    list(algorithm_1(ar.LocalCritic(1, (4, 4)).double(), pairs, Eq6(5.0), steps=2, batch_size=2))
    assert pairs.x_real is X and torch.equal(X, before)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_line_length_is_the_mean_of_what_is_drawn(problem):
    pairs = source_of(problem, "Paired")
    drawn = lengths(pairs.draw(32, seeded(4))).mean().item()
    assert pairs.line_length(seed=4) == pytest.approx(drawn, rel=1e-5)
    assert default_gp_weight(pairs, 4) == pytest.approx(3 * drawn, rel=1e-5)
    for other in ("Unpaired", "MeasuredElsewhere"):  # an image and its own measurement there too
        assert SOURCES[other](PROBLEMS[problem], X).line_length() == pytest.approx(drawn, rel=0.3)


# Each wrapper alone


@everywhere
@pytest.mark.parametrize("side", [1, 5, SIZE])
def test_windows_are_cut_at_one_place_and_change_nothing_in_them(problem, source, side):
    pairs = source_of(problem, source)
    for seed in range(5):
        whole, cut = pairs.draw(COUNT, seeded(seed)), Windows(pairs, side).draw(COUNT, seeded(seed))
        places = [
            (top, left)
            for top in range(SIZE - side + 1)
            for left in range(SIZE - side + 1)
            if torch.equal(whole.x_real[..., top : top + side, left : left + side], cut.x_real)
            and torch.equal(whole.x_noisy[..., top : top + side, left : left + side], cut.x_noisy)
        ]
        assert len(places) == 1 and torch.equal(cut.x_end, cut.x_noisy)
        assert same(cut, whole, "x_real", "x_noisy", "x_end")


def test_lines_in_windows_are_shorter_by_the_root_of_their_share():
    """White noise has sigma sqrt(n) on n pixels."""
    pairs = Paired(DENOISING, X)
    for side in (3, 6, SIZE):
        assert Windows(pairs, side).line_length() == pytest.approx(0.1 * side, rel=0.15)
    assert Windows(pairs, SIZE).line_length() == pytest.approx(pairs.line_length(), rel=1e-6)


@everywhere
def test_own_lines_lead_to_a_new_measurement_and_leave_the_rest(problem, source):
    pairs = source_of(problem, source)
    batch, own = pairs.draw(COUNT, seeded()), OwnLines(pairs).draw(COUNT, seeded())
    assert same(own, batch, "x_end") and not torch.equal(own.x_end, own.x_noisy)
    noiseless = ar.Problem(PROBLEMS[problem].A, sigma=0.0)
    exact = OwnLines(SOURCES[source](noiseless, X)).draw(COUNT, seeded())
    torch.testing.assert_close(exact.x_end, noiseless.naive(noiseless.A(exact.x_real)))
    assert OwnLines(pairs).own_lines and OwnLines(pairs).aligned


def test_own_noise_is_drawn_anew():
    """Of the strength of the problem, and independent of the noise of the pair."""
    own = OwnLines(Paired(DENOISING, X)).draw(400, seeded())
    first, second = (u - own.x_real for u in (own.x_noisy, own.x_end))
    assert second.std().item() == pytest.approx(0.1, rel=0.02)
    assert abs((first * second).mean().item()) < 0.03 * 0.1**2


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("source", ["Paired", "own", "iterates"])
def test_noise_left_moves_x_real_along_its_line_and_draws_nothing(problem, share, source):
    make = dict(Paired=Paired, own=lambda *p: OwnLines(Unpaired(*p)), iterates=lambda *p: with_iterates(Paired(*p)))
    generators = seeded(), seeded()
    batch, left = (
        pairs.draw(COUNT, generator)
        for pairs, generator in zip(
            (make[source](PROBLEMS[problem], X), NoiseLeft(make[source](PROBLEMS[problem], X), share)),
            generators,
            strict=True,
        )
    )
    assert same(left, batch, "x_real") and torch.equal(generators[0].get_state(), generators[1].get_state())
    torch.testing.assert_close(left.x_real, batch.x_real + share * (batch.x_end - batch.x_real))
    torch.testing.assert_close(lengths(left), (1 - share) * lengths(batch))
    assert share or same(left, batch)


@pytest.mark.parametrize("make", [Paired, Unpaired, lambda *pair: Windows(Paired(*pair), 5)])
def test_the_line_length_counts_what_is_left(make):
    pairs = make(DENOISING, X)
    pairs = pairs if pairs.aligned else OwnLines(pairs)
    assert NoiseLeft(pairs, 0.3).line_length(5) == pytest.approx(0.7 * pairs.line_length(5))
    assert EqualLines(NoiseLeft(Paired(DENOISING, X), 0.3), 2.0).line_length() == pytest.approx(
        0.7 * Paired(DENOISING, X).line_length()
    )


def test_iterates_may_keep_another_share():
    pairs = Paired(DENOISING, X)
    batch = with_iterates(pairs).draw(COUNT, seeded())
    left = NoiseLeft(with_iterates(pairs), 0.2, of_iterates=0.8).draw(COUNT, seeded())
    share = torch.where(batch.is_iterate, 0.8, 0.2)
    assert batch.is_iterate.tolist() == [True] * 3 + [False] * 3 and same(left, batch, "x_real")
    torch.testing.assert_close(lengths(left), (1 - share) * lengths(batch))


@pytest.mark.parametrize("distance", [0.5, 4.0])
def test_equal_lines_change_the_weights_of_iterates_alone(distance):
    """Each counts as if its line had the given length, whatever length it has."""
    pairs = NoiseLeft(with_iterates(Paired(DENOISING, X)), 0.2)
    batch = pairs.draw(COUNT, seeded())
    pairs = NoiseLeft(with_iterates(Paired(DENOISING, X)), 0.2)
    equal = EqualLines(pairs, distance).draw(COUNT, seeded())
    assert same(equal, batch, "pair_weights") and (equal.pair_weights[~equal.is_iterate] == 1).all()
    counted = (equal.pair_weights * lengths(equal))[equal.is_iterate]
    torch.testing.assert_close(counted, torch.full_like(counted, distance))


def test_without_iterates_equal_lines_change_nothing():
    assert same(EqualLines(Paired(DENOISING, X), 3.0).draw(COUNT, seeded()), Paired(DENOISING, X).draw(COUNT, seeded()))


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("iterates", [False, True])
def test_white_noise_takes_the_place_of_naive_inversions_alone(problem, iterates):
    make = with_iterates if iterates else lambda pairs: pairs
    pairs, noisy = make(source_of(problem, "Paired")), WhiteNoise(make(source_of(problem, "Paired")), 0.2)
    plain, batch = pairs.draw(COUNT, seeded()), noisy.draw(COUNT, seeded())
    assert same(batch, plain, "x_noisy", "x_end") and torch.equal(batch.x_end, batch.x_noisy)
    assert torch.equal(batch.x_noisy[batch.is_iterate], plain.x_noisy[batch.is_iterate])
    error = (batch.x_noisy - batch.x_real)[~batch.is_iterate]
    assert error.std().item() == pytest.approx(0.2, rel=0.15) and abs(error.mean().item()) < 0.05
    assert NoiseLeft(noisy, 0.25).line_length() == pytest.approx(0.75 * 0.2 * SIZE)


@everywhere
def test_iterates_are_the_first_half_from_their_step_on(problem, source):
    """Before it the batch is that of the source; from it on the second half still is, and the first is the pool's."""
    pairs = source_of(problem, source)
    batch, iterates = pairs.draw(COUNT, seeded()), with_iterates(pairs, start=5)
    assert same(iterates.draw(COUNT, seeded(), step=4), batch)
    pooled = {key: value.clone() for key, value in iterates.state.items()}
    mixed = iterates.draw(COUNT, seeded(), step=5)
    assert mixed.is_iterate.tolist() == [True] * 3 + [False] * 3
    assert torch.equal(mixed.x_end, mixed.x_noisy) and torch.equal(mixed.pair_weights, batch.pair_weights)
    for name in ("x_real", "x_noisy"):
        assert torch.equal(getattr(mixed, name)[3:], getattr(batch, name)[3:])
    for k, x_real in enumerate(mixed.x_real[:3]):
        assert any(torch.equal(x_real, image) for image in pooled["real"])
        assert any(torch.equal(mixed.x_noisy[k], x) for x in iterates.state["x"]) or (iterates.state["age"] == 0).any()
    assert [p.shape[0] for p in pooled.values()] == [2 * COUNT] * 4
    moved = (iterates.state["x"] != pooled["x"]).flatten(1).any(1)
    assert moved.sum() == 3, "those that were drawn, and no others"


def test_an_odd_batch_has_one_iterate_fewer():
    assert with_iterates(Paired(DENOISING, X)).draw(5, seeded()).is_iterate.tolist() == [True] * 2 + [False] * 3


# Reflow


def taught_by(critic, average=None):
    """What `algorithm_1` tells `Reflow` of a critic, with other averaged weights where they are given."""
    mean = lambda: [p.detach() for p in critic.parameters()] if average is None else average
    here = COUNT, 0, torch.device("cpu"), torch.float32
    return Context(lambda x: gradient(critic, x)[1], *here, critic, mean, lambda critic, x: gradient(critic, x)[1])


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_reflow_leads_half_of_the_lines_along_the_critics_own_gradient_to_the_point_nearest_to_the_image(share):
    around = Reflow(NoiseLeft(Paired(DENOISING, X), share), start=2).prepared(context := taught_by(tiny_critic()))
    plain, early, batch = around.pairs.draw(5, seeded()), around.draw(5, seeded(), 1), around.draw(5, seeded(), 2)
    assert same(plain, early) and same(plain, batch, "x_real", "pair_weights")
    assert torch.equal(batch.x_real[2:], plain.x_real[2:])
    x, y, nearest = around.innermost.draw(5, seeded()).x_real[:2], batch.x_noisy[:2], batch.x_real[:2]
    along = torch.cosine_similarity((y - nearest).flatten(1), context.gradient(y).flatten(1))
    torch.testing.assert_close(along.abs(), torch.ones(2))
    left = ((x - nearest) * context.gradient(y)).flatten(1).sum(1)
    torch.testing.assert_close(left, torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(batch.pair_weights, torch.tensor([1 - share] * 2 + [1.0] * 3))


def test_the_critic_that_reflow_follows_is_that_of_its_first_step_with_averaged_weights():
    """By the critic as it is a training confirms itself: its slope rose to 20 within 240 steps."""
    critic, average = tiny_critic(), [p.detach() + 0.1 for p in tiny_critic().parameters()]
    pairs = Reflow(NoiseLeft(Paired(DENOISING, X), 0.4), start=2).prepared(taught_by(critic, average))
    before = pairs.draw(4, seeded(), 2).x_real
    with torch.no_grad():
        for p, mean in zip(critic.parameters(), average, strict=True):
            p.zero_(), mean.zero_()
    assert torch.equal(pairs.draw(4, seeded(), 3).x_real, before)
    assert not torch.equal(pairs.draw(4, seeded(), 2).x_real, before)
    assert all(p.requires_grad for p in critic.parameters())


def test_reflow_needs_a_critic_and_a_training_of_it():
    pairs = Reflow(plain := NoiseLeft(Paired(DENOISING, X), 0.4), start=1)
    assert same(pairs.draw(4, seeded(), 0), plain.draw(4, seeded()))
    with pytest.raises(ValueError, match=r"Reflow: expected a critic to draw lines with, got none yet"):
        pairs.draw(4, seeded(), 1)
    with pytest.raises(ValueError, match=r"Reflow: expected a training by `algorithm_1`, got another"):
        pairs.prepared(SETTING)


@pytest.mark.parametrize("cut", [1, 3, 4, 6])
def test_a_training_with_reflow_resumes_to_the_same_weights(tmp_path, cut):
    """Before the critic is copied, at that step, and after it."""

    def trained(steps=None, **settings):
        pairs = Reflow(NoiseLeft(Paired(DENOISING, X), 0.4), start=3)
        run = algorithm_1(critic := tiny_critic(), pairs, Quadratic(3.0), steps=8, batch_size=4, **settings)
        for step in run:
            if step.index + 1 == steps:
                run.close()
        return torch.cat([p.detach().flatten() for p in critic.parameters()])

    file = tmp_path / "training.checkpoint"
    trained(cut, checkpoint=file, checkpoint_every=1)
    assert torch.equal(trained(checkpoint=file, resume=True), trained())


# Nested


CHAINS = {
    "none": lambda pairs: pairs,
    "windows": lambda pairs: Windows(pairs, 5),
    "own": OwnLines,
    "own, left": lambda pairs: NoiseLeft(OwnLines(pairs), 0.2),
    "iterates": with_iterates,
    "iterates, own": lambda pairs: OwnLines(with_iterates(pairs)),
    "iterates, own, left": lambda pairs: NoiseLeft(OwnLines(with_iterates(pairs)), 0.2),
    "iterates, windows": lambda pairs: Windows(with_iterates(pairs), 5),
}
OF_PAIRS = {
    "left": lambda pairs: NoiseLeft(pairs, 0.2),
    "windows, left": lambda pairs: NoiseLeft(Windows(pairs, 5), 0.2),
    "iterates, left": lambda pairs: NoiseLeft(with_iterates(pairs), 0.2, of_iterates=0.9),
    "iterates, left, equal": lambda pairs: EqualLines(NoiseLeft(with_iterates(pairs), 0.2, of_iterates=0.9), 2.0),
}
NESTED = [(source, name) for source in SOURCES for name in CHAINS] + [("Paired", name) for name in OF_PAIRS]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize(("source", "chain"), NESTED)
def test_the_same_seed_draws_the_same_images_and_noise_with_wrappers_and_without(problem, source, chain):
    """Bit for bit, where a batch is not of iterates; windows are cut from it, x_real of a share is on its line."""
    pairs = source_of(problem, source)
    wrapped = (CHAINS | OF_PAIRS)[chain](pairs)
    for seed in range(3):
        plain, batch = pairs.draw(COUNT, seeded(seed)), wrapped.draw(COUNT, seeded(seed))
        ours = ~batch.is_iterate
        real, noisy = plain.x_real[ours], plain.x_noisy[ours]
        if "windows" in chain:
            top, left = next(
                (top, left)
                for top in range(SIZE - 4)
                for left in range(SIZE - 4)
                if torch.equal(noisy[..., top : top + 5, left : left + 5], batch.x_noisy[ours])
            )
            real, noisy = (u[..., top : top + 5, left : left + 5] for u in (real, noisy))
        assert ours.sum() == (COUNT // 2 if "iterates" in chain else COUNT)
        assert torch.equal(batch.x_noisy[ours], noisy)
        if "left" in chain:
            assert torch.equal(batch.x_real[ours], real.lerp(batch.x_end[ours], 0.2))
        else:
            assert torch.equal(batch.x_real[ours], real)


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_chain_is_a_source_with_the_source_at_its_end(source, chain):
    wrapped = CHAINS[chain](pairs := source_of("denoising", source))
    assert isinstance(wrapped, Pairs) and type(wrapped.innermost) is type(pairs)
    assert wrapped.line_length() > 0 and set(wrapped.state) in (set(), {"real", "y", "x", "age"})
    assert bool(wrapped.state) == ("iterates" in chain)
    steps = list(algorithm_1(ar.LocalCritic(1, (4, 4)), wrapped, Eq6(5.0), steps=2, batch_size=4))
    assert len(steps) == 2 and all(torch.isfinite(step.loss) for step in steps)


def test_each_training_makes_a_pool_of_its_own():
    pairs = WithIterates(Paired(DENOISING, X), start=0, steps=3)
    first, second = (
        list(algorithm_1(tiny_critic(), pairs, Eq6(5.0), steps=3, batch_size=4))[-1].loss.item() for _ in range(2)
    )
    assert first == second and pairs.pool is None and pairs.state == {}


def tiny_critic():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ar.LocalCritic(1, widths=(4, 4))


# What does not go together


PAIRED, UNPAIRED = Paired(DENOISING, X), Unpaired(DENOISING, X)
start = lambda pairs, loss: algorithm_1(tiny_critic(), pairs, loss, steps=2, batch_size=4)
REFUSED = {
    "slopes on own lines": (
        lambda: start(OwnLines(PAIRED), Eq6BySlopes(5.0)),
        r"Eq6BySlopes: expected lines that end at x_noisy, got OwnLines\. Take Eq6\.",
    ),
    "slopes on own lines, deeper": (
        lambda: start(NoiseLeft(OwnLines(PAIRED), 0.2), Eq6BySlopes(5.0)),
        r"Eq6BySlopes: expected lines that end at x_noisy, got OwnLines\. Take Eq6\.",
    ),
    "iterates of windows": (
        lambda: WithIterates(Windows(PAIRED, 5)),
        r"WithIterates: expected a source of whole images, such as Paired, got Windows\.",
    ),
    "iterates of what is wrapped": (
        lambda: WithIterates(OwnLines(PAIRED)),
        r"WithIterates: expected a source of whole images, such as Paired, got OwnLines\.",
    ),
    "reflow of a scan": (
        lambda: Reflow(NoiseLeft(Paired(PROBLEMS["ct"], X), 0.4), start=0),
        r"Reflow: expected denoising and lines that end at x_noisy, got RayTransform\. Leave it out\.",
    ),
    "reflow of own lines": (
        lambda: Reflow(NoiseLeft(OwnLines(PAIRED), 0.4), start=0),
        r"Reflow: expected denoising and lines that end at x_noisy, got OwnLines\. Leave it out\.",
    ),
    "reflow without noise left": (
        lambda: Reflow(PAIRED, start=0),
        r"Reflow: expected NoiseLeft, got Paired\. Wrap it: NoiseLeft\(Paired\(\.\.\.\), share=0\.4\)\.",
    ),
    "balance without own lines": (
        lambda: start(UNPAIRED, Balanced(5.0)),
        r"Balanced: expected lines to own measurements, got others\. Wrap the pairs: OwnLines\(pairs\)\.",
    ),
    "a share of the noise of another image": (
        lambda: NoiseLeft(UNPAIRED, 0.2),
        r"NoiseLeft: expected lines from an image to its own measurement, got Unpaired\. Add OwnLines\.",
    ),
    "a share of iterates on own lines": (
        lambda: NoiseLeft(OwnLines(WithIterates(PAIRED)), 0.2, of_iterates=0.9),
        r"of_iterates: expected None where lines end elsewhere, got OwnLines\. Leave it out\.",
    ),
    "equal lines between different images": (
        lambda: EqualLines(UNPAIRED, 2.0),
        r"EqualLines: expected pairs of one image without OwnLines, got others\. Wrap Paired\.",
    ),
    "equal lines that do not end at x_noisy": (
        lambda: EqualLines(OwnLines(PAIRED), 2.0),
        r"EqualLines: expected pairs of one image without OwnLines, got others\. Wrap Paired\.",
    ),
    "windows on own lines": (
        lambda: Windows(OwnLines(PAIRED), 5),
        r"Windows: expected lines to x_noisy, got OwnLines\. Leave one out\.",
    ),
    "own lines of windows": (
        lambda: start(OwnLines(Windows(PAIRED, 5)), Eq6(5.0)),
        r"OwnLines: expected whole images to measure, got windows of them\. Leave Windows out\.",
    ),
    "windows of a share": (
        lambda: Windows(NoiseLeft(PAIRED, 0.2), 5),
        r"Windows: expected pairs as they are drawn, got NoiseLeft\. Cut first: NoiseLeft\(Windows\(\.\.\.\)\)\.",
    ),
    "white noise around other images": (
        lambda: WhiteNoise(UNPAIRED, 0.1),
        r"WhiteNoise: expected whole images with their own measurements, got Unpaired\. Wrap Paired\.",
    ),
    "white noise on windows": (
        lambda: WhiteNoise(Windows(PAIRED, 5), 0.1),
        r"WhiteNoise: expected whole images with their own measurements, got Windows\. Wrap Paired\.",
    ),
    "windows of white noise": (
        lambda: Windows(WhiteNoise(PAIRED, 0.1), 5),
        r"Windows: expected lines to x_noisy, got WhiteNoise\. Leave one out\.",
    ),
    "iterates that nobody prepared": (
        lambda: WithIterates(PAIRED, start=3).draw(COUNT, seeded(), step=3),
        r"WithIterates: expected a critic to make iterates with, got none yet: see `prepared`\.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_together_is_refused_with_what_would(name):
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"^{message}$"):
        call()


def test_a_critic_of_a_refused_training_is_as_it_was():
    """Frozen and in `eval`, as `load_critic` gives it: no part that is refused has begun to train it."""
    critic = tiny_critic().requires_grad_(False).eval()
    for pairs, loss in ((OwnLines(PAIRED), Eq6BySlopes(5.0)), (WithIterates(PAIRED), Eq6(5.0)), (UNPAIRED, Balanced())):
        with pytest.raises(ValueError, match="expected"):
            algorithm_1(critic, pairs, loss, steps=2, batch_size=1)
    assert not critic.training and not any(p.requires_grad for p in critic.parameters())


@pytest.mark.parametrize("wrapper", [OwnLines, lambda p: Windows(p, 5), lambda p: NoiseLeft(p, 0.2), WithIterates])
@pytest.mark.parametrize("wrong", [None, X, DENOISING, Paired], ids=["none", "images", "problem", "class"])
def test_only_sources_can_be_wrapped(wrapper, wrong):
    with pytest.raises(TypeError, match=r"^pairs: expected a source such as Paired\(problem, x_real\), got .*Build"):
        wrapper(wrong)
