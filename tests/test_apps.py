"""Every control of the reconstruction lab, without a browser: what it changes, what it must leave, what it says."""

import asyncio
import datetime
import io
import subprocess
import sys
import time
from dataclasses import replace

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu import pretrained
from advreg_edu.apps import reconstruction_lab
from advreg_edu.apps.reconstruction import model
from advreg_edu.apps.reconstruction.model import AUTO, CRITIC, OWN, Settings, as_code, compute
from advreg_edu.apps.reconstruction.view import chart, ending, picture, sentence
from advreg_edu.apps.shared import numbers, scenes
from advreg_edu.apps.shared.controls import Slider
from advreg_edu.apps.shared.scenes import CT, DENOISING, FILE, INPAINTING, MRI, PHANTOM, PHOTO, SLICE
from advreg_edu.experiments.recipes import RECIPES
from app_moves import all_named, critic, freed, seen, text
from PIL import Image

WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
SMALL = Settings(angles=10, step_size=0.5, steps=10, stop=None, size=32, critic=OWN)
MINIMUM = next(iter(model.STOPS))
TO_THE_END = replace(SMALL, step_size=AUTO, steps=400, stop="gradient")


@pytest.fixture
def lab():
    app = reconstruction_lab(critic=critic, settings=SMALL)
    yield app
    app.close()


def is_current(app):
    """Pictures, curves and text are those of the controls as they are now."""
    result, k = app.result, app.scrubber.value
    assert result.settings == app.settings or result.settings == replace(app.settings, reg_weight=None)
    assert app.pictures.value == picture(result, k, (app.row.value, app.column.value), app.held).figures()
    drawn = chart(result, app.held)
    assert app.curves.value == drawn.sheet.img() + drawn.cursor(k).img()
    assert text(app.status) == sentence(result, k, app.held)


def test_the_first_run_shows_pictures_curves_and_their_text(lab):
    assert text(lab.status).startswith("Iterate 10 of 10: PSNR ")
    assert '<img alt="ground truth x* (mean ' in lab.pictures.value and "PSNR in dB goes from" in lab.curves.value
    assert "data:image/png;base64," in lab.pictures.value and "<svg " in lab.curves.value
    assert lab.pictures.value.count("<figure") == 6 and 'role="status"' in lab.status.value
    is_current(lab)


@pytest.mark.parametrize(
    "control, value",
    [
        ("image", SLICE),
        ("image", PHOTO),
        ("operator", DENOISING),
        ("operator", INPAINTING),
        ("operator", MRI),
        ("critic", CRITIC),
        ("number", 3),
        ("sigma", 0.04),
        ("angles", 20),
        ("step_size", 0.1),
        ("find_step", True),
        ("steps", 20),
        ("method", "accelerated"),
        ("method", "forward-backward"),
        ("start", "zero"),
        ("stop", "change below 1 %"),
        ("stop", MINIMUM),
    ],
)
def test_every_control_changes_pictures_curves_and_text(lab, control, value):
    if control == "stop":
        lab.controls.steps.value = 100
    lab.as_code.value = True
    if value == MINIMUM:
        lab.controls.find_step.value, lab.controls.steps.value = True, 400
    before, code, settings = seen(lab), lab.code.value, lab.settings
    getattr(lab.controls, control).value = value
    assert all(now != then for now, then in zip(seen(lab), before, strict=True))
    assert lab.code.value != code and lab.settings != settings
    assert "advreg-error" not in lab.notice.value
    is_current(lab)


def test_new_noise_is_another_draw_and_the_noise_slider_rescales_the_same_one(lab):
    A = scenes.ray_transform(32, 10)
    noise = lambda: lab.result.naive - A.pinv(A(lab.result.truth))  # A†e
    first = noise()
    lab.controls.sigma.value = 0.04
    assert torch.allclose(noise(), 2 * first, atol=1e-4)
    lab.controls.new_noise.click()
    assert not torch.allclose(noise(), 2 * first, atol=1e-2) and lab.settings.noise == 1


