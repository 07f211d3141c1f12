"""tables: what is measured and reported."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Describe the commands to the parser."""
    _add_tables(commands.add_parser("tables", help="Tables 1 and 2, ours beside the paper's"))


def _add_tables(tables: argparse.ArgumentParser) -> None:
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


def _tables(options: argparse.Namespace) -> int:
    from ..experiments import tables

    chosen = options.images, options.quick, options.retrain, options.out, options.seed, options.draws
    return tables.run(options.number, *chosen)
