"""How the descent lab looks: images or level lines of iterate k, two curves, and the L-curve. Paper: §2.3, Eq. 2."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from ..charts import curves
from ..pictures import ACCENT, FONT, INK, PAPER, Picture, _font, number, png, strip
from .descent_run import FLAT, STEEP, TWO, minimiser, sweep_sentence
from .plots import axes_at, drawn, note

WINDOW = (-1.75, 1.95, -0.2, 0.84)  # of the level lines: x_1 from, to, x_2 from, to
SHEET, FRAME = (1060, 324), (52, 30, 1044, 298)  # pixels: the picture, and left, top, right, bottom of the plane
PANEL = (424, 200)  # pixels of the two charts below


def picture(result, k):
    """Iterate k: level lines and path with two unknowns, else truth, start, iterate and last step side by side."""
    if result.settings.cost == TWO:
        return level_lines(result, k)
    x, before = result.iterates[k].x[0], result.iterates[max(k - 1, 0)].x[0]
    clipped = ", clipped" if x.min() < -0.6 or x.max() > 1.6 else ""
    titles = [
        "ground truth",
        f"start A†y: {result.quality[0]:.1f} dB",
        f"iterate {k}: {result.quality[k]:.1f} dB{clipped}",
        f"step x{k} − x{k - 1}" if k else "no step yet",
    ]
    return strip([result.case.truth[0], result.case.start[0], x, x - before], titles, ["image"] * 3 + ["signed"])


def level_lines(result, k):
    """The plane of the two unknowns with lines of equal J and the path to iterate k; what leaves the frame is cut."""
    path = [tuple(it.x.flatten().tolist()) for it in result.iterates[: k + 1]]
    best = tuple(minimiser(result.case, result.settings.reg_weight).flatten().tolist())
    sheet = _plane(tuple(result.case.y.flatten().tolist()), result.settings.reg_weight).copy()
    inside = sheet.crop(FRAME)
    draw, points = ImageDraw.Draw(inside), [_pixel(point) for point in path]
    if k:
        draw.line(points, fill=ACCENT, width=2)
    for x, y in points:
        draw.ellipse([x - 4, y - 4, x + 4, y + 4], fill=ACCENT, outline=PAPER)
    x, y = _pixel(best)
    draw.line([(x - 9, y), (x + 9, y)], fill=INK, width=3)
    draw.line([(x, y - 9), (x, y + 9)], fill=INK, width=3)
    sheet.paste(inside, FRAME[:2])
    out = "" if _visible(path[-1]) else ", outside the frame"
    place = f"({number(path[-1][0])}, {number(path[-1][1])})"
    title = f"level lines of J, path to iterate {k} at {place}{out}; the cross is the minimiser x*"
    ImageDraw.Draw(sheet).text((FRAME[0], 2), title, fill=INK, font=_font(FONT))
    alt = (
        f"Level lines of J over two unknowns: ellipses around the minimiser ({number(best[0])}, {number(best[1])}), "
        f"and the path of gradient descent from {path[0][0]:.3g}, {path[0][1]:.3g} to iterate {k} at {place}{out}."
    )
    return Picture(png(sheet), alt, sheet.size)


def _visible(point):
    left, right, low, high = WINDOW
    return left <= point[0] <= right and low <= point[1] <= high


def _pixel(point):
    """Where a point of the plane lies in the frame, in pixels; far away is as good as infinity."""
    left, right, low, high = WINDOW
    width, height = FRAME[2] - FRAME[0], FRAME[3] - FRAME[1]
    x, y = (point[0] - left) / (right - left) * width, (high - point[1]) / (high - low) * height
    return min(max(x, -9e3), 9e3), min(max(y, -9e3), 9e3)


@lru_cache(maxsize=8)
def _plane(y, reg_weight):
    """The level lines, drawn once per lambda: an RGB image of the size of the strip."""
    left, right, low, high = WINDOW
    x1, x2 = np.meshgrid(np.linspace(left, right, 240), np.linspace(low, high, 70))
    J = (FLAT * x1 - y[0]) ** 2 + (STEEP * x2 - y[1]) ** 2 + reg_weight * (x1**2 + x2**2)
    canvas, axes = axes_at(SHEET, (FRAME[0], SHEET[1] - FRAME[3], FRAME[2] - FRAME[0], FRAME[3] - FRAME[1]))
    levels = J.min() + (J.max() - J.min()) * np.linspace(0, 1, 15)[1:-1] ** 2
    axes.contour(x1, x2, J, levels, cmap="viridis", linewidths=1.4)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    return drawn(canvas)


def chart(result):
    """J and the quality against the iterate. A curve that changes a hundredfold gets a log axis."""
    quality = "error ‖x − x*‖" if result.settings.cost == TWO else "PSNR in dB"
    series = {"objective J": [float(it.objective) for it in result.iterates], quality: list(result.quality)}
    wide = [name for name, values in series.items() if 0 < 100 * min(values) < max(values)]
    titles = {f"{name}, log" if name in wide else name: values for name, values in series.items()}
    log = [title for title in titles if title.endswith(", log")]
    return curves(titles, log, None if result.diverged else result.settings.steps, *PANEL)


def placeholder():
    """In the place of the L-curve before a sweep."""
    return note(PANEL, "The L-curve appears here: press “sweep λ”.")


@dataclass(frozen=True)
class LCurve:
    """The minimisers of a sweep, drawn once; `at(reg_weight)` adds a ring where that weight lies."""

    sweep: object
    base: Image.Image
    pixels: tuple  # of the points, (x, y)

    def at(self, reg_weight):
        """The picture and its sentence; weights beyond the sweep are put at its end."""
        known = np.log([point.reg_weight for point in self.sweep.points])
        x, y = (np.interp(np.log(max(reg_weight, 1e-9)), known, axis) for axis in zip(*self.pixels, strict=True))
        sheet = self.base.copy()
        ImageDraw.Draw(sheet).ellipse([x - 8, y - 8, x + 8, y + 8], outline=ACCENT, width=3)
        ends = [self.sweep.points[k] for k in (0, -1)]
        words = [f"λ {number(p.reg_weight)}: data term {number(p.data_term)}, f {number(p.regularizer)}" for p in ends]
        alt = f"L-curve, f against the data term. {words[0]}; {words[1]}. {sweep_sentence(self.sweep)}"
        return Picture(png(sheet), f"{alt} The ring is at λ {number(reg_weight)}.", sheet.size)


def l_curve(sweep):
    """f against the data term, both logarithmic, with the data term that the noise alone would leave."""
    data, f = ([getattr(p, name) for p in sweep.points] for name in ("data_term", "regularizer"))
    canvas, axes = axes_at(PANEL, (64, 48, PANEL[0] - 76, PANEL[1] - 78))
    axes.loglog(data, f, "-o", color="#0072B2", lw=2, markersize=5)
    axes.axvline(sweep.case.expected, ls="--", color="#00795A", lw=2, label="noise alone, E‖e‖²")
    best = next(p for p in sweep.points if p.reg_weight == sweep.oracle)
    axes.plot(best.data_term, best.regularizer, "D", color="#8E4585", markersize=9, zorder=3, label="oracle")
    axes.plot([], [], "o", mec="#D55E00", mfc="none", mew=2, markersize=9, label="λ now")
    axes.legend(fontsize=11, frameon=False, handlelength=1.8, borderpad=0, labelspacing=0.3)
    axes.set_title("L-curve: regulariser f against data term", fontsize=12, pad=6)
    axes.set_xlabel("data term ‖Ax − y‖²", fontsize=12, labelpad=1)
    axes.yaxis.set_minor_formatter("")
    axes.grid(color="#e4e4e4", lw=0.8)
    base = drawn(canvas)
    pixels = axes.transData.transform(list(zip(data, f, strict=True)))
    return LCurve(sweep, base, tuple((float(x), float(PANEL[1] - y)) for x, y in pixels))
