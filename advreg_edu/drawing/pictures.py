"""Arrays to pictures, each with a sentence computed from its numbers (not in the paper).

`strip` puts images side by side (Pillow, a few milliseconds); `curves`, in `charts`, draws numbers against the iterate.
Nothing here knows about widgets.
"""

import math
from collections.abc import Collection, Sequence

import numpy as np
import torch
from PIL import Image

from .._input.arguments import as_tensor, check_finite, check_pair
from .._input.signature import check_instance, checked
from .insets import busiest, with_inset
from .looks import colour_table
from .panels import COLOURS, FONT, GAP, SIDE, Panel, Picture, number

__all__ = ["FONT", "GAP", "SIDE", "Picture", "busiest", "number", "strip", "with_inset"]


@checked
def strip(
    images: Sequence[torch.Tensor],
    titles: Sequence[str],
    kinds: Sequence[str] | None = None,
    limits: tuple[float, float] = (0, 1),
    signed_limit: float | None = None,
    alt: str | None = None,
) -> Picture:
    """Images side by side, all of one kind on one scale, which is written under each panel.

    Args:
        images: tensors (H, W), (1, H, W) or (3, H, W), finite.
        titles: one line of text for each.
        kinds: for each "image" (gray or colour, `limits`), "signed" (red above 0, blue below, equal limits on both
            sides), "magnitude" (0 to the largest) or "sinogram" (magnitude, stretched to a square). Default: "image".
        limits: black and white of the images; what lies beyond is clipped.
        signed_limit: end of the signed scale; by default the largest magnitude in the signed panels.
        alt: the sentence, if not the one computed from the panels.

    >>> strip([torch.zeros(8, 8), torch.ones(8, 8)], ["black", "white"])
    Side by side: black (mean 0, values 0 to 0, shown from 0 to 1); white (mean 1, values 1 to 1, shown from 0 to 1).
    """
    given = dict(images=images, titles=titles, kinds=() if kinds is None else kinds)
    for name, values in given.items():
        check_instance(values, name, Collection)
    limits = check_pair(limits, "limits", "They are (black, white).")
    kinds = ["image"] * len(images) if kinds is None else list(kinds)
    if not len(images) == len(titles) == len(kinds) > 0:
        counts = f"{len(images)} images, {len(titles)} titles, {len(kinds)} kinds"
        raise ValueError(f"titles: expected images and one title and kind for each, got {counts}.")
    arrays = [array_of(image, title) for image, title in zip(images, titles, strict=True)]
    ranges = [_range(kind, kinds, arrays, limits, signed_limit) for kind in kinds]
    panels = []
    for array, title, kind, span in zip(arrays, titles, kinds, ranges, strict=True):
        panels.append(Panel(_enlarged(_coloured(array, kind, span), stretch=kind == "sinogram"), title, kind, span))
    return Picture(tuple(panels), alt or _strip_sentence(arrays, titles, kinds, ranges), SIDE)


def array_of(image: torch.Tensor, title: str) -> np.ndarray:
    """The numbers of an image, (H, W) or (H, W, 3); raises ValueError, with its title, for what is none.

    >>> array_of(torch.zeros(1, 4, 6), "black").shape
    (4, 6)
    """
    array = as_tensor(image, "images", "Give tensors (H, W), (1, H, W) or (3, H, W).").cpu().float()
    if array.ndim not in (2, 3) or (array.ndim == 3 and len(array) not in (1, 3)):
        raise ValueError(
            f"images: expected (H, W), (1, H, W) or (3, H, W), got {tuple(array.shape)} for {title!r}. "
            "Take one image of the batch: x[0]."
        )
    check_finite(array, title)
    return array.numpy() if array.ndim == 2 else array.permute(1, 2, 0).numpy().squeeze()


def _range(
    kind: str,
    kinds: Sequence[str],
    arrays: Sequence[np.ndarray],
    limits: tuple[float, float],
    signed_limit: float | None,
) -> tuple[float, float]:
    """(low, high) of the scale that all panels of this kind share."""
    if kind not in COLOURS:
        raise ValueError(f"kinds: expected each of {', '.join(COLOURS)}, got {kind!r}.")
    if kind == "image":
        return limits
    peers = [float(np.abs(a).max()) for a, other in zip(arrays, kinds, strict=True) if other == kind]
    high = (signed_limit if kind == "signed" and signed_limit else max(peers)) or 1.0
    return (-high, high) if kind == "signed" else (0.0, high)


def _coloured(array: np.ndarray, kind: str, span: tuple[float, float]) -> np.ndarray:
    """(H, W) or (H, W, 3) to bytes (H, W, 3)."""
    low, high = span
    levels = (np.clip((array - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)
    return levels if levels.ndim == 3 else colour_table(COLOURS[kind])[levels]


def _enlarged(pixels: np.ndarray, stretch: bool) -> Image.Image:
    """Whole-number magnification, so that a pixel stays a square of one colour; larger images are averaged down."""
    height, width = pixels.shape[:2]
    factor = SIDE // max(height, width) or SIDE / max(height, width)
    size = (SIDE, SIDE) if stretch else (max(1, round(width * factor)), max(1, round(height * factor)))
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX)


def _strip_sentence(
    arrays: Sequence[np.ndarray],
    titles: Sequence[str],
    kinds: Sequence[str],
    ranges: Sequence[tuple[float, float]],
) -> str:
    return "Side by side: " + "; ".join(map(described, arrays, titles, kinds, ranges)) + "."


def described(array: np.ndarray, title: str, kind: str, span: tuple[float, float]) -> str:
    """A panel in words and numbers.

    >>> described(np.array([[0.0, 0.5]]), "ramp", "image", (0, 1))
    'ramp (mean 0.25, values 0 to 0.5, shown from 0 to 1)'
    """
    rms = math.sqrt(float(np.square(array).mean()))
    size = f"root mean square {number(rms)}" if kind == "signed" else f"mean {number(float(array.mean()))}"
    values = f"values {number(float(array.min()))} to {number(float(array.max()))}"
    return f"{title} ({size}, {values}, shown from {number(span[0])} to {number(span[1])})"
