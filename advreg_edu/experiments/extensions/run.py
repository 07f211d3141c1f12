"""The command `extensions`: rows are computed one by one and kept in a file, with the command that made them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...pretrained import folder
from .recursion import measure_recursion, recursions
from .settings import measure_setting, settings
from .sizes import measure_size, sizes
from .spread import measure_spread, spreads
from .transfer import measure_transfer, transfers

Row = dict[str, Any]
# name -> (what is to be measured, how): a row of questions is given back with its answers
STUDIES: dict[str, tuple[Callable[[], Iterator[Row]], Callable[[Row], Row]]] = {
    "recursion": (recursions, measure_recursion),
    "settings": (settings, measure_setting),
    "sizes": (sizes, measure_size),
    "spread": (spreads, measure_spread),
    "transfer": (transfers, measure_transfer),
}


def kept(name: str, path: Path | None = None) -> list[Row]:
    """The rows that were measured.

    >>> all(row["ours"] > row["tv"] for row in kept("settings") if row["factor"] == 1)
    True
    """
    return json.loads((path or _file(name)).read_text(encoding="utf-8"))["rows"]


def run(name: str, out: Path | None = None) -> int:
    """Measure what is missing in the file, which is written after each row; return the exit status 0."""
    questions, answer = STUDIES[name]
    file = out or _file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = kept(name, file) if file.exists() else []
    for question in questions():
        if any(question.items() <= row.items() for row in rows):
            continue
        rows.append(question | answer(question))
        print(rows[-1], flush=True)
        lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        text = f'{{"command": "python -m advreg_edu extensions {name}",\n "rows": [\n{lines}\n]}}\n'
        file.write_text(text, encoding="utf-8")
    return 0


def _file(name: str) -> Path:
    return folder() / "extensions" / f"{name}.json"
