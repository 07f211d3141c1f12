"""Files that trainings write: whole or not at all, one process at a time, refused before the work if they cannot be."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .messages import describe


def as_path(value: object, name: str) -> Path:
    """`value` as a Path, with ~ in the place of the home folder written out.

    >>> as_path("runs/mine.checkpoint", "checkpoint").suffix
    '.checkpoint'
    """
    if not isinstance(value, (str, os.PathLike)) or not str(value):
        fix = "Give one such as 'runs/mine.checkpoint'."
        raise TypeError(f"{name}: expected the path of a file, got {describe(value)}. {fix}")
    return Path(value).expanduser()


def check_file_name(path: Path) -> None:
    """Raise if `path` is a folder.

    >>> check_file_name(Path("mine.checkpoint"))
    """
    if path.is_dir():
        raise ValueError(f"{path}: expected the name of a file, got a folder. Add a name: {path / 'mine'}{path.suffix}")


@contextmanager
def reserved(path: Path, room: int = 0) -> Iterator[None]:
    """Within it no other process may reserve `path`; this one may, again and again.

    The lock lies in a file beside it, which holds the process's number, and dies with the process, however that ends.
    Args: room, bytes that will be written. Raises ValueError if another process has it, OSError if the folder cannot be
    made or written to, or has no room.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with reserved(Path(folder, "mine.checkpoint")):
    ...         [file.name for file in Path(folder).iterdir()]
    ['mine.checkpoint.lock']
    """
    check_file_name(path)
    made = [folder for folder in path.absolute().parents if not folder.exists()]
    lock = FileLock(f"{path.resolve()}.lock", timeout=0, thread_local=False, is_singleton=True)
    try:
        _acquire(lock, path, room)
        try:
            yield
        finally:
            if lock.lock_counter == 1:
                with suppress(OSError):  # Windows removes no open file
                    os.unlink(lock.lock_file)
            lock.release()
    finally:
        for folder in made:  # what was made for nothing
            with suppress(OSError):
                folder.rmdir()


def _acquire(lock: FileLock, path: Path, room: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_room(path, room)
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"{path}: expected a file that no other process writes, got one that {_holder(lock)} writes. "
            "Wait for its end, or name another file."
        ) from None
    except OSError as error:
        raise _cannot_write(path, error) from None
    with suppress(OSError):  # Windows: a locked file is nobody's to write, and the number is a comfort alone
        Path(lock.lock_file).write_text(str(os.getpid()))


def write(path: Path, data: bytes) -> None:
    """Write the bytes `data` to `path`, with the mode that the umask gives. A failure leaves what was there before.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write(Path(folder, "a"), b"whole")
    ...     Path(folder, "a").read_bytes()
    b'whole'
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())  # a full disk, or one over the network, may say so only now
        os.replace(partial, path)
    except OSError as error:
        raise _cannot_write(path, error, len(data)) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def remove_partial(path: Path) -> None:
    """Remove what killed processes left of `write`; `path` must be reserved.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, "a.123.partial").touch()
    ...     remove_partial(Path(folder, "a"))
    ...     list(Path(folder).iterdir())
    []
    """
    for file in path.parent.iterdir():
        middle = file.name.removeprefix(f"{path.name}.").removesuffix(".partial")
        if middle.isdigit() and file.name == f"{path.name}.{middle}.partial":
            file.unlink(missing_ok=True)


def _check_room(path: Path, room: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < room:
        raise OSError(None, f"{free / 1e6:.1f} MB of free space, {room / 1e6:.1f} MB needed")


def _cannot_write(path: Path, error: OSError, size: int | None = None) -> OSError:
    """The OSError that says so in one line."""
    what = "a place that can be written to" if size is None else f"room and right to write {size / 1e6:.1f} MB"
    kept = " The file of that name that was there before is kept." if path.is_file() else ""
    fix = "Free some space, or name another folder."
    return OSError(f"{path}: expected {what}, got: {error.strerror or error}. {fix}{kept}")


def _holder(lock: FileLock) -> str:
    try:
        number = Path(lock.lock_file).read_text().strip()
    except OSError:  # Windows: nor to read
        number = ""
    return f"process {number}" if number.isdigit() else "another process"
