"""The recipes: each builds its pairs and trains, and a batch of a recipe is what a plain transcription makes of it."""

import inspect
from dataclasses import replace
from functools import cache

import advreg_edu as ar
import pytest
import torch
from advreg_edu import pretrained
from advreg_edu.experiments.recipes import RECIPES, UNETS
from advreg_edu.experiments.recipes import recipe as recipe_module
from advreg_edu.experiments.recipes.parts import by_slopes
from advreg_edu.reconstruction import gradient
from advreg_edu.training import (
    Eq6,
    Eq6BySlopes,
    NoiseLeft,
    Paired,
    Unpaired,
    Windows,
    WithIterates,
    algorithm_1,
    default_gp_weight,
    train_critic,
)

SIZE, COUNT, SEED = 16, 4, 3
PARTS = ("x_real", "x_noisy", "x_end", "weights", "mix")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@cache
def problem_of(name):
    return RECIPES[name].problem()


def tiny(name, **changes):
    """The recipe with images of 16x16, made of noise: its problem, network, pairs and loss are its own."""
    recipe, problem = RECIPES[name], problem_of(name)
    channels = problem.A.domain_shape[0]
    small = {
        ar.RayTransform: lambda: ar.RayTransform(SIZE, 6),
        ar.Identity: lambda: ar.Identity((channels, SIZE, SIZE)),
        ar.Inpainting: lambda: ar.Inpainting(torch.rand(SIZE, SIZE, generator=seeded()) < 0.3, channels),
        ar.FourierSampling: lambda: ar.FourierSampling(ar.cartesian_mask(SIZE, 0.25, generator=seeded())),
    }[type(problem.A)]()
    images = lambda path, generator: torch.rand(10, channels, SIZE, SIZE, generator=generator)
    measured = images if recipe.measured else None
    return replace(
        recipe, problem=lambda: ar.Problem(small, problem.sigma), images=images, measured=measured, **changes
    )


def network_of(recipe):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return recipe.network()


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def begun(pairs, start, steps=8):
    """The same chain of wrappers; iterates begin with step `start`, and their runs are short."""
    if isinstance(pairs, WithIterates):
        return replace(pairs, start=start, steps=steps)
    return replace(pairs, pairs=begun(pairs.pairs, start, steps)) if hasattr(pairs, "pairs") else pairs


def test_train_critic_has_few_parameters():
    """What is not in Algorithm 1 is a source of pairs or a loss, and no keyword."""
    assert len(inspect.signature(train_critic).parameters) <= 14


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_builds_its_pairs_and_takes_two_steps(name):
    recipe = tiny(name)
    network = network_of(recipe)
    before = weights(network)
    steps = list(recipe.start(network, None, SEED, steps=2, batch_size=COUNT))
    assert [step.index for step in steps] == [0, 1] and all(torch.isfinite(step.loss) for step in steps)
    assert torch.isfinite(weights(network)).all() and not torch.equal(weights(network), before)


@pytest.mark.parametrize("name", sorted({*pretrained.names()} - {"photos-gray", "photos-color-fine"}))  # they see none
def test_every_recipe_of_a_shipped_critic_trains_on_its_iterates_too(name):
    """Which begin after thousands of steps: here they begin at once."""
    recipe, seen = tiny(name), []

    def pairs_of(source):
        seen.append(begun(recipe.pairs(source), 0))
        return seen[0]

    changed = replace(recipe, pairs=pairs_of)
    steps = list(changed.start(network_of(recipe), None, SEED, steps=2, batch_size=COUNT))
    assert [step.index for step in steps] == [0, 1] and all(torch.isfinite(step.loss) for step in steps)
    assert "WithIterates" in repr(seen[0]) and "start=0" in repr(seen[0])


@pytest.mark.parametrize("name", UNETS)
def test_a_recipe_without_a_loss_is_supervised(name):
    recipe = tiny(name)
    (step,) = recipe.start(network_of(recipe), None, SEED, steps=1, batch_size=COUNT)
    assert type(step).__name__ == "DenoiserStep" and step.loss > 0


