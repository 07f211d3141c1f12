"""Procedural chest slices: no download, no licence. Not in the paper; they stand in for its LIDC/IDRI slices."""

import torch

from .._input.arguments import check_count
from ..hardware.cores import each
from . import _chest as chest
from ._canvas import Chest
from ._hounsfield import from_hounsfield
from ._lung_vessels import add_disease, add_lung_vessels
from ._scanner import add_cloth, add_couch, scan
from ._shapes import or_fresh
from ._skeleton import add_bones

CHUNK = 6  # slices drawn at a time: bounds the memory


def thorax(n: int, size: int = 128, generator: torch.Generator | None = None) -> torch.Tensor:
    """Axial chest slices as `thorax_hu` draws them, air 0, water 0.5, dense bone 1: (n, 1, size, size) in [0, 1].

    >>> x = thorax(2, size=32, generator=torch.Generator().manual_seed(0))
    >>> tuple(x.shape), bool(x.min() >= 0), bool(x.max() <= 1)
    ((2, 1, 32, 32), True, True)
    """
    return from_hounsfield(thorax_hu(n, size, generator))


def thorax_hu(n: int, size: int = 128, generator: torch.Generator | None = None) -> torch.Tensor:
    """Axial chest slices as a scanner shows them, in Hounsfield units [-1024, 3071]: (n, 1, size, size) float32.

    Every slice has its own patient (size, fat, breasts, shape of the cage), level (from the apex of the lungs to the
    dome of the liver), contrast agent, couch, field of view and noise. The patient's right is at the picture's left.
    The same seed gives the same anatomy at every size; only the noise differs.

    >>> hu = thorax_hu(1, size=32, generator=torch.Generator().manual_seed(0))
    >>> bool(hu.min() < -900)  # the lungs are full of air
    True
    """
    n, size = check_count(n, "n"), check_count(size, "size", low=16, fix="A chest needs some pixels; take 64 or more.")
    counts = [min(CHUNK, n - start) for start in range(0, n, CHUNK)]
    seeds = torch.randint(2**62, (len(counts),), generator=or_fresh(generator)).tolist()
    # A slice takes a thousand short operations, each by one thread: two that meet a thousand times are slow.
    threads = 4 if size <= 256 else 1  # bounds the memory
    return torch.cat(each(_slices, counts, [size] * len(counts), seeds, threads=threads))[:, None]


def _slices(batch: int, size: int, seed: int) -> torch.Tensor:
    """Paint from the skin inwards; what is painted later lies on top."""
    c = Chest(batch, size, torch.Generator().manual_seed(seed))
    chest.add_patient(c)
    chest.add_body(c)
    chest.add_arms(c)
    chest.add_cage(c)
    chest.add_muscle(c)
    chest.add_middle(c)
    chest.add_organs(c)
    chest.add_heart(c.near(-0.35, 0.6, -0.7, 0.5))
    chest.add_lungs(c)
    chest.add_great_vessels(c.near(-0.4, 0.4, -0.7, 0.5))
    add_lung_vessels(c)
    add_disease(c)
    chest.add_airways(c.near(-0.25, 0.25, -0.5, 0.5))
    add_bones(c)
    add_couch(c)
    add_cloth(c)
    return scan(c)  # last: its noise takes more numbers the larger the picture, and the anatomy must not notice
