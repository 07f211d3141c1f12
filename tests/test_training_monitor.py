"""The training monitor: start, pause, resume, stop; it shows the critic as it is, in the training of the library."""

import asyncio
import random
import threading

import advreg_edu as ar
import pytest
import torch
from advreg_edu.apps import training_monitor
from advreg_edu.apps.monitor import model
from advreg_edu.apps.monitor.model import ELLIPSES, LOCAL, Settings, bound_of, held_out, new_critic, problem, results
from advreg_edu.apps.monitor.numbers import one_pair, table
from advreg_edu.apps.monitor.training import Knobs, Turned, steps
from advreg_edu.apps.monitor.view import chart, histograms, picture, sentence, verdict
from advreg_edu.training import Eq6, Unpaired, algorithm_1
from advreg_edu.training.pairs import Batch
from app_moves import MOVES, all_named, controls, models, move, resident, text

SHORT = Settings(steps=10)


@pytest.fixture(autouse=True)
def small_images(monkeypatch):
    for name, value in dict(
        SIZE=16, BATCH=2, HELD=4, SNAPSHOT_EVERY=4, DESCENT=dict(step_size="auto", steps=3, stop="gradient")
    ).items():
        monkeypatch.setattr(model, name, value)
    caches = model._images, model._untrained_local
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def app():
    app = training_monitor(settings=SHORT)
    yield app
    app.close()


def weights(critic):
    return torch.cat([p.detach().flatten() for p in critic.parameters()])


def is_current(app):
    """Everything that is shown is the last result, and that is one of the controls as they are now."""
    result = app.result
    assert app.waits == (result.settings != app.settings)
    assert app.pictures.value == picture(result).figures() and app.curves.value == chart(result).img()
    assert (app.slopes.value, app.values.value) == tuple(drawing.img() for drawing in histograms(result))
    assert text(app.status) == sentence(result)
    assert text(app.status).startswith(f"Step {result.done} of {result.settings.steps}: ")
    assert app.pair.value == one_pair(result) and app.compared.value == table(result)
    warning = "belongs to another training" if app.waits else (verdict(result) or ("hint", ""))[0]
    assert warning in app.notice.value.replace("&#x27;", "'")


def test_nothing_is_trained_before_start(app):
    assert app.state == "start" and app.stop.disabled and app.result.done == 0
    assert torch.equal(weights(app.critic), weights(new_critic(SHORT)))
    assert "press “start”" in app.curves.value
    is_current(app)


def test_without_an_event_loop_start_trains_to_the_end(app):
    app.go.click()
    assert app.result.done == 10 and app.result.averaged and app.state == "start again"
    assert "`monitor.critic`" in text(app.notice) and "averaged weights" in text(app.status)
    is_current(app)


def test_the_training_is_the_library_s(app):
    app.go.click()
    critic, s = new_critic(SHORT), SHORT
    run = list(
        algorithm_1(
            critic,
            Unpaired(problem(s), model._images(s.images)[:-4]),
            Eq6(s.gp_weight),
            steps=10,
            batch_size=2,
            learning_rate=s.learning_rate,
            averaging=0.9,
        )
    )
    assert torch.equal(weights(app.critic), weights(critic))
    assert app.result.wasserstein == tuple(float(step.wasserstein) for step in run)
    assert app.result.slope == tuple(float(step.gradient_norm) for step in run)
    for step, w, penalty in zip(run, app.result.wasserstein, app.result.penalty, strict=True):
        assert float(step.loss) == pytest.approx(-w + s.gp_weight * penalty, abs=1e-5)  # Eq. 6


