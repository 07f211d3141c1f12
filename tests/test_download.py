"""The data sets that a reader may fetch, from a local server that behaves like theirs, well and badly."""

import functools
import io
import json
import socket
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from advreg_edu.__main__ import main
from advreg_edu.experiments import datasets, own_data
from advreg_edu.experiments.own_data import download, examples
from advreg_edu.experiments.own_data.fetching import fetch
from PIL import Image
from torch import Generator

PLACE = "BSR/BSDS500/data/images"


class Server(ThreadingHTTPServer):
    """Serves `pages`, {path or identifier of a series: bytes}.

    The next `cut` files are broken off in the middle, the next `damaged` series are half of what they should be.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages, self.asked, self.ranges, self.cut, self.damaged = {}, [], True, 0, 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        server, at = self.server, urlsplit(self.path)
        key = parse_qs(at.query).get("SeriesInstanceUID", [at.path])[0]
        server.asked.append((key, self.headers.get("Range")))
        if key not in server.pages:
            return self.send_error(404)
        content, first = server.pages[key], 0
        if server.ranges and self.headers.get("Range"):
            first = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if first >= len(content):
                return self.send_error(416)
        if at.path.endswith("getImage") and server.damaged:
            server.damaged -= 1
            content = content[: len(content) // 2]
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        end = len(content)
        if server.cut and key != "/getSeries":
            server.cut, end = server.cut - 1, (first + end) // 2
        self.wfile.write(content[first:end])

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def nobody():
    """The address of a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}"


def jpegs(count, seed):
    """{name: photograph of noise}."""
    numbers = np.random.default_rng(seed)
    pictures = {}
    for k in range(count):
        stream = io.BytesIO()
        Image.fromarray(numbers.integers(0, 255, (80, 72, 3), np.uint8)).save(stream, "JPEG")
        pictures[f"{k + 1}.jpg"] = stream.getvalue()
    return pictures


