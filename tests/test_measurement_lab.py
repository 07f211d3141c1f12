"""The measurement lab: its numbers are those of the operators, and every control shows what it says."""

import math

import advreg_edu as ar
import pytest
import torch
from advreg_edu.apps import measurement_lab
from advreg_edu.apps.measurement import app as wiring
from advreg_edu.apps.measurement import model
from advreg_edu.apps.measurement.model import Settings, measure, pattern, spectrum
from advreg_edu.apps.measurement.view import chart, chart_index, picture, sentence
from advreg_edu.apps.shared import scenes
from advreg_edu.apps.shared.scenes import CT, DENOISING, INPAINTING, MRI, OPERATORS, PHOTO, SLICE
from app_moves import freed, seen, text

SMALL = Settings(size=16, angles=10)


@pytest.fixture
def lab():
    app = measurement_lab(settings=SMALL)
    yield app
    app.close()


def is_current(app):
    """Pictures, curves and text are those of the controls as they are now."""
    result, percent = measure(app.settings), app.pattern.value
    assert app.pictures.value == picture(result, percent).figures()
    drawn = chart(app.settings)
    assert app.curves.value == drawn.sheet.img() + drawn.cursor(chart_index(app.settings, percent)).img()
    assert text(app.status) == sentence(result, percent)


def matrix(A):
    """A as a real matrix (data, pixels), double."""
    size = math.prod(A.domain_shape)
    columns = A(torch.eye(size).reshape(-1, *A.domain_shape).double())
    columns = torch.view_as_real(columns) if columns.is_complex() else columns
    return columns.flatten(1).T.double()


def inverse_matrix(A, rows):
    """A† as a real matrix (pixels, data), double."""
    units = torch.eye(rows).double()
    units = units.reshape(-1, *A.range_shape, 2) if A.complex_range else units.reshape(-1, *A.range_shape)
    units = torch.view_as_complex(units) if A.complex_range else units
    return A.pinv(units).flatten(1).T


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("share", [20, 70])
def test_singular_values_and_gains_are_those_of_the_operator(name, share):
    settings = Settings(operator=name, size=16, angles=4, share=share)
    what, A = spectrum(settings), scenes.operator(settings)
    M = matrix(A)
    _, s, Vt = torch.linalg.svd(M)
    s = torch.cat([s, s.new_zeros(len(Vt) - len(s))])
    assert torch.allclose(what.values.double(), s, atol=2e-5)
    assert what.zeros == int((s < 1e-4).sum())
    assert torch.allclose(what.exact[what.values > 0], 1 / what.values[what.values > 0])
    total = inverse_matrix(A, len(M)).square().sum()  # E ||A†e||² for sigma = 1, in any basis
    assert float(what.used.square().sum()) == pytest.approx(float(total), rel=1e-3)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("k", [0, 30, 200])
def test_the_pattern_is_multiplied_by_its_singular_value(name, k):
    settings = Settings(operator=name, size=16, angles=6, share=60)
    v = pattern(settings, k)[None, None]
    assert v.abs().max() == pytest.approx(1)
    scanned = scenes.operator(settings)(v)
    assert float(scanned.abs().square().sum().sqrt() / v.norm()) == pytest.approx(
        float(spectrum(settings).values[k]), abs=1e-4
    )


def test_the_ray_transform_is_taken_apart_at_a_smaller_size_with_as_many_data_per_pixel():
    what = spectrum(Settings(operator=CT, angles=30))
    assert what.size == 24 and what.angles == 6 and len(what.values) == 24**2
    small, shown = scenes.ray_transform(24, 6), scenes.ray_transform(128, 30)
    ratio = lambda A: math.prod(A.range_shape) / math.prod(A.domain_shape)
    assert ratio(small) == pytest.approx(ratio(shown), rel=0.15)
    assert f"{what.size}×{what.size} pixels, {what.angles} angles" in chart(Settings(operator=CT)).at().alt


def test_the_first_view_has_six_tiles_curves_and_text(lab):
    assert lab.pictures.value.count("<figure") == 6 and "data y: sinogram" in lab.pictures.value
    assert "singular values" in lab.curves.value and 'role="status"' in lab.status.value
    assert text(lab.status).startswith("PSNR of A†y ")
    is_current(lab)


