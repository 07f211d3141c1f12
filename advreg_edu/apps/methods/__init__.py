"""The method viewer: flip between the reconstructions of one image. Paper: Figures 1 and 2."""

from .app import method_viewer

__all__ = ["method_viewer"]
