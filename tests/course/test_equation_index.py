"""The index of equations: nothing of the paper is left out or named twice, and all that it names is there."""

import re

import pytest
from advreg_edu.course import equation_index
from advreg_edu.course.equations import ENTRIES
from advreg_edu.course.notebooks import ROOT, SOURCE

PAPER = {
    *(f"Eq. {k}" for k in range(1, 22)),
    *(
        f"{name} {k}"
        for name, count in (("Algorithm", 2), ("Theorem", 3), ("Assumption", 3))
        for k in range(1, count + 1)
    ),
    *(f"{name} {k}" for name, count in (("Corollary", 1), ("Remark", 2), ("Table", 2)) for k in range(1, count + 1)),
    "Section 5.1",
    "Local Regularizers",
    "Recursive Training",
}
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.label)


def test_nothing_is_left_out_and_nothing_named_twice():
    labels = [entry.label for entry in ENTRIES]
    assert sorted(labels) == sorted(PAPER)


@each_entry
def test_every_function_is_there(entry):
    assert entry.functions
    for name in entry.functions:
        assert callable(equation_index.function(name)), name


@each_entry
def test_every_section_is_there_and_speaks_of_it(entry):
    assert entry.places
    for place in entry.places:
        _, heading, text = equation_index.section(place)
        assert entry.key in f"{heading}\n{text}", (
            f"{place}, {heading}: expected {entry.key!r}, got a section without it"
        )


def test_the_equations_that_notebooks_number_are_in_the_index_with_their_notebook():
    """Each \\tag{Eq. k} stands in a notebook that the entry of Eq. k names."""
    places = {entry.label: {place[:2] for place in entry.places} for entry in ENTRIES}
    for source in (ROOT / SOURCE).glob("*.py"):
        for label in re.findall(r"\\tag\{(Eq\. \d+)\}", source.read_text(encoding="utf-8")):
            assert source.name[:2] in places[label], f"{source.name} numbers {label}, and its entry does not name it"


def test_a_place_that_is_none_or_two_is_an_error():
    for place, got in (("04#77", "none"), ("99#1", "none"), ("04#", ", ")):
        with pytest.raises(ValueError, match="expected one heading") as raised:
            equation_index.section(place)
        assert got in str(raised.value)
    with pytest.raises(AttributeError):
        equation_index.function("theory.nothing")


def test_a_section_ends_where_the_next_begins():
    _, heading, text = equation_index.section("04#4")
    assert heading.startswith("4 Theorem 1") and "The proof" in text and "Corollary 1:" not in text
    _, _, part = equation_index.section("04#The proof")
    assert "(13)" in part and "Remark 1:" not in part


def test_the_page_is_what_the_index_generates_and_its_links_lead_somewhere(tmp_path):
    assert equation_index.stale() == []
    page = ROOT / equation_index.PAGE
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert len(links) > 70 and [link for link in links if not (page.parent / link).exists()] == []
    (tmp_path / "notebooks").mkdir()
    (tmp_path / SOURCE).symlink_to(ROOT / SOURCE)
    assert equation_index.stale(tmp_path) == [tmp_path / equation_index.PAGE]
    equation_index.write(tmp_path)
    assert equation_index.stale(tmp_path) == []
