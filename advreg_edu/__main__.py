"""The command line: python -m advreg_edu doctor | train | tables | notebooks | export | site."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from . import __version__
from .experiments.export import export
from .experiments.recipes import RECIPES
from .experiments.train import train
from .pretrained import names

# arguments of the functions behind the commands, which their errors name, and the options that give them
OPTIONS = {"path": "--images", "device": "--device", "out": "--out", "resume": "--resume", "seed": "--seed"}
OPTIONS |= {"steps": "--steps", "batch_size": "--batch-size", "draws": "--draws"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status.

    >>> main(["train", "photos-minute"])  # the error, which names the option, goes to stderr
    2
    """
    options = _parser().parse_args(arguments)
    try:
        with _signals_as_ctrl_c():
            return options.run(options)
    except (ValueError, OSError, ModuleNotFoundError) as error:  # of the user's input, files and installation
        _say(f"error: {_naming_options(str(error))}")
        return 2
    except KeyboardInterrupt:
        _say("Stopped.")
        return 130


def _naming_options(message: str) -> str:
    """An error that begins with the name of an argument, with the name of its option instead."""
    name, colon, rest = message.partition(": ")
    return OPTIONS.get(name, name) + colon + rest


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal may be closed
        print(line, file=sys.stderr)


@contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """Within it SIGTERM (of schedulers) and SIGHUP (of closed terminals) interrupt as Ctrl-C does.

    Those that come after the first are ignored: a checkpoint is being written. What nohup ignores stays ignored.
    """
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    ours = [getattr(signal, name) for name in names if signal.getsignal(getattr(signal, name)) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():  # others cannot set signals
        ours = []

    def stop(number: int, frame: object) -> None:
        for n in ours:
            signal.signal(n, signal.SIG_IGN)
        raise KeyboardInterrupt

    for n in ours:
        signal.signal(n, stop)
    try:
        yield
    finally:
        for n in ours:
            signal.signal(n, signal.SIG_DFL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m advreg_edu", description="A course on learned regularisation.")
    parser.add_argument("--version", action="version", version=f"advreg_edu {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    doctor = commands.add_parser("doctor", help="is this machine ready for the course?")
    doctor.set_defaults(run=_doctor)

    _add_training(commands)

    tables = commands.add_parser("tables", help="Tables 1 and 2, ours beside the paper's")
    tables.add_argument("number", choices=["1", "2"])
    tables.add_argument(
        "--images", type=Path, metavar="PATH", help="BSDS500 with train/ and val/ (1); an .npz file or DICOM folder (2)"
    )
    tables.add_argument("--quick", action="store_true", help="bundled photographs or phantoms, no data needed")
    tables.add_argument("--retrain", action="store_true", help="train also the networks that ship")
    tables.add_argument("--draws", type=int, help="noise draws for each image (default 3; 1 with --quick)")
    tables.add_argument("--seed", type=int, default=0, help="of the trainings (default 0)")
    tables.add_argument("--out", type=Path, default=Path("runs/tables"), metavar="FOLDER", help="default runs/tables")
    tables.set_defaults(run=_tables)

    notebooks = commands.add_parser("notebooks", help="generate notebooks/*.ipynb from notebooks/source/*.py")
    notebooks.add_argument("--check", action="store_true", help="write nothing; exit status 1 if one is out of date")
    notebooks.set_defaults(run=_notebooks)

    exported = commands.add_parser("export", help="a critic's value and gradient as an ONNX file")
    exported.add_argument("name", help=f"{', '.join(names())}, or a .safetensors file")
    exported.add_argument("--out", type=Path, metavar="FILE.onnx", help="default runs/NAME.onnx")
    exported.add_argument("--size", type=int, default=128, help="pixels along each side (default 128)")
    exported.set_defaults(run=_export)

    site = commands.add_parser("site", help="the pages that need no kernel; make site installs what they need first")
    site.add_argument("--out", type=Path, default=Path("site"), metavar="FOLDER", help="default site")
    site.add_argument("--notebooks", action="store_true", help="executed, as pages: some minutes more")
    site.set_defaults(run=_site)
    return parser


def _add_training(commands: Any) -> None:
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


def _doctor(options: argparse.Namespace) -> int:
    from .course import doctor

    return doctor.report()


def _train(options: argparse.Namespace) -> int:
    changes = {"steps": options.steps, "batch_size": options.batch_size}
    changes = {key: value for key, value in changes.items() if value is not None}
    return train(options.name, options.out, options.images, options.seed, options.resume, options.device, **changes)


def _tables(options: argparse.Namespace) -> int:
    from .experiments import tables

    chosen = options.images, options.quick, options.retrain, options.out, options.seed, options.draws
    return tables.run(options.number, *chosen)


def _notebooks(options: argparse.Namespace) -> int:
    from .course import notebooks

    if not options.check:
        for path in notebooks.write():
            print(path.name)
        return 0
    stale = notebooks.stale()
    for path in stale:
        print(f"{path.name}: expected what {notebooks.SOURCE}/ generates, got something else. Run make notebooks.")
    return 1 if stale else 0


def _export(options: argparse.Namespace) -> int:
    print(export(options.name, options.out, options.size))
    return 0


def _site(options: argparse.Namespace) -> int:
    from .course import site

    paths = sorted((site.ROOT / "notebooks").glob("*.ipynb")) if options.notebooks else []
    written = site.build(options.out, notebooks=paths)
    print(f"{options.out}: {len(written)} files, {sum(path.stat().st_size for path in written) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
