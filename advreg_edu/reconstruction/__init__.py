"""Reconstruction with a learned regulariser: the objective, the solvers, the stopping rules. Paper: §3.1, Alg. 2."""

from .algorithm import reconstruct
from .divergence import Diverged
from .objective import Iterate, Objective, Point, gradient
from .solvers import METHODS, Solver
from .stopping import NotConverged

__all__ = [
    "METHODS",
    "Diverged",
    "Iterate",
    "NotConverged",
    "Objective",
    "Point",
    "Solver",
    "gradient",
    "reconstruct",
]
