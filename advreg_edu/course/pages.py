"""A notebook as a page: executed, with its pictures and formulas, for any browser and without another host.

nbconvert makes the body, Pygments the colours of code, `slides` runs it, shows apps as
pictures (`stills`) and formulas as MathML.
"""

import html
import re
from typing import Any

from .slides import with_mathml

LIVE_LABS = {"reconstruction_lab": "reconstruction.html"}
SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="lab.css">
<link rel="stylesheet" href="notebook.css">
</head>
<body class="notebook">
<nav aria-label="Notebooks">{links}</nav>
<main class="text">{body}</main>
</body>
</html>
"""


def title(notebook: Any) -> str:
    """Its first heading.

    >>> import nbformat
    >>> title(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 00 Start here")]))
    '00 Start here'
    """
    text = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    return text.source.splitlines()[0].lstrip("# ")


def links(titles: dict[str, str], current: str = "") -> str:
    """The HTML of the navigation: {name of a page: its title}.

    >>> links({"00": "Start here"}, "00")
    '<a href="index.html">Contents</a> <a href="00.html" aria-current="page">Start here</a>'
    """
    here = lambda name: ' aria-current="page"' if name == current else ""
    made = [f'<a href="{name}.html"{here(name)}>{html.escape(words)}</a>' for name, words in titles.items()]
    return " ".join(['<a href="index.html">Contents</a>', *made])


def page(notebook: Any, navigation: str) -> str:
    """An executed notebook as HTML. Where it opens an app that runs in the browser too, a link leads there.

    Args: navigation, by `links`.

    >>> import nbformat
    >>> cell = nbformat.v4.new_code_cell("app = reconstruction_lab()")
    >>> text = page(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 06"), cell]), "")
    >>> 'href="reconstruction.html"' in text
    True
    """
    from nbconvert import HTMLExporter
    from nbformat import v4

    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cells.append(v4.new_markdown_cell(with_mathml(re.sub(r"\((\d\d_\w+)\.ipynb\)", r"(\1.html)", cell.source))))
        elif "instead_of_widgets" not in cell.source:
            opened = [file for name, file in LIVE_LABS.items() if f"{name}(" in cell.source]
            cells += [
                cell,
                *(v4.new_markdown_cell(f"This app runs in the browser, too: [open it]({file}).") for file in opened),
            ]
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(v4.new_notebook(cells=cells))
    return SHELL.format(title=html.escape(title(notebook)), links=navigation, body=body)


def code_colours() -> str:
    """The style of code, light and dark.

    >>> ".highlight" in code_colours()
    True
    """
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "github-dark"))
    ground = re.compile(r"^\.highlight \{.*$", re.MULTILINE)  # the page has a ground of its own
    return f"{ground.sub('', light)}\n@media (prefers-color-scheme:dark){{{ground.sub('', dark)}}}\n"
