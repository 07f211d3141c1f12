"""What a student does with an app in JupyterLab, by mouse and keyboard: shared by the browser tests."""

import os
import re
from pathlib import Path

import nbformat
import pytest

AXE = Path(__file__).parents[2] / "live" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = os.environ.get("SCREENSHOTS")  # a folder, to look at what the tests saw
NAMED = """node => Boolean(node.getAttribute('aria-label') || node.title || node.textContent.trim()
  || (node.labels && [...node.labels].some(label => label.textContent.trim())) || node.type === 'file')"""


def open_app(page, jupyter, name, *codes, files=False):
    """Run the cells of a new notebook and return the app in it. `files`: beside the list of files."""
    address, served = jupyter
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}  # without it JupyterLab asks
    cells = [nbformat.v4.new_code_cell(code) for code in codes]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), served / f"{name}.ipynb")
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset")
    page.get_by_text(re.compile(r"\| Idle")).wait_for()  # the kernel is there
    if not files:
        page.keyboard.press("Control+b")  # fold the list away
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    app = page.locator(".advreg-lab")
    app.get_by_role("status").first.wait_for()
    return app


def says(app, words):
    """Wait until a status line contains the words (a text or a pattern); return it."""
    line = app.get_by_role("status").filter(has_text=words)
    line.wait_for(timeout=120_000)
    return line.inner_text()


def type_in(app, name, value):
    field = app.get_by_role("spinbutton", name=name, exact=True)
    field.fill(value)
    field.press("Enter")


def slider(page, app, name):
    field = page.get_by_role("spinbutton", name=name, exact=True)
    return app.locator(".widget-hbox").filter(has=field).last.get_by_role("slider")


def shoot(page, app, name):
    """The app on the screen of a small laptop (as far as it is seen) and of a projector."""
    if not SHOTS:
        return
    for width, height in ((1280, 800), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        app.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png")
    page.set_viewport_size({"width": 1280, "height": 800})


def no_errors(page):
    kinds = [f'[data-mime-type="application/vnd.jupyter.{kind}"]' for kind in ("error", "stderr")]
    told = page.locator(", ".join([".advreg-error", *kinds])).all_inner_texts()
    assert not told, told


def nothing_serious(page, where=".jp-OutputArea-output"):
    """axe-core finds nothing serious within the outputs of the cells: what is ours, and not JupyterLab's."""
    if not AXE.is_file():
        pytest.skip("live/node_modules is absent: npm ci --prefix live installs axe-core")
    page.add_script_tag(path=AXE)
    run = "where => axe.run({include: [[where]]}).then(({violations, passes}) => [violations, passes.length])"
    violations, passed = page.evaluate(run, where)
    assert passed > 10, "axe-core has looked at nothing"
    told = [(v["impact"], v["id"], [node["html"] for node in v["nodes"]]) for v in violations]
    assert not [one for one in told if one[0] in ("serious", "critical")], told


def all_named(app):
    """Every control has a name that a screen reader can say, and every picture an alternative text."""
    controls = f"node => [...node.querySelectorAll('input, select, button, [role=slider]')].filter(c => !({NAMED})(c))"
    assert app.evaluate(f"node => ({controls})(node).map(c => c.outerHTML)") == []  # at once: an app may still draw
    assert app.evaluate("node => [...node.querySelectorAll('img')].every(img => img.hasAttribute('alt'))")
