"""What the paper compares with: total variation, smooth functionals, supervised networks, RED. Paper: §2.3, §5."""

from .bm3d import bm3d_version, denoise_bm3d
from .post_processing import post_process
from .red_fixed_point import REDFixedPoint, red, solve_red
from .smooth import SmoothedTV, Tikhonov, stability_limit
from .supervised import DenoiserStep, train_denoiser
from .total_variation import TVMinimum, minimise_tv, total_variation

__all__ = [
    "DenoiserStep",
    "REDFixedPoint",
    "SmoothedTV",
    "TVMinimum",
    "Tikhonov",
    "bm3d_version",
    "denoise_bm3d",
    "minimise_tv",
    "post_process",
    "red",
    "solve_red",
    "stability_limit",
    "total_variation",
    "train_denoiser",
]
