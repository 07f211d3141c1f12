"""The README's moving picture: the iterates of Algorithm 2 on a phantom, with the step and the PSNR of each."""

import io
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from .. import images
from ..drawing.pictures import Picture, strip
from ..metrics import psnr
from ..operators import RayTransform
from ..pretrained import load_critic
from ..problem import Problem
from ..reconstruction import Iterate, reconstruct
from ..reg_weight import weight_from_noise

SHOWN = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40)  # and the last
MILLISECONDS, FIRST, LAST = 350, 1500, 3000  # that a frame stays
SEED = 7  # of the README's example


def iterates() -> tuple[Tensor, list[Iterate]]:
    """The truth (1, 1, 128, 128) and the run of the README's example, from A†y to its minimum."""
    problem = Problem(RayTransform(size=128, angles=30), sigma=0.02)
    x_true = images.thorax(1, size=128, generator=torch.Generator().manual_seed(SEED))
    y = problem.measure(x_true, generator=torch.Generator().manual_seed(SEED))
    weight, critic = weight_from_noise(problem), load_critic("ct-thorax")
    return x_true, list(reconstruct(problem, y, critic, weight, step_size="auto", steps=400, stop="gradient"))


def frames(x_true: Tensor, run: list[Iterate]) -> Iterator[Picture]:
    """A†y, an iterate and the truth, side by side, for the iterates that are shown."""
    score = lambda x: f"{psnr(x.clamp(0, 1), x_true).item():.1f} dB"
    last = run[-1].step
    for k in (*(k for k in SHOWN if k < last), last):
        titles = [f"A†y, {score(run[0].x)}", f"iterate {k} of {last}, {score(run[k].x)}", "truth"]
        yield strip([run[0].x[0], run[k].x[0], x_true[0]], titles)


def write(folder: Path | str) -> list[str]:
    """Write iterates.webp, which moves, and iterates.png, its last frame, into the folder; return lines for a README.

    The lines show the still picture to readers whose system asks for no motion, and say what is in it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = list(frames(*iterates()))
    sheets = [Image.open(io.BytesIO(picture.png)).convert("RGB") for picture in pictures]
    stays = [FIRST, *[MILLISECONDS] * (len(sheets) - 2), LAST]
    moving = folder / "iterates.webp"
    sheets[0].save(moving, save_all=True, append_images=sheets[1:], duration=stays, loop=0, quality=80, method=6)
    (folder / "iterates.png").write_bytes(pictures[-1].png)
    return readme_lines(pictures, folder)


def readme_lines(pictures: list[Picture], folder: Path) -> list[str]:
    """The HTML of the picture with its alternative text, from the titles of its frames."""
    begin, end = (picture.panels[1].title for picture in (pictures[0], pictures[-1]))
    alt = (
        f"A chest phantom from 30 noisy views. Left, filtered back-projection, grain and streaks: "
        f"{pictures[0].panels[0].title}. Middle, moving, gradient descent on the data and the critic: from {begin} to "
        f"{end}. Right, the truth."
    )
    return [
        "<picture>",
        f'<source media="(prefers-reduced-motion: reduce)" srcset="{folder.as_posix()}/iterates.png">',
        f'<img src="{folder.as_posix()}/iterates.webp" alt="{alt}">',
        "</picture>",
    ]
