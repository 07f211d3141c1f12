"""Files as they are found and as nobody should send them: the right numbers, or one line that says what is wrong."""

import json
import struct
import subprocess
import sys
import warnings
import zipfile

import advreg_edu as ar
import fuzz
import numpy as np
import pydicom
import pytest
import torch
from advreg_edu import images
from advreg_edu.apps.shared import scenes
from advreg_edu.experiments import datasets
from advreg_edu.images import _pillow
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEGLosslessSV1, JPEGLSLossless
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from test_images import write_dicom

WATER, BONE, AIR = 1024, 2024, 24  # stored, with an intercept of -1024


def slice_of(path, stored=((WATER, BONE), (AIR, WATER)), **tags):
    return write_dicom(path, stored, **{"RescaleIntercept": -1024} | tags)


# DICOM


@pytest.mark.parametrize("declared", ["SS", "US", None])
def test_padding_never_sets_a_scale(tmp_path, declared):
    path = slice_of(tmp_path / "a", [[WATER, BONE], [AIR, -2000]])
    if declared:
        data = pydicom.dcmread(path)
        data.add_new("PixelPaddingValue", declared, -2000 if declared == "SS" else 63536)
        data.save_as(path)
    assert images.from_dicom(path, window=None)[0, 0, 0, 0].item() == pytest.approx(0.5059, abs=1e-4)


def test_padding_signed_for_unsigned_pixels(tmp_path):
    stored = np.array([[1024, 2024], [24, 63536]], np.uint16).astype(np.int16)
    path = slice_of(tmp_path / "a", stored, PixelRepresentation=0)
    data = pydicom.dcmread(path)
    data.add_new("PixelPaddingValue", "SS", -2000)
    data.save_as(path)
    assert images.from_dicom(path).flatten().tolist() == pytest.approx([0.5, 1, 0, 0])


@pytest.mark.parametrize("where", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
def test_an_enhanced_slice_keeps_its_scale_in_groups(tmp_path, where):
    scale, group = Dataset(), Dataset()
    scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = 1, -1024, "HU"
    group.PixelValueTransformationSequence = Sequence([scale])
    tags = {"RescaleSlope": None, "RescaleIntercept": None, "NumberOfFrames": 1, where: Sequence([group])}
    assert images.from_dicom(write_dicom(tmp_path / "a", [[WATER, AIR]], **tags)).flatten().tolist() == [0.5, 0]


REFUSED = [
    ({"RescaleSlope": None, "RescaleIntercept": None}, r"no RescaleSlope and no RescaleIntercept\. .*rescale="),
    ({"RescaleIntercept": None}, "no RescaleIntercept"),
    ({"RescaleSlope": 0}, "expected a RescaleSlope that is not 0"),
    ({"RescaleSlope": ""}, "RescaleSlope of 1 finite number, got nothing"),
    ({"RescaleIntercept": [1, 2]}, "RescaleIntercept of 1 finite number, got 1"),
    ({"RescaleType": "US"}, "expected RescaleType HU, got US"),
    ({"ImagePositionPatient": [1, 2]}, "ImagePositionPatient of 3 finite numbers, got 1"),
    ({"ImagePositionPatient": ""}, "ImagePositionPatient of 3 finite numbers, got nothing"),
    ({"InstanceNumber": [1, 2]}, "InstanceNumber of 1 finite number"),
    ({"PixelPaddingValue": [1, 2]}, "PixelPaddingValue of 1 finite number"),
    ({"PixelSpacing": [0, 1]}, "a PixelSpacing of two positive numbers"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, r"a scout view \(LOCALIZER\)"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "a screenshot"),
    ({"ModalityLUTSequence": Sequence([Dataset()])}, r"a table \(ModalityLUTSequence\)"),
    ({"Rows": 60_000, "Columns": 60_000}, "got 60000x60000"),
]


@pytest.mark.parametrize("tags, words", REFUSED)
def test_dicom_files_that_do_not_say_what_they_mean(tmp_path, tags, words):
    with pytest.raises(ValueError, match=rf"bad\.dcm: .*{words}") as raised:
        images.from_dicom(slice_of(tmp_path / "bad.dcm", **tags))
    assert len(str(raised.value)) <= 300


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEGLosslessSV1])
def test_a_missing_decoder_is_named(tmp_path, syntax):
    data = pydicom.dcmread(slice_of(tmp_path / "a.dcm"))
    data.file_meta.TransferSyntaxUID, data.PixelData = syntax, encapsulate([b"\xff\xd8\xff\xf7"])
    data["PixelData"].is_undefined_length = True
    data.save_as(tmp_path / "a.dcm")
    with pytest.raises(ValueError, match=r"a\.dcm: .*no decoder for JPEG.*pip install pylibjpeg"):
        images.from_dicom(tmp_path / "a.dcm")


