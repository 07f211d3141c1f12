"""Arrays to pictures, each with a sentence computed from its numbers (not in the paper).

`strip` puts images side by side (Pillow, a few milliseconds); `curves`, in `charts`, draws numbers against the iterate.
Nothing here knows about widgets.
"""

import base64
import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw

from .._input.arguments import check_finite
from .insets import busiest, with_inset
from .looks import colour_table, font
from .png import png, png_of_rows

__all__ = ["Picture", "busiest", "colour_table", "font", "png", "png_of_rows", "strip", "with_inset"]

COLOURS = {"image": "gray", "signed": "RdBu_r", "magnitude": "cividis", "sinogram": "cividis"}
SIDE, GAP, BAR, FONT = 256, 12, 10, 15  # pixels: a panel, between panels, a colour bar, letters
INK, QUIET, EDGE, PAPER, ACCENT = (26, 26, 26), (84, 84, 84), (150, 150, 150), (255, 255, 255), (213, 94, 0)


@dataclass(frozen=True)
class Picture:
    """A PNG and the sentence that says what is in it; `size` is (width, height) in pixels.

    >>> Picture(png(Image.new("RGB", (4, 4))), "A black square.", (4, 4))
    A black square.
    """

    png: bytes
    alt: str
    size: tuple[int, int]

    def img(self) -> str:
        """The <img> element, its text in `alt`. It shrinks with the page and keeps its place while it loads."""
        return image_element(self.png, self.alt, self.size)

    def _repr_html_(self):
        caption = f'<figcaption style="max-width:75em;padding-top:4px">{html.escape(self.alt)}</figcaption>'
        return f'<figure style="margin:0">{self.img()}{caption}</figure>'

    def __repr__(self):
        return self.alt


def image_element(
    data: bytes,
    alt: str,
    size: tuple[float, float],
    kind: str = "png",
    style: str = "display:block;max-width:100%;height:auto",
) -> str:
    """An <img> with its file inside. `data` bytes of that kind ("png", "svg+xml"); `size` in pixels of the page.

    >>> image_element(b"", "Nothing.", (4, 4))
    '<img alt="Nothing." src="data:image/png;base64," width="4" height="4" ...'
    """
    source = base64.b64encode(data).decode()
    width, height = size
    return (
        f'<img alt="{html.escape(alt)}" src="data:image/{kind};base64,{source}" width="{width}" height="{height}" '
        f'decoding="sync" style="{style}">'
    )


