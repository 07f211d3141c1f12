"""Widget applications, one file each. Model computes, View draws, App wires; core ipywidgets only."""

from .method_viewer import method_viewer
from .reconstruction_lab import reconstruction_lab
from .theory_worlds import theory_worlds

__all__ = ["method_viewer", "reconstruction_lab", "theory_worlds"]
