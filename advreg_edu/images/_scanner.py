"""What is around a Chest in the scanner, and what the scanner does to the picture. Not in the paper."""

import torch
from torch import Tensor

from ._canvas import Chest
from ._shapes import norm


def add_couch(c: Chest) -> None:
    """A pad, and one or two thin curved shells under the back."""
    top = c.drop + c.scale * c.half * 0.93 + c.draw(0.01, 0.06)
    bow = c.chance(0.7) * c.draw(-0.02, 0.3) * c.gx.square()
    y, ends, empty = c.gy - top + bow, c.gx.abs() - c.draw(0.6, 1.4), c.hu < -700
    gap = c.draw(0.07, 0.2)
    foam = torch.maximum((y - 0.05 - gap / 2).abs() - gap / 2, ends)
    c.paint(torch.maximum((y - 0.02).abs() - 0.03, ends), c.draw(-985, -900), empty)
    c.paint(foam, c.draw(-1000, -930), empty)
    for shift, there in ((0.05, 1.0), (0.05 + gap, c.chance(0.85))):
        shell = (y - shift + c.draw(-0.1, 0.1) * c.gx.square()).abs() - c.draw(0.003, 0.008)
        c.paint(torch.maximum(shell, ends), c.draw(-650, 150), there * empty)


def add_cloth(c: Chest) -> None:
    """A blanket or a cable over the chest: a faint crumpled line."""
    there = c.chance(0.5) * (c.rough(6) > c.draw(-1, 1)) * (c.y < 0.3)
    line = (c.body - c.draw(0.02, 0.12) - 0.03 * c.rough(9)).abs() - 0.004
    c.paint(line, c.draw(-950, -700), there * (c.body > 0.01))


def scan(c: Chest) -> Tensor:
    """Blur, noise and streaks, and the circle outside of which a scanner writes -1024."""
    f = torch.fft.rfftfreq(c.size)[None, None] * (c.size / 128)  # cycles per 1/128 of the picture
    g = torch.fft.fftfreq(c.size)[None, :, None] * (c.size / 128)
    rho = torch.hypot(f, g)
    # Noise of filtered back-projection: little at low frequencies (the ramp), little at high ones (the window, bins).
    ramp = 2.2 * rho.sqrt() * torch.exp(-((rho / c.draw(0.35, 0.6)).square()))
    # Streaks, where the shoulders let few photons through: long in x, sharp in y.
    streak = 4 * torch.exp(-((f / 0.03).square())) * (1 - torch.exp(-((g / 0.1).square())))
    streak = streak * c.chance(0.25) * c.draw(4, 20)
    ramp = ramp * c.draw(1.8, 5.0).square()
    blur = torch.exp(-2 * (torch.pi * rho * c.draw(0.0, 0.36)).square())
    outside = (c.chance(0.55) > 0) & (norm(c.gx, c.gy) > c.draw(0.97, 1.03))
    white = torch.randn(c.batch, c.size, c.size, generator=c.generator) * (c.size / 128)
    back = lambda spectrum: torch.fft.irfft2(spectrum, (c.size, c.size))
    white, thick = torch.fft.rfft2(white), torch.exp(-(c.gx.square() + c.gy.square()) / 0.64)
    hu = back(torch.fft.rfft2(c.hu) * blur) + (0.5 + thick) * back(white * ramp)
    hu = hu + thick * (c.body < 0.1) * back(white * streak)
    return torch.where(outside, -1024.0, hu.clamp(-1024, 3071))
