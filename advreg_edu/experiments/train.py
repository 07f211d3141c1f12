"""The command `train`: a recipe, a progress bar, a file with its SHA-256; what is interrupted resumes."""

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn

from .._input.arguments import check_choice, check_count, check_path, check_seed
from .._input.files import as_path, reserved
from .._input.messages import describe
from .._input.signature import check_flag, checked
from ..hardware.processes import is_first, together
from ..pretrained import check_can_be_saved, save_network
from ..training.checkpoints import room_for
from .recipes import RECIPES
from .recipes.recipe import Recipe

BROKEN = 2.0  # running mean of ||grad Psi||, which Eq. 6 holds next to 1: below 1.17 with `default_gp_weight`
_BROKE = (
    "Training broke down by step {}: expected a slope ‖∇Ψ‖ next to 1, got {:.3g}. It rarely comes back. "
    "Stop it, and take another --seed, or a recipe with a lower learning_rate."
)


def train(
    name: str,
    out: Path | str | None = None,
    path: Path | str | None = None,
    seed: int = 0,
    resume: bool = False,
    device: str = "cpu",
    devices: int = 1,
    nodes: int = 1,
    stream: bool = False,
    **changes,
) -> int:
    """Train the recipe `name` with a progress bar, save the network to `out`, print its SHA-256 and the minutes.

    `out` is reserved before the first image is made: no other process can train into it, see `files.reserved`.

    Args:
        out: a .safetensors file; a checkpoint stands beside it (ending .checkpoint) until the training is done. None
            takes runs/NAME.safetensors, or runs/NAME-seed-SEED.safetensors for another seed than 0.
        path: photographs or CT slices, for recipes that train on them, see `datasets`.
        seed: of the images, the first weights, the batches and the noise.
        device: such as "cuda"; devices, on each of `nodes` machines, share every batch, see `processes.together`.
        stream: leave the images on disk, in the folder of `out`: the same weights, and memory does not grow with them.
        changes: arguments of the training that differ from the recipe's.
    Returns: exit status, 0 or 130 after Ctrl-C. Raises ValueError for bad arguments before the training starts, OSError
    where nothing can be written; the last checkpoint that could be is then kept.
    """
    check_choice(name, "name", RECIPES)
    path = None if path is None else check_path(path)
    default = f"runs/{name}{f'-seed-{seed}' if check_seed(seed) else ''}.safetensors"
    file = as_path(default if out is None else out, "--out")
    devices, nodes = check_count(devices, "devices"), check_count(nodes, "nodes")
    if stream:
        _check_streams(name)
        changes["disk"] = file.parent
    with together(str(checked_device(device)), devices, nodes) as place:
        return train_recipe(RECIPES[name], name, file, path, seed, resume, place, **changes)


def train_recipe(
    recipe: Recipe, title: str, file: Path, path: Path | str | None, seed: int, resume: bool, device: str, **changes
) -> int:
    """Train a recipe into a file on the device of this process: see `train`."""
    resume, seed = check_flag(resume, "resume"), check_seed(seed)
    total = check_count(changes.get("steps", recipe.steps), "steps")
    check_count(changes.get("batch_size", recipe.batch_size), "batch_size")
    checkpoint = file.with_suffix(".checkpoint")
    network = seeded(recipe.network, seed).to(device)
    check_can_be_saved(network, file)
    with reserved(checkpoint, room=room_for(network)) if is_first() else nullcontext():
        _check_files(file, checkpoint, resume)
        start = time.perf_counter()
        steps = recipe.start(network, path, seed, checkpoint=checkpoint, resume=resume, **changes)
        try:
            _watch(steps, total, title)
            if not is_first():
                return 0
            sha256 = save_network(network, file)
        except KeyboardInterrupt:
            steps.close()  # writes the checkpoint
            if is_first():
                print(_how_to_resume(checkpoint), file=sys.stderr)
            return 130
        except OSError as error:
            raise OSError(f"{error} {_how_to_resume(checkpoint)}") from None
        checkpoint.unlink(missing_ok=True)
    print(f"{file}\nSHA-256 {sha256}\n{(time.perf_counter() - start) / 60:.1f} minutes")
    return 0


@checked
def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """`make()` with first weights that depend on the seed alone; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(check_seed(seed))
        return make()


def _check_streams(name: str) -> None:
    """Raise for a recipe whose images are in memory, as many as the recipe says, whatever the folder holds."""
    if not RECIPES[name].streams:
        can = ", ".join(name for name, recipe in RECIPES.items() if recipe.streams)
        raise ValueError(f"--stream: expected one of {can}, got {name}, whose images are in memory. Leave it out.")


def _check_files(out: Path, checkpoint: Path, resume: bool) -> None:
    """Raise for what would lose work."""
    if out.exists():
        raise ValueError(f"{out}: expected no such file, got a finished training. Move it away, or add --out.")
    if resume and not checkpoint.exists():
        raise ValueError(f"--resume: expected a checkpoint file, got no {checkpoint}. Start without --resume.")
    if checkpoint.exists() and not resume:
        raise ValueError(
            f"{checkpoint}: expected no checkpoint, got one of an interrupted training. "
            "Add --resume to go on with it, or delete it to start again."
        )


def checked_device(name: str) -> torch.device:
    """`name` as a device that works.

    >>> checked_device("cpu")
    device(type='cpu')
    """
    try:
        number = torch.zeros(1, device=name)
        number.item()  # of the device "meta" there is none
        return number.device
    except (RuntimeError, AssertionError, TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"--device: expected a device that torch can use, got {describe(name)}: {reason:.120}. Try cpu."
        ) from None


def _watch(steps: Iterable, total: int, title: str) -> None:
    """Run the training under a progress bar with running means of what its steps report; warn of one that broke."""
    from tqdm import tqdm

    means, said, warned = None, -math.inf, False
    with tqdm(desc=title, total=total, mininterval=1, unit="step", disable=not is_first()) as bar:
        for step in steps:
            seen = torch.stack([getattr(step, name) for name in step.shown])
            means = seen if means is None else means.lerp(seen, 0.05)
            if time.monotonic() > said + 1 or step.index + 1 == total:  # to look at a GPU is to wait for it
                found = dict(zip(step.shown, means.tolist(), strict=True))
                words = [f"{name.replace('_', ' ')} {mean:.3g}" for name, mean in found.items()]
                bar.set_postfix_str(", ".join(words), refresh=False)
                said = time.monotonic()
                slope = found.get("gradient_norm", 0)
                if slope > BROKEN and not warned:
                    warnings.warn(_BROKE.format(step.index, slope), RuntimeWarning, stacklevel=2)
                    warned = True
            bar.update(step.index + 1 - bar.n)


def _how_to_resume(checkpoint: Path) -> str:
    if checkpoint.exists():
        return f"Stopped; {checkpoint} holds the training. Run the same command with --resume to go on."
    return "Stopped before the first step; nothing to resume."
