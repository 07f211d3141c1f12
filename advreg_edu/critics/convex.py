"""A critic that is convex in the image, so that Algorithm 2 has no minimum but the lowest (not in the paper).

Sources: Amos, Xu, Kolter, "Input convex neural networks", 2017 (the network); Mukherjee et al., "Learned convex
regularizers for inverse problems", 2020 (as a critic, trained by Eq. 6); Shumaylov et al., "Provably convergent
data-driven convex-nonconvex regularization", 2023 (weakly convex critics).
"""

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from .._input.arguments import check_batch, check_count, check_number
from .._input.messages import describe
from .._input.networks import in_type_of_weights
from .unet import GAIN, WIDEST, draw_weights

ROUNDING = 0.1  # of |.| and softplus, in units of GAIN times the intensity


class ConvexCritic(nn.Module):
    """Psi(x) = <a, z_1> + ... + <a, z_L> + <b, x> + modulus/2 ||x||^2, pooled, is convex in x: (B, C, H, W) to (B,).

    z_1 = |K x| and z_{l+1} = softplus(U_l z_l + W_l x), with U_l, a >= 0. A non-negative sum of convex functions is
    convex, and a convex function that does not fall, of convex functions, is convex; |.| and softplus are rounded and
    smooth. U_l and a are softplus of the weights that are trained, so that they are positive whatever a step of Adam
    does, and Algorithm 1 needs no change (Mukherjee et al. clip them after each step). Each level has half of the
    resolution of the one before; the first works on 2x2 blocks of pixels. The pooling is a sum over pixels divided by
    the square root of their number, with which the slope does not depend on the size of the image.

    Args:
        channels: C, of the image.
        widths: of the levels at 1/2, 1/4, ... of the resolution.
        modulus: > 0 makes Psi strongly convex, so that J has one minimiser whatever A is. < 0 makes Psi weakly convex:
            Psi - modulus/2 ||x||^2 is convex, and Psi need not be. J still is where 2 ||Ax||^2 >= lambda |modulus|
            ||x||^2 / sqrt(pixels), for denoising with lambda by the formula where |modulus| < 1 / sigma / sqrt(C).

    >>> critic = ConvexCritic(channels=1)
    >>> x, y = torch.rand(2, 1, 1, 30, 50)
    >>> bool(critic((x + y) / 2) <= (critic(x) + critic(y)) / 2)
    True
    """

    def __init__(self, channels: int = 1, widths: Sequence[int] = (48, 64), modulus: float = 0.01) -> None:
        super().__init__()
        if not isinstance(widths, (list, tuple)) or not widths:
            raise TypeError(f"widths: expected one for each level, such as (48, 64), got {describe(widths)}.")
        self.channels = check_count(channels, "channels", high=WIDEST)
        self.widths = tuple(check_count(w, "widths", high=WIDEST) for w in widths)
        self.modulus = check_number(modulus, "modulus")
        self.arguments = dict(channels=channels, widths=list(widths), modulus=modulus)
        blocks = [channels * 4**level for level in range(1, len(widths) + 1)]
        self.first = nn.Conv2d(blocks[0], widths[0], 3, padding=1)
        self.see = nn.ModuleList(nn.Conv2d(c, w, 3, padding=1) for c, w in zip(blocks[1:], widths[1:], strict=True))
        self.mix = nn.ModuleList(_Positive(w, (c, 2, 2)) for c, w in itertools.pairwise(widths))
        self.read = nn.ModuleList(_Positive(1, (width,)) for width in widths)
        self.tilt = nn.Parameter(torch.zeros(blocks[0]))
        for conv in (self.first, *self.see):
            draw_weights(conv, "linear")
            nn.init.zeros_(conv.bias)

    @in_type_of_weights
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_batch(x, "x", (self.channels, *x.shape[-2:]), "images for this ConvexCritic")
        height, width = x.shape[-2:]
        multiple = 2 ** len(self.widths)
        padded = F.pad(GAIN * (x - 0.5), (0, -width % multiple, 0, -height % multiple), mode="replicate")
        blocks = F.pixel_unshuffle(padded, 2)
        z = self.first(blocks)
        z = (z.square() + ROUNDING**2).sqrt() - ROUNDING
        total = _sum(blocks) @ self.tilt + _sum(z) @ self.read[0]()[0]
        for mix, see, read in zip(self.mix, self.see, self.read[1:], strict=True):
            blocks = F.pixel_unshuffle(blocks, 2)
            z = F.softplus(F.conv2d(z, mix(), stride=2) + see(blocks), beta=1 / ROUNDING)
            total = total + _sum(z) @ read()[0]
        return (total / GAIN + self.modulus / 2 * (x - 0.5).square().flatten(1).sum(1)) / math.sqrt(height * width)


class _Positive(nn.Module):
    """Weights (outputs, *inputs) > 0, made of others that may have any sign."""

    def __init__(self, outputs: int, inputs: Sequence[int]) -> None:
        super().__init__()
        raw = torch.rand(outputs, *inputs)
        if not raw.is_meta:  # see `draw_weights`
            raw = (2 * raw / math.prod(inputs)).clamp_min(1e-6).expm1().log()  # the inverse of softplus
        self.raw = nn.Parameter(raw)

    def forward(self) -> torch.Tensor:
        return F.softplus(self.raw)


def _sum(z: torch.Tensor) -> torch.Tensor:
    """Sums over pixels: (B, C, H, W) to (B, C), not in bfloat16, which rounds to three digits."""
    return z.flatten(2).sum(2, dtype=torch.promote_types(z.dtype, torch.float32))
