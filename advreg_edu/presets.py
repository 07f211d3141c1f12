"""How the critics that ship were trained, and how to train one in a minute. Paper: Algorithm 1; §5.1, §5.3."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from . import images
from .critics import LocalCritic
from .hardware import use_the_cores_there_are
from .operators import Identity
from .pretrained import save_critic
from .problem import Problem
from .ray_transform import RayTransform
from .training import train_critic


@dataclass(frozen=True)
class Preset:
    """What a training is made of. The parts are functions: nothing is computed before the training runs."""

    problem: Callable  # () -> Problem
    images: Callable  # (folder or None, generator) -> (N, C, H, W) in [0, 1]
    critic: Callable  # () -> critic
    arguments: dict  # of train_critic


def _ct(phantoms, steps, batch_size):
    return Preset(
        problem=lambda: Problem(RayTransform(128, 30), sigma=0.02),
        images=lambda folder, generator: images.thorax(phantoms, size=128, generator=generator),
        critic=lambda: LocalCritic(channels=1, blocks_down=False),
        arguments=dict(steps=steps, batch_size=batch_size, averaging=0.99, gap="lines"),
    )


def _photos(**arguments):
    return Preset(
        problem=lambda: Problem(Identity((3, 48, 48)), sigma=0.1),
        images=_crops,
        critic=lambda: LocalCritic(channels=3, widths=(32, 64, 96)),
        arguments=dict(batch_size=16, learning_rate=1.5e-3) | arguments,
    )


def _crops(folder, generator):
    if folder is None:
        raise ValueError(
            "photos: expected a folder of photographs, got none. "
            "Pass --images FOLDER; the critic that ships was trained on BSDS500's train folder."
        )
    return images.from_folder(folder, 8000, size=48, generator=generator)


PRESETS = {
    "ct-thorax": _ct(phantoms=2000, steps=700, batch_size=8),
    "photos-color": _photos(steps=2500, precision="float32"),
    "ct-minute": _ct(phantoms=400, steps=800, batch_size=4),
    "photos-minute": _photos(steps=600, averaging=0.99, gap="lines"),
}


def train(name, out, folder=None, seed=0, resume=False, device="cpu", **changes):
    """Train the preset `name` with a progress bar, save the critic to `out`, print its SHA-256 and the minutes.

    Args:
        out: a .safetensors file; a checkpoint stands beside it (ending .checkpoint) until the training is done.
        folder: photographs, for presets that train on them.
        seed: of the images, the first weights, the batches and the noise.
        changes: arguments of train_critic that differ from the preset's.
    Returns: exit status, 0 or 130 after Ctrl-C. Raises ValueError for bad arguments before the training starts.
    """
    use_the_cores_there_are()
    preset, out = PRESETS[name], Path(out)
    checkpoint, device = _checkpoint(out, resume), _device(device)
    x_real = preset.images(folder, torch.Generator().manual_seed(seed))
    critic = _seeded(preset.critic, seed).to(device)
    arguments = preset.arguments | changes
    steps = train_critic(critic, preset.problem(), x_real, seed=seed, checkpoint=checkpoint, resume=resume, **arguments)
    start = time.perf_counter()
    try:
        _watch(steps, arguments["steps"], f"{name}, {len(x_real)} images")
    except KeyboardInterrupt:
        steps.close()  # writes the checkpoint
        print(_how_to_resume(checkpoint), file=sys.stderr)
        return 130
    sha256 = save_critic(critic, out)
    checkpoint.unlink(missing_ok=True)
    print(f"{out}\nSHA-256 {sha256}\n{(time.perf_counter() - start) / 60:.1f} minutes")
    return 0


def _checkpoint(out, resume):
    """The checkpoint beside `out`; refuses what would lose work."""
    if out.suffix != ".safetensors":
        raise ValueError(f"--out: expected a file that ends in .safetensors, got {str(out)!r}. Rename it.")
    checkpoint = out.with_suffix(".checkpoint")
    if checkpoint.exists() and not resume:
        raise ValueError(
            f"{checkpoint}: expected no checkpoint, got one of an interrupted training. "
            "Add --resume to go on with it, or delete it to start again."
        )
    return checkpoint


def _device(name):
    """`name` as a device that works."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--device: expected a device that torch can use, got {name!r}: {reason} Try cpu.") from None


def _seeded(make, seed):
    """`make()` with first weights that depend on the seed alone; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def _watch(steps, total, title):
    """Run the training under a progress bar with running means of the Wasserstein estimate and the slope."""
    from tqdm import tqdm

    means = None
    with tqdm(desc=title, total=total, mininterval=1, unit="step") as bar:
        for step in steps:
            seen = torch.stack([step.wasserstein, step.gradient_norm]).cpu()
            means = seen if means is None else means.lerp(seen, 0.05)
            bar.set_postfix_str(f"Wasserstein {means[0]:.3f}, slope {means[1]:.3f}", refresh=False)
            bar.update(step.index + 1 - bar.n)


def _how_to_resume(checkpoint):
    if checkpoint.exists():
        return f"Stopped; {checkpoint} holds the training. Run the same command with --resume to go on."
    return "Stopped before the first step; nothing to resume."
