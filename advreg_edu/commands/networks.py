"""train: networks."""

import argparse
from pathlib import Path
from typing import Any

from ..experiments.recipes import RECIPES
from ..experiments.train import train


def add(commands: Any) -> None:
    """Describe the commands to the parser."""
    training = commands.add_parser(
        "train", help="train a network that ships, as it was trained, or a critic in a minute"
    )
    training.add_argument("name", choices=sorted(RECIPES))
    training.add_argument(
        "--images", type=Path, metavar="PATH", help="photographs (photos-...) or CT slices (ct-chest-...)"
    )
    training.add_argument("--steps", type=int, help="instead of the preset's")
    training.add_argument("--batch-size", type=int, help="instead of the preset's")
    training.add_argument("--seed", type=int, default=0, help="of images, weights and noise (default 0)")
    training.add_argument(
        "--out", type=Path, metavar="FILE.safetensors", help="default runs/NAME[-seed-SEED].safetensors"
    )
    training.add_argument("--resume", action="store_true", help="go on from the checkpoint beside the output")
    training.add_argument("--device", default="cpu", help="such as cuda (default cpu)")
    training.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> int:
    changes = {"steps": options.steps, "batch_size": options.batch_size}
    changes = {key: value for key, value in changes.items() if value is not None}
    return train(options.name, options.out, options.images, options.seed, options.resume, options.device, **changes)
