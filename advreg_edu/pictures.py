"""Arrays to pictures, each with a sentence computed from its numbers (not in the paper).

`strip` puts images side by side (Pillow, a few milliseconds); `curves` draws numbers against the iterate (matplotlib,
once) and then only moves a cursor over the finished drawing. Nothing here knows about widgets.
"""

import base64
import html
import math
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ._checks import check_finite

COLOURS = {"image": "gray", "signed": "RdBu_r", "magnitude": "cividis", "sinogram": "cividis"}
SIDE, GAP, BAR, FONT = 256, 12, 10, 18  # pixels: a panel, between panels, a colour bar, letters
INK, QUIET, EDGE, PAPER, ACCENT = (26, 26, 26), (84, 84, 84), (150, 150, 150), (255, 255, 255), (213, 94, 0)
STYLES = (("-", "o", "#0072B2"), ("--", "s", "#D55E00"), (":", "^", "#00795A"), ("-.", "D", "#8E4585"))


@dataclass(frozen=True)
class Picture:
    """A PNG and the sentence that says what is in it; `size` is (width, height) in pixels."""

    png: bytes
    alt: str
    size: tuple

    def img(self):
        """The <img> element, its text in `alt`. It shrinks with the page and keeps its place while it loads."""
        data, (width, height) = base64.b64encode(self.png).decode(), self.size
        return (
            f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}" width="{width}" height="{height}" '
            'decoding="sync" style="display:block;max-width:100%;height:auto">'
        )

    def _repr_html_(self):
        caption = f'<figcaption style="max-width:75em;padding-top:4px">{html.escape(self.alt)}</figcaption>'
        return f'<figure style="margin:0">{self.img()}{caption}</figure>'

    def __repr__(self):
        return self.alt


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
    arrays = [_array(image, title) for image, title in zip(images, titles, strict=True)]
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
        draw.text((left + SIDE / 2, 2), title, fill=INK, font=_font(FONT), anchor="ma")
        _colour_bar(sheet, draw, left, top + SIDE + 8, kind, span)
    return Picture(_png(sheet), alt or _strip_sentence(arrays, titles, kinds, ranges), sheet.size)


@dataclass(frozen=True, repr=False)
class Chart:
    """Curves that are drawn once; `at(k)` adds a cursor at iterate k without drawing them again."""

    base: Image.Image
    lines: tuple  # for every curve its name, values and pixel positions [(x, y), ...]
    heights: tuple  # pixels, top and bottom of the axes

    def at(self, k=None):
        """The picture with a cursor at iterate k (clipped to the last), and its sentence."""
        if k is None:
            return Picture(_png(self.base), self._sentence(), self.base.size)
        sheet = self.base.copy()
        draw = ImageDraw.Draw(sheet)
        for _, values, pixels in self.lines:
            x, y = pixels[min(k, len(values) - 1)]
            draw.line([(x, self.heights[0]), (x, self.heights[1])], fill=ACCENT, width=2)
            draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=ACCENT, outline=PAPER, width=2)
        return Picture(_png(sheet), self._sentence(k), sheet.size)

    def _sentence(self, k=None):
        words = []
        for name, values, _ in self.lines:
            last = len(values) - 1
            here = "" if k is None else f", {_number(values[min(k, last)])} at {min(k, last)}"
            words.append(f"{name} goes from {_number(values[0])} to {_number(values[last])} in {last} steps{here}")
        return "Curves against the iterate: " + "; ".join(words) + "."

    def _repr_html_(self):
        return self.at()._repr_html_()


