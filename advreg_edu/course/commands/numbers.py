"""tables, ladder, extensions: what is measured and reported."""

import argparse
from pathlib import Path
from typing import Any

from ...experiments.extensions import STUDIES
from ...experiments.extensions import run as run_extension


def add(commands: Any) -> None:
    """Describe the commands to the parser.

    >>> parser = argparse.ArgumentParser()
    >>> add(parser.add_subparsers())
    >>> parser.parse_args(["tables", "1", "--quick"]).number
    '1'
    """
    _add_tables(commands.add_parser("tables", help="Tables 1 and 2, ours beside the paper's; inpainting, MRI, BSD68"))
    _add_ladder(commands.add_parser("ladder", help="from the paper as written to what ships, one change at a time"))
    _add_extensions(commands.add_parser("extensions", help="measure what notebook 09 shows, some minutes each"))


def _add_tables(tables: argparse.ArgumentParser) -> None:
    tables.add_argument("number", choices=["1", "1-fine", "2", "inpainting", "mri", "bsd68"])
    tables.add_argument(
        "--images",
        type=Path,
        metavar="PATH",
        help="BSDS500 with train/ and val/ (1, inpainting, bsd68); an .npz file or DICOM folder (2)",
    )
    tables.add_argument("--quick", action="store_true", help="bundled photographs or phantoms, no data needed")
    tables.add_argument("--retrain", action="store_true", help="train also the networks that ship")
    tables.add_argument("--draws", type=int, help="noise draws for each image (default 3; bsd68 and --quick: 1)")
    tables.add_argument("--seed", type=int, default=0, help="of the trainings (default 0)")
    tables.add_argument("--out", type=Path, default=Path("runs/tables"), metavar="FOLDER", help="default runs/tables")
    tables.set_defaults(run=_tables)


def _add_ladder(ladder: argparse.ArgumentParser) -> None:
    ladder.add_argument("number", choices=["1", "2"])
    ladder.add_argument("--images", type=Path, metavar="PATH", help="as for tables")
    ladder.add_argument("--quick", action="store_true", help="bundled photographs or phantoms, no data needed")
    ladder.add_argument("--steps", type=int, help="of each training (default 2500, as in the authors' code)")
    ladder.add_argument("--side", type=int, default=128, help="of the images in pixels (default 128)")
    ladder.add_argument("--count", type=int, default=16, help="images reported (default 16)")
    ladder.add_argument("--seed", type=int, default=0, help="of the trainings (default 0)")
    ladder.add_argument("--out", type=Path, default=Path("runs/ladder"), metavar="FOLDER", help="default runs/ladder")
    ladder.set_defaults(run=_ladder)


def _add_extensions(extensions: argparse.ArgumentParser) -> None:
    extensions.add_argument("name", choices=sorted(STUDIES))
    extensions.add_argument("--out", type=Path, metavar="FILE.json", help="default data/extensions/NAME.json")
    extensions.set_defaults(run=lambda options: run_extension(options.name, options.out))


def _tables(options: argparse.Namespace) -> int:
    from ...experiments import tables

    chosen = options.images, options.quick, options.retrain, options.out, options.seed, options.draws
    return tables.run(options.number, *chosen)


def _ladder(options: argparse.Namespace) -> int:
    from ...experiments import ladder

    chosen = options.images, options.quick, options.out, options.seed, options.steps, options.side, options.count
    return ladder.run(options.number, *chosen)
