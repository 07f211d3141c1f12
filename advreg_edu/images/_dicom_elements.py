"""Elements of a DICOM file: numbers and values by their keyword, wherever the file keeps them."""

import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .._input.messages import Refused, refused

if TYPE_CHECKING:
    from pydicom import Dataset  # at run time when the first file is read

Default = TypeVar("Default")

# where an enhanced CT keeps what other files keep at their top
GROUPS = {
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "RescaleType": "PixelValueTransformationSequence",
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
}
# what pydicom and its decoders raise for damaged files
DAMAGED: tuple[type[Exception], ...] = (
    ValueError,  # numbers and texts that are none, more or fewer pixels than the elements say
    TypeError,  # a value of another type than the element's
    AttributeError,  # an element that decoding needs is not there
    RuntimeError,  # a type of value that does not exist, pixels that no decoder could read, too many nested sequences
    struct.error,  # the file ends within an element
    zlib.error,
)


@contextmanager
def reading(name: Path | str, what: str, fix: str) -> Iterator[None]:
    """What pydicom raises becomes a ValueError that names the file; its warnings about odd elements are not shown."""
    from pydicom.errors import BytesLengthException

    damaged: tuple[type[Exception], ...] = (*DAMAGED, BytesLengthException)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except Refused:
        raise
    except damaged as error:
        raise refused(name, what, f"{type(error).__name__}: {error}", fix) from None


def numbers(
    data: "Dataset",
    keyword: str,
    count: int,
    name: Path | str,
    default: Default,
    empty: bool = False,
) -> tuple[float, ...] | Default:
    """The `count` finite numbers of an element; `default` where it is absent, or empty where that is allowed."""
    found = values(data, keyword)
    if found is None or (empty and not found):
        return default
    try:
        result = [float(v) for v in found]
    except (TypeError, ValueError, OverflowError):
        result = []
    if len(result) != count or not all(math.isfinite(n) for n in result):
        got = ", ".join(str(v)[:30] for v in found) or "nothing"
        raise refused(
            name, f"{keyword} of {count} finite number{'s' * (count > 1)}", got, "Correct it, or leave it out."
        )
    return tuple(result)


def values(data: "Dataset", keyword: str) -> list[Any] | None:
    """The values of an element, from the top or from the groups of an enhanced CT; None where it is absent."""
    from pydicom.multival import MultiValue

    places = [data]
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in list(data.get(groups) or ())[:1]:
            places += list(group.get(GROUPS.get(keyword, ""), None) or ())[:1] if keyword in GROUPS else []
    for place in places:
        if keyword in place:
            value = place[keyword].value
            return list(value) if isinstance(value, MultiValue | list) else [] if value in (None, "", b"") else [value]
    return None
