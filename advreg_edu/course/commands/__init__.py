"""The commands of `python -m advreg_edu`: what each is given, and the function behind it.

A module gives `add`, which describes its commands to the parser. What a command needs is imported when it runs.
"""

import argparse

from ... import __version__
from . import data, networks, numbers, pages

# arguments of the functions behind the commands, which their errors name, and the options that give them
OPTIONS = {"path": "--images", "device": "--device", "out": "--out", "resume": "--resume", "seed": "--seed"}
OPTIONS |= {"steps": "--steps", "batch_size": "--batch-size", "draws": "--draws", "side": "--side", "count": "--count"}
OPTIONS |= {"devices": "--devices", "nodes": "--nodes", "task": "--task", "seeds": "--seeds"}
OPTIONS |= {"angles": "--angles", "sigmas": "--sigmas", "name": "NAME", "folder": "FOLDER", "names": "NOTEBOOK"}


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; `options.run(options)` is the command.

    >>> parser().parse_args(["tables", "1", "--quick"]).number
    '1'
    """
    whole = argparse.ArgumentParser(prog="python -m advreg_edu", description="A course on learned regularisation.")
    whole.add_argument("--version", action="version", version=f"advreg_edu {__version__}")
    whole.set_defaults(names=OPTIONS)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for module in (pages, networks, numbers, data):
        module.add(commands)
    return whole
