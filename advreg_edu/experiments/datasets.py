"""Real images in parts, as Tables 1 and 2 need them. Paper: §5.2 (BSDS500), §5.3 (LIDC/IDRI)."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from .. import images
from .._input.arguments import check_choice, check_path
from .._input.messages import refused
from ..images._arrays import read_npz

Item = TypeVar("Item")  # a patient or a photograph
PARTS = ("train", "dev", "val")
CHUNK = 64  # images at a time
HELD_BACK = 8  # of the training patients or photographs, one in so many is held back for choices: "dev"


def in_memory(batches: Iterable[torch.Tensor]) -> torch.Tensor:
    """Images that come in batches as one tensor. `training.mapped` leaves them on disk instead.

    >>> in_memory(torch.zeros(2, 1, 4, 4) for _ in range(3)).shape
    torch.Size([6, 1, 4, 4])
    """
    return torch.cat(list(batches))


Keep = Callable[[Iterable[torch.Tensor]], torch.Tensor]  # such as `in_memory`


def photographs(
    path: Path | str | None, part: str, n: int, size: int, generator: torch.Generator | None, channels: int = 3
) -> torch.Tensor:
    """n random crops, colour (3) or gray (1), of the photographs in a folder that belong to a part: (n, channels, size,
    size).

    Every choice is made on "dev": every eighth photograph of path/train, never trained on. "train" is the others,
    "val" is path/val, in random order one crop of each photograph before any gives a second. A folder without the
    subfolders train and val is taken whole as path/train.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     for split in ("train", "val"):
    ...         Path(folder, split).mkdir()
    ...         for k in range(3):
    ...             Image.new("RGB", (40, 32), (80 * k,) * 3).save(f"{folder}/{split}/{k}.png")
    ...     x = photographs(folder, "val", 6, 16, torch.Generator().manual_seed(0))
    >>> tuple(x.shape)
    (6, 3, 16, 16)
    """
    files = photograph_files(path, part)
    if part == "val":
        order = torch.randperm(len(files), generator=generator).tolist()
        one_of_each = itertools.islice(itertools.cycle(order), n)
        return torch.cat([images.from_folder([files[k]], 1, size, channels, generator) for k in one_of_each])
    return images.from_folder([*files], n, size, channels, generator)


def photograph_files(path: Path | str | None, part: str) -> list[Path]:
    """The photographs of a part, sorted by path: see `photographs`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("b.png", "a.png"):
    ...         _ = Path(folder, name).write_bytes(b"")
    ...     [file.name for file in photograph_files(folder, "dev")]
    ['a.png']
    """
    folder = _existing(path, "a folder of photographs such as BSDS500, with the subfolders train and val")
    check_choice(part, "part", PARTS)
    split = "val" if part == "val" else "train"
    if (folder / split).is_dir():
        folder = folder / split
    elif part == "val":
        raise ValueError(
            f"{folder}: expected the subfolders train and val, got none called val. Split the photographs."
        )
    return list(_of_part(images.files_in(folder), part, folder))


def chest(
    path: Path | str | None, part: str, size: int = 128, keep: Keep = in_memory
) -> tuple[torch.Tensor, np.ndarray]:
    """CT slices, each scaled from its own minimum to its own maximum as the authors did, and the patient of each.

    Every choice is made on "dev": every eighth patient of the training split, who is never trained on.
    Args: path, an .npz file with the arrays hu (n, H, W) in Hounsfield units, patient_id (n,) and split (n,), train
        or val; or a folder of DICOM files path/train/PATIENT/... and path/val/PATIENT/...; part, one of PARTS; keep,
        what becomes of the slices, which come a few at a time, of a folder patient by patient.
    Returns: images (n, 1, size, size) in [0, 1] and an array of n patients.

    >>> from tempfile import TemporaryDirectory
    >>> labels = dict(patient_id=np.array(["a", "b", "c"]), split=np.array(["train", "train", "val"]))
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/slices.npz", hu=np.arange(3 * 16 * 16).reshape(3, 16, 16), **labels)
    ...     x, patients = chest(f"{folder}/slices.npz", "val", size=16)
    >>> tuple(x.shape), patients.tolist()
    ((1, 1, 16, 16), ['c'])
    """
    path = _existing(path, "a file or folder of CT slices")
    check_choice(part, "part", PARTS)
    split = "val" if part == "val" else "train"
    if path.is_dir():
        return _dicom(path, part, split, size, keep)
    if path.suffix != ".npz":
        raise refused(path, "a folder of DICOM files or an .npz file", path.name, "Give one of the two.")
    hu, patients, splits = _arrays(path)
    if split not in splits:
        got = ", ".join(sorted(set(splits.tolist())))
        raise refused(path, f"slices whose split is {split}", got, "Divide them.")
    hu, patients = hu[splits == split], patients[splits == split]
    chosen = np.isin(patients, _of_part(np.unique(patients).tolist(), part, path))
    few = np.array_split(np.flatnonzero(chosen), range(CHUNK, chosen.sum(), CHUNK))
    return keep(images.from_hounsfield(hu[k], size, window=None) for k in few), patients[chosen]


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """hu, patient_id and split of an .npz file."""
    arrays = read_npz(path, {"hu": "fui", "patient_id": "USui", "split": "U"})
    for key, axes in (("hu", 3), ("patient_id", 1), ("split", 1)):
        got, count = arrays[key].shape, len(arrays["hu"]) if arrays["hu"].ndim else 0
        if len(got) != axes or got[0] != count or not count:
            what = "slices (n, H, W)" if axes == 3 else f"one entry for each of the {count} slices"
            raise refused(f"{path}, array {key}", what, f"shape {got}", "Save one entry per slice.")
    if arrays["hu"].dtype.kind == "f" and not np.isfinite(arrays["hu"]).all():
        raise refused(f"{path}, array hu", "finite numbers", "a NaN or an infinity", "Replace them: numpy.nan_to_num.")
    return arrays["hu"], arrays["patient_id"], arrays["split"]


def _dicom(path: Path, part: str, split: str, size: int, keep: Keep) -> tuple[torch.Tensor, np.ndarray]:
    folders = sorted(folder.name for folder in (path / split).glob("*") if folder.is_dir())
    if not folders:
        raise ValueError(f"{path}: expected the folders {split}/PATIENT with DICOM files, got none. Sort them so.")
    patients: list[str] = []

    def slices() -> Iterator[torch.Tensor]:
        for patient in _of_part(folders, part, path):
            x = images.from_dicom(path / split / patient, size, window=None)
            patients.extend([patient] * len(x))
            yield x

    return keep(slices()), np.array(patients)


def _of_part(items: Sequence[Item], part: str, path: Path) -> Sequence[Item]:
    """Those of the sorted patients or photographs of a split that belong to `part`."""
    if part == "val":
        return items
    if len(items) < 2:
        raise ValueError(f"{path}: expected at least two to train on and hold back, got {len(items)}. Add more.")
    dev = items[::HELD_BACK]
    return dev if part == "dev" else [item for item in items if item not in dev]


def _existing(path: Path | str | None, what: str) -> Path:
    if path is None:
        raise refused("path", what, "none", "Name a place where it lies.")
    path = check_path(path)
    if not path.exists():
        raise refused("path", what, f"{path}, which is not there", "Check the path.")
    return path
