"""Slides from the notebooks, by a rule, for reveal.js: they open from a folder and need no network.

Headings, formulas, lists, tables, theorems and predictions of a notebook become slides, and so does whatever its cells
show; the other paragraphs become notes for the speaker (key S). Code and exercises stay in the notebook. Apps are shown
as pictures (`stills`), formulas as MathML. Beside nbconvert it takes what requirements-slides.txt names.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import notebooks, record

OUT = Path("slides")
LONGEST = 16  # lines of printed text on a slide
MATH = re.compile(r"\$\$(.+?)\$\$|\$([^$]+?)\$", re.DOTALL)
KEPT = re.compile(r"#|- |\d+\. |\||> \*\*(Theorem|Corollary)|\*\*Predict\.\*\*|\*\*[^*]+\*\*$")
INSTALL = "Install it: pip install --no-deps -r requirements-slides.txt"

# nbconvert's own page takes jQuery, RequireJS, MathJax and Mermaid from the network; none of them is needed here.
PAGE = """\
{% extends 'index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_css %}<style>
body .reveal { font-size: 26px }
body .reveal :is(h1, h2, h3) { text-transform: none; font-size: 1.5em; line-height: 1.2 }
body .reveal h1 { font-size: 2em } body .reveal h3 { font-size: 1.15em }
.reveal .slides section { text-align: left }
.reveal .jp-RenderedHTMLCommon { font-size: 1em; width: 100% }
.reveal .jp-RenderedHTMLCommon :is(p, li) { line-height: 1.4 }
.reveal .jp-RenderedHTMLCommon table { font-size: 0.8em }
.reveal .jp-RenderedText pre { font-size: 18px; line-height: 1.35; width: 100%; box-shadow: none }
.reveal math[display=block] { font-size: 1.25em; margin: 0.8em 0 }
.reveal .jp-OutputArea-output img { max-height: 440px; max-width: 100% }
.reveal .still > div { display: flex; flex-wrap: wrap; gap: 6px 12px; width: 100% }
.reveal .still figure { width: 170px }
.reveal .still > .layers { display: grid } .reveal .still > .layers > * { grid-area: 1/1 }
.reveal .still > div > img { max-height: 290px; width: auto }
.reveal :is(.jp-OutputPrompt, .jp-InputPrompt) { display: none }
</style>{% endblock %}
{% block footer_js %}
<script src="reveal/dist/reveal.js"></script>
<script src="reveal/plugin/notes/notes.js"></script>
<script>Reveal.initialize({hash: true, slideNumber: 'c/t', width: 1120, height: 700, center: false, transition: 'none',
  plugins: [RevealNotes]});</script>
{% endblock %}
"""


def write(names: Sequence[str] = (), out: Path = OUT) -> Iterator[Path]:
    """Run the notebooks with solutions and write their slides into `out`, with reveal.js and an index beside them.

    Args: names, beginnings of names of notebooks, such as "00"; none for all. Raises ValueError for an unknown name,
    OSError where something is not installed.

    >>> list(write(["99"]))
    Traceback (most recent call last):
    ValueError: names: expected some of 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, got 99.
    """
    chosen = notebooks.chosen(names, solutions=True)
    reveal = _reveal()
    shutil.copytree(reveal, out / "reveal", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.map", "*.esm.js"))
    for path in chosen:
        page = out / f"{path.stem}.html"
        page.write_text(html(executed(path), path.stem), encoding="utf-8")
        yield page


def executed(path: Path) -> Any:
    """A notebook with its outputs, the apps in it as pictures; no answer of anybody is read or kept.

    >>> from nbformat import v4, write
    >>> with TemporaryDirectory() as folder:
    ...     write(v4.new_notebook(cells=[v4.new_code_cell("print(1 + 1)")]), f"{folder}/sum.ipynb")
    ...     executed(Path(folder, "sum.ipynb")).cells[-1].outputs[0].text
    '2\\n'
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    pictures = "from advreg_edu.course import stills; stills.instead_of_widgets()"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(pictures))
    with TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
        return client.execute(env=os.environ | {record.FOLDER: folder})


def html(notebook: Any, name: str) -> str:
    """The page with the slides of an executed notebook; `reveal/` is expected beside it.

    >>> from nbformat import v4
    >>> "reveal/dist/reveal.css" in html(v4.new_notebook(cells=[v4.new_markdown_cell("## A circle")]), "00")
    True
    """
    from nbconvert import SlidesExporter

    exporter = SlidesExporter(raw_template=PAGE, exclude_input=True, reveal_url_prefix="reveal", reveal_theme="white")
    page, _ = exporter.from_notebook_node(slides(notebook), {"metadata": {"name": name}})
    return page


