"""Images: what they promise, how near they come to real slices, and what they say when misused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from advreg_edu import images
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

CHEST = Path(__file__).resolve().parents[2] / "shared" / "data" / "chest_ct_128.npz"
SOURCES = {
    "thorax": lambda n, size, g: images.thorax(n, size, g),
    "ellipses": lambda n, size, g: images.ellipses(n, size, g),
    "photos": lambda n, size, g: images.photos(n, size, g),
    "photos, gray": lambda n, size, g: images.photos(n, size, g, channels=1),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=SOURCES, ids=str)
def source(request):
    return SOURCES[request.param]


@pytest.mark.parametrize("n, size", [(1, 64), (3, 50), (10, 32)])
def test_shape_and_range(source, n, size):
    x = source(n, size, seeded())
    assert x.dtype == torch.float32 and x.shape in ((n, 1, size, size), (n, 3, size, size))
    assert torch.isfinite(x).all() and x.min() >= 0 and x.max() <= 1
    assert x.std() > 0.01


def test_same_seed_same_images_and_the_global_seed_stays(source):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    x = source(10, 48, seeded(1))
    assert torch.equal(x, source(10, 48, seeded(1)))
    assert not torch.equal(x, source(10, 48, seeded(2)))
    assert not torch.equal(source(2, 48, None), source(2, 48, None))
    assert torch.equal(before, torch.get_rng_state())


def test_every_image_is_another_one(source):
    x = source(12, 48, seeded()).flatten(1)
    assert (torch.cdist(x, x) + torch.eye(12) * 1e9).min() > 1e-3


@pytest.mark.parametrize("name", ["thorax", "ellipses"])
def test_same_anatomy_at_every_size(name):
    """A picture twice as large, averaged down, is the small one up to noise and the edges' pixels."""
    small, large = SOURCES[name](4, 96, seeded(3)), SOURCES[name](4, 192, seeded(3))
    difference = (torch.nn.functional.avg_pool2d(large, 2) - small).flatten(1)
    assert difference.abs().mean() < 0.02
    assert (difference.norm(dim=1) < 0.2 * small.flatten(1).norm(dim=1)).all()


@pytest.mark.parametrize("make", [images.thorax, images.ellipses, images.photos])
def test_counts_are_checked(make):
    with pytest.raises(ValueError, match="n: expected at least 1, got 0"):
        make(0)
    with pytest.raises(TypeError, match="size: expected a whole number, got 64"):
        make(1, 64.5)


def test_import_is_light():
    """Nothing is drawn, and the libraries for files and pictures stay unloaded, before they are needed."""
    code = "import sys; import advreg_edu.images; print({'pydicom', 'skimage', 'PIL', 'matplotlib'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, check=True, cwd=Path(__file__).resolve().parents[1], capture_output=True, text=True)
    assert found.stdout.strip() == "set()"


# Chest slices


def test_hounsfield_units_of_thorax():
    hu = images.thorax_hu(4, 64, seeded(5))
    assert hu.shape == (4, 1, 64, 64) and hu.min() >= -1024 and hu.max() <= 3071
    assert torch.equal(images.from_hounsfield(hu), images.thorax(4, 64, seeded(5)))
    for low, high, least in (
        (-1100, -960, 0.2),
        (-960, -700, 0.03),
        (-150, -50, 0.02),
        (0, 100, 0.02),
        (200, 3071, 0.001),
    ):
        share = ((hu > low) & (hu < high)).float().mean()
        assert share > least, f"air, lung, fat, flesh, bone: {share:.3f} of the pixels in {low} to {high} HU"


@pytest.mark.skipif(not CHEST.exists(), reason=f"real chest slices are kept outside the repository: {CHEST} is absent")
def test_phantoms_look_real_to_a_statistician(tmp_path):
    """Histogram, spectrum and gradients of 64 phantoms against all real training slices; the picture is kept.

    The comments give the worst of sixteen batches of 96. The 70 real validation slices, of 7 patients, are farther from
    the training slices than that: 0.040, 0.20, 0.10, 0.45, 0.004 and 0.076 in the order of the assertions.
    """
    data = np.load(CHEST)
    real = images.from_hounsfield(data["hu"][data["split"] == "train"])
    phantoms = images.thorax(64, 128, seeded(11))
    s = images.compare_statistics(phantoms, real)
    draw_beside(phantoms, real, s, tmp_path / "phantoms_beside_real.png")

    assert s["wasserstein"] < 0.025  # 50 HU; 0.014
    ratio = (s["spectrum"][0] / s["spectrum"][1]).log10()[1:]
    assert ratio.abs().max() < 0.25 and ratio.abs().mean() < 0.12  # 0.17 and 0.08
    gradients = s["gradients"].log10()[:, s["slope"] < 0.5]  # beyond, one pair in 1400: metal
    assert (gradients[0] - gradients[1]).abs().max() < 0.45  # 0.27
    assert (s["gradients"][0] - s["gradients"][1]).cumsum(0).abs().sum() / 64 < 0.006  # 0.003
    assert abs((phantoms > 0.35).float().mean() - (real > 0.35).float().mean()) < 0.05  # the body's share; 0.024


