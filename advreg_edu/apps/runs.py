"""Computations of an app: one at a time, seen while they go on, cancelled by the next."""

import asyncio
import time


class Run:
    """One computation at a time, given as an iterator of growing results; a new one cancels the one in flight.

    In a notebook it is an asyncio task of the kernel, which sees a moved slider between two results. It needs no
    thread, so no result can come too late. Without a running event loop (a script, a test) it runs to its end at once.

    Args:
        show: called as show(result, done) at most every `pause` seconds, and once with done=True.
        fail: called with the exception that ended a computation.
    """

    def __init__(self, show, fail, pause=0.15):
        self._show, self._fail, self._pause = show, fail, pause
        self._task = None

    @property
    def busy(self):
        return self._task is not None and not self._task.done()

    def start(self, results):
        self.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.finish(results)
        self._task = loop.create_task(self._drip(results))

    def finish(self, results):
        """Run to the end now."""
        self.cancel()
        for _ in self._shown(results):
            pass

    def cancel(self):
        if self._task is not None:
            self._task.cancel()

    async def done(self):
        """Wait for the computation in flight."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _drip(self, results):
        await asyncio.sleep(0.02)  # several events of one drag become one run; the page can say "computing" first
        for _ in self._shown(results):
            await asyncio.sleep(0)  # here the kernel looks at other messages, and here a cancelled run ends

    def _shown(self, results):
        last, result = 0.0, None
        try:
            for result in results:
                if time.monotonic() - last > self._pause:
                    self._show(result, False)
                    last = time.monotonic()
                yield
            if result is not None:
                self._show(result, True)
        except Exception as error:
            self._fail(error)
