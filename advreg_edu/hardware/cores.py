"""Sharing the cores: as many threads as are free now, and batches in parts whose numbers do not depend on how many.

Torch's OpenMP threads meet at a barrier after every small operation. Where one of them has no core, the others spin
there, and two trainings on two cores take many times as long as one. So a batch is cut into parts, one thread each,
without barriers (`in_parts`); what cannot be cut gets the threads for which there are cores (`use_free`).
Not in the paper.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import psutil
import torch

from .limits import cpu_limit

WINDOW = 0.2  # seconds over which the use of the cores is averaged; the kernel counts in hundredths of a second
SPARE = 0.3  # of a core that others may use without our giving it up
IMAGE = 128 * 128  # numbers in one image of the course
PARTS = 8  # of a batch, and threads, at most

Result = TypeVar("Result")


def allowed() -> int:
    """Threads that this process may use: OMP_NUM_THREADS, else the container's cores or torch.set_num_threads.

    >>> allowed() >= 1
    True
    """
    if os.environ.get("OMP_NUM_THREADS", "").isdigit():
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    cores = _use.now()[0]
    if threading.current_thread() is not threading.main_thread():  # torch has a number for each thread
        return cores
    if torch.get_num_threads() != _torch["set here"]:
        _torch["of the user"] = torch.get_num_threads()
    return min(cores, _torch["of the user"])


def free() -> int:
    """Threads for which there are cores now: those that no other program uses, at least 1 and at most `allowed()`.

    If OMP_NUM_THREADS is set it is that number, whatever others do.

    >>> 1 <= free() <= allowed()
    True
    """
    most = allowed()
    if most == 1 or "OMP_NUM_THREADS" in os.environ:
        return most
    _, cores, others = _use.now()
    return max(1, min(most, int(cores - others + SPARE)))


def use(number: int) -> None:
    """Torch uses so many threads from now on.

    >>> use(free())
    >>> torch.get_num_threads() >= 1
    True
    """
    if number != torch.get_num_threads():  # to set it costs a millisecond, even where it stays what it is
        torch.set_num_threads(number)
        if threading.current_thread() is threading.main_thread():
            _torch["set here"] = number


def use_free() -> None:
    """Torch uses the threads for which there are cores now. Called again and again, it follows what others do.

    >>> use_free()
    """
    use(free())


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it torch uses one thread: sums by several round in another order.

    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    allowed()  # notes what the user has set
    before = torch.get_num_threads()
    use(1)
    try:
        yield
    finally:
        use(before)


def count_parts(batch: torch.Tensor) -> int:
    """Into how many parts a batch is cut: one for each four images, two at least if there are two images; 1 on an
    accelerator. It depends on the batch alone and not on the machine. Smaller parts cost more than they save.

    >>> count_parts(torch.zeros(16, 1, 128, 128)), count_parts(torch.zeros(1, 1, 128, 128))
    (4, 1)
    """
    images = batch.numel() // IMAGE
    if batch.device.type != "cpu" or min(images, len(batch)) < 2:
        return 1
    return min(len(batch), PARTS, max(2, images // 4))


def in_parts(function: Callable[..., Result], *batches: torch.Tensor, parts: int | None = None) -> list[Result]:
    """[function(part of each batch), ...] over the parts of the batches, see `each`.

    Args: batches (B, ...), as many items in each; parts, see `count_parts`.

    >>> in_parts(torch.sum, torch.ones(4, 3), parts=2)
    [tensor(6.), tensor(6.)]
    """
    parts = parts or count_parts(batches[0])
    return each(function, *(torch.tensor_split(batch, parts) for batch in batches))


def each(function: Callable[..., Result], *arguments: Iterable, threads: int | None = None) -> list[Result]:
    """list(map(function, *arguments)), on as many threads as are allowed, or `threads` if they are fewer.

    Each call is computed by one thread, so the numbers are the same on every number of cores.

    >>> each(pow, [2, 3, 4], [2, 2, 2])
    [4, 9, 16]
    """
    calls = list(zip(*arguments, strict=True))
    results: dict[int, Result] = {}
    waiting = iter(range(len(calls)))  # its `next` is atomic

    def work() -> None:
        for i in waiting:
            results[i] = function(*calls[i])

    helpers = min(len(calls), allowed(), threads or PARTS) - 1
    with one_thread():
        futures = [_pool().submit(work) for _ in range(helpers)]
        try:
            work()
        finally:  # after an interrupt too: nothing may go on in the background
            for _ in waiting:
                pass
            for future in futures:
                if not future.cancel():  # one that never began has nothing left to do
                    future.result()
    return [results[i] for i in range(len(calls))]


def measure_share(seconds: float = 2.0) -> float:
    """Of each core that this process asks for, the share that it gets, in [0, 1]: 1 where nobody else computes.

    >>> 0 < measure_share(seconds=0.05) <= 1
    True
    """
    most, start, used = allowed(), time.monotonic(), time.process_time()

    def compute(matrix: torch.Tensor) -> None:
        while time.monotonic() < start + seconds:
            matrix @ matrix

    each(compute, [torch.ones(256, 256)] * most)
    return min(1.0, (time.process_time() - used) / (time.monotonic() - start) / most)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(PARTS, thread_name_prefix="advreg")


class _Use:
    """How much of the cores other programs use, in the mean since the last look, at least WINDOW seconds ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[float, float, float] | None = None
        self._found = (1, 1, 0.0)

    def now(self) -> tuple[int, int, float]:
        """(cores that we may use, cores there are, cores that others use): all of them at the first call, when nothing
        is known."""
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] >= WINDOW:
                self._look()
            return self._found

    def _look(self) -> None:
        mine = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else None
        times = [t for i, t in enumerate(psutil.cpu_times(percpu=True)) if mine is None or i in mine]
        idle = sum(t.idle + getattr(t, "iowait", 0.0) for t in times)
        seen, others = (time.monotonic(), idle, time.process_time()), float(len(times))
        if self._last is not None:
            elapsed, idle, own = (new - old for new, old in zip(seen, self._last, strict=True))
            others = max(0.0, len(times) - (idle + own) / elapsed)
        self._last, self._found = seen, (max(1, int(cpu_limit())), len(times), others)


_use = _Use()
_torch: dict[str, Any] = {"set here": None, "of the user": None}  # numbers of threads, of the main thread
