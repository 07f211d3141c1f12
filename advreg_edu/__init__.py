"""Learned regularisation, from y = Ax + e to a trained critic. Paper: Lunz, Öktem, Schönlieb 2018."""

import os

if "OMP_WAIT_POLICY" not in os.environ:  # of what you set, nothing is changed
    # Before torch loads OpenMP: a thread that waits for another spins for 2 ms, then sleeps. By default it spins for
    # over 10 ms, and where another program has the core that is what each of a hundred operations costs.
    os.environ.setdefault("GOMP_SPINCOUNT", "50000")
    os.environ.setdefault("KMP_BLOCKTIME", "1")

from . import images, metrics, pretrained
from .baselines import post_process, red, total_variation, train_denoiser
from .critics import ConvexCritic, LocalCritic, PaperCritic, UNet
from .metrics import psnr, ssim
from .operators import FourierSampling, Identity, Inpainting, LinearOperator, RayTransform, cartesian_mask, dot_test
from .pretrained import load_critic
from .problem import Problem
from .reconstruction import Diverged, reconstruct
from .reg_weight import weight_from_noise
from .training import critic_loss, train_critic

__version__ = "0.1.0"
__all__ = [
    "ConvexCritic",
    "Diverged",
    "FourierSampling",
    "Identity",
    "Inpainting",
    "LinearOperator",
    "LocalCritic",
    "PaperCritic",
    "Problem",
    "RayTransform",
    "UNet",
    "cartesian_mask",
    "critic_loss",
    "dot_test",
    "images",
    "load_critic",
    "metrics",
    "post_process",
    "pretrained",
    "psnr",
    "reconstruct",
    "red",
    "ssim",
    "total_variation",
    "train_critic",
    "train_denoiser",
    "weight_from_noise",
]
