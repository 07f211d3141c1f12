"""What the training monitor writes: Eq. 6 for one pair of images, and critics side by side. Paper: Eq. 6, Alg. 1."""

import html
from collections.abc import Iterable

import torch

from ...drawing.panels import image_element
from ...drawing.pictures import number
from ...drawing.tiles import Tile, tile
from ...metrics import psnr
from ..shared.numbers import two_digits
from .model import LOCAL, Result, Snapshot, held_out, untrained_local
from .training import Pair, Terms

STYLE = "border-collapse:collapse;width:100%;font-size:14px;line-height:20px;font-variant-numeric:tabular-nums"
LINE = "font-size:14px;line-height:20px;margin:2px 4px"


def one_pair(result: Result) -> str:
    """The first pair of the last step: its images, and Eq. 6 in numbers before and after the step."""
    if result.pair is None:
        return f'<p style="{LINE}">One pair of images in numbers appears here with each step.</p>'
    pair, title = result.pair, f"Eq. 6, first pair of step {result.done}"
    return _images(pair) + _table(title, ("", "before", "after"), _lines(pair)) + _sum(pair.before)


def _images(pair: Pair) -> str:
    titles = "real, x_r", f"x_i, ε {two_digits(pair.mix)}", "noisy, x_n"
    images = zip((pair.x_real, pair.x_i, pair.x_noisy), titles, strict=True)
    figures = "".join(_figure(tile(x, title)) for x, title in images)
    style = "display:grid;grid-template-columns:repeat(3,minmax(0,100px));gap:0 8px;line-height:18px"
    return f'<div style="{style}">{figures}</div>'


def _figure(shown: Tile) -> str:
    style = "display:block;width:100%;height:auto;image-rendering:pixelated"
    image = image_element(shown.png, shown.alt, shown.size, style=style)
    return f'<figure style="margin:0;font-size:13px">{image}<figcaption>{shown.title}</figcaption></figure>'


def _lines(pair: Pair) -> Iterable[tuple[str, ...]]:
    both = pair.before, pair.after
    line = lambda name, value: (name, *(number(value(terms)) for terms in both))
    yield line("Ψ(x_r)", lambda t: t.psi_real)
    yield line("Ψ(x_n)", lambda t: t.psi_noisy)
    yield line("‖∇Ψ(x_i)‖", lambda t: t.slope)
    yield line("(‖∇Ψ(x_i)‖ − 1)₊²", lambda t: t.excess)
    yield line("Eq. 6", lambda t: t.loss)


def _sum(t: Terms) -> str:
    """Eq. 6 with its numbers put in."""
    words = f"{number(t.psi_real)} − ({number(t.psi_noisy)}) + {number(t.gp_weight)} × {number(t.excess)}"
    return f'<p style="{LINE}">Before: {words} = {number(t.loss)}</p>'


def table(result: Result) -> str:
    """The critic before and after its training so far, beside an untrained `LocalCritic`, on the held-out images."""
    now = "now, averaged weights" if result.averaged else f"now, after step {result.snapshot.step}"
    rows = [("before its first step", result.first), (now, result.snapshot)]
    rows += [(f"{LOCAL}, untrained: a blur", untrained_local(result.settings))]
    real, _ = held_out(result.settings)
    lines = [(name, *_scores(shot, real)) for name, shot in rows]
    return _table("Critics on held-out images", ("critic", "cosine", "slope", "after descent"), lines)


def _scores(shot: Snapshot, real: torch.Tensor) -> tuple[str, str, str]:
    quality = float(psnr(shot.x.clamp(0, 1), real[:1]))
    return two_digits(shot.cosine), number(shot.slope), f"{quality:.1f} dB"


def _table(caption: str, head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    cell = "padding:0 4px;text-align:{}"
    sides = ("left", *["right"] * 9)
    heads = "".join(
        f'<th scope="col" style="{cell.format(side)};font-weight:600">{html.escape(word)}</th>'
        for side, word in zip(sides, head, strict=False)
    )
    body = ""
    first_cell = f"{cell.format('left')};font-weight:400"
    for first, *others in lines:
        values = "".join(f'<td style="{cell.format("right")}">{html.escape(value)}</td>' for value in others)
        name = f'<th scope="row" style="{first_cell}">{html.escape(first)}</th>'
        body += f"<tr>{name}{values}</tr>"
    title = f'<caption style="text-align:left;font-weight:600;padding:2px 4px">{html.escape(caption)}</caption>'
    return f'<table style="{STYLE}">{title}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
