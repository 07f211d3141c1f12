"""The reconstruction lab: Algorithm 2 with every knob. Paper: §3.1 (Alg. 2), §5.1 (lambda), §5.2, §5.3."""

from .app import reconstruction_lab

__all__ = ["reconstruction_lab"]
