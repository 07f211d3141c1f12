"""Notebooks generated from their sources: notebooks/source/NAME.py (jupytext, py:percent) to notebooks/NAME.ipynb."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCE = "notebooks/source"


def generate(source):
    """The text of a notebook: no outputs, and the same text for the same source, cell ids included.

    Args: source, the path of a jupytext py:percent file.
    """
    import jupytext
    import nbformat

    notebook = jupytext.reads(Path(source).read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken = set()
    for cell in notebook.cells:
        cell.id = _cell_id(cell, taken)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def targets(root=ROOT):
    """{notebook to write: its source}, sorted by name. Raises FileNotFoundError outside a checkout."""
    folder = Path(root) / SOURCE
    if not folder.is_dir():
        raise FileNotFoundError(f"{SOURCE}/: expected in a checkout of the project, got none in {root}. Clone it.")
    return {folder.parent / f"{source.stem}.ipynb": source for source in sorted(folder.glob("*.py"))}


def write(root=ROOT):
    """Generate every notebook; return the paths written."""
    for path, source in targets(root).items():
        path.write_text(generate(source), encoding="utf-8", newline="\n")
    return list(targets(root))


def stale(root=ROOT):
    """The notebooks that are missing, not what their source generates, or without a source."""
    known = targets(root)
    orphans = set((Path(root) / SOURCE).parent.glob("*.ipynb")) - set(known)
    return sorted(orphans | {path for path, source in known.items() if not _is_current(path, source)})


def _is_current(path, source):
    return path.exists() and path.read_text(encoding="utf-8") == generate(source)


def _cell_id(cell, taken):
    """Made of the cell's text, so that adding a cell leaves the others' ids alone."""
    base = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    name, copies = base, 1
    while name in taken:
        copies += 1
        name = f"{base}-{copies}"
    taken.add(name)
    return name
