"""Widget applications, one file each. Model computes, View draws, App wires; core ipywidgets only."""

from .descent_lab import descent_lab
from .measurement_lab import measurement_lab
from .method_viewer import method_viewer
from .reconstruction_lab import reconstruction_lab
from .theory_worlds import theory_worlds
from .training_monitor import training_monitor
from .weight_lab import weight_lab

__all__ = [
    "descent_lab",
    "measurement_lab",
    "method_viewer",
    "reconstruction_lab",
    "theory_worlds",
    "training_monitor",
    "weight_lab",
]
