"""CT slices: Hounsfield units to [0, 1], and DICOM files. Paper: §5.2 (LIDC/IDRI)."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .._checks import check_count, check_finite, check_number

WINDOW = (-1000.0, 1000.0)  # Hounsfield units shown as 0 and 1: air is 0, water 0.5
AIR = -1024.0  # what scanners write where they did not measure


def from_hounsfield(hu, size=None, window=WINDOW):
    """Clamp (hu - low) / (high - low) to [0, 1]: (H, W), (B, H, W) or (B, 1, H, W) to (B, 1, H, W) float32.

    window  (low, high) in Hounsfield units; None scales each slice from its own minimum to its own maximum, as the
            authors' code did (a slice of one value becomes 0)
    size    if given, slices are averaged down to (size, size) first, in Hounsfield units: blocks of pixels where `size`
            divides H, and otherwise overlapping blocks
    Raises ValueError or TypeError for other shapes, NaN, an empty window, and a `size` above H.
    """
    hu = _shrink(_as_slices(hu), size)
    if window is None:
        low, high = hu.amin((-2, -1), keepdim=True), hu.amax((-2, -1), keepdim=True)
        return (hu - low) / (high - low).clamp_min(torch.finfo(hu.dtype).tiny)
    low, high = _check_window(window)
    return ((hu - low) / (high - low)).clamp(0, 1)


def from_dicom(path, size=None, window=WINDOW):
    """Slices of a CT file, or of all CT files in a folder and its subfolders, to (B, 1, H, W) as `from_hounsfield`.

    hu = slope * stored + intercept; what the file marks as padding is air. MONOCHROME1 says how to show an image, not
    what its numbers mean, so it changes nothing. Slices are sorted by patient, series and position. In a folder,
    files that are not DICOM, its index (DICOMDIR) and scout views (localizers) are left out.
    Raises ValueError naming the file that is no CT slice, and for a folder without slices or with several shapes.
    """
    slices = []
    for file in _dicom_files(Path(path)):
        try:
            data = _read(file)
        except ValueError:
            if file == Path(path):
                raise
            continue  # a folder may hold notes and licences
        if file != Path(path) and _is_aside(data):
            continue
        slices.append((_position(data), from_hounsfield(_hounsfield(data, file), size, window), file))
    if not slices:
        raise ValueError(
            f"path: expected DICOM files in {path}, got none. Give the folder that holds the slices, often named by a "
            "long number; from LIDC/IDRI download the CT series."
        )
    slices.sort(key=lambda s: s[0])
    return torch.cat(_same_shape(slices))


def _as_slices(hu):
    """A float tensor (B, 1, H, W)."""
    try:
        hu = torch.as_tensor(np.asarray(hu) if not isinstance(hu, torch.Tensor) else hu)
        if hu.is_complex() or hu.dtype == torch.bool:
            raise TypeError
        hu = hu.to(torch.float32)
    except (TypeError, ValueError):
        raise TypeError(
            f"hu: expected numbers in Hounsfield units, got {type(hu).__name__} {getattr(hu, 'dtype', '')}. "
            "Convert it to a NumPy array or a torch tensor of floats or integers."
        ) from None
    if hu.ndim in (2, 3):
        hu = hu.reshape(-1, 1, *hu.shape[-2:])
    if hu.ndim != 4 or hu.shape[1] != 1 or not hu.numel():
        raise ValueError(
            f"hu: expected slices (H, W), (B, H, W) or (B, 1, H, W), got {tuple(hu.shape)}. "
            "Pick the slices out of the volume first; the batch axis comes first."
        )
    check_finite(hu, "hu")
    return hu


def _shrink(hu, size):
    if size is None:
        return hu
    size, (height, width) = check_count(size, "size"), hu.shape[-2:]
    if height != width or size > height:
        raise ValueError(
            f"size: expected square slices of at least {size}x{size} to average down, got {height}x{width}. "
            "Crop the slices to a square, or choose a smaller size."
        )
    return F.interpolate(hu, (size, size), mode="area")


def _check_window(window):
    fix = "A window is (low, high) in Hounsfield units, such as images.WINDOW, or None for each slice's own range."
    try:
        low, high = window
    except (TypeError, ValueError):
        raise TypeError(f"window: expected two numbers, got {window!r}. {fix}") from None
    low = check_number(low, "window[0]", fix=fix)
    return low, check_number(high, "window[1]", low=low, above=True, fix=fix)


def _dicom_files(path):
    if not path.exists():
        raise ValueError(f"path: expected a DICOM file or a folder of them, got {path}, which is not there. Check it.")
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _read(file):
    import pydicom

    try:
        return pydicom.dcmread(file)
    except Exception as error:  # a damaged header raises many kinds
        raise ValueError(
            f"{file}: expected a DICOM file, got something else ({error}). Give a .dcm file or a folder of them; "
            "for photographs there is images.from_folder."
        ) from None


def _is_aside(data):
    return "DirectoryRecordSequence" in data or "LOCALIZER" in data.get("ImageType", ())


def _hounsfield(data, file):
    """The slice (H, W) of a DICOM data set, float32 Hounsfield units."""
    modality = data.get("Modality", "none")
    if modality != "CT" or "PixelData" not in data:
        image = "with" if "PixelData" in data else "without"
        raise ValueError(
            f"{file}: expected a CT slice, got modality {modality} {image} pixels. "
            "Move files that are no CT slices (reports, segmentations, other scans) out of the folder."
        )
    try:
        stored = data.pixel_array
    except Exception as error:  # the decoders raise many kinds
        raise ValueError(
            f"{file}: expected pixels that pydicom can decode, got {type(error).__name__}: {error}. "
            "If they are compressed, pip install pylibjpeg[all]; if the file is damaged, copy it again."
        ) from None
    if stored.ndim != 2:
        raise ValueError(
            f"{file}: expected one gray slice (H, W), got pixels of shape {stored.shape}. "
            "Split multi-frame files into single slices, and leave out colour screenshots."
        )
    hu = stored.astype(np.float32) * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
    hu[_padding(data, stored)] = AIR
    return hu


def _padding(data, stored):
    """Where the stored values lie in the padding range; nowhere if the file names none."""
    ends = [data.get("PixelPaddingValue"), data.get("PixelPaddingRangeLimit")]
    ends = [end for end in ends if end is not None and data.get("PixelPaddingValue") is not None]
    return (stored >= min(ends)) & (stored <= max(ends)) if ends else np.zeros(stored.shape, bool)


def _position(data):
    """What slices are sorted by: patient, series, height along the body, number."""
    place = data.get("ImagePositionPatient") or [0, 0, data.get("SliceLocation") or 0]
    number = data.get("InstanceNumber") or 0
    return str(data.get("PatientID", "")), str(data.get("SeriesInstanceUID", "")), float(place[2]), int(number)


def _same_shape(slices):
    first, file = slices[0][1], slices[0][2]
    for _, x, other in slices:
        if x.shape != first.shape:
            raise ValueError(
                f"path: expected slices of one shape, got {tuple(first.shape[-2:])} in {file} and "
                f"{tuple(x.shape[-2:])} in {other}. Pass size=128 to average all of them down to that."
            )
    return [x for _, x, _ in slices]
