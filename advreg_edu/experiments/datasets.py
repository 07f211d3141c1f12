"""Real images in parts, as Tables 1 and 2 need them. Paper: §5.2 (BSDS500), §5.3 (LIDC/IDRI)."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F

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
    path: Path | str | None, part: str, n: int, size: int, generator: torch.Generator | None
) -> torch.Tensor:
    """n random colour crops of the photographs in a folder that belong to a part: (n, 3, size, size).

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
    folder = _existing(path, "a folder of photographs such as BSDS500, with the subfolders train and val")
    check_choice(part, "part", PARTS)
    split = "val" if part == "val" else "train"
    if (folder / split).is_dir():
        folder = folder / split
    elif part == "val":
        raise ValueError(
            f"{folder}: expected the subfolders train and val, got none called val. Split the photographs."
        )
    files = images.files_in(folder)
    if part == "val":
        order = torch.randperm(len(files), generator=generator).tolist()
        one_of_each = itertools.islice(itertools.cycle(order), n)
        return torch.cat([images.from_folder([files[k]], 1, size, generator=generator) for k in one_of_each])
    return images.from_folder(list(_of_part(files, part, folder)), n, size, generator=generator)


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


def augment_pose(
    x: torch.Tensor,
    copies: int,
    generator: torch.Generator | None,
    sharp: bool = False,
    weights: torch.Tensor | None = None,
    amount: float = 1.0,
) -> torch.Tensor:
    """x and `copies` more of each image, turned by up to 10 degrees, scaled by up to an eighth and shifted by up to 3 %
    of its side, at random: (B, C, H, W) to ((1 + copies) * B, C, H, W). What comes in from outside is 0, air.

    Args:
        sharp: copies as sharp as x, by bicubic interpolation between samples twice as dense. The linear one, which is
            the default, blurs the finest details. data/study/patients.md says which networks gain by it.
        weights: (B,) >= 0; each of the copies * B copies is of an image drawn with these odds. None copies every image
            `copies` times.
        amount: a factor on angle, scale and shift.

    >>> x = images.thorax(2, size=32, generator=torch.Generator().manual_seed(0))
    >>> y = augment_pose(x, 3, torch.Generator().manual_seed(1))
    >>> tuple(y.shape), torch.equal(y[:2], x)
    ((8, 1, 32, 32), True)
    """
    return torch.cat(list(poses(x, copies, generator, sharp, weights, amount)))


def poses(
    x: torch.Tensor,
    copies: int,
    generator: torch.Generator | None,
    sharp: bool = False,
    weights: torch.Tensor | None = None,
    amount: float = 1.0,
) -> Iterator[torch.Tensor]:
    """The images of `augment_pose`, the same and in the same order, a few at a time.

    >>> x = images.thorax(2, size=32, generator=torch.Generator().manual_seed(0))
    >>> [tuple(few.shape) for few in poses(x, 3, torch.Generator().manual_seed(1))]
    [(2, 1, 32, 32), (2, 1, 32, 32), (2, 1, 32, 32), (2, 1, 32, 32)]
    """
    draw = lambda *shape: amount * (torch.rand(len(x), *shape, generator=generator) - 0.5)
    # the finer grid begins a quarter of a pixel farther out; from -1 to 1 a pixel is 2 / side
    shift_of_grid = 0.5 / torch.tensor([x.shape[-1], x.shape[-2]]) if sharp else torch.zeros(2)
    yield from x.split(CHUNK)
    for _ in range(copies):
        angle, scale, shift = 0.35 * draw(), 1 + 0.25 * draw(), 0.12 * draw(2)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        motion = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).reshape(-1, 2, 3)
        which = torch.arange(len(x))
        if weights is not None:
            which = torch.multinomial(weights, len(x), True, generator=generator)
        for few, of_few in zip(which.split(CHUNK), motion.split(CHUNK), strict=True):
            source = _double_sampling(_double_sampling(x[few], -1), -2) if sharp else x[few]
            grid = F.affine_grid(of_few, [len(few), *x.shape[1:]], align_corners=False) - shift_of_grid
            mode = "bicubic" if sharp else "bilinear"
            yield F.grid_sample(source, grid, mode=mode, align_corners=False).clamp(0, 1)


def _double_sampling(x: torch.Tensor, dim: int) -> torch.Tensor:
    """x with a sample between every two, by zeros behind its Fourier transform: exact but for the finest frequency."""
    return 2 * torch.fft.irfft(torch.fft.rfft(x, dim=dim), n=2 * x.shape[dim], dim=dim)


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
