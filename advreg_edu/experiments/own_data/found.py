"""Every image of a folder or an .npz file, one after the other, and why each of the other files is none.

One image is held at a time, so that the memory does not grow with the folder.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ... import images
from ..._input.arguments import check_path
from ..._input.messages import Refused, refused
from ...images._arrays import read_npz
from ...images._dicom import read_slice
from ...images._files import kind_of
from ...images._pillow import Photograph
from ...images._series import files_of_scans

SLICES, PHOTOGRAPHS = "CT slices", "photographs"
SIDE = 64  # pixels of a thumbnail


@dataclass(frozen=True)
class Found:
    """One image: its name below the folder, whose it is, its numbers and its place in the order of slices."""

    name: str
    kind: str  # SLICES or PHOTOGRAPHS
    patient: str  # of a photograph, the photograph itself
    values: np.ndarray  # (H, W) in Hounsfield units, or (H, W) gray in [0, 1]: the middle square
    thumbnail: Tensor  # (C, SIDE, SIDE) in [0, 1]
    shape: tuple[int, int]
    order: tuple = ()

    @property
    def digest(self) -> bytes:
        """The same for the same pixels, whatever the file says beside them."""
        return hashlib.sha256(np.ascontiguousarray(self.values).tobytes()).digest()


def each_image(path: Path | str) -> Iterator[Found | tuple[str, Refused]]:
    """The images at `path`, a folder, a file, or an .npz with hu (n, H, W) and patient_id (n,), and what is left out.

    Yields: a Found for each image, (name, why) for each file that is none.

    >>> import pydicom.data
    >>> found = next(each_image(pydicom.data.get_testdata_file("CT_small.dcm")))
    >>> found.kind, found.patient, found.shape
    ('CT slices', '1CT1', (128, 128))
    """
    path = check_path(path)
    if not path.exists():
        raise refused("path", "a folder of DICOM files or photographs, or an .npz file", f"no {path}", "Check it.")
    if path.suffix == ".npz":
        yield from _of_arrays(path)
        return
    for file in files_of_scans(path):
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            yield _of_file(file, name)
        except Refused as error:
            yield name, error


def _of_file(file: Path, name: str) -> Found:
    with file.open("rb") as opened:
        head = opened.read(132)
        kind = kind_of(head, file.suffix.lower())
        opened.seek(0)
        if kind == "slice":
            hu, order = read_slice(name, opened)
            return _slice(name, order[0], hu, order)
        if kind == "photograph":
            photograph = Photograph(name, opened, SIDE)
            middle = photograph.middle(min(photograph.shape))
            thumbnail = F.interpolate(middle, (SIDE, SIDE), mode="area")[0]
            return Found(name, PHOTOGRAPHS, name, middle[0].mean(0).numpy(), thumbnail, photograph.shape)
    raise refused(name, "a CT slice or a photograph", "neither" if head else "an empty file", "Take it out.")


def _of_arrays(path: Path) -> Iterator[Found]:
    arrays = read_npz(path, {"hu": "fui", "patient_id": "USui"})
    hu, patients = arrays["hu"], arrays["patient_id"]
    if hu.ndim != 3 or patients.shape != hu.shape[:1] or not hu.size:
        got = f"{hu.shape} and {patients.shape}"
        raise refused(path, "hu (n, H, W) and patient_id (n,)", got, "Save one entry of both for each slice.")
    for k, (one, patient) in enumerate(zip(hu, patients.tolist(), strict=True)):
        yield _slice(f"hu[{k}]", str(patient), np.asarray(one, np.float32), (str(patient), "", 0.0, float(k)))


def _slice(name: str, patient: str, hu: np.ndarray, order: tuple) -> Found:
    thumbnail = F.interpolate(images.from_hounsfield(torch.from_numpy(hu)), (SIDE, SIDE), mode="area")[0]
    return Found(name, SLICES, patient or "no name", hu, thumbnail, (hu.shape[0], hu.shape[1]), order)
