"""One image of your own: PNG, JPEG, DICOM or a NumPy array."""

import io
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .._checks import check_count
from ._hounsfield import _hounsfield, _read, from_hounsfield
from ._photos import _load

PHOTOGRAPHS, SLICES, ARRAYS = (".png", ".jpg", ".jpeg"), (".dcm", ".ima", ".dicom", ""), (".npy",)


def from_file(path, size=128, channels=None):
    """The middle square of an image file, averaged down: (1, C, size, size) in [0, 1], float32.

    path      PNG or JPEG; a DICOM CT slice (.dcm, or no ending), air 0 and water 0.5; .npy with an array (H, W),
              (H, W, 3) or (3, H, W) of bytes or of numbers in [0, 1]
    channels  1 gray (mean of the colours), 3 colour; None: as the file is
    Raises ValueError for another ending, a damaged file, and less than `size` pixels on a side.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"path: expected an image file, got {path}, which is not there. Check the path.")
    return from_bytes(path.name, path.read_bytes(), size, channels)


def from_bytes(name, content, size=128, channels=None):
    """As `from_file`, from the bytes of a file of that name."""
    ending, size = Path(name).suffix.lower(), check_count(size, "size")
    if ending not in PHOTOGRAPHS + SLICES + ARRAYS:
        raise ValueError(f"{name}: expected a PNG, JPEG, DICOM (.dcm) or .npy file, got {ending}. Convert it first.")
    x = (_photograph if ending in PHOTOGRAPHS else _array if ending in ARRAYS else _slice)(name, content)
    side = min(x.shape[1:])
    if side < size:
        raise ValueError(
            f"{name}: expected at least {size}x{size} pixels, got {x.shape[1]}x{x.shape[2]}. Take a larger image."
        )
    top, left = (x.shape[1] - side) // 2, (x.shape[2] - side) // 2
    x = F.interpolate(x[None, :, top : top + side, left : left + side], (size, size), mode="area")
    if channels == 1:
        return x.mean(1, keepdim=True)
    return x.expand(-1, channels or x.shape[1], -1, -1).contiguous()


def _photograph(name, content):
    x = _load(_Named(name, content), 3).float() / 255
    gray = (x[0] == x[1]).all() and (x[1] == x[2]).all()
    return x[:1] if gray else x


class _Named(io.BytesIO):
    """Bytes that say which file they were, for messages."""

    def __init__(self, name, content):
        super().__init__(content)
        self.name = name

    def __str__(self):
        return self.name


def _slice(name, content):
    file = _Named(name, content)
    return from_hounsfield(_hounsfield(_read(file), file))[0]


def _array(name, content):
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{name}: expected a NumPy array, got {error}. Write it with numpy.save.") from None
    if array.ndim == 3 and array.shape[-1] in (1, 3):
        array = np.moveaxis(array, -1, 0)
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or len(array) not in (1, 3) or array.dtype.kind not in "fui" or not array.size:
        raise ValueError(
            f"{name}: expected numbers of shape (H, W), (H, W, 3) or (3, H, W), got {array.dtype} {array.shape}. "
            "Save one image: numpy.save(name, x[0])."
        )
    array = array / 255 if array.dtype == np.uint8 else array
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise ValueError(
            f"{name}: expected bytes or numbers in [0, 1], got {array.min():.4g} to {array.max():.4g}. "
            "Scale it first; for Hounsfield units use images.from_hounsfield."
        )
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
