"""Files over the network: a download that was cut goes on where it stopped."""

import http.client
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from tqdm import tqdm


def fetch(url: str, path: Path) -> None:
    """Write what is at `url` to `path`; a part that lies there is gone on from, where the server allows it (RFC 9110).

    Raises OSError, in one sentence, without an answer or for a connection that was cut; what has come is kept.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     there, here = Path(folder, "there"), Path(folder, "here")
    ...     _ = there.write_bytes(b"whole")
    ...     fetch(there.as_uri(), here)
    ...     here.read_bytes()
    b'whole'
    """
    start = path.stat().st_size if path.exists() else 0
    with _opened(url, start) as answer:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            start = 0  # the server sends all of it, and not from `start` on
        length = answer.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        with path.open("ab" if start else "wb") as stream:
            with tqdm(desc=path.name, total=total, initial=start, unit="B", unit_scale=True, mininterval=1) as bar:
                for block in _blocks(url, answer):
                    stream.write(block)
                    bar.update(len(block))
            came = stream.tell()
    if total is not None and came < total:
        raise _no_answer(url, f"{came / 1e6:.1f} of {total / 1e6:.1f} MB before the connection was cut")


def read(url: str) -> bytes:
    """What is at `url`, a short text, at once. Raises OSError, in one sentence, without an answer.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "there").write_bytes(b"[]")
    ...     read(Path(folder, "there").as_uri())
    b'[]'
    """
    with _opened(url) as answer:
        return b"".join(_blocks(url, answer))


def _opened(url: str, start: int = 0) -> Any:
    """The answer to a request for `url`, from the byte `start` on."""
    request = urllib.request.Request(url, headers={"User-Agent": "advreg_edu"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    with _network(url):
        try:
            return urllib.request.urlopen(request, timeout=60)
        except HTTPError as error:
            if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            request.remove_header("Range")  # nothing lies beyond: take it anew
            return urllib.request.urlopen(request, timeout=60)


def _blocks(url: str, answer: Any) -> Iterator[bytes]:
    with _network(url):
        while block := answer.read(1 << 16):
            yield block


@contextmanager
def _network(url: str) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise _no_answer(url, f"none ({getattr(error, 'reason', error)})") from None


def _no_answer(url: str, got: str) -> OSError:
    fix = "check the connection, then run the same command again, which goes on where it stopped."
    return OSError(f"{urlsplit(url).netloc or url}: expected an answer, got {got}: {fix}")
