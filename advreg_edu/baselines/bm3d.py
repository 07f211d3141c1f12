"""BM3D (Dabov et al. 2007), nothing learned, where its authors' package is installed: pip install bm3d

The package is for non-commercial use, so that this course never asks for it.
"""

import importlib.metadata
import importlib.util

import torch
from torch import Tensor

from .._input.arguments import check_images, check_number


def bm3d_version() -> str | None:
    """The version of the package `bm3d`, or None where it is not installed.

    >>> bm3d_version() is None or "." in bm3d_version()
    True
    """
    return importlib.metadata.version("bm3d") if importlib.util.find_spec("bm3d") else None


def denoise_bm3d(y: Tensor, sigma: float) -> Tensor:
    """Images (B, C, H, W) from noisy ones, C = 1 or 3; colour as CBM3D, in an opponent colour space. One by one.

    Args: sigma, standard deviation of the noise of each number.

    Raises: ModuleNotFoundError, where `bm3d` is not installed.
    """
    check_images(y, "y", unit_range=False)
    check_number(sigma, "sigma", low=0)
    try:
        import bm3d
    except ModuleNotFoundError:
        raise ModuleNotFoundError("denoise_bm3d: expected the package bm3d, got none: pip install bm3d.") from None
    function = bm3d.bm3d_rgb if y.shape[1] == 3 else bm3d.bm3d
    images = y.detach().cpu().double().permute(0, 2, 3, 1).numpy()
    ends = [torch.as_tensor(function(image, sigma)).reshape(image.shape) for image in images]
    return torch.stack(ends).permute(0, 3, 1, 2).to(y)
