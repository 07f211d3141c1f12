"""doctor, notebooks, slides, site, picture: what carries the course."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Describe the commands to the parser.

    >>> parser = argparse.ArgumentParser()
    >>> add(parser.add_subparsers())
    >>> parser.parse_args(["notebooks", "--check"]).check
    True
    """
    doctor = commands.add_parser("doctor", help="is this machine ready for the course?")
    doctor.set_defaults(run=_doctor)

    notebooks = commands.add_parser(
        "notebooks", help="generate notebooks/*.ipynb and the index of equations from notebooks/source/*.py"
    )
    notebooks.add_argument("--check", action="store_true", help="write nothing; exit status 1 if one is out of date")
    notebooks.set_defaults(run=_notebooks)

    slides = commands.add_parser("slides", help="run the notebooks, and write slides of them that need no network")
    slides.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="such as 00 (default all)")
    slides.add_argument("--out", type=Path, default=Path("slides"), metavar="FOLDER", help="default slides")
    slides.set_defaults(run=_slides)

    site = commands.add_parser("site", help="the pages that need no kernel; make site installs what they need first")
    site.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="such as 00; labs: none of them (default all)")
    site.add_argument("--out", type=Path, default=Path("site"), metavar="FOLDER", help="default site")
    site.set_defaults(run=_site)

    picture = commands.add_parser("picture", help="make the README's moving picture of the iterates")
    picture.add_argument("--out", type=Path, default=Path("notebooks/pictures"), metavar="FOLDER")
    picture.set_defaults(run=_picture)


def _doctor(options: argparse.Namespace) -> int:
    from .. import doctor

    return doctor.report()


def _notebooks(options: argparse.Namespace) -> int:
    from .. import equation_index, notebooks

    if not options.check:
        for path in [*notebooks.write(), equation_index.write()]:
            print(path.name)
        return 0
    stale = [*notebooks.stale(), *equation_index.stale()]
    for path in stale:
        print(f"{path.name}: expected what {notebooks.SOURCE}/ generates, got something else. Run make notebooks.")
    return 1 if stale else 0


def _slides(options: argparse.Namespace) -> int:
    from .. import slides

    for path in slides.write(options.notebooks, options.out):
        print(path, flush=True)
    return 0


def _site(options: argparse.Namespace) -> int:
    from .. import site

    written = site.build(options.out, names=None if options.notebooks == ["labs"] else options.notebooks)
    print(f"{options.out}: {len(written)} files, {sum(path.stat().st_size for path in written) / 1e6:.1f} MB")
    return 0


def _picture(options: argparse.Namespace) -> int:
    from ...experiments import moving_picture

    for line in moving_picture.write(options.out):
        print(line)
    return 0
