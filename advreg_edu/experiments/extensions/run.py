"""The command `extensions`: rows are computed one by one and kept in a file, with the command that made them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..._input.arguments import check_choice
from ..._input.files import as_path, check_file_name, write
from ..._input.messages import refused
from ..._input.tensors import read_object
from ...pretrained import folder
from .recursion import measure_recursion, recursions
from .retraining import measure_retraining, retrainings
from .settings import measure_setting, settings
from .sizes import measure_size, sizes
from .spread import measure_spread, spreads
from .transfer import measure_transfer, transfers

Row = dict[str, Any]
# name -> (what is to be measured, how): a row of questions is given back with its answers
STUDIES: dict[str, tuple[Callable[[], Iterator[Row]], Callable[[Row], Row]]] = {
    "recursion": (recursions, measure_recursion),
    "retraining": (retrainings, measure_retraining),
    "settings": (settings, measure_setting),
    "sizes": (sizes, measure_size),
    "spread": (spreads, measure_spread),
    "transfer": (transfers, measure_transfer),
}

LADDERS = {"ladder1": "ladder 1", "ladder2": "ladder 2"}  # measured by another command, and kept here too


def kept(name: str, path: Path | str | None = None) -> list[Row]:
    """The rows that were measured.

    >>> all(row["ours"] > row["tv"] for row in kept("settings") if row["factor"] == 1)
    True
    """
    file = _file(name, path)
    if not file.is_file():
        command = LADDERS.get(name, f"extensions {name}")
        raise refused(file, "the rows of a study", "no such file", f"Run: python -m advreg_edu {command}")
    rows = read_object(file.read_bytes(), file, "the rows of a study").get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise refused(file, "the rows of a study", "something else", "Move it away, or name another.")
    return rows


def run(name: str, out: Path | str | None = None) -> int:
    """Measure what is missing in the file, which is written after each row; return the exit status 0."""
    file = _file(check_choice(name, "name", STUDIES), out)
    check_file_name(file)
    questions, answer = STUDIES[name]
    rows = kept(name, file) if file.exists() else []
    for question in questions():
        if any(question.items() <= row.items() for row in rows):
            continue
        rows.append(question | answer(question))
        print(rows[-1], flush=True)
        lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        text = f'{{"command": "python -m advreg_edu extensions {name}",\n "rows": [\n{lines}\n]}}\n'
        write(file, text.encode())
    return 0


def _file(name: str, path: Path | str | None) -> Path:
    check_choice(name, "name", [*STUDIES, *LADDERS])
    return folder() / "extensions" / f"{name}.json" if path is None else as_path(path, "out")
