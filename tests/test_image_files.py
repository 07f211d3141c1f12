"""One image of your own: the same numbers from every kind of file, and errors that say what to do."""

import numpy as np
import pydicom.data
import pytest
import torch
from advreg_edu import images
from PIL import Image


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_a_photograph_is_the_middle_square_averaged_down(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "p.png")
    x = images.from_file(tmp_path / "p.png", size=20)
    middle = torch.from_numpy(pixels[:, 10:50]).permute(2, 0, 1).float() / 255
    expected = middle.reshape(3, 20, 2, 20, 2).mean((2, 4))
    assert x.shape == (1, 3, 20, 20) and torch.allclose(x[0], expected, atol=1e-6)
    gray = images.from_file(tmp_path / "p.png", size=20, channels=1)
    assert torch.allclose(gray, x.mean(1, keepdim=True))


def test_a_gray_photograph_has_one_channel_unless_three_are_asked_for(tmp_path, pixels):
    Image.fromarray(pixels[..., 0]).save(tmp_path / "g.png")
    assert images.from_file(tmp_path / "g.png", size=40).shape == (1, 1, 40, 40)
    x = images.from_file(tmp_path / "g.png", size=40, channels=3)
    assert x.shape == (1, 3, 40, 40) and torch.equal(x[:, 0], x[:, 2])


@pytest.mark.parametrize("layout", ["HW", "HWC", "CHW", "bytes"])
def test_arrays_in_every_layout(tmp_path, pixels, layout):
    array = {
        "HW": pixels[..., 0] / 255,
        "HWC": pixels / 255,
        "CHW": np.moveaxis(pixels, -1, 0).astype(np.float32) / 255,
        "bytes": pixels,
    }[layout]
    np.save(tmp_path / "a.npy", array)
    Image.fromarray(pixels[..., 0] if layout == "HW" else pixels).save(tmp_path / "a.png")
    x, y = (images.from_file(tmp_path / name, size=40) for name in ("a.npy", "a.png"))
    assert torch.allclose(x, y, atol=1e-6) and x.dtype == torch.float32


def test_a_dicom_slice_is_that_of_from_dicom():
    path = pydicom.data.get_testdata_file("CT_small.dcm")
    assert torch.equal(images.from_file(path, size=128), images.from_dicom(path))


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.txt", b"hello", "expected a PNG, JPEG, DICOM"),
        ("a.png", b"no picture", "expected a photograph"),
        ("a.dcm", b"no slice", "expected a DICOM file"),
        ("a.npy", b"no array", "expected a NumPy array"),
    ],
)
def test_damaged_files_are_named(name, content, said):
    with pytest.raises(ValueError, match=said) as raised:
        images.from_bytes(name, content)
    assert name in str(raised.value)


def test_arrays_that_are_no_images_are_explained(tmp_path):
    for array, said in (
        (np.full((9, 9), 7.0), r"\[0, 1\]"),
        (np.zeros(4), "of shape"),
        (np.full((9, 9), np.nan), "0, 1"),
    ):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(ValueError, match=said):
            images.from_file(tmp_path / "a.npy", size=8)


def test_small_and_missing_files_are_explained(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((9, 20)))
    with pytest.raises(ValueError, match="at least 16x16 pixels, got 9x20"):
        images.from_file(tmp_path / "a.npy", size=16)
    with pytest.raises(ValueError, match="not there"):
        images.from_file(tmp_path / "none.png")
