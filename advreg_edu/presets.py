"""How the networks that ship were trained, and a critic in a minute. Paper: Algorithm 1; §5.1, §5.2, §5.3."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from . import datasets, images
from ._checks import check_count, check_seed
from ._files import as_path, reserved
from ._training_run import room_for
from .critics import LocalCritic
from .operators import Identity
from .pretrained import check_can_be_saved, save_network
from .problem import Problem
from .ray_transform import RayTransform
from .recursive import Recursion
from .supervised import train_denoiser
from .training import train_critic
from .unet import UNet


@dataclass(frozen=True)
class Preset:
    """What a training is made of. The parts are functions: nothing is computed before the training runs."""

    problem: Callable  # () -> Problem
    images: Callable  # (path or None, generator) -> (N, C, H, W) in [0, 1]
    network: Callable  # () -> critic or U-Net
    training: Callable  # train_critic or train_denoiser
    arguments: dict  # of the training
    others: Callable | None = None  # (path, generator) -> images of which the training sees the measurements alone


# Worth 1 dB at sigma = 0.02, see `train_critic`; gp_weight is five times the distance that is left: see
# data/study/noise-left.md.
NOISE_LEFT = dict(noise_left=0.2, gp_weight=85.0, batch_size=16, steps=1000)
# For x_real and x_noisy of different images, see `train_critic`.
UNPAIRED = NOISE_LEFT | dict(gap="ends", lines="own", gp_weight=105.0, paired=False)


def _phantoms(count):
    def load(path, generator):
        _no_images(path)
        return images.thorax(count, size=128, generator=generator)

    return load


def _no_images(path):
    if path is not None:
        raise ValueError(f"--images: expected none for a preset that makes its own, got {path}. Leave it out.")


def _phantoms_in_windows(count):
    """Phantoms in windows up to 600 to 2400 HU, at random: metal darkens a slice that is scaled to its maximum."""

    def load(path, generator):
        _no_images(path)
        hu = images.thorax_hu(count, size=128, generator=generator)
        highs = (600 * 4 ** torch.rand(len(hu), generator=generator)).tolist()
        windows = [(images.WINDOW[0], high) for high in highs]
        return torch.cat([images.from_hounsfield(one, window=w) for one, w in zip(hu, windows, strict=True)])

    return load


def _slices(sharp=False, half=None, even=False):
    """Real slices, mirrored and moved, and phantoms: without phantoms a critic is 0.3 dB worse.

    sharp: of the poses, see `datasets.moved`. half: every other training patient alone, from the first (0) or second.
    even: about as many poses of each patient, who may have 1 slice or 60.
    """

    def load(path, generator):
        x, patients = datasets.chest(path, "train")
        if half is not None:
            mine = np.isin(patients, np.unique(patients)[half::2])
            x, patients = x[mine], patients[mine]
        _, whose, slices = np.unique(patients, return_inverse=True, return_counts=True)
        weights = torch.from_numpy(1 / slices[whose]).repeat(2) if even else None
        x = datasets.moved(torch.cat([x, x.flip(-1)]), 5, generator, sharp, weights)
        return torch.cat([x, images.thorax(3000, size=128, generator=generator)])

    return load


def _crops(count):
    return lambda path, generator: datasets.photographs(path, "train", count, 48, generator)


def _ct(
    x_real, sigma=0.02, widths=(16, 32, 64), smoothing=0.01, blocks_down=False, mirrored=False, others=None, **arguments
):
    problem = lambda: Problem(RayTransform(128, 30), sigma)
    network = lambda: LocalCritic(1, widths, smoothing=smoothing, blocks_down=blocks_down, mirrored=mirrored)
    arguments = dict(batch_size=8, averaging=0.99, gap="lines") | arguments
    return Preset(problem, x_real, network, train_critic, arguments, others)


def _photos(crops=8000, smoothing=0.01, **arguments):
    problem = lambda: Problem(Identity((3, 48, 48)), sigma=0.1)
    network = lambda: LocalCritic(channels=3, widths=(32, 64, 96), smoothing=smoothing)
    arguments = dict(batch_size=16, learning_rate=1.5e-3) | arguments
    return Preset(problem, _crops(crops), network, train_critic, arguments)


def _unet(critic, channels, x_real=None, widths=(32, 64, 96), mirrored=False, **arguments):
    """The supervised network for the problem of a critic; for its images, unless others are given."""
    network = lambda: UNet(channels, widths, mirrored=mirrored)
    return Preset(critic.problem, x_real or critic.images, network, train_denoiser, arguments)


def _chest_unet(critic):
    """It learns from pairs, so it gets all patients."""
    return _unet(critic, 1, _slices(sharp=True), (48, 96, 128), True, steps=3500, batch_size=8, learning_rate=1.5e-3)


_CRITICS = {
    "ct-thorax": _ct(
        _phantoms_in_windows(8000),
        widths=(16, 48, 96),  # 16 at the finest level: an iterate takes 0.7 of the time that it takes with 32
        recursive=Recursion(3000, 160, 0.5, noise_left=0.9, distance=4.5),
        **(NOISE_LEFT | dict(noise_left=0.3, gp_weight=74.0, learning_rate=1.5e-3, steps=5000)),
    ),
    "ct-chest-high": _ct(
        _slices(sharp=True, even=True),
        widths=(32, 64, 96),
        smoothing=0.004,
        blocks_down=True,
        mirrored=True,
        recursive=Recursion(3500, 160, 0.5, noise_left=0.9, distance=4.0),
        **(NOISE_LEFT | dict(noise_left=0.4, gp_weight=64.0, steps=6000)),
    ),
    "ct-chest-low": _ct(
        _slices(),  # sharp poses gain nothing here
        sigma=0.005,
        widths=(32, 64, 96),
        smoothing=0.003,
        blocks_down=True,
        mirrored=True,
        recursive=Recursion(1500, 500, 0.9, noise_left=0.9, distance=3.0, hops=6),
        **(NOISE_LEFT | dict(gp_weight=36.0, learning_rate=1.2e-3, steps=2800)),
    ),
    "photos-color": _photos(
        crops=16000,
        smoothing=0.004,
        steps=8000,
        learning_rate=8e-4,
        gap="lines",
        noise_left=0.4,
        recursive=Recursion(3000, 90, 0.015),
    ),
}
PRESETS = _CRITICS | {
    # images and measurements drawn independently of each other, as in Alg. 1; all patients are in both
    "ct-chest-high-unpaired": _ct(_slices(), widths=(32, 64, 96), mirrored=True, **UNPAIRED),
    # images of half of the patients, measurements of the others: no image and measurement of the same
    "ct-chest-high-apart": _ct(
        _slices(half=0),
        widths=(32, 64, 96),
        mirrored=True,
        others=_slices(half=1),
        balance=1.0,
        **UNPAIRED,
    ),
    "ct-thorax-unet": _unet(_CRITICS["ct-thorax"], 1, steps=6000, batch_size=8, learning_rate=1.5e-3),
    "ct-chest-high-unet": _chest_unet(_CRITICS["ct-chest-high"]),
    "ct-chest-low-unet": _chest_unet(_CRITICS["ct-chest-low"]),
    "photos-color-unet": _unet(_CRITICS["photos-color"], 3, steps=6000, batch_size=16, learning_rate=2e-3),
    "ct-minute": _ct(_phantoms(400), steps=800, batch_size=4),
    "photos-minute": _photos(steps=600, averaging=0.99, gap="lines", noise_left=0.4),
}


def train(name, out=None, path=None, seed=0, resume=False, device="cpu", **changes):
    """Train the preset `name` with a progress bar, save the network to `out`, print its SHA-256 and the minutes.

    `out` is reserved before the first image is made: no other process can train into it, see `_files.reserved`.

    Args:
        out: a .safetensors file; a checkpoint stands beside it (ending .checkpoint) until the training is done. None
            takes runs/NAME.safetensors, or runs/NAME-seed-SEED.safetensors for another seed than 0.
        path: photographs or CT slices, for presets that train on them, see `datasets`.
        seed: of the images, the first weights, the batches and the noise.
        changes: arguments of the training that differ from the preset's.
    Returns: exit status, 0 or 130 after Ctrl-C. Raises ValueError for bad arguments before the training starts, OSError
    where nothing can be written; the last checkpoint that could be is then kept.
    """
    preset, seed = PRESETS[name], check_seed(seed)
    arguments = preset.arguments | changes
    for count in ("steps", "batch_size"):
        check_count(arguments[count], count)
    device = _device(device)
    out = as_path(f"runs/{name}{f'-seed-{seed}' if seed else ''}.safetensors" if out is None else out, "--out")
    checkpoint = out.with_suffix(".checkpoint")
    network = _seeded(preset.network, seed).to(device)
    check_can_be_saved(network, out)
    with reserved(checkpoint, room=room_for(network)):
        _check_files(out, checkpoint, resume)
        generator = torch.Generator().manual_seed(seed)
        x_real, problem = preset.images(path, generator), preset.problem()
        run = dict(seed=seed, checkpoint=checkpoint, resume=resume) | arguments
        if preset.others:
            run["measurements"] = problem.measure(preset.others(path, generator), generator)
        start, steps = time.perf_counter(), preset.training(network, problem, x_real, **run)
        try:
            _watch(steps, arguments["steps"], f"{name}, {len(x_real)} images")
            sha256 = save_network(network, out)
        except KeyboardInterrupt:
            steps.close()  # writes the checkpoint
            print(_how_to_resume(checkpoint), file=sys.stderr)
            return 130
        except OSError as error:
            raise OSError(f"{error} {_how_to_resume(checkpoint)}") from None
        checkpoint.unlink(missing_ok=True)
    print(f"{out}\nSHA-256 {sha256}\n{(time.perf_counter() - start) / 60:.1f} minutes")
    return 0


def _check_files(out, checkpoint, resume):
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


def _device(name):
    """`name` as a device that works."""
    try:
        number = torch.zeros(1, device=name)
        number.item()  # of the device "meta" there is none
        return number.device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--device: expected a device that torch can use, got {name!r}: {reason} Try cpu.") from None


def _seeded(make, seed):
    """`make()` with first weights that depend on the seed alone; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def _watch(steps, total, title):
    """Run the training under a progress bar with running means of what its steps report."""
    from tqdm import tqdm

    means = None
    with tqdm(desc=title, total=total, mininterval=1, unit="step") as bar:
        for step in steps:
            seen = torch.stack([getattr(step, name) for name in step.shown]).cpu()
            means = seen if means is None else means.lerp(seen, 0.05)
            words = [f"{name.replace('_', ' ')} {mean:.3g}" for name, mean in zip(step.shown, means, strict=True)]
            bar.set_postfix_str(", ".join(words), refresh=False)
            bar.update(step.index + 1 - bar.n)


def _how_to_resume(checkpoint):
    if checkpoint.exists():
        return f"Stopped; {checkpoint} holds the training. Run the same command with --resume to go on."
    return "Stopped before the first step; nothing to resume."
