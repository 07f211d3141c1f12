"""A prediction as a student makes it: by keyboard, kept before the outcome, set beside it; the record, out and in."""

import json
import re

import nbformat
import pytest
from moves import SHOTS, all_named, nothing_serious

pytestmark = pytest.mark.browser
EVERY_FORM = (
    "from advreg_edu.course import check, hint, outcome, predict, progress, solution\n\n"
    'predict("00-error", "How large?", ["5 %", "50 %"])',
    'predict("01-double", "By what factor?", unit="times")',
    'predict("04-formula", "Say it in words.")',
    'def psnr(x, x_true):\n    return 1\n\n\ncheck("00a", psnr)',
    'hint("00a")',
    'solution("00a")',
    'outcome("00-error", "52 % in the image.")',
    "progress()",
)
CELLS = (
    'from advreg_edu.course import outcome, predict, progress\n\npredict("00-error", "How large?", ["5 %", "50 %"])',
    'outcome("00-error", "52 % in the image.")',
    "progress()",
)


@pytest.fixture(params=[CELLS])
def notebook(page, jupyter, request):
    """A page with the cells, none of them run; and the folder where the record will lie."""
    address, served = jupyter
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    found = [nbformat.v4.new_code_cell(source) for source in request.param]
    path = served / "predictions.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=found, metadata={"kernelspec": kernel}), path)
    page.goto(f"{address}/lab/tree/{path.name}?reset")
    page.get_by_text(re.compile(r"\| Idle")).wait_for()
    page.locator(".jp-Notebook .jp-Cell").first.locator(".jp-InputArea-prompt").click()
    yield page, served
    (served / ".advreg_progress.json").unlink(missing_ok=True)


def test_it_is_kept_and_confronted(notebook, tmp_path):
    page, served = notebook
    page.keyboard.press("Shift+Enter")
    page.get_by_role("radio", name="5 %", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_role("status").filter(has_text="Kept: 5 %.").wait_for()
    record = json.loads((served / ".advreg_progress.json").read_text())
    assert record["predictions"]["00-error"]["answer"] == "5 %" and not record["predictions"]["00-error"]["outcome"]
    for k in (1, 2):
        page.locator(".jp-Notebook .jp-Cell").nth(k).locator(".jp-InputArea-prompt").click()
        page.keyboard.press("Shift+Enter")
    page.get_by_role("status").filter(has_text="You predicted: 5 %. The outcome: 52 % in the image.").wait_for()
    table = page.get_by_role("table", name=re.compile("exercises are right; predictions made: 1"))
    table.wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download this record").click()
    download.value.save_as(tmp_path / "mine.json")
    (served / ".advreg_progress.json").unlink()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=re.compile("Bring back a record")).click()
    chooser.value.set_files(tmp_path / "mine.json")
    page.get_by_role("status").filter(has_text="mine.json was added.").wait_for()
    assert json.loads((served / ".advreg_progress.json").read_text()) == record | {
        "predictions": {"00-error": record["predictions"]["00-error"] | {"outcome": "52 % in the image."}}
    }
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/predictions.png")


@pytest.mark.parametrize("notebook", [EVERY_FORM], indirect=True, ids=["every form"])
def test_every_form_by_keyboard_and_to_a_screen_reader(notebook):
    page, _ = notebook
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.get_by_role("table", name=re.compile("exercises are right")).wait_for()
    group = page.get_by_role("radiogroup", name="Predict. How large?", exact=True)
    first, second = (group.get_by_role("radio", name=name, exact=True) for name in ("5 %", "50 %"))
    assert first.is_visible() and second.is_visible()
    for name, words in (("number, times", "1.8"), ("prediction", "the distance")):
        page.get_by_role("textbox", name=name, exact=True).focus()
        page.keyboard.type(words)
        page.keyboard.press("Tab")  # whoever leaves the field has answered
        page.get_by_role("status").filter(has_text=f"Kept: {words}.").wait_for()
    page.get_by_role("button", name=re.compile("Bring back a record")).focus()
    all_named(page.locator(".jp-Notebook"))
    nothing_serious(page)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/every-form.png")
