"""x ~ P_r: where ground-truth images come from. All are (B, C, H, W), float32, in [0, 1]. Paper: §5 (BSDS and LIDC)."""

from ._ellipses import ellipses
from ._files import from_bytes, from_file
from ._hounsfield import WINDOW, from_hounsfield
from ._photos import files_in, from_folder, photos
from ._series import from_dicom
from ._statistics import compare_statistics
from ._thorax import thorax, thorax_hu

__all__ = [
    "WINDOW",
    "compare_statistics",
    "ellipses",
    "files_in",
    "from_bytes",
    "from_dicom",
    "from_file",
    "from_folder",
    "from_hounsfield",
    "photos",
    "thorax",
    "thorax_hu",
]
