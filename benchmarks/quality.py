"""Quality of the shipped critics on images never trained on: mean and standard error over images, one noise draw each.

    python benchmarks/quality.py phantoms            # ct-thorax on 32 thorax phantoms of another seed
    python benchmarks/quality.py photos FOLDER       # photos-color on 32 crops of a folder (BSDS500 val)
    python benchmarks/quality.py chest FILE.npz      # ct-thorax on real chest slices (keys hu, split, patient_id)

Ours: lambda by the formula, steps that are found, an end where ||grad J|| <= 0.01 lambda or after 400 iterates; no
look at the truth. TV: to a relative duality gap of 1e-3 (CT) or 1e-4 (photographs), with the best of a grid of lambda,
chosen on the reported images themselves: an oracle, in TV's favour. "best iterate" is an oracle too.
"""

import argparse
import warnings

import advreg_edu as ar
import numpy as np
import torch
from advreg_edu.reconstruction import NotConverged

STEPS, TOLERANCE = 400, 0.01  # of ours
GAPS = {True: 1e-4, False: 1e-3}  # photos or CT
GRIDS = {True: (0.1, 0.14, 0.2), False: (0.003, 0.004, 0.005)}  # of TV's lambda


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["phantoms", "photos", "chest"])
    parser.add_argument("path", nargs="?")
    parser.add_argument("--critic", help="a shipped name or a .safetensors file")
    parser.add_argument("--count", type=int, default=32)
    options = parser.parse_args()
    warnings.simplefilter("ignore", NotConverged)  # the report counts them
    photos = options.what == "photos"
    x, groups = load_images(options.what, options.path, options.count)
    problem = problem_of(photos)
    critic = ar.load_critic(options.critic or ("photos-color" if photos else "ct-thorax"))
    y = problem.measure(x, torch.Generator().manual_seed(2026))
    print(f"{len(x)} images, {problem}")
    report("A†y", problem.naive(y), x, groups)
    if not photos:
        report("FBP, Hann", problem.A.pinv(y, "hann"), x, groups)
    best, tv = oracle_tv(problem, y, x, photos)
    report(f"TV, oracle lambda {best:g}", tv, x, groups)
    unet = ar.pretrained.load_unet("photos-color-unet" if photos else "ct-thorax-unet")
    report("U-Net, supervised", ar.baselines.post_process(problem, y, unet), x, groups)
    weight, ours, steps = float(ar.weight_from_noise(problem)), [], torch.zeros(len(x))
    for it in iterates(problem, y, critic):
        ours.append(it.x)
        on_the_way = it.gradient_norm > TOLERANCE * weight
        steps += on_the_way
    report("ours, lambda by the formula, end", ours[-1], x, groups)
    print(
        f"  {int((~on_the_way).sum())} of {len(x)} runs ended by the rule, {steps.clamp_max(STEPS).mean():.0f} iterates"
    )
    scores = torch.stack([ar.psnr(x_k.clamp(0, 1), x) for x_k in ours])
    k = int(scores.mean(1).argmax())
    report(f"ours, best iterate ({k}, oracle)", ours[k], x, groups)


def problem_of(photos):
    operator = ar.Identity((3, 128, 128)) if photos else ar.RayTransform(128, 30)
    return ar.Problem(operator, sigma=0.1 if photos else 0.02)


def iterates(problem, y, critic):
    """The iterates of Algorithm 2 with lambda by the formula, each image to its minimum or to the limit."""
    weight, ends = ar.weight_from_noise(problem), dict(stop="gradient", tolerance=TOLERANCE)
    return ar.reconstruct(problem, y, critic, weight, step_size="auto", steps=STEPS, **ends)


def oracle_tv(problem, y, x, photos):
    """The best lambda of a grid, judged with the truth, and its TV reconstruction."""
    runs = {w: ar.total_variation(problem, y, w, GAPS[photos]) for w in GRIDS[photos]}
    best = max(runs, key=lambda w: ar.psnr(runs[w].clamp(0, 1), x).mean())
    return best, runs[best]


def load_images(what, path, count):
    """Images and their groups: results are averaged within a patient first."""
    if what == "phantoms":
        x = ar.images.thorax(count, 128, torch.Generator().manual_seed(4_711))
    elif what == "photos":
        x = ar.images.from_folder(path, count, 128, generator=torch.Generator().manual_seed(20_261_123))
    else:
        data = np.load(path)
        val = data["split"] == "val"
        return ar.images.from_hounsfield(data["hu"][val]), data["patient_id"][val]
    return x, np.arange(len(x))


def report(name, x, x_true, groups):
    x = x.clamp(0, 1)
    line = f"{name:36s}"
    for metric, unit, digits in ((ar.psnr, "dB", 2), (ar.ssim, "", 3)):
        values = metric(x, x_true).numpy()
        means = np.array([values[groups == g].mean() for g in np.unique(groups)])
        error = means.std(ddof=1) / len(means) ** 0.5
        line += f"  {metric.__name__.upper()} {means.mean():.{digits}f} ± {error:.{digits}f} {unit}"
    print(line, flush=True)


if __name__ == "__main__":
    main()
