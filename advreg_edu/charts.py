"""Numbers against the iterate, drawn once by matplotlib; then only a cursor moves over the finished drawing."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .pictures import ACCENT, PAPER, Picture, number, png

STYLES = (("-", "o", "#0072B2"), ("--", "s", "#D55E00"), (":", "^", "#00795A"), ("-.", "D", "#8E4585"))


@dataclass(frozen=True, repr=False)
class Chart:
    """Curves that are drawn once; `at(k)` adds a cursor at iterate k without drawing them again."""

    base: Image.Image
    lines: tuple  # for every curve its name, values and pixel positions [(x, y), ...]
    heights: tuple  # pixels, top and bottom of the axes

    def at(self, k=None):
        """The picture with a cursor at iterate k (clipped to the last), and its sentence."""
        if k is None:
            return Picture(png(self.base), self._sentence(), self.base.size)
        sheet = self.base.copy()
        draw = ImageDraw.Draw(sheet)
        for _, values, pixels in self.lines:
            x, y = pixels[min(k, len(values) - 1)]
            draw.line([(x, self.heights[0]), (x, self.heights[1])], fill=ACCENT, width=2)
            draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=ACCENT, outline=PAPER, width=2)
        return Picture(png(sheet), self._sentence(k), sheet.size)

    def _sentence(self, k=None):
        words = []
        for name, values, _ in self.lines:
            last = len(values) - 1
            here = "" if k is None else f", {number(values[min(k, last)])} at {min(k, last)}"
            words.append(f"{name} goes from {number(values[0])} to {number(values[last])} in {last} steps{here}")
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