def draw_beside(phantoms, real, s, path):
    """Phantoms (top) above real slices, and the three curves."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(3, 6, figsize=(14, 8), layout="constrained")
    for row, (x, name) in enumerate(((phantoms, "phantom"), (real[:: len(real) // 6], "real"))):
        for axis, image in zip(axes[row], x, strict=False):
            axis.imshow(image[0].numpy(), cmap="gray", vmin=0, vmax=1)
            axis.set(title=name, xticks=[], yticks=[])
    curves = (
        ("intensity", "histogram", "linear"),
        ("frequency", "spectrum", "log"),
        ("slope", "gradients", "linear"),
    )
    for axis, (x, y, scale) in zip(axes[2, ::2], curves, strict=True):
        axis.plot(s[x].numpy(), s[y].T.numpy(), label=("phantoms", "real"))
        axis.set(title=y, xlabel=x, xscale=scale, yscale="log", ylim=(1e-6, None))
        axis.legend()
    for axis in axes[2, 1::2]:
        axis.axis("off")
    figure.savefig(path)
    plt.close(figure)


def test_statistics_of_what_we_know():
    """Equal batches agree; a wave has its power at its frequency; two constants are as far apart as their values."""
    x = 0.5 + 0.4 * torch.sin(2 * torch.pi * 5 * torch.arange(64) / 64).expand(2, 1, 64, 64)
    s = images.compare_statistics(x, x)
    assert s["wasserstein"] == 0 and torch.equal(*s["spectrum"])
    assert s["spectrum"][0].argmax() == 5
    assert torch.allclose(s["histogram"].sum(1), torch.ones(2)) and torch.allclose(s["gradients"].sum(1), torch.ones(2))
    s = images.compare_statistics(torch.full((1, 1, 8, 8), 0.25), torch.full((3, 1, 8, 8), 0.75))
    assert s["wasserstein"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="real: expected images"):
        images.compare_statistics(x, x[..., :32])


# Hounsfield units


def test_window_and_block_means():
    hu = np.array([[-2000, -1000, 0, 0], [-1000, 0, 0, 0], [1000, 3000, 500, 500], [1000, 1000, 500, 500]], np.int16)
    x = images.from_hounsfield(hu)
    assert x.shape == (1, 1, 4, 4) and x.dtype == torch.float32
    assert x[0, 0, 0].tolist() == [0, 0, 0.5, 0.5] and x[0, 0, 2].tolist() == [1, 1, 0.75, 0.75]
    # Means are taken in Hounsfield units, before the window: (-2000 - 1000 - 1000 + 0) / 4 = -1000, 6000 / 4 = 1500
    assert images.from_hounsfield(hu, size=2).flatten().tolist() == [0, 0.5, 1, 0.75]
    assert images.from_hounsfield(np.tile(hu, (3, 1, 1)), 2, window=(-2000, 2000)).shape == (3, 1, 2, 2)
    assert images.from_hounsfield(hu.astype(float), 3).shape == (1, 1, 3, 3)


def test_own_range_of_each_slice():
    hu = torch.tensor([[[-1000.0, 0], [500, 1000]], [[7, 7], [7, 7]]])
    x = images.from_hounsfield(hu, window=None)
    assert x[0].flatten().tolist() == [0, 0.5, 0.75, 1] and x[1].abs().max() == 0


@pytest.mark.parametrize(
    "arguments, kind, words",
    [
        ((np.full((4, 4), np.nan),), ValueError, "hu: expected finite numbers, got 16 NaN"),
        ((np.zeros(4),), ValueError, r"hu: expected slices .* got \(4,\)"),
        ((np.zeros((2, 3, 4, 4)),), ValueError, r"hu: expected slices .* got \(2, 3, 4, 4\)"),
        ((["air", "bone"],), TypeError, "hu: expected numbers in Hounsfield units"),
        ((np.zeros((4, 6)), 2), ValueError, "size: expected square slices .* got 4x6"),
        ((np.zeros((4, 4)), 8), ValueError, "size: expected square slices of at least 8x8"),
        ((np.zeros((4, 4)), None, (100, 100)), ValueError, r"window\[1\]: expected a finite number above 100"),
        ((np.zeros((4, 4)), None, 400), TypeError, "window: expected two numbers, got 400"),
    ],
)
def test_hounsfield_errors(arguments, kind, words):
    with pytest.raises(kind, match=words):
        images.from_hounsfield(*arguments)


# DICOM


def write_dicom(path, stored, **tags):
    """A CT slice with int16 pixels; `tags` change or (None) remove elements."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    stored = np.asarray(stored, np.int16)
    elements = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "CT",
        "PatientID": "p",
        "SeriesInstanceUID": "1.2",
        "ImagePositionPatient": [0, 0, 0],
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelRepresentation": 1,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "PixelData": stored.tobytes(),
    } | tags
    for name, value in elements.items():
        if value is not None:
            setattr(data, name, value)
    data.save_as(path)
    return path