def test_the_caller_may_say_the_scale(tmp_path):
    path = write_dicom(tmp_path / "a", [[WATER, AIR]], RescaleSlope=None, RescaleIntercept=None)
    assert images.from_dicom(path, rescale=(1, -1024)).flatten().tolist() == [0.5, 0]
    with pytest.raises(TypeError, match="rescale: expected two numbers, got 3"):
        images.from_dicom(path, rescale=3)


def test_what_is_no_slice_is_left_out_of_a_folder_and_counted(tmp_path):
    for k in range(3):
        slice_of(tmp_path / f"{k}.dcm", ImagePositionPatient=[0, 0, k])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (tmp_path / "DICOMDIR").write_bytes(b"index")
        (tmp_path / "._0.dcm").write_bytes(b"macOS")
        assert len(images.from_dicom(tmp_path)) == 3
    for modality in ("DX", "SR", "SEG"):
        slice_of(tmp_path / f"{modality}.dcm", Modality=modality)
    (tmp_path / "a_page.html").write_text("<html>")
    (tmp_path / "a_void.dcm").touch()
    with pytest.warns(
        UserWarning, match=r"left out 5 of 8 files: a_page.*a_void.*empty file.*DX\.dcm .modality DX.*and 2 more"
    ) as seen:
        assert len(images.from_dicom(tmp_path)) == 3
    assert len(seen) == 1


@pytest.mark.parametrize("axes, normal", [([0, 1, 0, 0, 0, -1], 0), ([1, 0, 0, 0, 0, -1], 1), ([1, 0, 0, 0, 1, 0], 2)])
def test_slices_of_any_orientation_are_in_order(tmp_path, axes, normal):
    levels = [0, 2, 1]
    for name, level in zip("abc", levels, strict=True):
        place = [5.0, 5.0, 5.0]
        place[normal] = 3.0 * level
        tags = dict(ImageOrientationPatient=axes, ImagePositionPatient=place)
        slice_of(tmp_path / name, np.full((2, 2), WATER + 100 * level), **tags)
    found = images.from_dicom(tmp_path)[:, 0, 0, 0].tolist()
    assert found == pytest.approx([0.5, 0.55, 0.6]) or found == pytest.approx([0.6, 0.55, 0.5])


def test_pixels_become_square(tmp_path):
    x = images.from_dicom(slice_of(tmp_path / "a", np.full((4, 8), WATER), PixelSpacing=[2, 1]))
    assert x.shape == (1, 1, 8, 8) and (x == 0.5).all()


def test_arrays_of_hounsfield_units_of_any_layout_and_windows_that_give_nan():
    hu = np.arange(16).reshape(4, 4).astype(np.int16) * 10
    expected = images.from_hounsfield(hu)
    assert torch.equal(images.from_hounsfield(hu.astype(">i2")), expected)
    assert torch.equal(images.from_hounsfield(hu[:, ::-1]), expected.flip(-1))
    with pytest.raises(ValueError, match=r"window\[0\]: expected a finite number"):
        images.from_hounsfield(hu, window=(-1e308, 1e308))


# photographs


