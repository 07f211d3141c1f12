"""The same critic on images of other sizes, lambda by the formula. Paper: §6, "Local Regularizers"."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import images, pretrained
from ...critics import Critic, LocalCritic
from ...metrics import psnr
from ...operators import Identity, RayTransform
from ...problem import Problem
from ...reg_weight import weight_from_noise
from .settings import Row, best_tv, our_minimum

PHOTOGRAPHS = ("astronaut", "camera")  # of 512x512 pixels, in colour and gray


def sizes() -> Iterator[Row]:
    """Photographs of 512x512 pixels denoised in tiles, and CT of chests drawn at several resolutions."""
    for name in PHOTOGRAPHS:
        for size in (64, 128, 256, 512):
            yield dict(name=name, size=size)
        yield dict(name=name, size=512, window=128)
    for size in (64, 128, 256):
        yield dict(name="ct", size=size)


def measure_size(row: Row) -> Row:
    """PSNR, of a photograph over the whole of it, and lambda."""
    if row["name"] == "ct":
        return _scan(row["size"])
    critic = pretrained.load_critic("photos-color")
    window = row.get("window")
    return _photograph(row["name"], row["size"], in_windows(critic, window) if window else critic)


def in_windows(critic: LocalCritic, side: int) -> Critic:
    """The critic with a norm for each window of side x side pixels, and their mean in place of one norm of the image.

    Times the root of the number of windows, so that the slope stays 1: sum over w of ||(x - D(x))_w|| / sqrt(count).
    Flat windows are then held as tightly as textured ones, which have more of the norm of a whole image.

    >>> critic, x = LocalCritic(1), torch.rand(1, 1, 16, 16)
    >>> torch.allclose(in_windows(critic, 16)(x), critic(x), atol=1e-5)  # one window
    True
    """

    def psi(x: Tensor) -> Tensor:
        squares = (x - critic.clean(x)).square().sum(1, keepdim=True)
        squares = F.avg_pool2d(squares, side) * side**2
        floor = critic.smoothing * (x.shape[1] * side**2) ** 0.5
        return ((squares + floor**2).sqrt() - floor).flatten(1).sum(1) / squares[0].numel() ** 0.5

    return psi


def _photograph(name: str, size: int, critic: Critic) -> Row:
    problem = Problem(Identity((3, size, size)), 0.1)
    x = photograph(name)
    y = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    parts = torch.cat([our_minimum(problem, part, critic)[0] for part in tiles(y, size).split(16)])
    whole = untiled(parts, x.shape[-1])
    return dict(psnr=_db(whole, x), weight=round(float(weight_from_noise(problem)), 2))


def _scan(size: int) -> Row:
    problem, critic = Problem(RayTransform(size, 30), 0.02), pretrained.load_critic("ct-thorax")
    x = images.thorax(2, size, torch.Generator().manual_seed(4_712))
    y = problem.measure(x, torch.Generator().manual_seed(1))
    tv = best_tv(problem, y, lambda u: psnr(u.clamp(0, 1), x), 0.004)[1].mean().item()
    weight = round(float(weight_from_noise(problem)), 4)
    ours = our_minimum(problem, y, critic)[0]
    return dict(psnr=_db(ours, x), naive=_db(problem.naive(y), x), tv=round(tv, 3), weight=weight)


def photograph(name: str) -> Tensor:
    """One of PHOTOGRAPHS as (1, 3, 512, 512); gray ones have three equal channels.

    >>> photograph("camera").shape
    torch.Size([1, 3, 512, 512])
    """
    from importlib.resources import as_file, files

    ending = files("skimage.data") / f"{name}.png"
    with as_file(ending) as path:
        return images.from_folder([path], size=512)


def tiles(x: Tensor, size: int) -> Tensor:
    """Cut a square image (1, C, N, N) into (N / size)^2 tiles: (B, C, size, size).

    >>> tiles(torch.zeros(1, 3, 8, 8), 4).shape
    torch.Size([4, 3, 4, 4])
    """
    return torch.cat([part for strip in x.split(size, -2) for part in strip.split(size, -1)])


def untiled(parts: Tensor, side: int) -> Tensor:
    """Put tiles together again: (1, C, side, side).

    >>> x = torch.rand(1, 3, 8, 8)
    >>> torch.equal(untiled(tiles(x, 2), 8), x)
    True
    """
    across = side // parts.shape[-1]
    strips = [torch.cat(list(strip[:, None]), -1) for strip in parts.split(across)]
    return torch.cat(strips, -2)


def _db(x: Tensor, truth: Tensor) -> float:
    return round(psnr(x.clamp(0, 1), truth).mean().item(), 3)
