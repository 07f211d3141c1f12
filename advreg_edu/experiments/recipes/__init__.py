"""How each network was trained, by name. Why each is as it is: data/STUDY.md."""

from .convex import CONVEX
from .critics import CRITICS
from .recipe import Recipe
from .supervised import UNETS

RECIPES = CRITICS | CONVEX | UNETS
__all__ = ["CONVEX", "CRITICS", "RECIPES", "UNETS", "Recipe"]
