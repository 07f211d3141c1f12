"""A notebook as a page: executed, with its pictures and formulas, for any browser and without another host.

nbconvert makes the body, Pygments the colours of code, KaTeX (in live/node_modules/) the formulas.
"""

import html
import re
from pathlib import Path
from typing import Any

WIDGET = "application/vnd.jupyter.widget-view+json"
LIVE_LABS = {"reconstruction_lab": "reconstruction.html"}
SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="vendor/katex/katex.min.css">
<link rel="stylesheet" href="lab.css">
<link rel="stylesheet" href="notebook.css">
<script type="module" src="notebook.js"></script>
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
    return notebook.cells[0].source.splitlines()[0].lstrip("# ")


def links(titles: dict[str, str], current: str = "") -> str:
    """The HTML of the navigation: {name of a page: its title}.

    >>> links({"00": "Start here"}, "00")
    '<a href="index.html">Contents</a> <a href="00.html" aria-current="page">Start here</a>'
    """
    here = lambda name: ' aria-current="page"' if name == current else ""
    made = [f'<a href="{name}.html"{here(name)}>{html.escape(words)}</a>' for name, words in titles.items()]
    return " ".join(['<a href="index.html">Contents</a>', *made])


def execute(path: Path) -> Any:
    """The notebook with the outputs of a fresh kernel; the first error raises."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    return NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()


def page(notebook: Any, navigation: str, pictures: Path) -> str:
    """The notebook as HTML. An app, which needs a kernel, becomes its picture with a link.

    Args: navigation, by `links`; pictures, the folder of the apps' pictures, named as their functions.

    >>> import nbformat
    >>> cell = nbformat.v4.new_markdown_cell("Euler: $e^{i\\\\pi} = -1$")
    >>> text = page(nbformat.v4.new_notebook(cells=[cell]), "", Path("pictures"))
    >>> "Euler: $e^{i\\\\pi} = -1$" in text
    True
    """
    from nbconvert import HTMLExporter

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if WIDGET in output.get("data", {}):
                output["data"] = {"text/html": _still(cell.source, pictures)}
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return SHELL.format(title=html.escape(title(notebook)), links=navigation, body=body)


def _still(source: str, pictures: Path) -> str:
    """What stands in the place of a widget: the picture of the app that the cell opens, if it opens one."""
    name = next((picture.stem for picture in sorted(pictures.glob("*.png")) if picture.stem in source), "")
    where = "This part is interactive: open the notebook in JupyterLab."
    if name in LIVE_LABS:
        where = f'This app runs in the browser, too: <a href="{LIVE_LABS[name]}">open it</a>.'
    image = f'<img src="pictures/{name}.png" alt="The {name.replace("_", " ")} as JupyterLab shows it">' if name else ""
    return f"<figure>{image}<figcaption>{where}</figcaption></figure>"


def code_colours() -> str:
    """The style of code, light and dark.

    >>> ".highlight" in code_colours()
    True
    """
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "github-dark"))
    ground = re.compile(r"^\.highlight \{.*$", re.MULTILINE)  # the page has a ground of its own
    return f"{ground.sub('', light)}\n@media (prefers-color-scheme:dark){{{ground.sub('', dark)}}}\n"
