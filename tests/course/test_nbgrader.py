"""nbgrader takes the notebooks with solutions as they are: assignments and grades come of them, without network."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from advreg_edu.course import notebooks

pytest.importorskip("nbgrader", reason="nbgrader is absent: pip install -r requirements.txt")

CUT = Path(__file__).resolve().parents[1] / "notebooks"  # its sitecustomize.py lets no connection leave
SOLUTIONS = [path for path in notebooks.targets() if path.parent.name == notebooks.SOLUTIONS]
GRADED = "00_start_here"
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "test"
c.CourseDirectory.root = {root!r}
c.ExecutePreprocessor.timeout = 300
"""


def nbgrader(folder, *words):
    """Run a command of nbgrader in a folder, and return what it printed."""
    paths = filter(None, [str(CUT), str(CUT.parents[1]), os.environ.get("PYTHONPATH")])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "ADVREG_EDU_PROGRESS": str(folder)}
    environment |= {"JUPYTER_CONFIG_DIR": str(folder / "jupyter"), "JUPYTER_DATA_DIR": str(folder / "data")}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # alembic
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of nbgrader whose assignment is all notebooks of ours, released."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "nbgrader_config.py").write_text(CONFIG.format(root=str(folder)))
    for name, paths in (("all", SOLUTIONS), ("one", [p for p in SOLUTIONS if p.stem == GRADED])):
        source = folder / "source" / name
        source.mkdir(parents=True)
        for path in paths:
            (source / path.name).write_bytes(path.read_bytes())
        nbgrader(folder, "generate_assignment", name, "--create")
    return folder


def test_assignments_are_generated(course):
    for path in SOLUTIONS:
        made = nbformat.read(course / "release" / "all" / path.name, as_version=4)
        text = "\n".join(cell.source for cell in made.cells)
        assert "SOLUTION" not in text and "HIDDEN" not in text
        marked = [cell for cell in made.cells if "nbgrader" in cell.metadata]
        assert all("checksum" in cell.metadata.nbgrader for cell in marked)
        assert ("NotImplementedError" in text) == bool(marked)


@pytest.mark.notebook
def test_submissions_are_graded(course):
    """One who copied the solutions, one who handed in the stubs, and one with a known mistake."""
    right = nbformat.read(course / "source" / "one" / f"{GRADED}.ipynb", as_version=4)
    stubs = nbformat.read(course / "release" / "one" / f"{GRADED}.ipynb", as_version=4)
    wrong = nbformat.read(course / "release" / "one" / f"{GRADED}.ipynb", as_version=4)
    for cell, solved in zip(wrong.cells, right.cells, strict=True):
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "answer-00a":
            cell.source = solved.source.replace("log10", "log")
    for notebook in (right, stubs, wrong):
        for cell in notebook.cells:  # the long run and the app are not what is tested
            if "reconstruction_lab()" in cell.source:
                cell.source = ""
    for name, notebook in {"right": right, "stubs": stubs, "wrong": wrong}.items():
        folder = course / "submitted" / name / "one"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{GRADED}.ipynb")
    nbgrader(course, "autograde", "one")
    assert scores(course) == {"right": 5.0, "stubs": 0.0, "wrong": 0.0}


def scores(folder):
    """{student: points by the automatic checks}."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        return {s.student.id: sum(n.score for n in s.notebooks) for s in book.assignment_submissions("one")}