def slides(notebook: Any) -> Any:
    """A notebook whose cells are slides and notes, from an executed one.

    >>> from nbformat import v4
    >>> made = slides(v4.new_notebook(cells=[v4.new_markdown_cell("## A circle\\n\\nA long story.\\n\\n- short")]))
    >>> [(cell.metadata.slideshow.slide_type, cell.source) for cell in made.cells]
    [('slide', '## A circle\\n\\n- short'), ('notes', 'A long story.')]
    """
    from nbformat import v4

    made: list[Any] = []
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            continue
        title = _title(made)
        if cell.cell_type == "markdown":
            made += _of_text(cell.source, title)
        elif title:  # what comes before the first section only says that the machine is ready
            made += _of_code(cell, title)
    return v4.new_notebook(cells=[cell for cell in made if cell.source.strip() or cell.get("outputs")])


def _of_text(source: str, title: str) -> Iterator[Any]:
    """A slide, or more at headings, and its notes."""
    kept: list[str] = []
    notes: list[str] = []
    for block in _blocks(source):
        if block.startswith("#") and (kept or notes):
            yield from _slide(kept, notes, title)
            kept, notes, title = [], [], block.lstrip("# ")
        shown = (KEPT.match(block) or "$$" in block) and block.count("\n") < LONGEST // 2
        (kept if shown else notes).append(block)
    yield from _slide(kept, notes, title)


def _slide(kept: list[str], notes: list[str], title: str) -> Iterator[Any]:
    if kept and title and not kept[0].startswith("#"):
        kept = [f"### {title}", *kept]
    starts = bool(kept) and kept[0].startswith(("# ", "## "))
    if starts and len(kept) == 1 and notes:  # a heading alone says little: it takes the first sentence along
        kept = [*kept, re.split(r"(?<=[.?])(?<!Eq\.)\s", notes[0])[0]]
    if kept:
        yield _cell("\n\n".join(kept), "slide" if starts else "subslide")
    yield _cell("\n\n".join(block for block in notes if not block.startswith("<img")), "notes")


def _blocks(source: str) -> Iterable[str]:
    """Paragraphs; a formula that is set apart is one of its own."""
    apart = re.sub(r"(\$\$.+?\$\$)", r"\n\n\1\n\n", re.sub(r"(?m)^> ?\$\$", "$$", source), flags=re.DOTALL)
    return [block.strip() for block in re.split(r"\n\s*\n", apart) if block.strip()]


def _of_code(cell: Any, title: str) -> Iterator[Any]:
    """What a cell has shown."""
    from nbformat import v4

    outputs = [out for out in cell.outputs if _is_shown(out)]
    if outputs:
        yield _cell(f"### {'Predict' if cell.source.startswith('predict(') else title}", "subslide")
        yield v4.new_code_cell("", outputs=[_without_prediction(out) for out in outputs])


def _is_shown(out: Any) -> bool:
    if out.output_type == "stream":
        return out.name == "stdout" and len(out.text.splitlines()) <= LONGEST
    return bool(out.get("data", {}).get("text/html"))


def _without_prediction(out: Any) -> Any:
    """The outcome without the sentence that nobody predicted it."""
    text = out.get("data", {}).get("text/html", "")
    if text:
        out.data = {"text/html": text.replace("No prediction was made. ", "")}
    return out


def _title(made: list[Any]) -> str:
    found = [line for cell in made for line in cell.source.splitlines()[:1] if line.startswith("## ")]
    return found[-1].lstrip("# ") if found else ""


def _cell(source: str, kind: str) -> Any:
    from nbformat import v4

    links = re.sub(r"\((\d\d_\w+)\.ipynb\)", r"(\1.html)", source)
    return v4.new_markdown_cell(MATH.sub(_mathml, links), metadata={"slideshow": {"slide_type": kind}})


def _mathml(found: re.Match) -> str:
    from latex2mathml.converter import convert

    tex = re.sub(r"\\tag\{(.*?)\}", r"\\qquad\\text{(\1)}", " ".join((found[1] or found[2]).split()))
    made = convert(tex, display="block" if found[1] else "inline")
    return re.sub(r"[_*`|\[\]]", lambda mark: f"&#{ord(mark[0])};", made.replace("\n", ""))  # no Markdown any more


def _reveal() -> Path:
    """The folder of reveal.js. Raises OSError where it is not installed."""
    try:
        (script,) = (file for file in files("sphinx-revealjs") or () if file.match("revealjs/dist/reveal.js"))
        if find_spec("latex2mathml") is None:
            raise PackageNotFoundError("latex2mathml")
    except PackageNotFoundError as missing:
        raise OSError(f"slides: expected {missing.name} to be installed, got none. {INSTALL}") from None
    return Path(str(script.locate())).parent.parent
