"""A small U-Net, images to images: inside `LocalCritic`, and the denoiser of §5.2 (Ronneberger et al. 2015)."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from ._checks import check_batch, check_count, shown
from ._networks import in_type_of_weights

# Stretches intensities so that noise of 0.02 to 0.1 reaches the curved part of SiLU; without it training stalls.
GAIN = 6.0
WIDEST = 4096  # channels; a layer of so many has 600 MB of weights


class UNet(nn.Module):
    """x + correction(x), any image size: (B, C, H, W) twice. The correction is zero before training.

    The first level works on 2x2 blocks of pixels as channels, a quarter of the cost of full resolution.
    Args: channels C; widths of the levels at 1/2, 1/4, ... of the resolution; multiples of 16 are fastest;
        blocks_down: whether the way down has blocks too, or is a bank of linear filters and a quarter faster;
        mirrored: once trained (`eval`), the correction is the mean of x's own and of that of its mirror image, mirrored
        back. Twice the work, 0.2 to 0.3 dB for a critic (data/study/networks.md). For networks that train on mirrored
        images.
    """

    def __init__(self, channels=1, widths=(16, 32, 64), blocks_down=True, mirrored=False):
        super().__init__()
        if not isinstance(widths, (list, tuple)) or not widths:
            raise TypeError(f"widths: expected one for each level, such as (16, 32, 64), got {shown(widths)}.")
        self.channels = check_count(channels, "channels", high=WIDEST)
        self.widths = tuple(check_count(w, "widths", high=WIDEST) for w in widths)
        self.mirrored = bool(mirrored)
        self.arguments = dict(channels=channels, widths=list(widths), blocks_down=bool(blocks_down))
        self.arguments |= dict(mirrored=self.mirrored)
        levels = list(itertools.pairwise(widths))
        self.first = nn.Conv2d(4 * channels, widths[0], 3, padding=1)
        self.down = nn.ModuleList(_Block(width) if blocks_down else nn.Identity() for width in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in levels)
        self.bottom = _Block(widths[-1])
        self.grow = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in levels)
        self.up = nn.ModuleList(_Block(width) for width in widths[:-1])
        self.last = nn.Conv2d(widths[0], 4 * channels, 3, padding=1)
        for conv in (self.first, *self.shrink):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
        _zero(self.last)

    @in_type_of_weights
    def forward(self, x):
        check_batch(x, "x", (self.channels, *x.shape[-2:]), "images for this UNet")
        return x + self.correction(x)

    def correction(self, x):
        """What the network adds to x: (B, C, H, W) twice."""
        if self.training or not self.mirrored:
            return self._correction(x)
        own, mirrored = self._correction(torch.cat([x, x.flip(-1)])).chunk(2)
        return (own + mirrored.flip(-1)) / 2

    def _correction(self, x):
        height, width = x.shape[-2:]
        multiple = 2 ** len(self.widths)
        padded = F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")
        h, skips = self.first(F.pixel_unshuffle(GAIN * (padded - 0.5), 2)), []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            skips.append(block(h))
            h = shrink(skips[-1])
        h = self.bottom(h)
        for block, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
            h = block(grow(h) + skips.pop())
        return F.pixel_shuffle(self.last(h), 2)[..., :height, :width] / GAIN


class _Block(nn.Module):
    """h + conv(silu(conv(silu(h)))); the identity before training."""

    def __init__(self, width):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        nn.init.kaiming_normal_(self.conv1.weight, nonlinearity="relu")
        _zero(self.conv2)

    def forward(self, h):
        return h + self.conv2(F.silu(self.conv1(F.silu(h))))


def _zero(conv):
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
