"""Arrays from .npy and .npz files: nothing is allocated that the file does not hold, and no pickle is read."""

import lzma
import math
import os
import sys
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from .._input.messages import Refused, refused

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
LARGEST = 150_000_000  # bytes of one image
BOMB = 100  # an archive whose arrays take this many times its own bytes, and more than LARGEST, is refused
# what NumPy, zipfile and its decompressors raise for damaged files
DAMAGED: tuple[type[Exception], ...] = (
    ValueError,  # a header without sense, an offset outside of the file
    OSError,  # a place on the disk that cannot be read, broken bzip2
    EOFError,  # compressed data that end early
    TypeError,  # a header whose keys cannot be keys, or sorted
    IndexError,  # a dtype that is an empty tuple
    SyntaxError,  # a header whose lines are indented
    tokenize.TokenError,  # a header without its closing bracket
    RuntimeError,  # a header nested too deep; an archive with a password, or in a way of packing that zipfile lacks
    MemoryError,  # Python's parser, of a header nested too deep
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
FIX = "Write it again with numpy.{}."


def read_npy(name: str, file: IO[bytes]) -> np.ndarray:
    """The array of numbers in an open .npy file. Raises ValueError for any other content, damage, and over 150 MB."""
    length = file.seek(0, os.SEEK_END)
    if length > LARGEST:
        raise refused(
            name, f"an array of at most {LARGEST // 10**6} MB", f"{length // 10**6} MB", "Average it down first."
        )
    file.seek(0)
    return _read(name, file, length, "fui", FIX.format("save"))


def read_npz(path: Path, kinds: dict[str, str]) -> dict[str, np.ndarray]:
    """The arrays in an .npz file that `kinds` names, with their kinds of dtype: {"hu": "fui"}.

    Raises ValueError naming file and array for a missing array, another kind, damage, and for a compressed archive that
    would swell to more than 100 times its size.
    """
    fix = FIX.format("savez, strings as numpy.array(list, dtype=str)")
    what = "an .npz file of numbers and strings"
    try:
        with zipfile.ZipFile(path) as archive:
            members = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
            missing = [key for key in kinds if key not in members]
            if missing:
                raise refused(path, f"the arrays {', '.join(kinds)}", f"no {', '.join(missing)}", fix)
            held, claimed = os.path.getsize(path), sum(members[key].file_size for key in kinds)
            if claimed > max(LARGEST, BOMB * held):
                raise refused(path, what, f"{held} bytes that claim to hold {claimed}", fix)
            arrays = {}
            for key, allowed in kinds.items():
                with archive.open(members[key]) as file:
                    arrays[key] = _read(f"{path}, array {key}", file, members[key].file_size, allowed, fix)
            return arrays
    except Refused:
        raise
    except DAMAGED as error:
        raise refused(path, what, str(error) or type(error).__name__, fix) from None


def _read(name: str, file: IO[bytes], length: int, kinds: str, fix: str) -> np.ndarray:
    """The array in an open .npy file of at most `length` bytes, whose dtype is one of `kinds`."""
    what = "a NumPy array"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of Python 2
            version = npy.read_magic(file)
            if version not in HEADERS:
                raise ValueError(f"version {version}")
            shape, by_columns, dtype = HEADERS[version](file)
    except DAMAGED as error:
        raise refused(name, what, str(error) or type(error).__name__, fix) from None
    if dtype.kind not in kinds or not dtype.itemsize:
        raise refused(name, what + " of numbers" * (kinds == "fui"), f"the type {dtype}", fix)
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size > length:
        raise refused(name, what, f"a header of shape {shape} and {size} bytes in a place of {length}", fix)
    try:
        content = file.read(size)
        array = np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")
    except DAMAGED as error:
        raise refused(name, what, str(error) or type(error).__name__, fix) from None
    if dtype.kind == "U" and size and _codes(content, dtype).max() > sys.maxunicode:
        raise refused(name, what, "letters that are none", fix)
    return array


def _codes(content: bytes, dtype: np.dtype) -> np.ndarray:
    """The letters of strings as numbers."""
    return np.frombuffer(content, np.dtype("u4").newbyteorder(dtype.byteorder))