@pytest.mark.parametrize("name", ["ct-minute", "photos-minute", "ct-chest-high-apart", "ct-thorax-unet"])
def test_a_recipe_depends_on_the_seed_alone(name):
    recipe, found = tiny(name), []
    for seed in (1, 1, 2):
        network = network_of(recipe)
        list(recipe.start(network, None, seed, steps=1, batch_size=COUNT))
        found.append(weights(network))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_what_a_command_changes_comes_before_what_the_recipe_says(monkeypatch):
    seen = {}
    monkeypatch.setattr(recipe_module, "algorithm_1", lambda network, pairs, loss, **run: seen.update(run))
    recipe = tiny("ct-minute", settings=dict(checkpoint_every=7, averaging=0.5))
    recipe.start(network_of(recipe), None, SEED, steps=5, precision="float32")
    own = dict(batch_size=4, learning_rate=1e-3, checkpoint_every=7, averaging=0.5)
    assert seen == own | dict(steps=5, precision="float32", seed=SEED)


def test_nothing_is_computed_before_a_recipe_starts():
    """It holds functions: another problem or other images than those in use cannot have been kept."""
    for recipe in RECIPES.values():
        assert all(callable(part) for part in (recipe.problem, recipe.images, recipe.network, recipe.pairs))


def test_by_slopes_takes_the_default_weight_of_the_pairs():
    pairs = NoiseLeft(Paired(ar.Problem(ar.Identity((1, 8, 8)), 0.1), torch.rand(4, 1, 8, 8)), 0.4)
    loss = by_slopes(pairs, 5)
    assert type(loss) is Eq6BySlopes and loss.gp_weight == default_gp_weight(pairs, 5)


# A batch as one function would make it


class OldPool:
    """Half of a batch as iterates of Algorithm 2, written out."""

    def __init__(self, problem, data, steps, step_size, hops):
        self.problem, self.data, self.steps, self.step_size, self.hops = problem, data, steps, step_size, hops
        self.ended = 0
        generator = seeded(SEED)
        self.real, self.y = data(2 * COUNT, generator)
        self.age = torch.randint(steps, (2 * COUNT,), generator=generator)
        self.x = problem.A.pinv(self.y)

    def draw(self, critic, count, generator):
        A, weight = self.problem.A, ar.weight_from_noise(self.problem)
        chosen = torch.randperm(2 * COUNT, generator=generator)[:count]
        real, y, x = self.real[chosen], self.y[chosen], self.x[chosen]
        for _ in range(self.hops):
            x = x - self.step_size * (2 * A.T(A(x) - y) + weight * gradient(critic, x)[1])
        self.x[chosen] = x
        self.age[chosen] += self.hops
        over = [k for k in chosen.tolist() if self.age[k] >= self.steps or self.x[k].square().sum() >= 4 * x[0].numel()]
        self.ended += len(over)
        if over:
            self.real[over], self.y[over] = self.data(len(over), generator)
            self.x[over], self.age[over] = self.problem.A.pinv(self.y[over]), 0
        return real, x


def old_data(problem, x_real, measurements=None, paired=True):
    """x_real and y, each `count`: the indices of the images, those of the measurements or other images, the noise."""

    def draw(count, generator):
        real = x_real[torch.randint(len(x_real), (count,), generator=generator)]
        if measurements is not None:
            return real, measurements[torch.randint(len(measurements), (count,), generator=generator)]
        x = real if paired else x_real[torch.randint(len(x_real), (count,), generator=generator)]
        return real, problem.A(x) + problem.sigma * torch.randn(count, *problem.A.range_shape, generator=generator)

    return draw


