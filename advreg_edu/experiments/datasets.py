"""Real images in parts, as Tables 1 and 2 need them. Paper: §5.2 (BSDS500), §5.3 (LIDC/IDRI)."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

from .. import images
from .._input.arguments import check_choice, check_path, refused
from ..images._arrays import read_npz

PARTS = ("train", "dev", "val")
HELD_BACK = 8  # of the training patients or photographs, one in so many is held back for choices: "dev"


def photographs(folder, part, n, size, generator):
    """n random colour crops of the photographs of a part: (n, 3, size, size).

    Every choice is made on "dev": every eighth photograph of folder/train, never trained on. "train" is the others,
    "val" is folder/val, in random order one crop of each photograph before any gives a second. A folder without the
    subfolders train and val is taken whole as folder/train.
    """
    folder = _given(folder, "a folder of photographs such as BSDS500, with the subfolders train and val")
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
    return images.from_folder(_of_part(files, part, folder), n, size, generator=generator)


def chest(path, part, size=128):
    """CT slices, each scaled from its own minimum to its own maximum as the authors did, and whose they are.

    Every choice is made on "dev": every eighth patient of the training split, who is never trained on.
    Args: path, an .npz file with the arrays hu (n, H, W) in Hounsfield units, patient_id (n,) and split (n,), train
        or val; or a folder of DICOM files path/train/PATIENT/... and path/val/PATIENT/...; part, one of PARTS.
    Returns: images (n, 1, size, size) in [0, 1] and an array of n patients.
    """
    path = _given(path, "a file or folder of CT slices")
    check_choice(part, "part", PARTS)
    split = "val" if part == "val" else "train"
    if path.is_dir():
        return _dicom(path, part, split, size)
    if path.suffix != ".npz":
        raise refused(path, "a folder of DICOM files or an .npz file", path.name, "Give one of the two.")
    hu, patients, splits = _arrays(path)
    if split not in splits:
        got = ", ".join(sorted(set(splits.tolist())))
        raise refused(path, f"slices whose split is {split}", got, "Divide them.")
    hu, patients = hu[splits == split], patients[splits == split]
    chosen = np.isin(patients, _of_part(np.unique(patients), part, path))
    return images.from_hounsfield(hu[chosen], size, window=None), patients[chosen]


def _arrays(path):
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


def moved(x, copies, generator, sharp=False, weights=None):
    """x and `copies` more of each image, turned by up to 10 degrees, scaled by up to an eighth and shifted by up to 3 %
    of its side, at random: (B, C, H, W) to ((1 + copies) * B, C, H, W). What comes in from outside is 0, air.

    sharp: copies as sharp as x, by bicubic interpolation between samples twice as dense. The linear one takes half of
        the power of the finest details. For U-Nets sharp copies are better, for critics it depends
        (data/study/patients.md).
    weights: (B,) >= 0; each of the copies * B copies is of an image drawn with these odds. None copies every image
        `copies` times.
    """
    draw = lambda *shape: torch.rand(len(x), *shape, generator=generator) - 0.5
    source = _twice_as_fine(_twice_as_fine(x, -1), -2) if sharp else x
    # the finer grid begins a quarter of a pixel farther out; from -1 to 1 a pixel is 2 / side
    shift_of_grid = 0.5 / torch.tensor([x.shape[-1], x.shape[-2]]) if sharp else 0.0
    out = [x]
    for _ in range(copies):
        angle, scale, shift = 0.35 * draw(), 1 + 0.25 * draw(), 0.12 * draw(2)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        motion = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).reshape(-1, 2, 3)
        where = F.affine_grid(motion, x.shape, align_corners=False) - shift_of_grid
        mode = "bicubic" if sharp else "bilinear"
        whom = slice(None) if weights is None else torch.multinomial(weights, len(x), True, generator=generator)
        out.append(F.grid_sample(source[whom], where, mode=mode, align_corners=False).clamp(0, 1))
    return torch.cat(out)


def _twice_as_fine(x, dim):
    """x with a sample between every two, by zeros behind its Fourier transform: exact but for the finest frequency."""
    return 2 * torch.fft.irfft(torch.fft.rfft(x, dim=dim), n=2 * x.shape[dim], dim=dim)


def _dicom(path, part, split, size):
    patients = sorted(folder.name for folder in (path / split).glob("*") if folder.is_dir())
    if not patients:
        raise ValueError(f"{path}: expected the folders {split}/PATIENT with DICOM files, got none. Sort them so.")
    patients = _of_part(patients, part, path)
    slices = [images.from_dicom(path / split / patient, size, window=None) for patient in patients]
    return torch.cat(slices), np.repeat(patients, [len(x) for x in slices])


def _of_part(whom, part, path):
    """Those of the sorted patients or photographs of a split that belong to `part`."""
    if part == "val":
        return whom
    if len(whom) < 2:
        raise ValueError(f"{path}: expected at least two to train on and hold back, got {len(whom)}. Add more.")
    dev = whom[::HELD_BACK]
    return dev if part == "dev" else [one for one in whom if one not in dev]


def _given(path, what):
    if path is None:
        raise ValueError(f"--images: expected {what}, got none. Pass --images PATH.")
    path = check_path(path, "--images")
    if not path.exists():
        raise refused("--images", what, f"{path}, which is not there", "Check the path.")
    return path
