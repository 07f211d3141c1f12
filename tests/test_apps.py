"""Every control of the reconstruction lab, without a browser: what it changes, what it must leave, what it says."""

import asyncio
import html
import re
import time

import pytest
import torch

import advreg_edu as ar
from advreg_edu.apps import parts, reconstruction_lab, reconstruction_run
from advreg_edu.apps.reconstruction_run import SLICE, Settings, as_code, compute

SMALL = Settings(angles=10, steps=10)


def critic(x):
    """Quick and convex: the norm of the differences between neighbours."""
    return ((x.diff(dim=2) ** 2).flatten(1).sum(1) + (x.diff(dim=3) ** 2).flatten(1).sum(1) + 1e-6).sqrt()


@pytest.fixture
def lab():
    app = reconstruction_lab(critic, SMALL)
    yield app
    app.close()


def text(widget):
    return html.unescape(re.sub("<[^>]*>", "", widget.value))


def seen(app):
    return app.pictures.value, app.curves.value, text(app.status)


def test_the_first_run_shows_pictures_curves_and_their_text(lab):
    assert text(lab.status).startswith("Iterate 10 of 10: PSNR ")
    for panel in (lab.pictures, lab.curves):
        assert '<img alt="' in panel.value and "data:image/png;base64," in panel.value
    assert "ground truth" in lab.pictures.value and "PSNR in dB goes from" in lab.curves.value
    assert 'role="status"' in lab.status.value


@pytest.mark.parametrize(
    "control, value",
    [
        ("image", SLICE),
        ("number", 3),
        ("sigma", 0.04),
        ("angles", 20),
        ("step_size", 0.1),
        ("steps", 20),
        ("method", "accelerated"),
        ("method", "forward-backward"),
    ],
)
def test_every_control_changes_pictures_curves_and_text(lab, control, value):
    before, code = seen(lab), lab.code.value
    getattr(lab, control).value = value
    assert all(now != then for now, then in zip(seen(lab), before, strict=True))
    assert lab.code.value != code and getattr(lab.settings, control) == value
    assert "advreg-error" not in lab.notice.value


def test_new_noise_is_another_draw_and_the_noise_slider_rescales_the_same_one(lab):
    A = reconstruction_run.ray_transform(10)
    noise = lambda: lab.result.naive - A.pinv(A(lab.result.truth))  # A†e
    first = noise()
    lab.sigma.value = 0.04
    assert torch.allclose(noise(), 2 * first, atol=1e-4)
    lab.new_noise.click()
    assert not torch.allclose(noise(), 2 * first, atol=1e-2) and lab.settings.noise == 1


def test_the_weight_follows_the_formula_until_it_is_set_by_hand(lab):
    assert lab.weight.slider.disabled
    formula = ar.weight_from_noise(ar.Problem(ar.RayTransform(size=128, angles=10), sigma=0.02))
    assert lab.weight.value == pytest.approx(float(formula), abs=1e-3)
    lab.sigma.value = 0.04
    doubled = lab.weight.value
    lab.by_formula.value = False
    assert not lab.weight.slider.disabled and lab.settings.reg_weight == doubled
    before = seen(lab)
    lab.weight.value = 2.0
    assert lab.result.reg_weight == 2.0 and seen(lab) != before


def test_scrubbing_shows_stored_iterates_and_computes_nothing(lab, monkeypatch):
    result, before = lab.result, seen(lab)
    monkeypatch.setattr(reconstruction_run, "reconstruct", None)
    for k in (0, 4, 9):
        lab.scrubber.value = k
        assert text(lab.status).startswith(f"Iterate {k} of 10: PSNR {result.psnr[k]:.1f} dB")
        assert f"iterate {k}: {result.psnr[k]:.1f} dB" in lab.pictures.value
        assert all(now != then for now, then in zip(seen(lab), before, strict=True))
        before = seen(lab)
    lab.play.value = 5
    assert lab.scrubber.value == 5 and lab.result is result


