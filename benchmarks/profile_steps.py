"""Where the time goes, by the torch profiler: python benchmarks/profile_steps.py

Shares of the time of a step of Algorithm 1 (the plain PaperCritic step, PaperCritic, LocalCritic; batch 16 at 128x128,
CT with 30 angles) and of an iterate of Algorithm 2 with the shipped critic (one image).
"""

import advreg_edu as ar
import bench
import plain
import torch
from advreg_edu.training import Eq6, Eq6BySlopes, Paired, algorithm_1
from torch.profiler import profile

GROUPS = {  # the first word that an operation's name contains
    "convolution": "convolutions",
    "conv": "convolutions",
    "mkldnn": "convolutions",
    "addmm": "matrix products, sparse ones too",
    "mv": "matrix products, sparse ones too",
    "mm": "matrix products, sparse ones too",
    "silu": "activations",
    "leaky_relu": "activations",
    "copy_": "copies and number formats",
    "dam": "Adam",
    "foreach": "Adam",
    "rand": "random numbers",
    "normal": "random numbers",
    "fft": "Fourier transform",
}


def main():
    A, scan = ar.RayTransform(128, 30), plain.PlainScan(128, 30)
    problem, x = ar.Problem(A, 0.02), ar.images.thorax(16, generator=torch.Generator().manual_seed(6))
    critic, generator = bench.seeded(ar.PaperCritic), torch.Generator().manual_seed(0)
    adam = torch.optim.Adam(critic.parameters())
    slow = lambda: plain.training_step(critic, adam, scan, 1 / A.unscaled_norm, 0.02, x, 20.0, generator)
    show("plain PaperCritic step", slow)
    for kind in (ar.PaperCritic, ar.LocalCritic):
        for loss in (Eq6(gp_weight=20.0), Eq6BySlopes(gp_weight=20.0)):
            run = algorithm_1(bench.seeded(kind), Paired(problem, x), loss, steps=1000, batch_size=16)
            show(f"{kind.__name__}, {type(loss).__name__}", lambda: next(run))  # noqa: B023
    y, weight = problem.measure(x[:1], generator), ar.weight_from_noise(problem)
    shipped = ar.load_critic("ct-thorax")
    iterates = bench.endless(lambda: ar.reconstruct(problem, y, shipped, weight, 0.5, 100))
    show("iterate of Algorithm 2, ct-thorax, one image", lambda: next(iterates), calls=50)


def show(title, call, calls=4):
    """Print the shares of the time that the calling thread spends in each group of operations."""
    call()
    with profile() as found:
        for _ in range(calls):
            call()
    shares, total = {}, 0.0
    for event in found.key_averages():
        group = next((group for word, group in GROUPS.items() if word in event.key), "other")
        shares[group] = shares.get(group, 0) + event.self_cpu_time_total
        total += event.self_cpu_time_total
    print(f"\n{title}: {total / calls / 1e3:.3g} ms")
    for group, time in sorted(shares.items(), key=lambda item: -item[1]):
        print(f"  {time / total:5.1%}  {group}")


if __name__ == "__main__":
    main()
