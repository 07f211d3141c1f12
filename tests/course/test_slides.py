"""Slides: what becomes one, what becomes a note, and no address of another machine in the page."""

import html
import re

import nbformat
import pytest
from advreg_edu.course import slides
from nbformat import v4

pytest.importorskip("latex2mathml", reason="latex2mathml is absent: pip install --no-deps -r requirements-slides.txt")

TEXT = """\
# 00 A notebook

**You will be able to**

- *see* it.
"""
SECTION = """\
## 1 A circle

First a sentence about Eq. 1, which is long. Then a second one with $x_1$ in it.

$$ \\min_x \\|Ax - y\\|_2^2 + \\lambda_1 \\Psi(x). \\tag{Eq. 5} $$

See [notebook 01](01_inverse_problems.ipynb).
"""
FIRST = "from advreg_edu.course import outcome, predict\nprint('ready')"
ASKED = """\
predict("00-circle", "How far?", ["near", "far"])"""
TOLD = """\
outcome("00-circle", "far.")
print("a printed line")
from advreg_edu.apps import measurement_lab
measurement_lab()"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """A small notebook, run as the slides run it."""
    task = v4.new_markdown_cell("**Exercise 00a.** A task.", metadata={"nbgrader": {"grade_id": "task-00a"}})
    cells = [v4.new_markdown_cell(TEXT), v4.new_code_cell(FIRST), v4.new_markdown_cell(SECTION)]
    cells += [task, v4.new_code_cell(ASKED), v4.new_code_cell(TOLD)]
    path = tmp_path_factory.mktemp("notebooks") / "00_a.ipynb"
    path.write_text(nbformat.writes(v4.new_notebook(cells=cells)), encoding="utf-8")
    return slides.executed(path)


def kinds(notebook):
    return [(cell.metadata.get("slideshow", {}).get("slide_type", "-"), cell) for cell in slides.slides(notebook).cells]


def test_headings_begin_slides_and_paragraphs_are_notes(notebook):
    made = [(kind, cell.source.splitlines()[:1]) for kind, cell in kinds(notebook)]
    assert made[:2] == [("slide", ["# 00 A notebook"]), ("slide", ["## 1 A circle"])]
    notes = "".join(cell.source for kind, cell in kinds(notebook) if kind == "notes")
    assert "Then a second one" in notes and "(01_inverse_problems.html)" in notes
    assert [line for kind, line in made[3:] if kind == "subslide"] == [["### Predict"], ["### 1 A circle"]]


def test_a_section_without_formulas_keeps_its_first_sentence():
    cell = v4.new_markdown_cell("## 1 A circle\n\nIt follows Eq. 5 closely. Then more.")
    first, *_ = slides.slides(v4.new_notebook(cells=[cell])).cells
    assert first.source == "## 1 A circle\n\nIt follows Eq. 5 closely."


def test_code_exercises_and_the_first_lines_stay_out(notebook):
    page = slides.html(notebook, "00_a")
    assert "Exercise 00a" not in page and "import outcome" not in page and ">ready" not in page


def test_outcomes_questions_and_apps_are_seen(notebook):
    page = slides.html(notebook, "00_a")
    assert "The outcome: far." in page and "No prediction was made" not in page
    assert "<strong>How far?</strong>" in page and "<li>near</li>" in page and "a printed line" in page
    (still,) = re.findall(r'<div class="still">.*', page)
    assert still.count("<img") >= 4 and "widget" not in still


def test_formulas_are_mathml(notebook):
    page = slides.html(notebook, "00_a")
    assert page.count("<math") == 2 and "\\lambda" not in page
    assert re.search(r"\(Eq\.\s5\)", html.unescape(page))


def test_every_formula_of_the_course_can_be_written():
    from advreg_edu.course import notebooks

    for source in set(notebooks.targets().values()):
        text = "\n".join(line[2:] for line in source.read_text(encoding="utf-8").splitlines() if line.startswith("# "))
        for formula in slides.MATH.finditer(text):
            assert slides._mathml(formula).startswith("<math"), formula[0]


def test_the_page_needs_no_other_machine(notebook):
    page = slides.html(notebook, "00_a")
    wanted = re.findall(r"""(?:src|href)=["'](?!data:)([^"'#]+)|url\(["']?(?!data:)([^"')]+)|@import ([^;]+)""", page)
    assert [address for group in wanted for address in group if re.match(r"(https?:)?//", address)] == []
    assert {"reveal/dist/reveal.js", "reveal/dist/reveal.css"} <= {group[0] for group in wanted}


def test_an_app_that_failed_is_no_picture(monkeypatch):
    from advreg_edu.apps import measurement_lab
    from advreg_edu.course.stills import still

    app = measurement_lab()
    monkeypatch.setattr(app, "run", lambda: app.notice.error(ValueError("no data")))
    with pytest.raises(RuntimeError, match="no data"):
        still(app)


def test_an_unknown_notebook_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected some of 00, 01"):
        list(slides.write(["99"], tmp_path))
    assert list(tmp_path.iterdir()) == []
