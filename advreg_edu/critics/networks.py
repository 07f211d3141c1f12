"""The networks of the paper and of the course. Paper: §3.1; §6 "Local Regularizers"."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import nn

from .._input.arguments import check_batch, check_count, check_number
from .._input.networks import in_type_of_weights
from .unet import WIDEST, UNet

Critic: TypeAlias = Callable[[torch.Tensor], torch.Tensor]  # Psi: images (B, C, H, W) to (B,), differentiable


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

    One norm of a large image holds its flat parts too loosely and its textured ones too tightly, for all share one
    length. With a `window` of w pixels Psi is sqrt(n) times the mean, over overlapping windows, of the root mean square
    that the norm is in each, n the number of intensities. Images that fit in one window have one norm as before.

    >>> critic = LocalCritic(channels=1)
    >>> critic(torch.rand(2, 1, 64, 64)).shape, critic(torch.rand(2, 1, 30, 50)).shape
    (torch.Size([2]), torch.Size([2]))

    Args: channels; widths, blocks_down, mirrored and fold of the `UNet`; smoothing in intensities per pixel; window, in
        pixels along each side, a multiple of 16; None for one norm of the image.
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
        window: int | None = None,
    ) -> None:
        super().__init__()
        self.unet = UNet(channels, widths, blocks_down, mirrored, fold)
        self.channels, self.smoothing = self.unet.channels, check_number(smoothing, "smoothing", low=0, above=True)
        self.window = None if window is None else check_count(window, "window", 16)
        if self.window and self.window % 16:
            raise ValueError(f"window: expected a multiple of 16, got {window}.")
        self.arguments = self.unet.arguments | dict(smoothing=smoothing, window=self.window)
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
        squares, scale = (x - self.clean(x)).square(), math.sqrt(math.prod(x.shape[1:]))
        if self.window is None or max(x.shape[-2:]) <= self.window:
            floor = self.smoothing * scale
            return (squares.flatten(1).sum(1) + floor**2).sqrt() - floor
        rows, columns = (window_means(side, self.window).to(x) for side in x.shape[-2:])
        with torch.autocast(x.device.type, enabled=False):
            means = rows @ squares.mean(1) @ columns.T
        return scale * ((means + self.smoothing**2).sqrt() - self.smoothing).mean((1, 2))


@cache
@torch.inference_mode(False)  # what is kept may meet a gradient later
def window_means(side: int, window: int) -> torch.Tensor:
    """Return M, (windows, side): M u holds the means of a line u in windows an eighth of their side apart.

    They reach over the ends into the mirror image, so that each pixel is in as many windows.

    >>> M = window_means(48, window=16)
    >>> M.shape, M.sum(0).unique(), window_means(12, window=16).shape  # of a short line there is one window
    (torch.Size([24, 48]), tensor([0.5000]), torch.Size([1, 12]))
    """
    if side <= window:
        return torch.full((1, side), 1 / side)
    step = window // 8
    over = (window - step) // 2
    at = torch.arange(-over, side + over)
    at = torch.minimum(torch.where(at < 0, -1 - at, at), 2 * side - 1 - at)  # mirrored at either end
    return torch.eye(side)[at].unfold(0, window, step).mean(-1)