def test_the_weight_follows_the_formula_until_it_is_set_by_hand(lab):
    assert lab.controls.reg_weight.slider.disabled
    formula = ar.weight_from_noise(ar.Problem(ar.RayTransform(size=32, angles=10), sigma=0.02))
    assert lab.controls.reg_weight.value == pytest.approx(float(formula), abs=1e-3)
    lab.controls.sigma.value = 0.04
    doubled = lab.controls.reg_weight.value
    lab.controls.by_formula.value = False
    assert not lab.controls.reg_weight.slider.disabled and lab.settings.reg_weight == doubled
    before = seen(lab)
    lab.controls.reg_weight.value = 2.0
    assert lab.result.reg_weight == 2.0 and seen(lab) != before


def test_an_operator_brings_the_critic_that_was_trained_for_it():
    app = reconstruction_lab(
        critic="photos-color", settings=Settings(image=PHOTO, operator=DENOISING, steps=10, size=32)
    )
    controls = app.controls
    for image, operator, name, share in (
        (PHOTO, INPAINTING, "photos-inpainting", 30),
        (PHANTOM, MRI, "mri-thorax", 25),
    ):
        controls.image.value = image
        controls.operator.value = operator
        assert (controls.critic.value, controls.share.value) == (name, share) and controls.by_formula.value
        assert controls.sigma.value == 0.02 and name in controls.critic.options
        is_current(app)
    controls.critic.value = "ct-thorax"  # another one can be chosen
    assert app.settings.critic == "ct-thorax"
    app.close()


def test_a_run_ends_at_a_minimum_and_says_where():
    app = reconstruction_lab(critic=critic, settings=TO_THE_END)
    result, last = app.result, app.result.last
    ratio = float(result.iterates[-1].gradient_norm) / result.reg_weight
    assert app.controls.stop.value == MINIMUM and 0 < last < 400 and ratio <= 0.01
    assert all(float(it.gradient_norm) > 0.01 * result.reg_weight for it in result.iterates[:-1])
    assert text(app.notice).startswith(f"The rule “stop” ended the run at iterate {last}: ‖∇J‖ is {ratio:.3g}\u00a0λ, ")
    assert "more views" in text(app.notice).lower() and "advreg-hint" in app.notice.value
    assert app.scrubber.value == app.scrubber.max == app.play.max == last
    assert text(app.status).startswith(f"Iterate {last} of {last}: ") and "step size found" in text(app.status)
    is_current(app)
    app.close()


@pytest.mark.filterwarnings("error")
def test_a_limit_that_was_hit_is_said_and_does_not_warn_elsewhere(capsys):
    app = reconstruction_lab(critic=critic, settings=replace(TO_THE_END, steps=10))
    ratio = float(app.result.iterates[-1].gradient_norm) / app.result.reg_weight
    assert app.result.missed and ratio > 0.01 and "advreg-warning" in app.notice.value
    assert "limit of 10 steps was hit before the rule “stop” was met" in text(app.notice)
    assert f"‖∇J‖ is still {ratio:.3g}\u00a0λ. Allow more." in text(app.notice)
    app.controls.stop.value = "after all steps"
    assert not app.result.missed and text(app.notice).startswith("All 10 steps are taken")
    assert capsys.readouterr() == ("", "")
    app.close()


def test_the_step_size_is_found_until_it_is_given_by_hand():
    app = reconstruction_lab(critic=critic, settings=replace(TO_THE_END, steps=50))
    assert app.settings.step_size == AUTO and app.controls.step_size.slider.disabled
    objective = [float(it.objective) for it in app.result.iterates]
    assert objective == sorted(objective, reverse=True) and "step size found" in text(app.status)
    app.controls.find_step.value = False
    assert app.settings.step_size == 0.5 == app.controls.step_size.value and not app.controls.step_size.slider.disabled
    assert app.result.settings.step_size == 0.5 and "step size found" not in text(app.status)
    app.close()


def test_while_a_run_goes_on_its_last_step_is_not_known():
    running = next(model.results(TO_THE_END, critic))
    assert not running.ended and sentence(running, 0).startswith("Iterate 0 of at most 400: ")


def test_without_a_weight_no_multiple_of_it_is_named(lab):
    result = compute(replace(TO_THE_END, sigma=0.0), critic)
    assert "λ" not in ending(result)


