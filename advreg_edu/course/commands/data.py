"""data: a reader's own images, and those of others that a reader may fetch."""

import argparse
from pathlib import Path
from typing import Any

from ..._input.files import write

OPTIONS = {"path": "PATH", "out": "--out", "size": "--size", "val": "--val", "seed": "--seed", "patients": "--patients"}
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

    photographs = of_data.add_parser("bsds500", help="fetch the photographs of BSDS500 from their authors (71 MB)")
    photographs.add_argument("--out", type=Path, default=Path("BSDS500"), metavar="FOLDER")
    photographs.add_argument("--url", help=argparse.SUPPRESS)
    photographs.set_defaults(run=_bsds500, names=OPTIONS)

    scans = of_data.add_parser("lidc", help="fetch chest CT of LIDC-IDRI from The Cancer Imaging Archive")
    scans.add_argument("--patients", type=int, required=True, metavar="N", help="how many; one CT series of each")
    scans.add_argument("--out", type=Path, default=Path("LIDC-IDRI"), metavar="FOLDER")
    scans.add_argument("--url", help=argparse.SUPPRESS)
    scans.set_defaults(run=_lidc, names=OPTIONS)


def _inspect(options: argparse.Namespace) -> int:
    from ...experiments.own_data import inspect

    report = inspect(options.path)
    sheet = report.sheet()
    write(options.out, sheet.png)
    print(f"{report}\n{options.out}: {sheet.alt}")
    return 0


def _pack(options: argparse.Namespace) -> int:
    from ...experiments.own_data import pack

    split = pack(options.path, options.out, options.size, options.val, options.seed).tolist()
    print(f"{options.out}: {split.count('train')} slices to train on, {split.count('val')} of other patients to report")
    return 0


def _bsds500(options: argparse.Namespace) -> int:
    from ...experiments.own_data import download

    print(download.TERMS["bsds500"], flush=True)
    out = download.bsds500(options.out, options.url or download.BSDS500)
    counts = ", ".join(f"{count} photographs in {part}" for part, (count, _) in download.PARTS.items())
    print(f"{out}: {counts}; train and val are the originals. Next: data inspect {out}")
    return 0


def _lidc(options: argparse.Namespace) -> int:
    from ...experiments.own_data import download

    print(download.TERMS["lidc"], flush=True)
    folders = download.lidc(options.patients, options.out, options.url or download.NBIA)
    ends = f"{folders[0].name} to {folders[-1].name}"
    print(f"{options.out}: {len(folders)} patients, {ends}. Next: data inspect {options.out}")
    return 0
