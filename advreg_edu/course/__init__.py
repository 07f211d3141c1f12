"""What carries the course: exercises and their checks, notebooks from their sources, the check of the machine."""

from .desk import check, hint, progress, solution

__all__ = ["check", "hint", "progress", "solution"]