def test_field_and_slider_are_one_number_and_the_field_has_the_name(lab):
    lab.sigma.field.value = 0.01
    assert lab.sigma.slider.value == 0.01 == lab.result.settings.sigma
    lab.step_size.slider.value = 0.39999999999999997  # what a dragged slider sends
    assert lab.step_size.field.value == 0.4 == lab.result.settings.step_size
    knobs = [control for control in vars(lab).values() if isinstance(control, parts.Knob)]
    assert len(knobs) == 7
    for knob in knobs:
        assert knob.field.description and knob.field.tooltip and knob.slider.tooltip
        assert not knob.slider.readout


@pytest.mark.filterwarnings("error")
def test_divergence_is_explained_and_the_app_goes_on(lab):
    lab.step_size.value = 1.5
    lab.steps.value = 60
    last = lab.result.last
    assert lab.result.diverged and 0 < last < 60
    assert "diverged" in text(lab.notice) and "Lower the step size" in text(lab.notice)
    assert "advreg-warning" in lab.notice.value
    assert lab.scrubber.max == last and all(torch.isfinite(it.x).all() for it in lab.result.iterates)
    lab.scrubber.value = 1
    assert text(lab.status).startswith(f"Iterate 1 of {last}")
    lab.step_size.value = 0.3
    assert "advreg-hint" in lab.notice.value and lab.result.last == 60


def test_errors_are_shown_and_the_app_goes_on(lab):
    def broken(x):
        raise RuntimeError("expected a critic that works, got <this>; load another")

    lab.critic = broken
    lab.number.value = 1
    assert "advreg-error" in lab.notice.value and "got <this>; load another" in text(lab.notice)
    lab.critic = critic
    lab.number.value = 2
    assert "advreg-hint" in lab.notice.value and lab.result.settings.number == 2


def test_errors_while_scrubbing_are_shown(lab, monkeypatch):
    monkeypatch.setattr(type(lab.status), "say", lambda *_: 1 / 0)
    lab.scrubber.value = 2
    assert "division by zero" in text(lab.notice)


def test_no_noise_and_no_regulariser_is_a_valid_setting(lab):
    lab.sigma.value = 0.0
    assert lab.result.reg_weight == 0 and "advreg-hint" in lab.notice.value


def test_the_same_settings_give_the_same_result(lab):
    again = compute(SMALL, critic)
    assert all(torch.equal(a.x, b.x) for a, b in zip(lab.result.iterates, again.iterates, strict=True))
    assert lab.run().psnr == again.psnr


@pytest.mark.parametrize("settings", [SMALL, Settings(image=SLICE, angles=10, steps=2, reg_weight=0.5, noise=3)])
def test_the_code_that_is_shown_computes_the_same(settings, capsys):
    names = {}
    exec(as_code(settings), names)
    result = compute(settings, ar.load_critic("ct-thorax"))
    assert torch.allclose(names["it"].x, result.iterates[-1].x, atol=1e-5)
    assert len(capsys.readouterr().out.splitlines()) == len(result.iterates)


def test_in_a_notebook_frames_appear_while_they_are_computed_and_a_moved_slider_cancels_the_run():
    def slow(x):
        time.sleep(0.01)
        return critic(x)

    async def session():
        app = reconstruction_lab(slow, Settings(angles=10, steps=300))
        while not app.result or app.result.last < 5:
            await asyncio.sleep(0.01)
        partial, abandoned = app.result, app._run._task
        assert app._run.busy and partial.last < 300 and "<img" in app.pictures.value
        app.scrubber.value = 2
        await asyncio.sleep(0.3)
        assert app.scrubber.value == 2 and app.result.last > partial.last  # the user looks, the run goes on
        app.steps.value = 10
        await app._run.done()
        assert abandoned.cancelled() and app.result.settings.steps == 10
        assert app.scrubber.value == app.scrubber.max == app.result.last == 10
        app.close()

    asyncio.run(session())


def test_closing_frees_every_widget():
    app = reconstruction_lab(critic, SMALL)
    app.close()
    for widget in (app.widget, app.sigma.slider, app.sigma.field, app.pictures, app.play):
        assert widget.comm is None
