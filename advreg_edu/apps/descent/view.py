"""What the descent lab shows: images or level lines of iterate k, curves, L-curve, sentences. Paper: §2.3, Eq. 2."""

import html
import math
from collections.abc import Iterator
from dataclasses import replace

import torch

from ...drawing.charts import ACCENT, Chart, Drawing, curves, note
from ...drawing.pictures import number
from ...drawing.svg import GROUND, INK, QUIET
from ...drawing.tiles import Grid, tile
from ..shared.numbers import round_up
from .model import FLAT, STEEP, TV, TWO, Result, Stretch, minimiser
from .sweep import SWEPT, Sweep

WIDTH, HEIGHT = 300, 170  # of a chart
PLANE = (620, 480)
Point = tuple[float, float]
WINDOW, FRAME = (-1.7, 2.1, -1.1, 1.65), (44, 4, 612, 434)  # x_1 from, to, x_2 from, to; left, top, right, bottom


def picture(result: Result, k: int) -> Grid | Drawing:
    """Iterate k: level lines and path with two unknowns, else six tiles."""
    return level_lines(result, k) if result.settings.cost == TWO else tiles(result, k)


def tiles(result: Result, k: int) -> Grid:
    """Truth, start, iterate, error, last step and a magnified detail of the iterate."""
    x, truth = result.iterates[k].x[0], result.case.truth[0]
    step = x - result.iterates[max(k - 1, 0)].x[0]
    limit = round_up(float(step.abs().max()))
    clipped = ", clipped" if x.min() < -0.6 or x.max() > 1.6 else ""
    height, width = truth.shape[-2:]
    row, column, side = detail = 5 * height // 8, width // 2, height // 4
    score = lambda k: f"{result.quality[k]:.1f} dB"
    return Grid(
        (
            tile(truth, "ground truth x*"),
            tile(result.case.start[0], f"start A†y: {score(0)}", numbers=f"PSNR {score(0)}"),
            tile(x, f"iterate {k}: {score(k)}{clipped}", frames=[detail], numbers=f"PSNR {score(k)}"),
            tile(x - truth, f"error x − x*{clipped}", "signed", (-0.3, 0.3)),
            tile(step, f"change from iterate {k - 1}" if k else "no change yet", "signed", (-limit, limit)),
            tile(x[:, row : row + side, column : column + side], f"detail of iterate {k}{clipped}"),
        )
    )


def level_lines(result: Result, k: int) -> Drawing:
    """The plane of the two unknowns with lines of equal J and the path to iterate k; what leaves the frame is cut."""
    weight = result.settings.reg_weight
    path = [_point(it.x) for it in result.iterates[: k + 1]]
    best = _point(minimiser(result.case, weight))
    left, top, right, bottom = FRAME
    out = "" if _visible(path[-1]) else ", outside the frame"
    place = f"({number(path[-1][0])}, {number(path[-1][1])})"
    title = f"level lines of J and path to iterate {k} at {place}{out}; the cross is the minimiser"
    frame = f"x='{left}' y='{top}' width='{right - left}' height='{bottom - top}'"
    parts = [
        f"<clipPath id='advreg-plane'><rect {frame}/></clipPath><g clip-path='url(#advreg-plane)' fill='none'>",
        *_ellipses(best, weight),
        *_path(path, best),
        f"</g><rect {frame} fill='none' stroke='{QUIET}'/>",
        *_ticks(),
    ]
    alt = (
        f"Lines of equal J over two unknowns: ellipses around the minimiser ({number(best[0])}, {number(best[1])}), "
        f"{math.sqrt((STEEP**2 + weight) / (FLAT**2 + weight)):.2g} times as long as high. Gradient descent goes from "
        f"({number(path[0][0])}, {number(path[0][1])}) to iterate {k} at {place}{out}."
    )
    return Drawing(((title, "".join(parts)),), alt, PLANE)


