"""Damaged files for every reader: only documented errors come out, in little memory and time.

    python tests/fuzz.py --count 10000

Each input is a good file of some kind, changed by a few mutations: flipped bits, numbers at their limits, pieces cut,
doubled or swapped with another file's, another ending, members of archives damaged before they are packed again, texts
in JSON changed. Input k depends on k alone, so that `--first k --count 1` repeats it.
"""

import argparse
import io
import json
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path
from unittest import mock

import advreg_edu as ar
import numpy as np
import pydicom
import pydicom.data
import torch
from advreg_edu import images, pretrained
from advreg_edu.experiments import datasets
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless
from safetensors.torch import save

DOCUMENTED = (ValueError, TypeError, OSError)
SECONDS, MEGABYTES, LETTERS = 5, 300, 300
SETTINGS = 600  # letters where all that differs between two trainings is listed
STRANGE = [0, -1, 10**9, 10**30, 1e308, None, "x", [], [10**6], [4] * 10_000, {}, True, [[1]], 0.5]
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def good_files():
    """{name: bytes}, at least one of every kind that is read."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    files = {}
    pictures = {"RGB": pixels, "L": pixels[..., 0], "I;16": pixels[..., 0].astype(np.uint16) * 257}
    for kind, array in pictures.items():
        for ending in ("png", "tif") if kind == "I;16" else ("png", "jpg", "tif", "bmp", "webp", "gif"):
            files[f"{kind[0]}.{ending}"] = saved(Image.fromarray(array), ending)
    files["alpha.png"] = saved(Image.fromarray(pixels).convert("RGBA"), "png")
    files["palette.png"] = saved(Image.fromarray(pixels).convert("P"), "png", transparency=3)
    files["bits.png"] = saved(Image.fromarray(pixels[..., 0] > 99), "png")
    files["float.tif"] = saved(Image.fromarray((pixels[..., 0] / 255).astype(np.float32)), "tif")
    files["packed.tif"] = saved(Image.fromarray(pixels), "tif", compression="tiff_lzw")
    files["cmyk.jpg"] = saved(Image.fromarray(pixels).convert("CMYK"), "jpg")
    files["progressive.jpg"] = saved(Image.fromarray(pixels), "jpg", progressive=True)
    exif, text = Image.Exif(), PngInfo()
    exif[0x0112], exif[0x010E] = 6, "turned"
    text.add_itxt("words", "packed" * 9, zip=True)
    files["exif.jpg"] = saved(Image.fromarray(pixels), "jpg", exif=exif)
    files["exif.png"] = saved(Image.fromarray(pixels), "png", exif=exif, pnginfo=text)
    for ending in ("gif", "png", "webp"):
        others = [Image.fromarray(pixels[::-1])]
        files[f"moving.{ending}"] = saved(Image.fromarray(pixels), ending, save_all=True, append_images=others)
    for name, array in {"gray": pixels[..., 0] / 255, "rgb": pixels, "half": (pixels / 255).astype(np.float16)}.items():
        files[f"{name}.npy"] = written(np.save, array)
    files["columns.npy"] = written(np.save, np.asfortranarray(pixels[..., 0] / 255))
    slices = np.random.default_rng(1).integers(-1000, 1000, (4, 24, 24)).astype(np.int16)
    labels = dict(patient_id=np.array(list("abcd")), split=np.array(["train"] * 3 + ["val"]))
    files["plain.npz"] = written(np.savez, hu=slices, **labels)
    files["packed.npz"] = written(np.savez_compressed, hu=slices.astype(np.float32), **labels)
    files |= dicom_files()
    for name, network in {
        "paper": ar.PaperCritic(1, 8),
        "local": ar.LocalCritic(1, widths=(4, 8)),
        "unet": ar.UNet(3, (4, 4)),
    }.items():
        made = json.dumps({"class": type(network).__name__, "arguments": network.arguments})
        files[f"{name}.safetensors"] = save(network.state_dict(), {"network": made})
    files["weights.json"] = (pretrained.folder() / "weights.json").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        steps = training(Path(folder) / "a.checkpoint")
        next(steps)
        steps.close()
        files["a.checkpoint"] = (Path(folder) / "a.checkpoint").read_bytes()
    return files


def training(checkpoint, resume=False):
    """A small one, checked but not begun."""
    torch.manual_seed(0)
    critic, problem = ar.LocalCritic(1, widths=(4, 4)), ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    x = images.ellipses(4, 16, torch.Generator().manual_seed(0))
    return ar.train_critic(critic, problem, x, steps=2, batch_size=2, seed=0, checkpoint=checkpoint, resume=resume)


def index(path):
    """Names and cards by a weights.json that is not ours."""
    with mock.patch.object(pretrained, "folder", lambda: path.parent):
        pretrained.unet_names()
        for name in pretrained.names():
            ar.load_critic(name)


def saved(image, ending, **options):
    file = io.BytesIO()
    image.save(file, {"jpg": "jpeg", "tif": "tiff"}.get(ending, ending), **options)
    return file.getvalue()


def written(write, *arrays, **named):
    file = io.BytesIO()
    write(file, *arrays, **named)
    return file.getvalue()


def dicom_files():
    """A small slice: as it is, in run lengths, deflated, as a JPEG; and the one that pydicom brings."""
    whole = Path(pydicom.data.get_testdata_file("CT_small.dcm"))
    files = {"whole.dcm": whole.read_bytes()}
    kinds = {"plain": None, "lengths": RLELossless, "deflated": DeflatedExplicitVRLittleEndian}
    for name, syntax in (kinds | {"jpeg": JPEGBaseline8Bit}).items():
        data = pydicom.dcmread(whole)
        data.PixelData = np.ascontiguousarray(data.pixel_array[:32, :32]).tobytes()
        data.Rows = data.Columns = 32
        data["PixelData"].VR = "OW"
        if syntax == RLELossless:
            data.compress(syntax)
        elif syntax == JPEGBaseline8Bit:
            data.PixelData = encapsulate([saved(Image.new("L", (32, 32), 99), "jpg")])
            data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
            data["PixelData"].is_undefined_length, data.file_meta.TransferSyntaxUID = True, syntax
        elif syntax:
            data.file_meta.TransferSyntaxUID = syntax
        file = io.BytesIO()
        data.save_as(file)
        files[f"{name}.dcm"] = file.getvalue()
    return files


def mutated(files, dice):
    """A name and the bytes of a file that is damaged in one to four ways."""
    name = dice.choice(sorted(files))
    content = files[name]
    if name.endswith(".npz") and dice.random() < 0.5:
        content = repacked(content, dice)
    if name.endswith((".safetensors", ".checkpoint")) and dice.random() < 0.6:
        content = relabelled(content, dice)
    elif name.endswith(".json") and dice.random() < 0.6:
        content = reworded(content, dice)
    elif dice.random() < 0.95:
        for _ in range(dice.randint(1, 4)):
            content = damaged(content, files, dice)
    ending = dice.choice([".png", ".jpg", ".npy", ".npz", ".dcm", ".safetensors", ".tif", ""])
    return (Path(name).stem + ending if dice.random() < 0.1 else name), content


def damaged(content, files, dice):
    content, how = bytearray(content), dice.randrange(6)
    head = min(len(content), 400)  # where damage says most
    place = dice.randrange(head if dice.random() < 0.7 else len(content)) if content else 0
    if how == 0 and content:
        content[place] ^= 1 << dice.randrange(8)
    elif how == 1:
        number = dice.choice(EXTREMES)
        number = struct.pack(dice.choice("<>") + ("B" if number < 256 else "H" if number < 65536 else "I"), number)
        content[place : place + len(number)] = number
    elif how == 2:
        content = content[:place]
    elif how == 3:
        other = files[dice.choice(sorted(files))]
        content[:place] = other[:place]
    elif how == 4:
        length = dice.randint(1, 64)
        content[place : place + length] = b"" if dice.random() < 0.5 else content[place : place + length] * 3
    else:
        content[place : place + 8] = dice.randbytes(dice.randint(1, 16))
    return bytes(content)


def repacked(content, dice):
    """An archive with one member damaged, sound in itself."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        victim = dice.choice(old.namelist())
        for name in old.namelist():
            member = old.read(name)
            new.writestr(name, damaged(member, {"a": member}, dice) if name == victim else member)
    return out.getvalue()