def curves(series, log=(), steps=None, width=848, height=172):
    """Small panels side by side over the iterates 0, 1, 2, ...; dash and marker tell lines apart beside colour.

    Args:
        series: {panel title: values} or {panel title: {line name: values}}.
        log: titles of the panels with a logarithmic axis (all values above 0).
        steps: right end of the axis, if the run is to go on further than the values do.
        width, height: pixels of the whole; the letters are 16 pixels (12 points) high.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 96, height / 96), dpi=96, facecolor="white")
    canvas, names, drawn = FigureCanvasAgg(figure), [], []
    share, top, bottom = width / len(series), 30, 48  # pixels
    for i, (title, lines) in enumerate(series.items()):
        box = (i * share + 50, bottom, share - 62, height - top - bottom)
        axes = figure.add_axes([length / whole for length, whole in zip(box, [width, height] * 2, strict=True)])
        lines = lines if isinstance(lines, dict) else {title: lines}
        names += lines
        drawn += _draw_panel(axes, title, lines, title in log, steps)
    canvas.draw()
    base = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    return Chart(base, tuple(map(_traced, names, drawn)), (top, height - bottom))


def _traced(name, line):
    """A drawn curve: its name, values, and where they are in the picture, in pixels from the top left."""
    height = line.figure.bbox.height
    pixels = [(float(x), float(height - y)) for x, y in line.axes.transData.transform(line.get_xydata())]
    return name, [float(value) for value in line.get_ydata()], pixels


def _draw_panel(axes, title, lines, log, steps):
    from matplotlib.ticker import MaxNLocator

    drawn = []
    for (name, values), (dash, marker, colour) in zip(lines.items(), STYLES, strict=False):
        look = dict(marker=marker, markevery=max(1, len(values) // 6), markersize=5, color=colour, lw=2)
        drawn += axes.plot([float(value) for value in values], dash, label=name, **look)
    if log:
        axes.set_yscale("log")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(3, min_n_ticks=2))
    end = max(steps or 0, max(len(values) for values in lines.values()) - 1, 1)
    axes.set_xlim(-0.03 * end, 1.03 * end)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True, steps=[1, 2, 5, 10]))
    axes.set_title(title, fontsize=12, pad=6)
    axes.set_xlabel("iterate", fontsize=12, labelpad=1)
    axes.tick_params(labelsize=12, length=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e4e4", lw=0.8)
    if len(lines) > 1:
        axes.legend(fontsize=12, frameon=False, handlelength=2.5)
    return drawn


def _array(image, title):
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
    return levels if levels.ndim == 3 else _colour_table(COLOURS[kind])[levels]


def _enlarged(pixels, stretch):
    """Whole-number magnification, so that a pixel stays a square of one colour; larger images are averaged down."""
    height, width = pixels.shape[:2]
    factor = SIDE // max(height, width) or SIDE / max(height, width)
    size = (SIDE, SIDE) if stretch else (max(1, round(width * factor)), max(1, round(height * factor)))
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX)


def _colour_bar(sheet, draw, left, y, kind, span):
    ramp = np.tile(_colour_table(COLOURS[kind])[np.linspace(0, 255, SIDE - 2).astype(np.uint8)], (BAR - 2, 1, 1))
    draw.rectangle([left, y, left + SIDE - 1, y + BAR - 1], fill=EDGE)
    sheet.paste(Image.fromarray(ramp), (left + 1, y + 1))
    marks = [(span[0], 0, "la"), (span[1], SIDE, "ra")] + ([(0, SIDE / 2, "ma")] if kind == "signed" else [])
    for value, x, anchor in marks:
        draw.text((left + x, y + BAR), _number(value), fill=QUIET, font=_font(FONT - 3), anchor=anchor)


def _strip_sentence(arrays, titles, kinds, ranges):
    words = []
    for array, title, kind, (low, high) in zip(arrays, titles, kinds, ranges, strict=True):
        rms = math.sqrt(float(np.square(array).mean()))
        size = f"root mean square {_number(rms)}" if kind == "signed" else f"mean {_number(float(array.mean()))}"
        values = f"values {_number(float(array.min()))} to {_number(float(array.max()))}"
        words.append(f"{title} ({size}, {values}, shown from {_number(low)} to {_number(high)})")
    return "Side by side: " + "; ".join(words) + "."


@lru_cache
def _colour_table(name):
    if name == "gray":  # matplotlib's is one level too dark or too bright here and there
        return np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    import matplotlib

    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]


@lru_cache
def _font(size):
    """DejaVu Sans from matplotlib: it has the Greek letters and the dagger of A†, which Pillow's own font lacks."""
    import matplotlib

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def _png(sheet):
    """RGB image to PNG bytes, lossless. Three times faster than Pillow, which tries five filters on every row: here it
    is always "Up", the difference to the row above, and that is zero in every second row of an enlarged image."""
    rows = np.asarray(sheet).reshape(sheet.height, -1)
    filtered = np.full((sheet.height, 1 + 3 * sheet.width), 2, np.uint8)  # each row starts with its filter, 2 = "Up"
    filtered[:, 1:] = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))
    header = struct.pack(">IIBBBBB", sheet.width, sheet.height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered, 1)), (b"IEND", b""))
    pack = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(pack(kind, data) for kind, data in chunks)


def _number(value):
    return f"{value:.3g}".replace("-", "−") if abs(value) < 1000 else f"{value:.2e}".replace("-", "−")
