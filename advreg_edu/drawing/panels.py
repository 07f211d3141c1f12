"""Pictures: panels of pixels, under titles and above scales that are text of the page (not in the paper)."""

import base64
import html
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from PIL import Image, ImageDraw

from .looks import colour_table, font
from .png import png

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
        bar = scale_bar(self.kind, *self.span) if self.span else no_bar()
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


def in_words(shown: str, sentence: str) -> str:
    """A figure whose sentence unfolds under it."""
    summary = '<summary style="cursor:pointer;font-size:13px;opacity:.75;width:max-content">in words</summary>'
    words = f'<details style="max-width:75em">{summary}{html.escape(sentence)}</details>'
    return f'<figure style="margin:0">{shown}{words}</figure>'


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


@lru_cache(maxsize=64)
def scale_bar(kind: str, low: float, high: float) -> str:
    """Colour bar and the numbers at its ends as text of the page: for eyes only, the sentence says the same."""
    colours = ",".join("#{:02x}{:02x}{:02x}".format(*c) for c in colour_table(COLOURS[kind])[::15])
    ramp = f'<div style="height:8px;background:linear-gradient(to right,{colours});{OUTLINE}"></div>'
    middle = "<span>0</span>" if kind == "signed" else ""
    words = f"<span>{number(low)}</span>{middle}<span>{number(high)}</span>"
    style = "font-size:13px;line-height:18px;display:flex;justify-content:space-between;gap:0 4px;overflow:hidden"
    scale = f'<div class="advreg-scale" style="{style}">{words}</div>'
    return f'<div style="padding-top:3px" aria-hidden="true">{ramp}{scale}</div>'


def no_bar() -> str:
    """The place of a scale where there is none.

    >>> no_bar().startswith('<div style="visibility:hidden">')
    True
    """
    return f'<div style="visibility:hidden">{scale_bar("image", 0.0, 1.0)}</div>'


def number(value: float) -> str:
    """A number with three digits and a true minus sign.

    >>> number(-0.12345), number(12345)
    ('−0.123', '1.23e+04')
    """
    return f"{value:.3g}".replace("-", "−") if abs(value) < 1000 else f"{value:.2e}".replace("-", "−")