def relabelled(content, dice):
    """Weights whose metadata say something else, in sound JSON or not."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    key = dice.choice(sorted(header["__metadata__"]))
    made = json.loads(header["__metadata__"][key])
    how = dice.randrange(4)
    if how == 0:
        made = replaced(made, dice)
    elif how == 1:
        made = dice.choice(STRANGE)
    label = json.dumps(made)
    if how == 2:
        label = damaged(label.encode(), {"a": b"{}"}, dice).decode("latin1")
    elif how == 3:
        label = dice.choice(["[" * 100_000, "{" * 5000, '{"a":' * 50_000, "", "null", "{}", "1e999"])
    header["__metadata__"][key] = label
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def reworded(content, dice):
    """JSON in which one entry is another."""
    return json.dumps(replaced(json.loads(content), dice)).encode()


def replaced(value, dice):
    """`value` with one thing in it, at any depth, strange."""
    if not isinstance(value, dict | list) or not value or dice.random() < 0.2:
        return dice.choice(STRANGE)
    keys = sorted(value) if isinstance(value, dict) else range(len(value))
    key = dice.choice(keys)
    changed = value.copy()
    changed[key] = replaced(value[key], dice)
    return changed


def read(path):
    """Every reader that a file of that ending may meet."""
    calls = [lambda: images.from_file(path, 16), lambda: images.from_dicom(path)]
    calls += [lambda: images.from_folder([path], 1, 16), lambda: images.from_bytes(path.name, path.read_bytes(), 8, 1)]
    calls += [
        lambda: datasets.chest(path, "train", 8),
        lambda: ar.load_critic(path),
        lambda: pretrained.load_unet(path),
        lambda: training(path, resume=True).close(),
        lambda: index(path),
    ]
    by_ending = {".npz": (0, 4), ".npy": (0, 3), ".safetensors": (5, 6), ".dcm": (0, 1), "": (0, 1)}
    by_ending |= {".checkpoint": (7,), ".json": (8,)}
    for k in by_ending.get(path.suffix, (0, 2)):
        yield calls[k]


def fuzz(first, count, folder):
    """Read inputs first, ..., first + count - 1; return the broken promises as texts, and a count of outcomes."""
    files, broken, outcomes = good_files(), [], {"read": 0, "refused": 0}
    for name, content in files.items():  # also loads what is imported late, before memory is measured
        outcome(folder, name, content, outcomes)
    before = peak()
    for k in range(first, first + count):
        name, content = mutated(files, random.Random(k))
        broken += [f"input {k}, {name}: {words}" for words in outcome(folder, name, content, outcomes)]
        if peak() - before > MEGABYTES:
            broken.append(f"input {k}, {name}: {peak() - before} MB")
            before = peak()
    return broken, outcomes


def outcome(folder, name, content, outcomes):
    """Write one input, read it, and yield what went wrong."""
    path = Path(folder) / name
    path.write_bytes(content)
    for call in read(path):
        start = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call()
            outcomes["read"] += 1
        except DOCUMENTED as error:
            outcomes["refused"] += 1
            message = str(error)
            most = SETTINGS if "the same settings" in message else LETTERS
            if len(message) > most or not message.isprintable() or "expected" not in message:
                yield f"unclear: {type(error).__name__} {message[:400]!r}"
        except Exception as error:  # the very thing that is looked for
            yield f"raw: {type(error).__name__} {error!s:.200}"
        if time.process_time() - start > SECONDS:
            yield f"{time.process_time() - start:.1f} s"
    path.unlink()


def peak():
    """Most memory so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 2**20)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broken, outcomes = fuzz(arguments.first, arguments.count, folder)
    print(*broken, f"{arguments.count} inputs: {outcomes}, {len(broken)} broken promises", sep="\n")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
