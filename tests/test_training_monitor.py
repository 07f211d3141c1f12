"""The training monitor: start, pause, resume, stop; it shows the critic as it is, in the training of the library."""

import asyncio
import random
import threading

import advreg_edu as ar
import pytest
import torch
from advreg_edu.apps import training_monitor
from advreg_edu.apps.monitor import model
from advreg_edu.apps.monitor.model import ELLIPSES, PAPER, Settings, bound_of, held_out, new_critic, problem, results
from advreg_edu.apps.monitor.view import chart, histograms, picture, sentence, verdict
from advreg_edu.training import Eq6, Unpaired, algorithm_1
from app_moves import MOVES, all_named, controls, models, move, resident, text

SHORT = Settings(steps=10)


@pytest.fixture(autouse=True)
def small_images(monkeypatch):
    for name, value in dict(
        SIZE=16, BATCH=2, HELD=4, SNAPSHOT_EVERY=4, DESCENT=dict(step_size="auto", steps=3, stop="gradient")
    ).items():
        monkeypatch.setattr(model, name, value)
    model._images.cache_clear()
    yield
    model._images.cache_clear()


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
    assert result.settings == app.settings
    assert app.pictures.value == picture(result).figures() and app.curves.value == chart(result).img()
    assert (app.slopes.value, app.values.value) == tuple(drawing.img() for drawing in histograms(result))
    assert text(app.status) == sentence(result)
    assert text(app.status).startswith(f"Step {result.done} of {app.steps.value}: ")
    warning = verdict(result)
    assert (warning[0] if warning else "hint") in app.notice.value.replace("&#x27;", "'")


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


@pytest.mark.parametrize(
    "control, value",
    [
        ("images", ELLIPSES),
        ("network", PAPER),
        ("sigma", 0.2),
        ("gp_weight", 1.0),
        ("learning_rate", 0.01),
        ("steps", 20),
    ],
)
def test_a_moved_control_begins_afresh(app, control, value):
    app.go.click()
    before = app.critic
    getattr(app, control).value = value
    assert app.state == "start" and app.result.done == 0 and app.critic is not before
    assert getattr(app.settings, control) == value
    is_current(app)
    app.go.click()
    assert app.result.done == app.steps.value
    is_current(app)


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
