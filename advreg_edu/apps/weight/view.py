"""What the λ lab shows: the right and a wrong σ side by side, and the error against λ. Paper: §5.1."""

import torch

from ...drawing.charts import Drawing, curves
from ...drawing.pictures import number
from ...drawing.tiles import Grid, Tile, tile
from ...metrics import psnr
from .model import FACTORS, Result

ERROR = ("signed", (-0.3, 0.3))


def picture(result: Result, factor: float) -> Grid:
    """Six tiles: truth, with the right σ, with the σ that was told; A†y, and the errors of the two."""
    start = float(psnr(result.naive.clamp(0, 1), result.truth))
    right, right_error = _pair(result, 1.0, "right σ")
    other, other_error = _pair(result, factor, "told σ")
    naive = tile(result.naive[0], f"A†y: {start:.1f} dB", numbers=f"PSNR {start:.2f} dB")
    return Grid((tile(result.truth[0], "ground truth x*"), right, other, naive, right_error, other_error))


def _pair(result: Result, factor: float, name: str) -> tuple[Tile, Tile]:
    """Reconstruction and its error; black and white while it is being computed."""
    if factor not in result.images:
        empty = torch.zeros_like(result.truth[0])
        return tile(empty, f"{name}: computing"), tile(empty.mean(0), f"{name}: error, computing", *ERROR)
    x, score = result.images[factor][0], result.psnr(factor)
    weight = number(factor * result.formula)
    image = tile(x, f"{name}, λ = {weight}: {score:.1f} dB", numbers=f"PSNR {score:.2f} dB")
    return image, tile((x - result.truth[0]).mean(0), f"{name}: error x − x*", *ERROR)


def chart(result: Result, factor: float) -> Drawing:
    """Error and PSNR against λ, with the formula's point and the one of the σ that was told."""
    marks = {"formula": result.formula}
    marks |= {"σ as told": factor * result.formula} if factor != 1 else {}
    known = result.factors
    error = [result.error(each) for each in known]
    scores = [result.psnr(each) for each in known]
    series = {"error ‖x − x*‖": error, "PSNR in dB": scores}
    x = [each * result.formula for each in known]
    ends = FACTORS[0] * result.formula, FACTORS[-1] * result.formula
    drawn = curves(series, width=600, height=180, x=x, axis="weight λ", log_x=True, marks=marks, ends=ends)
    return drawn.at(known.index(factor) if factor in known else None)


def sentence(result: Result, factor: float) -> str:
    """What is shown, in words and numbers."""
    words = f"σ = {number(result.settings.sigma)}: the formula gives λ = {number(result.formula)}"
    if 1.0 not in result.images:
        return f"{words}. Reconstructing."
    best = max(result.factors, key=result.psnr)
    words += (
        f", PSNR {result.psnr(1.0):.1f} dB. Best of {len(result.images)} weights, seen with the truth (an oracle): "
    )
    words += f"{best:g} times the formula, {result.psnr(best):.1f} dB."
    if result.missed:
        runs = ", ".join(f"{each:g}" for each in sorted(result.missed))
        words += f" Not at a minimum when the limit of {result.settings.steps} steps was hit: {runs} times the formula."
    if factor == 1 or factor not in result.images:
        return words
    loss = result.psnr(factor) - result.psnr(1.0)
    sigma, weight = (number(factor * value) for value in (result.settings.sigma, result.formula))
    told = f"Told that σ is {sigma}, the formula gives λ = {weight}"
    return f"{words} {told}: {result.psnr(factor):.1f} dB, {loss:+.1f} dB.".replace("-", "−")
