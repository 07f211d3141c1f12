"""Measurements for notebook 09 that take minutes: python -m advreg_edu extensions NAME. Paper: §6.

Each is a list of rows, dictionaries of numbers. They are kept in data/extensions/NAME.json with the command that made
them; a row that is there already is not computed again.
"""

from .run import STUDIES, kept, run

__all__ = ["STUDIES", "kept", "run"]
