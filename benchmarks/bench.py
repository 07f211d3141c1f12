"""Speed as ratios, each against a peer in the same run: make bench, or python benchmarks/bench.py [a b c d e f].

    (a) the ray transform against ODL + ASTRA on the CPU, and against the bytes that a product has to move
    (b) a step of Algorithm 1, simulation included, against the plain transcription in plain.py
    (c) an iterate of Algorithm 2 against the same
    (d) total variation: a batch at once against image by image
    (e) import advreg_edu: time and memory on top of import torch
    (f) growth with size, angles and batch, drawn into growth.png

Ours and peer take turns in blocks of calls. A ratio is the median over the turns, in brackets the quartiles. Times
hold for the machine named in the first line only. The table is written to results.md.
"""

import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import advreg_edu as ar
import plain
import torch
from advreg_edu.hardware import limits
from advreg_edu.training import Eq6, Eq6BySlopes, Paired, Windows, algorithm_1
from advreg_edu.training.checks import PRECISIONS

HERE = Path(__file__).parent
SECONDS = 4.0  # for each comparison
lines = []


def main():
    sections = dict(a=ray_transform, b=training, c=iterates, d=total_variation, e=importing, f=growth)
    say(f"{date.today()}, {machine()}\n")
    for letter in sys.argv[1:] or sections:
        sections[letter]()
    if len(sys.argv) == 1:
        (HERE / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def machine():
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    cpu = names[0] if names else platform.processor()
    versions = ", ".join(f"{name} {_version(name)}" for name in ("torch", "odl", "astra-toolbox"))
    return (
        f"{cpu}, {torch.get_num_threads()} threads, {limits.fast_precision()} for training, "
        f"Python {platform.python_version()}, {versions}"
    )


def ray_transform():
    header("(a) ray transform", "ours", "ODL + ASTRA CPU", "bytes / bandwidth")
    bandwidth = memory_bandwidth()
    for size, angles in ((128, 30), (256, 60), (512, 60)):
        A, scan = ar.RayTransform(size, angles), plain.PlainScan(size, angles)
        for batch in (1, 16):
            compare_scans(A, scan, ar.images.ellipses(batch, size, torch.Generator().manual_seed(5)), bandwidth)
    say(f"\nBandwidth: {bandwidth / 1e9:.1f} GB/s, reading 256 MB from main memory.")


def compare_scans(A, scan, x, bandwidth):
    y = A(x)
    moved = A._project.bytes / 2 + 4 * (x.numel() + y.numel())  # matrix, argument and result once
    tasks = {
        "A(x)": (lambda: A(x), lambda: scan.forward(x), moved),
        "A.T(y)": (lambda: A.T(y), lambda: scan.adjoint(y), moved),
        "A.pinv(y)": (lambda: A.pinv(y), lambda: scan.pinv(y), moved),
        "A(x), A.T(y)": (lambda: (A(x), A.T(y)), lambda: (scan.forward(x), scan.adjoint(y)), 2 * moved),
    }
    for name, (ours, peer, bytes_) in tasks.items():
        what = f"{name}, {A.domain_shape[1]}/{A.range_shape[1]}, batch {len(x)}"
        row(what, ours, peer, floor=bytes_ / bandwidth)


def training():
    header("(b) a step of Algorithm 1, batch 16, 128x128, CT 30 angles", "ours", "plain PaperCritic step")
    A, scan = ar.RayTransform(128, 30), plain.PlainScan(128, 30)
    x_real = ar.images.thorax(32, generator=torch.Generator().manual_seed(6))
    problem = ar.Problem(A, 0.02)
    critic = seeded(ar.PaperCritic)
    optimizer = torch.optim.Adam(critic.parameters())
    generator = torch.Generator().manual_seed(0)
    scale = 1 / A.unscaled_norm
    peer = lambda: plain.training_step(critic, optimizer, scan, scale, 0.02, x_real[:16], 20.0, generator)
    for kind in (ar.PaperCritic, ar.LocalCritic):
        for precision in dict.fromkeys([PRECISIONS[0], limits.fast_precision()]):
            for loss in (Eq6(gp_weight=20.0), Eq6BySlopes(gp_weight=20.0)):
                for side in (None, 64) if kind is ar.LocalCritic else (None,):
                    pairs = Windows(Paired(problem, x_real), side) if side else Paired(problem, x_real)
                    run = algorithm_1(seeded(kind), pairs, loss, steps=10_000, batch_size=16, precision=precision)
                    what = f"{kind.__name__}, {precision}, {type(loss).__name__}"
                    name = what + (f", windows of {side}" if side else "")
                    row(name, lambda: next(run), peer)  # noqa: B023
                    run.close()


def iterates():
    header("(c) an iterate of Algorithm 2, 128x128, CT 30 angles", "ours", "plain")
    A, scan = ar.RayTransform(128, 30), plain.PlainScan(128, 30)
    problem, scale = ar.Problem(A, 0.02), 1 / A.unscaled_norm
    weight = float(ar.weight_from_noise(problem))
    x = ar.images.thorax(16, generator=torch.Generator().manual_seed(7))
    y = problem.measure(x, torch.Generator().manual_seed(7))
    x0 = problem.naive(y)
    slow = seeded(ar.PaperCritic)
    for name, critic in (("ct-thorax", ar.load_critic("ct-thorax")), ("PaperCritic", seeded(ar.PaperCritic))):
        for batch in (1, 16):
            run = endless(lambda: ar.reconstruct(problem, y[:batch], critic, weight, 0.1, 100))  # noqa: B023
            peer = lambda: plain.descent_step(slow, scan, scale, x0[:batch], y[:batch], weight, 0.1)  # noqa: B023
            row(f"{name}, batch {batch}; peer with PaperCritic", lambda: next(run), peer)  # noqa: B023


def total_variation():
    header("(d) total variation to a gap of 1e-3, 8 images at 128/30", "ours, a batch", "ours, one by one")
    problem = ar.Problem(ar.RayTransform(128, 30), 0.02)
    x = ar.images.thorax(8, generator=torch.Generator().manual_seed(8))
    y = problem.measure(x, torch.Generator().manual_seed(8))
    solve = lambda y: ar.total_variation(problem, y, 0.004)
    row("TV", lambda: solve(y), lambda: [solve(item[None]) for item in y])


def importing():
    """Memory in pages of 4 KB, where Linux tells it."""
    code = (
        "import os, time; statm = '/proc/self/statm'\n"
        "rss = lambda: int(open(statm).read().split()[1]) / 256 if os.path.exists(statm) else float('nan')\n"
        "import torch; t, m = time.perf_counter(), rss()\n"
        "import advreg_edu, sys; print(time.perf_counter() - t, rss() - m)\n"
        "print(*[name for name in ('matplotlib', 'odl', 'astra', 'ipywidgets', 'scipy') if name in sys.modules])"
    )
    runs = []
    for _ in range(5):
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parent)
        numbers, loaded = out.stdout.split("\n")[:2]
        runs.append([float(number) for number in numbers.split()])
    seconds, megabytes = (statistics.median(column) for column in zip(*runs, strict=True))
    say("\n### (e) import advreg_edu, on top of import torch\n")
    say(
        f"{seconds:.2f} s, {megabytes:.0f} MB. Of matplotlib, ODL, ASTRA, ipywidgets, SciPy loaded: {loaded or 'none'}."
    )


