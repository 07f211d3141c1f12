"""The λ lab: the formula's point is the formula's, and a wrong σ is shown without a new computation."""

import asyncio

import advreg_edu as ar
import pytest
import torch
from advreg_edu.apps import weight_lab
from advreg_edu.apps.shared import scenes
from advreg_edu.apps.weight import model
from advreg_edu.apps.weight.model import FACTORS, PROBLEMS, THORAX, Settings, claimed_sigmas, compute, results
from advreg_edu.apps.weight.view import chart, picture, sentence
from app_moves import critic, freed, seen, text

SMALL = Settings(size=32, steps=3)
short_of_a_minimum = pytest.mark.filterwarnings("ignore::advreg_edu.reconstruction.NotConverged")


@pytest.fixture
def lab():
    app = weight_lab(critic=critic, settings=SMALL)
    yield app
    app.close()


def is_current(app):
    """Pictures, curves and text are those of the controls as they are now."""
    factor = claimed_sigmas()[app.claimed.value]
    assert app.result.settings == app.settings and app.result.factors == sorted(FACTORS)
    assert app.pictures.value == picture(app.result, factor).figures()
    assert app.curves.value == chart(app.result, factor).img()
    assert text(app.status) == sentence(app.result, factor)


@short_of_a_minimum
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_point_is_a_run_of_algorithm_2_with_that_weight(problem):
    settings = Settings(problem=problem, number=3, sigma=0.03, size=32, steps=4)
    result = compute(settings, critic)
    A = ar.RayTransform(32, 30) if problem == THORAX else ar.Identity((3, 32, 32))
    inverse_problem = ar.Problem(A, sigma=0.03)
    assert result.formula == pytest.approx(float(ar.weight_from_noise(inverse_problem)))
    y = inverse_problem.measure(result.truth, scenes.seed(0))
    for factor in FACTORS:
        weight = factor * result.formula
        *_, it = ar.reconstruct(inverse_problem, y, critic, weight, "auto", steps=4, stop="gradient")
        assert torch.allclose(it.x, result.images[factor], atol=1e-5)
        assert result.psnr(factor) == pytest.approx(float(ar.psnr(it.x.clamp(0, 1), result.truth)), abs=1e-3)


@pytest.mark.filterwarnings("error")
def test_every_run_ends_at_a_minimum_or_is_said_not_to():
    settings = Settings(size=32)
    result = compute(settings, critic)
    assert result.missed == () and "minimum" not in sentence(result, 1.0)
    short = compute(SMALL, critic)
    runs = ", ".join(f"{factor:g}" for factor in sorted(short.missed))
    assert short.missed and f"the limit of 3 steps was hit: {runs} times the formula" in sentence(short, 1.0)


def test_the_formula_comes_first_and_then_its_neighbours():
    order = [
        sorted(set(b.images) - set(a.images))
        for a, b in zip(*[list(results(SMALL, critic))[i:] for i in (0, 1)], strict=False)
    ]
    assert order[0] == [1.0] and {order[-1][0], order[-2][0]} == {0.25, 4.0} and len(order) == len(FACTORS)


def test_the_first_view_has_six_tiles_a_curve_with_the_mark_and_text(lab):
    assert lab.pictures.value.count("<figure") == 6 and "weight λ" in lab.curves.value
    assert f"λ = {lab.result.formula:.3g}" in text(lab.status) and "(an oracle)" in text(lab.status)
    is_current(lab)


@pytest.mark.parametrize("control, value", [("problem", THORAX), ("number", 3), ("sigma", 0.2), ("claimed", "2 σ")])
def test_every_control_changes_pictures_curve_and_text(lab, control, value):
    before = seen(lab)
    getattr(lab, control).value = value
    assert all(now != then for now, then in zip(seen(lab), before, strict=True))
    assert "advreg-error" not in lab.notice.value
    is_current(lab)


def test_a_wrong_sigma_moves_the_formula_in_proportion_and_computes_nothing(lab, monkeypatch):
    result = lab.result
    monkeypatch.setattr(model, "reconstruct", None)
    for name, factor in claimed_sigmas().items():
        lab.claimed.value = name
        assert lab.result is result
        is_current(lab)
        if factor != 1:
            assert f"Told that σ is {factor * 0.1:.3g}, the formula gives λ = {factor * result.formula:.3g}" in text(
                lab.status
            )
    assert set(claimed_sigmas().values()) == set(FACTORS)


def test_new_noise_is_another_draw_and_sigma_rescales_the_same_one(lab):
    first = lab.result.naive - lab.result.truth
    lab.sigma.value = 0.2
    assert torch.allclose(lab.result.naive - lab.result.truth, 2 * first, atol=1e-5)
    lab.new_noise.click()
    assert not torch.allclose(lab.result.naive - lab.result.truth, 2 * first, atol=1e-2)


def test_each_problem_has_its_own_noise(lab):
    for problem in reversed(PROBLEMS):
        lab.problem.value = problem
        low, sigma, high = model.KINDS[problem].sigma
        assert (lab.sigma.slider.min, lab.sigma.value, lab.sigma.max) == (low, sigma, high)
        assert lab.sigma.ends == (low, high)
        is_current(lab)


def test_an_error_leaves_no_old_picture_and_the_app_goes_on(lab):
    def broken(x):
        raise RuntimeError("expected a critic that works")

    lab.critic = broken
    lab.sigma.value = 0.2
    assert "expected a critic that works" in text(lab.notice) and "<img" not in lab.pictures.value
    lab.critic = critic
    lab.sigma.value = 0.1
    is_current(lab)


def test_in_a_notebook_points_appear_one_by_one_and_a_moved_slider_cancels():
    async def session():
        app = weight_lab(critic=critic, settings=SMALL)
        while app.result is None:
            await asyncio.sleep(0.005)
        abandoned = app.runner._task
        app.sigma.value = 0.2
        await app.runner.done()
        assert abandoned.done()
        assert app.result.settings.sigma == 0.2
        assert 'aria-busy="false"' in app.status.value  # or a screen reader waits for ever
        is_current(app)
        app.close()

    asyncio.run(session())


def test_closing_frees_every_widget():
    app = weight_lab(critic=critic, settings=SMALL)
    app.close()
    assert freed(app.widget, app.sigma.slider, app.sigma.field, app.pictures, app.claimed)
