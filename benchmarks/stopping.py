"""Where the rules stop, on runs that no rule was chosen on: python benchmarks/stopping.py [COUNT]

COUNT thorax phantoms (128x128, 30 angles, `ct-thorax`) and COUNT crops of bundled photographs (64x64, `photos-color`),
each with sigma from half to twice the training level, lambda by the formula, found steps, and other images and noise
than data/study/solvers.md has. One row for each sigma: PSNR that a rule loses against the best iterate of the run (an
oracle), mean and worst image.
"""

import sys
import warnings

import advreg_edu as ar
import torch
from advreg_edu.reconstruction import NotConverged

RULES = {"gradient": "gradient", "**discrepancy**": "discrepancy", "change 1e-3": 1e-3}
SHARES = (0.5, 0.7, 1, 1.4, 2)


def main(count: str = "6") -> None:
    warnings.simplefilter("ignore", NotConverged)
    print("| critic | sigma / training level | best iterate (oracle), dB |", *(f" {rule} |" for rule in RULES), sep="")
    print("|---" * (3 + len(RULES)) + "|")
    for name in ("ct-thorax", "photos-color"):
        for share in SHARES:
            problem, x = scene(name, share, int(count))
            y = problem.measure(x, seeded(2002))
            runs = [of_one(problem, y[i : i + 1], x[i : i + 1], ar.load_critic(name)) for i in range(len(x))]
            best = torch.tensor([run["best"] for run in runs])
            row = [f"| {name} | {share:g} | {best.mean():.2f} |"]
            for rule in RULES:
                lost = best - torch.tensor([run[rule] for run in runs])
                row.append(f" {lost.mean():.2f}, {lost.max():.2f} |")
            print("".join(row), flush=True)


def scene(name: str, share: float, count: int):
    if name == "ct-thorax":
        return ar.Problem(ar.RayTransform(128, 30), 0.02 * share), ar.images.thorax(count, 128, seeded(2001))
    return ar.Problem(ar.Identity((3, 64, 64)), 0.1 * share), ar.images.photos(count, 64, seeded(2001))


def of_one(problem, y, x, critic):
    """PSNR of the run's best iterate, and of the one at which each rule stops."""
    weight = ar.weight_from_noise(problem)
    quality = lambda it: ar.psnr(it.x.clamp(0, 1), x).item()
    found = {"best": max(quality(it) for it in ar.reconstruct(problem, y, critic, weight, steps=400, stop="gradient"))}
    for rule, stop in RULES.items():
        *_, last = ar.reconstruct(problem, y, critic, weight, steps=400, stop=stop)
        found[rule] = quality(last)
    return found


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


if __name__ == "__main__":
    main(*sys.argv[1:])
