"""What the reconstruction lab shows of iterate k: pictures, curves and a sentence. Paper: §3.1 (Alg. 2)."""

from ..charts import curves
from ..pictures import number
from ..tiles import Grid, mosaic, tile

ERROR_LIMIT = 0.3  # the same scale of errors in every run, so that runs can be compared
ERROR = ("signed", (-ERROR_LIMIT, ERROR_LIMIT))


def picture(result, k, corner=(0, 0), held=None):
    """Six tiles: truth, A†y, iterate k, a detail of all, error, difference from the previous iterate.

    Args: corner (row, column) of the detail; held, another Result to compare with: its iterate k stands in the place of
        A†y, and its error in the place of the difference.
    """
    k, other = min(k, result.last), held or result
    j = min(k, other.last)
    x, x_true, naive = result.iterates[k].x[0], result.truth[0], result.naive[0]
    side = max(1, x.shape[-1] // 4)
    frame = [(*corner, side)]
    if held:
        u, title, score = held.iterates[j].x[0], f"held, iterate {j}: {held.psnr[j]:.1f} dB", held.psnr[j]
    else:
        u, title, score = naive, f"A†y: {naive_psnr(result):.1f} dB", naive_psnr(result)
    tiles = [
        tile(x_true, "ground truth x*", frames=frame),
        tile(u, title, frames=frame, numbers=f"PSNR {score:.2f} dB"),
        tile(
            x, f"{'now, ' * bool(held)}iterate {k}: {result.psnr[k]:.1f} dB", frames=frame, numbers=_scores(result, k)
        ),
        _detail(x_true, u, x, corner, side, "held" if held else "A†y"),
        tile(x - x_true, f"{'now, ' * bool(held)}error x − x*", *ERROR),
        _held_error(held, j) if held else _change(result, k),
    ]
    return Grid((*tiles[:3], *tiles[4:], tiles[3]))


def naive_psnr(result):
    """PSNR of A†y in dB."""
    from ..metrics import psnr

    return float(psnr(result.naive.clamp(0, 1), result.truth))


def _scores(result, k):
    return f"PSNR {result.psnr[k]:.2f} dB, SSIM {result.ssim[k]:.3f}"


def _held_error(held, j):
    return tile((held.iterates[j].x - held.truth)[0], "held, error x − x*", *ERROR)


def _change(result, k):
    """x_k − x_{k−1} on a scale of its own, which moves in steps of 1, 2 and 5 so that it does not flicker."""
    x = result.iterates[k].x[0]
    change = x - result.iterates[max(k - 1, 0)].x[0]
    limit = _round_up(float(change.abs().max()))
    return tile(change, f"change from iterate {k - 1}" if k else "no change yet", "signed", (-limit, limit))


def _round_up(value):
    """The next of 1, 2, 5 times a power of ten, at least a thousandth."""
    steps = [m * 10.0**p for p in range(-3, 40) for m in (1, 2, 5)]
    return next((step for step in steps if step >= value), steps[-1])


def _detail(x_true, u, x, corner, side, name):
    """The framed square of truth, other image, iterate and error."""
    row, column = corner
    cut = lambda image: image[..., row : row + side, column : column + side]
    error = cut(x - x_true)
    pieces = [cut(x_true), cut(u), cut(x), error.mean(0) if len(error) == 3 else error]
    kinds, spans = ["image"] * 3 + ["signed"], [(0, 1)] * 3 + [(-ERROR_LIMIT, ERROR_LIMIT)]
    rms = number(float(error.square().mean().sqrt()))
    alt = (
        f"Detail, rows {row} to {row + side - 1}, columns {column} to {column + side - 1}, of x*, {name}, x and error "
    )
    return mosaic(pieces, kinds, spans, f"detail: x*, {name}, x, error", f"{alt}(root mean square {rms}).")


def chart(result, held=None):
    """Objective, its parts, gradient and quality against the iterate. What changes a hundredfold gets a log axis."""
    now, then = _series(result), _series(held) if held else {}
    wide = [
        name for name, values in now.items() if 0 < 100 * min(values) < max(values) and name[:4] not in ("PSNR", "SSIM")
    ]
    wide = [name for name in wide if not held or min(then[name]) > 0]
    series = {
        f"{name}, log" if name in wide else name: {"now": v} | ({"held": then[name]} if held else {})
        for name, v in now.items()
    }
    if not held:
        series = {title: lines["now"] for title, lines in series.items()}
    steps = None if result.diverged else result.settings.steps
    return curves(series, [title for title in series if title.endswith(", log")], steps, 808, 330, columns=3)


def _series(result):
    its, weight = result.iterates, result.reg_weight
    return {
        "objective J": [float(it.objective) for it in its],
        "data term ‖Ax − y‖²": [float(it.data_term) for it in its],
        "λΨ(x)": [weight * float(it.regularizer) for it in its],
        "gradient ‖∇J‖": [float(it.gradient_norm) for it in its],
        "PSNR in dB": list(result.psnr),
        "SSIM": list(result.ssim),
    }


def sentence(result, k, held=None):
    """What picture and chart show at iterate k, in words and numbers."""
    k = min(k, result.last)
    it, best = result.iterates[k], max(range(len(result.psnr)), key=result.psnr.__getitem__)
    total = result.last if result.diverged else result.settings.steps
    words = (
        f"Iterate {k} of {total}: PSNR {result.psnr[k]:.1f} dB, SSIM {result.ssim[k]:.3f} "
        f"(A†y {naive_psnr(result):.1f} dB, best {result.psnr[best]:.1f} dB at iterate {best}). "
        f"Objective {float(it.objective):.4g} = data term {float(it.data_term):.4g} + "
        f"λ\u00a0{result.reg_weight:.3g} × Ψ\u00a0{float(it.regularizer):.4g}. Gradient norm {float(it.gradient_norm):.3g}."
    )
    if held:
        j = min(k, held.last)
        words += f" Held run: iterate {j}, PSNR {held.psnr[j]:.1f} dB, SSIM {held.ssim[j]:.3f}."
    return words
