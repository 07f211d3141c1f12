"""The index of equations, notebooks/EQUATIONS.md: made from `equations`, the package and the notebooks' sources."""

import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .equations import ENTRIES, Entry
from .notebooks import ROOT, SOURCE

PAGE = "notebooks/EQUATIONS.md"
HEAD = """\
# Where is it? The paper's equations in the code and in the course

Each number of *Adversarial Regularizers in Inverse Problems* (Lunz, Öktem, Schönlieb, 2018), the function that is it,
and the section that teaches it. The page is generated: `python -m advreg_edu notebooks`.

| Paper | What it says | In the code | In the course |
|---|---|---|---|
"""


def function(name: str) -> Any:
    """What a name below advreg_edu stands for: `reg_weight.weight_from_noise`. Raises AttributeError if there is none.

    >>> function("reg_weight.weight_from_noise").__name__
    'weight_from_noise'
    """
    return pkgutil.resolve_name(f"advreg_edu.{name}")


def section(place: str, root: Path | str = ROOT) -> tuple[str, str, str]:
    """(notebook, heading, text) of a place such as "04#7". Raises ValueError unless there is exactly one.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, SOURCE).mkdir(parents=True)
    ...     _ = Path(folder, SOURCE, "04_sums.py").write_text("# ## 1 One\\n# 1 + 1\\n# ## 2 Two\\n")
    ...     section("04#1", folder)
    ('04_sums', '1 One', '# 1 + 1\\n')
    """
    number, _, start = place.partition("#")
    sources = sorted((Path(root) / SOURCE).glob(f"{number}_*.py"))
    found = []
    for source in sources:
        pieces = re.split(r"^# (#{2,3} .*)\n", source.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for k in range(1, len(pieces), 2):
            level, _, heading = pieces[k].partition(" ")
            if heading.startswith(start + " " * start.isdigit()):
                found.append((source.stem, heading, _until_next(pieces, k, level)))
    if len(found) != 1:
        got = ", ".join(heading for _, heading, _ in found) or "none"
        raise ValueError(f"{place}: expected one heading in {SOURCE}/{number}_*.py, got {got}. Correct `equations`.")
    return found[0]


def _until_next(pieces: list[str], k: int, level: str) -> str:
    """The text below heading k, with the headings and texts that are below it in rank."""
    text = pieces[k + 1]
    for j in range(k + 2, len(pieces), 2):
        if len(pieces[j].partition(" ")[0]) <= len(level):
            break
        text += f"# {pieces[j]}\n{pieces[j + 1]}"
    return text


def page(root: Path | str = ROOT) -> str:
    """The text of the page.

    >>> page().count("| Eq. 6 |")
    1
    """
    return HEAD + "".join(_row(entry, root) for entry in ENTRIES)


def write(root: Path | str = ROOT) -> Path:
    """Generate the page; return its path.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, "notebooks").mkdir()
    ...     Path(folder, SOURCE).symlink_to(ROOT / SOURCE)
    ...     before, _, after = stale(folder), write(folder), stale(folder)
    >>> len(before), len(after)
    (1, 0)
    """
    path = Path(root) / PAGE
    path.write_text(page(root), encoding="utf-8", newline="\n")
    return path


def stale(root: Path | str = ROOT) -> list[Path]:
    """The page, if it is missing or not what the sources generate.

    >>> stale()
    []
    """
    path = Path(root) / PAGE
    return [] if path.exists() and path.read_text(encoding="utf-8") == page(root) else [path]


def _row(entry: Entry, root: Path | str) -> str:
    code = ", ".join(_link_to_code(name) for name in entry.functions)
    course = "; ".join(_link_to_section(place, root) for place in entry.places)
    return f"| {entry.label} | {entry.what} | {code} | {course} |\n"


def _link_to_code(name: str) -> str:
    file = Path(inspect.getsourcefile(inspect.unwrap(function(name))) or "")
    return f"[`{name}`](../{file.relative_to(ROOT).as_posix()})"


def _link_to_section(place: str, root: Path | str) -> str:
    """In JupyterLab and on GitHub the anchor of a heading is its text with hyphens for spaces."""
    notebook, heading, _ = section(place, root)
    return f"[{notebook[:2]}, {heading}]({notebook}.ipynb#{quote(heading.replace(' ', '-'), safe='-')})"
