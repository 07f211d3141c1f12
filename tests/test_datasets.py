"""Real images in parts: files and folders as the tables take them, and what is said when they are not there."""

import numpy as np
import pytest
import torch
from advreg_edu.experiments import datasets, poses
from advreg_edu.experiments.training_images import crops as crops_of
from PIL import Image


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def photographs(tmp_path):
    """train holds nine photographs of gray level 0, 10, ..., 80, val one white."""
    for part, levels in (("train", range(0, 90, 10)), ("val", [255])):
        (tmp_path / part).mkdir()
        for level in levels:
            Image.new("RGB", (20, 24), (level,) * 3).save(tmp_path / part / f"{level:03d}.png")
    return tmp_path


@pytest.fixture
def slices(tmp_path):
    """Eleven patients, ten of them in train; the first has two slices."""
    hu = np.random.default_rng(0).integers(-1000, 1000, (12, 16, 16)).astype(np.int16)
    file = tmp_path / "slices.npz"
    np.savez(file, hu=hu, patient_id=np.array(list("aabcdefghijk")), split=np.array(["train"] * 11 + ["val"]))
    return file


def test_each_part_comes_from_its_own_folder(photographs):
    train, val = (datasets.photographs(photographs, part, 3, 16, seeded()) for part in ("train", "val"))
    assert train.shape == val.shape == (3, 3, 16, 16) and train.max() < 1 and val.min() == 1


def test_every_eighth_photograph_is_held_back_for_choices(photographs):
    def levels(part):
        crops = datasets.photographs(photographs, part, 200, 16, seeded())
        return {round(255 * crop.mean().item()) for crop in crops}

    assert levels("dev") == {0, 80} and levels("train") == set(range(10, 80, 10))


def test_each_reported_photograph_gives_a_crop_before_any_gives_two(photographs):
    (photographs / "val").rename(photographs / "white")
    (photographs / "train").rename(photographs / "val")
    (photographs / "white").rename(photographs / "train")
    level = lambda crops: [round(255 * crop.mean().item()) for crop in crops]
    crops = level(datasets.photographs(photographs, "val", 12, 16, seeded()))
    assert sorted(crops[:9]) == list(range(0, 90, 10)) != crops[:9] and crops[9:] == crops[:3]


def test_a_plain_folder_is_for_training_only(photographs):
    assert datasets.photographs(photographs / "train", "train", 1, 16, seeded()).max() < 1
    with pytest.raises(ValueError, match="expected the subfolders train and val, got none called val"):
        datasets.photographs(photographs / "train", "val", 1, 16, seeded())


def test_slices_are_split_by_the_file_and_scaled_one_by_one(slices):
    x, patients = datasets.chest(slices, "train", size=8)
    assert x.shape == (8, 1, 8, 8) and "".join(patients) == "bcdefghj"
    assert x.amin((1, 2, 3)).tolist() == [0] * 8 and x.amax((1, 2, 3)).tolist() == [1] * 8
    assert datasets.chest(slices, "val", size=8)[1].tolist() == ["k"]


def test_every_eighth_patient_is_held_back_for_choices(slices):
    held_back, trained = (set(datasets.chest(slices, part, size=8)[1]) for part in ("dev", "train"))
    assert held_back == {"a", "i"} and trained == set("bcdefghj")


def test_dicom_folders_are_patients(tmp_path):
    import shutil

    import pydicom.data

    file = pydicom.data.get_testdata_file("CT_small.dcm")
    for part, patient in (("train", "p0"), ("train", "p1"), ("train", "p2"), ("val", "p3")):
        (tmp_path / part / patient).mkdir(parents=True)
        shutil.copy(file, tmp_path / part / patient / "slice.dcm")
    x, patients = datasets.chest(tmp_path, "train", size=64)
    assert x.shape == (2, 1, 64, 64) and patients.tolist() == ["p1", "p2"]
    assert datasets.chest(tmp_path, "dev", size=64)[1].tolist() == ["p0"]
    with pytest.raises(ValueError, match=r"expected the folders val/PATIENT with DICOM files, got none"):
        datasets.chest(tmp_path / "train", "val")
    shutil.rmtree(tmp_path / "train" / "p1"), shutil.rmtree(tmp_path / "train" / "p2")
    with pytest.raises(ValueError, match="expected at least two to train on and hold back, got 1"):
        datasets.chest(tmp_path, "train")


@pytest.mark.parametrize("load", [datasets.chest, lambda path, part: datasets.photographs(path, part, 1, 16, seeded())])
def test_what_is_missing_is_named(load, tmp_path):
    with pytest.raises(ValueError, match=r"^path: expected .*, got none\."):
        load(None, "train")
    with pytest.raises(ValueError, match="nowhere, which is not there"):
        load(tmp_path / "nowhere", "train")
    with pytest.raises(ValueError, match=r"part: expected one of train.*val, got 'test'"):
        load(tmp_path, "test")


