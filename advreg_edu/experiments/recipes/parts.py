"""Problems, networks and losses that several recipes share."""

from collections.abc import Callable

import torch

from ...critics import LocalCritic
from ...operators import FourierSampling, Identity, Inpainting, RayTransform, cartesian_mask
from ...problem import Problem
from ...training import Eq6, Eq6BySlopes, Pairs, Quadratic, default_gp_weight


def scan(sigma: float = 0.02) -> Problem:
    return Problem(RayTransform(128, 30), sigma)


def denoising(channels: int = 3, sigma: float = 0.1) -> Problem:
    return Problem(Identity((channels, 48, 48)), sigma)


def inpainting(seed: int = 0) -> Problem:
    """30 % of the pixels of a colour image; `seed` of the mask."""
    mask = torch.rand(128, 128, generator=torch.Generator().manual_seed(seed)) < 0.3
    return Problem(Inpainting(mask, 3), sigma=0.02)


def mri() -> Problem:
    """A quarter of the lines of k-space."""
    mask = cartesian_mask(128, fraction=0.25, generator=torch.Generator().manual_seed(0))
    return Problem(FourierSampling(mask), sigma=0.02)


def photo_critic(smoothing: float = 0.01) -> LocalCritic:
    return LocalCritic(3, (32, 64, 96), smoothing=smoothing)


FINE = (32, 48, 64, 64)  # widths of a U-Net of 0.41 million weights at full resolution


def chest_critic(smoothing: float = 0.01, blocks_down: bool = False) -> LocalCritic:
    return LocalCritic(1, (32, 64, 96), smoothing=smoothing, blocks_down=blocks_down, mirrored=True)


def by_slopes(pairs: Pairs, seed: int) -> Eq6BySlopes:
    return Eq6BySlopes(default_gp_weight(pairs, seed))


def half_free(pairs: Pairs, seed: int) -> Quadratic:
    """Slopes from 1/2, where the direction of the noise cannot be known, to 1.09, where it is known."""
    return Quadratic(1.7 * pairs.line_length(seed), free=0.5)


def given(loss: Eq6) -> Callable[[Pairs, int], Eq6]:
    return lambda pairs, seed: loss