def growth():
    """Medians of one call each, and the slope of log(time) against log(size), (angles) or (batch)."""
    gradient = lambda critic, x: lambda: ar.reconstruction.gradient(critic, x)
    step = lambda A, x: lambda: (A(x), A.T(A(x)))
    critic = ar.load_critic("ct-thorax")
    sizes, angles, batches = (64, 128, 256, 512), (15, 30, 60, 120), (1, 4, 16, 64)
    image = lambda size, n=4: ar.images.ellipses(n, size, generator=torch.Generator().manual_seed(9))
    scan = {n: ar.RayTransform(n, 30) for n in sizes}
    curves = {
        "ray transform: pixels": [(n * n, seconds(step(scan[n], image(n)))) for n in sizes],
        "ray transform: angles": [(n, seconds(step(ar.RayTransform(128, n), image(128)))) for n in angles],
        "ray transform: batch": [(n, seconds(step(scan[128], image(128, n)))) for n in batches],
        "critic's gradient: pixels": [(n * n, seconds(gradient(critic, image(n)))) for n in sizes],
        "critic's gradient: batch": [(n, seconds(gradient(critic, image(128, n)))) for n in batches],
    }
    say("\n### (f) growth: slope of log(time)\n\n| what grows | slope | of the last two | ms |\n|---|---|---|---|")
    for name, points in curves.items():
        times = ", ".join(f"{n}: {1e3 * t:.3g}" for n, t in points)
        say(f"| {name} | {slope(points):.2f} | {slope(points[-2:]):.2f} | {times} |")
    draw(curves)


