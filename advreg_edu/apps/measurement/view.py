"""What the measurement lab shows: pictures, singular values and a sentence. Paper: §2.1, Eq. 1."""

from functools import lru_cache

import torch

from ...drawing.charts import Chart, curves
from ...drawing.pictures import number
from ...drawing.tiles import Grid, Tile, tile
from ..shared.scenes import CT, INPAINTING, MRI
from .model import Result, Settings, Spectrum, pattern, spectrum

ERROR = ("signed", (-0.6, 0.6))
POINTS = 120  # of a curve


def index(settings: Settings, percent: float) -> int:
    """The number k of the pattern at that percentage of all patterns."""
    return round(percent / 100 * (len(spectrum(settings).values) - 1))


def picture(result: Result, percent: float) -> Grid:
    """Six tiles: truth, data, A†y, error, the part of it that is noise, and a singular pattern."""
    x, naive = result.truth[0], result.naive[0]
    k = index(result.settings, percent)
    s = float(spectrum(result.settings).values[k])
    return Grid(
        (
            tile(x, "ground truth x*"),
            _data(result),
            tile(naive, f"A†y: {result.psnr:.1f} dB", numbers=f"PSNR {result.psnr:.2f} dB"),
            tile((naive - x).mean(0), "error A†y − x*", *ERROR),
            tile(result.noise[0].mean(0), "of which noise A†e", *ERROR),
            tile(pattern(result.settings, k), f"v at {percent} %: s = {number(s)}", "signed", (-1.0, 1.0)),
        )
    )


def _data(result: Result) -> Tile:
    y, operator = result.data[0], result.settings.operator
    if operator == CT:
        return tile(y, "data y: sinogram", "sinogram")
    if operator == MRI:
        return tile(torch.fft.fftshift(y[0].abs().pow(0.25)), "data y: |k-space| to the power ¼", "magnitude")
    return tile(y, "data y: pixels that are seen" if operator == INPAINTING else "data y: noisy image")


def chart(settings: Settings) -> Chart:
    """Singular values, and by how much inverting multiplies the noise along each pattern; see `chart_index`."""
    return _chart(spectrum(settings))


@lru_cache(maxsize=8)
def _chart(what: Spectrum) -> Chart:
    chosen = _chosen(len(what.values))
    shown = lambda values: [float(values[k]) for k in chosen if 0 < values[k] < torch.inf]
    gains = {"exact inverse, 1/s": shown(what.exact), "A† as used here": shown(what.used)}
    where = f"{what.size}×{what.size} pixels" + (f", {what.angles} angles" if what.angles else "")
    title = f"singular values s, log ({where})"
    series = {title: shown(what.values), "noise is multiplied by, log": gains}
    x = [100 * k / (len(what.values) - 1) for k in chosen]
    return curves(series, list(series), width=600, height=180, x=x, axis="pattern, % of all")


def chart_index(settings: Settings, percent: float) -> int | None:
    """Where the cursor stands in `chart`; None where s = 0 and there is nothing to point at."""
    values = spectrum(settings).values
    if values[index(settings, percent)] == 0:
        return None
    return round(percent / 100 * (len(_chosen(len(values))) - 1))


def _chosen(count: int) -> list[int]:
    points = min(POINTS, count)
    return [round(i * (count - 1) / (points - 1)) for i in range(points)]


def sentence(result: Result, percent: float) -> str:
    """What the pictures show, in words and numbers."""
    what, k = spectrum(result.settings), index(result.settings, percent)
    error = float((result.naive - result.truth).norm())
    noise, length = float(result.noise.norm()), result.noise_length
    gain = f", times {number(noise / length)}" if length else ""
    return (
        f"PSNR of A†y {result.psnr:.1f} dB. Noise ‖e‖ = {number(length)} in the data became ‖A†e‖ = {number(noise)} "
        f"in the image{gain}; the whole error ‖A†y − x*‖ is {number(error)}. {_pattern_words(what, k, percent)} "
        f"{what.zeros / len(what.values):.0%} of all patterns have s = 0 and leave no trace in the data."
    )


def _pattern_words(what: Spectrum, k: int, percent: float) -> str:
    s = float(what.values[k])
    if s == 0:
        return f"The pattern at {percent} % has s = 0: no inverse can bring it back."
    return (
        f"Noise along the pattern at {percent} %, s = {number(s)}, is multiplied by {number(1 / s)} "
        f"in an exact inverse, by {number(float(what.used[k]))} in A†."
    )
