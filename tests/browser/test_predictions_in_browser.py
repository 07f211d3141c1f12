"""A prediction as a student makes it: by keyboard, kept before the outcome, set beside it; the record, out and in."""

import json
import re

import nbformat
import pytest
from moves import SHOTS

pytestmark = pytest.mark.browser
CELLS = (
    'from advreg_edu.course import outcome, predict, progress\n\npredict("00-error", "How large?", ["5 %", "50 %"])',
    'outcome("00-error", "52 % in the image.")',
    "progress()",
)


@pytest.fixture
def notebook(page, jupyter):
    """A page with the three cells, none of them run; and the folder where the record will lie."""
    address, served = jupyter
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    found = [nbformat.v4.new_code_cell(source) for source in CELLS]
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
