"""Images in other poses, for trainings with few of them. Not in the paper; data/study/patients.md has their worth."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F

CHUNK = 64  # images at a time


def augment_pose(
    x: torch.Tensor,
    copies: int,
    generator: torch.Generator | None,
    sharp: bool = False,
    weights: torch.Tensor | None = None,
    amount: float = 1.0,
) -> torch.Tensor:
    """x and `copies` more of each image, turned by up to 10 degrees, scaled by up to an eighth and shifted by up to 3 %
    of its side, at random: (B, C, H, W) to ((1 + copies) * B, C, H, W). What comes in from outside is 0, air.

    Args:
        sharp: copies as sharp as x, by bicubic interpolation between samples twice as dense. The linear one, which is
            the default, blurs the finest details. data/study/patients.md says which networks gain by it.
        weights: (B,) >= 0; each of the copies * B copies is of an image drawn with these odds. None copies every image
            `copies` times.
        amount: a factor on angle, scale and shift.

    >>> from advreg_edu import images
    >>> x = images.thorax(2, size=32, generator=torch.Generator().manual_seed(0))
    >>> y = augment_pose(x, 3, torch.Generator().manual_seed(1))
    >>> tuple(y.shape), torch.equal(y[:2], x)
    ((8, 1, 32, 32), True)
    """
    return torch.cat(list(poses(x, copies, generator, sharp, weights, amount)))


def poses(
    x: torch.Tensor,
    copies: int,
    generator: torch.Generator | None,
    sharp: bool = False,
    weights: torch.Tensor | None = None,
    amount: float = 1.0,
) -> Iterator[torch.Tensor]:
    """The images of `augment_pose`, the same and in the same order, a few at a time.

    >>> from advreg_edu import images
    >>> x = images.thorax(2, size=32, generator=torch.Generator().manual_seed(0))
    >>> [tuple(few.shape) for few in poses(x, 3, torch.Generator().manual_seed(1))]
    [(2, 1, 32, 32), (2, 1, 32, 32), (2, 1, 32, 32), (2, 1, 32, 32)]
    """
    draw = lambda *shape: amount * (torch.rand(len(x), *shape, generator=generator) - 0.5)
    # the finer grid begins a quarter of a pixel farther out; from -1 to 1 a pixel is 2 / side
    shift_of_grid = 0.5 / torch.tensor([x.shape[-1], x.shape[-2]]) if sharp else torch.zeros(2)
    yield from x.split(CHUNK)
    for _ in range(copies):
        angle, scale, shift = 0.35 * draw(), 1 + 0.25 * draw(), 0.12 * draw(2)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        motion = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).reshape(-1, 2, 3)
        which = torch.arange(len(x))
        if weights is not None:
            which = torch.multinomial(weights, len(x), True, generator=generator)
        for few, of_few in zip(which.split(CHUNK), motion.split(CHUNK), strict=True):
            source = _double_sampling(_double_sampling(x[few], -1), -2) if sharp else x[few]
            grid = F.affine_grid(of_few, [len(few), *x.shape[1:]], align_corners=False) - shift_of_grid
            mode = "bicubic" if sharp else "bilinear"
            yield F.grid_sample(source, grid, mode=mode, align_corners=False).clamp(0, 1)


def _double_sampling(x: torch.Tensor, dim: int) -> torch.Tensor:
    """x with a sample between every two, by zeros behind its Fourier transform: exact but for the finest frequency."""
    return 2 * torch.fft.irfft(torch.fft.rfft(x, dim=dim), n=2 * x.shape[dim], dim=dim)
