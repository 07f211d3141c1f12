"""The same work alone and on a shared machine, as shares of its speed alone: python benchmarks/shared.py [SECONDS]

    two, four: so many processes do the same work at once; the slowest of them
    busy: one endless loop for each core runs beside it
    half a core: under a control group's quota, as a share of half of the speed with one thread (root on Linux; else -)
    passive: alone, where OpenMP's threads sleep at once instead of waiting for 2 ms first

Every process is new, and its speed is counted after a second. The table is what README.md and NOTES.md quote.
"""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

GROUP = Path("/sys/fs/cgroup")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def training(batch_size):
    from advreg_edu.experiments.recipes import RECIPES
    from advreg_edu.experiments.training_images import phantoms

    recipe = replace(RECIPES["ct-minute"], images=phantoms(32))
    return recipe.start(recipe.network(), None, seed=0, batch_size=batch_size, steps=10**6)


def iterates(images):
    import advreg_edu as ar
    import torch

    problem = ar.Problem(ar.RayTransform(size=128, angles=30), sigma=0.02)
    y = problem.measure(ar.images.thorax(images, generator=torch.Generator().manual_seed(0)))
    weight = ar.weight_from_noise(problem)
    return ar.reconstruct(problem, y, ar.load_critic("ct-thorax"), weight, step_size=0.5, steps=10**6)


WORK = {
    "a training step, ct-minute": lambda: training(4),
    "the same, --batch-size 1": lambda: training(1),
    "an iterate of the reconstruction lab": lambda: iterates(1),
    "the same, 16 images": lambda: iterates(16),
}


def main(seconds=4.0):
    print(f"{CORES} cores, {seconds:g} s each\n\n| | alone, ms | two | four | busy | half a core | passive |")
    print("|---|---|---|---|---|---|---|")
    for name in WORK:
        alone = rates(name, seconds)[0]
        one_thread = rates(name, seconds, OMP_NUM_THREADS="1")[0]
        cells = [min(rates(name, seconds, count=count)) / alone for count in (2, 4)]
        with busy_loops():
            cells.append(rates(name, seconds)[0] / alone)
        cells.append(rates(name, seconds, quota=0.5)[0] / (0.5 * one_thread))
        cells.append(rates(name, seconds, OMP_WAIT_POLICY="PASSIVE")[0] / alone)
        shares = " | ".join("-" if cell != cell else f"{cell:.2f}" for cell in cells)
        print(f"| {name} | {1e3 / alone:.1f} | {shares} |", flush=True)


def rates(name, seconds, count=1, quota=None, **variables):
    """Steps per second of `count` processes at once; not a number where a quota cannot be set."""
    command = [sys.executable, __file__, name, str(seconds)]
    with control_group(quota) as group:
        if quota and group is None:
            return [float("nan")]
        if group:
            command = ["sh", "-c", 'echo $$ > "$0"; exec "$@"', str(group / "cgroup.procs"), *command]
        children = [
            subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True)
            for _ in range(count)
        ]
        return [float(child.communicate()[0]) for child in children]


def child(name, seconds):
    """Do the work until a second has passed, then count for `seconds`; all of several processes count together."""
    steps, start = WORK[name](), time.monotonic()
    while time.monotonic() < start + 1:
        next(steps)
    start, count = time.monotonic(), 0
    while time.monotonic() < start + seconds:
        next(steps)
        count += 1
    print(count / (time.monotonic() - start), flush=True)
    while time.monotonic() < start + 2 * seconds:  # the others may not have begun to count as soon
        next(steps)


@contextmanager
def busy_loops():
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(CORES)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@contextmanager
def control_group(quota):
    """A new control group with that many cores, or None where this process may not make one."""
    mount = GROUP if (GROUP / "cgroup.controllers").exists() else GROUP / "cpu"
    group = mount / f"advreg-{os.getpid()}"
    try:
        if not quota:
            raise OSError
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{int(100_000 * quota)} 100000")
        else:
            (group / "cpu.cfs_quota_us").write_text(f"{int(100_000 * quota)}")
        yield group
    finally:
        group.rmdir()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        child(sys.argv[1], float(sys.argv[2]))
    else:
        main(*map(float, sys.argv[1:]))
