"""Computations of an app: one at a time, seen while they go on, cancelled by the next."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...hardware.cores import use_free

# JupyterLab hands moved controls to a second thread of the kernel, and cells, with the first messages of a page, to
# the main one. So whatever an app does when a control moves, and every result of a computation, holds this lock.
ONE_AT_A_TIME = threading.RLock()
FRAME = 0.035  # seconds between two pictures of a run that is watched: what a browser without a graphics card can draw


class Runner:
    """One computation at a time, given as an iterator of growing results; a new one cancels the one in flight.

    In a notebook it is an asyncio task of the kernel, which sees a moved slider between two results. Before every
    result it looks whether its turn is over, and `cancel` waits for the result that is being made. Without a running
    event loop (a script, a test) it runs to its end at once.

    Args:
        show: called as show(result, done) once with done=True, and before that every `pause` seconds in the mean,
            where results come that fast: after a late frame the next may follow sooner.
        fail: called with the exception that ended a computation.
    """

    def __init__(self, show: Callable[[Any, bool], object], fail: Callable[[Exception], object], pause: float = 0.15):
        self._show, self._fail, self._pause = show, fail, pause
        self._task: asyncio.Task | None = None
        self._turn = object()

    @property
    def busy(self) -> bool:
        """Whether a computation is in flight."""
        return self._task is not None and not self._task.done()

    def start(self, results: Iterable) -> None:
        """Compute and show these results, in place of those in flight."""
        self.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.finish(results)
        self._task = loop.create_task(self._drip(results, self._turn))

    def finish(self, results: Iterable) -> None:
        """Run to the end now."""
        self.cancel()
        for _ in self._shown(results, self._turn):
            pass

    def cancel(self) -> None:
        """The computation in flight ends here and shows nothing more."""
        self._turn = object()
        with ONE_AT_A_TIME:  # another thread may be in the middle of a result
            pass

    async def done(self) -> None:
        """Wait until no computation is in flight."""
        while self.busy:
            await asyncio.sleep(0.01)

    async def _drip(self, results: Iterable, turn: object) -> None:
        await asyncio.sleep(0.02)  # several events of one drag become one run; the page can say "computing" first
        for _ in self._shown(results, turn):
            # here the kernel looks at other messages; the main thread lets the other one have the lock
            await asyncio.sleep(0.001 if threading.current_thread() is threading.main_thread() else 0)

    def _shown(self, results: Iterable, turn: object) -> Iterator[None]:
        results, due, result, done = iter(results), 0.0, None, False
        while not done:
            with ONE_AT_A_TIME:
                if turn is not self._turn:
                    return
                try:
                    use_free()  # a browser wants a core too
                    latest = next(results, None)
                    result, done = result if latest is None else latest, latest is None
                    now = time.monotonic()
                    if result is not None and (done or now >= due):
                        due = max(due + self._pause, now)
                        self._show(result, done)
                except Exception as error:
                    self._fail(error)
                    return
            yield
