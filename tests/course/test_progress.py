"""The record of answers: kept, loaded, whole or not at all, and what it says when it cannot be."""

import base64
import json
import re

import pytest
from advreg_edu.course import check, progress
from advreg_edu.course.exercises import EXERCISES
from advreg_edu.course.record import FILE, Progress
from advreg_edu.course.verdict import State, Verdict

RIGHT, WRONG = EXERCISES["00a"].reference, lambda x, x_true: x


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("ADVREG_EDU_PROGRESS", str(tmp_path))
    return tmp_path / FILE


def test_a_verdict_is_there_next_time(path):
    check("00a", WRONG)
    assert Progress().state("00a") == State.WRONG
    check("00a", RIGHT)
    check("00a", WRONG)  # once right, always right
    entry = Progress().exercises["00a"]
    assert Progress().state("00a") == State.RIGHT and entry["attempts"] == 3
    assert "1 of" in str(progress()) and path.stat().st_size < 1000
    assert "WRONG = EXERCISES" in entry["answer"]  # the line in which the last answer was written


def test_a_stub_and_a_grader_leave_no_trace(path):
    check("00a", lambda x, x_true: ...)
    check("00a", RIGHT, seed=1)
    assert not path.exists()


def test_by_default_it_lies_in_the_folder_of_the_notebook(tmp_path, monkeypatch):
    monkeypatch.delenv("ADVREG_EDU_PROGRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    check("00a", RIGHT)
    assert (tmp_path / FILE).is_file()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"exercises": 3}',
        b'{"exercises": {"00a": {"state": "eaten"}}}',
        b'{"exercises": {}, "predictions": {"00-steps": {"answer": 3}}}',
        b"[" * 9999,
    ],
)
def test_a_damaged_file_is_kept_aside(path, damage):
    path.write_bytes(damage)
    verdict = check("00a", RIGHT)
    assert verdict.right and "was damaged" in verdict.note and "kept as" in str(verdict)
    kept = path.with_suffix(".damaged-1.json")
    assert kept.read_bytes() == damage and Progress().note == "" and Progress().state("00a") == State.RIGHT
    path.write_bytes(damage)
    assert "damaged-2" in progress().notice.value and "damaged-3" not in str(progress())


def test_what_it_does_not_know_stays(path):
    path.write_text(json.dumps({"format": 1, "exercises": {}, "later": [1]}))
    check("00a", RIGHT)
    content = json.loads(path.read_text())
    assert content["later"] == [1] and "00a" in content["exercises"]


def test_what_was_downloaded_can_be_brought_back(path):
    check("00a", RIGHT)
    link = re.search(r'download="(.*?)" href="data:application/json;base64,(.*?)"', progress().table.value)
    path.unlink()
    assert Progress().state("00a") == State.NOT_ATTEMPTED
    path.with_name(link[1]).write_bytes(base64.b64decode(link[2]))
    assert Progress().state("00a") == State.RIGHT
    check("01a", EXERCISES["01a"].reference)
    assert Progress().state("00a") == Progress().state("01a") == State.RIGHT and path.exists()


def test_a_record_that_cannot_be_written_is_said(tmp_path):
    record = Progress(tmp_path / "file" / FILE)
    (tmp_path / "file").write_text("")
    assert "could not be kept" in record.remember(Verdict("00a", State.RIGHT, "Good."))


def test_the_table_can_be_read(path):
    check("00a", RIGHT)
    html = progress().table.value
    assert "<caption>1 of" in html and html.count('scope="row"') == len(EXERCISES)
    assert html.count('scope="col"') == 4 and "✔" in html


def test_a_verdict_is_text_and_a_status():
    verdict = Verdict("00a", State.KNOWN, "1 < 2 & so on.")
    assert (
        "not yet" in str(verdict) and 'role="status"' in verdict._repr_html_() and "1 &lt; 2" in verdict._repr_html_()
    )
    with pytest.raises(AssertionError, match="so on"):
        verdict.require()
