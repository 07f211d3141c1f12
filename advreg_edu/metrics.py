"""How far a reconstruction is from the truth. Paper: §5.2 (PSNR and SSIM of Tables 1 and 2)."""

import torch

from ._input.arguments import check_images, check_number


def psnr(x: torch.Tensor, x_true: torch.Tensor) -> torch.Tensor:
    """Return the peak signal-to-noise ratio, -10 log10 mean (x - x_true)^2 dB, for data range 1.

    Shapes: (B, C, H, W) twice to (B,).
    `x` is taken as it is; clamp it to [0, 1] first to compare with the paper. Equal images give infinity.

    >>> psnr(torch.full((1, 1, 8, 8), 0.6), torch.full((1, 1, 8, 8), 0.5))  # an error of 0.1 everywhere
    tensor([20.0000])
    """
    dtype, x, x_true = _checked_pair(x, x_true)
    return (-10 * torch.log10((x - x_true).square().flatten(1).mean(1))).to(dtype)


def ssim(x: torch.Tensor, x_true: torch.Tensor, data_range: float = 1.0) -> torch.Tensor:
    """Return the structural similarity, the mean over channels and over all 7x7 windows inside the image.

    Shapes: (B, C, H, W) twice to (B,).
    It is the same number as `skimage.metrics.structural_similarity(..., data_range=1)`. The authors' code left the data
    range at scikit-image's 2 for floats, which raises every value; pass `data_range=2` for theirs.
    Source: Wang et al., Image quality assessment, 2004.

    >>> x_true = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    >>> ssim(x_true, x_true)
    tensor([1.])
    >>> bool(ssim(1 - x_true, x_true) < 0)  # a negative has the opposite structure
    True
    """
    dtype, x, x_true = _checked_pair(x, x_true)
    data_range = check_number(data_range, "data_range", low=0, above=True, fix="It is 1 for images in [0, 1].")
    window = 7
    if min(x.shape[-2:]) < window:
        raise ValueError(f"x: expected at least {window}x{window} pixels for SSIM, got {tuple(x.shape[-2:])}.")
    moments = torch.stack([x, x_true, x * x, x_true * x_true, x * x_true])
    for side in (-1, -2):  # rows, then columns; SSIM in a third of the time that avg_pool2d takes
        moments = moments.unfold(side, window, 1).mean(-1)
    mx, mt, mxx, mtt, mxt = moments
    unbiased = window**2 / (window**2 - 1)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    vx, vt, cov = unbiased * (mxx - mx * mx), unbiased * (mtt - mt * mt), unbiased * (mxt - mx * mt)
    similarity = (2 * mx * mt + c1) * (2 * cov + c2) / ((mx * mx + mt * mt + c1) * (vx + vt + c2))
    return similarity.flatten(1).mean(1).to(dtype)


def _checked_pair(x: torch.Tensor, x_true: torch.Tensor) -> tuple[torch.dtype, torch.Tensor, torch.Tensor]:
    """The type of x, which the result gets, and both images as they are computed with: half precision as float32."""
    check_images(x_true, "x_true")
    check_images(x, "x", x_true.shape[1:], unit_range=False)
    if len(x) != len(x_true):
        raise ValueError(f"x: expected as many images as in x_true ({len(x_true)}), got {len(x)}.")
    dtype = torch.promote_types(torch.promote_types(x.dtype, x_true.dtype), torch.float32)
    return x.dtype, x.to(dtype), x_true.to(dtype)
