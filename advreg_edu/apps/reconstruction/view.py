"""What the reconstruction lab shows of iterate k: pictures, curves and a sentence. Paper: §3.1 (Alg. 2)."""

from functools import lru_cache

import torch

from ...drawing.charts import Chart, curves
from ...drawing.pictures import number
from ...drawing.tiles import Grid, Tile, mosaic, tile
from ..shared.numbers import round_up
from .model import AUTO, Result

ERROR_LIMIT = 0.3  # the same scale of errors in every run, so that runs can be compared
TERMS = ("objective J", "data term ‖Ax − y‖²", "λΨ(x)", "gradient ‖∇J‖")
ERROR = ("signed", (-ERROR_LIMIT, ERROR_LIMIT))


def picture(result: Result, k: int, corner: tuple[int, int] = (0, 0), held: Result | None = None) -> Grid:
    """Six tiles: truth, A†y, iterate k, its error, the change from the iterate before, and a detail of them.

    Signed tiles of colour images show the mean of the channels.

    Args: corner (row, column) of the detail; held, another Result to compare with: its iterate k stands in the place of
        A†y, and its error in the place of the difference.
    """
    k = min(k, result.last)
    x, x_true = result.iterates[k].x[0], result.truth[0]
    side = max(1, x.shape[-1] // 4)
    frame = [(*corner, side)]
    u, title, numbers = _held_image(held, k) if held else _naive_image(result)
    now = "now, " if held else ""
    return Grid(
        (
            _still(result.truth, "ground truth x*", *frame),
            tile(u, title, frames=frame, numbers=numbers) if held else _still(result.naive, title, *frame, numbers),
            tile(x, f"{now}iterate {k}: {result.psnr[k]:.1f} dB", frames=frame, numbers=_scores(result, k)),
            tile((x - x_true).mean(0), f"{now}error x − x*", *ERROR),
            _held_error(held, k) if held else _change(result, k),
            _detail(x_true, u, x, corner, side, "held" if held else "A†y"),
        )
    )


@lru_cache(maxsize=8)
def _still(images: torch.Tensor, title: str, frame: tuple, numbers: str = "") -> Tile:
    """A tile that a run draws once: truth and A†y stay as they are."""
    return tile(images[0], title, frames=[frame], numbers=numbers)


def _naive_image(result: Result) -> tuple[torch.Tensor, str, str]:
    return result.naive[0], f"A†y: {result.naive_psnr:.1f} dB", f"PSNR {result.naive_psnr:.2f} dB"


def _held_image(held: Result, k: int) -> tuple[torch.Tensor, str, str]:
    k = min(k, held.last)
    return held.iterates[k].x[0], f"held, iterate {k}: {held.psnr[k]:.1f} dB", _scores(held, k)


def _scores(result: Result, k: int) -> str:
    return f"PSNR {result.psnr[k]:.2f} dB, SSIM {result.ssim[k]:.3f}"


def _held_error(held: Result, k: int) -> Tile:
    error = (held.iterates[min(k, held.last)].x - held.truth)[0]
    return tile(error.mean(0), "held, error x − x*", *ERROR)


def _change(result: Result, k: int) -> Tile:
    """x_k − x_{k−1} on a scale of its own, which moves in steps of 1, 2 and 5 so that it does not flicker."""
    change = (result.iterates[k].x - result.iterates[max(k - 1, 0)].x)[0].mean(0)
    limit = round_up(float(change.abs().max()))
    return tile(change, f"change from iterate {k - 1}" if k else "no change yet", "signed", (-limit, limit))


def _detail(
    x_true: torch.Tensor, u: torch.Tensor, x: torch.Tensor, corner: tuple[int, int], side: int, name: str
) -> Tile:
    """The framed square of truth, other image, iterate and error."""
    row, column = corner
    cut = lambda image: image[..., row : row + side, column : column + side]
    error = cut((x - x_true).mean(0))
    pieces = [cut(x_true), cut(u), cut(x), error]
    kinds, spans = ["image"] * 3 + ["signed"], [(0, 1)] * 3 + [(-ERROR_LIMIT, ERROR_LIMIT)]
    rms = number(float(error.square().mean().sqrt()))
    place = f"rows {row} to {row + side - 1}, columns {column} to {column + side - 1}"
    alt = f"Detail, {place}, of x*, {name}, x and error (root mean square {rms})."
    return mosaic(pieces, kinds, spans, f"detail: x*, {name}, x, error", alt)


def chart(result: Result, held: Result | None = None) -> Chart:
    """Objective, its parts, gradient and quality against the iterate. What changes a hundredfold gets a log axis."""
    now, then = _series(result), _series(held) if held else {}
    everything = {name: values + then.get(name, []) for name, values in now.items()}
    wide = [name for name in TERMS if 0 < 100 * min(everything[name]) < max(everything[name])]
    title = lambda name: f"{name}, log" if name in wide else name
    lines = lambda name: {"now": now[name], "held": then[name]} if held else now[name]
    steps = None if result.ended else min(max(50, round_up(result.last)), result.settings.steps)  # it grows at times
    return curves({title(name): lines(name) for name in now}, map(title, wide), steps, 900, 350, columns=3)


def _series(result: Result) -> dict[str, list[float]]:
    its, weight = result.iterates, result.reg_weight
    return {
        TERMS[0]: [float(it.objective) for it in its],
        TERMS[1]: [float(it.data_term) for it in its],
        TERMS[2]: [weight * float(it.regularizer) for it in its],
        TERMS[3]: [float(it.gradient_norm) for it in its],
        "PSNR in dB": list(result.psnr),
        "SSIM": list(result.ssim),
    }


def ending(result: Result) -> str:
    """How the run ended: by which rule, where, and how far from a minimum."""
    last, weight, rule = result.iterates[-1], result.reg_weight, result.settings.stop
    slope = float(last.gradient_norm)
    left = f"{slope / weight:.3g}\u00a0λ" if weight else f"{slope:.3g}"
    if result.missed:
        said = f"The limit of {result.last} steps was hit before the rule “stop” was met"
        return f"{said}: ‖∇J‖ is still {left}. Allow more."
    if rule is None:
        return f"All {result.last} steps are taken: ‖∇J‖ is {left}."
    minimum = ", so this is a minimum" if rule == "gradient" and weight else ""
    return f"The rule “stop” ended the run at iterate {result.last}: ‖∇J‖ is {left}{minimum}."


def sentence(result: Result, k: int, held: Result | None = None) -> str:
    """What picture and chart show at iterate k, in words and numbers."""
    k = min(k, result.last)
    it, best = result.iterates[k], max(range(len(result.psnr)), key=result.psnr.__getitem__)
    total = result.last if result.ended else f"at most {result.settings.steps}"
    step_size = f", step size found {float(it.step_size):.2g}" if result.settings.step_size == AUTO else ""
    words = (
        f"Iterate {k} of {total}: PSNR {result.psnr[k]:.1f} dB, SSIM {result.ssim[k]:.3f} "
        f"(A†y {result.naive_psnr:.1f} dB, best {result.psnr[best]:.1f} dB at iterate {best}). "
        f"Objective {float(it.objective):.4g} = data term {float(it.data_term):.4g} + "
        f"λ\u00a0{result.reg_weight:.3g} × Ψ\u00a0{float(it.regularizer):.4g}. "
        f"Gradient norm {float(it.gradient_norm):.3g}{step_size}."
    )
    if held:
        j = min(k, held.last)
        words += f" Held run: iterate {j}, PSNR {held.psnr[j]:.1f} dB, SSIM {held.ssim[j]:.3f}."
    return words
