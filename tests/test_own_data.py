"""Your own data: the report before training, the split by patient, and the file that trainings read."""

import io
import subprocess
import sys

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu.__main__ import main
from advreg_edu.experiments import datasets, own_data
from advreg_edu.experiments.own_data import examples
from PIL import Image
from test_images import write_dicom


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Eight patients with three slices of 64x64, and what lies about in real folders."""
    return examples.dicom_folder(tmp_path_factory.mktemp("own") / "scans", patients=8, slices=3, size=64)


def test_the_report_counts_what_is_there_and_says_what_is_left_out(scans):
    report = own_data.inspect(scans)
    assert len(report.entries) == 8 * 3 + 1 and len(report.patients) == 9
    assert report.patients["P03"] == 3 and report.sizes == {"64x64": 25}
    assert report.left_out.keys() == {"P00/cut_off.dcm", "P00/scout.dcm", "P01/no_scale.dcm", "notes.txt"}
    assert "LOCALIZER" in report.left_out["P00/scout.dcm"] and "RescaleSlope" in report.left_out["P01/no_scale.dcm"]
    assert report.twins == [["P00/0.dcm of P00", "P99/0.dcm of P99"]]
    assert "25 CT slices of 9 patients (1 to 3 each)" in str(report) and "left out: 4 of 29 files" in str(report)
    assert all(len(line) <= 200 for line in str(report).splitlines())


def test_the_numbers_of_the_report_are_those_of_the_pixels(tmp_path):
    for k, level in enumerate((-1010, 0, 1500, 40)):
        write_dicom(tmp_path / f"{k}.dcm", np.full((64, 64), level), PatientID=f"p{k}")
    report = own_data.inspect(tmp_path)
    assert "25.0% of the pixels lie below and become 0, 25.00% above and become 1" in str(report)
    share = report._share()
    assert share.sum() == pytest.approx(1) and sorted(share[share > 0].tolist()) == [0.25] * 4
    words = repr(report.histogram().at())
    assert "window, low marked at" in words and "share of the pixels goes from" in words


def test_the_contact_sheet_shows_every_patient_before_any_twice(scans):
    report = own_data.inspect(scans)
    for most in (4, 9, 25, 36):
        chosen = report._chosen(most)
        counts = {name: sum(entry.patient == name for entry in chosen) for name in report.patients}
        assert len(chosen) == min(most, 25)
        assert all(n == report.patients[name] or n >= max(counts.values()) - 1 for name, n in counts.items())
    sheet = report.sheet()
    assert "9 patients" in sheet.alt and "P07" in sheet.alt
    assert Image.open(io.BytesIO(sheet.png)).width == sheet.side


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs")
def test_memory_does_not_grow_with_the_folder(tmp_path):
    """100 more slices of 512x512, 100 MB as floats, take at most 20 MB."""
    for count, name in ((20, "few"), (120, "many")):
        (tmp_path / name).mkdir()
        write_dicom(tmp_path / name / "0.dcm", np.arange(512 * 512).reshape(512, 512) % 1000)
        content = (tmp_path / name / "0.dcm").read_bytes()
        for k in range(1, count):
            (tmp_path / name / f"{k}.dcm").write_bytes(content)
    program = (
        "import resource, sys; from advreg_edu.experiments import own_data\n"
        "for path in sys.argv[1:]:\n    kept = own_data.inspect(path)\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "few"), str(tmp_path / "many")]
    few, many = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(many) - int(few) < 20_000


def test_photographs_count_one_by_one(tmp_path):
    folder = examples.photo_folder(tmp_path / "photos")
    write_dicom(folder / "one.dcm", np.zeros((64, 64)))
    Image.new("RGB", (40, 90)).save(folder / "small.png")
    report = own_data.inspect(folder)
    assert report.kind == "photographs" and len(report.entries) == len(report.patients) == 8
    assert report.left_out.keys() == {"holiday.jpg", "one.dcm", "small.png"}
    assert "CT slices among photographs" in report.left_out["one.dcm"]
    assert "Hounsfield" not in str(report) and "8 files" in report.sheet().alt
    assert report.histogram().at()


def test_an_archive_is_read_like_a_folder(scans, tmp_path):
    split = own_data.pack(scans, tmp_path / "mine.npz", size=32)
    report = own_data.inspect(tmp_path / "mine.npz")
    assert len(report.entries) == len(split) == 24 and report.twins == [] and report.sizes == {"32x32": 24}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "nowhere", "path: expected a folder of DICOM files or photographs"),
        (lambda folder: folder, "path: expected CT slices or photographs, got an empty folder"),
        (lambda folder: _with(folder, "notes.txt", b"words"), "got 1 other files"),
        (lambda folder: _arrays(folder, hu=np.zeros((2, 64, 64))), "got no patient_id"),
        (lambda folder: _arrays(folder, hu=np.zeros((2, 64)), patient_id=np.array(["a", "b"])), r"hu \(n, H, W\)"),
    ],
)
def test_what_has_no_images_is_an_error(tmp_path, make, words):
    with pytest.raises(ValueError, match=words):
        own_data.inspect(make(tmp_path))


def _with(folder, name, content):
    (folder / name).write_bytes(content)
    return folder


def _arrays(folder, **arrays):
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


@pytest.mark.parametrize("seed", range(5))
def test_a_split_keeps_patients_together(seed):
    rng = np.random.default_rng(seed)
    patients = rng.choice([f"p{k}" for k in range(12)], 60)
    split = own_data.split_by_patient(patients, val=0.25, seed=seed)
    assert set(split) == {"train", "val"}
    assert not set(patients[split == "train"]) & set(patients[split == "val"])
    assert len(set(patients[split == "val"])) == round(0.25 * len(set(patients)))
    order = rng.permutation(60)
    assert (own_data.split_by_patient(patients[order], 0.25, seed) == split[order]).all()  # whatever the order of files


def test_a_split_depends_on_the_seed_and_needs_two_patients():
    patients = np.array([f"p{k}" for k in range(20)])
    splits = {tuple(own_data.split_by_patient(patients, seed=k)) for k in range(5)}
    assert len(splits) > 1
    with pytest.raises(ValueError, match="patients: expected at least two, got 1 patient"):
        own_data.split_by_patient(np.array(["a", "a"]))


def test_a_packed_file_is_what_the_tables_read(scans, tmp_path):
    file = tmp_path / "deep" / "mine.npz"
    split = own_data.pack(scans, file, size=32, val=0.25, seed=1)
    parts = {part: datasets.chest(file, part, size=32) for part in datasets.PARTS}
    assert len(parts["val"][0]) == (split == "val").sum() and len(parts["dev"][0]) > 0
    names = [set(patients.tolist()) for _, patients in parts.values()]
    assert sum(map(len, names)) == len(set.union(*names)) == 8


def test_packing_averages_in_hounsfield_units(tmp_path):
    checks = np.indices((64, 64)).sum(0) % 2 * 4000 - 1000  # -1000 and 3000: a window would clip before the mean
    for name in "ab":
        write_dicom(tmp_path / f"{name}.dcm", checks + (name == "b"), PatientID=name)
    own_data.pack(tmp_path, tmp_path / "mine.npz", size=32)
    assert np.load(tmp_path / "mine.npz")["hu"].tolist() == [[[1000] * 32] * 32, [[1001] * 32] * 32]


def test_packing_refuses_before_it_writes(scans, tmp_path):
    out = tmp_path / "mine.npz"
    for options, words in (
        (dict(size=128), "expected a square slice of at least 128x128, got 64x64"),
        (dict(val=2.0), "val: expected"),
    ):
        with pytest.raises(ValueError, match=words):
            own_data.pack(scans, out, **(dict(size=32) | options))
        assert not out.exists()
    out.write_bytes(b"mine")
    with pytest.raises(ValueError, match="which is there already"):
        own_data.pack(scans, out, size=32)
    assert out.read_bytes() == b"mine"
    with pytest.raises(ValueError, match=r"expected the name of a new \.npz file"):
        own_data.pack(scans, tmp_path / "mine.zip", size=32)


def test_the_commands(scans, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "inspect", str(scans), "--out", "look/sheet.png"]) == 0
    shown = capsys.readouterr().out
    assert "the same pixels: P00/0.dcm" in shown and "Contact sheet of 25 of 25 CT slices" in shown
    assert (tmp_path / "look" / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert main(["data", "pack", str(scans), "--out", "mine.npz", "--size", "32"]) == 0
    assert "18 slices to train on, 6 of other patients" in capsys.readouterr().out
    assert main(["data", "inspect", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("error: PATH: expected a folder")
    assert main(["data", "pack", str(scans), "--out", "mine.npz"]) == 2
    assert capsys.readouterr().err.startswith("error: --out: expected the name of a new .npz file")


def test_neighbouring_slices_of_the_example_resemble_each_other_more_than_patients_do(scans):
    x = ar.images.from_dicom(scans / "P03"), ar.images.from_dicom(scans / "P04")
    near, far = (x[0][0] - x[0][1]).norm(), (x[0][0] - x[1][0]).norm()
    assert near < far / 2


def test_the_example_is_the_same_each_time(tmp_path):
    first, second = (examples.dicom_folder(tmp_path / name, patients=2, slices=2, size=32) for name in "ab")
    assert torch.equal(*(ar.images.from_dicom(folder / "P01") for folder in (first, second)))
