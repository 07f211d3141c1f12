"""Linear operators A with their adjoint A* and regularised pseudo-inverse A†. Paper: §2.1, §3.1."""

from .adjoint import Adjoint
from .checks import check_measurement, check_operator, check_type
from .deepinv_bridge import from_deepinv
from .fan_beam import FanBeam
from .identity import Identity
from .inner import column, inner, squared_norm
from .linear import LinearOperator
from .masked import FourierSampling, Inpainting, cartesian_mask
from .products import dot_test
from .ray_transform import RayTransform

__all__ = [
    "Adjoint",
    "FanBeam",
    "FourierSampling",
    "Identity",
    "Inpainting",
    "LinearOperator",
    "RayTransform",
    "cartesian_mask",
    "check_measurement",
    "check_operator",
    "check_type",
    "column",
    "dot_test",
    "from_deepinv",
    "inner",
    "squared_norm",
]
