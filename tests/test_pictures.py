"""Pictures show the numbers they are given, and their sentences say them."""

import io
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from advreg_edu.drawing import pictures
from advreg_edu.drawing.pictures import FONT, SIDE, strip
from PIL import Image

TOP = FONT + 10  # the first row of the panels


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))


def panel(picture, i):
    left = i * (SIDE + pictures.GAP)
    return pixels(picture)[TOP : TOP + SIDE, left : left + SIDE]


def inside(panel):
    return panel[1:-1, 1:-1]  # without the gray frame


def test_gray_values_are_exact_and_enlarged_by_a_whole_number():
    image = torch.arange(64 * 64).reshape(1, 64, 64) % 256 / 255
    shown = panel(strip([image], ["ramp"]), 0)
    expected = (image[0].numpy() * 255).round().astype(np.uint8).repeat(4, 0).repeat(4, 1)
    assert (inside(shown) == inside(expected)[..., None]).all()


def test_colour_images_keep_their_colours():
    red = torch.zeros(3, 16, 16)
    red[0] = 1
    assert (inside(panel(strip([red], ["red"]), 0)) == (255, 0, 0)).all()


def test_panels_share_one_scale_and_values_beyond_it_are_clipped():
    picture = strip([torch.full((8, 8), 0.5), torch.full((8, 8), 3.0)], ["half", "three"])
    assert (inside(panel(picture, 0)) == 128).all() and (inside(panel(picture, 1)) == 255).all()
    assert "shown from 0 to 1" in picture.alt and "values 3 to 3" in picture.alt


def test_signed_panels_are_white_at_zero_red_above_blue_below_with_equal_limits():
    error = torch.tensor([[-2.0, 0.0, 1.0, 2.0]]).repeat(4, 1)
    picture = strip([error], ["error"], ["signed"])
    blue, white, light_red, red = (panel(picture, 0)[SIDE // 2, SIDE * i // 8].astype(int) for i in (1, 3, 5, 7))
    assert blue[2] > blue[0] and red[0] > red[2] and (white > 240).all() and light_red[2] > red[2]
    assert "shown from −2 to 2" in picture.alt
    assert "shown from −0.3 to 0.3" in strip([error], ["error"], ["signed"], signed_limit=0.3).alt


@pytest.mark.parametrize("shape", [(30, 183), (400, 300), (1, 1)])
def test_any_shape_fits_its_panel(shape):
    image = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    picture = strip([image, image, image], ["a", "b", "c"], ["image", "sinogram", "magnitude"])
    assert pixels(picture).shape[:2] == picture.size[::-1]
    assert picture.size[0] == 3 * SIDE + 2 * pictures.GAP


def test_constant_zero_error_and_magnitude_do_not_divide_by_zero():
    zero = torch.zeros(8, 8)
    assert "root mean square 0" in strip([zero, zero], ["e", "m"], ["signed", "magnitude"]).alt


@pytest.mark.parametrize(
    "images, titles, kinds, fix",
    [
        ([torch.zeros(2, 8, 8)], ["two"], None, r"x\[0\]"),
        ([torch.zeros(8, 8)], [], None, "one title"),
        ([torch.full((8, 8), float("nan"))], ["bad"], None, "bad: expected finite"),
        ([torch.zeros(8, 8)], ["x"], ["rainbow"], "signed"),
    ],
)
def test_errors_say_how_to_fix_them(images, titles, kinds, fix):
    with pytest.raises(ValueError, match=fix):
        strip(images, titles, kinds)


def test_html_shows_the_title_and_carries_the_sentence_as_alt_and_one_disclosure_away():
    page = strip([torch.zeros(8, 8)], ['<"x">'])._repr_html_()
    assert page.count("&lt;&quot;x&quot;&gt;") == 3 and "&lt;&quot;x&quot;&gt;</figcaption>" in page
    assert 'alt="Side by side: &lt;' in page and 'src="data:image/png;base64,' in page
    assert "Side by side" not in page.split("<details")[0].replace('alt="Side by side', "")


def test_a_strip_of_four_is_fast():
    images = [torch.rand(1, 128, 128, generator=torch.Generator().manual_seed(i)) for i in range(4)]
    durations = []
    for _ in range(10):
        start = time.perf_counter()
        strip(images, ["a", "b", "c", "d"])
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.05  # 8 ms on an idle laptop core; room for a busy one


def test_importing_pictures_does_not_import_matplotlib():
    code = "import sys, advreg_edu.drawing.pictures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_inset_shows_the_square_magnified():
    """A single bright pixel in the square becomes 3x3 in the inset, and stays 2x2 in the picture."""
    x = torch.zeros(1, 40, 40)
    x[0, 5, 6] = 0.5
    sheet = pictures.with_inset(x, corner=(2, 2), side=16)
    assert sheet.shape == (1, 80, 80) and (sheet == 0.5).sum() == 4 + 9
    assert (sheet[0, 10:12, 12:14] == 0.5).all() and (
        sheet[0, 80 - 48 + 9 : 80 - 48 + 12, 80 - 48 + 12 : 80 - 48 + 15] == 0.5
    ).all()
    assert x.sum() == 0.5  # the image itself is left alone


def test_the_busiest_square_has_the_texture():
    x = torch.full((3, 128, 128), 0.5)
    x[:, 20:40, 8:28] = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0))
    row, column = pictures.busiest(x, 32)
    assert 8 <= row <= 20 and 0 <= column <= 8
