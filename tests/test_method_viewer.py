"""The method viewer: every control shows what is stored, and the sentence has the numbers."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.apps import method_viewer
from advreg_edu.apps.shared.controls import Slider
from app_moves import all_named, text


@pytest.fixture
def app():
    truth = torch.rand(3, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    app = method_viewer(truth, {"good": 0.9 * truth, "bad": 0.5 * truth})
    yield app
    app.close()


def test_flipping_changes_picture_and_sentence(app):
    before = app.pictures.value
    assert text(app.status).startswith("Image 0, good: PSNR ") and "number 1 of 2" in text(app.status)
    app.method.value = "bad"
    x = app.truth[:1]
    assert f"bad: PSNR {ar.psnr(0.5 * x, x).item():.2f} dB, number 2 of 2" in text(app.status)
    assert app.pictures.value != before and "bad − truth" in app.pictures.value


@pytest.mark.parametrize("control, value", [("number", 2), ("row", 7), ("column", 9)])
def test_every_slider_moves_the_picture(app, control, value):
    app.row.value = app.column.value = 3
    before = app.pictures.value
    getattr(app, control).value = value
    assert app.pictures.value != before and "advreg-error" not in app.notice.value


def test_another_image_puts_the_square_where_there_is_most_to_see(app):
    app.truth[1] = 0.5
    app.truth[1, :, 4:30, 8:30] = torch.rand(3, 26, 22, generator=torch.Generator().manual_seed(1))
    app.number.value = 1
    assert text(app.status).startswith("Image 1") and app.row.value in (0, 4) and app.column.value in (0, 4)


def test_errors_are_shown_in_the_app(app):
    app.results["bad"] = app.results["bad"][:, :1]
    app.method.value = "bad"
    assert 'role="alert"' in app.notice.value


def test_every_control_has_a_name(app):
    assert app.method.description == "method"
    sliders = [control for control in vars(app).values() if isinstance(control, Slider)]
    assert len(sliders) == 3
    all_named(app)
