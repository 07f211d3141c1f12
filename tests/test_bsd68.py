"""BSD68: its 68 photographs, whole and gray, from a folder laid out like BSDS500."""

import numpy as np
import pytest
import torch
from advreg_edu.experiments import tables
from advreg_edu.experiments.bsd68 import NAMES, SHAPE, bsd68, lying
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Every photograph of BSD68 there, every other one standing; each with a gray of its own."""
    (tmp_path / "val").mkdir()
    (tmp_path / "train").mkdir()
    for k, name in enumerate(NAMES):
        size = SHAPE if k % 2 else SHAPE[::-1]  # Pillow's sizes are (width, height)
        Image.new("RGB", size, (3 * k,) * 3).save(tmp_path / "val" / f"{name}.jpg")
    return tmp_path


def test_the_68_are_in_the_order_of_the_list_and_lie(folder):
    x = bsd68(folder)
    assert len(set(NAMES)) == 68 and x.shape == (68, 1, *SHAPE)
    torch.testing.assert_close(x.mean((1, 2, 3)), 3 * torch.arange(68) / 255, atol=2e-3, rtol=0)


def test_laying_down_keeps_every_pixel(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(481, 321), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "standing.png")
    x = lying(tmp_path / "standing.png")
    assert np.array_equal(np.rot90((255 * x[0, 0]).round().byte().numpy(), -1), pixels)


def test_what_is_missing_is_named(folder):
    (folder / "val" / f"{NAMES[5]}.jpg").unlink()
    with pytest.raises(ValueError, match=f"expected the val of BSDS500.*got no {NAMES[5]} \\(1 of 68"):
        bsd68(folder)


def test_a_photograph_of_another_size_is_refused(folder):
    Image.new("L", (200, 100)).save(folder / "val" / f"{NAMES[0]}.jpg")
    with pytest.raises(ValueError, match=r"expected 321x481 pixels.*got 100x200"):
        bsd68(folder)


def test_the_real_photographs(shared):
    sample = tables._sample("bsd68", shared / "data" / "bsds500")
    assert sample.x.shape == (68, 1, *SHAPE) and sample.train.shape == (8, 1, *SHAPE)
    assert 0 <= sample.x.min() < 0.01 and 0.99 < sample.x.max() <= 1
    noisy = sample.x + 25 / 255 * torch.randn(sample.x.shape, generator=torch.Generator().manual_seed(0))
    psnr = -10 * (noisy - sample.x).square().mean((1, 2, 3)).log10()
    assert psnr.mean() == pytest.approx(20.17, abs=0.01)  # 20 log10(255 / 25), as everywhere in the field
