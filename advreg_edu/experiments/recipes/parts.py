"""Problems, networks and losses that several recipes share."""

from collections.abc import Callable

from ...critics import LocalCritic
from ...operators import Identity, RayTransform
from ...problem import Problem
from ...training import Eq6, Eq6BySlopes, Pairs, default_gp_weight


def scan(sigma: float = 0.02) -> Problem:
    return Problem(RayTransform(128, 30), sigma)


def denoising() -> Problem:
    return Problem(Identity((3, 48, 48)), sigma=0.1)


def photo_critic(smoothing: float = 0.01) -> LocalCritic:
    return LocalCritic(3, (32, 64, 96), smoothing=smoothing)


def chest_critic(smoothing: float = 0.01, blocks_down: bool = False) -> LocalCritic:
    return LocalCritic(1, (32, 64, 96), smoothing=smoothing, blocks_down=blocks_down, mirrored=True)


def by_slopes(pairs: Pairs, seed: int) -> Eq6BySlopes:
    return Eq6BySlopes(default_gp_weight(pairs, seed))


def given(loss: Eq6) -> Callable[[Pairs, int], Eq6]:
    return lambda pairs, seed: loss
