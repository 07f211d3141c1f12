"""Linear operators A with their adjoint A* and regularised pseudo-inverse A†. Paper: §2.1, §3.1."""

from .linear import (
    Identity,
    LinearOperator,
    check_measurement,
    check_operator,
    check_type,
    dot_test,
    inner,
    squared_norm,
)
from .masked import FourierSampling, Inpainting, cartesian_mask
from .ray_transform import RayTransform

__all__ = [
    "FourierSampling",
    "Identity",
    "Inpainting",
    "LinearOperator",
    "RayTransform",
    "cartesian_mask",
    "check_measurement",
    "check_operator",
    "check_type",
    "dot_test",
    "inner",
    "squared_norm",
]