def tgz(parts, more=()):
    """An archive as BSDS500 is one: {part: {name: content}}, and files of `more` {path: content}."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as tar:
        files = {f"{PLACE}/{part}/{name}": content for part, some in parts.items() for name, content in some.items()}
        for path, content in (files | dict(more)).items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def photographs(server):
    """{part: {name: JPEG}}, which the server serves, and what is known of them."""
    parts = {"train": jpegs(4, 1), "val": jpegs(3, 2), "test": jpegs(2, 3)}
    server.pages["/BSR.tgz"] = tgz(parts, {"BSR/BSDS500/data/images/train/Thumbs.db": b"no photograph"})
    known = {part: (len(files), download.digest(files)) for part, files in parts.items()}
    return parts, known | {"test": (2, None)}


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_photographs_arrive_and_trainings_read_them(server, photographs, tmp_path):
    parts, known = photographs
    out = download.bsds500(tmp_path / "b", f"{server.url}/BSR.tgz", known)
    assert files_in(out) == {
        f"{part}/{name}": content for part, some in parts.items() for name, content in some.items()
    }
    assert datasets.photographs(out, "val", 3, 64, Generator().manual_seed(0)).shape == (3, 3, 64, 64)
    asked = len(server.asked)
    download.bsds500(out, f"{server.url}/BSR.tgz", known)
    assert len(server.asked) == asked  # what is there is kept
    (out / "val" / "1.jpg").write_bytes(b"spoilt")
    download.bsds500(out, f"{server.url}/BSR.tgz", known)
    assert (out / "val" / "1.jpg").read_bytes() == parts["val"]["1.jpg"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_goes_on(server, photographs, tmp_path, ranges):
    server.cut, server.ranges, url = 2, ranges, f"{server.url}/BSR.tgz"
    whole = len(server.pages["/BSR.tgz"])
    for _ in range(2):
        with pytest.raises(OSError, match=r"before the connection was cut.*goes on where it stopped"):
            download.bsds500(tmp_path, url, photographs[1])
    download.bsds500(tmp_path, url, photographs[1])
    assert len(files_in(tmp_path)) == 9
    second = (whole // 2 + whole) // 2 if ranges else whole // 2
    assert [asked for _, asked in server.asked] == [None, f"bytes={whole // 2}-", f"bytes={second}-"]


def test_a_file_that_is_whole_or_too_long_is_taken_anew(server, tmp_path):
    server.pages["/file"] = b"0123456789"
    for before in (b"0123456789", b"longer than that"):
        (tmp_path / "file").write_bytes(before)
        fetch(f"{server.url}/file", tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.mark.parametrize("wrong", ["another photograph", "one missing", "cut inside", "no archive"])
def test_another_archive_is_refused_and_nothing_unpacked(server, photographs, tmp_path, wrong):
    parts, known = photographs
    spoilt = {
        "another photograph": tgz(parts | {"val": parts["val"] | {"2.jpg": b"another"}}),
        "one missing": tgz(parts | {"test": jpegs(1, 3)}),
        "cut inside": server.pages["/BSR.tgz"][:-2000],
        "no archive": b"<html>Please log in to this network</html>",
    }
    server.pages["/BSR.tgz"] = spoilt[wrong]
    with pytest.raises(ValueError, match=r"BSR_bsds500\.tgz: expected the archive of its authors"):
        download.bsds500(tmp_path, f"{server.url}/BSR.tgz", known)
    assert files_in(tmp_path) == {}


def test_no_file_of_an_archive_lands_outside(server, photographs, tmp_path):
    parts, known = photographs
    names = ["../../out.jpg", "/out.jpg", f"{PLACE}/../7.jpg", f"{PLACE}/train/../../7.jpg", f"{PLACE}/other/7.jpg"]
    content = tgz(parts, dict.fromkeys(names, b"harm"))
    stream = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=stream, mode="w:gz") as new:
        for member in old:
            new.addfile(member, old.extractfile(member))
        link = tarfile.TarInfo(f"{PLACE}/train/99.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        new.addfile(link)
    server.pages["/BSR.tgz"] = stream.getvalue()
    download.bsds500(tmp_path / "a" / "b", f"{server.url}/BSR.tgz", known)
    assert files_in(tmp_path) == {f"a/b/{part}/{name}": c for part, some in parts.items() for name, c in some.items()}


def test_the_originals_pass(server, shared, tmp_path, capsys):
    """The real photographs of train and val, with others in the place of test, of which the number alone is known."""
    parts = {part: files_in(shared / "data" / "bsds500" / part) for part in ("train", "val")}
    assert {Image.open(io.BytesIO(c)).size for c in parts["train"].values()} == {(481, 321), (321, 481)}
    server.pages["/BSR.tgz"] = tgz(parts | {"test": jpegs(200, 3)})
    command = ["data", "bsds500", "--out", str(tmp_path / "b"), "--url", f"{server.url}/BSR.tgz"]
    assert main(command) == main(command) == 0 and len(server.asked) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == download.TERMS["bsds500"] and "200 photographs in train, 100 photographs in val" in said[1]
    assert [len(files_in(tmp_path / "b" / part)) for part in ("train", "val", "test")] == [200, 100, 200]


@pytest.fixture
def service(server, tmp_path):
    """TCIA's query service: three patients with a series of three slices each, the second with shorter ones too."""
    scans = examples.dicom_folder(tmp_path / "hospital", patients=3, slices=3, size=32)
    series = []
    for k in range(3):
        slices = [scans / f"P{k:02d}" / f"{place}.dcm" for place in range(3)]
        shorter = [(uid, slices[:1]) for uid in ("1.2.8", "1.2.9") if k == 1]
        for uid, some in [*shorter[:1], (f"1.2.{k}", slices), *shorter[1:]]:
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w") as archive:
                archive.writestr("LICENSE", "CC BY 3.0")
                archive.writestr("../../outside.txt", "harm")
                for number, path in enumerate(some):
                    archive.write(path, f"1-{number + 1:03d}.dcm")
            server.pages[uid] = stream.getvalue()
            series.append({"PatientID": f"L-{k + 1:04d}", "SeriesInstanceUID": uid, "ImageCount": len(some)})
    server.pages["/getSeries"] = json.dumps(series[::-1]).encode()
    return server


def names_in(folder):
    return sorted(files_in(folder))


def test_one_series_of_each_patient_arrives_and_is_packed(service, tmp_path, capsys):
    out = tmp_path / "lidc"
    assert main(["data", "lidc", "--patients", "3", "--out", str(out), "--url", service.url]) == 0
    said = capsys.readouterr().out
    assert said.startswith("LIDC-IDRI is under CC BY 3.0. Cite Armato") and "3 patients, L-0001 to L-0003" in said
    assert names_in(out) == [f"L-000{k}/1-00{place}.dcm" for k in (1, 2, 3) for place in (1, 2, 3)]
    report = own_data.inspect(out)
    assert len(report.entries) == 9 and len(report.patients) == 3 and not report.left_out
    split = own_data.pack(out, tmp_path / "mine.npz", size=16)
    assert sorted(split.tolist()) == ["train"] * 6 + ["val"] * 3


