"""Arrays to pictures, each with a sentence computed from its numbers (not in the paper).

`strip` puts images side by side (Pillow, a few milliseconds); `curves`, in `charts`, draws numbers against the iterate.
Nothing here knows about widgets.
"""

import base64
import html
import math
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from .._input.arguments import check_finite

COLOURS = {"image": "gray", "signed": "RdBu_r", "magnitude": "cividis", "sinogram": "cividis"}
SIDE, GAP, BAR, FONT = 256, 12, 10, 15  # pixels: a panel, between panels, a colour bar, letters
OUTLINE = "outline:1px solid #969696;outline-offset:-1px;margin:0;max-width:none"
CENTRED = "display:flex;align-items:center;justify-content:center;line-height:0"
TITLE = (  # at the foot of its row, should another panel's need two lines
    "font-size:14px;line-height:20px;min-height:20px;text-align:center;color:inherit;overflow-wrap:anywhere;"
    "display:flex;align-items:flex-end;justify-content:center"
)
INK, QUIET, EDGE, PAPER, ACCENT = (26, 26, 26), (84, 84, 84), (150, 150, 150), (255, 255, 255), (213, 94, 0)


@dataclass(frozen=True)
class Panel:
    """One image of a picture: its pixels as they are shown, its title and its scale, which are text of the page."""

    image: Image.Image
    title: str
    kind: str = "image"
    span: tuple[float, float] | None = None  # the ends of the scale; none where there is no scale

    def html(self, alt: str, side: int) -> str:
        """The panel as a <figure> that shrinks with the page; its letters do not."""
        style = f"display:block;width:{100 * self.image.width / side:.4g}%;height:auto;{OUTLINE}"
        shown = image_element(png(self.image), alt, self.image.size, style=style)
        title = f'<figcaption class="advreg-title" style="{TITLE}">{html.escape(self.title)}</figcaption>'
        middle = f"aspect-ratio:1;{CENTRED}" if self.image.width != self.image.height else CENTRED
        bar = scale_bar(self.kind, *self.span) if self.span else NO_BAR
        return f'<figure style="margin:0;min-width:0">{title}<div style="{middle}">{shown}</div>{bar}</figure>'


