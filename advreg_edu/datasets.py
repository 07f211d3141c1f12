"""Real images in two parts, "train" and "val", as Tables 1 and 2 need them. Paper: §5.2 (BSDS500), §5.3 (LIDC/IDRI)."""

from pathlib import Path

import numpy as np
import torch

from . import images
from ._checks import check_choice

PARTS = ("train", "val")


def photographs(folder, part, n, size, generator):
    """n random colour crops of the photographs in folder/part: (n, 3, size, size).

    A folder without the subfolders train and val is taken whole, for training only.
    """
    folder = _given(folder, "a folder of photographs such as BSDS500, with the subfolders train and val")
    check_choice(part, "part", PARTS)
    if (folder / part).is_dir():
        folder = folder / part
    elif part == "val":
        raise ValueError(
            f"{folder}: expected the subfolders train and val, got none called val. Split the photographs."
        )
    return images.from_folder(folder, n, size, generator=generator)


def chest(path, part, size=128):
    """CT slices, each scaled from its own minimum to its own maximum as the authors did, and whose they are.

    Args: path, an .npz file with the arrays hu (n, H, W) in Hounsfield units, patient_id (n,) and split (n,); or a
        folder of DICOM files path/train/PATIENT/... and path/val/PATIENT/...
    Returns: images (n, 1, size, size) in [0, 1] and an array of n patients.
    """
    path = _given(path, "a file or folder of CT slices")
    check_choice(part, "part", PARTS)
    if path.is_dir():
        folders = sorted(folder for folder in (path / part).glob("*") if folder.is_dir())
        if not folders:
            raise ValueError(f"{path}: expected the folders {part}/PATIENT with DICOM files, got none. Sort them so.")
        slices = [images.from_dicom(folder, size, window=None) for folder in folders]
        return torch.cat(slices), np.repeat([folder.name for folder in folders], [len(x) for x in slices])
    if path.suffix != ".npz":
        raise ValueError(f"{path}: expected a folder of DICOM files or an .npz file, got {path.name}.")
    with np.load(path) as file:
        missing = sorted({"hu", "patient_id", "split"} - set(file.files))
        if missing:
            raise ValueError(f"{path}: expected the arrays hu, patient_id and split, got no {', '.join(missing)}.")
        chosen = file["split"] == part
        return images.from_hounsfield(file["hu"][chosen], size, window=None), file["patient_id"][chosen]


def _given(path, what):
    if path is None:
        raise ValueError(f"--images: expected {what}, got none. Pass --images PATH.")
    if not Path(path).exists():
        raise ValueError(f"--images: expected {what}, got {path}, which is not there. Check the path.")
    return Path(path)
