"""Recursive training: the critic learns from its own reconstructions. Paper: §6, "Recursive Training"."""

from dataclasses import dataclass
from functools import partial

import torch

from ._checks import check_count, check_number
from .cores import in_parts
from .operators import squared_norm
from .reconstruction import gradient
from .reg_weight import weight_from_noise
from .samples import draw_data


@dataclass(frozen=True)
class Recursion:
    """From step `start` of Algorithm 1 on, half of x_noisy are iterates of Algorithm 2, whose runs take `steps`
    steps of size `step_size`. A critic without any direction yet would be taught by its own mistakes: start after a few
    hundred steps.

    Eq. 6 alone makes Psi as low on iterates as on real images, and the critic loses its direction between the two
    (data/study/recursion.md). What keeps it is to show it the last part of every way, and to count that part by its
    direction:
    noise_left: share in [0, 0.99] of the iterate's error that x_real keeps; None takes that of the other pairs.
    distance: what counts as ||x_noisy - x_real|| of an iterate in the first part of Eq. 6, so that a short line counts
        as much as a long one; None takes each as it is. With 0.9 and a third of the mean distance of the other pairs
        two critics for CT with sigma = 0.02 gained 0.2 dB (sharp poses) and 0.05 dB (linear ones). Both need pairs.
    hops: steps of Algorithm 2 for each time that an image is drawn. Runs of many steps want more of them, or no run
        comes to its end during the training.
    """

    start: int = 200
    steps: int = 100
    step_size: float = 0.5
    noise_left: float | None = None
    distance: float | None = None
    hops: int = 2


def check_recursion(recursion, crop, batch_size):
    """Raise unless it is None or a usable Recursion."""
    if recursion is None:
        return
    if not isinstance(recursion, Recursion):
        raise TypeError(f"recursive: expected Recursion(start, steps, step_size), got {type(recursion).__name__}.")
    check_count(batch_size, "batch_size", 2, "Half of each batch are iterates.")
    check_count(recursion.start, "recursive.start", 0)
    check_count(recursion.steps, "recursive.steps")
    check_number(recursion.step_size, "recursive.step_size", low=0, above=True)
    check_count(recursion.hops, "recursive.hops")
    if recursion.noise_left is not None:
        check_number(recursion.noise_left, "recursive.noise_left", low=0, high=0.99)
    if recursion.distance is not None:
        check_number(recursion.distance, "recursive.distance", low=0, above=True)
    if crop is not None:
        raise ValueError("crop: expected None with recursive, whose runs need whole images. Give smaller images.")


class Iterates:
    """A pool of images on their way through Algorithm 2, each `hops` steps further whenever it is drawn.

    Algorithm 2 shows the critic images that are neither real nor samples of P_n, and follows its gradient there. Here
    such images are made by the critic as it is now, with lambda by the formula, and become samples to train on. After
    its last step a run begins again at A†y with other data. The tensors in `state` are all there is to know.

    Args: problem, x_real; size of the pool; a Recursion; seed; source, further arguments of `draw_data`.
    """

    def __init__(self, problem, x_real, size, recursion, seed=0, **source):
        self.problem, self.recursion = problem, recursion
        self.draw_data = partial(draw_data, problem, x_real, **source)
        generator = torch.Generator().manual_seed(seed)
        real, y = self.draw_data(size, generator)
        age = torch.randint(recursion.steps, (size,), generator=generator)  # so that not all begin again at once
        self.state = dict(real=real, y=y, x=problem.naive(y), age=age)
        self.weight = weight_from_noise(problem).to(real)

    def mixed_in(self, critic, real, noisy, generator, precision="float32"):
        """The batch, its first half from the pool, x_real of a pair with its x_noisy."""
        count = len(real) // 2
        pooled = self.draw(critic, count, generator, precision)
        return tuple(torch.cat([new, old[count:]]) for new, old in zip(pooled, (real, noisy), strict=True))

    def shares(self, x_real, noise_left):
        """Of the error that each x_real of such a batch keeps, (B, 1, 1, 1)."""
        own = noise_left if self.recursion.noise_left is None else self.recursion.noise_left
        return torch.where(_is_iterate(x_real), own, noise_left)

    def factors(self, x_real, x_noisy):
        """By what each line of such a batch counts in the first part of Eq. 6, (B,)."""
        if self.recursion.distance is None:
            return x_real.new_ones(len(x_real))
        lengths = squared_norm(x_noisy - x_real).sqrt().clamp_min(1e-6)
        return torch.where(_is_iterate(x_real).flatten(), self.recursion.distance / lengths, 1.0)

    def draw(self, critic, count, generator, precision="float32"):
        """(x_real, iterate), each (count, C, H, W), after `hops` more steps of Algorithm 2."""

        def grad_psi(x):
            with torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                return gradient(critic, x)[1]

        i = torch.randperm(len(self.state["age"]), generator=generator)[:count]
        real, y, x = (self.state[key][i] for key in ("real", "y", "x"))
        A = self.problem.A
        for _ in range(self.recursion.hops):
            grad = 2 * A.T(A(x) - y) + self.weight * torch.cat(in_parts(grad_psi, x))
            x = x - self.recursion.step_size * grad  # Alg. 2, line 3
        self.state["x"][i] = x
        self.state["age"][i] += self.recursion.hops
        self._begin_again(i[self._over(i, x)], generator)
        return real, x

    def _over(self, i, x):
        """Runs at their end, and runs that left: more than twice as long as any image in [0, 1]."""
        gone = ~(squared_norm(x) < 4 * x[0].numel()).cpu()
        return gone | (self.state["age"][i] >= self.recursion.steps)

    def _begin_again(self, i, generator):
        if len(i):
            real, y = self.draw_data(len(i), generator)
            for key, value in dict(real=real, y=y, x=self.problem.naive(y), age=0).items():
                self.state[key][i] = value


def _is_iterate(batch):
    """(B, 1, 1, 1): the first half of a batch, see `mixed_in`."""
    return torch.arange(len(batch), device=batch.device)[:, None, None, None] < len(batch) // 2
