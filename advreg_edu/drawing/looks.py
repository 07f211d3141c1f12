"""Colours and letters of the pictures, both from matplotlib (not in the paper)."""

from functools import lru_cache

import numpy as np
from PIL import ImageFont


@lru_cache
def colour_table(name: str) -> np.ndarray:
    """The 256 colours of a map of matplotlib, one a row: (256, 3) bytes.

    >>> colour_table("gray")[255].tolist()
    [255, 255, 255]
    """
    if name == "gray":  # matplotlib's is one level too dark or too bright here and there
        return np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    import matplotlib

    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans from matplotlib: it has the Greek letters and the dagger of A†, which Pillow's own font lacks.

    >>> font(15).getname()[0]
    'DejaVu Sans'
    """
    import matplotlib

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