def test_slope_intercept_and_padding(tmp_path):
    file = write_dicom(tmp_path / "a.dcm", [[512, -2000], [0, 1024]], RescaleSlope=2, RescaleIntercept=-1024)
    assert images.from_dicom(file).flatten().tolist() == [0.5, 0, 0, 1]
    padded = write_dicom(tmp_path / "b.dcm", [[500, 63], [60, 0]], PixelPaddingValue=63, PixelPaddingRangeLimit=60)
    assert images.from_dicom(padded).flatten().tolist() == [0.75, 0, 0, 0.5]
    assert images.from_dicom(padded, window=None)[0, 0, 0, 0] == 1


def test_monochrome1_is_about_display_only(tmp_path):
    stored = [[-1000, 0], [500, 1000]]
    one = write_dicom(tmp_path / "1.dcm", stored, PhotometricInterpretation="MONOCHROME1")
    assert images.from_dicom(one).flatten().tolist() == [0, 0.5, 0.75, 1]


def test_folder_is_sorted_by_patient_series_and_position(tmp_path):
    (tmp_path / "deep").mkdir()
    write_dicom(tmp_path / "deep" / "a", np.full((2, 2), 400), PatientID="q")
    write_dicom(tmp_path / "deep" / "b", np.full((2, 2), 200), ImagePositionPatient=[0, 0, 5])
    write_dicom(tmp_path / "c.dcm", np.full((2, 2), 0), ImagePositionPatient=[0, 0, -5.5])
    write_dicom(tmp_path / "scout.dcm", np.zeros((9, 2)), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (tmp_path / "LICENSE.txt").write_text("CC BY 3.0")
    assert images.from_dicom(tmp_path)[:, 0, 0, 0].tolist() == pytest.approx([0.5, 0.6, 0.7])


def test_slices_of_several_shapes(tmp_path):
    write_dicom(tmp_path / "a", np.zeros((4, 4)))
    write_dicom(tmp_path / "b", np.zeros((8, 8)))
    assert images.from_dicom(tmp_path, size=4).shape == (2, 1, 4, 4)
    with pytest.raises(ValueError, match=r"expected slices of one shape, got \(4, 4\) in .* and \(8, 8\).*size=128"):
        images.from_dicom(tmp_path)


def test_the_slice_that_pydicom_brings():
    file = pydicom.data.get_testdata_file("CT_small.dcm", download=False)
    assert file is not None and Path(file).exists()
    x = images.from_dicom(file)
    assert x.shape == (1, 1, 128, 128) and 0 <= x.min() < 0.2 and 0.5 < x.max() <= 1
    assert images.from_dicom(file, size=64, window=None).max() == 1


@pytest.mark.parametrize(
    "tags, words",
    [
        ({"Modality": "MR"}, "bad.dcm: expected a CT slice, got modality MR with pixels. Move files"),
        ({"Modality": "SR", "PixelData": None}, "bad.dcm: expected a CT slice, got modality SR without pixels"),
        ({"PixelData": None}, "bad.dcm: expected a CT slice, got modality CT without pixels"),
        ({"PixelData": b"\0\0"}, "bad.dcm: expected pixels that pydicom can decode"),
        ({"NumberOfFrames": 2, "PixelData": b"\0" * 16}, "bad.dcm: expected one gray slice"),
    ],
)
def test_dicom_files_that_are_no_slice(tmp_path, tags, words):
    bad = write_dicom(tmp_path / "bad.dcm", np.zeros((2, 2)), **tags)
    for path in (bad, tmp_path):
        with pytest.raises(ValueError, match=words):
            images.from_dicom(path)


def test_no_dicom(tmp_path):
    with pytest.raises(ValueError, match=r"expected DICOM files, got none in .* Give the folder"):
        images.from_dicom(tmp_path)
    note = tmp_path / "note.txt"
    note.write_text("not DICOM")
    with pytest.raises(ValueError, match=r"note.txt: expected a DICOM file, got something else.*from_folder"):
        images.from_dicom(note)
    with pytest.raises(ValueError, match="which is not there"):
        images.from_dicom(tmp_path / "absent")


# Photographs


def test_colour_photos_have_colour_and_gray_ones_none():
    assert images.photos(1, 300, seeded(), channels=3).shape == (1, 3, 300, 300)
    x = images.photos(16, 64, seeded())
    assert (x[:, 0] - x[:, 2]).abs().mean() > 0.02
    with pytest.raises(ValueError, match=r"channels: expected 1 .gray. or 3 .colour., got 2"):
        images.photos(1, channels=2)
    with pytest.raises(ValueError, match="size: expected at most 512, got 600"):
        images.photos(1, 600)


@pytest.fixture
def folder(tmp_path):
    """Two photographs: a ramp from left to right, and in a subfolder a gray one, its pixels turned by EXIF."""
    ramp = np.arange(200, dtype=np.uint8)[None, :, None].repeat(100, 0).repeat(3, 2)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    (tmp_path / "sub").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees: the left side of the stored pixels becomes the top
    Image.fromarray(ramp[..., 0]).save(tmp_path / "sub" / "B.JPG", exif=exif, quality=100)
    (tmp_path / "notes.txt").write_text("no photograph")
    return tmp_path


def test_center_crops(folder):
    x = images.from_folder(folder, size=40)
    assert x.shape == (2, 3, 40, 40)
    assert torch.equal(x[0, 0], (torch.arange(80, 120) / 255).expand(40, 40))
    assert torch.allclose(x[1, 0], x[0, 0].T, atol=0.02)
    assert images.from_folder(folder, size=40, channels=1).shape == (2, 1, 40, 40)


def test_a_list_of_files_in_the_place_of_a_folder(folder):
    files = images.files_in(folder)
    assert torch.equal(images.from_folder(files[1:], size=40), images.from_folder(folder, size=40)[1:])


def test_random_crops(folder):
    x = images.from_folder(folder, n=12, size=40, generator=seeded())
    assert x.shape == (12, 3, 40, 40) and torch.equal(x, images.from_folder(folder, n=12, size=40, generator=seeded()))
    assert len(x[:, 0, 0, 0].unique()) > 4
    steps = torch.minimum(
        (x.diff(dim=-1) * 255 - 1).abs().amax((1, 2, 3)), (x.diff(dim=-2) * 255 - 1).abs().amax((1, 2, 3))
    )
    assert steps.max() < 3  # each is a piece of one of the ramps


def test_sixteen_bits_and_transparency(tmp_path):
    Image.fromarray(np.full((8, 8), 32896, np.uint16)).save(tmp_path / "a.png")
    Image.new("RGBA", (8, 8), (128, 128, 128, 255)).save(tmp_path / "b.webp", lossless=True)
    assert torch.allclose(images.from_folder(tmp_path, size=8), torch.tensor(128 / 255))


def test_folder_errors(folder, tmp_path):
    with pytest.raises(ValueError, match=r"a.png: expected a photograph of at least 128x128 pixels, got 100x200"):
        images.from_folder(folder)
    with pytest.raises(ValueError, match=r"got no such folder: .*absent.*images.photos"):
        images.from_folder(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"expected a folder with photographs \(.jpg.*got no such files"):
        images.from_folder(tmp_path / "empty")
    (tmp_path / "aa.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(ValueError, match=r"aa.png: expected a photograph, got a file that Pillow cannot read"):
        images.from_folder(folder, size=40)
    with pytest.raises(ValueError, match="channels: expected 1"):
        images.from_folder(folder, channels=4)
