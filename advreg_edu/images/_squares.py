"""The middle square of an image, averaged down in strips, so that an image of any size takes little memory."""

import torch.nn.functional as F

from .._input.arguments import refused

ROWS = 64  # of a strip, about


def averaged(strip, side, size):
    """A square averaged down: (1, C, size, size). `strip(top, bottom)` gives some of its rows: (C, bottom - top, side).

    A side of more than 8 times `size` is first averaged in blocks, at least 4 times as many as `size`; up to a block
    less one pixel are left out at its end.
    """
    block = max(1, side // (4 * size))
    side -= side % block
    step = block * max(1, ROWS // block)
    blocks = None  # made once: kept strips between freed ones would scatter the memory
    for top in range(0, side, step):
        means = F.avg_pool2d(strip(top, min(top + step, side))[..., :side], block)
        blocks = means.new_empty(len(means), side // block, side // block) if blocks is None else blocks
        blocks[:, top // block : top // block + means.shape[1]] = means
    return F.interpolate(blocks[None], (size, size), mode="area")


def check_large_enough(name, what, shape, size):
    """Raise unless an image of that shape (H, W) has a square of `size` pixels."""
    if min(shape) < size:
        raise refused(
            name,
            f"{what} of at least {size}x{size} pixels",
            f"{shape[0]}x{shape[1]}",
            "Take a larger image or a smaller size, or take it out of the folder.",
        )
