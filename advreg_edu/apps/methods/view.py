"""What the method viewer shows: one reconstruction beside the truth, and its rank. Paper: Figures 1 and 2."""

from collections.abc import Mapping

import torch

from ...drawing.pictures import Picture, strip, with_inset
from ...metrics import psnr, ssim

SIDE = 32  # pixels of the magnified square
ERROR_LIMIT = 0.3


def picture(truth: torch.Tensor, x: torch.Tensor, name: str, corner: tuple[int, int]) -> Picture:
    """Truth, one reconstruction and its error, the first two with the same square magnified.

    Args: truth, x (C, H, W); corner (row, column) of the square.
    """
    error = (x - truth).mean(0)
    panels = [with_inset(truth, corner, SIDE), with_inset(x.clamp(0, 1), corner, SIDE), error]
    titles = ["truth", name, f"{name} − truth"]
    return strip(panels, titles, ["image", "image", "signed"], signed_limit=ERROR_LIMIT)


def sentence(truth: torch.Tensor, results: Mapping[str, torch.Tensor], name: str, number: int) -> str:
    """The chosen method in words and numbers, with its rank."""
    x_true = truth[number : number + 1]
    of_image = {key: x[number : number + 1].clamp(0, 1) for key, x in results.items()}
    scores = {key: float(psnr(x, x_true)) for key, x in of_image.items()}
    ranked = sorted(scores, key=lambda key: scores[key], reverse=True)
    return (
        f"Image {number}, {name}: PSNR {scores[name]:.2f} dB, number {ranked.index(name) + 1} of {len(scores)}; "
        f"SSIM {float(ssim(of_image[name], x_true)):.3f}. "
        f"Best is {ranked[0]} with {scores[ranked[0]]:.2f} dB."
    )


def spread(truth: torch.Tensor, results: Mapping[str, torch.Tensor]) -> list[int]:
    """The numbers of the images, those first whose best and worst method are nearest in PSNR."""
    of_image = lambda x, k: float(psnr(x[k : k + 1].clamp(0, 1), truth[k : k + 1]))
    scores = [[of_image(x, k) for x in results.values()] for k in range(len(truth))]
    return sorted(range(len(truth)), key=lambda k: max(scores[k]) - min(scores[k]))
