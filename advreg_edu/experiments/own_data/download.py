"""Real images from their owners: photographs of BSDS500, chest CT of LIDC-IDRI. None of them is in this repository."""

import gzip
import hashlib
import json
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import urlencode, urlsplit

from ..._input.arguments import check_count
from ..._input.files import as_path, reserved, write
from ..._input.messages import refused
from .fetching import fetch, read

BSDS500 = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz"
NBIA = "https://services.cancerimagingarchive.net/nbia-api/services/v1"  # the query service of TCIA
TERMS = {
    "bsds500": "BSDS500 is for non-commercial research and education, not to be passed on. "
    "Cite Martin et al., ICCV 2001, and Arbelaez et al., TPAMI 33:898-916, 2011.",
    "lidc": "LIDC-IDRI is under CC BY 3.0. Cite Armato et al., TCIA 2015, doi 10.7937/K9/TCIA.2015.LO9QL9SX; "
    "Armato et al., Medical Physics 38:915-931, 2011; Clark et al., J Digit Imaging 26:1045-1057, 2013.",
}
PARTS = {  # of BSDS500: the number of photographs, and their `digest` where one is known
    "train": (200, "d11b47a6ba844165ee2b83967b6ad02642713627e839c1d81ec319b256e4384e"),
    "val": (100, "9d061d5664e72c068ecf3f5652d31aaa8a4bc4b2cfcf0aa84ce65740ddc7603c"),
    "test": (200, None),
}
ROOM = 200_000_000  # bytes that BSDS500 takes, the archive beside its photographs
DAMAGED_TAR = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)
DAMAGED_ZIP = (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error)  # RuntimeError: locked, or of another method


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the lines "name SHA-256-of-the-content" of all files, sorted by name.

    >>> digest({"b.jpg": b"2", "a.jpg": b"1"}) == digest({"a.jpg": b"1", "b.jpg": b"2"})
    True
    """
    lines = (f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def bsds500(out: Path | str, url: str = BSDS500, parts: Mapping[str, tuple[int, str | None]] = PARTS) -> Path:
    """Fetch the photographs of BSDS500 (481x321, JPEG) to out/train, out/val and out/test; return `out`.

    The archive is fetched in one piece or in several, checked, unpacked and removed; what is there already is kept. Of
    each part of `parts` the number of photographs is checked, of train and val also that they are the originals
    (`digest`). Terms of use: TERMS["bsds500"]. Source: Arbelaez et al., TPAMI 33:898-916, 2011.
    Raises OSError without network, ValueError for an archive with other images: it is removed, nothing is unpacked.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     bsds500(folder, url=Path(folder, "nothing.tgz").as_uri())
    Traceback (most recent call last):
    OSError: ... expected an answer, got ...
    """
    out = as_path(out, "out")
    if not _wrong({part: {f.name: f.read_bytes() for f in (out / part).glob("*.jpg")} for part in parts}, parts):
        return out
    archive = out / "BSR_bsds500.tgz"
    with reserved(archive, ROOM):
        fetch(url, archive)
        try:
            photographs = _photographs(archive, parts)
            wrong = _wrong(photographs, parts)
        except DAMAGED_TAR as error:
            wrong = f"a damaged file ({error})"
        if wrong:
            archive.unlink()
            raise refused(archive.name, "the archive of its authors", wrong, "Run the same command again.")
        for part, files in photographs.items():
            for name, content in files.items():
                write(out / part / name, content)
        archive.unlink()
    return out


def _photographs(archive: Path, parts: Iterable[str]) -> dict[str, dict[str, bytes]]:
    """{part: {name: JPEG}}. No path is taken from the archive: what is not called as expected is passed over."""
    found: dict[str, dict[str, bytes]] = {part: {} for part in parts}
    with tarfile.open(archive) as tar:
        for member in tar:
            named = re.fullmatch(r"BSR/BSDS500/data/images/([a-z]+)/([0-9]+\.jpg)", member.name)
            if named and named[1] in found and member.isfile() and (stream := tar.extractfile(member)):
                found[named[1]][named[2]] = stream.read()
    return found


def _wrong(found: Mapping[str, Mapping[str, bytes]], parts: Mapping[str, tuple[int, str | None]]) -> str:
    """What differs from `parts`, in words; nothing where nothing does."""
    for part, (count, known) in parts.items():
        if len(found[part]) != count:
            return f"{len(found[part])} photographs in {part} where there are {count}"
        if known and digest(found[part]) != known:
            return f"other photographs in {part}: their SHA-256 differs"
    return ""


def lidc(patients: int, out: Path | str, service: str = NBIA) -> list[Path]:
    """Fetch one CT series of each of the first `patients` patients of LIDC-IDRI; return their folders, out/PATIENT.

    Of several series the one with the most slices is taken. A folder that is there is whole, and is skipped.
    Licence: TERMS["lidc"]. Source: Armato et al., Medical Physics 38:915-931, 2011.
    Raises OSError without network, ValueError for more patients than there are, and for a series that came damaged
    twice; the patients before it are kept.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     lidc(2, folder, service=Path(folder, "nothing").as_uri())
    Traceback (most recent call last):
    OSError: ... expected an answer, got ...
    """
    patients, out = check_count(patients, "patients"), as_path(out, "out")
    with reserved(out / "series"):
        series = _series(service)
        if patients > len(series):
            raise ValueError(f"patients: expected at most the {len(series)} of LIDC-IDRI, got {patients}. Take fewer.")
        chosen = sorted(series.items())[:patients]
        for patient, (count, uid) in chosen:
            if not (out / patient).is_dir():
                _fetch_series(f"{service}/getImage?{urlencode({'SeriesInstanceUID': uid})}", out / patient, count)
    return [out / patient for patient, _ in chosen]


def _series(service: str) -> dict[str, tuple[int, str]]:
    """{patient: (number of slices, identifier of the series)}: of each patient the series with the most slices."""
    query = {"Collection": "LIDC-IDRI", "Modality": "CT", "format": "json"}
    url = f"{service}/getSeries?{urlencode(query)}"
    content = read(url)
    found: dict[str, tuple[int, str]] = {}
    try:
        for one in json.loads(content):
            patient, uid = str(one["PatientID"]), str(one["SeriesInstanceUID"])
            if not re.fullmatch(r"\w[\w.-]*", patient):  # it names a folder
                raise ValueError(patient)
            found[patient] = max(found.get(patient, (0, "")), (int(one["ImageCount"]), uid))
    except (ValueError, TypeError, KeyError):
        got = content[:60].decode(errors="replace") or "nothing"
        raise refused(urlsplit(url).netloc, "a list of CT series", got, "Try again later.") from None
    return found


def _fetch_series(url: str, folder: Path, count: int) -> None:
    """Unpack the series at `url` into `folder`, whole or not at all; try twice."""
    archive, partial = folder.with_name(f"{folder.name}.zip"), folder.with_name(f".{folder.name}.partial")
    for last in (False, True):
        archive.unlink(missing_ok=True)  # the service makes each archive anew, so that half of one is of no use
        shutil.rmtree(partial, ignore_errors=True)
        try:
            fetch(url, archive)
            _unpack(archive, partial, count)
            partial.rename(folder)
            return
        except DAMAGED_ZIP as error:
            if last:
                fix = "Run the same command later: it goes on with this patient."
                raise refused(folder.name, f"a zip of {count} slices", f"twice: {error}", fix) from None
        finally:
            archive.unlink(missing_ok=True)
            shutil.rmtree(partial, ignore_errors=True)


def _unpack(archive: Path, folder: Path, count: int) -> None:
    """Write the DICOM files of an archive into `folder`, by the last part of their names; reading them checks them."""
    folder.mkdir()
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if re.fullmatch(r"[\w-][\w.-]*\.dcm", name := PurePosixPath(member.filename).name):
                (folder / name).write_bytes(opened.read(member))
    if (came := len(list(folder.iterdir()))) < count:
        raise zipfile.BadZipFile(f"{came} slices")
