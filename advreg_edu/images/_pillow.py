"""Photographs decoded by Pillow: upright, and of every kind of pixel."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import torch

from .._input.messages import Refused, refused
from ._decoders import FORMATS, LARGEST, MOST_PIXELS, affordable_size, bytes_needed, coefficient_bytes, decoding
from ._squares import ROWS, averaged, check_large_enough

if TYPE_CHECKING:
    from PIL.Image import Image  # at run time when the first photograph is read
    from PIL.ImageFile import ImageFile

WHITE_IS_ZERO, PHOTOMETRIC, ORIENTATION = 0, 262, 0x0112  # TIFF and EXIF
# EXIF orientation: whether rows and columns of the stored pixels run backwards, and are then exchanged
TURNS: dict[int | None, tuple[int, int, int]] = {
    2: (0, 1, 0),
    3: (1, 1, 0),
    4: (1, 0, 0),
    5: (0, 0, 1),
    6: (1, 0, 1),
    7: (1, 1, 1),
    8: (0, 1, 1),
}


class Photograph:
    """A decoded photograph, of which squares are cut out: the pixels themselves, or averaged down.

    What is transparent is laid on white. 16 bits are divided by 65535, or where no value needs more than 12 (8) of them
    by 4095 (255), with a warning; floating-point numbers have to be in [0, 1]; 32-bit integers are refused.
    Args: name, for messages; file, a path or an open file; size, the least side; whole: only averages over the whole
        photograph are wanted, so that a JPEG may be decoded at a fraction of its size.
    """

    def __init__(self, name: Path | str, file: Path | IO[bytes], size: int, whole: bool = False) -> None:
        from PIL import Image

        self.name = name
        with decoding(name), warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is stricter
            image = Image.open(file, formats=FORMATS)
        with image:
            check_large_enough(name, "a photograph", image.size[::-1], size)
            self._shrink(image, (4 * size, 4 * size) if whole else affordable_size(image))
            with decoding(name), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # remarks on metadata
                image.load()
                self.turn = TURNS.get(image.getexif().get(ORIENTATION), (0, 0, 0))  # a PNG loads for it
        self.image = image
        self.white = self._white()

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W), upright."""
        height, width = self._upright(self.image.size[::-1])
        return height, width

    def crop(self, size: int, corner: Sequence[float], channels: int) -> torch.Tensor:
        """(channels, size, size) in [0, 1]; corner (0, 0) is the upper left, (1, 1) the lower right."""
        row, column = self._corner(size, corner)
        return self._turned(self._strip(row, column, size, channels, 0, size))

    def all(self, channels: int) -> torch.Tensor:
        """The whole photograph: (channels, H, W) in [0, 1]."""
        width, height = self.image.size
        return self._turned(self._strip(0, 0, width, channels, 0, height))

    def middle(self, size: int) -> torch.Tensor:
        """The middle square averaged down: (1, 3, size, size) in [0, 1]."""
        side = min(self.image.size)
        row, column = self._corner(side, (0.5, 0.5))
        x = averaged(lambda top, bottom: self._strip(row, column, side, 3, top, bottom), side, size)
        return self._turned(x)

    def _upright(self, pair: Sequence) -> Sequence:
        return pair[::-1] if self.turn[2] else pair

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        backwards = [dim for dim, flip in zip((-2, -1), self.turn, strict=False) if flip]
        x = x.flip(backwards)
        return x.transpose(-1, -2) if self.turn[2] else x

    def _corner(self, side: int, corner: Sequence[float]) -> list[int]:
        """The upper left pixel, as stored, of the square that lies there in the upright photograph."""
        lengths = self.image.size[::-1]
        places = zip(self._upright(corner), self.turn, lengths, strict=False)
        return [round((1 - t if flip else t) * (length - side)) for t, flip, length in places]

    def _strip(self, row: int, column: int, side: int, channels: int, top: int, bottom: int) -> torch.Tensor:
        with decoding(self.name):
            part = self.image.crop((column, row + top, column + side, row + bottom))
            pixels = self._intensities(part, channels)
        low, high = pixels.min(), pixels.max()
        if not (low >= 0 and high <= 1):
            raise self._range(f"{low:.4g} to {high:.4g}")
        x = torch.from_numpy(pixels).reshape(bottom - top, side, -1).movedim(2, 0)
        return x.expand(channels, -1, -1)

    def _intensities(self, part: "Image", channels: int) -> np.ndarray:
        from PIL import Image

        if self.white:
            pixels = np.asarray(part).astype(np.float32) / np.float32(self.white)
            return 1 - pixels if self._inverted() else pixels
        if part.has_transparency_data:
            part = part.convert("RGBA")
            part = Image.alpha_composite(Image.new("RGBA", part.size, "white"), part)
        return np.asarray(part.convert("RGB" if channels == 3 else "L")).astype(np.float32) / np.float32(255)

    def _white(self) -> int | None:
        """The number that stands for 1 in pixels of more than 8 bits; None for others."""
        if self.image.mode == "I":
            raise refused(
                self.name,
                "a photograph of 8 or 16 bits, or of numbers in [0, 1]",
                "32-bit integers",
                "Save it with 16 bits.",
            )
        if self.image.mode == "F":
            low, high = np.ravel(self.image.getextrema())  # of one band
            if not (low >= 0 and high <= 1):
                raise self._range(f"{low:.4g} to {high:.4g}")
            return 1
        if not self.image.mode.startswith("I;16"):
            return None
        (width, height), step = self.image.size, ROWS
        strips = (self.image.crop((0, top, width, min(top + step, height))) for top in range(0, height, step))
        largest = max(int(np.asarray(strip).max()) for strip in strips)
        bits = next(b for b in (8, 12, 16) if largest < 2**b)
        if bits == 16 or largest == 0 or self._inverted():
            return 65535
        warnings.warn(
            f"{self.name}: 16 bits that hold numbers up to {largest} are taken for {bits} bits.", stacklevel=2
        )
        return 2**bits - 1

    def _inverted(self) -> bool:
        """Whether 0 is white, which Pillow sees to for up to 8 bits."""
        return getattr(self.image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO

    def _range(self, got: str) -> Refused:
        return refused(self.name, "floating-point pixels in [0, 1]", got, "Divide by what stands for white.")

    def _shrink(self, image: "ImageFile", least: tuple[int, int]) -> None:
        """Let the decoder of a JPEG average where that suffices, and refuse what would take too much memory."""
        held, (width, height) = coefficient_bytes(image), image.size
        if image.format in ("JPEG", "MPO"):
            image.draft(None, least)
        needed, pixels = held + bytes_needed(image), image.width * image.height
        if needed > LARGEST or pixels > MOST_PIXELS:
            limits = f"{LARGEST // 10**6} MB and {MOST_PIXELS // 10**6} megapixels"
            got = f"{width}x{height} pixels, {needed // 10**6} MB"
            raise refused(self.name, f"a photograph that takes at most {limits}", got, "Save it with fewer pixels.")
