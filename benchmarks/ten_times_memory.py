"""A training whose images are ten times larger than its memory: python benchmarks/ten_times_memory.py

100 steps of `ct-minute`, 4 images each, in turns: 84 MB of images in memory; 4 GB on disk (`training.mapped`), the
process in a memory group of 400 MiB, in which the pages of the file count. Root on Linux with control groups of version
1. Ten minutes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

GROUP = Path("/sys/fs/cgroup/memory/ten_times_memory")
TRAIN = """
import sys, time
import torch
from advreg_edu.experiments.recipes import RECIPES
from advreg_edu.training import Paired, algorithm_1, mapped
generator, recipe = torch.Generator().manual_seed(0), RECIPES["ct-minute"]
few = (torch.rand(64, 1, 128, 128, generator=generator) for _ in range(int(sys.argv[1])))
x = mapped(few, sys.argv[2]) if len(sys.argv) > 2 else torch.cat(list(few))
pairs = Paired(recipe.problem(), x)
steps = algorithm_1(recipe.network(), pairs, recipe.loss(pairs, 0), 101, 4, precision="float32")
next(steps)
processor, wall = time.process_time(), time.perf_counter()
for _ in steps:
    pass
spent = f"{time.process_time() - processor:.1f} | {time.perf_counter() - wall:.1f}"
own = sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) / 1000
print(f"| {len(x) * 65536 / 1e6:.0f} | {'disk' if len(sys.argv) > 2 else 'memory'} | {spent} | {own:.0f} |")
"""


def main() -> None:
    print(
        "| images, MB | in | 100 steps, s of processor | s | memory of its own, MB |\n|---|---|---|---|---|", flush=True
    )
    inside = ["sh", "-c", f'echo $$ > {GROUP}/cgroup.procs; exec "$@"', "-"]
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for _ in range(2):
            subprocess.run([sys.executable, "-c", TRAIN, "20"], check=True)
            GROUP.mkdir()
            try:
                (GROUP / "memory.limit_in_bytes").write_text("400M")
                subprocess.run([*inside, sys.executable, "-c", TRAIN, "960", folder], check=True)
            finally:
                GROUP.rmdir()


if __name__ == "__main__":
    main()
