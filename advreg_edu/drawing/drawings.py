"""Drawings: panels of SVG in the colours of the page, under titles that are text of the page."""

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import svg
from .axes import LEFT
from .panels import in_words
from .svg import FONT, INK

STYLES = (  # each colour stands out from white and from black
    ("", "circle", "#1a7fc4"),
    ("8 4", "square", "#D55E00"),
    ("2 4", "triangle", "#008f68"),
    ("9 3 2 3", "diamond", "#a855a0"),
)
LEGEND, TITLE = 26, 22  # pixels of a row
LEGEND_STYLE = "display:flex;flex-wrap:wrap;gap:0 18px;min-height:22px;font-size:14px;line-height:22px;padding-left:8px"


@dataclass(frozen=True)
class Drawing:
    """Panels of shapes, each with its title, and the sentence that says what is in them.

    On the page every panel is an SVG of its own in the page's colours; panels stand side by side as far as there is
    room, and titles and legend are text of the page. `svg` is the whole as one file, on white.
    """

    panels: tuple[tuple[str, str], ...]  # (title, what is in the SVG)
    alt: str
    panel: tuple[float, float]  # width and height of each, in pixels
    columns: int = 1
    legend: tuple[str, ...] = ()  # names of lines, in the order of `STYLES`
    bare: bool = False  # titles and legend keep their place, and are not seen

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole in pixels."""
        rows = math.ceil(len(self.panels) / self.columns)
        top = LEGEND if self.legend else 0
        return round(self.columns * self.panel[0]), round(top + rows * (TITLE + self.panel[1]))

    @property
    def svg(self) -> str:
        """The whole as a file."""
        width, height = self.size
        tall = TITLE + self.panel[1]
        parts = [] if self.bare else [_legend_row(self.legend, width)]
        for i, (title, shapes) in enumerate(self.panels):
            x, y = i % self.columns * self.panel[0], (LEGEND if self.legend else 0) + i // self.columns * tall
            parts += [] if self.bare else [svg.text(x + self.panel[0] / 2, y + 17, title, INK, "middle", size=15)]
            parts.append(f"<g transform='translate({x:.1f} {y + TITLE:.1f})'>{shapes}</g>")
        head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {FONT} font-size='14'"
        return f"{head} color='#1a1a1a'><rect width='{width}' height='{height}' fill='#fff'/>{''.join(parts)}</svg>"

    def img(self) -> str:
        """The HTML of the drawing, its text in `aria-label`."""
        width, _ = self.panel
        share = f"(100% - {8 * (self.columns - 1)}px)/{self.columns}"  # no more in a row than `columns`
        style = (
            "display:grid;gap:4px 8px;align-items:end;line-height:20px;"
            f"grid-template-columns:repeat(auto-fit,minmax(max(min(100%,{0.75 * width:.0f}px),{share}),1fr));"
            f"max-width:{1.2 * self.columns * width:.0f}px"
        )
        words = f'role="img" aria-label="{html.escape(self.alt)}"' if self.alt else 'aria-hidden="true"'
        legend = f'<div style="{LEGEND_STYLE}{self._unseen}">{"".join(_keys(self.legend))}</div>' if self.legend else ""
        return f'<div {words}>{legend}<div style="{style}">{"".join(map(self._panel, self.panels))}</div></div>'

    @property
    def _unseen(self) -> str:
        return ";visibility:hidden" if self.bare else ""

    def _panel(self, panel: tuple[str, str]) -> str:
        title, shapes = panel
        width, height = self.panel
        box = f"viewBox='0 0 {width:g} {height:g}' style='display:block;width:100%;height:auto;overflow:visible'"
        style = f"text-align:center;font-size:14px;min-height:20px{self._unseen}"
        heading = f'<div style="{style}">{html.escape(title)}</div>'
        return f"<div>{heading}<svg {box} {FONT} font-size='14' fill='currentColor'>{shapes}</svg></div>"

    def _repr_html_(self) -> str:
        return in_words(self.img(), self.alt)

    def __repr__(self) -> str:
        return self.alt


def _keys(names: Sequence[str]) -> Iterable[str]:
    """Dash, marker and name of every line, as text of the page."""
    for name, style in zip(names, STYLES, strict=False):
        key = f"<svg width='34' height='10' style='vertical-align:middle'>{_key(style, 5)}</svg> "
        yield f"<span>{key}{html.escape(name)}</span>"


def _key(style: tuple[str, str, str], y: float) -> str:
    dash, marker, colour = style
    line = svg.stroke(0, y, 34, y, colour, f"stroke-width='2' stroke-dasharray='{dash}'")
    return line + svg.marker((17, y), marker, colour)


def _legend_row(names: Sequence[str], width: float) -> str:
    """The same as SVG, for the file: one after the other; begins at the axes and ends inside the width."""
    space = lambda name: 64 + 8 * len(name)
    parts, x = [], max(0, min(LEFT, width - sum(map(space, names))))
    for name, style in zip(names, STYLES, strict=False):
        parts.append(
            f"<g transform='translate({x} 0)'>{_key(style, 14)}</g>" + svg.text(x + 42, 19, name, INK, "start")
        )
        x += space(name)
    return "".join(parts)