def test_another_operator_begins_with_its_own_noise_and_step_size_and_shows_its_own_slider(lab):
    for operator, (sigma, limit) in scenes.SIGMA.items():
        lab.controls.operator.value = operator
        assert (lab.controls.sigma.value, lab.controls.sigma.max) == (sigma, limit) and not lab.result.diverged
        shown = [
            slider for slider in (lab.controls.angles, lab.controls.share) if slider.widget.layout.display != "none"
        ]
        assert len(shown) == 1 and lab.controls.angles.slider.disabled == (operator != CT)
        assert lab.result.iterates[-1].objective < lab.result.iterates[0].objective
        is_current(lab)


def test_the_critics_on_offer_fit_the_image():
    app = reconstruction_lab(critic="ct-thorax", settings=Settings(angles=10, steps=10, size=32))
    assert all(scenes.critic(name).channels == 1 for name in app.controls.critic.options)
    app.controls.operator.value = DENOISING
    app.controls.image.value = PHOTO
    assert "photos-color" in app.controls.critic.options and app.result.truth.shape[1] == 3
    assert all(scenes.critic(name).channels == 3 for name in app.controls.critic.options)
    app.controls.operator.value = MRI
    assert app.result.truth.shape[1] == 1 and app.controls.critic.value in app.controls.critic.options
    app.close()


def test_critics_of_other_operators_stand_last_and_say_so():
    for name in pretrained.names():
        scene = scenes.Scene(operator=scenes.trained_for(name), size=32)
        assert type(RECIPES[name].problem().A) is type(scenes.operator(scene)), name
    app = reconstruction_lab(critic="ct-thorax", settings=Settings(angles=10, steps=10, stop=None, size=32))
    for operator, first in ((CT, "ct-thorax"), (DENOISING, "photos-gray"), (MRI, "mri-thorax")):
        app.controls.operator.value = operator
        fits = [scenes.trained_for(name) == operator for name in app.controls.critic.options]
        assert fits == sorted(fits, reverse=True) and 0 < sum(fits) < len(fits)
        for name in (first, app.controls.critic.options[-1]):
            app.controls.critic.value = name
            assert ("was trained for" in text(app.notice)) == (scenes.trained_for(name) != operator)
            is_current(app)
    app.close()


def test_scrubbing_shows_stored_iterates_and_computes_nothing(lab, monkeypatch):
    result, before = lab.result, seen(lab)
    monkeypatch.setattr(model, "reconstruct", None)
    for k in (0, 4, 9):
        lab.scrubber.value = k
        assert text(lab.status).startswith(f"Iterate {k} of 10: PSNR {result.psnr[k]:.1f} dB")
        assert f"iterate {k}: {result.psnr[k]:.1f} dB" in lab.pictures.value
        assert all(now != then for now, then in zip(seen(lab), before, strict=True))
        before = seen(lab)
        is_current(lab)
    lab.play.value = 5
    assert lab.scrubber.value == 5 and lab.result is result


def test_the_detail_moves_and_shows_the_pixels_under_its_frame(lab):
    lab.row.value, lab.column.value = 3, 17
    is_current(lab)
    detail = picture(lab.result, 10, (3, 17)).tiles[-1]
    shown = np.asarray(Image.open(io.BytesIO(detail.png)).convert("RGB"))
    expected = (lab.result.truth[0, 0, 3:11, 17:25].numpy() * 255).round()
    assert (shown[:8, :8, 0] == expected).all() and "rows 3 to 10, columns 17 to 24" in detail.alt


def test_a_held_run_stands_beside_the_new_one(lab):
    lab.compare.value = True
    first = lab.result
    lab.controls.number.value, lab.controls.steps.value = 5, 20
    assert lab.held is first and "held, iterate 10" in lab.pictures.value
    assert f"Held run: iterate 10, PSNR {first.psnr[10]:.1f} dB" in text(lab.status)
    assert "held goes from" in lab.curves.value
    is_current(lab)
    lab.compare.value = False
    assert lab.held is None and "held" not in lab.pictures.value and "Held" not in text(lab.status)
    is_current(lab)


def test_field_and_slider_are_one_number_and_the_field_has_the_name(lab):
    lab.controls.sigma.field.value = 0.01
    assert lab.controls.sigma.slider.value == 0.01 == lab.result.settings.sigma
    lab.controls.step_size.slider.value = 0.39999999999999997  # what a dragged slider sends
    assert lab.controls.step_size.field.value == 0.4 == lab.result.settings.step_size
    sliders = [
        control for control in (*vars(lab).values(), *vars(lab.controls).values()) if isinstance(control, Slider)
    ]
    assert len(sliders) == 10
    all_named(lab)


