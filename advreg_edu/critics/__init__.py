"""Critics: networks Psi(x), low on real images and high on noisy ones. Paper: §3.1; §6 "Local Regularizers"."""

from .convex import ConvexCritic
from .networks import Critic, LocalCritic, PaperCritic
from .unet import UNet

__all__ = ["ConvexCritic", "Critic", "LocalCritic", "PaperCritic", "UNet"]
