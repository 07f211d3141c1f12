"""Each app in a notebook of one cell: the names of its controls; and the theory app by keyboard."""

import re

import pytest
from moves import all_named, no_errors, open_app, says, shoot, slider, type_in

pytestmark = pytest.mark.browser
READY = {  # what the status line says when an app has something to show
    "measurement_lab": "PSNR of A†y",
    "descent_lab": "Iterate 60 of 60",
    "training_monitor": "Step 0 of",
    "weight_lab": "PSNR",
    "reconstruction_lab": re.compile(r"Iterate (\d+) of \1:"),
    "theory_worlds": "After 320 of 320 steps",
}


def opened(page, jupyter, name):
    app = open_app(page, jupyter, name, f"from advreg_edu.apps import {name}\n\n{name}()")
    says(app, READY[name])
    return app


@pytest.mark.parametrize("name", READY)
def test_every_control_has_a_name_and_every_picture_a_text(page, jupyter, name):
    app = opened(page, jupyter, name)
    all_named(app)
    no_errors(page)
    shoot(page, app, name)


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
