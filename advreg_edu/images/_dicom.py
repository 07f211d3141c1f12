"""One DICOM file to a slice in Hounsfield units, as files are found. Paper: §5.2 (LIDC/IDRI)."""

import io
import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from .._input.messages import refused
from ._dicom_elements import numbers, reading, values
from ._hounsfield import AIR

if TYPE_CHECKING:
    from pydicom import Dataset  # at run time when the first file is read
    from pydicom.uid import UID

LARGEST_FILE, LARGEST_SLICE = 60_000_000, 2**23  # bytes; pixels, eight times those of a CT scanner today
Order = tuple[str, str, float, float]  # patient, series, height along the normal of the slices, number
SCREENSHOT = "1.2.840.10008.5.1.4.1.1.7"  # secondary capture


def read_slice(
    name: Path | str, file: IO[bytes], rescale: tuple[float, float] | None = None
) -> tuple[np.ndarray, Order]:
    """The slice (H, W) of an open DICOM file, float32 Hounsfield units in square pixels, and what to sort it by.

    hu = slope * stored + intercept, by the file or by `rescale`, (slope, intercept), where it says nothing. What the
    file marks as padding is air, and nothing is below air. Pixels that are not square are resampled, the longer side of
    a pixel to the shorter one.
    Raises ValueError, with the file's name and the element, for all that is no CT slice.
    """
    data = _read(name, file)
    with reading(name, "elements that can be read", "If the file is damaged, copy it again."):
        _check_slice(data, name)
        slope, intercept = _rescale(data, name, rescale)
        order, spacing = _order(data, name), _spacing(data, name)
        padding = [numbers(data, key, 1, name, None) for key in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    stored = _stored(data, name)
    hu = stored.astype(np.float32)
    hu *= slope
    hu += intercept
    hu[_padding(stored, *padding)] = AIR
    if not np.isfinite(hu).all():
        raise refused(name, "finite Hounsfield units", f"RescaleSlope {slope:g}, {intercept:g}", "Copy the file again.")
    return _square_pixels(np.maximum(hu, np.float32(AIR), out=hu), spacing, name), order


def _read(name: Path | str, file: IO[bytes]) -> "Dataset":
    import pydicom

    fix = "Give a .dcm file or a folder of them; for photographs there is images.from_folder."
    length = file.seek(0, os.SEEK_END)
    if length > LARGEST_FILE:
        raise refused(
            name, f"a slice of at most {LARGEST_FILE // 10**6} MB", f"{length // 10**6} MB", "Take single slices."
        )
    file.seek(0)
    content = file.read()
    if content[128:132] != b"DICM":
        got = f"something else ({'without preamble' if content else 'an empty file'})"
        raise refused(name, "a DICOM file", got, fix)
    with reading(name, "a DICOM file", fix):
        _check_deflated(name, content)
        return pydicom.dcmread(io.BytesIO(content))


def _check_deflated(name: Path | str, content: bytes) -> None:
    """Refuse a compressed data set that would swell beyond LARGEST_FILE: pydicom would inflate all of it."""
    from pydicom.filereader import read_dataset
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    file = io.BytesIO(content)
    file.seek(132)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        rest = zlib.decompressobj(-zlib.MAX_WBITS)
        if len(rest.decompress(content[file.tell() :], LARGEST_FILE)) == LARGEST_FILE:
            raise refused(name, f"at most {LARGEST_FILE // 10**6} MB", "more when inflated", "Take single slices.")


def _check_slice(data: "Dataset", name: Path | str) -> None:
    """Raise unless the data set is one gray CT slice of a size that can be one."""
    modality, image = data.get("Modality", "none"), "with" if "PixelData" in data else "without"
    fix = "Move files that are no CT slices (reports, segmentations, other scans) out of the folder."
    what = "a CT slice"
    if modality != "CT" or image == "without":
        raise refused(name, what, f"modality {modality} {image} pixels", fix)
    if str(data.get("SOPClassUID", "")).startswith(SCREENSHOT):
        raise refused(name, what, "a screenshot (secondary capture)", fix)
    if "LOCALIZER" in (data.get("ImageType") or ()):
        raise refused(name, what, "a scout view (LOCALIZER)", fix)
    rows, columns = (int(numbers(data, key, 1, name, (0,))[0]) for key in ("Rows", "Columns"))
    samples, frames = (int(numbers(data, k, 1, name, (1,))[0]) for k in ("SamplesPerPixel", "NumberOfFrames"))
    if samples != 1 or frames != 1:
        got = f"pixels of shape {(frames, rows, columns, samples)}"
        fix = "Split multi-frame files into single slices, and leave out colour screenshots."
        raise refused(name, "one gray slice (H, W)", got, fix)
    if not 0 < rows * columns <= LARGEST_SLICE:
        raise refused(name, f"1 to {LARGEST_SLICE} pixels", f"{rows}x{columns}", "Average the slice down first.")


def _rescale(data: "Dataset", name: Path | str, given: tuple[float, float] | None) -> tuple[float, float]:
    """Slope and intercept."""
    if data.get("ModalityLUTSequence"):
        fix = "Convert it with a DICOM tool, such as dcmconv or gdcmconv, to one with RescaleSlope."
        raise refused(name, "RescaleSlope and RescaleIntercept", "a table (ModalityLUTSequence)", fix)
    kind = (values(data, "RescaleType") or ["HU"])[0]
    if kind != "HU":
        raise refused(name, "RescaleType HU", kind, "Leave the file out: its numbers are no Hounsfield units.")
    slope, intercept = (numbers(data, key, 1, name, None) for key in ("RescaleSlope", "RescaleIntercept"))
    if slope and intercept:
        given = slope[0], intercept[0]
    if given is None:
        missing = [key for key, v in (("RescaleSlope", slope), ("RescaleIntercept", intercept)) if v is None]
        fix = "If you know them, pass rescale=(slope, intercept) to images.from_dicom, often (1, -1024) or (1, 0)."
        raise refused(name, "RescaleSlope and RescaleIntercept", "no " + " and no ".join(missing), fix)
    if given[0] == 0:
        raise refused(name, "a RescaleSlope that is not 0", "0", "Leave the file out, or copy it again.")
    return given


def _stored(data: "Dataset", name: Path | str) -> np.ndarray:
    """The stored values (H, W)."""
    fix = "If they are compressed, pip install pylibjpeg[all]; if the file is damaged, copy it again."
    with reading(name, "pixels that pydicom can decode", fix):
        syntax = data.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated:
            _check_decoder(data, syntax, name)
        stored = data.pixel_array
        if stored.shape != (data.Rows, data.Columns):
            raise ValueError(f"pixels of shape {stored.shape}")
    return stored


def _check_decoder(data: "Dataset", syntax: "UID", name: Path | str) -> None:
    """Raise unless there is a decoder, and the picture inside is as large as the elements say."""
    from PIL import Image, UnidentifiedImageError
    from pydicom.encaps import generate_frames
    from pydicom.pixels import get_decoder

    if not get_decoder(syntax).is_available:
        fix = "Install one: pip install pylibjpeg[all], and restart the kernel."
        raise refused(name, "pixels that pydicom can decode", f"no decoder for {syntax.name}", fix)
    try:
        frame = next(generate_frames(data.PixelData, number_of_frames=1), b"")
        with Image.open(io.BytesIO(frame)) as picture:
            if picture.size != (data.Columns, data.Rows):
                raise ValueError(f"a picture of {picture.size[1]}x{picture.size[0]} pixels inside")
    except UnidentifiedImageError:
        pass  # run lengths, which have no size of their own
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from None


def _padding(stored: np.ndarray, value: Sequence[float] | None, limit: Sequence[float] | None) -> np.ndarray:
    """Where the stored values lie in the padding range; nowhere if the file names none.

    Files declare it as unsigned where the pixels are signed and the reverse: it is brought to the range of the pixels.
    """
    if value is None or stored.dtype.kind not in "ui":
        return np.zeros(stored.shape, bool)
    least, numbers = np.iinfo(stored.dtype).min, 2 ** (8 * stored.dtype.itemsize)
    ends = [(end[0] - least) % numbers + least for end in (value, limit) if end is not None]
    return (stored >= min(ends)) & (stored <= max(ends))


def _square_pixels(hu: np.ndarray, spacing: Sequence[float], name: Path | str) -> np.ndarray:
    """The slice resampled to square pixels, if its rows and columns are not equally far apart."""
    if max(spacing) <= 1.001 * min(spacing):
        return hu
    shape = [round(n * s / min(spacing)) for n, s in zip(hu.shape, spacing, strict=True)]
    if math.prod(shape) > LARGEST_SLICE:
        raise refused(name, "pixels that are nearly square", f"PixelSpacing {spacing}", "Copy the file again.")
    return F.interpolate(torch.from_numpy(hu)[None, None], shape, mode="bilinear", align_corners=False)[0, 0].numpy()


def _spacing(data: "Dataset", name: Path | str) -> Sequence[float]:
    spacing = numbers(data, "PixelSpacing", 2, name, (1.0, 1.0))
    if min(spacing) <= 0 or max(spacing) > 1000 * min(spacing):
        raise refused(name, "a PixelSpacing of two positive numbers", spacing, "Copy the file again.")
    return spacing


def _order(data: "Dataset", name: Path | str) -> Order:
    """What slices are sorted by."""
    place = numbers(data, "ImagePositionPatient", 3, name, None)
    if place is None:
        height = numbers(data, "SliceLocation", 1, name, (0.0,), empty=True)[0]
    else:
        axes = numbers(data, "ImageOrientationPatient", 6, name, (1, 0, 0, 0, 1, 0))
        height = float(np.dot(np.cross(axes[:3], axes[3:]), place))
    number = numbers(data, "InstanceNumber", 1, name, (0.0,), empty=True)[0]
    return str(data.get("PatientID", "")), str(data.get("SeriesInstanceUID", "")), height, number
