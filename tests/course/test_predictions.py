"""Predictions: kept before the outcome, set beside it, and every form in a notebook has its outcome below."""

import json
import re
from datetime import UTC, datetime

import ipywidgets as W
import nbformat
import pytest
from advreg_edu.course import notebooks, outcome, predict, predictions, progress
from advreg_edu.course.exercises import EXERCISES
from advreg_edu.course.record import FILE, UPLOADED, Progress
from advreg_edu.course.verdict import State

ASKED = re.compile(r'predict\(\s*"([^"]+)"')
TOLD = re.compile(r'outcome\(\s*"([^"]+)"')
IN_WORDS = {"09_extensions"}  # its predictions are still to become forms
STUDENTS = [
    path for path in notebooks.targets() if path.parent.name != notebooks.SOLUTIONS if path.stem not in IN_WORDS
]


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("ADVREG_EDU_PROGRESS", str(tmp_path))
    monkeypatch.setattr(predictions, "_outcomes", {})
    return tmp_path / FILE


def steps(options=("5", "50")):
    return predict("00-steps", "How many steps?", options)


def test_it_is_kept_at_once_and_set_beside_the_outcome(path, capsys):
    form = steps()
    assert form.field.value is None and not path.exists()
    form.field.value = "5"
    form.field.value = "50"  # before the outcome a mind may change
    assert "Kept: 50." in form.notice.value
    outcome("00-steps", "70 steps.")
    assert "You predicted: 50. The outcome: 70 steps." in capsys.readouterr().out
    entry = json.loads(path.read_text())["predictions"]["00-steps"]
    assert entry["answer"] == "50" and entry["outcome"] == "70 steps." and entry["question"] == "How many steps?"


def test_after_the_outcome_it_stays(capsys):
    form = steps()
    form.field.value = "5"
    outcome("00-steps", "70")
    form.field.value = "50"
    assert form.field.value == "5" and form.field.disabled and "You predicted: 5." in form.notice.value
    again = steps()
    assert again.field.value == "5" and again.field.disabled and "The outcome: 70" in again.notice.value
    assert Progress().predictions["00-steps"]["answer"] == "5"


def test_without_an_answer_the_outcome_is_told_and_nothing_kept(path, capsys):
    steps()
    outcome("00-steps", "70")
    assert "No prediction was made. The outcome: 70" in capsys.readouterr().out and not path.exists()


def test_what_is_entered_after_the_outcome_says_so():
    form = steps()
    outcome("00-steps", "70")
    form.field.value = "5"
    assert "You predicted: 5 (after the outcome was shown). The outcome: 70" in form.notice.value
    assert form.field.disabled and Progress().predictions["00-steps"]["outcome"] == "70"


def test_numbers_are_numbers_and_words_are_words():
    form = predict("00-loss", "How many dB?", unit="dB")
    form.field.value = "many"
    assert "Expected a number such as 4.5" in form.notice.value and "00-loss" not in Progress().predictions
    form.field.value = "-3.5 dB"
    assert Progress().predictions["00-loss"]["answer"] == "-3.5 dB" and 'role="alert"' not in form.notice.value
    words = predict("00-why", "Why?")
    words.field.value = "  noise & <angles> "
    assert Progress().predictions["00-why"]["answer"] == "noise & <angles>" and "&lt;angles&gt;" in words.notice.value
    assert "&lt;angles&gt;" in progress().table.value


def test_every_control_has_a_name():
    for form in (steps(), predict("00-loss", "How many dB?", unit="dB"), predict("00-why", "Why?")):
        assert isinstance(form.field, W.RadioButtons) or form.field.description
        assert form.field.tooltip == form.question and form.question in form.widget.children[0].value


@pytest.mark.parametrize("options", ["yes", ["yes"]])
def test_a_choice_of_one_is_refused(options):
    with pytest.raises(ValueError, match="two or more"):
        predict("00-steps", "Yes?", options)


def test_a_record_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ADVREG_EDU_PROGRESS", str(tmp_path / "file"))
    form = steps()
    form.field.value = "5"
    assert "could not be kept" in form.notice.value


def upload(page, content, name=UPLOADED):
    file = {"name": name, "type": "application/json", "size": len(content), "content": content}
    page.upload.value = [file | {"last_modified": datetime.now(UTC)}]


def test_a_downloaded_record_is_brought_back_by_the_button(path, monkeypatch, tmp_path):
    from advreg_edu.course import check

    check("00a", EXERCISES["00a"].reference)
    steps().field.value = "5"
    kept = path.read_bytes()
    monkeypatch.setenv("ADVREG_EDU_PROGRESS", str(tmp_path / "other"))
    check("01a", EXERCISES["01a"].reference)
    check("00a", lambda x, x_true: x)
    steps().field.value = "50"  # later than the other
    page = progress()
    upload(page, kept)
    assert "was added" in page.notice.value and page.upload.value == () and "2 of" in str(page)
    assert Progress().state("00a") == Progress().state("01a") == State.RIGHT
    assert Progress().predictions["00-steps"]["answer"] in {"5", "50"} and "How many steps?" in page.table.value


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"exercises": 3}'])
def test_another_file_is_refused(content, path):
    page = progress()
    upload(page, content, "notes.json")
    assert 'role="alert"' in page.notice.value and "notes.json: expected a record" in page.notice.value
    assert not path.exists()


def cells(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", STUDENTS, ids=lambda path: path.stem)
def test_each_prediction_has_one_outcome_below_it(path):
    asked = [(name, k) for k, source in enumerate(cells(path)) for name in ASKED.findall(source)]
    told = {name: k for k, source in enumerate(cells(path)) for name in TOLD.findall(source)}
    assert asked and len(dict(asked)) == len(asked) and len(told) == len(TOLD.findall("\n".join(cells(path))))
    assert dict(asked).keys() == told.keys()
    for name, k in asked:
        assert name.startswith(f"{path.stem[:2]}-") and told[name] > k, name


@pytest.mark.parametrize("path", STUDENTS, ids=lambda path: path.stem)
def test_no_prediction_is_asked_in_words_alone(path):
    assert "**Predict.**" not in path.read_text(encoding="utf-8")
