"""The apps in class: a manifold drawn by hand, situations, the line that restores an app, the projector."""

import itertools
import re

import pytest
from moves import no_errors, open_app, says, shoot

pytestmark = pytest.mark.browser
THEORY = """from advreg_edu.apps import theory_worlds

app = theory_worlds(settings=dict(steps=64))
app"""


@pytest.fixture
def theory(page, jupyter):
    app = open_app(page, jupyter, "drawn", THEORY)
    says(app, "After 64 of 64 steps")
    return app


def square(app):
    """(place of a point of the unit square on the screen) of the first map."""
    image = app.locator(".advreg-pad figure").first.locator("img")
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    return lambda x, y: (box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"])


def corners(app):
    text = app.get_by_role("textbox", name="points of M").input_value()
    return [tuple(map(float, pair.split())) for pair in text.split(";")]


PATH = [(0.2, 0.2), (0.8, 0.3), (0.5, 0.8)]


def drawn(app):
    """The app says that M is the line of PATH, to a pixel."""
    says(app, "After 64 of 64 steps")
    app.get_by_label("world").locator("option:checked", has_text="your own").wait_for(state="attached")
    found = corners(app)
    assert len(found) == len(PATH)
    assert all(
        abs(a - b) < 0.01 for got, asked in zip(found, PATH, strict=True) for a, b in zip(got, asked, strict=True)
    )


def test_a_manifold_is_drawn_with_the_mouse(page, theory):
    place = square(theory)
    page.mouse.move(*place(*PATH[0]))
    page.mouse.down()
    for corner in PATH[1:]:
        page.mouse.move(*place(*corner), steps=15)
    assert page.locator("body > svg polyline").count() == 1  # the trace is seen while it is drawn
    page.mouse.up()
    page.wait_for_timeout(1500)
    drawn(theory)
    assert page.locator("body > svg polyline").count() == 0
    shoot(page, theory, "theory-drawn")
    place = square(theory)
    page.mouse.click(*place(0.5, 0.5))  # a mere click draws nothing, and does no harm
    page.mouse.move(*place(0.5, 0.5))
    page.wait_for_timeout(500)
    assert len(corners(theory)) == len(PATH)
    no_errors(page)


FINGER = """([image, path]) => {
  const box = image.getBoundingClientRect();
  const send = (kind, [x, y]) => image.dispatchEvent(new PointerEvent(kind, {bubbles: true, cancelable: true,
    pointerId: 7, pointerType: 'touch', isPrimary: true, button: 0, clientX: box.left + x * box.width,
    clientY: box.bottom - y * box.height}));
  Element.prototype.setPointerCapture = () => {};  // there is no finger 7 to be captured
  send('pointerdown', path[0]);
  path.forEach(place => send('pointermove', place));
  send('pointerup', path.at(-1));
  return getComputedStyle(image).touchAction;
}"""


def test_a_manifold_is_drawn_with_a_finger(page, theory):
    image = theory.locator(".advreg-pad figure").first.locator("img")
    steps = [
        (a[0] + (b[0] - a[0]) * k / 15, a[1] + (b[1] - a[1]) * k / 15)
        for a, b in itertools.pairwise(PATH)
        for k in range(16)
    ]
    assert page.evaluate(FINGER, [image.element_handle(), steps]) == "none"  # the page does not scroll under it
    page.wait_for_timeout(1500)
    drawn(theory)
    no_errors(page)


def test_a_situation_the_line_that_restores_it_and_the_projector(page, jupyter):
    app = open_app(page, jupyter, "class", "from advreg_edu.apps import measurement_lab\n\nmeasurement_lab()")
    says(app, "PSNR of A†y")
    app.get_by_label("situation").select_option("CT, 10 angles")
    app.get_by_role("button", name="copy settings").click()
    line = app.locator(".advreg-copy")
    line.filter(has_text="measurement_lab(settings=dict(angles=10))").wait_for()
    size = lambda: float(app.locator(".advreg-title").first.evaluate("node => node.getBoundingClientRect().height"))
    before = size()
    app.get_by_role("button", name="projector").focus()
    page.keyboard.press("Space")
    page.wait_for_timeout(1000)
    assert not app.get_by_label("operator A").is_visible() and size() > 1.3 * before
    app.get_by_text("Noise and sampling").click()  # one group unfolds
    assert app.get_by_role("spinbutton", name="noise σ", exact=True).is_visible()
    shoot(page, app, "projector")
    app.get_by_role("button", name="projector").click()
    page.wait_for_timeout(1000)
    assert app.get_by_label("operator A").is_visible() and size() == pytest.approx(before, abs=1)
    app.get_by_role("button", name="reset").click()
    line.filter(has_text=re.compile(r"settings=dict\(\)\)")).wait_for()
    no_errors(page)
