"""Folders as they come, so that the way from files to a table can be tried anywhere: DICOM files, photographs."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ... import images
from ...images._photos import BUNDLED
from ..poses import augment_pose

if TYPE_CHECKING:
    from pydicom import Dataset

WIDE = (-1024.0, 3071.0)  # of a scanner with 12 bits


def dicom_folder(path: Path | str, patients: int = 40, slices: int = 4, size: int = 128, seed: int = 0) -> Path:
    """Write CT slices of phantoms as path/PATIENT/k.dcm, with what lies about in real folders; return the path.

    The first slice of a patient is a phantom of `images.thorax_hu`, its neighbours are that phantom a little moved.
    With them come a scout view, a notes file, a slice without its scale, a file that was cut off, and a slice of the
    first patient once more under another name.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     len(list(dicom_folder(folder, patients=2, slices=2, size=32).rglob("*.dcm")))
    8
    """
    folder, generator = Path(path), torch.Generator().manual_seed(seed)
    x = images.from_hounsfield(images.thorax_hu(patients, size, generator), window=WIDE)
    x = augment_pose(x, slices - 1, generator, sharp=True, amount=0.15)
    hu = (x[:, 0] * (WIDE[1] - WIDE[0]) + WIDE[0]).round().numpy().astype(np.int16)
    for k, one in enumerate(hu):
        patient, place = k % patients, k // patients
        _write(folder / f"P{patient:02d}" / f"{place}.dcm", one, f"P{patient:02d}", place)
    _write(folder / "P00" / "scout.dcm", hu[0], "P00", 0, ImageType=["DERIVED", "SECONDARY", "LOCALIZER"])
    _write(folder / "P01" / "no_scale.dcm", hu[1], "P01", 0, RescaleSlope=None, RescaleIntercept=None)
    _write(folder / "P99" / "0.dcm", hu[0], "P99", 0)
    whole = (folder / "P00" / "0.dcm").read_bytes()
    (folder / "P00" / "cut_off.dcm").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("Scanned on two days.\n")
    return folder


def photo_folder(path: Path | str) -> Path:
    """Copy the photographs that scikit-image's wheel carries into a folder, with one file that is none; return it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     len(images.files_in(photo_folder(folder)))
    9
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    for name, *_ in BUNDLED:
        (folder / name).write_bytes((files("skimage") / "data" / name).read_bytes())
    (folder / "holiday.jpg").write_bytes(b"")
    return folder


def _write(path: Path, hu: np.ndarray, patient: str, place: int, **tags: object) -> None:
    """One CT slice; `tags` change elements, or (None) remove them."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    uid = generate_uid(entropy_srcs=[patient, str(path.name)])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data: Dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    elements = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": uid,
        "Modality": "CT",
        "PatientID": patient,
        "SeriesInstanceUID": generate_uid(entropy_srcs=[patient]),
        "ImagePositionPatient": [0, 0, 5 * place],
        "Rows": hu.shape[0],
        "Columns": hu.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelRepresentation": 1,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "PixelData": hu.tobytes(),
    } | tags
    for keyword, value in elements.items():
        if value is not None:
            setattr(data, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