def old_batch(problem, data, generator, critic=None, side=None, pool=None, own=False, left=(0, 0), distance=None):
    """All that a training used to do before its loss: indices, noise, window, pool, own noise, mixing numbers.

    left: shares of the noise that stay, of iterates and of others. Gives x_real, x_noisy, x_end, weights, mix.
    """
    real, y = data(COUNT, generator)
    noisy, iterates = problem.A.pinv(y), torch.zeros(COUNT, dtype=torch.bool)
    if side:
        top, column = (int(torch.randint(SIZE - side + 1, (), generator=generator)) for _ in range(2))
        real, noisy = (u[..., top : top + side, column : column + side] for u in (real, noisy))
    if pool:
        iterates[: COUNT // 2] = True
        pooled = pool.draw(critic, COUNT // 2, generator)
        real, noisy = (torch.cat([new, old[COUNT // 2 :]]) for new, old in zip(pooled, (real, noisy), strict=True))
    end = noisy
    if own:
        e = torch.randn(COUNT, *problem.A.range_shape, generator=generator)
        end = problem.A.pinv(problem.A(real) + problem.sigma * e)
    real = real.lerp(end, torch.where(iterates, *left)[:, None, None, None])
    counted = torch.ones(COUNT)
    if distance:
        counted = torch.where(iterates, distance / (noisy - real).square().flatten(1).sum(1).sqrt(), counted)
    return real, noisy, end, counted, torch.rand(COUNT, 1, 1, 1, generator=generator)


def assert_batches_are_the_old_ones(recipe, made, steps, **old):
    """Trains by the recipe and compares each batch, bit for bit; made(generator) gives what `old_data` is made of.

    The old batch is made while the loss is computed, when the critic has the weights that the pool's iterates had.
    """
    problem, seen = recipe.problem(), []
    parts = made(problem, seeded(SEED))
    data = old_data(problem, **parts)
    pool = OldPool(problem, data, *old.pop("pool")) if "pool" in old else None

    def compared(kind):
        class Compared(kind):
            def __call__(self, critic, batch, mix):
                k = len(seen)
                used = pool if pool and k >= 1 else None
                generator = seeded(SEED * 1_000_003 + k)
                seen.append(k)
                expected = old_batch(problem, data, generator, critic, pool=used, **old)
                got = batch.x_real, batch.x_noisy, batch.x_end, batch.pair_weights, mix
                for name, ours, theirs in zip(PARTS, got, expected, strict=True):
                    assert torch.equal(ours, theirs), (name, k, (ours - theirs).abs().max())
                return super().__call__(critic, batch, mix)

        return Compared

    def loss(pairs, seed):
        ours = recipe.loss(pairs, seed)
        return compared(type(ours))(**vars(ours))

    watched = replace(recipe, pairs=lambda source: begun(recipe.pairs(source), 1), loss=loss)
    changes = dict(steps=steps, batch_size=COUNT, precision="float32")
    list(watched.start(network_of(recipe), None, SEED, **changes))
    assert seen == list(range(steps)) and (pool is None or pool.ended)


def only_images(problem, generator):
    return dict(x_real=torch.rand(10, problem.A.domain_shape[0], SIZE, SIZE, generator=generator))


@pytest.mark.parametrize(
    ("name", "pool", "left", "distance"),
    [
        ("ct-thorax", (8, 0.5, 2), (0.9, 0.3), 4.5),
        ("ct-chest-high", (8, 0.5, 2), (0.9, 0.4), 4.0),
        ("ct-chest-low", (8, 0.9, 6), (0.9, 0.2), 3.0),
        ("photos-color", (8, 0.015, 2), (0.4, 0.4), None),
    ],
)
def test_pairs_iterates_and_shares_are_drawn_as_they_always_were(name, pool, left, distance):
    """Iterates from step 1 on; 12 steps, in which runs end and begin again."""
    assert_batches_are_the_old_ones(tiny(name), only_images, 12, pool=pool, left=left, distance=distance)


def test_measurements_of_others_and_own_lines_are_drawn_as_they_always_were():
    def made(problem, generator):
        x_real, others = (torch.rand(10, 1, SIZE, SIZE, generator=generator) for _ in range(2))
        e = torch.randn(10, *problem.A.range_shape, generator=generator)
        return dict(x_real=x_real, measurements=problem.A(others) + problem.sigma * e)

    assert_batches_are_the_old_ones(tiny("ct-chest-high-apart"), made, 5, own=True, left=(0.2, 0.2))


def test_unpaired_images_and_own_lines_are_drawn_as_they_always_were():
    made = lambda *parts: only_images(*parts) | dict(paired=False)
    assert RECIPES["ct-chest-high-unpaired"].source is Unpaired
    assert_batches_are_the_old_ones(tiny("ct-chest-high-unpaired"), made, 5, own=True, left=(0.2, 0.2))


def test_windows_are_drawn_as_they_always_were():
    """No recipe has them any more: that of a minute, in windows."""
    recipe = tiny("ct-minute", pairs=lambda source: NoiseLeft(Windows(source, 9), 0.25))
    assert_batches_are_the_old_ones(recipe, only_images, 5, side=9, left=(0.25, 0.25))


def test_the_numbers_of_a_step_are_those_of_its_index():
    """A training that goes on from a checkpoint draws what it would have drawn."""
    recipe, seen = tiny("ct-minute"), []

    class Watched(Eq6):
        def __call__(self, critic, batch, mix):
            seen.append(batch.x_noisy)
            return super().__call__(critic, batch, mix)

    pairs = Paired(recipe.problem(), recipe.images(None, seeded()))
    list(algorithm_1(network_of(recipe), pairs, Watched(5.0), 3, COUNT, SEED))
    again = [pairs.draw(COUNT, seeded(SEED * 1_000_003 + k)).x_noisy for k in range(3)]
    for a, b in zip(seen, again, strict=True):  # up to rounding: sums over threads
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