@pytest.mark.parametrize(
    "pixels, options, level",
    [
        (np.full((9, 9), 0.25, np.float32), {}, 0.25),
        (np.full((9, 9), 2048, np.uint16), {}, 2048 / 4095),
        (np.full((9, 9), 13107, np.uint16), {"tiffinfo": {262: 0}}, 0.8),
        (np.full((9, 9), 32896, np.uint16), {}, 128 / 255),
    ],
)
@pytest.mark.filterwarnings("ignore:.*taken for 12 bits")
def test_deep_photographs(tmp_path, pixels, options, level):
    Image.fromarray(pixels).save(tmp_path / "a.tif", **options)
    assert images.from_file(tmp_path / "a.tif", 8).mean().item() == pytest.approx(level, abs=1e-5)
    assert images.from_folder(tmp_path, size=8).mean().item() == pytest.approx(level, abs=1e-5)


def test_photographs_whose_scale_nobody_knows_are_refused(tmp_path):
    for name, array, words in (
        ("int.tif", np.full((9, 9), 65535, np.int32), "32-bit integers"),
        ("float.tif", np.full((9, 9), 7, np.float32), "7 to 7"),
        ("nan.tif", np.full((9, 9), np.nan, np.float32), "nan"),
    ):
        Image.fromarray(array).save(tmp_path / name)
        with pytest.raises(ValueError, match=rf"{name}: expected .*{words}"):
            images.from_file(tmp_path / name, 8)


def test_what_is_transparent_is_white(tmp_path):
    Image.new("RGBA", (9, 9), (200, 0, 0, 0)).save(tmp_path / "a.png")
    assert images.from_file(tmp_path / "a.png", 8).min() == 1
    assert images.from_folder(tmp_path, size=8).min() == 1