@pytest.mark.filterwarnings("ignore::advreg_edu.reconstruction.NotConverged")
def test_a_look_shows_the_critic_as_it_is():
    """Psi, its slopes and the reconstruction are those of the weights at that step, not of earlier or averaged ones."""
    critic = new_critic(SHORT)
    for result in results(SHORT, critic):
        if result.snapshot.step != result.done or result.averaged:
            continue
        real, noisy = held_out(SHORT)
        assert torch.allclose(result.snapshot.psi_noisy, critic(noisy).detach())
        weight = ar.weight_from_noise(problem(SHORT))
        *_, it = ar.reconstruct(problem(SHORT), noisy[:1], critic, weight, **model.DESCENT)
        assert torch.allclose(result.snapshot.x, it.x) and result.snapshot.settled == it.stopped
        assert f"({'a minimum' if it.stopped else 'no minimum yet'})" in sentence(result)
        x = real.requires_grad_()
        (grad,) = torch.autograd.grad(critic(x).sum(), x)
        assert torch.allclose(result.snapshot.slope_real, grad.flatten(1).norm(dim=1))
        real.requires_grad_(False)


def test_held_out_images_are_not_trained_on():
    train, (real, _) = model._images(SHORT.images)[:-4], held_out(SHORT)
    assert (train[:, None] - real[None]).flatten(2).norm(dim=2).min() > 0.1


BELONGING_TO_A_TRAINING = [("images", ELLIPSES), ("network", LOCAL), ("sigma", 0.2), ("steps", 20)]
KNOBS = [("gp_weight", 1.0), ("learning_rate", 0.01)]


@pytest.mark.parametrize("control, value", BELONGING_TO_A_TRAINING + KNOBS)
def test_before_the_first_step_a_moved_control_is_obeyed_at_once(app, control, value):
    before = app.critic
    getattr(app, control).value = value
    assert app.state == "start" and app.result.done == 0 and app.critic is not before and not app.waits
    assert getattr(app.result.settings, control) == value
    is_current(app)


@pytest.mark.parametrize("control, value", BELONGING_TO_A_TRAINING)
@pytest.mark.parametrize("count", [3, 10])
def test_no_training_is_thrown_away_without_a_question(app, control, value, count):
    for _ in range(count):
        app.one.click()
    before, result, was = app.critic, app.result, getattr(app, control).value
    getattr(app, control).value = value
    assert app.waits and app.critic is before and app.result is not None and app.result.done == count
    assert f"these {count} steps are lost then" in text(app.notice) and "advreg-warning" in app.notice.value
    is_current(app)
    getattr(app, control).value = was  # moved back: nothing has happened
    assert not app.waits and app.critic is before and app.result.wasserstein == result.wasserstein
    is_current(app)
    getattr(app, control).value = value
    app.restart.click()
    assert app.state == "start" and app.result.done == 0 and app.critic is not before and not app.waits
    is_current(app)
    app.go.click()
    assert app.result.done == app.steps.value
    is_current(app)


@pytest.mark.parametrize("end", ["situation", "reset"])
def test_situation_and_reset_ask_too(app, end):
    app.sigma.value = 0.2
    app.one.click()
    if end == "reset":
        app.reset.click()
    else:
        app.situation.value = "a fine that is too dear"
    assert app.waits and app.result.done == 1
    is_current(app)
    app.restart.click()
    assert app.result.done == 0 and not app.waits
    assert (app.settings == SHORT) == (end == "reset")


def test_a_step_is_a_step_of_the_library_and_its_pair_is_the_first_of_its_batch(app):
    s, whole = SHORT, new_critic(SHORT)
    pairs = Unpaired(problem(s), model._images(s.images)[:-4])
    run = algorithm_1(whole, pairs, Eq6(s.gp_weight), 10, 2, learning_rate=s.learning_rate, averaging=0.9)
    for k in range(4):
        psi_before = [app.critic(x).item() for x in first_pair(pairs, k)[:2]]
        app.one.click()
        step = next(run)
        assert app.state == "resume" and app.result.done == k + 1 == app.result.snapshot.step
        assert torch.equal(weights(app.critic), weights(whole)) and app.result.wasserstein[-1] == float(
            step.wasserstein
        )
        pair, (x_real, x_noisy, mix) = app.result.pair, first_pair(pairs, k)
        assert torch.equal(pair.x_real, x_real[0]) and torch.equal(pair.x_noisy, x_noisy[0]) and pair.mix == mix
        assert [pair.before.psi_real, pair.before.psi_noisy] == pytest.approx(psi_before, abs=1e-6)
        assert pair.after.psi_real == pytest.approx(whole(x_real).item(), abs=1e-6)
        x_i = (mix * x_real + (1 - mix) * x_noisy).requires_grad_()
        (grad,) = torch.autograd.grad(whole(x_i).sum(), x_i)
        assert pair.after.slope == pytest.approx(grad.norm().item(), abs=1e-6)
        fine = max(pair.after.slope - 1, 0) ** 2
        assert pair.after.loss == pytest.approx(pair.after.psi_real - pair.after.psi_noisy + s.gp_weight * fine)
        is_current(app)