def test_foreign_files_are_refused(tmp_path, slices):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"expected a folder of DICOM files or an \.npz file, got notes\.txt"):
        datasets.chest(tmp_path / "notes.txt", "train")
    np.savez(tmp_path / "bare.npz", hu=np.zeros((1, 8, 8)))
    with pytest.raises(ValueError, match="got no patient_id, split"):
        datasets.chest(tmp_path / "bare.npz", "train")
    (tmp_path / "torn.npz").write_bytes(slices.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"torn\.npz: expected an .npz file of numbers and strings"):
        datasets.chest(tmp_path / "torn.npz", "train")
    arrays = dict(hu=np.zeros((2, 8, 8)), split=np.array(["train", "train"]))
    np.savez(tmp_path / "short.npz", patient_id=np.array(["a"]), **arrays)
    with pytest.raises(
        ValueError, match=r"short\.npz, array patient_id: expected one entry for each of the 2 slices, got shape \(1,\)"
    ):
        datasets.chest(tmp_path / "short.npz", "train")
    np.savez(tmp_path / "objects.npz", patient_id=np.array(["a", None]), **arrays)
    with pytest.raises(ValueError, match=r"dtype=str"):
        datasets.chest(tmp_path / "objects.npz", "train")
    np.savez(tmp_path / "all.npz", patient_id=np.array(["a", "b"]), **arrays)
    with pytest.raises(ValueError, match=r"expected slices whose split is val, got train"):
        datasets.chest(tmp_path / "all.npz", "val")


@pytest.mark.parametrize("sharp", [False, True])
def test_moved_images_are_the_images_and_new_versions_of_each(sharp):
    x = datasets.images.thorax(3, size=64, generator=seeded())
    y = poses.augment_pose(x, 2, seeded(1), sharp)
    assert y.shape == (9, 1, 64, 64) and torch.equal(y[:3], x) and y.min() >= 0 and y.max() <= 1
    distance = lambda a, b: (a - b).flatten(1).norm(dim=1)
    for versions in (y[3:6], y[6:]):
        others = torch.stack([distance(versions, x.roll(k, 0)) for k in (1, 2)])
        assert (distance(versions, x) > 0.5).all() and (distance(versions, x) < others).all()
    assert (distance(y[3:6], y[6:]) > 0.5).all()


@pytest.mark.parametrize("sharp", [False, True])
def test_a_disk_is_moved_by_less_than_three_percent_and_scaled_by_less_than_an_eighth(sharp):
    axis = torch.linspace(-1, 1, 64)
    disk = ((axis[:, None] ** 2 + axis**2) < 0.25).float().expand(50, 1, 64, 64)
    copies = poses.augment_pose(disk, 1, seeded(), sharp)[50:]
    mass = copies.sum((1, 2, 3))
    centre = (copies[:, 0].sum(1) * torch.arange(64)).sum(1) / mass - 31.5
    assert centre.abs().max() < 0.03 * 64 * 1.15 and centre.abs().max() > 0.5
    radius = (mass / disk[0].sum()).sqrt()
    assert 0.87 < radius.min() < 0.95 and 1.05 < radius.max() < 1.16


def test_sharp_copies_are_where_the_others_are_and_as_sharp_as_the_image():
    """By their power between 36 and 50 cycles per image, of which linear interpolation leaves half."""
    x = datasets.images.thorax(20, size=128, generator=seeded())
    linear, sharp = (poses.augment_pose(x, 1, seeded(1), s)[20:] for s in (False, True))
    f = torch.fft.fftfreq(128, 1 / 128)
    radius = f[:, None].hypot(f)
    power = lambda image, low, high: (torch.fft.fft2(image).abs() ** 2)[..., (radius > low) & (radius < high)].sum()
    fine = lambda image: power(image, 36, 50).item()
    assert fine(sharp) == pytest.approx(fine(x), rel=0.1) and fine(linear) < 0.7 * fine(x)
    assert power(sharp - linear, 0, 10) < 0.001 * power(sharp, 0, 10)  # a quarter of a pixel off: 0.002


def test_weights_say_which_images_are_copied():
    levels = torch.tensor([0.2, 0.5, 0.8]).repeat(100)
    x = levels[:, None, None, None].expand(300, 1, 16, 16)
    copies = poses.augment_pose(x, 2, seeded(), weights=(levels > 0.3) * levels)[300:, 0, 8, 8]
    assert len(copies) == 600 and copies.min() == pytest.approx(0.5)
    assert (copies > 0.6).float().mean().item() == pytest.approx(8 / 13, abs=0.06)


def test_turned_crops_are_the_same_in_all_eight_positions(tmp_path):
    """Each has the pixels of the crop that is not turned; a pattern without symmetry shows all eight."""
    for k in range(16):
        pixels = np.random.default_rng(k).integers(256, size=(8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k:02}.png")
    load = lambda turned: crops_of(400, 8, 1, turned)(tmp_path, torch.Generator().manual_seed(0))
    straight, turned = load(False), load(True)
    assert torch.equal(straight.flatten(1).sort().values, turned.flatten(1).sort().values)
    of_the_first = turned[(straight == straight[0]).flatten(1).all(1)]
    assert len(of_the_first) > 8 and len(of_the_first.unique(dim=0)) == 8
