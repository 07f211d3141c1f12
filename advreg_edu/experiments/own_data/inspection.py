"""Look before you train: how many images, of whom, how large, how bright, which are there twice, what is left out."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ... import images
from ..._input.messages import refused
from ...drawing import charts
from ...drawing.looks import font
from ...drawing.panels import Panel, Picture
from .found import PHOTOGRAPHS, SIDE, SLICES, Found, each_image

BINS = {SLICES: (-1024.0, 3072.0, 128), PHOTOGRAPHS: (0.0, 1.0, 64)}  # first, last, count
UNITS = {SLICES: "Hounsfield units", PHOTOGRAPHS: "gray value"}
SHOWN, LETTERS = 36, 72  # images on a contact sheet; of a reason


@dataclass(frozen=True)
class Entry:
    """What is kept of an image: no more than a few kilobytes."""

    name: str
    patient: str
    shape: tuple[int, int]
    digest: bytes
    thumbnail: np.ndarray  # (64, 64, C) bytes
    clipped: tuple[float, float]  # share of the pixels below and above the window of the course


@dataclass(frozen=True, repr=False)
class Inspection:
    """What is at a path; `print` gives the report, `sheet()` and `histogram()` the pictures."""

    path: str
    kind: str
    entries: tuple[Entry, ...]  # slices by patient and place, photographs by name
    left_out: dict[str, str]  # file: why
    counts: np.ndarray  # of the histogram of all pixels

    @cached_property
    def patients(self) -> dict[str, int]:
        """{patient: number of images}; a photograph counts as its own patient."""
        return dict(sorted(Counter(entry.patient for entry in self.entries).items()))

    @cached_property
    def twins(self) -> list[list[str]]:
        """The names of images with the same pixels."""
        same: dict[bytes, list[str]] = {}
        for entry in self.entries:
            same.setdefault(entry.digest, []).append(f"{entry.name} of {entry.patient}")
        return [names for names in same.values() if len(names) > 1]

    @property
    def sizes(self) -> dict[str, int]:
        """{"HxW": number of images}, the most frequent first."""
        return dict(Counter("{}x{}".format(*entry.shape) for entry in self.entries).most_common())

    def histogram(self, height: int = 260) -> charts.Chart:
        """Share of the pixels at each value, over all images, on a logarithmic scale."""
        low, high, count = BINS[self.kind]
        places = low + (high - low) * (np.arange(count) + 0.5) / count
        share = self._share()
        marks = dict(zip(("window, low", "window, high"), images.WINDOW, strict=True)) if self.kind == SLICES else {}
        seen = np.maximum(share, share[share > 0].min())
        return charts.curves(
            {"share of the pixels": seen.tolist()},
            log=["share of the pixels"],
            x=places.tolist(),
            axis=UNITS[self.kind],
            marks=marks,
            height=height,
        )

    def sheet(self, most: int = SHOWN) -> Picture:
        """A contact sheet, the same number of images of each patient as far as they go, each with its number."""
        chosen = self._chosen(most)
        columns = math.ceil(math.sqrt(len(chosen)))
        cell = 2 * SIDE if columns <= 4 else SIDE + SIDE // 2
        sheet = Image.new("RGB", (columns * cell, columns * cell), "white")
        for k, entry in enumerate(chosen):
            sheet.paste(_stamp(entry, cell), (k % columns * cell, k // columns * cell))
        means = [entry.thumbnail.mean() / 255 for entry in chosen]
        alt = (
            f"Contact sheet of {len(chosen)} of {len(self.entries)} {self.kind}, of "
            f"{len({entry.patient for entry in chosen})} {self._whose}; mean intensity {min(means):.2f} to "
            f"{max(means):.2f}, where 0 is black and 1 is white: "
            + ", ".join(f"{entry.patient} {mean:.2f}" for entry, mean in zip(chosen, means, strict=True))
        )
        title = f"{len(chosen)} of {len(self.entries)} {self.kind}"
        return Picture((Panel(sheet, title),), alt + ".", side=columns * cell)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    @property
    def _whose(self) -> str:
        return "patients" if self.kind == SLICES else "files"

    def _lines(self) -> Iterator[str]:
        counts = self.patients.values()
        of_each = f"{min(counts)} to {max(counts)} each" if len(set(counts)) > 1 else f"{min(counts)} each"
        yield f"{self.path}: {len(self.entries)} {self.kind} of {len(self.patients)} {self._whose} ({of_each})"
        yield "sizes: " + ", ".join(f"{size} ({count})" for size, count in self.sizes.items())
        low, high = self._middle()
        yield f"values: 98 % of the pixels lie between {low:.4g} and {high:.4g} {UNITS[self.kind]}"
        if self.kind == SLICES:
            below, above = np.mean([entry.clipped for entry in self.entries], axis=0)
            ends = f"{images.WINDOW[0]:g} to {images.WINDOW[1]:g}"
            yield f"window {ends}: {below:.1%} of the pixels lie below and become 0, {above:.2%} above and become 1"
        for names in self.twins:
            yield "the same pixels: " + ", ".join(names)
        yield f"left out: {len(self.left_out)} of {len(self.left_out) + len(self.entries)} files"
        for name, why in self.left_out.items():
            yield f"  {name}: {why}"

    def _share(self) -> np.ndarray:
        return np.asarray(self.counts / self.counts.sum())

    def _middle(self) -> tuple[float, float]:
        """The values between which 98 % of the pixels lie, to the width of a bin."""
        low, high, count = BINS[self.kind]
        below = self._share().cumsum()
        ends = np.searchsorted(below, (0.01, 0.99)) + np.array([0, 1])
        first, last = low + (high - low) * ends / count
        return float(first), float(last)

    def _chosen(self, most: int) -> list[Entry]:
        """Of each patient the middle image first, then others in turn."""
        of: dict[str, list[Entry]] = {}
        for entry in self.entries:
            of.setdefault(entry.patient, []).append(entry)
        middle_first = {p: sorted(e, key=lambda x: abs(e.index(x) - len(e) // 2)) for p, e in of.items()}
        rounds = max(len(entries) for entries in of.values())
        turns = [entries[k] for k in range(rounds) for entries in middle_first.values() if k < len(entries)]
        return sorted(turns[:most], key=lambda entry: (entry.patient, entry.name))


def inspect(path: Path | str) -> Inspection:
    """Read every file at `path` once and report; nothing is trained, written or changed.

    Args: path, a folder of CT slices (DICOM) or of photographs with its subfolders, or an .npz file with the arrays hu
        (n, H, W) in Hounsfield units and patient_id (n,). In a mixed folder the more frequent kind counts, and the
        files of the other are left out. Raises ValueError for a path without images.

    >>> import pydicom.data
    >>> print(inspect(pydicom.data.get_testdata_file("CT_small.dcm")))
    CT_small.dcm: 1 CT slices of 1 patients (1 each)
    sizes: 128x128 (1)
    values: 98 % of the pixels lie between -896 and 1088 Hounsfield units
    window -1000 to 1000: ...% of the pixels lie below and become 0, ...% above and become 1
    left out: 0 of 1 files
    """
    found: dict[str, list[tuple[tuple, Entry]]] = {SLICES: [], PHOTOGRAPHS: []}
    counts = {kind: np.zeros(count, np.int64) for kind, (_, _, count) in BINS.items()}
    left_out = {}
    for image in each_image(path):
        if isinstance(image, tuple):
            left_out[image[0]] = image[1].got[:LETTERS]
            continue
        low, high, count = BINS[image.kind]
        counts[image.kind] += np.histogram(image.values, bins=count, range=(low, high))[0]
        found[image.kind].append(((image.order, image.name), _entry(image)))
    kind = max(found, key=lambda k: len(found[k]))
    other = next(k for k in found if k != kind)
    if not found[kind]:
        got = f"{len(left_out)} other files" if left_out else "an empty folder"
        raise refused("path", "CT slices or photographs", f"{got} in {path}", "Give the folder that holds them.")
    left_out |= {entry.name: f"one of the {other} among {kind}" for _, entry in found[other]}
    entries = [entry for _, entry in sorted(found[kind], key=lambda pair: pair[0])]
    return Inspection(Path(path).name, kind, tuple(entries), dict(sorted(left_out.items())), counts[kind])


def _entry(image: Found) -> Entry:
    clipped = float(np.mean(image.values < images.WINDOW[0])), float(np.mean(image.values > images.WINDOW[1]))
    return Entry(image.name, image.patient, image.shape, image.digest, _compact(image.thumbnail), clipped)


def _compact(thumbnail: Tensor) -> np.ndarray:
    """(C, H, W) in [0, 1] as bytes (H, W, C). A tensor that is kept would pin the memory of the image beside it."""
    pixels = (thumbnail.permute(1, 2, 0) * 255 + 0.5).to(torch.uint8)
    return np.frombuffer(pixels.numpy().tobytes(), np.uint8).reshape(pixels.shape)


def _stamp(entry: Entry, cell: int) -> Image.Image:
    """The thumbnail with the name of the patient on it."""
    pixels = np.broadcast_to(entry.thumbnail, (SIDE, SIDE, 3))
    picture = Image.fromarray(np.ascontiguousarray(pixels)).resize((cell, cell), Image.Resampling.BILINEAR)
    draw, words = ImageDraw.Draw(picture), entry.patient.rsplit("/", 1)[-1][:14]
    box = draw.textbbox((2, 1), words, font=font(12))
    draw.rectangle((0, 0, box[2] + 2, box[3] + 2), fill="black")
    draw.text((2, 1), words, fill="white", font=font(12))
    return picture
