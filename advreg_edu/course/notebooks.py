"""Notebooks generated from their sources, jupytext files in py:percent.

notebooks/source/NAME.py gives notebooks/NAME.ipynb, for students, and notebooks/solutions/NAME.ipynb.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .assignment import mark, student

ROOT = Path(__file__).parent.parent.parent
SOURCE = "notebooks/source"
SOLUTIONS = "solutions"  # the folder beside the source, for the notebooks with solutions


def generate(source: Path | str, solutions: bool = False) -> str:
    """The text of a notebook: no outputs, and the same text for the same source, cell ids included.

    Args: source, the path of a jupytext py:percent file; solutions, whether they stay in (see `assignment`).

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "sum.py").write_text("# %%\\n1 + 1\\n")
    ...     text = generate(Path(folder, "sum.py"))
    >>> "1 + 1" in text
    True
    """
    import jupytext
    import nbformat

    notebook = jupytext.reads(Path(source).read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken: set[str] = set()
    for cell in notebook.cells:
        cell.id = _cell_id(cell, taken)  # of the source: the same in both notebooks
        mark(cell)
        if solutions:
            cell.source = cell.source.replace('src="pictures/', 'src="../pictures/')
        else:
            student(cell)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def targets(root: Path | str = ROOT) -> dict[Path, Path]:
    """{notebook to write: its source}, students' first. Raises FileNotFoundError outside a checkout.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, SOURCE).mkdir(parents=True)
    ...     _ = Path(folder, SOURCE, "sum.py").write_text("# %%\\n1 + 1\\n")
    ...     [path.relative_to(folder).as_posix() for path in targets(folder)]
    ['notebooks/sum.ipynb', 'notebooks/solutions/sum.ipynb']
    """
    folder = Path(root) / SOURCE
    if not folder.is_dir():
        raise FileNotFoundError(f"{SOURCE}/: expected in a checkout of the project, got none in {root}. Clone it.")
    sources = sorted(folder.glob("*.py"))
    return {place / f"{source.stem}.ipynb": source for place in _places(root) for source in sources}


def chosen(names: Sequence[str] = (), solutions: bool = False, root: Path | str = ROOT) -> list[Path]:
    """The notebooks whose names begin so, such as "00"; all for no names. Raises ValueError for a name of none.

    >>> chosen(["99"])
    Traceback (most recent call last):
    ValueError: names: expected some of 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, got 99.
    """
    paths = [path for path in targets(root) if (path.parent.name == SOLUTIONS) == solutions]
    if unknown := [name for name in names if not any(path.stem.startswith(name) for path in paths)]:
        raise ValueError(f"names: expected some of {', '.join(p.stem[:2] for p in paths)}, got {', '.join(unknown)}.")
    return [path for path in paths if not names or path.stem.startswith(tuple(names))]


def write(root: Path | str = ROOT) -> list[Path]:
    """Generate every notebook; return the paths written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, SOURCE).mkdir(parents=True)
    ...     _ = Path(folder, SOURCE, "sum.py").write_text("# %%\\n1 + 1\\n")
    ...     before, written, after = stale(folder), write(folder), stale(folder)
    >>> [len(paths) for paths in (before, written, after)]
    [2, 2, 0]
    """
    for path, source in targets(root).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(_text(path, source), encoding="utf-8", newline="\n")
    return list(targets(root))


def stale(root: Path | str = ROOT) -> list[Path]:
    """The notebooks that are missing, not what their source generates, or without a source.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, SOURCE).mkdir(parents=True)
    ...     _ = Path(folder, "notebooks", "orphan.ipynb").write_text("{}")
    ...     [path.name for path in stale(folder)]
    ['orphan.ipynb']
    """
    known = targets(root)
    orphans = {path for place in _places(root) for path in place.glob("*.ipynb")} - set(known)
    return sorted(orphans | {path for path, source in known.items() if not _is_current(path, source)})


def _is_current(path: Path, source: Path) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == _text(path, source)


def _text(path: Path, source: Path) -> str:
    return generate(source, solutions=path.parent.name == SOLUTIONS)


def _places(root: Path | str) -> tuple[Path, Path]:
    """The folders of the students' notebooks and of those with solutions."""
    folder = (Path(root) / SOURCE).parent
    return folder, folder / SOLUTIONS


def _cell_id(cell: Any, taken: set[str]) -> str:
    """Made of the cell's text, so that adding a cell leaves the others' ids alone."""
    base = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    name, copies = base, 1
    while name in taken:
        copies += 1
        name = f"{base}-{copies}"
    taken.add(name)
    return name
