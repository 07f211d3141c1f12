"""One image of your own: a photograph, a DICOM slice or a NumPy array, told apart by what the file holds."""

import io
from pathlib import Path
from typing import IO

import numpy as np
import torch
import torch.nn.functional as F

from .._input.arguments import check_count, check_path
from .._input.messages import refused
from ._arrays import read_npy
from ._dicom import read_slice
from ._hounsfield import from_hounsfield
from ._photos import ENDINGS, check_channels
from ._pillow import Photograph
from ._squares import averaged, check_large_enough

SLICES = (".dcm", ".ima", ".dicom", "")
PHOTOGRAPHS = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"GIF8", b"RIFF")  # how they begin


def from_file(path: Path | str, size: int = 128, channels: int | None = None) -> torch.Tensor:
    """The middle square of an image file, averaged down: (1, C, size, size) in [0, 1], float32.

    path      a photograph (PNG, JPEG, TIFF, BMP, WebP or GIF; what is transparent is laid on white); a DICOM CT slice,
              air 0 and water 0.5; .npy with an array (H, W), (H, W, 3) or (3, H, W) of bytes or of numbers in [0, 1]
    channels  1 gray (mean of the colours), 3 colour; None: as the file is
    What the file holds counts, not its ending. Memory: 300 MB, whatever the file; at most 100 million pixels decoded.
    Raises ValueError for another file, a damaged or too large one, and less than `size` pixels on a side.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/ramp.npy", np.linspace(0, 1, 64 * 48).reshape(48, 64))
    ...     x = from_file(f"{folder}/ramp.npy", size=16)
    >>> tuple(x.shape), round(x.mean().item(), 3)
    ((1, 1, 16, 16), 0.5)
    """
    path = check_path(path)
    if not path.is_file():
        raise refused("path", "an image file", f"{path}, which is not there", "Check the path.")
    with path.open("rb") as file:
        return _read(path.name, file, size, channels)


def from_bytes(
    name: str, content: bytes | bytearray | memoryview, size: int = 128, channels: int | None = None
) -> torch.Tensor:
    """As `from_file`, from the bytes of a file of that name, such as an upload.

    >>> file = io.BytesIO()
    >>> np.save(file, np.full((32, 32, 3), 255, np.uint8))
    >>> x = from_bytes("white.npy", file.getvalue(), size=16)
    >>> tuple(x.shape), x.min().item()
    ((1, 3, 16, 16), 1.0)
    """
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError(f"content: expected bytes, got {type(content).__name__}. Read the file in binary mode.")
    return _read(str(name), io.BytesIO(content), size, channels)


def _read(name: str, file: IO[bytes], size: int, channels: int | None) -> torch.Tensor:
    size = check_count(size, "size")
    if channels is not None:
        check_channels(channels)
    head, ending = file.read(132), Path(name).suffix.lower()
    file.seek(0)
    if not head:
        raise refused(name, "an image", "an empty file", "Save it again.")
    reader = READERS.get(kind_of(head, ending))
    if reader is None:
        archive = "a .npz archive: save one image with numpy.save"
        got = archive if head.startswith(b"PK") else f"{ending} with other content"
        raise refused(name, "a PNG, JPEG, DICOM (.dcm) or .npy file", got, "Convert it first.")
    x = reader(name, file, size)
    if channels == 1:
        return x.mean(1, keepdim=True)
    return x.expand(-1, channels or x.shape[1], -1, -1).contiguous()


def kind_of(head: bytes, ending: str) -> str:
    """What a file holds, by its first bytes, and where they say nothing by its ending, whose reader then says what is
    wrong; "" for what nothing reads."""
    if head.startswith(b"\x93NUMPY"):
        return "array"
    if head[128:] == b"DICM":
        return "slice"
    if head.startswith(PHOTOGRAPHS):
        return "photograph"
    if head.startswith(b"PK"):
        return ""
    endings = {"photograph": ENDINGS, "array": (".npy",), "slice": SLICES}
    return next((kind for kind, known in endings.items() if ending in known), "")


def _photograph(name: str, file: IO[bytes], size: int) -> torch.Tensor:
    x = Photograph(name, file, size, whole=True).middle(size)
    gray = (x[:, 0] == x[:, 1]).all() and (x[:, 1] == x[:, 2]).all()
    return x[:, :1] if gray else x


def _slice(name: str, file: IO[bytes], size: int) -> torch.Tensor:
    x = from_hounsfield(read_slice(name, file)[0])
    check_large_enough(name, "a slice", x.shape[2:], size)
    side = min(x.shape[2:])
    top, left = (x.shape[2] - side) // 2, (x.shape[3] - side) // 2
    return F.interpolate(x[..., top : top + side, left : left + side], (size, size), mode="area")


def _array(name: str, file: IO[bytes], size: int) -> torch.Tensor:
    array = read_npy(name, file)
    if array.ndim == 3 and array.shape[-1] in (1, 3):
        array = np.moveaxis(array, -1, 0)
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or len(array) not in (1, 3) or not array.size:
        raise refused(
            name,
            "numbers of shape (H, W), (H, W, 3) or (3, H, W)",
            f"{array.dtype} {array.shape}",
            "Save one image: numpy.save(name, x[0]).",
        )
    check_large_enough(name, "an array", array.shape[1:], size)
    white = 255 if array.dtype == np.uint8 else 1
    low, high = array.min() / white, array.max() / white
    if not (low >= 0 and high <= 1):  # false for NaN too
        raise refused(
            name,
            "bytes or numbers in [0, 1]",
            f"{low:.4g} to {high:.4g}",
            "Scale it first; for Hounsfield units use images.from_hounsfield.",
        )
    side = min(array.shape[1:])
    row, column = ((length - side) // 2 for length in array.shape[1:])

    def strip(top: int, bottom: int) -> torch.Tensor:
        part = array[:, row + top : row + bottom, column : column + side]
        return torch.from_numpy(part.astype(np.float32) / np.float32(white))

    return averaged(strip, side, size)


READERS = {"photograph": _photograph, "slice": _slice, "array": _array}
