"""Speed against a peer in the same run; medians over repetitions, alternating.

    python benchmarks/speed.py

(a) A(x) and A.T(y) on 16 images at 128x128 and 30 angles against ODL's OperatorModule with ASTRA on the CPU.
(b) 100 iterates of Algorithm 2 on one 128x128 CT image with the shipped critic.
"""

import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import advreg_edu as ar


def main():
    A = ar.RayTransform(128, 30)
    x = ar.images.thorax(16, generator=torch.Generator().manual_seed(5))
    y = A(x)
    ours, peer = alternate(lambda: (A(x), A.T(y)), odl_pair(A, x, y), repetitions=15)
    print("A(x) and A.T(y), 16 images, 128/30:", end=" ")
    print(f"ours {ours * 1e3:.2f} ms, ODL + ASTRA {peer * 1e3:.1f} ms, ratio {peer / ours:.0f}")
    problem, critic = ar.Problem(A, 0.02), ar.load_critic("ct-thorax")
    y1, weight = problem.measure(x[:1], torch.Generator().manual_seed(1)), ar.weight_from_noise(problem)
    run = lambda: list(ar.reconstruct(problem, y1, critic, weight, steps=100))
    run()
    seconds = [timed(run) for _ in range(5)]
    median, worst = statistics.median(seconds), max(seconds)
    print(f"100 iterates of Algorithm 2, one image: median {median:.2f} s, worst {worst:.2f} s")


def odl_pair(A, x, y):
    """ODL's own way: OperatorModule around RayTransform and its adjoint, on contiguous batches."""
    from odl.applications.tomo import RayTransform
    from odl.contrib.torch import OperatorModule

    odl_transform = RayTransform(A._space, A._geometry, impl="astra_cpu")
    forward, adjoint = OperatorModule(odl_transform), OperatorModule(odl_transform.adjoint)
    return lambda: (forward(x[:, 0]), adjoint(y[:, 0]))


def alternate(first, second, repetitions):
    """Median seconds of each: blocks of five calls, as in an iteration, the two in turn."""
    first(), second()
    five = lambda f: timed(lambda: [f() for _ in range(5)]) / 5
    pairs = [(five(first), five(second)) for _ in range(repetitions)]
    return tuple(statistics.median(column) for column in zip(*pairs, strict=True))


def timed(f):
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
