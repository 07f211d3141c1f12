"""Accelerators: what is copied to them, and when their numbers are looked at. Not in the paper.

A GPU computes behind the program, which only lists what is to be done. To look at a number is to wait for all of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

EVERY = 10  # steps


def moved(u: torch.Tensor, device: torch.device | str | None) -> torch.Tensor:
    """u on the device; to a GPU by way of pinned memory, so that the program does not wait for the copy.

    >>> moved(torch.ones(2), "cpu")
    tensor([1., 1.])
    """
    if device is None or torch.device(device).type != "cuda" or u.device.type != "cpu":
        return u.to(device)
    return u.pin_memory().to(device, non_blocking=True)


def is_time_to_look(step: int, at: torch.Tensor) -> bool:
    """Whether a loop looks in this step, from 0, at numbers whose device is that of `at`: where to look costs nothing,
    on the CPU, in each; on an accelerator in every tenth.

    >>> is_time_to_look(3, torch.ones(2))
    True
    """
    return at.device.type == "cpu" or step % EVERY == EVERY - 1


@contextmanager
def exact_convolutions() -> Iterator[None]:
    """Within it float32 convolutions on NVIDIA's GPUs are of float32, not of TF32, whose 10 bits torch takes otherwise.

    In denoising TF32 has cost 1.3 dB: data/STUDY.md, "Rounding".

    >>> with exact_convolutions():
    ...     torch.backends.cudnn.allow_tf32
    False
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