def _point(x: torch.Tensor) -> Point:
    first, second = x.flatten().tolist()
    return first, second


def _ellipses(best: Point, weight: float) -> Iterator[str]:
    """J - J_min = (s_1^2 + lambda) d_1^2 + (s_2^2 + lambda) d_2^2 is constant on each."""
    x, y = _pixel(best)
    scale = (FRAME[2] - FRAME[0]) / (WINDOW[1] - WINDOW[0])
    for level in range(1, 13):
        across, up = (scale * 0.27 * level * math.sqrt((FLAT**2 + weight) / (s**2 + weight)) for s in (FLAT, STEEP))
        yield f"<ellipse cx='{x:.1f}' cy='{y:.1f}' rx='{across:.1f}' ry='{up:.1f}' stroke='#6a8fb5'/>"


def _path(path: list[Point], best: Point) -> Iterator[str]:
    points = [_pixel(point) for point in path]
    yield f"<polyline points='{' '.join(f'{x:.1f},{y:.1f}' for x, y in points)}' stroke='{ACCENT}' stroke-width='2'/>"
    yield from (f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{ACCENT}' stroke='{GROUND}'/>" for x, y in points)
    x, y = _pixel(best)
    yield f"<path d='M{x - 9:.1f} {y:.1f}h18M{x:.1f} {y - 9:.1f}v18' stroke='{INK}' stroke-width='3'/>"


def _ticks() -> Iterator[str]:
    for value in (-1, 0, 1, 2):
        yield _words(_pixel((value, 0))[0], FRAME[3] + 18, number(value), "middle")
    for value in (-1, 0, 1):
        yield _words(FRAME[0] - 6, _pixel((0, value))[1] + 5, number(value), "end")
    yield _words(
        (FRAME[0] + FRAME[2]) / 2, FRAME[3] + 38, "first unknown: A hardly sees it, the valley is long", "middle"
    )
    x, y = 14, (FRAME[1] + FRAME[3]) / 2
    yield f"<g transform='rotate(-90 {x} {y})'>{_words(x, y, 'second unknown: steep', 'middle')}</g>"


def _words(x: float, y: float, words: str, anchor: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' fill='{QUIET}' text-anchor='{anchor}'>{html.escape(words)}</text>"


def _visible(point: Point) -> bool:
    return WINDOW[0] <= point[0] <= WINDOW[1] and WINDOW[2] <= point[1] <= WINDOW[3]


def _pixel(point: Point) -> Point:
    """Where a point of the plane lies, in pixels; far away is as good as infinity."""
    left, top, right, _ = FRAME
    scale = (right - left) / (WINDOW[1] - WINDOW[0])
    x, y = left + (point[0] - WINDOW[0]) * scale, top + (WINDOW[3] - point[1]) * scale
    return min(max(x, -1e5), 1e5), min(max(y, -1e5), 1e5)


def chart(result: Result) -> Chart:
    """J and the quality against the iterate. A curve that changes a hundredfold gets a log axis."""
    quality = "error ‖x − x*‖" if result.settings.cost == TWO else "PSNR in dB"
    series = {"objective J": [float(it.objective) for it in result.iterates], quality: list(result.quality)}
    wide = [name for name, values in series.items() if 0 < 100 * min(values) < max(values)]
    titles = {f"{name}, log" if name in wide else name: values for name, values in series.items()}
    log = [title for title in titles if title.endswith(", log")]
    return curves(titles, log, None if result.diverged else result.settings.steps, width=2 * WIDTH, height=HEIGHT)


def l_curve(sweep: Sweep | None, reg_weight: float) -> Drawing:
    """f against the data term, both logarithmic; the cursor is at the weight of the sweep next to `reg_weight`."""
    if sweep is None:
        return note("The L-curve appears here: press “sweep λ”.", ("L-curve",), width=WIDTH, height=HEIGHT)
    data, f, weights = ([getattr(p, name) for p in sweep.points] for name in ("data_term", "regularizer", "reg_weight"))
    marks = {"E‖e‖²": sweep.case.expected, "oracle": data[weights.index(sweep.oracle)]}
    marks = {name: value for name, value in marks.items() if data[0] <= value <= data[-1]}
    title = "L-curve: regulariser f, log"
    drawn = curves(
        {title: f},
        [title],
        x=data,
        axis="data term ‖Ax − y‖², log",
        log_x=True,
        marks=marks,
        width=WIDTH,
        height=HEIGHT,
    )
    nearest = min(range(len(weights)), key=lambda k: abs(math.log(weights[k] / reg_weight)))
    drawing = drawn.at(nearest)
    return replace(drawing, alt=f"L-curve. {drawing.alt} {sweep_sentence(sweep)}")


def verdict(result: Result) -> tuple[str, str]:
    """(sentence, tone): what the step size does, measured by its limit 2/L."""
    s, ratio = result.settings, result.settings.step_size / result.limit
    limit = (
        f"ε is {ratio:.2f} times its limit 2/L = {result.limit:.3g}, "
        f"where L = 2‖A‖² + λ L_f = 2 + {s.reg_weight:.3g} × {result.case.regularizer.lipschitz:.4g}."
    )
    if result.diverged:
        first, last = (float(result.iterates[k].objective) for k in (0, -1))
        return (
            f"Diverged. {limit} A step multiplies steep parts of the error by up to 1 − εL = −{2 * ratio - 1:.3g}: "
            f"J went from {number(first)} to {number(last)} in {result.last} steps. Lower ε, or λ to raise its limit.",
            "warning",
        )
    if ratio < 1:
        return f"{limit} Below it no step can raise J.", "hint"
    if not result.rises:
        return f"{limit} J has not risen yet. Past the limit descent may work, but nothing promises it.", "warning"
    why = " The slope of TV is bounded, so x trembles and does not blow up." if s.cost == TV else ""
    fix = "Lower ε, lower λ or raise β." if s.cost == TV else "Lower ε or λ."
    return f"No descent. {limit} J rose in {len(result.rises)} of {result.last} steps.{why} {fix}", "warning"


def sentence(result: Result, k: int) -> str:
    """What picture and curves show at iterate k, in words and numbers."""
    it, s = result.iterates[k], result.settings
    total = result.last if result.diverged else s.steps
    values = f"values from {float(it.x.min()):.3g} to {float(it.x.max()):.3g}"
    if s.cost == TWO:
        what = "x = ({:.3g}, {:.3g}), {:.3g} from the minimiser".format(*it.x.flatten().tolist(), result.quality[k])
    else:
        what = f"PSNR {result.quality[k]:.1f} dB (start {result.quality[0]:.1f} dB), {values}, shown from 0 to 1"
    return (
        f"Iterate {k} of {total}: {what}. J {float(it.objective):.4g} = data term {float(it.data_term):.4g} + "
        f"λ\u00a0{s.reg_weight:.3g} × f\u00a0{float(it.regularizer):.4g}. Gradient norm {float(it.gradient_norm):.3g}."
    )


def sweep_sentence(sweep: Sweep) -> str:
    """What the L-curve says about the choice of lambda."""
    if len(sweep.points) < len(SWEPT):
        return f"λ sweep: {len(sweep.points)} of {len(SWEPT)} minimisers."
    morozov = "no weight of the sweep" if sweep.discrepancy is None else f"λ = {sweep.discrepancy:.2g}"
    what = "Least error" if isinstance(sweep.case.problem.A, Stretch) else "Best PSNR"
    return (
        f"λ sweep: the data term reaches E‖e‖² = {sweep.case.expected:.4g} (Morozov) at {morozov}; no truth is used. "
        f"{what}, an oracle that knows the truth: λ = {sweep.oracle:.2g}."
    )