@dataclass(frozen=True)
class Picture:
    """Panels side by side and the sentence that says what is in them; `png` is the whole as a file, on white."""

    panels: tuple[Panel, ...]
    alt: str
    side: int = 256  # pixels of a panel

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole in pixels."""
        bar = BAR + FONT + 12 if any(panel.span for panel in self.panels) else 2
        return len(self.panels) * (self.side + GAP) - GAP, FONT + 10 + self.side + bar

    @cached_property
    def png(self) -> bytes:
        """The whole as a file, with titles and scales."""
        sheet, top = Image.new("RGB", self.size, PAPER), FONT + 10
        draw = ImageDraw.Draw(sheet)
        for i, panel in enumerate(self.panels):
            left, image = i * (self.side + GAP), panel.image
            x, y = left + (self.side - image.width) // 2, top + (self.side - image.height) // 2
            sheet.paste(image, (x, y), image if image.mode == "RGBA" else None)
            draw.rectangle([x, y, x + image.width - 1, y + image.height - 1], outline=EDGE)  # white image, white paper
            draw.text((left + self.side / 2, 2), panel.title, fill=INK, font=font(FONT), anchor="ma")
            if panel.span:
                colour_bar(sheet, draw, left, top + self.side + 8, panel.kind, panel.span, self.side)
        return png(sheet)

    def img(self) -> str:
        """The HTML of the picture. Its text is the `alt` of the first image; it shrinks with the page."""
        style = (
            "display:grid;gap:4px 12px;align-items:end;"
            f"grid-template-columns:repeat({len(self.panels)},minmax(0,{self.side}px))"
        )
        alts = [self.alt, *["" for _ in self.panels[1:]]]
        panels = (panel.html(alt, self.side) for panel, alt in zip(self.panels, alts, strict=True))
        return f'<div class="advreg-panels" style="{style}">{"".join(panels)}</div>'

    def _repr_html_(self) -> str:
        return in_words(self.img(), self.alt)

    def __repr__(self) -> str:
        return self.alt


NO_BAR = '<div style="height:29px"></div>'  # what a scale takes


def in_words(shown: str, sentence: str) -> str:
    """A figure whose sentence unfolds under it."""
    summary = '<summary style="cursor:pointer;font-size:13px;opacity:.75;width:max-content">in words</summary>'
    words = f'<details style="max-width:75em">{summary}{html.escape(sentence)}</details>'
    return f'<figure style="margin:0">{shown}{words}</figure>'


def image_element(data, alt, size, kind="png", style="display:block;max-width:100%;height:auto"):
    """An <img> with its file inside. `data` bytes of that kind ("png", "svg+xml"); `size` in pixels of the page."""
    source, (width, height) = base64.b64encode(data).decode(), size
    return (
        f'<img alt="{html.escape(alt)}" src="data:image/{kind};base64,{source}" width="{width}" height="{height}" '
        f'decoding="sync" style="{style}">'
    )


def strip(images, titles, kinds=None, limits=(0, 1), signed_limit=None, alt=None):
    """Images side by side, all of one kind on one scale, which is written under each panel.

    Args:
        images: tensors (H, W), (1, H, W) or (3, H, W), finite.
        titles: one line of text for each.
        kinds: for each "image" (gray or colour, `limits`), "signed" (red above 0, blue below, equal limits on both
            sides), "magnitude" (0 to the largest) or "sinogram" (magnitude, stretched to a square). Default: "image".
        limits: black and white of the images; what lies beyond is clipped.
        signed_limit: end of the signed scale; by default the largest magnitude in the signed panels.
        alt: the sentence, if not the one computed from the panels.
    """
    kinds = ["image"] * len(images) if kinds is None else list(kinds)
    if not len(images) == len(titles) == len(kinds) > 0:
        counts = f"{len(images)} images, {len(titles)} titles, {len(kinds)} kinds"
        raise ValueError(f"titles: expected images and one title and kind for each, got {counts}.")
    arrays = [array_of(image, title) for image, title in zip(images, titles, strict=True)]
    ranges = [_range(kind, kinds, arrays, limits, signed_limit) for kind in kinds]
    panels = []
    for array, title, kind, span in zip(arrays, titles, kinds, ranges, strict=True):
        panels.append(Panel(_enlarged(_coloured(array, kind, span), stretch=kind == "sinogram"), title, kind, span))
    return Picture(tuple(panels), alt or _strip_sentence(arrays, titles, kinds, ranges), SIDE)


def with_inset(image, corner, side=32, factor=3):
    """`image` (C, H, W) twice as large, and in its lower right corner the square at `corner`, magnified and framed.

    corner (row, column) and `side` are in pixels of `image`; a thin frame shows where the square was.
    """
    row, column = corner
    factor = min(factor, 2 * min(image.shape[1:]) // side)
    enlarge = lambda u, n: u.repeat_interleave(n, 1).repeat_interleave(n, 2)
    sheet, zoom = enlarge(image, 2), enlarge(image[:, row : row + side, column : column + side], factor)
    width = zoom.shape[-1]
    _frame(sheet, 2 * row, 2 * column, 2 * side)
    sheet[:, -width:, -width:] = zoom
    _frame(sheet, sheet.shape[1] - width, sheet.shape[2] - width, width)
    return sheet


def busiest(image, side=32):
    """(row, column) of the square where `image` (C, H, W) varies most, not where `with_inset` puts its inset."""
    x = image.mean(0)[None, None]
    mean = lambda u: torch.nn.functional.avg_pool2d(u, side, stride=4)
    variance = (mean(x * x) - mean(x) ** 2)[0, 0]
    rows, columns = variance.shape
    variance[rows // 3 :, columns // 3 :] = -1
    k = int(variance.argmax())
    return 4 * (k // columns), 4 * (k % columns)


def _frame(sheet, row, column, side):
    """A frame of 2 pixels inside the square, white between dark, so that it shows on any ground."""
    for inset, value in ((0, 1.0), (1, 0.0)):
        first, last = inset, side - 1 - inset
        for k in (first, last):
            sheet[:, row + k, column + first : column + last + 1] = value
            sheet[:, row + first : row + last + 1, column + k] = value


def array_of(image, title):
    array = torch.as_tensor(image).detach().cpu().float()
    if array.ndim not in (2, 3) or (array.ndim == 3 and len(array) not in (1, 3)):
        raise ValueError(
            f"images: expected (H, W), (1, H, W) or (3, H, W), got {tuple(array.shape)} for {title!r}. "
            "Take one image of the batch: x[0]."
        )
    check_finite(array, title)
    return array.numpy() if array.ndim == 2 else array.permute(1, 2, 0).numpy().squeeze()


def _range(kind, kinds, arrays, limits, signed_limit):
    """(low, high) of the scale that all panels of this kind share."""
    if kind not in COLOURS:
        raise ValueError(f"kinds: expected each of {', '.join(COLOURS)}, got {kind!r}.")
    if kind == "image":
        return limits
    peers = [float(np.abs(a).max()) for a, other in zip(arrays, kinds, strict=True) if other == kind]
    high = (signed_limit if kind == "signed" and signed_limit else max(peers)) or 1.0
    return (-high, high) if kind == "signed" else (0.0, high)


def _coloured(array, kind, span):
    """(H, W) or (H, W, 3) to bytes (H, W, 3)."""
    low, high = span
    levels = (np.clip((array - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)
    return levels if levels.ndim == 3 else colour_table(COLOURS[kind])[levels]


def _enlarged(pixels, stretch):
    """Whole-number magnification, so that a pixel stays a square of one colour; larger images are averaged down."""
    height, width = pixels.shape[:2]
    factor = SIDE // max(height, width) or SIDE / max(height, width)
    size = (SIDE, SIDE) if stretch else (max(1, round(width * factor)), max(1, round(height * factor)))
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX)


def colour_bar(sheet, draw, left, y, kind, span, side=SIDE):
    """The bar under a panel, `side` pixels wide, with the numbers at its ends, and 0 where it is signed."""
    ramp = np.tile(colour_table(COLOURS[kind])[np.linspace(0, 255, side - 2).astype(np.uint8)], (BAR - 2, 1, 1))
    draw.rectangle([left, y, left + side - 1, y + BAR - 1], fill=EDGE)
    sheet.paste(Image.fromarray(ramp), (left + 1, y + 1))
    marks = [(span[0], 0, "la"), (span[1], side, "ra")] + ([(0, side / 2, "ma")] if kind == "signed" else [])
    for value, x, anchor in marks:
        draw.text((left + x, y + BAR), number(value), fill=QUIET, font=font(FONT - 1), anchor=anchor)


@lru_cache(maxsize=64)
def scale_bar(kind: str, low: float, high: float) -> str:
    """Colour bar and the numbers at its ends as text of the page: for eyes only, the sentence says the same."""
    colours = ",".join("#{:02x}{:02x}{:02x}".format(*c) for c in colour_table(COLOURS[kind])[::15])
    ramp = f'<div style="height:8px;background:linear-gradient(to right,{colours});{OUTLINE}"></div>'
    middle = "<span>0</span>" if kind == "signed" else ""
    words = f"<span>{number(low)}</span>{middle}<span>{number(high)}</span>"
    style = "font-size:13px;line-height:18px;display:flex;justify-content:space-between"
    scale = f'<div class="advreg-scale" style="{style}">{words}</div>'
    return f'<div style="padding-top:3px" aria-hidden="true">{ramp}{scale}</div>'


def _strip_sentence(arrays, titles, kinds, ranges):
    return "Side by side: " + "; ".join(map(described, arrays, titles, kinds, ranges)) + "."


def described(array, title, kind, span):
    """A panel in words and numbers."""
    rms = math.sqrt(float(np.square(array).mean()))
    size = f"root mean square {number(rms)}" if kind == "signed" else f"mean {number(float(array.mean()))}"
    values = f"values {number(float(array.min()))} to {number(float(array.max()))}"
    return f"{title} ({size}, {values}, shown from {number(span[0])} to {number(span[1])})"


@lru_cache
def colour_table(name):
    if name == "gray":  # matplotlib's is one level too dark or too bright here and there
        return np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    import matplotlib

    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]


@lru_cache
def font(size):
    """DejaVu Sans from matplotlib: it has the Greek letters and the dagger of A†, which Pillow's own font lacks."""
    import matplotlib

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def png(sheet):
    """RGB or RGBA image to PNG bytes, lossless. Three times faster than Pillow, which tries five filters on every row:
    here it is always "Up", the difference to the row above, which is zero in every second row of an enlarged image."""
    rows = np.asarray(sheet).reshape(sheet.height, -1)
    colour = 6 if sheet.mode == "RGBA" else 2
    return png_of_rows(np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1])), sheet.width, filter=2, colour=colour)


def png_of_rows(rows, width, filter, colour, palette=b""):
    """PNG bytes of rows (height, bytes a row): filter 0 none or 2 "Up"; colour 0 gray, 2 RGB, 3 `palette`, 6 RGBA."""
    lines = np.full((len(rows), 1 + rows.shape[1]), filter, np.uint8)  # each row starts with its filter
    lines[:, 1:] = rows
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 8, colour, 0, 0, 0))]
    chunks += [(b"PLTE", palette)] if palette else []
    chunks += [(b"IDAT", _deflated(lines.tobytes())), (b"IEND", b"")]
    pack = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(pack(kind, data) for kind, data in chunks)


def _deflated(data):
    """By run lengths and Huffman codes alone: on images smaller than zlib's fastest level, in half of the time."""
    packer = zlib.compressobj(1, zlib.DEFLATED, strategy=zlib.Z_RLE)
    return packer.compress(data) + packer.flush()


def number(value):
    """Three digits, a true minus sign."""
    return f"{value:.3g}".replace("-", "−") if abs(value) < 1000 else f"{value:.2e}".replace("-", "−")
