"""Training with --stream against training from memory: python benchmarks/streaming.py [PATIENTS] [TURNS]

A folder of DICOM files (PATIENTS, 60, of 10 slices each), the images of `ct-chest-high` made of it, and 150 steps with
a small critic, 4 images a step: the lightest step of the course, so that reading weighs most. In turns, each in a new
process: images in memory, images on disk. Says seconds of processor and of wall for making the images and for the
steps, and the ratio of the steps' speeds. `ten_times_memory.py` has more images than memory.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS, BATCH = 150, 4
TRAIN = """
import sys, time
from dataclasses import replace
from pathlib import Path
from advreg_edu.experiments.recipes import RECIPES
folder, disk, steps, batch = Path(sys.argv[1]), sys.argv[2] == "disk", int(sys.argv[3]), int(sys.argv[4])
small = RECIPES["ct-minute"]
recipe = replace(RECIPES["ct-chest-high"], network=small.network, pairs=small.pairs, loss=small.loss)
now = lambda: (time.process_time(), time.perf_counter())
start = now()
training = recipe.start(
    recipe.network(), folder, 0, disk=folder if disk else None, steps=steps + 1, batch_size=batch, precision="float32"
)
last = next(training)
made = now()
for last in training:
    pass
end = now()
own = sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) / 1000
print(*(made[k] - start[k] for k in (0, 1)), *(end[k] - made[k] for k in (0, 1)), own, last.loss.item())
"""


def main(patients: str = "60", turns: str = "3") -> None:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        slices = files(Path(folder), int(patients))
        size = 64e-6 * 1024 * (2 * slices * 6 + 3000)
        print(f"{slices} slices in as many files, {size:.0f} MB of images\n")
        print("s of processor (wall)\n\n| images | made | steps | own memory, MB |\n|---|---|---|---|")
        found: dict[str, list] = {"memory": [], "disk": []}
        for _ in range(int(turns)):
            for where, rows in found.items():
                rows.append(trained(where, folder))
        assert len({row[-1] for rows in found.values() for row in rows}) == 1  # the same training
        for name, place in (("processor", 2), ("wall", 3)):
            turns_of = [a[place] / b[place] for a, b in zip(found["memory"], found["disk"], strict=True)]
            print(f"speed on disk / in memory, {name}: {statistics.median(turns_of):.2f} ({listed(turns_of)})")


def files(folder: Path, patients: int) -> int:
    """folder/train/PATIENT/k.dcm of phantoms, ten for each of `patients`; the number of those that are trained on."""
    from advreg_edu.experiments.datasets import HELD_BACK
    from advreg_edu.experiments.own_data import examples

    first = examples.dicom_folder(folder / "first", min(patients, 40), 10)
    for name in ("P00/scout.dcm", "P00/cut_off.dcm", "P01/no_scale.dcm"):
        (first / name).unlink()
    (folder / "train").mkdir()
    for k in range(patients):
        (folder / "train" / f"Q{k:05d}").mkdir()
        for file in (first / f"P{k % 40:02d}").glob("*.dcm"):
            os.link(file, folder / "train" / f"Q{k:05d}" / file.name)
    return 10 * sum(k % HELD_BACK != 0 for k in range(patients))


def trained(where: str, folder: str) -> list[float]:
    command = [sys.executable, "-c", TRAIN, folder, where, str(STEPS), str(BATCH)]
    row = [float(x) for x in subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()]
    made, made_wall, steps, steps_wall, own, _ = row
    spent = f"{made:.1f} ({made_wall:.1f}) | {steps:.1f} ({steps_wall:.1f})"
    print(f"| {where} | {spent} | {own:.0f} |", flush=True)
    return row


def listed(numbers: list[float]) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers)


if __name__ == "__main__":
    main(*sys.argv[1:])
