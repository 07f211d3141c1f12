"""Curves are drawn where their numbers are, tell themselves apart without colour, and say their numbers."""

import itertools
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from advreg_edu.drawing import axes, charts
from advreg_edu.drawing.charts import curves
from hypothesis import given
from hypothesis import strategies as st

finite = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))


def parsed(drawing):
    return ET.fromstring(drawing.svg)


@given(st.lists(finite, min_size=1, max_size=40), st.booleans(), st.integers(0, 50))
def test_every_drawing_is_valid_and_every_curve_stays_inside_its_axes(values, log, k):
    values = [abs(value) + 0.1 for value in values] if log else values
    chart = curves({"loss & <gain>": values}, log=["loss & <gain>"] if log else [], columns=1)
    root = parsed(chart.at(k))
    ((line,),) = chart.lines
    assert root.tag.endswith("svg") and len(line.spots) == len(values)
    width, _ = chart.size
    assert all(0 <= x <= width and line.heights[0] - 1 <= y <= line.heights[1] + 1 for x, y in line.spots)
    ups = sorted(range(len(values)), key=values.__getitem__)
    assert all(line.spots[a][1] >= line.spots[b][1] - 1e-6 for a, b in itertools.pairwise(ups))


@pytest.mark.parametrize("low, high", [(0, 1), (17.3, 29.1), (-0.02, 0.05), (3, 3000), (0.998, 0.999), (5, 5)])
@pytest.mark.parametrize("log", [False, True])
def test_an_axis_has_two_to_seven_round_ticks_inside(low, high, log):
    if log and low <= 0:
        low = 1e-4
    scale = axes._scale((low, high), log, 0.06)
    ticks = axes._ticks(scale, log, 3)
    assert 2 <= len(ticks) <= 7, ticks
    places = [math.log10(tick) if log else tick for tick in ticks]
    assert all(scale[0] - 1e-9 <= place <= scale[1] + 1e-9 for place in places)


def test_the_cursor_moves_over_the_curve_without_a_new_drawing(monkeypatch):
    chart = curves({"loss": [4.0, 2.0, 1.0, 0.5], "PSNR": [10.0, 12.0, 14.0, 16.0]}, log=["loss"])
    monkeypatch.setattr(charts, "Area", None)
    first, second = chart.at(0), chart.at(2)
    assert first.svg != second.svg
    for (title, base), (same, shapes) in zip(chart.base.panels, second.panels, strict=True):
        assert title == same and shapes.startswith(base)
    assert "loss goes from 4 to 0.5 in 3 steps, 1 at 2" in second.alt
    dots = [node for node in parsed(second).iter() if node.get("fill") == charts.ACCENT and node.get("cx")]
    lines = [line for lines in chart.lines for line in lines]
    for dot, line in zip(dots, lines, strict=True):
        assert (float(dot.get("cx")), float(dot.get("cy"))) == pytest.approx(line.spots[2], abs=0.06)
    assert chart.at(99).alt == chart.at(3).alt


def test_sheet_and_cursor_are_the_two_layers_of_the_drawing():
    chart = curves({"loss": [4.0, 2.0, 1.0, 0.5]})
    ((title, curve),), ((_, cursor),), ((_, both),) = (d.panels for d in (chart.sheet, chart.cursor(2), chart.at(2)))
    assert curve + cursor == both and title == "loss"
    assert "visibility:hidden" in chart.cursor(2).img() and 'aria-hidden="true"' in chart.sheet.img()
    assert chart.cursor(2).alt == chart.at(2).alt and chart.sheet.alt == "" and chart.sheet.size == chart.at().size


def test_several_lines_in_one_panel_differ_by_dash_and_marker_and_have_a_legend():
    chart = curves({"loss": {"ours": [3, 2, 1], "paper": [3, 2.5, 2]}})
    assert "ours goes from 3 to 1" in chart.at().alt and "paper goes from 3 to 2" in chart._repr_html_()
    dashes, markers, _ = zip(*charts.STYLES, strict=True)
    assert len(set(dashes)) == len(set(markers)) == len(charts.STYLES)
    words = [node.text for node in parsed(chart.at()).iter() if node.tag.endswith("text")]
    assert "ours" in words and "paper" in words and "loss" in words


def test_own_numbers_on_a_logarithmic_axis_with_marks():
    chart = curves({"PSNR": [20, 25, 22]}, x=[0.1, 1, 10], axis="weight λ", log_x=True, marks={"formula": 1.0})
    ((line,),) = chart.lines
    left, middle, right = (x for x, _ in line.spots)
    assert middle - left == pytest.approx(right - middle)
    words = [node.text for node in parsed(chart.at(1)).iter() if node.tag.endswith("text")]
    assert "formula" in words and "weight λ" in words
    assert (
        chart.at(1).alt
        == "Curves (horizontal axis: weight λ): PSNR goes from 20 to 22 in 2 steps, 25 at 1; formula marked at 1."
    )


def test_values_that_are_not_finite_do_not_break_the_drawing():
    parsed(curves({"loss": [1.0, math.inf, 2.0], "other": [math.nan, 1.0, 2.0]}).at(1))


@pytest.mark.parametrize(
    "value, words",
    [(0.5, "0.5"), (-20, "−20"), (1000, "1000"), (-5000, "−5000"), (1e4, "10⁴"), (2e6, "2·10⁶"), (-3e12, "−3·10¹²")],
)
def test_ticks_are_written_in_few_letters(value, words):
    assert axes._short(value) == words


def test_numbers_on_the_axis_may_be_an_array():
    chart = curves({"PSNR": [1.0, 2.0, 3.0]}, x=np.array([0.5, 1.0, 2.0]))
    assert [line.x for (line,) in chart.lines] == [(0.5, 1.0, 2.0)]


def test_a_band_is_around_its_line_inside_the_axes_and_in_the_sentence():
    chart = curves({"Wass": {"exact": [3.0, 2.0], "straight": [3.0, 1.9]}}, bands={"exact": [0.5, 2.5]})
    (shape,) = [node for node in parsed(chart.at()).iter() if node.get("fill-opacity")]
    corners = [tuple(map(float, pair.split(","))) for pair in shape.get("points").split()]
    ((exact, _),) = chart.lines
    for spot, low, high in zip(exact.spots, corners[:2], corners[:1:-1], strict=True):
        assert low[0] == high[0] == pytest.approx(spot[0], abs=0.06)
        assert (low[1] + high[1]) / 2 == pytest.approx(spot[1], abs=0.11)
    assert all(exact.heights[0] <= y <= exact.heights[1] for _, y in corners)
    assert "Wass, exact goes from 3 to 2 in 1 steps, band ± 2.5 at most; Wass, straight" in chart.at().alt


@given(st.floats(0, 10), st.floats(0, 10), st.sampled_from([(300, 170), (600, 180)]))
def test_the_name_of_one_mark_does_not_cross_the_line_of_another(a, b, size):
    """Of two marks, where both names find room at their outer sides; else they stand in rows."""
    chart = curves({"f": [1.0, 2.0]}, x=[0, 10], marks={"E‖e‖²": a, "oracle": b}, width=size[0], height=size[1])
    names = {node.text: node for node in parsed(chart.at()).iter() if node.tag.endswith("text")}
    first, second = (names[name] for name in ("E‖e‖²", "oracle"))
    left, right = (first, second) if a < b else (second, first)
    if left.get("y") == right.get("y"):
        assert (left.get("text-anchor"), right.get("text-anchor")) == ("end", "start")
        assert float(left.get("x")) <= float(right.get("x"))