@pytest.mark.filterwarnings("error")
def test_divergence_is_explained_and_the_app_goes_on(lab):
    lab.controls.step_size.value = 1.5
    lab.controls.steps.value = 60
    last = lab.result.last
    assert lab.result.diverged and 0 < last < 60
    assert "diverged" in text(lab.notice) and "Lower the step size" in text(lab.notice)
    assert "advreg-warning" in lab.notice.value
    assert lab.scrubber.max == last and all(torch.isfinite(it.x).all() for it in lab.result.iterates)
    lab.scrubber.value = 1
    assert text(lab.status).startswith(f"Iterate 1 of {last}")
    lab.controls.step_size.value = 0.3
    assert "advreg-hint" in lab.notice.value and lab.result.last == 60


def test_errors_are_shown_without_an_old_picture_and_the_app_goes_on(lab):
    def broken(x):
        raise RuntimeError("expected a critic that works, got <this>; load another")

    lab.own = broken
    lab.controls.number.value = 1
    assert "advreg-error" in lab.notice.value and "got <this>; load another" in text(lab.notice)
    assert "<img" not in lab.pictures.value and text(lab.status).startswith("Nothing to show")
    lab.own = critic
    lab.controls.number.value = 2
    assert "advreg-hint" in lab.notice.value and lab.result.settings.number == 2
    is_current(lab)


def test_errors_while_scrubbing_are_shown(lab, monkeypatch):
    monkeypatch.setattr(type(lab.status), "say", lambda *_, **__: 1 / 0)
    lab.scrubber.value = 2
    assert "division by zero" in text(lab.notice)


def test_no_noise_and_no_regulariser_is_a_valid_setting(lab):
    lab.controls.sigma.value = 0.0
    assert lab.result.reg_weight == 0 and "advreg-hint" in lab.notice.value


def test_the_same_settings_give_the_same_result(lab):
    again = compute(SMALL, critic)
    assert all(torch.equal(a.x, b.x) for a, b in zip(lab.result.iterates, again.iterates, strict=True))
    assert lab.run().psnr == again.psnr


def send(app, name, content):
    """What the browser sends for a chosen file."""
    app.controls.upload.value = [
        {"name": name, "type": "", "size": len(content), "last_modified": WHEN, "content": memoryview(content)}
    ]


def png_file(path, mode="RGB", size=(60, 50)):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], len(mode)), np.uint8)
    Image.fromarray(pixels.squeeze(), mode).save(path)
    return path.read_bytes()


def test_an_upload_is_measured_and_reconstructed(lab, tmp_path):
    lab.controls.image.value = FILE
    assert "expected a file, got none" in text(lab.notice) and "<img" not in lab.pictures.value
    send(lab, "cat.png", png_file(tmp_path / "cat.png"))
    assert lab.controls.image.value == FILE and lab.result.truth.shape == (1, 1, 32, 32)  # CT has no colours
    is_current(lab)
    lab.controls.operator.value = DENOISING
    assert lab.result.truth.shape == (1, 3, 32, 32)
    is_current(lab)


def test_a_file_is_named_by_its_path(lab, tmp_path):
    """Of any size, on the machine where the notebook computes; what is not there is said, and the app goes on."""
    png_file(tmp_path / "cat.png")
    lab.controls.path.value = str(tmp_path / "cat.png")
    assert lab.controls.image.value == FILE and lab.result.truth.shape == (1, 1, 32, 32)
    is_current(lab)
    lab.controls.path.value = str(tmp_path / "dog.png")
    assert "advreg-error" in lab.notice.value and "dog.png" in text(lab.notice) and "<img" not in lab.pictures.value
    lab.controls.path.value = ""
    lab.controls.image.value = PHANTOM
    is_current(lab)


def test_the_button_says_which_file_was_chosen(lab, tmp_path):
    send(lab, "cat.png", png_file(tmp_path / "cat.png"))
    assert lab.controls.upload.description == "cat.png"


