"""The images that the networks that ship were trained on. Paper: §5.1, §5.2, §5.3."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from .. import images
from ..images._thorax import CHUNK as THORAX_CHUNK
from . import datasets
from .poses import poses

# (path of the data, generator) to images (N, C, H, W) in [0, 1]; one that can leave them on disk has an argument `keep`
Loader = Callable[..., Tensor]
PHANTOMS = 3000  # beside real slices
FEW = 10 * THORAX_CHUNK  # of them at a time, in chunks that are drawn whole: the same phantoms as all at once


def phantoms(count: int) -> Loader:
    def load(path: Path | str | None, generator: Generator) -> Tensor:
        _no_images(path)
        return images.thorax(count, size=128, generator=generator)

    return load


def phantoms_in_windows(count: int) -> Loader:
    """Phantoms in windows up to 600 to 2400 HU, at random: metal darkens a slice that is scaled to its maximum."""

    def load(path: Path | str | None, generator: Generator) -> Tensor:
        _no_images(path)
        hu = images.thorax_hu(count, size=128, generator=generator)
        highs = (600 * 4 ** torch.rand(len(hu), generator=generator)).tolist()
        windows = [(images.WINDOW[0], high) for high in highs]
        return torch.cat([images.from_hounsfield(one, window=w) for one, w in zip(hu, windows, strict=True)])

    return load


def slices(sharp: bool = False, half: int | None = None, even: bool = False) -> Loader:
    """Real slices, mirrored and in other poses, and 3000 phantoms.

    Args:
        sharp: of the poses, see `poses.augment_pose`.
        half: every other training patient alone, from the first (0) or second.
        even: about as many poses of each patient, who may have 1 slice or 60.
    """

    def load(path: Path | str | None, generator: Generator, keep: datasets.Keep = datasets.in_memory) -> Tensor:
        x, patients = datasets.chest(path, "train", keep=keep)
        if half is not None:
            mine = np.isin(patients, np.unique(patients)[half::2])
            x, patients = x[mine], patients[mine]
        _, patient_of, counts = np.unique(patients, return_inverse=True, return_counts=True)
        weights = torch.from_numpy(1 / counts[patient_of]).repeat(2) if even else None
        few = x.split(datasets.CHUNK)
        both = keep(itertools.chain(few, (part.flip(-1) for part in few)))

        def all_images() -> Iterator[Tensor]:
            yield from poses(both, 5, generator, sharp, weights)
            for start in range(0, PHANTOMS, FEW):
                yield images.thorax(min(FEW, PHANTOMS - start), size=128, generator=generator)

        return keep(all_images())

    return load


def crops(count: int, size: int = 48, channels: int = 3, turned: bool = False) -> Loader:
    """Crops of photographs; `turned`: by right angles, every other one mirrored, at random as they are in order."""

    def load(path: Path | str | None, generator: Generator) -> Tensor:
        x = datasets.photographs(path, "train", count, size, generator, channels)
        for k in range(8) if turned else ():
            x[k::8] = x[k::8].rot90(k, (-2, -1)).flip(-1) if k >= 4 else x[k::8].rot90(k, (-2, -1))
        return x

    return load


def _no_images(path: Path | str | None) -> None:
    if path is not None:
        raise ValueError(f"path: expected none for a recipe that makes its own images, got {path}. Leave it out.")
