"""The λ lab: the formula's weight, the weights around it, and a σ that is wrong on purpose. Paper: §5.1."""

from .app import weight_lab

__all__ = ["weight_lab"]
