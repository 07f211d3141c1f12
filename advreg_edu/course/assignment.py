"""The two notebooks of one source: for students, with stubs, and with solutions; both with nbgrader's metadata.

In a source, `# %% exercise="00a"` marks the cell of an answer, `# %% exercise="00a" points=2` that of its check, and
`# %% [markdown] exercise="00a" points=1` an answer in words. Lines between BEGIN and END SOLUTION, and between BEGIN
and END HIDDEN TESTS, are for the solutions alone. Source: nbgrader's user guide, metadata of schema version 3.
"""

import re
from typing import Any

STUBS = {"code": ("# Your code here.", "..."), "markdown": ("*Your answer here.*",)}


def student(cell: Any) -> None:
    """Make a cell with a solution that of a student, as `nbgrader generate_assignment` would.

    >>> from nbformat.v4 import new_code_cell
    >>> cell = new_code_cell("def f(x):\\n    ### BEGIN SOLUTION\\n    return x\\n    ### END SOLUTION")
    >>> student(cell)
    >>> print(cell.source)
    def f(x):
        # Your code here.
        ...
    """
    text = _without(cell.source, "HIDDEN TESTS", ())
    cell.source = _without(text, "SOLUTION", STUBS[cell.cell_type]).strip("\n")


def _without(text: str, what: str, stub: tuple[str, ...]) -> str:
    """The text without its regions, with the lines of `stub` in their places."""
    kept: list[str] = []
    inside = False
    for line in text.split("\n"):
        if f"BEGIN {what}" in line or f"END {what}" in line:
            begins = f"BEGIN {what}" in line
            if begins == inside:
                raise ValueError(f"{line.strip()}: expected BEGIN {what} and END {what} in turn. Close the region.")
            inside = begins
            indent = re.match(r"\s*", line)[0]  # type: ignore[index]
            kept += [indent + piece for piece in stub] if begins else []
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"BEGIN {what}: expected END {what} in the same cell, got none. Close the region.")
    return "\n".join(kept)


def mark(cell: Any) -> None:
    """Replace `exercise` and `points` in a cell's metadata by nbgrader's; the checks and tasks are locked.

    >>> from nbformat.v4 import new_code_cell
    >>> cell = new_code_cell('check("00a", psnr)', metadata={"exercise": "00a", "points": 2})
    >>> mark(cell)
    >>> cell.metadata.nbgrader.grade_id, cell.metadata.nbgrader.points
    ('check-00a', 2)
    """
    name, points = cell.metadata.pop("exercise", None), cell.metadata.pop("points", None)
    if name is None:
        if "BEGIN SOLUTION" in cell.source or "BEGIN HIDDEN TESTS" in cell.source:
            raise ValueError(f'{cell.source[:40]!r}: expected exercise="..." in the line above this cell, got none.')
        return
    grade, code = points is not None, cell.cell_type == "code"
    solution = "BEGIN SOLUTION" in cell.source
    kind = "words" if grade and not code else "check" if grade else "answer" if code else "task"
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": f"{kind}-{name}",
        "grade": grade,
        "solution": solution,
        "locked": not solution,
        "task": False,
        **({"points": points} if grade else {}),
    }
