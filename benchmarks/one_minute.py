"""A critic in one minute: train a recipe from scratch with three seeds, time it by the wall, compare it with TV.

    python benchmarks/one_minute.py ct                # ct-minute, on thorax phantoms of another seed
    python benchmarks/one_minute.py photos TRAIN VAL  # photos-minute: photographs to train on, others to report on

The time is that of the whole command, from the shell: imports, images, training. Ours has lambda by the formula and
ends at a minimum, or after 400 iterates; TV is at its minimum, for its best lambda on the reported images: an oracle.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import advreg_edu as ar
import quality
import torch

COUNT, SEEDS = 32, (0, 1, 2)


def main():
    photos = sys.argv[1] == "photos"
    recipe, images = ("photos-minute", ["--images", sys.argv[2]]) if photos else ("ct-minute", [])
    x, _ = quality.load_images("photos", sys.argv[3], COUNT) if photos else quality.load_images("phantoms", None, COUNT)
    problem = quality.problem_of(photos)
    y = problem.measure(x, torch.Generator().manual_seed(2026))
    mean = lambda u: f"{ar.psnr(u.clamp(0, 1), x).mean():.2f} dB"
    best, tv = quality.oracle_tv(problem, y, x, photos)
    print(f"{COUNT} images. A†y {mean(problem.naive(y))}, TV with oracle lambda {best:g} {mean(tv)}", flush=True)
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "critic.safetensors"
            command = [sys.executable, "-m", "advreg_edu", "train", recipe, "--seed", str(seed), "--out", str(out)]
            start = time.perf_counter()
            subprocess.run(command + images, check=True, capture_output=True)
            seconds = time.perf_counter() - start
            *_, last = quality.iterates(problem, y, ar.load_critic(out))
        print(f"seed {seed}: {seconds:.0f} s, ours {mean(last.x)} after {last.step} iterates", flush=True)


if __name__ == "__main__":
    main()
