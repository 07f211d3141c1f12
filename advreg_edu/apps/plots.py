"""What the apps draw with matplotlib beyond curves: axes at exact pixels, and the drawing as an image.

And what stands in the place of a drawing before there is one.
"""

import numpy as np
from PIL import Image, ImageDraw

from ..pictures import PAPER, QUIET, Picture, _font, png


def axes_at(size, *boxes):
    """A canvas of size (width, height) in pixels and one axes for each box (left, bottom, width, height)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] / 96, size[1] / 96), dpi=96, facecolor="white")
    found = []
    for box in boxes:
        axes = figure.add_axes([length / whole for length, whole in zip(box, size * 2, strict=True)])
        axes.tick_params(labelsize=12, length=3)
        axes.spines[["top", "right"]].set_visible(False)
        found.append(axes)
    return FigureCanvasAgg(figure), *found


def drawn(canvas):
    """The canvas as an RGB image."""
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def note(size, text):
    """A picture of size (width, height) with one line of text: it keeps the place of a drawing to come."""
    sheet = Image.new("RGB", size, PAPER)
    ImageDraw.Draw(sheet).text((size[0] / 2, size[1] / 2), text, fill=QUIET, font=_font(15), anchor="mm")
    return Picture(png(sheet), text, size)
