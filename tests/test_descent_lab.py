"""The descent lab: iterates of the library, a limit where descent breaks, controls that show what they say."""

import asyncio
import random

import advreg_edu as ar
import pytest
import torch
from advreg_edu.apps import descent_lab
from advreg_edu.apps.descent import model
from advreg_edu.apps.descent.model import (
    COSTS,
    INPAINTING,
    PHOTO,
    TIKHONOV,
    TWO,
    Settings,
    case,
    compute,
    minimiser,
)
from advreg_edu.apps.descent.sweep import SWEPT, sweep
from advreg_edu.apps.descent.view import chart, l_curve, picture, sentence, sweep_sentence, verdict
from app_moves import MOVES, all_named, controls, models, move, resident, seen, text

SMALL = Settings(steps=10)


@pytest.fixture(autouse=True)
def small_images(monkeypatch):
    monkeypatch.setattr(model, "SIZE", 32)
    model.ground_truth.cache_clear()
    yield
    model.ground_truth.cache_clear()


@pytest.fixture
def lab():
    app = descent_lab(settings=SMALL)
    yield app
    app.close()


def is_current(app):
    """Pictures, curves, texts and limit are those of the controls as they are now."""
    result, k = app.result, app.scrubber.value
    assert result.settings == app.settings and k <= result.last
    assert app.pictures.value == picture(result, k).img()
    assert app.curves.value == chart(result).sheet.img() + chart(result).cursor(k).img()
    assert text(app.status) == sentence(result, k) and verdict(result)[0] in text(app.notice)
    assert f"2/L = {result.limit:.3g}" in text(app.mark)
    assert app.lcurve.value == l_curve(app.sweep, app.reg_weight.value).img()
    if app.sweep:
        assert text(app.chosen) == sweep_sentence(app.sweep)
        assert torch.equal(app.sweep.case.y, result.case.y) and app.sweep.case.regularizer == result.case.regularizer


@pytest.mark.parametrize(
    "control, value",
    [
        ("cost", TWO),
        ("cost", TIKHONOV),
        ("image", PHOTO),
        ("problem", INPAINTING),
        ("sigma", 0.05),
        ("reg_weight", 0.5),
        ("smoothing", 0.05),
        ("step_size", 0.005),
        ("steps", 20),
        ("scrubber", 3),
    ],
)
def test_every_control_changes_pictures_curves_and_text(lab, control, value):
    before = seen(lab)
    getattr(lab, control).value = value
    assert all(now != then for now, then in zip(seen(lab), before, strict=True))
    assert "advreg-error" not in lab.notice.value
    is_current(lab)


def test_new_noise_is_another_draw_and_the_slider_rescales_it(lab):
    noise = lambda: lab.result.case.y - lab.result.case.truth
    first = noise()
    lab.sigma.value = 0.2
    assert torch.allclose(noise(), 2 * first, atol=1e-6)
    lab.new_noise.click()
    assert not torch.allclose(noise(), 2 * first, atol=1e-2)
    is_current(lab)


@pytest.mark.parametrize("cost", COSTS)
def test_half_of_the_limit_is_the_button_and_where_each_cost_begins(lab, cost):
    lab.cost.value = next(other for other in COSTS if other != cost)
    lab.cost.value = cost
    assert lab.step_size.value == pytest.approx(lab.result.limit / 2, rel=1e-2)
    lab.step_size.value = 0.001
    lab.half.click()
    assert lab.step_size.value == pytest.approx(lab.result.limit / 2, rel=1e-2)
    assert not lab.result.rises and "advreg-hint" in lab.notice.value
    is_current(lab)


@pytest.mark.parametrize("cost", [TWO, TIKHONOV])
@pytest.mark.parametrize("ratio, fine", [(0.98, True), (1.03, False)])
def test_the_limit_is_sharp_for_the_quadratics(cost, ratio, fine):
    s = Settings(cost=cost, reg_weight=0.5, steps=80)
    result = compute(Settings(cost=cost, reg_weight=0.5, steps=80, step_size=ratio * case(s).limit(0.5)))
    assert (not result.rises) == fine
    assert ("can raise J" in verdict(result)[0]) == fine and (verdict(result)[1] == "hint") == fine


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cost", COSTS)
def test_divergence_is_explained_and_harmless(lab, cost):
    lab.cost.value = cost
    lab.steps.value, lab.step_size.value = 60, 2.0
    assert lab.result.diverged and text(lab.notice).startswith("Careful: Diverged.")
    assert f"2/L = {lab.result.limit:.3g}" in text(lab.notice) and "Lower ε" in text(lab.notice)
    assert all(torch.isfinite(it.x).all() for it in lab.result.iterates)
    assert lab.scrubber.max == lab.result.last < 60
    assert ("outside the frame" if cost == TWO else "clipped") in lab.pictures.value
    is_current(lab)
    lab.half.click()
    assert "advreg-hint" in lab.notice.value and lab.result.last == 60
    is_current(lab)


def test_smoothed_tv_past_its_limit_trembles_and_says_so(lab):
    lab.steps.value, lab.step_size.value = 40, 3 * lab.result.limit
    assert not lab.result.diverged and lab.result.rises
    assert "trembles" in text(lab.notice) and "advreg-warning" in lab.notice.value


