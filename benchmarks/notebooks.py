"""Seconds and peak memory of each notebook with solutions: python benchmarks/notebooks.py [NUMBER ...]

Each runs from its first cell to its last in a fresh kernel without network, on one thread and one core. "seconds" is
what a student waits, from the start of the kernel to its end; "of processor" is what the kernel has computed, which
another process on the same core does not change; "MB" is the kernel's highest resident memory. The last line is the
sum. The table is in NOTES.md.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
MOST = 60.0, 1024.0  # seconds and MB of one notebook
WHOLE = 360.0  # seconds of all
USED = """import pathlib, re, resource, sys
used = resource.getrusage(resource.RUSAGE_SELF)
memory = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
if sys.platform == "linux":  # there ru_maxrss also counts what the process was before its program: its parent's copy
    memory = int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 2**10
print(used.ru_utime + used.ru_stime, memory)"""


def measured(path):
    """(seconds, seconds of processor, peak MB) of one run of the notebook at `path`."""
    from kernels import run

    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(USED))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as record:
        run(notebook, path.parent, record, OMP_NUM_THREADS="1")
    return time.perf_counter() - start, *map(float, notebook.cells[-1].outputs[0].text.split())


def main(numbers):
    sys.path.insert(0, str(ROOT / "tests" / "notebooks"))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])  # the kernels inherit it
    print("| notebook | seconds | of processor | MB |\n|---|---|---|---|")
    rows = []
    for path in sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb")):
        if not numbers or path.name[:2] in numbers:
            rows.append(measured(path))
            print("| {} | {:.1f} | {:.1f} | {:.0f} |".format(path.stem, *rows[-1]), flush=True)
    if not rows:
        sys.exit(f"Expected numbers of notebooks, 00 to 10, got {' '.join(numbers)}.")
    seconds, processor, memory = zip(*rows, strict=True)
    print(f"| all | {sum(seconds):.1f} | {sum(processor):.1f} | {max(memory):.0f} |")
    return max(seconds) > MOST[0] or max(memory) > MOST[1] or sum(seconds) > WHOLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
