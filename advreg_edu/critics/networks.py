"""The networks of the paper and of the course, and the U-Net inside. Paper: §3.1; §6 "Local Regularizers"."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import nn

from .._input.arguments import check_batch, check_count, check_number
from .._input.messages import describe
from .._input.networks import in_type_of_weights
from .._input.signature import check_flag

Critic: TypeAlias = Callable[[torch.Tensor], torch.Tensor]  # Psi: images (B, C, H, W) to (B,), differentiable

# Stretches intensities so that noise of 0.02 to 0.1 reaches the curved part of SiLU; without it training stalls.
GAIN = 6.0
WIDEST = 4096  # channels; a layer of so many has 600 MB of weights


class PaperCritic(nn.Module):
    """The authors' network has six 5x5 convolutions, two dense layers and leaky ReLU 0.1: (B, C, size, size) to (B,).

    At 128x128 in colour it has 2,496,001 parameters, 84 % of them in the first dense layer, which ties it to one size.
    Source: `improved_binary_classifier` of https://github.com/lunz-s/DeepAdverserialRegulariser (weights not copied).

    >>> critic = PaperCritic(channels=3, size=128)
    >>> critic(torch.rand(2, 3, 128, 128)).shape, sum(p.numel() for p in critic.parameters())
    (torch.Size([2]), 2496001)

    Args: channels C; size, the pixels along each side of the image.
    """

    def __init__(self, channels: int = 1, size: int = 128) -> None:
        super().__init__()
        self.channels = check_count(channels, "channels", high=WIDEST)
        self.size = check_count(size, "size", high=WIDEST)
        self.arguments = dict(channels=channels, size=size)
        widths, strides = (16, 32, 32, 64, 64, 128), (1, 1, 2, 2, 2, 2)
        layers: list[nn.Module] = []
        for c_in, c_out, stride in zip((channels, *widths), widths, strides, strict=False):
            layers += [nn.Conv2d(c_in, c_out, 5, stride, padding=2), nn.LeakyReLU(0.1)]
        self.features = nn.Sequential(*layers)
        pixels = math.ceil(size / 16) ** 2
        self.head = nn.Sequential(nn.Linear(128 * pixels, 256), nn.LeakyReLU(0.1), nn.Linear(256, 1))

    @in_type_of_weights
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_batch(x, "x", (self.channels, self.size, self.size), "images for this PaperCritic")
        return self.head(self.features(x).flatten(1)).squeeze(1)


class LocalCritic(nn.Module):
    """Psi(x) = ||x - D(x)|| says how far x is from D(x), its clean version by a small U-Net: (B, C, H, W) to (B,).

    A critic that solves Eq. 7 is, under Theorem 2, the distance ||x - P_M(x)|| to the manifold of real images. This one
    has that form, with D in the place of the projection P_M, and is trained by Eq. 6 alone: D never has a target. It is
    fully convolutional, so it takes any image size; its slope does not grow with the image. As in the "Local
    Regularizers" of §6 the value is pooled over local features, by root mean square in place of the mean.
    Differences from the paper:
    1. the form above instead of a plain network (ours);
    2. smooth: SiLU in place of leaky ReLU, and the tip of the cone is rounded, Psi = sqrt(||x - D(x)||^2 + f^2) - f
       with f = `smoothing` * sqrt(number of intensities), so that gradient descent can settle near real images.
    Before training D is a blur, and Psi is the length of what the blur removes.

    >>> critic = LocalCritic(channels=1)
    >>> critic(torch.rand(2, 1, 64, 64)).shape, critic(torch.rand(2, 1, 30, 50)).shape
    (torch.Size([2]), torch.Size([2]))

    Args: channels; widths, blocks_down, mirrored and fold of the `UNet`; smoothing in intensities per pixel.
    """

    blur: torch.Tensor

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (16, 32, 64),
        smoothing: float = 0.01,
        blocks_down: bool = True,
        mirrored: bool = False,
        fold: int = 2,
    ) -> None:
        super().__init__()
        self.unet = UNet(channels, widths, blocks_down, mirrored, fold)
        self.channels, self.smoothing = self.unet.channels, check_number(smoothing, "smoothing", low=0, above=True)
        self.arguments = self.unet.arguments | dict(smoothing=smoothing)
        binomial = [n / 16 for n in (1, 4, 6, 4, 1)]
        blur = torch.tensor([[[[a * b for b in binomial] for a in binomial]]] * channels)
        self.register_buffer("blur", blur, persistent=False)

    def clean(self, x: torch.Tensor) -> torch.Tensor:
        """Return D(x) = blur(x) + U-Net's correction: (B, C, H, W) twice."""
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 would round intensities to 1/256
            blurred = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), self.blur, groups=self.channels)
        return blurred + self.unet.correction(x)

    @in_type_of_weights
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_batch(x, "x", (self.channels, *x.shape[-2:]), "images for this LocalCritic")
        floor = self.smoothing * math.sqrt(math.prod(x.shape[1:]))
        return ((x - self.clean(x)).square().flatten(1).sum(1) + floor**2).sqrt() - floor


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
