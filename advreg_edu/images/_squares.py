"""The middle square of an image, averaged down in strips, so that an image of any size takes little memory."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor

from .._input.messages import refused

ROWS = 64  # of a strip, about


def averaged(strip: Callable[[int, int], Tensor], side: int, size: int) -> Tensor:
    """A square averaged down: (1, C, size, size). `strip(top, bottom)` gives some of its rows: (C, bottom - top, side).

    A side of more than 8 times `size` is first averaged in blocks, at least 4 times as many as `size`; up to a block
    less one pixel are left out at its end.
    """
    block = max(1, side // (4 * size))
    side -= side % block
    step = block * max(1, ROWS // block)
    average = lambda top: F.avg_pool2d(strip(top, min(top + step, side))[..., :side], block)
    first = average(0)
    blocks = first.new_empty(len(first), side // block, side // block)  # kept strips would scatter the memory
    for top in range(0, side, step):
        means = average(top) if top else first
        blocks[:, top // block : top // block + means.shape[1]] = means
    return F.interpolate(blocks[None], (size, size), mode="area")


def check_large_enough(name: str | Path, what: str, shape: Sequence[int], size: int) -> None:
    """Raise unless an image of that shape (H, W) has a square of `size` pixels."""
    if min(shape) < size:
        raise refused(
            name,
            f"{what} of at least {size}x{size} pixels",
            f"{shape[0]}x{shape[1]}",
            "Take a larger image or a smaller size, or take it out of the folder.",
        )
