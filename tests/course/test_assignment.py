"""One source, two notebooks: what is a student's and what is not, and the metadata that nbgrader reads."""

import copy
import json
import re
import textwrap

import nbformat
import pytest
from advreg_edu.course import notebooks
from advreg_edu.course.assignment import student
from advreg_edu.course.exercises import EXERCISES, NOTEBOOKS

TARGETS = notebooks.targets()
SOLUTIONS = [path for path in TARGETS if path.parent.name == notebooks.SOLUTIONS]
REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION", re.DOTALL)


def cells(path):
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4).cells


def graded(path, kind):
    """{exercise: cell} of one kind: task, answer, check, words."""
    found = [cell for cell in cells(path) if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith(kind)]
    return {cell.metadata.nbgrader.grade_id.split("-")[1]: cell for cell in found}


def with_exercises():
    return [path for path in SOLUTIONS if graded(path, "answer")]


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_no_solution_and_no_hidden_test_reaches_a_student(path):
    text = (path.parent.parent / path.name).read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in text and "HIDDEN" not in text and "require()" not in text
    for cell in graded(path.parent.parent / path.name, "answer").values():
        assert cell.source.splitlines()[1:] == ["    # Your code here.", "    ..."]
    for cell in graded(path.parent.parent / path.name, "words").values():
        assert cell.source.endswith("*Your answer here.*")


def test_every_exercise_has_its_cells_in_its_notebook():
    for kind in ("task", "answer", "check"):
        placed = [(name, path.stem[:2]) for path in SOLUTIONS for name in graded(path, kind)]
        assert sorted(placed) == sorted((name, name[:2]) for name in EXERCISES), kind
    assert {path.stem[:2] for path in with_exercises()} == set(NOTEBOOKS)
    words = [name for path in SOLUTIONS for name in graded(path, "words")]
    assert len({name[:2] for name in words}) == len(NOTEBOOKS), "each notebook has an answer in words"


@pytest.mark.parametrize("path", with_exercises(), ids=lambda path: path.stem)
def test_the_solution_of_a_notebook_is_that_of_the_course(path):
    for name, cell in graded(path, "answer").items():
        kept = [line for line in cell.source.splitlines() if " SOLUTION" not in line]
        assert "\n".join(kept).strip() == textwrap.dedent(EXERCISES[name].solution).strip(), name
        head = f"def {EXERCISES[name].call}:"
        assert cell.source.startswith(head), f"expected {head}"


@pytest.mark.parametrize("path", with_exercises(), ids=lambda path: path.stem)
def test_the_check_calls_the_function_of_the_exercise(path):
    for name, cell in graded(path, "check").items():
        function = EXERCISES[name].call.split("(")[0]
        hidden, shown = f'check("{name}", {function}, seed=1).require()', f'check("{name}", {function})'
        assert cell.source == f"### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS\n{shown}"


@pytest.mark.parametrize("path", with_exercises(), ids=lambda path: path.stem)
def test_the_task_comes_before_the_answer_and_the_check_after(path):
    order = [cell.metadata.nbgrader.grade_id for cell in cells(path) if "nbgrader" in cell.metadata]
    assert list(graded(path, "task")) == sorted(graded(path, "task"))
    for name in graded(path, "answer"):
        at = order.index(f"task-{name}")
        assert order[at + 1 : at + 3] == [f"answer-{name}", f"check-{name}"]


def test_the_ids_of_cells_are_the_same_in_both():
    for path in SOLUTIONS:
        other = path.parent.parent / path.name
        assert [cell.id for cell in cells(path)] == [cell.id for cell in cells(other)]


@pytest.mark.parametrize(
    "text",
    ["### BEGIN SOLUTION\nx = 1", "### END SOLUTION", "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION"],
)
def test_a_region_that_is_not_closed_is_refused(text):
    with pytest.raises(ValueError, match="Close the region"):
        student(nbformat.v4.new_code_cell(text))


def test_a_solution_without_an_exercise_is_refused(tmp_path):
    (tmp_path / "a.py").write_text("# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n")
    with pytest.raises(ValueError, match="expected exercise"):
        notebooks.generate(tmp_path / "a.py")


def test_stale_notebooks_of_both_kinds_are_found(tmp_path):
    source = tmp_path / notebooks.SOURCE
    source.mkdir(parents=True)
    (source / "a.py").write_text('# %% exercise="00a"\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n')
    student_path, solution_path = notebooks.write(tmp_path)
    assert notebooks.stale(tmp_path) == []
    for path in (student_path, solution_path):
        text = path.read_text()
        path.write_text(text.replace("python3", "python2"))
        assert notebooks.stale(tmp_path) == [path]
        path.write_text(text)
    (source / "a.py").write_text('# %% exercise="00a"\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION\n')
    assert sorted(notebooks.stale(tmp_path)) == sorted([student_path, solution_path])
    (source / "a.py").unlink()
    assert sorted(notebooks.stale(tmp_path)) == sorted([student_path, solution_path])


def test_metadata_are_valid_by_nbgraders_schema():
    """What its schema of version 3 asks for, also where nbgrader is absent."""
    for path in TARGETS:
        marked = [cell for cell in cells(path) if "nbgrader" in cell.metadata]
        ids = [cell.metadata.nbgrader.grade_id for cell in marked]
        assert len(ids) == len(set(ids))
        for cell in marked:
            meta = json.loads(json.dumps(cell.metadata.nbgrader))
            graded = meta.pop("grade")
            assert meta.pop("points", None) in ((1, 2, 3) if graded else (None,))
            assert re.fullmatch(r"[a-zA-Z0-9_\-]+", meta["grade_id"])
            assert meta.keys() == {"schema_version", "grade_id", "solution", "locked", "task"}
            assert meta["locked"] is not meta["solution"] and meta["schema_version"] == 3 and meta["task"] is False
            if cell.cell_type == "markdown":
                assert graded == meta["solution"]


def test_students_get_what_nbgrader_would_give():
    pytest.importorskip("nbgrader", reason="nbgrader is absent: pip install -r requirements.txt")
    from advreg_edu.course.assignment import STUBS
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

    clear = ClearSolutions(code_stub={"python": "\n".join(STUBS["code"])}, text_stub="\n".join(STUBS["markdown"]))
    for path in with_exercises():
        made = copy.deepcopy(nbformat.reads(path.read_text(encoding="utf-8"), as_version=4))
        for step in (clear, ClearHiddenTests()):
            made, _ = step.preprocess(made, {})
        wanted = [cell.source for cell in made.cells if "nbgrader" in cell.metadata]
        got = [cell.source for cell in cells(path.parent.parent / path.name) if "nbgrader" in cell.metadata]
        assert wanted == got
