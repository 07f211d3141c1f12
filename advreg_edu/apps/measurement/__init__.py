"""The measurement lab: four operators, noise, and what the naive inverse makes of it. Paper: §2.1, Eq. 1."""

from .app import measurement_lab

__all__ = ["measurement_lab"]
