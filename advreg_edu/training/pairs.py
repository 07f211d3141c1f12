"""Samples to train on: x_real ~ P_r and x_noisy ~ P_n. Paper: §3.1; Alg. 1, lines 3-4."""

import torch


def draw_batch(problem, x_real, batch_size, generator=None, paired=True, measurements=None, crop=None, device=None):
    """Alg. 1, lines 3-4: x_real ~ P_r and x_noisy = A†y ~ P_n, each (batch_size, C, H, W)."""
    real, y = draw_data(problem, x_real, batch_size, generator, paired, measurements, device)
    noisy = problem.naive(y)
    if crop is not None:
        top, left = (int(torch.randint(side - crop + 1, (), generator=generator)) for side in real.shape[-2:])
        real, noisy = (u[..., top : top + crop, left : left + crop] for u in (real, noisy))
    return tuple(u.contiguous(memory_format=torch.channels_last) for u in (real, noisy))


def draw_data(problem, x_real, count, generator=None, paired=True, measurements=None, device=None):
    """x_real ~ P_r and y ~ P_Y: y = Ax + e of the same images, of others, or some of the `measurements`."""
    real = _some(x_real, count, generator).to(device)
    if measurements is not None:
        return real, _some(measurements, count, generator).to(device)
    x = real if paired else _some(x_real, count, generator).to(device)
    return real, problem.A(x) + problem.noise(count, generator, x.device, x.dtype)


def _some(items, count, generator):
    return items[torch.randint(len(items), (count,), generator=generator)]
