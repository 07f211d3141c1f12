"""Split by patient, once and for all: one .npz file that trainings and tables read."""

import io
from pathlib import Path

import numpy as np
import torch

from ... import images
from ..._input.arguments import check_count, check_number, check_seed, check_tensor
from ..._input.files import as_path, check_file_name, write
from ..._input.messages import refused
from ...images._hounsfield import AIR
from .found import SLICES, each_image


def split_by_patient(patients: np.ndarray, val: float = 0.25, seed: int = 0) -> np.ndarray:
    """ "train" or "val" for each image (n,): all images of a patient in one part, the patients at random.

    Args: patients, the patient of each image (n,); val, about the share of the patients in "val", at least one.
    Raises ValueError for fewer than two patients: there is nothing to report on then.

    >>> split_by_patient(np.array(["a", "a", "b", "c", "c", "d"]), val=0.25).tolist()
    ['val', 'val', 'train', 'train', 'train', 'train']
    """
    if isinstance(patients, torch.Tensor):
        check_tensor(patients, "patients")
    names = np.unique(np.asarray(patients))
    if len(names) < 2:
        got = f"{len(names)} patient{'s' * (len(names) != 1)}"
        raise ValueError(f"patients: expected at least two, got {got}. Add images of others, or keep them apart.")
    count = max(1, round(check_number(val, "val", 0, 0.9) * len(names)))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(check_seed(seed))).numpy()
    return np.where(np.isin(patients, names[order[:count]]), "val", "train")


def pack(path: Path | str, out: Path | str, size: int = 128, val: float = 0.25, seed: int = 0) -> np.ndarray:
    """Write the CT slices at `path`, averaged down to `size`, with their patients and a split by patient, to `out`.

    The file is what `train ct-chest-... --images FILE.npz`, `tables 2 --images FILE.npz` and `datasets.chest` read: hu
    (n, size, size) as whole Hounsfield units, patient_id (n,), split (n,). Of slices with the same pixels the first is
    kept. Returns split. Raises ValueError for a path without slices, slices that are no squares, and an `out` that is
    there already.

    >>> from tempfile import TemporaryDirectory
    >>> from advreg_edu.experiments.own_data.examples import dicom_folder
    >>> with TemporaryDirectory() as folder:
    ...     split = pack(dicom_folder(folder, patients=4, slices=2, size=32), f"{folder}/mine.npz", size=16)
    >>> sorted(split.tolist())
    ['train', 'train', 'train', 'train', 'train', 'train', 'val', 'val']
    """
    out, size = as_path(out, "out"), check_count(size, "size")
    check_file_name(out)
    if out.suffix != ".npz" or out.exists():
        got = f"{out}, which is there already" if out.exists() else str(out)
        raise ValueError(f"out: expected the name of a new .npz file, got {got}. Choose another.")
    slices, seen = [], set()
    for image in each_image(path):
        if not isinstance(image, tuple) and image.kind == SLICES and image.digest not in seen:
            seen.add(image.digest)
            hu = np.rint(_averaged(image.name, image.values, size)).astype(np.int16)
            slices.append((image.order, image.name, image.patient, hu.tobytes()))  # arrays would scatter the memory
    if not slices:
        raise refused("path", "CT slices", f"none in {path}", "Photographs need no packing: give their folder.")
    slices.sort(key=lambda s: s[:2])
    patients = np.array([patient for _, _, patient, _ in slices])
    split = split_by_patient(patients, val, seed)
    hu = np.frombuffer(b"".join(stored for *_, stored in slices), np.int16).reshape(-1, size, size)
    packed = io.BytesIO()
    np.savez_compressed(packed, hu=hu, patient_id=patients, split=split)
    write(out, packed.getvalue())
    return split


def _averaged(name: str, hu: np.ndarray, size: int) -> np.ndarray:
    """One slice (size, size), averaged in Hounsfield units; what lies above all that the window can show is clipped."""
    if hu.shape[0] != hu.shape[1] or len(hu) < size:
        got = f"{hu.shape[0]}x{hu.shape[1]}"
        raise refused(name, f"a square slice of at least {size}x{size}", got, "Crop it, or choose a smaller --size.")
    wide = (AIR, -AIR * 31)
    small = images.from_hounsfield(torch.from_numpy(hu), size, window=wide)[0, 0].numpy()
    return small * (wide[1] - wide[0]) + wide[0]