def test_an_empty_file_is_called_empty(lab):
    send(lab, "nothing.png", b"")
    assert "empty" in text(lab.notice)


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("notes.txt", b"hello", "expected a PNG, JPEG, DICOM"),
        ("broken.png", b"\x89PNG but not really", "expected a photograph"),
        ("broken.dcm", b"nothing", "expected a DICOM file"),
        ("broken.npy", b"nothing", "expected a NumPy array"),
    ],
)
def test_a_bad_upload_says_what_to_do_and_the_app_goes_on(lab, name, content, said):
    send(lab, name, content)
    assert "advreg-error" in lab.notice.value and said in text(lab.notice) and name in text(lab.notice)
    lab.controls.image.value = PHANTOM
    assert "advreg-hint" in lab.notice.value
    is_current(lab)


CODES = [
    SMALL,
    replace(TO_THE_END, size=24),
    Settings(image=SLICE, angles=10, steps=2, reg_weight=0.5, noise=3),
    Settings(
        image=PHOTO, number=7, operator=DENOISING, critic="photos-color", sigma=0.1, step_size=0.05, steps=2, size=64
    ),
    Settings(image=PHOTO, operator=INPAINTING, share=30, critic="photos-color", steps=2, size=48, start="zero"),
    Settings(number=4, operator=MRI, share=40, steps=3, method="accelerated", step_size=0.3, size=64),
    Settings(operator=INPAINTING, share=70, steps=20, stop=1e-2, size=64, step_size=0.2),
    Settings(image=PHOTO, angles=20, steps=3, method="forward-backward", stop="discrepancy", size=64, sigma=0.03),
    Settings(image=FILE, operator=MRI, steps=2, size=48, sigma=0.01),
    Settings(image=FILE, operator=DENOISING, critic="photos-color", steps=2, size=48, step_size=0.05),
]


@pytest.mark.filterwarnings("ignore::advreg_edu.reconstruction.NotConverged")
@pytest.mark.parametrize("settings", CODES, ids=lambda s: f"{s.image}-{s.operator}-{s.method}")
def test_the_code_that_is_shown_computes_the_same(settings, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if settings.image == FILE:
        settings = replace(settings, file=("my cat.png", png_file(tmp_path / "my cat.png")))
    network = critic if settings.critic == OWN else scenes.critic(settings.critic)
    names = {"your_critic": critic}
    exec(as_code(settings), names)
    result = compute(settings, network)
    assert torch.allclose(names["it"].x, result.iterates[-1].x, atol=1e-5)
    assert names["it"].step == result.last and torch.equal(names["x"], result.truth)
    assert len(capsys.readouterr().out.splitlines()) == len(result.iterates)


def test_in_a_notebook_frames_appear_while_they_are_computed_and_a_moved_slider_cancels_the_run():
    def slow(x):
        time.sleep(0.01)
        return critic(x)

    async def session():
        app = reconstruction_lab(critic=slow, settings=replace(SMALL, steps=300))
        while not app.result or not 5 <= app.scrubber.max < 300:  # the slider grows with the run
            await asyncio.sleep(0.01)
        partial, abandoned = app.result, app.runner._task
        assert app.runner.busy and partial.last < 300 and "<img" in app.pictures.value
        assert 'aria-busy="true"' in app.status.value
        app.scrubber.value = 2
        await asyncio.sleep(0.3)
        assert app.scrubber.value == 2 and app.result.last > partial.last  # the user looks, the run goes on
        app.controls.steps.value = 10
        await app.runner.done()
        assert abandoned.done() and app.result.settings.steps == 10
        assert app.scrubber.value == app.scrubber.max == app.result.last == 10
        assert 'aria-busy="false"' in app.status.value
        is_current(app)
        app.close()

    asyncio.run(session())


def test_closing_frees_every_widget():
    app = reconstruction_lab(critic=critic, settings=SMALL)
    app.close()
    assert freed(
        app.widget, app.controls.sigma.slider, app.controls.sigma.field, app.pictures, app.play, app.controls.upload
    )


def test_the_scale_of_the_change_moves_in_steps_of_one_two_five():
    assert [numbers.round_up(value) for value in (0, 0.001, 0.0011, 0.3, 0.5, 7)] == pytest.approx(
        [0.001, 0.001, 0.002, 0.5, 0.5, 10]
    )


def test_opening_the_apps_imports_no_heavy_library():
    """SciPy and pydicom take 50 MB, which a lab without CT and without a slice does not need."""
    code = """
import sys
from advreg_edu.apps import reconstruction_lab
reconstruction_lab(settings=dict(operator="denoising"))
print({"scipy", "pydicom", "odl", "requests"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
