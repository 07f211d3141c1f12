"""data: a reader's own images."""

import argparse
from pathlib import Path
from typing import Any

OPTIONS = {"path": "PATH", "out": "--out", "size": "--size", "val": "--val", "seed": "--seed"}
WHAT = "a folder of DICOM files or photographs, or an .npz file with hu and patient_id"


def add(commands: Any) -> None:
    """Describe the commands to the parser.

    >>> parser = argparse.ArgumentParser()
    >>> add(parser.add_subparsers())
    >>> parser.parse_args(["data", "inspect", "slices"]).path.name
    'slices'
    """
    data = commands.add_parser("data", help="your own images: look at them, split them by patient")
    of_data = data.add_subparsers(required=True, metavar="COMMAND")
    look = of_data.add_parser("inspect", help="counts, patients, sizes, values, what is left out; a contact sheet")
    look.add_argument("path", type=Path, metavar="PATH", help=WHAT)
    look.add_argument("--out", type=Path, default=Path("runs/contact_sheet.png"), metavar="FILE.png")
    look.set_defaults(run=_inspect, names=OPTIONS)

    packing = of_data.add_parser(
        "pack", help="write CT slices, split by patient, to the file that train and tables read"
    )
    packing.add_argument("path", type=Path, metavar="PATH", help=WHAT)
    packing.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    packing.add_argument("--size", type=int, default=128, help="pixels along a side (default 128)")
    packing.add_argument("--val", type=float, default=0.25, help="share of the patients to report on (default 0.25)")
    packing.add_argument("--seed", type=int, default=0, help="of the split (default 0)")
    packing.set_defaults(run=_pack, names=OPTIONS)


def _inspect(options: argparse.Namespace) -> int:
    from ...experiments.own_data import inspect

    report = inspect(options.path)
    sheet = report.sheet()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(sheet.png)
    print(f"{report}\n{options.out}: {sheet.alt}")
    return 0


def _pack(options: argparse.Namespace) -> int:
    from ...experiments.own_data import pack

    split = pack(options.path, options.out, options.size, options.val, options.seed).tolist()
    print(f"{options.out}: {split.count('train')} slices to train on, {split.count('val')} of other patients to report")
    return 0
