"""The same critic on images of other sizes, lambda by the formula. Paper: §6, "Local Regularizers"."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import images, pretrained
from ...baselines import post_process, total_variation
from ...critics import Critic, LocalCritic
from ...metrics import psnr
from ...operators import Identity, RayTransform
from ...problem import Problem
from ...reg_weight import weight_from_noise
from .settings import Row, best_tv, our_minimum

PHOTOGRAPHS = ("astronaut", "camera")  # of 512x512 pixels, in colour and gray
TEXTURE = "gravel"  # alike everywhere
SIGMA, TV_WEIGHT = 0.1, 0.14
Denoise = Callable[[Problem, Tensor], Tensor]


def sizes() -> Iterator[Row]:
    """Photographs of 512x512 pixels denoised in tiles, and CT of chests drawn at several resolutions.

    All of a photograph are the same pixels with the same noise, but those that are scaled down first.
    """
    for name in PHOTOGRAPHS:
        for size in (64, 128, 256, 512):
            yield dict(name=name, size=size)
        yield dict(name=name, size=512, window=128)
    for size in (64, 128, 256):
        yield dict(name="ct", size=size)
    for name in PHOTOGRAPHS:
        yield dict(name=name, size=512, window=64)
    yield dict(name="camera", size=128, scaled_down=True)
    yield dict(name="camera", size=512, pull=128)
    for method in OTHERS:
        yield from (dict(name="camera", size=size, method=method) for size in (128, 512))
    yield dict(name=TEXTURE, size=512, pull=128)


def measure_size(row: Row) -> Row:
    """PSNR, of a photograph over the whole of it, and lambda."""
    name, size = row["name"], row["size"]
    if name == "ct":
        return _scan(size)
    critic = pretrained.load_critic("photos-color")
    x = photograph(name)
    if "scaled_down" in row:
        x = F.interpolate(x, size=(size, size), mode="area")
    y = x + SIGMA * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    if "pull" in row:
        return _pulls(x, y, critic, row["pull"])
    if "method" in row:
        return dict(psnr=_db(_in_tiles(y, size, OTHERS[row["method"]]), x))
    critic.window = row.get("window")
    weight = weight_from_noise(Problem(Identity((3, size, size)), SIGMA))
    return dict(psnr=_db(_in_tiles(y, size, _ours(critic)), x), weight=round(float(weight), 2))


def _pulls(x: Tensor, y: Tensor, critic: LocalCritic, side: int) -> Row:
    """What one norm of the whole image does to its windows, against each window alone.

    pull is ||(x - D(x))_w|| over the root mean square of all windows: what a window gets of lambda, 1 in a tile of its
    own. change is the PSNR of the window in the whole image minus that of the tile.
    """
    whole, tiled = (_in_tiles(y, size, _ours(critic)) for size in (x.shape[-1], side))
    pooled = lambda u: F.avg_pool2d(u.square().mean(1, keepdim=True), side).flatten()
    pull = pooled(whole - critic.clean(whole))
    change = 10 * torch.log10(pooled(tiled.clamp(0, 1) - x) / pooled(whole.clamp(0, 1) - x))
    numbers = lambda u: [round(value, 3) for value in u.tolist()]
    pulls = numbers((pull / pull.mean()).sqrt())
    return dict(psnr=_db(whole, x), tiles=_db(tiled, x), pulls=pulls, change=numbers(change))


def _ours(critic: Critic) -> Denoise:
    return lambda problem, y: our_minimum(problem, y, critic)[0]


def _unet(problem: Problem, y: Tensor) -> Tensor:
    return post_process(problem, y, pretrained.load_unet("photos-color-unet"))


OTHERS: dict[str, Denoise] = {"U-Net": _unet, "TV": lambda problem, y: total_variation(problem, y, TV_WEIGHT)}


def _in_tiles(y: Tensor, size: int, denoise: Denoise) -> Tensor:
    """The image denoised in tiles of size x size pixels."""
    problem = Problem(Identity((3, size, size)), SIGMA)
    return untiled(torch.cat([denoise(problem, part) for part in tiles(y, size).split(16)]), y.shape[-1])


def _scan(size: int) -> Row:
    problem, critic = Problem(RayTransform(size, 30), 0.02), pretrained.load_critic("ct-thorax")
    x = images.thorax(2, size, torch.Generator().manual_seed(4_712))
    y = problem.measure(x, torch.Generator().manual_seed(1))
    tv = best_tv(problem, y, lambda u: psnr(u.clamp(0, 1), x), 0.004)[1].mean().item()
    weight = round(float(weight_from_noise(problem)), 4)
    ours = our_minimum(problem, y, critic)[0]
    return dict(psnr=_db(ours, x), naive=_db(problem.naive(y), x), tv=round(tv, 3), weight=weight)


def photograph(name: str) -> Tensor:
    """A photograph of scikit-image's as (1, 3, 512, 512); gray ones have three equal channels.

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