@pytest.mark.parametrize(
    "control, value",
    [
        ("operator", DENOISING),
        ("operator", INPAINTING),
        ("operator", MRI),
        ("image", SLICE),
        ("image", PHOTO),
        ("number", 3),
        ("sigma", 0.04),
        ("angles", 20),
        ("pattern", 7),
    ],
)
def test_every_control_changes_picture_and_text(lab, control, value):
    before = seen(lab)
    getattr(lab, control).value = value
    assert seen(lab)[0] != before[0] and seen(lab)[2] != before[2]
    assert "advreg-error" not in lab.notice.value
    is_current(lab)


def test_the_share_changes_everything_where_there_is_one(lab):
    for operator in (INPAINTING, MRI):
        lab.operator.value = operator
        before = seen(lab)
        lab.share.value = 30 if lab.share.value == 50 else 50
        assert all(now != then for now, then in zip(seen(lab), before, strict=True))
        assert lab.angles.widget.layout.display == "none" != lab.share.widget.layout.display
        is_current(lab)


def test_the_noise_slider_rescales_one_draw_and_new_noise_is_another(lab):
    first = lab.result.noise
    lab.sigma.value = 0.04
    assert torch.allclose(lab.result.noise, 2 * first, atol=1e-6)
    A = scenes.operator(lab.settings)
    assert torch.allclose(A.pinv(A(lab.result.truth)) + lab.result.noise, lab.result.naive, atol=1e-5)
    lab.new_noise.click()
    assert not torch.allclose(lab.result.noise, 2 * first, atol=1e-2)
    is_current(lab)


def test_the_number_that_is_shown_is_the_one_of_the_library():
    result = measure(Settings(sigma=0.02))
    problem = ar.Problem(ar.RayTransform(size=128, angles=30), sigma=0.02)
    x = ar.images.thorax(1, generator=torch.Generator().manual_seed(0))
    naive = problem.naive(problem.measure(x, torch.Generator().manual_seed(0)))
    assert result.psnr == pytest.approx(float(ar.psnr(naive.clamp(0, 1), x)))
    assert f"PSNR of A†y {result.psnr:.1f} dB" in sentence(result, 20)


def test_no_noise_is_a_valid_setting(lab):
    lab.sigma.value = 0.0
    assert "‖e‖ = 0" in text(lab.status) and "advreg-hint" in lab.notice.value
    is_current(lab)


def test_an_error_leaves_no_old_picture_and_the_app_goes_on(lab, monkeypatch):
    monkeypatch.setattr(wiring, "measure", lambda settings: 1 / 0)
    lab.sigma.value = 0.03
    assert "division by zero" in text(lab.notice) and "<img" not in lab.pictures.value
    assert text(lab.status).startswith("Nothing to show")
    monkeypatch.setattr(wiring, "measure", model.measure)
    lab.sigma.value = 0.02
    assert "advreg-hint" in lab.notice.value
    is_current(lab)


def test_a_typed_number_beyond_the_ends_is_refused_in_the_notice_and_takes_nothing_with_it(lab):
    before = seen(lab)
    for typed in (5, -1):
        lab.sigma.field.value = typed
        assert f"noise σ: expected a number from 0 to 0.05, got {typed}; it stays 0.02" in text(lab.notice)
        assert lab.sigma.field.value == lab.sigma.slider.value == 0.02 and seen(lab) == before
    lab.sigma.field.value = 0.03
    assert "advreg-hint" in lab.notice.value
    is_current(lab)


def test_what_an_error_hides_keeps_its_place(lab, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(wiring, "measure", lambda settings: 1 / 0)
        lab.sigma.value = 0.03
    for panel in (lab.pictures, lab.curves):
        assert panel.layout.visibility == "hidden" and panel.children[1].value and not panel.value
    lab.sigma.value = 0.02
    assert lab.pictures.layout.visibility is None
    is_current(lab)


def test_closing_frees_every_widget():
    app = measurement_lab(settings=SMALL)
    app.close()
    assert freed(app.widget, app.sigma.slider, app.sigma.field, app.pictures, app.new_noise)
