"""Computations of the apps: one at a time, also where sliders are heard in another thread than cells (JupyterLab)."""

import asyncio
import itertools
import threading
import time

import pytest
from advreg_edu.apps.shared import runner
from advreg_edu.apps.shared.runner import Runner


def counting(until, pause=0.0):
    for k in range(until):
        time.sleep(pause)
        yield k


def test_without_an_event_loop_it_runs_to_its_end_at_once():
    shown = []
    Runner(lambda *frame: shown.append(frame), pytest.fail).start(counting(3))
    assert shown[0] == (0, False) and shown[-1] == (2, True)


def test_a_computation_of_another_thread_shows_nothing_after_it_is_cancelled():
    shown = []
    run = Runner(lambda result, done: shown.append(result), pytest.fail, pause=0.0)

    async def session():
        run.start(counting(10_000, 0.002))
        await run.done()

    thread = threading.Thread(target=lambda: asyncio.run(session()))
    thread.start()
    while len(shown) < 3:
        time.sleep(0.001)
    run.cancel()
    before = len(shown)
    thread.join(10)
    assert not thread.is_alive() and len(shown) == before < 10_000


def test_what_fails_says_so_once_and_what_is_cancelled_does_not():
    def failing():
        yield 1
        raise ArithmeticError("as intended")

    failed = []
    run = Runner(lambda result, done: None, failed.append)

    async def session():
        run.start(failing())
        run.start(failing())
        await run.done()

    asyncio.run(session())
    assert [str(error) for error in failed] == ["as intended"]


def test_frames_keep_their_pace_though_results_do_not_come_at_its_multiples(monkeypatch):
    """A result every 10 ms, a frame every 25 ms: forty a second, where waiting after each would give 33."""
    clock, frames = [0.0], []
    monkeypatch.setattr(runner.time, "monotonic", lambda: clock[0])

    def ticking():
        for k in range(200):
            clock[0] += 0.01
            yield k

    Runner(lambda result, done: frames.append(result), pytest.fail, pause=0.025).start(ticking())
    assert 78 <= len(frames) <= 83
    assert max(after - before for before, after in itertools.pairwise(frames)) <= 3
    assert frames[-1] == 199
