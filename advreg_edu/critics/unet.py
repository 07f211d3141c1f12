"""The U-Net inside `LocalCritic`, and the one it is compared with. Not in the paper."""

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from .._input.arguments import check_batch, check_count
from .._input.messages import describe
from .._input.networks import in_type_of_weights
from .._input.signature import check_flag

# Stretches intensities so that noise of 0.02 to 0.1 reaches the curved part of SiLU; without it training stalls.
GAIN = 6.0
WIDEST = 4096  # channels; a layer of so many has 600 MB of weights


class UNet(nn.Module):
    """A U-Net returns x + correction(x) for images of any size: (B, C, H, W) twice.

    The correction is zero before training. The first level works on `fold` x `fold` blocks of pixels as channels: with
    2 at a quarter of the cost of full resolution, which is 1. data/study/denoising.md has its worth.
    Args: channels C; widths of the levels at 1/fold, 1/(2 fold), ... of the resolution; multiples of 16 are fastest;
        blocks_down: whether the way down has blocks too, or is a bank of linear filters and a quarter faster;
        mirrored: once trained (`eval`), the correction is the mean of x's own and of that of its mirror image, mirrored
        back. Twice the work; data/study/networks.md has its worth. For networks that train on mirrored images.

    >>> net = UNet(channels=1)
    >>> x = torch.rand(2, 1, 30, 50)
    >>> torch.equal(net(x), x)  # before training
    True
    """

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (16, 32, 64),
        blocks_down: bool = True,
        mirrored: bool = False,
        fold: int = 2,
    ) -> None:
        super().__init__()
        if not isinstance(widths, (list, tuple)) or not widths:
            raise TypeError(f"widths: expected one for each level, such as (16, 32, 64), got {describe(widths)}.")
        self.channels = check_count(channels, "channels", high=WIDEST)
        self.widths = tuple(check_count(w, "widths", high=WIDEST) for w in widths)
        self.mirrored, blocks_down = check_flag(mirrored, "mirrored"), check_flag(blocks_down, "blocks_down")
        self.fold = check_count(fold, "fold", high=8)
        self.arguments = dict(channels=channels, widths=list(widths), blocks_down=blocks_down)
        self.arguments |= dict(mirrored=self.mirrored, fold=self.fold)
        levels = list(itertools.pairwise(widths))
        self.first = nn.Conv2d(fold**2 * channels, widths[0], 3, padding=1)
        self.down = nn.ModuleList(_Block(width) if blocks_down else nn.Identity() for width in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in levels)
        self.bottom = _Block(widths[-1])
        self.grow = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in levels)
        self.up = nn.ModuleList(_Block(width) for width in widths[:-1])
        self.last = nn.Conv2d(widths[0], fold**2 * channels, 3, padding=1)
        for conv in (self.first, *self.shrink):
            draw_weights(conv, "linear")
        _zero(self.last)

    @in_type_of_weights
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_batch(x, "x", (self.channels, *x.shape[-2:]), "images for this UNet")
        return x + self.correction(x)

    def correction(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the network adds to x: (B, C, H, W) twice."""
        if self.training or not self.mirrored:
            return self._correction(x)
        own, mirrored = self._correction(torch.cat([x, x.flip(-1)])).chunk(2)
        return (own + mirrored.flip(-1)) / 2

    def _correction(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[-2:]
        multiple = self.fold * 2 ** (len(self.widths) - 1)
        padded = F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")
        h, skips = self.first(F.pixel_unshuffle(GAIN * (padded - 0.5), self.fold)), []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            skips.append(block(h))
            h = shrink(skips[-1])
        h = self.bottom(h)
        for block, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
            h = block(grow(h) + skips.pop())
        return F.pixel_shuffle(self.last(h), self.fold)[..., :height, :width] / GAIN


class _Block(nn.Module):
    """h + conv(silu(conv(silu(h)))); the identity before training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        draw_weights(self.conv1, "relu")
        _zero(self.conv2)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + self.conv2(F.silu(self.conv1(F.silu(h))))


def draw_weights(conv: nn.Conv2d, nonlinearity: Literal["linear", "relu"]) -> None:
    """First weights after He et al. 2015. None on torch's "meta" device, where `load_critic` compares shapes: for all
    that is more than an allocation torch imports its compiler there, 60 MB."""
    if not conv.weight.is_meta:
        nn.init.kaiming_normal_(conv.weight, nonlinearity=nonlinearity)


def _zero(conv: nn.Conv2d) -> None:
    for p in conv.parameters():
        nn.init.zeros_(p)
