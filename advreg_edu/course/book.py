"""The notebooks as pages of the site: run, with every picture, formula and sentence, for readers without Jupyter.

They are the students' notebooks, so that no solution is told. An app in them is a picture with a link to the lab that
computes in the page, where there is one. Text is converted by nbconvert, formulas by KaTeX when the site is built; the
pages ask nothing of another host, and they open from a folder as well.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from . import notebooks
from .slides import MATH, executed

BOOK, KATEX = "live/book", "live/node_modules/katex/dist"
LABS = {"ReconstructionLab": "reconstruction.html", "TheoryWorlds": "critic.html"}  # apps that have a live page
INDEX, TEACHING = "EQUATIONS", "TEACHING"
CODE = re.compile(r"\]\(\.\./(advreg_edu/[\w/]+\.py)\)")
LINK = re.compile(r"\[([^]]*)\]\((\w+)\.(?:ipynb|md)((?:#[^)]*)?)\)")
EMBEDDED = re.compile(r'src="data:image/(png|webp|jpeg);base64,([^"]+)"')
HEADING = re.compile(r"(?m)^(#{1,3}) (.+)$")
KERNEL = re.compile(r"\S*ipykernel\S*\.py:\d+: ")  # where a cell lay when it warned: a file of no reader


@dataclass(frozen=True)
class Page:
    """A page before it is converted: its file, from the site's root, and a notebook with what it shows.

    >>> Page("EQUATIONS.html", of_text("# Where is it?\\n\\nHere.")).title
    'Where is it?'
    """

    file: str
    notebook: Any

    @property
    def title(self) -> str:
        """Its first heading."""
        return next((heading for _, heading, _ in sections(self.notebook)), Path(self.file).stem)

    @property
    def contents(self) -> list[tuple[str, str]]:
        """(anchor, heading) of its sections."""
        return [(anchor(heading), heading) for level, heading, _ in sections(self.notebook) if level == 2]


def write(out: Path, root: Path, names: Sequence[str] = ()) -> Iterator[Path]:
    """Run the notebooks, and write them, the index of equations and the page for lecturers into the site.

    Args: out, the site; root, the checkout; names, beginnings of names of notebooks, none for all.
    """
    pages = [Page(f"{path.stem}.html", executed(path)) for path in notebooks.chosen(names, root=root)]
    pages += [Page(f"{name}.html", of_text(_read(root, name))) for name in (INDEX, TEACHING)]
    sources = sorted({file for page in pages for cell in page.notebook.cells for file in CODE.findall(cell.source)})
    listings = [Page(f"code/{file}.html", _listing(root, file)) for file in sources]
    _copy_looks(out / "book", root)
    shutil.copytree(root / "notebooks" / "pictures", out / "pictures", dirs_exist_ok=True)
    (out / "book" / "sections.js").write_text(_index(pages), encoding="utf-8")
    for page in [*pages, *listings]:
        path = out / page.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_pictures_apart(html(page, pages, root), out), encoding="utf-8")
        yield path


def html(page: Page, pages: Sequence[Page], root: Path = notebooks.ROOT) -> str:
    """The page, with links to the `pages` of the course; of those that are not among them the words alone.

    >>> from nbformat import v4
    >>> page = Page("a.html", of_text("# A circle\\n\\nSee [it](b.ipynb)."))
    >>> "<h1" in html(page, [page]), "b.ipynb" in html(page, [page])
    (True, False)
    """
    from nbconvert import HTMLExporter

    shown, formulas = _prepared(page.notebook, {Path(other.file).stem for other in pages}, root)
    template = (root / BOOK / "page.html.j2").read_text(encoding="utf-8")
    exporter = HTMLExporter(template_name="basic", raw_template=template)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    made, _ = exporter.from_notebook_node(shown, {"book": _place(page, list(pages))})
    pieces = typeset(formulas, root)
    return re.sub("\ue000(\\d+)\ue001", lambda token: pieces[int(token[1])], made)


def typeset(formulas: Sequence[tuple[str, bool]], root: Path = notebooks.ROOT) -> list[str]:
    """HTML of formulas, each (TeX, whether it is set apart). Raises OSError where Node.js or KaTeX is missing.

    >>> typeset([])
    []
    """
    if not formulas:
        return []
    if not (root / KATEX).is_dir() or not shutil.which("node"):
        raise FileNotFoundError(f"{root / KATEX}: expected Node.js and KaTeX, got none. Install it: npm ci --prefix live")
    command = ["node", str(root / BOOK / "formulas.js")]
    done = subprocess.run(command, input=json.dumps(formulas), capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise ValueError(f"formulas: expected TeX that KaTeX knows, got an error. {done.stderr.strip()}")
    return json.loads(done.stdout)


def sections(notebook: Any) -> Iterator[tuple[int, str, str]]:
    """(level, heading, text) of the sections of a notebook; the text without marks and formulas.

    >>> list(sections(of_text("# One\\n\\nA *word* and $x$.\\n\\n## Two")))
    [(1, 'One', 'A word and ….'), (2, 'Two', '')]
    """
    whole = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    _, *pieces = HEADING.split(re.sub(r"(?ms)^```.*?^```$|<!--.*?-->|<img[^>]*>", "", whole))
    for level, heading, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", MATH.sub("…", text))
        yield len(level), heading, " ".join(re.sub(r"[*`|>]|---+", " ", text).split())


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


def _listing(root: Path, file: str) -> Any:
    """A notebook that shows a module of the package."""
    from nbformat import v4

    code = v4.new_code_cell((root / file).read_text(encoding="utf-8"))
    return v4.new_notebook(cells=[v4.new_markdown_cell(f"# {file}"), code])


def _read(root: Path, name: str) -> str:
    return (root / "notebooks" / f"{name}.md").read_text(encoding="utf-8")


def _place(page: Page, pages: list[Page]) -> dict:
    """What the template says besides the notebook: title, contents, the pages before and after."""
    k = pages.index(page) if page in pages else None
    rows = [{"file": other.file, "title": other.title, "sections": other.contents} for other in pages]
    before, after = (None, None) if k is None else (rows[k - 1] if k else None, (rows + [None])[k + 1])
    up = "../" * page.file.count("/")
    return {"file": page.file, "title": page.title, "contents": rows, "before": before, "after": after, "up": up}


def _prepared(notebook: Any, stems: set[str], root: Path) -> tuple[Any, list[tuple[str, bool]]]:
    """A copy with tokens for formulas, links to pages, and captions under apps; and the formulas."""
    formulas: list[tuple[str, bool]] = []

    def token(found: re.Match) -> str:
        formulas.append(((found[1] or found[2]).replace("\n> ", "\n"), bool(found[1])))
        return f"\ue000{len(formulas) - 1}\ue001"

    def link(found: re.Match) -> str:
        place = f"#{anchor(unquote(found[3][1:]))}" if found[3] else ""
        return f"[{found[1]}]({found[2]}.html{place})" if found[2] in stems else found[1]

    from copy import deepcopy

    shown = deepcopy(notebook)
    for cell in shown.cells:
        if cell.cell_type == "markdown":
            cell.source = MATH.sub(token, LINK.sub(link, CODE.sub(r"](code/\1.html)", cell.source)))
        for output in cell.get("outputs", ()):
            _finish(output, root)
    shown.cells = [cell for cell in shown.cells if "stills.instead_of_widgets" not in cell.source]
    return shown, formulas


def _finish(output: Any, root: Path) -> None:
    """What an output says to readers who run nothing: no place of a file, no prediction of theirs, a link to the lab."""
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


def _pictures_apart(page: str, out: Path) -> str:
    """The page with its pictures as files, each once, so that text comes first and a picture is kept by its name."""
    folder = out / "pictures"

    def written(found: re.Match) -> str:
        content = base64.b64decode(found[2])
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{found[1]}"
        (folder / name).write_bytes(content)
        return f'src="pictures/{name}"'

    return EMBEDDED.sub(written, page)


def _index(pages: Iterable[Page]) -> str:
    """The script with what can be searched: every section of the course, but not of the page with the answers."""
    found = [
        (page.file, anchor(heading), page.title, heading, text)
        for page in pages
        if Path(page.file).stem != TEACHING
        for _, heading, text in sections(page.notebook)
    ]
    return f"globalThis.SECTIONS = {json.dumps(found, ensure_ascii=False)};\n"


def _copy_looks(folder: Path, root: Path) -> None:
    """Style, script, and the fonts of formulas in the one format that every browser of today reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in (root / BOOK / "page.css", root / BOOK / "page.js", root / KATEX / "katex.min.css"):
        shutil.copy(source, folder)
    shutil.copytree(root / KATEX / "fonts", folder / "fonts", ignore=lambda _, names: [n for n in names if not n.endswith("woff2")])
