"""The numbers that the text of a notebook states, and whether its cells show them."""

import re

MARKUP = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\]\([^)]*\)|<[^>]*>", re.DOTALL)
STATED = re.compile(r"(?<![\w.\-])(\d+\.\d+|\d+(?= (?:dB|%)))")  # with decimals or a unit; counts are not looked at
SHOWN = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")
CITED = re.compile(r"paper|authors|data/|exercise|https?://", re.IGNORECASE)  # a number of elsewhere, with its source


def sections(notebook):
    """The cells under each heading of the second level."""
    found = [[]]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            found.append([])
        found[-1].append(cell)
    return found


def shown(cell):
    """All numbers in what a code cell printed."""
    outputs = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", [])]
    return [float(number) for number in SHOWN.findall("\n".join(outputs))]


def stated(cell):
    """(number as written, its paragraph) of a markdown cell. Left out: formulas, code, tables, quotations, questions
    (the numbers are settings to try), answers to exercises, and paragraphs that name a source."""
    if cell.metadata.get("nbgrader", {}).get("grade"):
        return
    for paragraph in re.split(r"\n\s*\n|\n(?=\d\. |- )", MARKUP.sub("", cell.source)):
        if not re.match(r"[|#>]|\d\. ", paragraph) and not CITED.search(paragraph):
            for number in STATED.findall(paragraph):
                yield number, " ".join(paragraph.split())


def is_among(number, values):
    """Whether one of the values, or a hundred times it (a share as percent), rounds to the number as written."""
    half = 0.5 * 10.0 ** -len(number.partition(".")[2]) + 1e-9
    return any(abs(scale * value - float(number)) <= half for value in values for scale in (1, 100))


def strays(notebook):
    """What is stated, and neither set in the code nor shown by a cell of the section or of the one before."""
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    settings = [float(number) for number in SHOWN.findall("\n".join(code))]
    before = []
    for section in sections(notebook):
        here = [number for cell in section if cell.cell_type == "code" for number in shown(cell)]
        for cell in section:
            if cell.cell_type == "markdown":
                for number, paragraph in stated(cell):
                    if not is_among(number, here + before + settings):
                        yield f"{number} in: {paragraph}"
        before = here
