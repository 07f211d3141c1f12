"""What the paper compares with: total variation, smooth functionals, supervised networks, RED. Paper: §2.3, §5."""

from .smooth import SmoothedTV, Tikhonov, stability_limit
from .supervised import DenoiserStep, post_process, red, solve_red, train_denoiser
from .total_variation import TVMinimum, minimise_tv, total_variation

__all__ = [
    "DenoiserStep",
    "SmoothedTV",
    "TVMinimum",
    "Tikhonov",
    "minimise_tv",
    "post_process",
    "red",
    "solve_red",
    "stability_limit",
    "total_variation",
    "train_denoiser",
]