def test_patients_that_are_there_are_skipped(service, tmp_path):
    out = tmp_path / "lidc"
    download.lidc(1, out, service.url)
    service.asked.clear()
    assert download.lidc(2, out, service.url) == [out / "L-0001", out / "L-0002"]
    assert [key for key, _ in service.asked] == ["/getSeries", "1.2.1"]  # the longer series of the second
    with pytest.raises(ValueError, match="patients: expected at most the 3 of LIDC-IDRI, got 4"):
        download.lidc(4, out, service.url)


def test_a_damaged_series_is_fetched_once_more(service, tmp_path):
    service.damaged = 1
    download.lidc(1, tmp_path / "a", service.url)
    assert [key for key, _ in service.asked] == ["/getSeries", "1.2.0", "1.2.0"]
    assert len(names_in(tmp_path / "a")) == 3


@pytest.mark.parametrize("how", ["damaged", "too few", "no zip"])
def test_a_series_damaged_twice_leaves_nothing_half_done(service, tmp_path, how):
    out = tmp_path / "lidc"
    good = service.pages["1.2.1"]
    service.pages["1.2.1"] = {"damaged": good[:-9] + b"?" * 9, "too few": service.pages["1.2.9"], "no zip": b""}[how]
    with pytest.raises(ValueError, match="L-0002: expected a zip of 3 slices, got twice: "):
        download.lidc(3, out, service.url)
    assert names_in(out) == [f"L-0001/1-00{place}.dcm" for place in (1, 2, 3)]
    service.pages["1.2.1"] = good
    assert len(download.lidc(3, out, service.url)) == 3 and len(names_in(out)) == 9


def test_a_series_that_was_cut_leaves_nothing_half_done(service, tmp_path):
    out = tmp_path / "lidc"
    download.lidc(1, out, service.url)
    service.cut = 1
    with pytest.raises(OSError, match="before the connection was cut"):
        download.lidc(2, out, service.url)
    assert len(names_in(out)) == 3
    download.lidc(2, out, service.url)
    assert len(names_in(out)) == 6


@pytest.mark.parametrize("content", [b"", b"<html>Unavailable</html>", b'[{"PatientID": "../x"}]', b"[1]", b"7"])
def test_an_answer_that_is_no_list_is_refused(service, tmp_path, content):
    service.pages["/getSeries"] = content
    with pytest.raises(ValueError, match="expected a list of CT series, got "):
        download.lidc(1, tmp_path / "lidc", service.url)


def test_the_name_of_a_patient_never_leads_elsewhere(service, tmp_path):
    listed = [{"PatientID": "../../elsewhere", "SeriesInstanceUID": "1.2.0", "ImageCount": 3}]
    service.pages["/getSeries"] = json.dumps(listed).encode()
    with pytest.raises(ValueError, match="expected a list of CT series"):
        download.lidc(1, tmp_path / "a" / "b" / "lidc", service.url)
    assert not (tmp_path / "elsewhere").exists() and not (tmp_path / "a" / "elsewhere").exists()


@pytest.mark.parametrize("command", [["bsds500"], ["lidc", "--patients", "2"]])
def test_without_network_one_sentence_says_so(nobody, tmp_path, capsys, command):
    out = tmp_path / "new" / "folder"
    assert main(["data", *command, "--out", str(out), "--url", nobody]) == 2
    said, error = capsys.readouterr()
    assert "Cite" in said and said.count("\n") == 1  # the terms come before anything is asked for
    assert (
        error.count("\n") == 1 and "expected an answer, got none (" in error and "run the same command again" in error
    )
    assert not (tmp_path / "new").exists()


def test_the_command_refuses_what_is_not_bsds500(server, photographs, tmp_path, capsys):
    assert main(["data", "bsds500", "--out", str(tmp_path), "--url", f"{server.url}/BSR.tgz"]) == 2
    assert "4 photographs in train where there are 200" in capsys.readouterr().err
    assert main(["data", "bsds500", "--out", str(tmp_path), "--url", f"{server.url}/moved.tgz"]) == 2
    assert "got none (Not Found)" in capsys.readouterr().err
    assert main(["data", "lidc", "--patients", "0", "--url", server.url]) == 2
    assert "--patients: expected at least 1, got 0" in capsys.readouterr().err
