"""Each app in a notebook of one cell: the names of its controls; and the theory app by keyboard."""

import re

import pytest
from moves import all_named, no_errors, nothing_serious, open_app, says, shoot, slider, type_in

pytestmark = pytest.mark.browser
READY = {  # what the status line says when an app has something to show
    "measurement_lab": "PSNR of A†y",
    "descent_lab": "Iterate 60 of 60",
    "training_monitor": "Step 0 of",
    "weight_lab": "PSNR",
    "reconstruction_lab": re.compile(r"Iterate (\d+) of \1:"),
    "theory_worlds": "After 320 of 320 steps",
}


def opened(page, jupyter, name, **how):
    app = open_app(page, jupyter, name, f"from advreg_edu.apps import {name}\n\n{name}()", **how)
    says(app, READY[name])
    return app


@pytest.mark.parametrize("name", READY)
def test_every_control_has_a_name_and_every_picture_a_text(page, jupyter, name):
    app = opened(page, jupyter, name)
    all_named(app)
    no_errors(page)
    shoot(page, app, name)
    nothing_serious(page)


SCROLL = """app => { const page = app.closest('.jp-WindowedPanel-outer') || app.closest('.jp-Notebook');
  page.scrollTop += app.getBoundingClientRect().top - page.getBoundingClientRect().top;
  return page.getBoundingClientRect().bottom; }"""
BOTTOMS = "all => Math.max(...all.map(one => one.getBoundingClientRect().bottom))"
WIDTHS = "all => all.map(one => one.getBoundingClientRect().width).filter(width => width > 0)"


@pytest.mark.parametrize("name", READY)
def test_controls_and_pictures_are_on_one_screen_beside_the_list_of_files(page, jupyter, name):
    app = opened(page, jupyter, name, files=True)
    bottom = app.evaluate(SCROLL)
    assert app.locator(".advreg-controls").evaluate_all(BOTTOMS) <= bottom
    assert app.locator(".advreg-pictures figure").evaluate_all(BOTTOMS) <= bottom
    assert min(app.locator(".noUi-base").evaluate_all(WIDTHS)) > 100
    for width in (640, 900, 1440):  # nothing is cut off, and no third of the width is left free
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(500)
        left, right, end = app.evaluate(
            """app => { const all = [...app.querySelectorAll('.advreg-controls, .advreg-pictures')];
            const boxes = all.map(one => one.getBoundingClientRect()), own = app.getBoundingClientRect();
            return [own.left, Math.max(...boxes.map(box => box.right)), own.right]; }"""
        )
        assert left + 0.67 * (end - left) < right <= end + 1


def test_the_number_follows_while_a_slider_is_dragged(page, jupyter):
    app = opened(page, jupyter, "measurement_lab")
    handle = slider(page, app, "noise σ")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 38, box["y"] + 8, steps=3)
    shown = app.locator(".advreg-slider:has(.noUi-active) .widget-readout")
    assert shown.is_visible() and float(shown.inner_text()) > 0.02
    page.mouse.up()
    assert not shown.is_visible()


def test_a_typed_number_beyond_the_ends_is_not_taken_without_a_word(page, jupyter):
    app = opened(page, jupyter, "measurement_lab")
    type_in(app, "noise σ", "5")
    app.get_by_text("noise σ: expected a number from 0 to 0.05, got 5; it stays 0.02.").wait_for()
    assert app.get_by_role("spinbutton", name="noise σ", exact=True).input_value() == "0.02"


def test_the_theory_worlds(page, jupyter):
    app = opened(page, jupyter, "theory_worlds")
    slider(page, app, "step η").focus()
    page.keyboard.press("ArrowRight")
    says(app, "One step of η = 0.01")
    slider(page, app, "training").focus()
    page.keyboard.press("Home")
    says(app, "After 0 of 320 steps")
    type_in(app, "steps", "160")
    says(app, "After 160 of 160 steps")
    app.get_by_label("world").select_option("your own")
    says(app, "After 160 of 160 steps")
    before = says(app, "E‖∇Ψ‖²")
    corners = app.get_by_role("textbox", name="points of M")
    corners.fill("0.2 0.2; 0.8 0.2; 0.8 0.8")
    corners.press("Enter")
    page.wait_for_timeout(500)
    assert says(app, "After 160 of 160 steps") != before
    shoot(page, app, "theory-own")
    no_errors(page)