def first_pair(pairs, k):
    """Step k of a training with seed 0 draws with the generator of that number."""
    generator = torch.Generator().manual_seed(k)
    batch = pairs.draw(2, generator, k)
    return batch.x_real[:1], batch.x_noisy[:1], float(torch.rand(2, 1, 1, 1, generator=generator)[0])


def test_ten_single_steps_are_the_whole_training(app):
    for _ in range(10):
        app.one.click()
    assert app.state == "start again" and app.result.averaged and app.one.disabled
    again = training_monitor(settings=SHORT)
    again.go.click()
    assert torch.equal(weights(app.critic), weights(again.critic)) and app.result.slope == again.result.slope
    again.close()


@pytest.mark.parametrize("control, value", KNOBS)
def test_a_knob_turns_while_it_trains(app, control, value):
    for _ in range(3):
        app.one.click()
    before, critic = app.result.wasserstein, app.critic
    getattr(app, control).value = value
    assert not app.waits and app.critic is critic and getattr(app.result.settings, control) == value
    is_current(app)
    app.one.click()
    assert app.result.wasserstein[:3] == before and app.result.pair.before.gp_weight == app.gp_weight.value
    assert app.result.moved == 3 and "knob moved marked at 3" in app.curves.value
    is_current(app)


def test_the_knobs_are_those_of_the_loss_and_of_adam():
    """A rate that is turned to almost nothing stops the weights; the loss has the weight of its knob."""
    critic, knobs = new_critic(SHORT), Knobs(15.0, 0.002)
    run = steps(critic, Unpaired(problem(SHORT), model._images(SHORT.images)[:-4]), knobs, 10, 2)
    start, _ = weights(critic), next(run)
    first = weights(critic)
    knobs.learning_rate = 1e-12
    next(run)
    assert not torch.equal(first, start) and torch.allclose(weights(critic), first, atol=1e-9)
    batch = Batch.between(torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2))
    steep, turned = (lambda x: 3 * x.flatten(1).sum(1)), Turned(knobs)
    for knobs.gp_weight in (1.0, 7.0):
        score = turned(steep, batch, torch.full((2, 1, 1, 1), 0.5))
        assert score.loss.item() == pytest.approx(-12 + knobs.gp_weight * 25)  # slope 6


def test_untrained_critics_stand_in_rows_of_their_own(app):
    app.one.click()
    words = text(app.compared)
    for row in ("before its first step", "now, after step 1", "LocalCritic (ours), untrained"):
        assert row in words
    assert app.result.first.step == 0 and model.untrained_local(SHORT).cosine > 0.5 > abs(app.result.first.cosine)


async def trained_to(app, step):
    while app.result.done < step:
        await asyncio.sleep(0.005)


def test_pause_resume_and_stop():
    async def session():
        app = training_monitor(settings=Settings(steps=200))
        app.go.click()
        await trained_to(app, 5)
        app.go.click()
        await app.runner.done()
        paused, frozen = app.result.done, weights(app.critic).clone()
        assert app.state == "resume" and paused < 200 and "Paused" in text(app.notice)
        is_current(app)
        await asyncio.sleep(0.1)
        assert app.result.done == paused and torch.equal(weights(app.critic), frozen)
        app.go.click()
        await trained_to(app, paused + 3)
        assert app.state == "pause"
        app.stop.click()
        await app.runner.done()
        assert app.state == "start again" and app.result.averaged and app.result.done < 200
        assert len(app.result.wasserstein) == app.result.done
        is_current(app)
        app.close()
        return app.result, app.critic

    result, critic = asyncio.run(session())
    whole = new_critic(Settings(steps=200))  # pausing changes nothing
    s = Settings(steps=200)
    pairs, adam = Unpaired(problem(s), model._images(s.images)[:-4]), dict(learning_rate=s.learning_rate)
    run = algorithm_1(whole, pairs, Eq6(s.gp_weight), 200, 2, averaging=0.9, **adam)
    again = [float(step.wasserstein) for _, step in zip(range(result.done), run, strict=False)]
    run.close()
    assert tuple(again) == result.wasserstein and torch.equal(weights(whole), weights(critic))


