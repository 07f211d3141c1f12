"""Random moves of random controls in JupyterLab: nothing fails, and what is seen in the end is what is set.

Not part of the test command: MOVES=500 pytest tests/browser/random_moves.py
"""

import json
import os
import random

import pytest
from moves import no_errors, open_app

pytestmark = pytest.mark.browser
MOVES = int(os.environ.get("MOVES", "20"))
CHECKS = {  # the file with the app's own check that it shows what is set
    "measurement_lab": "test_measurement_lab",
    "descent_lab": "test_descent_lab",
    "training_monitor": "test_training_monitor",
    "weight_lab": "test_weight_lab",
    "reconstruction_lab": "test_apps",
    "theory_worlds": "test_theory_worlds",
}
KEYS = ("ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End")
HANDS_OFF = ("your file", "your own")  # there is no file, and a line of one's own may be none
REACHABLE = ", ".join(
    kind + ":visible" for kind in (".noUi-handle", "select:enabled", "button:enabled", "input[type=number]:enabled")
)
SAID = """app => [...app.querySelectorAll('img[alt]')].map(i => i.alt).filter(Boolean).concat(
  [...app.querySelectorAll('[role=status]')].map(s => s.textContent))"""
SHOW = """
import sys
sys.path.insert(0, {tests!r})
from advreg_edu.apps import {name}
from test_app_robustness import used
from {check} import is_current
app = {name}()
app"""
CHECK = """
import html, json, re
from app_moves import text
if hasattr(app, "play"):
    app.play.playing = False
for run in ("runner", "sweeper"):
    if hasattr(app, run):
        await getattr(app, run).done()
is_current(app)
said = [html.unescape(alt) for alt in re.findall('alt="([^"]+)"', app.pictures.value)] + [text(app.status)]
print("asked", json.dumps(dict(said=said, used=used())))"""


@pytest.mark.parametrize("name", CHECKS)
def test_random_moves(page, jupyter, root, name):
    show = SHOW.format(tests=str(root / "tests"), name=name, check=CHECKS[name])
    app = open_app(page, jupyter, f"moves_{name}", show, CHECK)
    dice = random.Random(0)
    before = asked(page, app)["used"]
    for k in range(MOVES):
        move(page, app, dice)
        no_errors(page)
        if k == MOVES // 3:  # what is loaded once has been loaded
            before = asked(page, app)["used"]
    asked(page, app)  # stops what plays
    after = asked(page, app)
    assert set(after["said"]) <= set(app.evaluate(SAID))
    assert after["used"] - before < 30 * 2**20
    no_errors(page)


def move(page, app, dice):
    """One control, by keyboard as a user who can see no mouse would, and a short while or none at all."""
    controls = app.locator(REACHABLE)
    control = dice.choice(controls.element_handles())  # what is visible may change while it is moved
    kind = control.evaluate("c => c.closest('[disabled], .widget-upload') ? 'none' : c.tagName")
    if kind == "SELECT":
        labels = control.evaluate("c => [...c.options].map(o => o.text)")  # with no-break spaces, by ipywidgets
        labels = [label for label in labels if label.replace("\xa0", " ") not in HANDS_OFF]
        control.select_option(label=dice.choice(labels), force=True)
    elif kind != "none" and control.evaluate("c => { c.focus(); return document.activeElement === c; }"):
        keys = {"BUTTON": ("Enter",), "INPUT": ("ArrowUp", "ArrowDown")}.get(kind, KEYS)
        for _ in range(dice.choice((1, 1, 3))):
            page.keyboard.press(dice.choice(keys))
    page.wait_for_timeout(dice.choice((0, 20, 100, 300)))


def settle(page, app):
    """End a training, then wait until no run is in flight and nothing changes any more: JupyterLab moves controls in a
    thread of their own, where a move waits behind the result that is being made."""
    stop = app.get_by_role("button", name="stop", exact=True)
    if stop.count() and stop.is_enabled():
        stop.click()
    before = None
    for _ in range(180):
        now = app.inner_html()
        if now == before and 'aria-busy="true"' not in now:
            return
        page.wait_for_timeout(1000)
        before = now
    raise AssertionError("The app still changes after three minutes without a move.")


def asked(page, app):
    """What the second cell prints now."""
    page.wait_for_timeout(500)
    settle(page, app)
    cell = page.locator(".jp-Notebook .jp-Cell").nth(1)
    before = executed(page, "")  # it may still run since the notebook was opened
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    executed(page, before)
    no_errors(page)
    return json.loads(cell.locator(".jp-OutputArea-output").inner_text().removeprefix("asked "))


def executed(page, before):
    """Wait until the second cell has run to its end, and its prompt is no longer the one before; returns the prompt."""
    return page.wait_for_function(
        """before => { const now = document.querySelectorAll('.jp-Notebook .jp-Cell .jp-InputPrompt')[1].innerText;
          return now !== before && !now.includes('*') && now; }""",
        arg=before,
        timeout=120_000,
    ).json_value()
