"""A DICOM file or a folder as archives deliver it to slices in [0, 1]. Paper: §5.2 (LIDC/IDRI)."""

import warnings
from pathlib import Path

import torch

from .._input.arguments import check_pair, check_path
from .._input.messages import Refused, refused
from ._dicom import Order, read_slice
from ._hounsfield import WINDOW, Window, from_hounsfield
from ._photos import visible_files

Slice = tuple[Order, torch.Tensor, Path]
LeftOut = tuple[Path, Refused]


def from_dicom(
    path: Path | str,
    size: int | None = None,
    window: Window | None = WINDOW,
    rescale: tuple[float, float] | None = None,
) -> torch.Tensor:
    """Slices of a CT file, or of all CT files in a folder and its subfolders, to (B, 1, H, W) as `from_hounsfield`.

    hu = slope * stored + intercept; what the file marks as padding is air, and nothing is below air. MONOCHROME1 says
    how to show an image, not what its numbers mean, so it changes nothing. Pixels that are not square are resampled.
    rescale  (slope, intercept) for files that do not say; without it they are refused
    Slices are sorted by patient, series and place along the normal of the slices. In a folder, files that are no CT
    slice (other scans, reports, segmentations, scout views, screenshots, damaged files, notes) are left out and counted
    in one warning; hidden files and the index DICOMDIR without a word.
    Raises ValueError naming the file that is no CT slice, and for a folder without slices or with several shapes.

    >>> import pydicom.data
    >>> x = from_dicom(pydicom.data.get_testdata_file("CT_small.dcm"), size=64)
    >>> tuple(x.shape), round(x.mean().item(), 2)
    ((1, 1, 64, 64), 0.44)
    """
    path = check_path(path)
    if not path.exists():
        raise refused("path", "a DICOM file or a folder of them", f"{path}, which is not there", "Check it.")
    if rescale is not None:
        rescale = check_pair(rescale, "rescale", "rescale is (slope, intercept), such as (1, -1024).")
    files = files_of_scans(path)
    slices: list[Slice] = []
    left_out: list[LeftOut] = []
    for file in files:
        try:
            with file.open("rb") as opened:
                hu, order = read_slice(file, opened, rescale)
        except Refused as error:
            left_out.append((file, error))
            continue
        slices.append((order, from_hounsfield(hu, size, window), file))
    if not slices:
        raise _no_slices(path, left_out)
    if left_out:
        _warn(path, left_out, len(files))
    slices.sort(key=lambda s: s[0])
    return torch.cat(_same_shape(slices))


def files_of_scans(path: Path) -> list[Path]:
    """What could be slices: the visible files of a folder but for the index DICOMDIR, or the file itself."""
    return [f for f in visible_files(path) if f.name != "DICOMDIR"] if path.is_dir() else [path]


def _no_slices(path: Path, left_out: list[LeftOut]) -> Refused:
    """The error of the first file that is a DICOM file after all; else that there is none."""
    dicom = [error for _, error in left_out if not error.got.startswith("something else")]
    if dicom or not path.is_dir():
        return (dicom or [left_out[0][1]])[0]
    return refused(
        "path",
        "DICOM files",
        f"none in {path}",
        "Give the folder that holds the slices, often named by a long number; from LIDC/IDRI download the CT series.",
    )


def _warn(path: Path, left_out: list[LeftOut], count: int) -> None:
    left_out = sorted(left_out, key=lambda pair: pair[1].got.startswith("modality"))  # first what may be damaged
    examples = "; ".join(f"{file.name[-40:]} ({error.got[:60]})" for file, error in left_out[:3])
    more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    warnings.warn(f"{path}: left out {len(left_out)} of {count} files: {examples}{more}.", stacklevel=3)


def _same_shape(slices: list[Slice]) -> list[torch.Tensor]:
    """The images of the slices; raises ValueError where their shapes differ."""
    first, file = slices[0][1], slices[0][2]
    for _, x, other in slices:
        if x.shape != first.shape:
            raise refused(
                "path",
                "slices of one shape",
                f"{tuple(first.shape[-2:])} in {file.name} and {tuple(x.shape[-2:])} in {other.name}",
                "Pass size=128 to average all of them down to that.",
            )
    return [x for _, x, _ in slices]
