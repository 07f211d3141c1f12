"""Tiles show exactly the numbers they are given, whole screen pixels each, and their text says them."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from advreg_edu.drawing.tiles import SIDE, Grid, mosaic, tile
from PIL import Image


def pixels(shown):
    return np.asarray(Image.open(io.BytesIO(shown.png)).convert("RGB"))


def test_gray_values_are_exact_and_enlarged_by_a_whole_number():
    image = torch.arange(64 * 64).reshape(1, 64, 64) % 256 / 255
    shown = tile(image, "ramp")
    assert (pixels(shown) == (image[0].numpy() * 255).round()[..., None]).all()
    assert shown.size == (SIDE, SIDE) and shown.factor == 4 and "image-rendering:pixelated" in shown.html()


@pytest.mark.parametrize("shape", [(24, 24), (1, 30, 183), (3, 128, 128), (128, 128), (1, 7, 300)])
@pytest.mark.parametrize("kind", ["image", "signed", "magnitude", "sinogram"])
def test_any_shape_is_enlarged_by_whole_numbers_and_fits(shape, kind):
    shown = tile(torch.rand(shape), "x", "image" if shape[0] == 3 else kind)
    height, width = shape[-2:]
    assert shown.size[0] % width == 0 and shown.size[1] % height == 0
    assert max(shown.size) <= max(SIDE, height, width)


def test_signed_tiles_are_white_at_zero_red_above_blue_below():
    red, white, blue = pixels(tile(torch.tensor([[0.3, 0.0, -0.3]]), "e", "signed", (-0.3, 0.3)))[0].astype(int)
    assert red[0] > red[2] + 50 and blue[2] > blue[0] + 50 and (white > 240).all()


def test_the_text_says_the_numbers_and_is_escaped():
    shown = tile(torch.full((1, 4, 4), 0.25), 'a "b" <c>', numbers="PSNR 17.10 dB")
    assert "mean 0.25" in shown.alt and "PSNR 17.10 dB" in shown.alt
    assert "<c>" not in shown.html() and "&lt;c&gt;" in shown.html()


def test_a_grid_carries_all_pictures_and_frames():
    shown = Grid((tile(torch.rand(1, 8, 8), "one", frames=[(1, 2, 4)]), tile(torch.rand(1, 8, 8), "two")))
    sources = re.findall(r'alt="[^"]+" src="data:image/png;base64,([^"]+)"', shown.img())
    assert [base64.b64decode(source) for source in sources] == [t.png for t in shown.tiles]
    assert "top:12.5%;left:25%;width:50%" in shown.img()


def test_a_mosaic_has_its_four_pieces():
    gray = [torch.full((1, 4, 4), value) for value in (0.0, 0.5, 1.0)]
    shown = mosaic([*gray, torch.zeros(1, 4, 4)], ["image"] * 3 + ["signed"], [(0, 1)] * 3 + [(-1, 1)], "d", "words")
    sheet = pixels(shown)
    assert sheet.shape == (8, 8, 3) and sheet[0, 0, 0] == 0 and sheet[0, 7, 0] == 128 and sheet[7, 0, 0] == 255
    assert (sheet[7, 7] > 240).all() and shown.size == (SIDE, SIDE)


def test_constant_images_do_not_divide_by_zero():
    for kind in ("signed", "magnitude", "sinogram"):
        assert "shown from" in tile(torch.zeros(1, 4, 4), "zero", kind).alt
