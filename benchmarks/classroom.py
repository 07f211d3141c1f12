"""A class on one machine: python benchmarks/classroom.py [KERNELS] [MOVERS]

KERNELS (20) kernels show the reconstruction lab; MOVERS (4) of them move the slider of the noise at once, ten times,
each as soon as its run has ended. Says the proportional memory of a kernel (PSS: shared pages count by share), and the
time from a move to the first iterate of the new run.
"""

import re
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil
from jupyter_client.manager import start_new_kernel

OPEN = """
import asyncio, time
from advreg_edu.apps import reconstruction_lab
lab = reconstruction_lab()
await lab.runner.done()
"""
MOVE = """
start, first = time.perf_counter(), []
watch = lambda change: first.append(time.perf_counter() - start) if "Iterate" in change["new"] else None
lab.status.children[0].observe(watch, "value")
lab.controls.sigma.slider.value = lab.controls.sigma.slider.min + lab.controls.sigma.slider.step * {number}
while not first:
    await asyncio.sleep(0.002)
lab.status.children[0].unobserve(watch, "value")
await lab.runner.done()
print(f"first iterate after {{first[0]:.3f}} s")
"""


def main(kernels: str = "20", movers: str = "4") -> None:
    with ExitStack() as kept:  # also after an error no kernel is left
        started = [kernel(kept) for _ in range(int(kernels))]
        for _, client in started:
            said(client, OPEN)
        memory = [psutil.Process(manager.provisioner.pid).memory_full_info().pss / 1e6 for manager, _ in started]
        print(
            f"{kernels} kernels with the lab: {statistics.mean(memory):.0f} MB in the mean, {max(memory):.0f} at most"
        )
        waits: list[float] = []
        with ThreadPoolExecutor(int(movers)) as students:
            list(students.map(lambda one: moves(one[0], waits), started[: int(movers)]))
        first = f"median {statistics.median(waits):.2f} s, at most {max(waits):.2f} s"
        print(f"{movers} of them move ten times at once: first iterate after {first}")


def kernel(kept: ExitStack) -> tuple:
    """A new kernel and its client, shut down when `kept` is left."""
    manager, client = start_new_kernel()
    kept.callback(manager.shutdown_kernel, now=True)
    kept.callback(client.stop_channels)
    return manager, client


def moves(manager, waits: list[float]) -> None:
    client = manager.blocking_client()  # of this thread
    client.start_channels()
    for number in range(10):
        waits.append(float(re.search(r"after ([\d.]+) s", said(client, MOVE.format(number=5 + number % 2)))[1]))


def said(client, code: str) -> str:
    """What a cell printed; an error in it is raised."""
    lines: list[str] = []

    def hook(message):
        content = message["content"]
        lines.append(content.get("text") or "\n".join(content.get("traceback", [])))

    reply = client.execute_interactive(code, timeout=600, output_hook=hook)
    if reply["content"]["status"] != "ok":
        raise RuntimeError("".join(lines))
    return "".join(lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
