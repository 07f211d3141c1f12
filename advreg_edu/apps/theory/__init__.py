"""The theory app: a critic in the plane, where Theorems 1 and 2 can be watched. Paper: §3.2, §3.3."""

from .app import theory_worlds

__all__ = ["theory_worlds"]
