"""What carries the course: exercises and their checks, predictions, notebooks from their sources, the check of the
machine.
"""

from .desk import check, hint, solution
from .predictions import outcome, predict
from .progress_page import progress

__all__ = ["check", "hint", "outcome", "predict", "progress", "solution"]
