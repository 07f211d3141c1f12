"""The descent lab and the training monitor as a student meets them: in JupyterLab, by mouse and keyboard."""

import re

import pytest
from moves import no_errors, open_app, says, shoot, slider, type_in

pytestmark = pytest.mark.browser


def test_the_limit_stands_where_the_handle_would(page, app_and_limit):
    """The mark under the slider of the step size is where its handle is when the step size is the limit."""
    app, limit = app_and_limit
    type_in(app, "step size ε", limit)
    says(app, "Iterate")
    page.wait_for_timeout(1000)
    handle = slider(page, app, "step size ε").bounding_box()
    mark = app.locator(".advreg-limit > div").nth(1).bounding_box()
    assert abs(handle["x"] + handle["width"] / 2 - (mark["x"] + mark["width"] / 2)) < 4


@pytest.fixture
def app_and_limit(page, jupyter):
    app = open_app(page, jupyter, "limit", "from advreg_edu.apps import descent_lab\n\ndescent_lab()")
    says(app, "Iterate 60 of 60")
    return app, re.search(r"2/L = ([\d.]+)", app.locator(".advreg-limit").inner_text()).group(1)


def test_descent_lab(page, jupyter):
    app = open_app(page, jupyter, "descent", "from advreg_edu.apps import descent_lab\n\ndescent_lab()")
    says(app, "Iterate 60 of 60: PSNR")
    app.get_by_role("button", name="sweep λ").click()
    says(app, "Morozov")
    shoot(page, app, "descent-tv")
    slider(page, app, "iterate").focus()
    page.keyboard.press("ArrowLeft")
    says(app, "Iterate 59 of 60")
    app.get_by_label("cost").select_option("Tikhonov, f = ‖∇x‖²")
    says(app, re.compile(r"Iterate 60 of 60.*λ\s1 × f"))
    type_in(app, "step size ε", "0.2")
    page.get_by_text("Diverged. ε is 1.80 times its limit 2/L = 0.111").wait_for()
    says(app, re.compile(r"Iterate (\d+) of \1\b"))
    assert "clipped" in app.inner_text()
    shoot(page, app, "descent-diverged")
    app.get_by_role("button", name="ε = 1/L").click()
    says(app, "Iterate 60 of 60")
    assert page.get_by_text("Diverged").count() == 0
    app.get_by_label("cost").select_option("two unknowns, f = ‖x‖²")
    says(app, "from the minimiser")
    box = slider(page, app, "step size ε").bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 8, steps=4)
    page.mouse.up()
    page.get_by_text("Diverged").wait_for()
    shoot(page, app, "descent-two")
    no_errors(page)


def button(app, name):
    return app.get_by_role("button", name=name, exact=True)


def test_training_monitor(page, jupyter):
    code = "from advreg_edu.apps import training_monitor\n\nmonitor = training_monitor()\nmonitor"
    app = open_app(page, jupyter, "monitor", code)
    says(app, "Step 0 of 150")
    shoot(page, app, "monitor-begin")
    type_in(app, "steps", "100")
    says(app, "Step 0 of 100")
    button(app, "one step").click()
    says(app, "Step 1 of 100")
    app.get_by_text("Eq. 6, first pair of step 1").wait_for()
    type_in(app, "penalty μ", "5")  # turns while it trains
    button(app, "resume").click()
    says(app, re.compile(r"Step [2-9]\d* of 100"))
    button(app, "pause").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Paused. Resume goes on exactly here").wait_for()
    page.wait_for_timeout(1500)
    paused = says(app, re.compile(r"Step [1-9]\d* of 100"))
    type_in(app, "noise σ", "0.2")
    page.get_by_text("This setting belongs to another training").wait_for()
    page.wait_for_timeout(1500)
    assert says(app, "of 100") == paused  # it does stand still, and nothing is lost
    type_in(app, "noise σ", "0.1")
    page.get_by_text("Paused. Resume goes on exactly here").wait_for()
    button(app, "resume").click()
    app.get_by_role("status").filter(has_text=re.compile(r"weights of step [1-9]0")).wait_for()
    shoot(page, app, "monitor-running")
    button(app, "stop").click()
    says(app, "averaged weights")
    button(app, "start again").wait_for()
    button(app, "restart").click()
    says(app, "Step 0 of 100")
    no_errors(page)
