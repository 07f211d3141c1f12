"""Widget applications, one file each. Model computes, View draws, App wires; core ipywidgets only."""

from .reconstruction_lab import reconstruction_lab

__all__ = ["reconstruction_lab"]
