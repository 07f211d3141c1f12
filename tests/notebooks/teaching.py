"""What TEACHING.md says, taken apart: its tables, its lines for apps, and the outcomes that it states."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "notebooks" / "TEACHING.md"
NUMBER = re.compile(r"[+−-]?\d+(?:\.\d+)?")


def rows(head):
    """The rows of the tables whose first cell matches: lists of cells."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(rf"\| {head} \|", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def predictions():
    """[(id, its outcome as the page states it)], in the order of the page."""
    return [(row[0], row[1]) for row in rows(r"\d\d-[\w-]+") if len(row) == 4]


def outcomes(notebook):
    """{id: what `outcome` said} of a notebook that ran."""
    found = {}
    for cell in notebook.cells:
        asked = re.findall(r'outcome\(\s*"([^"]+)"', cell.source) if cell.cell_type == "code" else []
        texts = [out.data["text/plain"] for out in cell.get("outputs", []) if "text/plain" in out.get("data", {})]
        told = [" ".join(text.partition("The outcome: ")[2].split()) for text in texts if "The outcome: " in text]
        found |= dict(zip(asked, told, strict=True))
    return found


def alike(stated, measured):
    """Whether two outcomes have the same words, and numbers that differ by a tenth or by two of the last digit."""
    if NUMBER.sub("#", stated) != NUMBER.sub("#", measured):
        return False
    pairs = zip(NUMBER.findall(stated), NUMBER.findall(measured), strict=True)
    return all(_close(a.replace("−", "-"), float(b.replace("−", "-"))) for a, b in pairs)


def _close(stated, measured):
    digits = len(stated.partition(".")[2])
    return abs(float(stated) - measured) <= max(0.1 * abs(float(stated)), 2.01 * 10**-digits)