def draw(curves):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
    for ax, what in zip(axes, ("pixels", "angles", "batch"), strict=True):
        shown = [curve for curve in curves.items() if curve[0].endswith(what)]
        for style, (name, points) in zip(("o-", "s--"), shown, strict=False):
            n, t = zip(*points, strict=True)
            ax.loglog(n, [1e3 * v for v in t], style, label=f"{name.split(':')[0]}, slope {slope(points):.2f}")
        ticks = [n for n, _ in shown[0][1]]
        ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
        ax.minorticks_off()
        ax.set(xlabel={"pixels": "pixels of the image", "angles": "angles", "batch": "images at once"}[what])
        ax.legend(frameon=False)
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("milliseconds")
    figure.savefig(HERE / "growth.png", dpi=120)


def row(name, ours, peer, floor=None):
    """Time both in turn and print a line of the table."""
    mine, theirs = take_turns(ours, peer)
    ratios = sorted(b / a for a, b in zip(mine, theirs, strict=True))
    low, middle, high = (ratios[round(q * (len(ratios) - 1))] for q in (0.25, 0.5, 0.75))
    mine, theirs = statistics.median(mine), statistics.median(theirs)
    line = f"| {name} | {1e3 * mine:.3g} ms | {1e3 * theirs:.4g} ms | **{middle:.1f}** ({low:.1f} to {high:.1f}) |"
    say(line + (f" {mine / floor:.1f} |" if floor else ""))


def take_turns(ours, peer):
    """Seconds per call of both, turn by turn, in blocks of about a tenth of a second (one call at least)."""
    counts = []
    for call in (ours, peer):
        call()
        counts.append(max(1, int(0.1 / timed(call, 1))))
    turns, end = [], time.perf_counter() + SECONDS
    while len(turns) < 5 or time.perf_counter() < end:
        turns.append([timed(call, n) for call, n in zip((ours, peer), counts, strict=True)])
    return zip(*turns, strict=True)


def seconds(call):
    """Median of a call, over half a second at least."""
    call()
    times, end = [], time.perf_counter() + 0.5
    while len(times) < 5 or time.perf_counter() < end:
        times.append(timed(call, 1))
    return statistics.median(times)


def timed(call, count):
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def slope(points):
    """Least squares through (log n, log t)."""
    n, t = torch.tensor(points, dtype=torch.float64).log().T
    return float(((n - n.mean()) * (t - t.mean())).sum() / (n - n.mean()).square().sum())


def memory_bandwidth():
    """Bytes per second that a sum over 256 MB reads."""
    big = torch.ones(64_000_000)
    return 256e6 / seconds(lambda: big.sum())


def endless(make):
    while True:
        yield from make()


def seeded(kind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(channels=1)


def header(title, ours, peer, floor=""):
    say(f"\n### {title}\n\n| | {ours} | {peer} | ratio |" + (f" ours : {floor} |" if floor else ""))
    say("|---|---|---|---|" + ("---|" if floor else ""))


def say(line):
    print(line, flush=True)
    lines.append(line)


def _version(name):
    from importlib.metadata import version

    return version(name)


def _lines(path):
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    main()
