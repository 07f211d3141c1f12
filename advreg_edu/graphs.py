"""Numbers against a number, drawn by matplotlib, with a sentence computed from them (not in the paper)."""

import numpy as np
from PIL import Image

from .pictures import Picture, number, png

STYLES = (("-", "o", "#0072B2"), ("--", "s", "#D55E00"), (":", "^", "#00795A"), ("-.", "D", "#8E4585"))  # of `charts`
LEFT, RIGHT, TOP, BOTTOM = 76, 12, 16, 50  # pixels around the axes


def graph(x, lines, xlabel, ylabel, bands=None, marks=None, log=False, width=848, height=330):
    """Lines over the numbers `x`; dash and marker tell them apart beside colour, four at most.

    Args: lines {name: values}, of as many or fewer numbers than x; bands {name: half widths} around some of them;
        marks {text: x} as upright lines; log, whether the upright axis is logarithmic.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 96, height / 96), dpi=96, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    box = (LEFT / width, BOTTOM / height, 1 - (LEFT + RIGHT) / width, 1 - (TOP + BOTTOM) / height)
    axes, x = figure.add_axes(box), np.asarray(x, dtype=float)
    for (name, values), (dash, marker, colour) in zip(lines.items(), STYLES, strict=False):
        values = np.asarray(values, dtype=float)
        look = dict(marker=marker, markevery=max(1, len(x) // 8), markersize=5, color=colour, lw=2)
        axes.plot(x[: len(values)], values, dash, label=name, **look)
        if bands and name in bands:
            half = np.asarray(bands[name], dtype=float)
            axes.fill_between(x[: len(values)], values - half, values + half, color=colour, alpha=0.18, lw=0)
    _dress(axes, xlabel, ylabel, marks or {}, log)
    canvas.draw()
    sheet = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    return Picture(png(sheet), _sentence(x, lines, xlabel, ylabel, bands or {}, marks or {}), sheet.size)


def _dress(axes, xlabel, ylabel, marks, log):
    axes.set_yscale("log" if log else "linear")
    for text, place in marks.items():
        axes.axvline(place, color="#545454", lw=1.2, ls=(0, (2, 2)))
        axes.text(place, 1, f" {text}", fontsize=12, color="#545454", va="top", transform=axes.get_xaxis_transform())
    axes.set_xlabel(xlabel, fontsize=12, labelpad=2)
    axes.set_ylabel(ylabel, fontsize=12)
    axes.tick_params(labelsize=12, length=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e4e4", lw=0.8)
    axes.legend(fontsize=12, frameon=False, handlelength=2.8)


def _sentence(x, lines, xlabel, ylabel, bands, marks):
    words = []
    for name, values in lines.items():
        low = min(range(len(values)), key=lambda k: values[k])
        text = f"{name} goes from {number(float(values[0]))} to {number(float(values[-1]))}"
        text += f", least {number(float(values[low]))} at {number(float(x[low]))}"
        text += f", band ± {number(float(max(bands[name])))} at most" if name in bands else ""
        words.append(text)
    words += [f"{text} marked at {number(float(place))}" for text, place in marks.items()]
    span = f"{number(float(x[0]))} to {number(float(x[-1]))}"
    return f"{ylabel} against {xlabel} from {span}: " + "; ".join(words) + "."
