"""Pillow's decoders: the formats that are read, the memory they take, and what they raise. Not in the paper."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .._input.messages import refused

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile  # at run time when the first photograph is read

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
LARGEST = 240_000_000  # bytes that a decoded photograph may take: 60 million pixels in colour
MOST_PIXELS = 100_000_000  # also where they take little memory: a palette with transparency takes 5 s
PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}  # in Pillow; 4 in every other mode
# what Pillow raises for damaged files
DAMAGED: tuple[type[Exception], ...] = (
    OSError,  # what its decoders cannot decode
    ValueError,  # a size, a palette or a place in the file that cannot be
    SyntaxError,  # broken parts of a PNG, EXIF data that are none
    TypeError,  # a number that a damaged header left out
)


def affordable_size(image: "ImageFile") -> tuple[int, int]:
    """A half, a quarter or an eighth of the size, where the whole takes too much memory."""
    room = LARGEST - coefficient_bytes(image)
    parts = next((f for f in (1, 2, 4, 8) if bytes_needed(image) <= room * f**2), 8)
    return image.width // parts, image.height // parts


def coefficient_bytes(image: "ImageFile") -> int:
    """Bytes of the coefficients that the decoder of a progressive JPEG holds, two for each."""
    from PIL.JpegImagePlugin import JpegImageFile

    if not isinstance(image, JpegImageFile) or not image.info.get("progressive"):
        return 0
    samples = [(across, down) for _, across, down, _ in image.layer]
    most = max(across for across, _ in samples) * max(down for _, down in samples)
    return 2 * image.width * image.height * sum(across * down for across, down in samples) // max(1, most)


def bytes_needed(image: "ImageFile") -> int:
    """What decoding takes: Pillow's pixels, and what the decoders of some formats hold besides."""
    pixels, stored = image.width * image.height, PIXEL_BYTES.get(image.mode, 4)
    if image.format == "WEBP":
        stored += 16  # canvases and copies
    if image.format == "GIF":
        stored += 1  # in moving ones, the picture under the next one
    if image.format == "TIFF":
        stored += stored if len(image.tile) == 1 else 0  # perhaps one strip for the whole photograph
    return pixels * stored


@contextmanager
def decoding(name: Path | str) -> Iterator[None]:
    """What Pillow raises becomes a ValueError that names the photograph."""
    from PIL import Image, UnidentifiedImageError

    damaged: tuple[type[Exception], ...] = (*DAMAGED, Image.DecompressionBombError)
    try:
        yield
    except damaged as error:
        unknown = isinstance(error, UnidentifiedImageError)  # whose text may hold the address of an object
        why = f"no {', '.join(FORMATS)}" if unknown else str(error) or type(error).__name__
        raise refused(
            name,
            "a photograph",
            f"a file that Pillow cannot read ({why})",
            "Copy it again, convert it to PNG, or take it out of the folder.",
        ) from None
