"""TEACHING.md leaves nothing out, its lines open the apps, and what it refers to is there."""

import asyncio
import re

import advreg_edu.apps as apps
import nbformat
import pytest
import teaching
from advreg_edu.apps.shared.settings import as_settings
from advreg_edu.course import notebooks
from advreg_edu.course.exercises import EXERCISES

TEXT = teaching.PAGE.read_text(encoding="utf-8")
SOURCES = {path.stem[:2]: path.read_text(encoding="utf-8") for path in sorted(set(notebooks.targets().values()))}
SOLUTIONS = [path for path in notebooks.targets() if path.parent.name == notebooks.SOLUTIONS]
PYTHON = [line for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
LINE = re.compile(r"(\w+)\((?:settings=(dict\(.*\)))?\)  # (.+)")
REFERENCE = re.compile(r"\b(\d\d), sections? (\d+)(?:(?: to |, | and )(\d+)\b)?")


def test_every_exercise_has_its_row():
    assert [row[0] for row in teaching.rows(r"\d\d[a-z]")] == sorted(EXERCISES)


def test_every_prediction_has_its_row():
    asked = [name for text in SOURCES.values() for name in re.findall(r'predict\(\s*"([^"]+)"', text)]
    assert [name for name, _ in teaching.predictions()] == asked


def test_every_prediction_in_words_has_its_row():
    asked = []
    for number, text in SOURCES.items():
        for section in re.split(r"(?m)^# ## ", text)[1:]:
            asked += [f"{number}, section {section.split()[0]}"] * section.count("**Predict.**")
    assert [row[0] for row in teaching.rows(r"\d\d, section \d+") if len(row) == 4] == asked


def test_what_the_plans_ask_for_exists():
    named = re.findall(r"\b\d\d(?:-[a-z][\w-]*|[a-z])\b", TEXT)
    assert set(named) <= {name for name, _ in teaching.predictions()} | set(EXERCISES)


def test_every_question_at_the_end_of_a_section_is_answered():
    asked = [(number, question) for number, text in SOURCES.items() for question in _questions(text)]
    answered = re.findall(r"(?m)^(\d\d)(?:, [^.]*?)?, question (\d)\. ", TEXT)
    assert answered == asked


def _questions(text):
    """The numbers of the questions, list by list."""
    lists = [block for block in re.split(r"\n#?\n|# %%.*\n", text) if block.startswith("# 1. ")]
    return [number for block in lists for number in re.findall(r"(?m)^# (\d)\. ", block)]


def test_the_answers_in_words_are_named():
    words = [name for text in SOURCES.values() for name in re.findall(r'\[markdown\] exercise="(\d\d.)" points', text)]
    assert re.findall(r"(?m)^- \*\*(\d\d\w)\*\*", TEXT) == words


def test_every_line_opens_its_app_as_the_menu_does():
    async def opened(line):
        name, settings, situation = LINE.fullmatch(line).groups()
        app = eval(line, {name: getattr(apps, name)})
        assert eval(settings or "dict()") == app.situations[situation], line
        assert app.settings == as_settings(type(app.settings), app.situations[situation]), line
        app.close()

    async def all_of_them():  # within an event loop a run waits its turn, so that none is computed
        for line in PYTHON:
            await opened(line)

    assert len(PYTHON) > 20
    asyncio.run(all_of_them())


def test_every_reference_leads_somewhere():
    found = REFERENCE.findall(TEXT)
    assert len(found) > 20
    for number, *sections in found:
        for section in filter(None, sections):
            assert re.search(rf"(?m)^# ## {section} ", SOURCES[number]), f"{number}, section {section}"
    for link in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (teaching.PAGE.parent / link).exists(), link


def test_the_points_are_those_of_the_notebooks():
    cells = [cell for path in SOLUTIONS for cell in nbformat.read(path, as_version=4).cells]
    points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in cells)
    assert f"{points} points in all" in TEXT


def test_the_concept_test_has_twelve_items_with_one_answer_each():
    part = TEXT.split("## A concept test")[1].split("\n## ")[0]
    items = re.split(r"(?m)^\d+\. ", part)[1:]
    assert len(items) == 12
    for item in items:
        assert re.findall(r"\*\*\((\w)\)\*\*", item) == list("abcd"), item
        assert re.search(r"\[[abcd]\]\s*$", item), item


@pytest.mark.parametrize(
    ("stated", "measured", "same"),
    [
        ("by 1.80, from 11.61.", "by 1.81, from 11.70.", True),
        ("λ = 0.22 by Morozov", "λ = 0.4 by Morozov", False),
        ("+0.7 dB", "-0.7 dB", False),
        ("at once, 33%.", "hardly, 33%.", False),
    ],
)
def test_outcomes_are_compared_by_words_and_numbers(stated, measured, same):
    assert teaching.alike(stated, measured) is same
