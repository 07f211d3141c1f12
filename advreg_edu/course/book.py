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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from . import notebooks
from .book_text import BOOK, CODE, KATEX, anchor, of_text, prepared, sections, with_formulas
from .slides import executed

PICTURES = "pictures"
INDEX, TEACHING = "EQUATIONS", "TEACHING"
EMBEDDED = re.compile(r'src="data:image/(png|webp|jpeg);base64,([^"]+)"')


@dataclass(frozen=True)
class Page:
    """A page before it is converted: its file, from the site's root, and a notebook with what it shows.

    >>> Page("EQUATIONS.html", of_text("# Where is it?\\n\\nHere.")).title
    'Where is it?'
    """

    file: str
    notebook: Any = field(repr=False)

    @property
    def title(self) -> str:
        """Its first heading."""
        return next((heading for _, heading, _ in sections(self.notebook)), Path(self.file).stem)

    @property
    def contents(self) -> list[tuple[str, str]]:
        """(anchor, heading) of its sections."""
        return [(anchor(heading), heading) for level, heading, _ in sections(self.notebook) if level == 2]


def write(out: Path, root: Path, names: Sequence[str] = ()) -> list[Page]:
    """Run the notebooks, and write them, the index of equations and the page for lecturers into the site.

    Args: out, the site; root, the checkout; names, beginnings of names of notebooks, none for all. Returns the pages
    of the course, without the listings of code that they link to.

    >>> write(Path("site"), notebooks.ROOT, ["99"])
    Traceback (most recent call last):
    ValueError: names: expected some of 00, 01, ...
    """
    pages = [Page(f"{path.stem}.html", executed(path)) for path in notebooks.chosen(names, root=root)]
    pages += [Page(f"{name}.html", of_text(_read(root, name))) for name in (INDEX, TEACHING)]
    sources = sorted({file for page in pages for cell in page.notebook.cells for file in CODE.findall(cell.source)})
    listings = [Page(f"code/{file}.html", _listing(root, file)) for file in sources]
    _copy_looks(out / "book", root)
    shutil.copytree(root / "notebooks" / PICTURES, out / PICTURES, dirs_exist_ok=True)
    (out / "book" / "sections.js").write_text(_index(pages), encoding="utf-8")
    for page in [*pages, *listings]:
        path = out / page.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_pictures_apart(html(page, pages, root), out), encoding="utf-8")
    return pages


def contents(pages: Iterable[Page]) -> str:
    """The part of the index that leads to pages, in HTML.

    >>> contents([Page("a.html", of_text("# A & B"))])
    '<h2>The notebooks, run</h2>\\n<ul>\\n<li><a href="a.html">A &amp; B</a></li>\\n</ul>'
    """
    rows = [f'<li><a href="{page.file}">{escape(page.title)}</a></li>' for page in pages]
    return "\n".join(["<h2>The notebooks, run</h2>", "<ul>", *rows, "</ul>"]) if rows else ""


def html(page: Page, pages: Sequence[Page], root: Path = notebooks.ROOT) -> str:
    """The page, with links to the `pages` of the course; of those that are not among them the words alone.

    >>> from nbformat import v4
    >>> page = Page("a.html", of_text("# A circle\\n\\nSee [it](b.ipynb)."))
    >>> "<h1" in html(page, [page]), "b.ipynb" in html(page, [page])
    (True, False)
    """
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    shown, formulas = prepared(page.notebook, {Path(other.file).stem for other in pages}, root)
    template = (root / BOOK / "page.html.j2").read_text(encoding="utf-8")
    exporter = HTMLExporter(template_name="basic", raw_template=template)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)  # lines that a loop has printed
    made, _ = exporter.from_notebook_node(shown, {"book": _place(page, list(pages))})
    return with_formulas(made, formulas, root)


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
    before, after = (None, None) if k is None else (rows[k - 1] if k else None, [*rows, None][k + 1])
    up = "../" * page.file.count("/")
    return {"file": page.file, "title": page.title, "contents": rows, "before": before, "after": after, "up": up}


def _pictures_apart(page: str, out: Path) -> str:
    """The page with its pictures as files, each once, so that text comes first and a picture is kept by its name."""
    folder = out / PICTURES

    def written(found: re.Match) -> str:
        content = base64.b64decode(found[2])
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{found[1]}"
        (folder / name).write_bytes(content)
        return f'src="{PICTURES}/{name}"'

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
    for source in (root / BOOK / "page.css", root / BOOK / "page.js", root / KATEX / "katex.min.css"):
        _copy(source, folder)
    for font in (root / KATEX / "fonts").glob("*.woff2"):
        _copy(font, folder / "fonts")


def _copy(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, folder)
