"""Critics: networks Psi(x), low on real images and high on noisy ones. Paper: §3.1; §6 "Local Regularizers"."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ._checks import check_batch, check_count, check_number
from ._networks import in_type_of_weights
from .unet import WIDEST, UNet


class PaperCritic(nn.Module):
    """The authors' network: six 5x5 convolutions, two dense layers, leaky ReLU 0.1. (B, C, size, size) to (B,).

    At 128x128 in colour it has 2,496,001 parameters, 84 % of them in the first dense layer, which ties it to one size.
    Source: `improved_binary_classifier` of https://github.com/lunz-s/DeepAdverserialRegulariser (weights not copied).
    """

    def __init__(self, channels=1, size=128):
        super().__init__()
        self.channels = check_count(channels, "channels", high=WIDEST)
        self.size = check_count(size, "size", high=WIDEST)
        self.arguments = dict(channels=channels, size=size)
        widths, strides = (16, 32, 32, 64, 64, 128), (1, 1, 2, 2, 2, 2)
        layers = []
        for c_in, c_out, stride in zip((channels, *widths), widths, strides, strict=False):
            layers += [nn.Conv2d(c_in, c_out, 5, stride, padding=2), nn.LeakyReLU(0.1)]
        self.features = nn.Sequential(*layers)
        pixels = math.ceil(size / 16) ** 2
        self.head = nn.Sequential(nn.Linear(128 * pixels, 256), nn.LeakyReLU(0.1), nn.Linear(256, 1))

    @in_type_of_weights
    def forward(self, x):
        check_batch(x, "x", (self.channels, self.size, self.size), "images for this PaperCritic")
        return self.head(self.features(x).flatten(1)).squeeze(1)


class LocalCritic(nn.Module):
    """Psi(x) = ||x - D(x)||: how far x is from D(x), its clean version by a small U-Net. (B, C, H, W) to (B,).

    A critic that solves Eq. 7 is, under Theorem 2, the distance ||x - P_M(x)|| to the manifold of real images. This one
    has that form, with D in the place of the projection P_M, and is trained by Eq. 6 alone: D never has a target. It is
    fully convolutional, so it takes any image size; its slope does not grow with the image. As in the "Local
    Regularizers" of §6 the value is pooled over local features, by root mean square in place of the mean.
    Differences from the paper:
    1. the form above instead of a plain network (ours);
    2. smooth: SiLU in place of leaky ReLU, and the tip of the cone is rounded, Psi = sqrt(||x - D(x)||^2 + f^2) - f
       with f = `smoothing` * sqrt(number of intensities), so that gradient descent can settle near real images.
    Before training D is a blur, Psi the length of what the blur removes, and ||grad Psi|| about 0.9 on noisy images.

    Args: channels; widths, blocks_down and mirrored of the `UNet`; smoothing in intensities per pixel.
    """

    def __init__(self, channels=1, widths=(16, 32, 64), smoothing=0.01, blocks_down=True, mirrored=False):
        super().__init__()
        self.unet = UNet(channels, widths, blocks_down, mirrored)
        self.channels, self.smoothing = self.unet.channels, check_number(smoothing, "smoothing", low=0, above=True)
        self.arguments = self.unet.arguments | dict(smoothing=smoothing)
        binomial = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        self.register_buffer("blur", torch.outer(binomial, binomial).repeat(channels, 1, 1, 1), persistent=False)

    def clean(self, x):
        """D(x) = blur(x) + U-Net's correction: (B, C, H, W) twice."""
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 would round intensities to 1/256
            blurred = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), self.blur, groups=self.channels)
        return blurred + self.unet.correction(x)

    @in_type_of_weights
    def forward(self, x):
        check_batch(x, "x", (self.channels, *x.shape[-2:]), "images for this LocalCritic")
        floor = self.smoothing * math.sqrt(math.prod(x.shape[1:]))
        return ((x - self.clean(x)).square().flatten(1).sum(1) + floor**2).sqrt() - floor
