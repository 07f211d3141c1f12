"""CT slices: Hounsfield units to [0, 1]. Paper: §5.2 (LIDC/IDRI)."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike

from .._input.arguments import check_count, check_finite, check_number, check_pair, check_tensor

WINDOW = (-1000.0, 1000.0)  # Hounsfield units shown as 0 and 1: air is 0, water 0.5
AIR = -1024.0  # what scanners write where they did not measure; nothing is below it
Window = tuple[float, float]
WIDEST = 1e6  # Hounsfield units; a window beyond it is a mistake and, in float32, a NaN


def from_hounsfield(
    hu: torch.Tensor | ArrayLike, size: int | None = None, window: Window | None = WINDOW
) -> torch.Tensor:
    """Clamp (hu - low) / (high - low) to [0, 1]: (H, W), (B, H, W) or (B, 1, H, W) to (B, 1, H, W) float32.

    window  (low, high) in Hounsfield units; None scales each slice from its own minimum to its own maximum, as the
            authors' code did (a slice of one value becomes 0); what is below -1024, air, is padding and counts as that
    size    if given, slices are averaged down to (size, size) first, in Hounsfield units: blocks of pixels where `size`
            divides H, and otherwise overlapping blocks
    Raises ValueError or TypeError for other shapes, NaN, an empty window, and a `size` above H.

    >>> from_hounsfield([[-1000.0, 0.0], [500.0, 3000.0]]).flatten().tolist()  # air, water, bone, metal
    [0.0, 0.5, 0.75, 1.0]
    """
    hu = _as_slices(hu)
    hu = _shrink(hu.clamp_min(AIR) if window is None else hu, size)
    if window is None:
        low, high = hu.amin((-2, -1), keepdim=True), hu.amax((-2, -1), keepdim=True)
        return (hu - low) / (high - low).clamp_min(torch.finfo(hu.dtype).tiny)
    air, bone = _check_window(window)
    return ((hu - air) / (bone - air)).clamp(0, 1)


def _as_slices(hu: torch.Tensor | ArrayLike) -> torch.Tensor:
    """A float tensor (B, 1, H, W)."""
    try:
        if isinstance(hu, torch.Tensor):
            check_tensor(hu, "hu")
            if hu.is_complex() or hu.dtype == torch.bool:
                raise TypeError
            hu = hu.to(torch.float32)
        else:
            if (array := np.asarray(hu)).dtype.kind not in "fui":
                raise TypeError
            hu = torch.from_numpy(np.require(array, np.float32, ["C", "W"]))  # of any byte order and stride
    except (TypeError, ValueError):
        raise TypeError(
            f"hu: expected numbers in Hounsfield units, got {type(hu).__name__} {getattr(hu, 'dtype', '')}. "
            "Convert it to a NumPy array or a torch tensor of floats or integers."
        ) from None
    if hu.ndim in (2, 3):
        hu = hu.reshape(-1, 1, *hu.shape[-2:])
    if hu.ndim != 4 or hu.shape[1] != 1 or not hu.numel():
        raise ValueError(
            f"hu: expected slices (H, W), (B, H, W) or (B, 1, H, W), got {tuple(hu.shape)}. "
            "Pick the slices out of the volume first; the batch axis comes first."
        )
    check_finite(hu, "hu")
    return hu


def _shrink(hu: torch.Tensor, size: int | None) -> torch.Tensor:
    if size is None:
        return hu
    size, (height, width) = check_count(size, "size"), hu.shape[-2:]
    if height != width or size > height:
        raise ValueError(
            f"size: expected square slices of at least {size}x{size} to average down, got {height}x{width}. "
            "Crop the slices to a square, or choose a smaller size."
        )
    return F.interpolate(hu, (size, size), mode="area")


def _check_window(window: Window) -> Window:
    fix = "A window is (low, high) in Hounsfield units, such as images.WINDOW, or None for each slice's own range."
    low, high = check_pair(window, "window", fix, -WIDEST, WIDEST)
    return low, check_number(high, "window[1]", low, WIDEST, fix, above=True)
