"""train, sweep, gather, export: networks."""

import argparse
from pathlib import Path
from typing import Any

from ...experiments.export import export
from ...experiments.recipes import RECIPES
from ...experiments.train import train
from ...pretrained import names
from ...training.checks import PRECISIONS


def add(commands: Any) -> None:
    """Describe the commands to the parser.

    >>> parser = argparse.ArgumentParser()
    >>> add(parser.add_subparsers())
    >>> parser.parse_args(["train", "ct-minute"]).seed
    0
    """
    training = commands.add_parser(
        "train", help="train a network that ships, as it was trained, or a critic in a minute"
    )
    training.add_argument("name", choices=sorted(RECIPES))
    training.add_argument("--seed", type=int, default=0, help="of images, weights and noise (default 0)")
    training.add_argument(
        "--out", type=Path, metavar="FILE.safetensors", help="default runs/NAME[-seed-SEED].safetensors"
    )
    training.add_argument("--resume", action="store_true", help="go on from the checkpoint beside the output")
    training.add_argument(
        "--stream", action="store_true", help="leave CT slices on disk, beside the output: for more than memory holds"
    )
    training.add_argument("--devices", type=int, default=1, help="GPUs of a machine that share a batch (default 1)")
    training.add_argument("--nodes", type=int, default=1, help="machines (default 1; torchrun and srun say it)")
    _add_changes(training)
    training.set_defaults(run=_train)

    sweep = commands.add_parser("sweep", help="train a critic for many seeds, noise levels, angles: independent jobs")
    sweep.add_argument("name", choices=sorted(RECIPES))
    sweep.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="SEED", help="default 0")
    sweep.add_argument("--sigmas", type=float, nargs="+", metavar="SIGMA", help="noise levels (default the recipe's)")
    sweep.add_argument("--angles", type=int, nargs="+", metavar="N", help="views of a scan (default the recipe's)")
    sweep.add_argument("--task", default="1/1", metavar="I/N", help="do the I-th part of N; rerun it to go on")
    sweep.add_argument("--out", type=Path, default=Path("runs/sweep"), metavar="FOLDER", help="default runs/sweep")
    _add_changes(sweep)
    sweep.set_defaults(run=_sweep)

    gathering = commands.add_parser("gather", help="the results of a sweep in one table")
    gathering.add_argument("folder", type=Path, metavar="FOLDER", help="the --out of the sweep")
    gathering.set_defaults(run=_gather)

    exported = commands.add_parser("export", help="a critic's value and gradient as an ONNX file")
    exported.add_argument("name", help=f"{', '.join(names())}, or a .safetensors file")
    exported.add_argument("--out", type=Path, metavar="FILE.onnx", help="default runs/NAME.onnx")
    exported.add_argument("--size", type=int, default=128, help="pixels along each side (default 128)")
    exported.set_defaults(run=_export)


def _add_changes(training: argparse.ArgumentParser) -> None:
    """What every training can be given."""
    training.add_argument(
        "--images", type=Path, metavar="PATH", help="photographs (photos-...) or CT slices (ct-chest-...)"
    )
    training.add_argument("--steps", type=int, help="instead of the preset's")
    training.add_argument("--batch-size", type=int, help="instead of the preset's")
    training.add_argument("--device", default="cpu", help="such as cuda (default cpu)")
    training.add_argument("--precision", choices=PRECISIONS, help="of convolutions (default: the fastest)")


def _train(options: argparse.Namespace) -> int:
    where = options.device, options.devices, options.nodes, options.stream
    return train(options.name, options.out, options.images, options.seed, options.resume, *where, **_changes(options))


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments of the training that differ from the recipe's."""
    changes = {"steps": options.steps, "batch_size": options.batch_size, "precision": options.precision}
    return {key: value for key, value in changes.items() if value is not None}


def _sweep(options: argparse.Namespace) -> int:
    from ...experiments import sweep

    jobs = sweep.jobs_of(options.name, options.seeds, options.sigmas, options.angles)
    return sweep.run(jobs, options.task, options.out, options.images, options.device, **_changes(options))


def _gather(options: argparse.Namespace) -> int:
    from ...experiments import sweep

    print(sweep.gather(options.folder))
    return 0


def _export(options: argparse.Namespace) -> int:
    print(export(options.name, options.out, options.size))
    return 0