def test_hidden_files_are_no_photographs(tmp_path):
    for name in ("a.png", ".ipynb_checkpoints/0-checkpoint.png", "__MACOSX/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (9, 9)).save(tmp_path / name)
    (tmp_path / "._a.png").write_bytes(b"macOS")
    assert len(images.from_folder(tmp_path, size=8)) == 1
    with pytest.raises(ValueError, match="got an empty list"):
        images.from_folder([])


@pytest.mark.parametrize("name", ["1.3.6.1.4.1", "IM-0001.0001", "scan.png"])
def test_content_counts_and_not_the_name(tmp_path, name):
    path = slice_of(tmp_path / name, np.full((8, 8), WATER))
    assert (images.from_file(path, 8) == 0.5).all()


@pytest.mark.parametrize("ending", ["tif", "bmp", "webp", "jfif", "gif"])
def test_endings(tmp_path, ending):
    Image.new("L", (9, 9), 255).save(tmp_path / f"a.{ending}", None if ending != "jfif" else "jpeg")
    assert images.from_file(tmp_path / f"a.{ending}", 8).min() == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crops_are_cut_from_the_upright_photograph(tmp_path, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    i, j = ((n - 10) // 2 for n in upright.shape)
    x = images.from_folder(tmp_path, size=10, channels=1)[0, 0] * 255
    assert np.array_equal(x.round().numpy(), upright[i : i + 10, j : j + 10])


MEASURE = """
import resource, sys
from advreg_edu import images
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
images.from_file(sys.argv[1], 16), images.from_folder([sys.argv[1]], 1, 16)
before = peak()
for path in sys.argv[2:]:
    images.from_file(path, 128), images.from_folder([path], 2, 128)
    print(peak() - before)
"""


def test_large_photographs_take_little_memory(tmp_path):
    Image.new("L", (20, 20)).save(tmp_path / "small.png")
    Image.new("1", (9000, 9000)).save(tmp_path / "bits.png")
    Image.new("RGB", (8000, 6000)).save(tmp_path / "large.jpg")
    names = [str(tmp_path / name) for name in ("small.png", "bits.png", "large.jpg")]
    done = subprocess.run([sys.executable, "-c", MEASURE, *names], capture_output=True, text=True, check=True)
    assert max(map(float, done.stdout.split())) < 300
    Image.new("RGB", (8000, 8000)).save(tmp_path / "bomb.png")
    with pytest.raises(
        ValueError,
        match=r"bomb\.png: expected a photograph .* at most 240 MB and 100 .*, got 8000x8000",
    ):
        images.from_file(tmp_path / "bomb.png")
    Image.new("RGB", (8000, 6500)).save(tmp_path / "whole.jpg", progressive=True, subsampling=0)
    with pytest.raises(ValueError, match=r"whole\.jpg: expected .* at most 240 MB and .*, got 8000x6500"):
        images.from_file(tmp_path / "whole.jpg")
    Image.new("P", (11000, 11000)).save(tmp_path / "moving.gif")  # a second picture would take as much again
    with pytest.raises(ValueError, match=r"moving\.gif: expected .* at most 240 MB and .*, got 11000x11000"):
        images.from_file(tmp_path / "moving.gif")


@pytest.mark.parametrize("mode", ["P", "L", "1"])
def test_photographs_of_many_small_pixels_are_refused_before_they_cost_seconds(tmp_path, mode, monkeypatch):
    """13340x13340 with a palette took 8 s, in little memory."""
    monkeypatch.setattr(_pillow, "MOST_PIXELS", 99)
    Image.new(mode, (10, 10)).save(tmp_path / "many.png")
    for read in (images.from_file, lambda path, size: images.from_folder([path], 1, size)):
        with pytest.raises(ValueError, match=r"many\.png: expected .* got 10x10 pixels, 0 MB\. Save it with fewer"):
            read(tmp_path / "many.png", 8)


def test_a_jpeg_in_a_dicom_file_that_claims_to_be_huge_is_refused(tmp_path):
    content = bytearray(fuzz.good_files()["jpeg.dcm"])
    (tmp_path / "a.dcm").write_bytes(content)
    assert images.from_dicom(tmp_path / "a.dcm").shape == (1, 1, 32, 32)
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = b"\xff" * 4  # rows and columns
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.dcm: expected pixels that pydicom can decode, got"):
        images.from_dicom(tmp_path / "a.dcm")


def test_a_progressive_jpeg_without_samples_is_refused(tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "a.jpg", progressive=True)
    content = bytearray((tmp_path / "a.jpg").read_bytes())
    frame = content.index(b"\xff\xc2")
    for k in range(3):
        content[frame + 11 + 3 * k] = 0  # of each colour, the samples across and down
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.jpg: expected a photograph, got"):
        images.from_file(tmp_path / "a.jpg", 8)


# arrays, archives, weights


HEADERS = {
    "without sense": "5",
    "keys that cannot be keys": "{[1]: 2}",
    "keys that cannot be sorted": "{5: 1, 'descr': 2}",
    "an empty dtype": "{'descr': (), 'fortran_order': False, 'shape': (1,)}",
    "indented": "  a\n b\n  c",
    "an open bracket": "[" * 300,
    "nested": "-" * 5000 + "1",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_that_is_none(header, tmp_path):
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(64)
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"^a\.npy: expected a NumPy array, got "):
        images.from_file(tmp_path / "a.npy", 8)


@pytest.mark.parametrize("method", [9, 12, 14, 99])
def test_an_archive_packed_in_another_way_than_it_says(method, tmp_path):
    labels = dict(patient_id=np.array(["a"]), split=np.array(["train"]))
    np.savez(tmp_path / "a.npz", hu=np.zeros((1, 8, 8)), **labels)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    start, entry = content.index(b"\x93NUMPY"), content.index(b"PK\1\2")
    content[8], content[entry + 10] = method, method
    content[start : start + 5] = b"\x09\x05\x05\x00\xff"  # for LZMA, options that it does not have
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz.*: expected "):
        datasets.chest(tmp_path / "a.npz", "train", 8)


def test_headers_that_claim_more_than_there_is(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((40, 40)))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(40, 40)", b"(99, 99)"))
    with pytest.raises(ValueError, match=r"a\.npy: expected a NumPy array, got a header of shape"):
        images.from_file(tmp_path / "a.npy", 8)
    whose = dict(patient_id=np.array(["a", "b"]), split=np.array(["train", "train"]))
    (tmp_path / "a.npy").write_bytes(content)
    (tmp_path / "b.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"b\.npz: expected an \.npz file"):
        datasets.chest(tmp_path / "b.npz", "train")
    with (
        zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("hu.npy", "w") as file,
    ):
        np.lib.format.write_array_header_1_0(file, dict(descr="<i2", fortran_order=False, shape=(2, 9000, 9000)))
        for _ in range(324):
            file.write(b"\0" * 1_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "a") as archive:
        for key, array in whose.items():
            np.save(tmp_path / "m.npy", array)
            archive.write(tmp_path / "m.npy", f"{key}.npy")
    with pytest.raises(ValueError, match=r"bomb\.npz: expected .* bytes that claim to hold 324"):
        datasets.chest(tmp_path / "bomb.npz", "train")
    np.savez(tmp_path / "nan.npz", hu=np.full((2, 8, 8), np.nan), **whose)
    with pytest.raises(ValueError, match=r"nan\.npz, array hu: expected finite numbers"):
        datasets.chest(tmp_path / "nan.npz", "train", 8)


STRANGE = [
    ({"class": "LocalCritic", "arguments": {"channels": 1, "widths": []}}, "arguments of a LocalCritic"),
    ({"class": "LocalCritic", "arguments": {"channels": 10**9}}, "channels 1000000000 for"),
    ({"class": "LocalCritic", "arguments": {"widths": [4] * 10**5}}, "widths"),
    ({"class": "PaperCritic", "arguments": {"size": 10**5}}, "size 100000 for"),
    ({"class": "LocalCritic", "arguments": {"colour": 1}}, "arguments of a LocalCritic"),
    ({"class": ["LocalCritic"], "arguments": {}}, "written by save_network"),
    ({"class": "LocalCritic"}, "written by save_network"),
    ("{" * 5000, "broken JSON"),
    ('{"a":' * 50_000, "broken JSON"),
]


@pytest.mark.parametrize("made, words", STRANGE)
def test_weights_that_ask_for_something_else(tmp_path, made, words):
    label = made if isinstance(made, str) else json.dumps(made)
    save_file(ar.LocalCritic(1, widths=(4, 8)).state_dict(), tmp_path / "w.safetensors", {"network": label})
    with pytest.raises(ValueError, match=rf"w\.safetensors: expected .*{words}") as raised:
        ar.load_critic(tmp_path / "w.safetensors")
    assert len(str(raised.value)) <= 300


def test_weights_that_cannot_be_used(tmp_path):
    critic, path = ar.LocalCritic(1, widths=(4, 8)), tmp_path / "w.safetensors"
    ar.pretrained.save_network(critic, path)
    tensors, made = load_file(path), safe_open(path, "pt").metadata()
    next(value for name, value in tensors.items() if name.startswith("unet"))[0] = torch.nan
    save_file(tensors, path, made)
    with pytest.raises(ValueError, match=r"w\.safetensors: expected finite weights, got a NaN or an infinity in unet"):
        ar.load_critic(path)
    content = path.read_bytes()
    path.write_bytes(struct.pack("<Q", 10**15) + content[8:])
    with pytest.raises(ValueError, match=r"w\.safetensors: expected a safetensors file, got a damaged one"):
        ar.load_critic(path)
    with pytest.raises(TypeError, match=r"name: expected the name of a network, got None\. Pass one of ct-"):
        ar.load_critic(None)
    with pytest.raises(TypeError, match=r"got a LocalCritic\. It is loaded already"):
        ar.load_critic(critic)


def test_an_upload_that_is_not_there_has_no_code():
    from advreg_edu.apps.reconstruction.model import Settings

    with pytest.raises(ValueError, match="image: expected a file, got none"):
        scenes.image_code(Settings(image=scenes.FILE))


def test_empty_and_unnamed_files_are_called_so():
    with pytest.raises(ValueError, match=r"a\.png: expected an image, got an empty file"):
        images.from_bytes("a.png", b"")
    with pytest.raises(ValueError, match=r"^x+\.png: .{1,220}$|^\.\.\.") as raised:
        images.from_bytes("x" * 5000 + ".png", b"\x89PNG\r\n\x1a\n\0\1\2")
    assert len(str(raised.value)) <= 300 and "object at" not in str(raised.value) and str(raised.value).isprintable()


def test_damaged_files_of_every_kind(tmp_path):
    """600 of the inputs that `python tests/fuzz.py` makes."""
    broken, outcomes = fuzz.fuzz(0, 600, tmp_path)
    assert not broken and min(outcomes.values()) > 100