def test_two_unknowns_follow_the_closed_form():
    """Along the singular vector s the error is multiplied by 1 - 2 eps (s^2 + lambda) in every step."""
    result = compute(Settings(cost=TWO, reg_weight=0.1, step_size=0.7, steps=12))
    error = torch.stack([(it.x - minimiser(result.case, 0.1)).flatten() for it in result.iterates])
    factor = 1 - 2 * 0.7 * (torch.tensor([model.FLAT, model.STEEP]) ** 2 + 0.1)
    assert torch.allclose(error, error[0] * factor ** torch.arange(13)[:, None], atol=1e-5)


def test_the_iterates_are_those_of_the_library():
    s = Settings(steps=5)
    c = case(s)
    for ours, it in zip(
        compute(s).iterates,
        ar.reconstruct(c.problem, c.y, ar.baselines.SmoothedTV(0.02), 0.2, s.step_size, 5),
        strict=True,
    ):
        assert torch.equal(ours.x, it.x)


@pytest.mark.parametrize("settings", [Settings(), Settings(cost=TIKHONOV), Settings(problem=INPAINTING)])
def test_along_the_sweep_the_data_term_grows_and_the_regulariser_falls(settings):
    *_, found = sweep(settings)
    assert [p.reg_weight for p in found.points] == list(SWEPT)
    data, f = (torch.tensor([getattr(p, name) for p in found.points]) for name in ("data_term", "regularizer"))
    assert (data.diff() > 0).all() and (f.diff() < 0).all()
    assert SWEPT[0] < found.discrepancy < SWEPT[-1] and found.oracle in SWEPT
    it = compute(Settings(**{**vars(settings), "reg_weight": found.discrepancy, "steps": 300})).iterates[-1]
    assert float(it.data_term) == pytest.approx(found.case.expected, rel=0.05)  # Morozov's promise


def test_the_sweep_with_two_unknowns_is_the_closed_form():
    *_, found = sweep(Settings(cost=TWO))
    for p in found.points:
        x = minimiser(found.case, p.reg_weight)
        assert p.regularizer == pytest.approx(float(x.square().sum()), rel=0.05)


def test_the_sweep_stays_while_the_weight_moves_and_goes_with_its_problem(lab):
    lab.cost.value = TWO
    assert "press “sweep λ”" in lab.lcurve.value
    lab.sweep_button.click()
    assert "Morozov" in text(lab.chosen) and 'aria-label="L-curve.' in lab.lcurve.value
    before, found = lab.lcurve.value, lab.sweep
    lab.reg_weight.value = 1.0
    assert lab.sweep is found and lab.lcurve.value != before
    lab.sigma.value = 0.2
    assert lab.sweep is None and "press “sweep λ”" in lab.lcurve.value
    is_current(lab)


def test_scrubbing_shows_stored_iterates_and_computes_nothing(lab, monkeypatch):
    monkeypatch.setattr(model, "reconstruct", None)
    for k in (0, 4, 9):
        lab.scrubber.value = k
        assert text(lab.status).startswith(f"Iterate {k} of 10: PSNR {lab.result.quality[k]:.1f} dB")
        is_current(lab)
    lab.play.value = 5
    assert lab.scrubber.value == 5


def test_an_error_leaves_no_old_picture_and_the_app_goes_on(lab, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(model, "psnr", lambda *_: 1 / 0)
        lab.steps.value = 20
    assert "division by zero" in text(lab.notice) and "<img" not in lab.pictures.value + lab.curves.value
    lab.steps.value = 10
    is_current(lab)


def test_every_control_has_a_name(lab):
    all_named(lab)


def test_random_moves(lab):
    """No exception, no stale picture, no growth."""
    rng, start = random.Random(0), 0.0
    lab.runner._pause = lab.sweeper._pause = 1e9  # the first frame and the last
    for k in range(MOVES):
        name = rng.choice(list(controls(lab)))
        value = move(controls(lab)[name], rng)
        assert "advreg-error" not in lab.notice.value, (k, name, value, text(lab.notice))
        is_current(lab)
        if k == MOVES // 5:  # caches are full
            start = resident()
    assert resident() - start < 30


def test_closing_frees_every_model():
    descent_lab(settings=SMALL).close()
    before = models()
    for _ in range(50):
        descent_lab(settings=Settings(cost=TWO, steps=10)).close()
    assert models() == before


def test_in_a_notebook_a_moved_slider_cancels_the_run():
    async def session():
        app = descent_lab(settings=Settings(steps=300))
        while not app.result or app.result.last < 5:
            await asyncio.sleep(0.01)
        abandoned = app.runner._task
        assert app.runner.busy and app.result.last < 300
        app.sweep_button.click()
        app.steps.value = 10
        await app.runner.done()
        assert abandoned.done() and app.result.settings.steps == 10
        app.cost.value = TWO  # cancels the sweep too
        await app.runner.done()
        assert app.sweep is None and not app.sweeper.busy
        is_current(app)
        app.close()

    asyncio.run(session())
