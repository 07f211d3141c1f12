"""Every notebook: generated from its source, short cells, no outputs, and runs top to bottom without network."""

import time
from pathlib import Path

import nbformat
import pytest
import teaching
from advreg_edu.course import notebooks
from kernels import run
from nbclient.exceptions import CellExecutionError
from stated_numbers import strays

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "notebooks"
PATHS = [*sorted(FOLDER.glob("*.ipynb")), *sorted((FOLDER / notebooks.SOLUTIONS).glob("*.ipynb"))]
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def errors(notebook):
    """What went wrong in a notebook that ran: error outputs, and errors that only a widget shows.

    nbclient raises for the first kind. Exceptions in ipywidgets.interact end up in an Output widget's state, those of
    our apps in an HTML widget with role="alert"; both leave the cell without an error.
    """
    found = [o.evalue for cell in code_cells(notebook) for o in cell.outputs if o.output_type == "error"]
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for model in (model["state"] for model in widgets.get("state", {}).values()):
        found += [o["evalue"] for o in model.get("outputs", []) if o["output_type"] == "error"]
        text = str(model.get("value", ""))
        if 'role="alert"' in text or "Traceback (most recent call last)" in text:
            found.append(text)
    return found


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def notebook_of(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def test_every_notebook_has_a_source_and_every_source_a_notebook():
    known = notebooks.targets()
    assert known, f"expected sources in {notebooks.SOURCE}/, got none"
    assert list(known) == PATHS


@each_notebook
def test_it_is_what_its_source_generates(path):
    assert path not in notebooks.stale(), f"{path.name} is out of date: run make notebooks"


@each_notebook
def test_code_cells_have_at_most_15_lines(path):
    for cell in code_cells(nbformat.read(path, as_version=4)):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= 15, f"{len(lines)} lines in the cell that begins with {lines[0]!r}"


@each_notebook
def test_it_is_kept_without_outputs(path):
    for cell in code_cells(nbformat.read(path, as_version=4)):
        assert cell.outputs == [] and cell.execution_count is None, cell.source


@pytest.mark.notebook
@each_notebook
def test_it_runs(path, capsys, tmp_path):
    start = time.perf_counter()
    notebook = run(nbformat.read(path, as_version=4), path.parent, tmp_path)
    with capsys.disabled():
        print(f"\n{path.parent.name}/{path.name}: {time.perf_counter() - start:.1f} s")
    assert errors(notebook) == []
    said = [text for cell in code_cells(notebook) if 'check("' in cell.source for text in texts(cell)]
    wanted = ", right." if path.parent != FOLDER else ", not attempted."
    assert [text for text in said if wanted not in text] == []
    stated, told = dict(teaching.predictions()), teaching.outcomes(notebook)
    assert [name for name, text in told.items() if not teaching.alike(stated.get(name, ""), text)] == [], told
    assert list(strays(notebook)) == []  # the numbers in the text are those that the cells show


def texts(cell):
    """What the outputs of a cell say as plain text."""
    return [o.data["text/plain"] for o in cell.outputs if "text/plain" in o.get("data", {})]


@pytest.mark.notebook
@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "import urllib.request; urllib.request.build_opener(urllib.request.ProxyHandler({})).open('http://example.org')",
    ],
)
def test_the_network_is_blocked(attempt, tmp_path):
    with pytest.raises(CellExecutionError, match="network blocked by the tests"):
        run(notebook_of(attempt), tmp_path)


@pytest.mark.notebook
def test_errors_in_widgets_are_found(tmp_path):
    box = """import ipywidgets\nbox = ipywidgets.HTML('<p role="alert">broken</p>')\nbox"""
    interact = "def f(k):\n    raise ValueError('hidden')\nipywidgets.interact(f, k=3);"
    assert sorted(errors(run(notebook_of(box, interact), tmp_path))) == ['<p role="alert">broken</p>', "hidden"]


def test_a_number_that_no_cell_shows_is_found():
    cell = nbformat.v4.new_code_cell("x = 30")
    cell.outputs = [nbformat.v4.new_output("stream", text="PSNR 27.65 dB, a share of 0.513")]
    for text, found in (
        ("It has 27.7 dB.", []),
        ("It has 27.4 dB, and 51 % are left.", ["27.4"]),
        ("It has $27.4$ dB in `0.5`.", []),
        ("The paper has 27.4 dB.", []),
        ("1. Try 0.05.", []),
    ):
        notebook = nbformat.v4.new_notebook(cells=[cell, nbformat.v4.new_markdown_cell(text)])
        assert [stray.split()[0] for stray in strays(notebook)] == found, text
