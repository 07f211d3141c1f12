"""Photographs: those in scikit-image's wheel, and any folder. Paper: §5.1 (BSDS500, crops of 128x128)."""

from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import torch

from .._checks import check_count
from ._shapes import dice

# file in scikit-image's wheel, author, licence as stated in the docstrings of skimage.data (0.26), has colour
BUNDLED = (
    ("astronaut.png", "NASA", "public domain", True),
    ("chelsea.png", "Stefan van der Walt", "CC0", True),
    ("coffee.png", "Rachel Michetti", "CC0", True),
    ("rocket.jpg", "SpaceX", "public domain", True),
    ("camera.png", "Lav Varshney", "CC0", False),
    ("brick.png", "CC0Textures", "CC0", False),
    ("grass.png", "linolafett", "CC0", False),
    ("gravel.png", "CC0Textures", "CC0", False),
)
ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


def photos(n, size=128, generator=None, channels=3):
    """Random crops of the photographs in scikit-image's wheel, no download: (n, channels, size, size) in [0, 1].

    channels  3 takes the colour photographs, 1 takes all of them in gray (luma)
    They are in the public domain or CC0; `BUNDLED` in this file lists authors and licences. There are few of them and
    crops overlap: enough to try things out, too few to train on. Photographs smaller than `size` are left out.
    Raises ValueError if none is as large as `size`.
    """
    n, size, generator = check_count(n, "n"), check_count(size, "size"), dice(generator)
    _check_channels(channels)
    pictures = [_bundled(name, channels) for name, _, _, colour in BUNDLED if colour or channels == 1]
    pictures = [picture for picture in pictures if min(picture.shape[1:]) >= size]
    if not pictures:
        raise ValueError(f"size: expected at most 512, got {size}. The largest photographs have 512 rows.")
    which, corners = _choose(n, len(pictures), generator)
    return torch.stack([_crop(pictures[k], size, corner) for k, corner in zip(which, corners, strict=True)])


def from_folder(path, n=None, size=128, channels=3, generator=None):
    """Crops of the photographs in a folder and its subfolders, BSDS500 or any other, in [0, 1], float32.

    path      a folder, or a list of files
    n         (n, channels, size, size): random crops; None: the middle of each photograph, sorted by path
    channels  3 colour (gray photographs get three equal channels), 1 gray (luma)
    Photographs are turned upright as their EXIF data say. Endings: jpg, jpeg, png, tif, tiff, bmp, webp.
    Raises ValueError for a folder that is missing or has no photographs, and for a damaged or too small photograph.
    """
    size, generator = check_count(size, "size"), dice(generator)
    _check_channels(channels)
    names = path if isinstance(path, list) else files_in(path)
    if n is None:
        return torch.stack([_crop(_open(name, channels, size), size, (0.5, 0.5)) for name in names])
    which, corners = _choose(check_count(n, "n"), len(names), generator)
    crops = [None] * len(which)
    for k in sorted(set(which)):  # each photograph is opened once, and only one is held
        picture = _open(names[k], channels, size)
        for i in (i for i, chosen in enumerate(which) if chosen == k):
            crops[i] = _crop(picture, size, corners[i])
    return torch.stack(crops)


def _check_channels(channels):
    if channels not in (1, 3):
        raise ValueError(f"channels: expected 1 (gray) or 3 (colour), got {channels!r}. Choose one of the two.")


def _choose(n, count, generator):
    """Which picture each crop comes from, and where it lies in it (0 to 1 in both directions)."""
    which = torch.randint(count, (n,), generator=generator).tolist()
    return which, torch.rand(n, 2, generator=generator).tolist()


def _crop(picture, size, corner):
    """(C, H, W) bytes to (C, size, size) in [0, 1]; corner (0, 0) is the upper left, (1, 1) the lower right."""
    i, j = (round(t * (length - size)) for t, length in zip(corner, picture.shape[1:], strict=True))
    return picture[:, i : i + size, j : j + size].float() / 255


def files_in(folder):
    """The photographs in a folder and its subfolders, sorted by path."""
    folder = Path(folder)
    found = sorted(f for f in folder.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file())
    if not found:
        got = "no such files" if folder.is_dir() else "no such folder" if not folder.exists() else "a file"
        raise ValueError(
            f"path: expected a folder with photographs ({', '.join(ENDINGS)}), got {got}: {folder}. Check the path; "
            "without a folder of your own use images.photos."
        )
    return found


def _open(name, channels, size):
    """A photograph as bytes (channels, H, W), upright; at least size x size."""
    picture = _load(name, channels)
    height, width = picture.shape[1:]
    if min(height, width) < size:
        raise ValueError(
            f"{name}: expected a photograph of at least {size}x{size} pixels, got {height}x{width}. "
            "Take it out of the folder, or choose a smaller size."
        )
    return picture


def _load(name, channels):
    from PIL import Image, ImageOps

    try:
        with Image.open(name) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16"):  # 16 bits; Pillow would cut off at 255 instead of dividing
                upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
            pixels = np.array(upright.convert("RGB" if channels == 3 else "L"))
    except Exception as error:  # decoders raise many kinds
        raise ValueError(
            f"{name}: expected a photograph, got a file that Pillow cannot read ({error}). "
            "Copy it again, or take it out of the folder."
        ) from None
    return torch.from_numpy(pixels).reshape(*pixels.shape[:2], channels).movedim(2, 0)


def _bundled(name, channels):
    with as_file(files("skimage") / "data" / name) as path:
        return _load(path, channels)
