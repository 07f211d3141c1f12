"""The theorems in the plane, where the truth is known: worlds, Wasserstein distances, stability. Paper: §3.2 to §4."""

from . import stability, worlds
from .critics import DistanceCritic, PlaneCritic
from .distances import (
    TRAINING,
    Transport,
    decay,
    distance_error,
    flow,
    gap,
    slope_at_zero,
    squared_slope,
    transport,
    wasserstein,
)

__all__ = [
    "TRAINING",
    "DistanceCritic",
    "PlaneCritic",
    "Transport",
    "decay",
    "distance_error",
    "flow",
    "gap",
    "slope_at_zero",
    "squared_slope",
    "stability",
    "transport",
    "wasserstein",
    "worlds",
]