def strip(
    images: Sequence[torch.Tensor],
    titles: Sequence[str],
    kinds: Sequence[str] | None = None,
    limits: tuple[float, float] = (0, 1),
    signed_limit: float | None = None,
    alt: str | None = None,
) -> Picture:
    """Images side by side, all of one kind on one scale, which is written under each panel.

    Args:
        images: tensors (H, W), (1, H, W) or (3, H, W), finite.
        titles: one line of text for each.
        kinds: for each "image" (gray or colour, `limits`), "signed" (red above 0, blue below, equal limits on both
            sides), "magnitude" (0 to the largest) or "sinogram" (magnitude, stretched to a square). Default: "image".
        limits: black and white of the images; what lies beyond is clipped.
        signed_limit: end of the signed scale; by default the largest magnitude in the signed panels.
        alt: the sentence, if not the one computed from the panels.

    >>> strip([torch.zeros(8, 8), torch.ones(8, 8)], ["black", "white"])
    Side by side: black (mean 0, values 0 to 0, shown from 0 to 1); white (mean 1, values 1 to 1, shown from 0 to 1).
    """
    kinds = ["image"] * len(images) if kinds is None else list(kinds)
    if not len(images) == len(titles) == len(kinds) > 0:
        counts = f"{len(images)} images, {len(titles)} titles, {len(kinds)} kinds"
        raise ValueError(f"titles: expected images and one title and kind for each, got {counts}.")
    arrays = [array_of(image, title) for image, title in zip(images, titles, strict=True)]
    ranges = [_range(kind, kinds, arrays, limits, signed_limit) for kind in kinds]
    width, top = len(arrays) * (SIDE + GAP) - GAP, FONT + 10
    sheet = Image.new("RGB", (width, top + SIDE + BAR + FONT + 12), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (array, title, kind, span) in enumerate(zip(arrays, titles, kinds, ranges, strict=True)):
        left = i * (SIDE + GAP)
        panel = _enlarged(_coloured(array, kind, span), stretch=kind == "sinogram")
        x, y = left + (SIDE - panel.width) // 2, top + (SIDE - panel.height) // 2
        sheet.paste(panel, (x, y))
        draw.rectangle([x, y, x + panel.width - 1, y + panel.height - 1], outline=EDGE)  # a white image on white paper
        draw.text((left + SIDE / 2, 2), title, fill=INK, font=font(FONT), anchor="ma")
        colour_bar(sheet, draw, left, top + SIDE + 8, kind, span)
    return Picture(png(sheet), alt or _strip_sentence(arrays, titles, kinds, ranges), sheet.size)


def array_of(image: torch.Tensor, title: str) -> np.ndarray:
    """The numbers of an image, (H, W) or (H, W, 3); raises ValueError, with its title, for what is none.

    >>> array_of(torch.zeros(1, 4, 6), "black").shape
    (4, 6)
    """
    array = torch.as_tensor(image).detach().cpu().float()
    if array.ndim not in (2, 3) or (array.ndim == 3 and len(array) not in (1, 3)):
        raise ValueError(
            f"images: expected (H, W), (1, H, W) or (3, H, W), got {tuple(array.shape)} for {title!r}. "
            "Take one image of the batch: x[0]."
        )
    check_finite(array, title)
    return array.numpy() if array.ndim == 2 else array.permute(1, 2, 0).numpy().squeeze()


def _range(
    kind: str,
    kinds: Sequence[str],
    arrays: Sequence[np.ndarray],
    limits: tuple[float, float],
    signed_limit: float | None,
) -> tuple[float, float]:
    """(low, high) of the scale that all panels of this kind share."""
    if kind not in COLOURS:
        raise ValueError(f"kinds: expected each of {', '.join(COLOURS)}, got {kind!r}.")
    if kind == "image":
        return limits
    peers = [float(np.abs(a).max()) for a, other in zip(arrays, kinds, strict=True) if other == kind]
    high = (signed_limit if kind == "signed" and signed_limit else max(peers)) or 1.0
    return (-high, high) if kind == "signed" else (0.0, high)


def _coloured(array: np.ndarray, kind: str, span: tuple[float, float]) -> np.ndarray:
    """(H, W) or (H, W, 3) to bytes (H, W, 3)."""
    low, high = span
    levels = (np.clip((array - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)
    return levels if levels.ndim == 3 else colour_table(COLOURS[kind])[levels]


def _enlarged(pixels: np.ndarray, stretch: bool) -> Image.Image:
    """Whole-number magnification, so that a pixel stays a square of one colour; larger images are averaged down."""
    height, width = pixels.shape[:2]
    factor = SIDE // max(height, width) or SIDE / max(height, width)
    size = (SIDE, SIDE) if stretch else (max(1, round(width * factor)), max(1, round(height * factor)))
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX)


def colour_bar(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    left: int,
    y: int,
    kind: str,
    span: tuple[float, float],
    side: int = SIDE,
) -> None:
    """The bar under a panel, `side` pixels wide, with the numbers at its ends, and 0 where it is signed.

    >>> sheet = Image.new("RGB", (SIDE, 30))
    >>> colour_bar(sheet, ImageDraw.Draw(sheet), 0, 0, "image", (0, 1))
    >>> sheet.getpixel((1, 1)), sheet.getpixel((SIDE - 2, 1))  # black to white
    ((0, 0, 0), (255, 255, 255))
    """
    ramp = np.tile(colour_table(COLOURS[kind])[np.linspace(0, 255, side - 2).astype(np.uint8)], (BAR - 2, 1, 1))
    draw.rectangle([left, y, left + side - 1, y + BAR - 1], fill=EDGE)
    sheet.paste(Image.fromarray(ramp), (left + 1, y + 1))
    marks = [(span[0], 0.0, "la"), (span[1], side, "ra")] + ([(0.0, side / 2, "ma")] if kind == "signed" else [])
    for value, x, anchor in marks:
        draw.text((left + x, y + BAR), number(value), fill=QUIET, font=font(FONT - 1), anchor=anchor)


def _strip_sentence(
    arrays: Sequence[np.ndarray],
    titles: Sequence[str],
    kinds: Sequence[str],
    ranges: Sequence[tuple[float, float]],
) -> str:
    return "Side by side: " + "; ".join(map(described, arrays, titles, kinds, ranges)) + "."


def described(array: np.ndarray, title: str, kind: str, span: tuple[float, float]) -> str:
    """A panel in words and numbers.

    >>> described(np.array([[0.0, 0.5]]), "ramp", "image", (0, 1))
    'ramp (mean 0.25, values 0 to 0.5, shown from 0 to 1)'
    """
    rms = math.sqrt(float(np.square(array).mean()))
    size = f"root mean square {number(rms)}" if kind == "signed" else f"mean {number(float(array.mean()))}"
    values = f"values {number(float(array.min()))} to {number(float(array.max()))}"
    return f"{title} ({size}, {values}, shown from {number(span[0])} to {number(span[1])})"


def number(value: float) -> str:
    """A number with three digits and a true minus sign.

    >>> number(-0.12345), number(12345)
    ('−0.123', '1.23e+04')
    """
    return f"{value:.3g}".replace("-", "−") if abs(value) < 1000 else f"{value:.2e}".replace("-", "−")
