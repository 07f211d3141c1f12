"""Small pictures that the browser enlarges: a frame of an app takes a millisecond a tile (not in the paper).

A `Tile` carries every pixel once, as one byte, and the page shows it as a square. Titles and
scales are text of the page. `grid` puts tiles into rows; nothing here knows about widgets.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .looks import colour_table
from .panels import CENTRED, COLOURS, OUTLINE, TITLE, image_element, no_bar, scale_bar
from .pictures import array_of, described
from .png import png_of_rows

SIDE, GAP = 256, 12  # pixels of the page: a tile at its largest, between tiles


@dataclass(frozen=True)
class Tile:
    """A PNG with one pixel per number, how large the page shows it, and its words. `frames`: (row, column, side).

    >>> Tile(b"", "black", "A black square.", (256, 256)).html()
    '<figure ...black...</figure>'
    """

    png: bytes
    title: str
    alt: str
    size: tuple[int, int]  # (width, height) in pixels of the page
    scale: tuple = ()  # (kind, low, high) of the colour bar; none for a mosaic
    frames: tuple = ()
    factor: int = 1  # page pixels per number

    def html(self) -> str:
        """The tile as a <figure> whose shape does not depend on its contents: nothing jumps when they change."""
        scaling = "pixelated" if self.factor > 3 else "var(--advreg-scaling,pixelated)"
        shape = f"display:block;width:100%;height:auto;aspect-ratio:{self.size[0]}/{self.size[1]}"
        style = f"{shape};image-rendering:{scaling};{OUTLINE}"
        image = image_element(self.png, self.alt, self.size, style=style) + "".join(map(self._frame, self.frames))
        width = min(100.0, 100 * self.size[0] / max(SIDE, self.size[1]))
        return (
            f'<figure style="margin:0;min-width:0;max-width:{SIDE}px"><figcaption class="advreg-title" style="{TITLE}">'
            f'<span>{html.escape(self.title)}</span></figcaption><div style="aspect-ratio:1;{CENTRED}">'
            f'<div style="position:relative;width:{width:.4g}%">{image}</div></div>'
            f"{scale_bar(*self.scale) if self.scale else no_bar()}</figure>"
        )

    def _frame(self, frame: tuple[int, int, int]) -> str:
        row, column, side = (100 * self.factor * length for length in frame)
        width, height = self.size
        place = (
            f"top:{row / height:.4g}%;left:{column / width:.4g}%;width:{side / width:.4g}%;height:{side / height:.4g}%"
        )
        style = "border:2px solid #fff;outline:1px solid #000;box-sizing:border-box"
        return f'<div style="position:absolute;{place};{style}"></div>'


@dataclass(frozen=True)
class Grid:
    """Tiles in rows of three, which shrink with the page; `img()` is what a widget shows.

    >>> Grid((tile(torch.zeros(1, 8, 8), "black"), tile(torch.ones(1, 8, 8), "white"))).figures().count("<img")
    2
    """

    tiles: tuple[Tile, ...]

    @property
    def alt(self) -> str:
        return " ".join(tile.alt for tile in self.tiles)

    def img(self) -> str:
        style = f"display:grid;gap:4px {GAP}px;align-items:end;grid-template-columns:repeat(3,minmax(0,{SIDE}px))"
        return f'<div class="advreg-grid" style="{style}">{self.figures()}</div>'

    def figures(self, first: int = 0, last: int | None = None) -> str:
        """The HTML of some of the tiles alone."""
        return "".join(tile.html() for tile in self.tiles[first:last])

    def _repr_html_(self):
        return self.img()

    def __repr__(self):
        return self.alt


def tile(
    image: torch.Tensor,
    title: str,
    kind: str = "image",
    span: tuple[float, float] | None = None,
    frames: Iterable[Sequence[int]] = (),
    numbers: str = "",
) -> Tile:
    """One image as a `Tile`.

    Args:
        image: (H, W), (1, H, W) or (3, H, W), finite.
        kind: "image" (gray or colour), "signed", "magnitude" or "sinogram" (stretched, by a whole number each way).
        span: (low, high) of the scale. Default: (0, 1) for images, else the largest magnitude.
        frames: squares to draw, each (row, column, side) in numbers of the image.
        numbers: further words for the text, such as "PSNR 17.1 dB".

    >>> tile(torch.zeros(1, 8, 8), "black", numbers="PSNR 10 dB").alt
    'black (mean 0, values 0 to 0, shown from 0 to 1), PSNR 10 dB.'
    """
    array = array_of(image, title)
    low, high = span or _span(array, kind)
    levels = (np.clip((array - low) * (255 / (high - low)), 0, 255) + 0.5).astype(np.uint8)
    height, width = levels.shape[:2]
    factor = max(1, SIDE // max(height, width))
    across, down = (max(1, SIDE // width), max(1, SIDE // height)) if kind == "sinogram" else (factor, factor)
    words = described(array, title, kind, (low, high)) + (f", {numbers}" if numbers else "") + "."
    size = (across * width, down * height)
    return Tile(_png(levels, kind), title, words, size, (kind, low, high), tuple(frames), factor)


def mosaic(
    images: Sequence[torch.Tensor], kinds: Sequence[str], spans: Sequence[tuple[float, float]], title: str, alt: str
) -> Tile:
    """Four images of one size as the quarters of a tile, to compare a detail.

    >>> mosaic([torch.zeros(1, 8, 8)] * 4, ["image"] * 4, [(0, 1)] * 4, "detail", "four black squares").size
    (256, 256)
    """
    panels = zip(images, kinds, spans, strict=True)
    quarters = [_coloured(array_of(image, title), kind, span) for image, kind, span in panels]
    rows = [np.concatenate(pair, axis=1) for pair in (quarters[:2], quarters[2:])]
    levels = np.concatenate(rows)
    factor = SIDE // max(levels.shape[:2])
    return Tile(_png(levels, "image"), title, alt, (factor * levels.shape[1], factor * levels.shape[0]), factor=factor)


def _span(array: np.ndarray, kind: str) -> tuple[float, float]:
    if kind == "image":
        return 0.0, 1.0
    high = float(np.abs(array).max()) or 1.0
    return (-high, high) if kind == "signed" else (0.0, high)


def _coloured(array: np.ndarray, kind: str, span: tuple[float, float]) -> np.ndarray:
    levels = (np.clip((array - span[0]) * (255 / (span[1] - span[0])), 0, 255) + 0.5).astype(np.uint8)
    return levels if levels.ndim == 3 else colour_table(COLOURS[kind])[levels]


def _png(levels: np.ndarray, kind: str) -> bytes:
    height, width = levels.shape[:2]
    if levels.ndim == 3:
        return png_of_rows(levels.reshape(height, -1), width, filter=0, colour=2)
    palette = b"" if kind == "image" else colour_table(COLOURS[kind]).tobytes()
    return png_of_rows(levels, width, filter=0, colour=3 if palette else 0, palette=palette)
