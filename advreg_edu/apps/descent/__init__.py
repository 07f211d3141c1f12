"""The descent lab: what the weight and the step size do in Eq. 2, without a network. Paper: §2.3."""

from .app import descent_lab

__all__ = ["descent_lab"]
