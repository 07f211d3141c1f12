"""Pictures of the plane: where colours, level lines, manifold, dots and arrows are drawn, and what the text says."""

import io

import numpy as np
import pytest
import torch
from advreg_edu.drawing import maps, panels, pictures
from advreg_edu.drawing.maps import Plane, plane
from advreg_edu.theory import worlds
from PIL import Image

SIDE, TOP = 400, pictures.FONT + 10  # of a single panel
INDIGO, YELLOW = (0, 34, 78), (254, 232, 56)  # the ends of cividis


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)


def at(picture, x, y, left=0):
    """The colour of the point (x, y) of the plane, in the panel that begins at column `left`."""
    return pixels(picture)[TOP + round((1 - y) * (SIDE - 1)), left + round(x * (SIDE - 1))]


def height(x):
    return x[..., 1].flatten()


def sideways(x):
    return x[..., 0].flatten()


def test_the_second_coordinate_points_up_and_dark_is_low():
    picture = plane([Plane("height", height)], spacing=10)
    assert abs(at(picture, 0.5, 0.01) - INDIGO).max() < 12 and abs(at(picture, 0.5, 0.99) - YELLOW).max() < 12


def test_the_first_coordinate_points_right():
    picture = plane([Plane("first", sideways)], spacing=10)
    assert abs(at(picture, 0.01, 0.5) - INDIGO).max() < 12 and abs(at(picture, 0.99, 0.5) - YELLOW).max() < 12


def test_values_on_the_grid_are_those_of_the_function():
    heat = maps.on_grid(sideways)
    assert heat.shape == (maps.CELLS, maps.CELLS)
    assert torch.allclose(heat[0], (torch.arange(maps.CELLS) + 0.5) / maps.CELLS) and (heat == heat[:1]).all()
    assert plane([Plane("a", sideways)]).png == plane([Plane("a", heat)]).png


@pytest.mark.parametrize("spacing, lines", [(0.25, 3), (0.1, 9), (2.0, 0)])
def test_level_lines_are_as_many_as_the_spacing_says(spacing, lines):
    """Along x -> x the levels are crossed at multiples of the spacing."""
    row = pixels(plane([Plane("first", sideways)], spacing=spacing))[TOP + 200, 3 : SIDE - 3]
    jump = row.min(1)[1:-1] - np.maximum(row.min(1)[:-2], row.min(1)[2:])  # white is brighter than both neighbours
    assert (jump > 30).sum() == lines


def test_panels_of_one_kind_share_their_scale_and_signed_ones_are_centred():
    small, large = (lambda x, s=s: s * height(x) for s in (0.5, 1.0))
    picture = plane([Plane("a", small), Plane("b", large), Plane("c", lambda x: height(x) - 0.25, signed=True)])
    assert picture.alt.count("shown from 0 to 0.99") == 2 and "shown from −0.745 to 0.745" in picture.alt
    assert "Level lines are 0.05 apart." in picture.alt


def test_given_limits_hold_for_what_has_no_sign():
    assert "shown from 0 to 3" in plane([Plane("a", height)], limits=(0.0, 3.0)).alt


def test_a_constant_has_a_scale():
    assert "values 0.5 to 0.5" in plane([Plane("flat", lambda x: 0 * height(x) + 0.5)]).alt


def test_dots_lie_where_the_points_are():
    x = torch.tensor([[0.25, 0.75]])
    picture = plane([Plane("points", x=x)])
    ink = np.argwhere((pixels(picture)[TOP + 1 : TOP + SIDE - 1, 1 : SIDE - 1] < 120).all(2))
    assert abs(ink.mean(0) - (0.25 * SIDE, 0.25 * SIDE)).max() < 2 and abs(ink - ink.mean(0)).max() < 5
    assert "points (1 points)" in picture.alt


def test_arrows_go_from_their_points_to_their_ends():
    x, arrows = torch.tensor([[0.2, 0.5]]), torch.tensor([[0.5, 0.0]])
    picture = plane([Plane("arrow", x=x, arrows=arrows)])
    ink = np.argwhere((pixels(picture)[TOP + 1 : TOP + SIDE - 1, 1 : SIDE - 1] < 120).all(2))
    assert abs(ink[:, 1].min() - 0.2 * SIDE) < 4 and abs(ink[:, 1].max() - 0.7 * SIDE) < 4
    assert "1 arrows of mean length 0.5" in picture.alt


@pytest.mark.parametrize("make", [worlds.circle, worlds.segment, worlds.points, worlds.ellipse, worlds.spiral])
def test_the_manifold_is_drawn_where_it_is(make):
    world = make()
    picture = plane([Plane("M", world=world)])
    orange = abs(pixels(picture)[TOP : TOP + SIDE, :SIDE] - np.array(panels.ACCENT)).max(2) < 90
    for x, y in world.sample(20, torch.Generator().manual_seed(0)).reshape(-1, 2).tolist():
        row, column = round((1 - y) * (SIDE - 1)), round(x * (SIDE - 1))
        assert orange[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].any()
    assert 0 < orange.mean() < 0.05
    assert f"M, in orange: {world}" in picture.alt


def test_the_lattice_covers_the_square():
    points = maps.lattice(4)
    assert points.shape == (16, 1, 1, 2) and points.min() == 0.125 and points.max() == 0.875


def test_points_are_carried_along_gray_lines():
    x, ends = torch.tensor([[0.2, 0.5], [0.2, 0.8]]), torch.tensor([[0.8, 0.5], [0.2, 0.2]])
    picture = plane([Plane("earth", x=x, ends=ends)])
    for place in ((0.5, 0.5), (0.2, 0.35)):
        assert abs(at(picture, *place) - maps.GRAY[0]).max() < 60
    assert (at(picture, 0.5, 0.7) > 200).all() and (at(picture, 0.2, 0.8) > 200).all()  # nothing there; a dot
    assert "2 points, each carried along a line, 0.6 in the mean" in picture.alt
