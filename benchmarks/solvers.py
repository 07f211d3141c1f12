"""Iterates and seconds of the solvers of §3.1 to the plain descent's end: python benchmarks/solvers.py [CRITIC] [COUNT]

CRITIC is ct-thorax (default; sigma = 0.02, thorax phantoms) or photos-color (sigma = 0.1). lambda by the formula. The
plain descent has the given step size of Algorithm 2 (0.3 for CT, 0.01 for photographs, as in the authors' code) and
ends where ||grad J|| <= 0.01 lambda. The others find their steps. Each row says, median and worst image:

    iterates   until J is as low as at the plain descent's end, and of how many images, if not of all
    share      of the plain descent's iterates, worst image
    time       of the plain descent's CPU seconds, median image (each image runs alone)
    monotone   whether J never rose, but for rounding
    minimiser  largest ||x - x'|| / ||x'|| and |J - J'| / J' at the rules' ends, against gradient descent's found steps

The gap of the first image is drawn into solvers.png.
"""

import sys
import time
import warnings
from pathlib import Path

import advreg_edu as ar
import torch
from advreg_edu.reconstruction import METHODS, NotConverged

CT, PHOTOS = "ct-thorax", "photos-color"
STEPS = {CT: 0.3, PHOTOS: 0.01}
LIMIT, EXTRA = 1500, 40  # iterates at most; iterates after the rule, for the picture


def main(name: str = CT, count: str = "4") -> None:
    warnings.simplefilter("ignore", NotConverged)
    problem, x, critic = scene(name, int(count))
    y, weight = problem.measure(x, torch.Generator().manual_seed(1)), float(ar.weight_from_noise(problem))
    runs = {"plain": [run(problem, y[i : i + 1], critic, weight, STEPS[name]) for i in range(len(x))]}
    for method in METHODS:
        runs[method] = [run(problem, y[i : i + 1], critic, weight, "auto", method) for i in range(len(x))]
    print(f"{name}, {len(x)} images, {problem}, plain step {STEPS[name]:g}\n")
    print("| solver | iterates | share | time | monotone | minimiser: x, J | ||grad J|| <= 0.01 lambda |")
    print("|---|---|---|---|---|---|---|")
    for method, of_images in runs.items():
        print(row(method, of_images, runs["plain"], runs["gradient-descent"]), flush=True)
    draw(runs, Path(__file__).with_name("solvers.png"), name)


def scene(name, count):
    if name == CT:
        return ar.Problem(ar.RayTransform(128, 30), 0.02), ar.images.thorax(count, 128, seeded()), ar.load_critic(name)
    return ar.Problem(ar.Identity((3, 64, 64)), 0.1), ar.images.photos(count, 64, seeded()), ar.load_critic(name)


def seeded():
    return torch.Generator().manual_seed(4712)


def run(problem, y, critic, weight, step_size, method="gradient-descent"):
    """(J of each iterate, CPU seconds to it, ||grad J|| / lambda, last x) to the rule's end and a little further."""
    J, seconds, slopes, left = [], [], [], EXTRA
    start = time.process_time()
    for it in ar.reconstruct(problem, y, critic, weight, step_size, LIMIT, method):
        J.append(it.objective.item())
        seconds.append(time.process_time() - start)
        slopes.append(it.gradient_norm.item() / weight)
        if min(slopes) <= 0.01:
            left -= 1
            if left == EXTRA - 1:
                end = it.x
            if not left:
                break
    return torch.tensor(J, dtype=torch.float64), seconds, torch.tensor(slopes), end if min(slopes) <= 0.01 else it.x


def at_rule(slopes):
    """The first iterate with a small gradient, or the last one."""
    return int((slopes <= 0.01).int().argmax()) if (slopes <= 0.01).any() else len(slopes) - 1


def first_as_low(J, level):
    """The first iterate with J <= level, to a millionth of the fall; None where there is none: another minimum."""
    low = level + 1e-6 * (J[0] - level) >= J
    return int(low.int().argmax()) if low.any() else None


def row(method, of_images, plain, reference):
    iterates, shares, times, x_far, J_far = [], [], [], 0.0, 0.0
    for (J, seconds, slopes, x), (J0, seconds0, slopes0, _), (J1, _, slopes1, x1) in zip(
        of_images, plain, reference, strict=True
    ):
        end = at_rule(slopes0)
        if (k := first_as_low(J, J0[end])) is not None:
            iterates.append(k)
            shares.append(k / end)
            times.append(seconds[k] / seconds0[end])
        x_far = max(x_far, ((x - x1).norm() / x1.norm()).item())
        J_far = max(J_far, abs(J[at_rule(slopes)] / J1[at_rule(slopes1)] - 1).item())
    monotone = all((J.diff() <= 1e-6 * J[:-1]).all() for J, *_ in of_images)
    rules = [at_rule(slopes) for _, _, slopes, _ in of_images]
    cells = ["(no image)", "", ""]
    if iterates:
        reached = "" if len(iterates) == len(plain) else f" ({len(iterates)} of {len(plain)} images)"
        cells = [f"{torch.tensor(iterates).float().median():.0f}, {max(iterates)}{reached}", f"{max(shares):.2f}"]
        cells.append(f"{torch.tensor(times).median():.2f}")
    cells += ["yes" if monotone else "no", f"{x_far:.1e}, {J_far:.1e}", f"{min(rules)} to {max(rules)}"]
    return f"| {method} | " + " | ".join(cells) + " |"


def draw(runs, file, name):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    least = min(J.min() for (J, *_), *_ in runs.values())
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
    styles = ("-", "--", "-.", ":")
    for style, marker, (method, of_images) in zip(styles, "os^D", runs.items(), strict=True):
        J, seconds, *_ = of_images[0]
        gap = ((J - least) / (J[0] - least)).clamp_min(1e-7)
        label = f"{method}, step {STEPS[name]:g}" if method == "plain" else f"{method}, steps found"
        for ax, x in zip(axes, (range(len(J)), seconds), strict=True):
            ax.loglog(x, gap, style, marker=marker, markevery=0.12, label=label)
    for ax, title in zip(axes, ("iterates", "CPU seconds"), strict=True):
        ax.set(xlabel=title, ylim=(1e-6, 1.5))
        ax.grid(alpha=0.3)
    axes[0].set(ylabel="share of the fall of J that is left")
    axes[0].legend(fontsize=9)
    figure.suptitle(f"{name}: how soon J is near its least value")
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