def test_a_pause_at_the_very_end_can_be_resumed(app):
    for _ in app._training:
        pass
    app._say("resume")
    app.go.click()
    assert app.state == "start again" and app.result.averaged


def test_the_kernel_answers_while_it_trains():
    async def session():
        app = training_monitor(settings=Settings(steps=60))
        app.go.click()
        ticks = 0
        while app.runner.busy:
            await asyncio.sleep(0)
            ticks += 1
        assert ticks >= 60 and app.result.done == 60  # other tasks had their turn between all steps
        app.close()

    asyncio.run(session())


def test_closing_stops_the_training():
    async def session():
        app = training_monitor(settings=Settings(steps=200))
        app.go.click()
        await trained_to(app, 3)
        app.close()
        await app.runner.done()
        done = app.result.done
        await asyncio.sleep(0.05)
        assert app.result.done == done < 200

    asyncio.run(session())


def test_a_cheap_fine_is_named():
    critic = new_critic(SHORT)
    *_, result = results(SHORT, critic)
    steep = model.replace(result, slope=(2.0,) * 10)
    assert "too cheap" in verdict(steep)[0] and f"{3 * bound_of(SHORT):.0f}" in verdict(steep)[0]
    assert verdict(model.replace(result, slope=(1.05,) * 10)) is None


def test_a_training_that_breaks_down_is_explained_and_the_app_goes_on(app, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(model, "gradient", lambda *_: 1 / 0)
        app.go.click()
    assert "division by zero" in text(app.notice) and "<img" not in app.pictures.value + app.curves.value
    assert app.state == "start again"
    app.go.click()
    assert app.result.done == 10
    is_current(app)


def test_every_control_has_a_name(app):
    all_named(app)


def test_random_moves():
    """No exception, no stale picture, no growth: in an event loop, so that moves meet a training in flight."""

    async def session():
        app, rng, start = training_monitor(settings=SHORT), random.Random(0), 0.0
        for k in range(MOVES):
            name = rng.choice([*controls(app), "go", "go", "stop"])
            if name == "steps":  # long trainings are for others
                app.steps.value = rng.choice((10, 20))
            else:
                move(controls(app)[name], rng)
            await asyncio.sleep(rng.choice((0.0, 0.03, 0.1)))
            assert "advreg-error" not in app.notice.value, (k, name, text(app.notice))
            if app.state != "pause":
                is_current(app)
            if k == MOVES // 5:  # caches are full
                start = resident()
        assert resident() - start < 30
        app.close()

    asyncio.run(session())


def test_controls_that_move_in_two_threads_wait_for_each_other():
    """As in the first seconds of a page in JupyterLab, which then moves to a thread of the kernel of its own."""
    app, trouble = training_monitor(settings=SHORT), []

    def moves(slider, values):
        for value in values:
            slider.value = value
            trouble.append("advreg-error" in app.notice.value)

    hands = [(app.sigma, [0.05, 0.1] * 10), (app.gp_weight, [1.0, 2.0] * 10), (app.steps, [20, 30] * 10)]
    threads = [threading.Thread(target=moves, args=hand) for hand in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trouble) == 60 and not any(trouble)
    is_current(app)
    app.close()


def test_closing_frees_every_model():
    training_monitor(settings=SHORT).close()
    before = models()
    for _ in range(50):
        training_monitor(settings=SHORT).close()
    assert models() == before


def test_the_global_generator_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    app = training_monitor(settings=SHORT)
    app.go.click()
    app.close()
    assert torch.equal(torch.rand(2), expected)
