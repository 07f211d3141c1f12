"""Images that stay on disk: a source of pairs whose memory does not grow with them. Not in the paper."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Generator, Tensor

from .._input.arguments import check_count, check_images, check_path, place_of
from .._input.messages import refused
from .._input.signature import check_instance, checked
from ..hardware.devices import moved
from ..problem import Problem, check_problem
from .pairs import Paired

SAMPLE = 32  # images kept in memory, by which a checkpoint knows its data


@dataclass(frozen=True)
class OnDisk(Paired):
    """`Paired`, whose images are read from a file when they are drawn: `OnDisk.of(problem, file)`.

    The file is .npy with (N, *A.domain_shape) float32 numbers in [0, 1], as `numpy.save` and `save_batches` write. No
    more of it is in memory than the images of a batch, and 32 by which a checkpoint knows its data.

    >>> import advreg_edu as ar
    >>> from tempfile import TemporaryDirectory
    >>> problem = ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1)
    >>> with TemporaryDirectory() as folder:
    ...     save_batches(f"{folder}/a.npy", 10, (ar.images.ellipses(2, 16) for _ in range(5)))
    ...     pairs = OnDisk.of(problem, f"{folder}/a.npy")
    ...     pairs.count, pairs.draw(4).x_noisy.shape
    (10, torch.Size([4, 1, 16, 16]))
    """

    file: Path = field(repr=False, kw_only=True)
    count: int = field(kw_only=True)  # of the images in it

    @classmethod
    def of(cls, problem: Problem, file: str | PathLike) -> Self:
        """The source of a file. Raises ValueError where it has no images for this operator."""
        check_problem(problem)
        file = check_path(file, "file")
        count = len(_header(file, problem.A.domain_shape))
        places = torch.linspace(0, count - 1, min(SAMPLE, count)).long().tolist()
        return cls(problem, _read(file, problem, places), file=file, count=count)

    def pick(self, items: Tensor, count: int, generator: Generator | None) -> Tensor:
        i = torch.randint(self.count, (count,), generator=generator, device=place_of(generator)).tolist()
        return moved(_read(self.file, self.problem, i).to(items.dtype), self.device)


def save_batches(file: str | PathLike, count: int, batches: Iterable[Tensor]) -> None:
    """Write `count` images, which come in batches (B, C, H, W) in [0, 1], to an .npy file; one batch is in memory.

    Raises, and leaves no file, where `count` is wrong, shapes differ or the file is there already.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_batches(f"{folder}/a.npy", 3, [torch.zeros(2, 1, 4, 4), torch.ones(1, 1, 4, 4)])
    ...     np.load(f"{folder}/a.npy").mean((1, 2, 3)).tolist()
    [0.0, 0.0, 1.0]
    """
    file, count = check_path(file, "file"), check_count(count, "count")
    check_instance(batches, "batches", Iterable)
    if file.exists():
        raise FileExistsError(f"{file}: expected no such file, got one. Name another, or move it away.")
    partial, written, shape = file.with_name(f"{file.name}.partial"), 0, None
    try:
        with partial.open("wb") as stream:
            for batch in batches:
                check_images(batch, "batches", shape)
                if shape is None:
                    shape = tuple(batch.shape[1:])
                    header = dict(descr="<f4", fortran_order=False, shape=(count, *shape))
                    np.lib.format.write_array_header_1_0(stream, header)
                stream.write(batch.cpu().float().contiguous().numpy().astype("<f4").tobytes())
                written += len(batch)
        if written != count:
            raise ValueError(f"count: expected {written} images, as many as came, got {count}. Count them again.")
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)


@checked
def mapped(batches: Iterable[Tensor], folder: str | PathLike) -> Tensor:
    """Images that come in batches (B, C, H, W) as one float32 tensor, whose numbers lie in a file without a name.

    The file is in `folder` and goes with the tensor, however the process ends. The system reads of it what is used, and
    forgets it where memory is short. Raises OSError where the folder has no room.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     x = mapped((torch.full((2, 1, 4, 4), k / 4) for k in range(4)), folder)
    >>> x.shape, x[::2].mean((1, 2, 3)).tolist()
    (torch.Size([8, 1, 4, 4]), [0.0, 0.25, 0.5, 0.75])
    """
    check_instance(batches, "batches", Iterable)
    shape, count, folder = None, 0, check_path(folder, "folder")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as stream:
        for batch in batches:
            check_images(batch, "batches", shape)
            shape, count = tuple(batch.shape[1:]), count + len(batch)
            try:
                stream.write(batch.cpu().float().contiguous().numpy().tobytes())
                stream.flush()
            except OSError as error:
                got = f"none after {count} ({error.strerror})"
                raise OSError(f"{folder}: expected room for the images, got {got}. Make room.") from None
        if shape is None:
            raise ValueError("batches: expected at least one, got none. Look at what should have made them.")
        return torch.from_numpy(np.memmap(stream, np.float32, "r+", shape=(count, *shape)))


def _header(file: Path, shape: Sequence[int]) -> np.memmap:
    """The file as an array, nothing of it read but the header."""
    try:
        images = np.lib.format.open_memmap(file, mode="r")
    except (OSError, ValueError) as error:
        raise refused(file, "an .npy file of images", f"none that can be read ({error})", "Write it again.") from None
    in_order = images.flags.c_contiguous
    if images.dtype != np.dtype("<f4") or images.shape[1:] != tuple(shape) or not in_order or not len(images):
        expected = f"float32 images of shape (N, {', '.join(map(str, shape))})"
        got = f"{images.dtype} of shape {images.shape}{'' if in_order else ', column first'}"
        raise refused(file, expected, got, "Convert them: `save_batches`.")
    return images


def _read(file: Path, problem: Problem, places: Sequence[int]) -> Tensor:
    """Some of the images, checked: a file may hold what no sample of it shows, and may change while it is read.

    They are read, not mapped: pages that are mapped would count as memory of this process.
    """
    images = _header(file, problem.A.domain_shape)
    size, start = images[0].size, images.offset
    read = [np.fromfile(file, "<f4", size, offset=start + 4 * size * k) for k in places]
    for k, numbers in zip(places, read, strict=True):
        low, high = (numbers.min(), numbers.max()) if len(numbers) == size else (np.nan, np.nan)
        if not (low >= -1e-4 and high <= 1 + 1e-4):  # false for NaN, too
            got = f"{low:.4g} to {high:.4g}" if len(numbers) == size else "the end of the file"
            raise refused(file, "intensities in [0, 1]", f"{got} in image {k}", "Write it again: `save_batches`.")
    return torch.from_numpy(np.stack(read)).reshape(-1, *images.shape[1:])
