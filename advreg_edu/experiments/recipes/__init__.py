"""How each network was trained, by name. Why each is as it is: data/STUDY.md."""

from .critics import CRITICS
from .recipe import Recipe
from .supervised import UNETS

RECIPES = CRITICS | UNETS
__all__ = ["CRITICS", "RECIPES", "UNETS", "Recipe"]
