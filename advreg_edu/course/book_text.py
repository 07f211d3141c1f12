"""What a notebook says on a page of the site: formulas as HTML, links to other pages, captions under the apps."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from .notebooks import ROOT
from .slides import MATH

BOOK, KATEX = "live/book", "live/node_modules/katex/dist"
LABS = {"ReconstructionLab": "reconstruction.html", "TheoryWorlds": "critic.html"}  # apps that have a live page
CODE = re.compile(r"\]\(\.\./(advreg_edu/[\w/]+\.py)\)")
LINK = re.compile(r"\[([^]]*)\]\((\w+)\.(?:ipynb|md)((?:#[^)]*)?)\)")
HEADING = re.compile(r"(?m)^(#{1,3}) (.+)$")
KERNEL = re.compile(r"\S*ipykernel\S*\.py:\d+: ")  # where a cell lay when it warned: a file of no reader


def prepared(notebook: Any, stems: set[str], root: Path = ROOT) -> tuple[Any, list[tuple[str, bool]]]:
    """A copy with tokens for formulas, links to the pages `stems`, and captions under apps; and the formulas.

    >>> shown, formulas = prepared(of_text("$x$, see [it](a.ipynb)."), {"a"})
    >>> shown.cells[0].source[-17:], formulas
    ('see [it](a.html).', [('x', False)])
    """
    formulas: list[tuple[str, bool]] = []

    def token(found: re.Match) -> str:
        formulas.append(((found[1] or found[2]).replace("\n>", "\n"), bool(found[1])))
        return f"\ue000{len(formulas) - 1}\ue001"

    def link(found: re.Match) -> str:
        place = f"#{anchor(unquote(found[3][1:]))}" if found[3] else ""
        return f"[{found[1]}]({found[2]}.html{place})" if found[2] in stems else found[1]

    shown = deepcopy(notebook)
    shown.cells = [cell for cell in shown.cells if "stills.instead_of_widgets" not in cell.source]
    for cell in shown.cells:
        if cell.cell_type == "markdown":
            cell.source = MATH.sub(token, LINK.sub(link, CODE.sub(r"](code/\1.html)", cell.source)))
        for output in cell.get("outputs", ()):
            _finish(output, root)
    return shown, formulas


def with_formulas(page: str, formulas: Sequence[tuple[str, bool]], root: Path = ROOT) -> str:
    """The page with formulas, each (TeX, whether it is set apart), in the place of their tokens.

    Raises FileNotFoundError where Node.js or KaTeX is missing, ValueError for TeX that KaTeX does not know.

    >>> with_formulas("no token", [])
    'no token'
    """
    if not formulas:
        return page
    check_katex(root)
    command = ["node", str(root / BOOK / "formulas.js")]
    done = subprocess.run(command, input=json.dumps(formulas), capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise ValueError(f"formulas: expected TeX that KaTeX knows, got an error. {done.stderr.strip()}")
    pieces = json.loads(done.stdout)
    return re.sub("\ue000(\\d+)\ue001", lambda token: pieces[int(token[1])], page)


def check_katex(root: Path = ROOT) -> None:
    """Raise FileNotFoundError where Node.js or KaTeX is missing.

    >>> check_katex(Path("elsewhere"))
    Traceback (most recent call last):
    FileNotFoundError: elsewhere/live/node_modules/katex/dist: expected Node.js and KaTeX, got none. ...
    """
    if not (root / KATEX).is_dir() or not shutil.which("node"):
        fix = "Install them: Node.js, then npm ci --prefix live"
        raise FileNotFoundError(f"{root / KATEX}: expected Node.js and KaTeX, got none. {fix}")


def sections(notebook: Any) -> Iterator[tuple[int, str, str]]:
    """(level, heading, text) of the sections of a notebook; the text without marks and formulas.

    >>> list(sections(of_text("# One\\n\\nA *word* and $x$.\\n\\n## Two")))
    [(1, 'One', 'A word and ….'), (2, 'Two', '')]
    """
    whole = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    _, *pieces = HEADING.split(re.sub(r"(?ms)^```.*?^```$|<!--.*?-->|<img[^>]*>", "", whole))
    for level, heading, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", MATH.sub("…", text))
        yield len(level), heading, " ".join(re.sub(r"[|>]|---+", " ", re.sub(r"[*`]", "", text)).split())


def anchor(heading: str) -> str:
    """The id that nbconvert gives a heading, as it stands in an address.

    >>> anchor("1 A small error")
    '1-A-small-error'
    """
    return quote(re.sub(r"[*`]", "", heading).replace(" ", "-"), safe="?/:@!$&'()*+,;=")


def of_text(markdown: str) -> Any:
    """A notebook of one cell of text.

    >>> len(of_text("# A circle").cells)
    1
    """
    from nbformat import v4

    return v4.new_notebook(cells=[v4.new_markdown_cell(markdown)])


def _finish(output: Any, root: Path) -> None:
    """What an output says to readers who run nothing: no file of the kernel, no prediction, a link to the lab."""
    if output.output_type == "stream":
        output.text = KERNEL.sub("", output.text)
    elif "text/html" in output.get("data", {}):
        text = output.data["text/html"].replace("No prediction was made. ", "")
        output.data = {"text/html": text + _caption(output.metadata.get("app"), root)}


def _caption(app: str | None, root: Path) -> str:
    """The words under the picture of an app, "" for anything else."""
    if app in (None, "Form"):
        return ""
    lab = LABS.get(app or "")
    if lab and (root / "live" / lab).is_file():
        words = f'The app as it opens. <a href="{lab}">Open it live</a>: it computes in your browser.'
    else:
        words = "The app as it opens. Its controls answer in Jupyter, where this notebook runs."
    return f'<p class="app">{words}</p>'
