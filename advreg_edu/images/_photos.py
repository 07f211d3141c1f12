"""Photographs: those in scikit-image's wheel, and any folder. Paper: §5.1 (BSDS500, crops of 128x128)."""

from importlib.resources import as_file, files
from pathlib import Path

import torch

from .._input.arguments import check_count, check_path
from .._input.messages import describe, refused
from ._pillow import Photograph
from ._shapes import or_fresh

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
ENDINGS = (".jpg", ".jpeg", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".webp")


def photos(n: int, size: int = 128, generator: torch.Generator | None = None, channels: int = 3) -> torch.Tensor:
    """Random crops of the photographs in scikit-image's wheel, no download: (n, channels, size, size) in [0, 1].

    channels  3 takes the colour photographs, 1 takes all of them in gray (luma)
    They are in the public domain or CC0; `BUNDLED` in this file lists authors and licences. There are few of them and
    crops overlap: enough to try things out, too few to train on. Photographs smaller than `size` are left out.
    Raises ValueError if none is as large as `size`.

    >>> x = photos(2, size=32, generator=torch.Generator().manual_seed(0))
    >>> tuple(x.shape), tuple(photos(2, size=32, channels=1).shape)
    ((2, 3, 32, 32), (2, 1, 32, 32))
    """
    n, size, generator = check_count(n, "n"), check_count(size, "size"), or_fresh(generator)
    check_channels(channels)
    pictures = [_bundled(name) for name, _, _, colour in BUNDLED if colour or channels == 1]
    pictures = [picture for picture in pictures if min(picture.shape) >= size]
    if not pictures:
        raise ValueError(f"size: expected at most 512, got {size}. The largest photographs have 512 rows.")
    which, corners = _choose(n, len(pictures), generator)
    return torch.stack([pictures[k].crop(size, corner, channels) for k, corner in zip(which, corners, strict=True)])


def from_folder(
    path: Path | str | list[Path | str],
    n: int | None = None,
    size: int = 128,
    channels: int = 3,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Crops of the photographs in a folder and its subfolders, BSDS500 or any other, in [0, 1], float32.

    path      a folder, or a list of files
    n         (n, channels, size, size): random crops; None: the middle of each photograph, sorted by path
    channels  3 colour (gray photographs get three equal channels), 1 gray (luma)
    Photographs are turned upright as their EXIF data say, and what is transparent in them is laid on white. Endings:
    those in ENDINGS. Hidden files and folders are left out. Numbers of more than 8 bits: see `Photograph`.
    Memory: at most 300 MB. A JPEG that would take more is decoded at half its size or less, others are refused, and so
    are those that have more than 100 million pixels when decoded.
    Raises ValueError for a folder that is missing or has no photographs, and for a damaged or too small photograph.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("RGB", (60, 40), "white").save(f"{folder}/white.png")
    ...     x = from_folder(folder, size=32)  # the middle of each photograph
    ...     crops = from_folder(folder, n=5, size=32)
    >>> tuple(x.shape), tuple(crops.shape), x.min().item()
    ((1, 3, 32, 32), (5, 3, 32, 32), 1.0)
    """
    size, generator = check_count(size, "size"), or_fresh(generator)
    check_channels(channels)
    names = [check_path(one) for one in path] if isinstance(path, list | tuple) else files_in(path)
    if not names:
        raise ValueError("path: expected a folder or a list of files, got an empty list. Name at least one photograph.")
    if n is None:
        return torch.stack([Photograph(name, name, size).crop(size, (0.5, 0.5), channels) for name in names])
    which, corners = _choose(check_count(n, "n"), len(names), generator)
    crops = torch.empty(len(which), channels, size, size, dtype=torch.float32)
    for k in sorted(set(which)):  # each photograph is opened once, and only one is held
        picture = Photograph(names[k], names[k], size)
        for i in (i for i, chosen in enumerate(which) if chosen == k):
            crops[i] = picture.crop(size, corners[i], channels)
    return crops


def check_channels(channels: int) -> None:
    """Raise unless it is 1 or 3."""
    if check_count(channels, "channels") not in (1, 3):
        raise ValueError(f"channels: expected 1 (gray) or 3 (colour), got {describe(channels)}. Choose one of the two.")


def _choose(n: int, count: int, generator: torch.Generator) -> tuple[list[int], list[list[float]]]:
    """Which picture each crop comes from, and where it lies in it (0 to 1 in both directions)."""
    which = torch.randint(count, (n,), generator=generator).tolist()
    return which, torch.rand(n, 2, generator=generator).tolist()


def files_in(folder: Path | str) -> list[Path]:
    """The photographs in a folder and its subfolders, sorted by path, without hidden ones and those that macOS adds.

    Their names end as in ENDINGS. Raises ValueError for a folder that has none, or is not there.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("b.png", "a.JPG", "notes.txt", "._a.JPG"):
    ...         _ = Path(folder, name).write_bytes(b"")
    ...     [file.name for file in files_in(folder)]
    ['a.JPG', 'b.png']
    """
    folder = check_path(folder)
    found = [file for file in visible_files(folder) if file.suffix.lower() in ENDINGS]
    if not found:
        got = "no such files" if folder.is_dir() else "no such folder" if not folder.exists() else "a file"
        raise refused(
            "path",
            f"a folder with photographs ({', '.join(ENDINGS)})",
            f"{got}: {folder}",
            "Check the path; without a folder of your own use images.photos.",
        )
    return found


def visible_files(folder: Path) -> list[Path]:
    """The files in a folder and its subfolders, sorted; without .ipynb_checkpoints, ._copies and all that is hidden."""
    hidden = lambda parts: any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return sorted(f for f in folder.rglob("*") if not hidden(f.relative_to(folder).parts) and f.is_file())


def _bundled(name: str) -> Photograph:
    with as_file(files("skimage") / "data" / name) as path:
        return Photograph(path, path, 1)
