"""How each network was trained, by name. Why each is as it is: data/STUDY.md."""

from . import convex, critics, inpainting_mri, supervised
from .recipe import Recipe

CRITICS = critics.CRITICS | convex.CRITICS | inpainting_mri.CRITICS
UNETS = supervised.UNETS | inpainting_mri.UNETS
RECIPES = CRITICS | UNETS
__all__ = ["CRITICS", "RECIPES", "UNETS", "Recipe"]
