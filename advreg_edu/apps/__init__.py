"""Widget applications, one file each. Model computes, View draws, App wires; core ipywidgets only."""

from .measurement_lab import measurement_lab
from .method_viewer import method_viewer
from .reconstruction_lab import reconstruction_lab
from .weight_lab import weight_lab

__all__ = ["measurement_lab", "method_viewer", "reconstruction_lab", "weight_lab"]
