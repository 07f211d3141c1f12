"""The few shapes that `charts` draws with, as SVG. Letters and axes have the colour of the text around them."""

import html
from collections.abc import Sequence
from typing import TypeAlias

Spots: TypeAlias = Sequence[tuple[float, float]]  # pixels from the top left

INK, QUIET, LINES = (f"color-mix(in srgb,currentColor {share}%,transparent)" for share in (100, 78, 16))
GROUND = "var(--jp-layout-color0,Canvas)"  # what is behind the drawing
FONT = "font-family='DejaVu Sans,Verdana,Arial,sans-serif'"


def text(x: float, y: float, words: str, colour: str, anchor: str, size: int = 14, halo: bool = False) -> str:
    """A line of text; `anchor` is "start", "middle" or "end", `halo` a white edge around the letters.

    >>> text(10, 20, "a < b", "black", "middle")
    "<text x='10.0' y='20.0' fill='black' text-anchor='middle' font-size='14'>a &lt; b</text>"
    """
    look = f"fill='{colour}' text-anchor='{anchor}' font-size='{size}'"
    look += f" stroke='{GROUND}' stroke-width='4' paint-order='stroke'" if halo else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' {look}>{html.escape(words)}</text>"


def stroke(x0: float, y0: float, x1: float, y1: float, colour: str, more: str = "") -> str:
    """A straight line, with `more` attributes.

    >>> stroke(0, 0, 10, 0, "gray")
    "<path d='M0.0 0.0L10.0 0.0' stroke='gray' />"
    """
    return f"<path d='M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}' stroke='{colour}' {more}/>"


def curve(spots: Spots, style: tuple[str, str, str]) -> str:
    """The curve with about six markers on it; the style is (dash, marker, colour).

    >>> curve([(0, 0), (10, 5)], ("8 4", "circle", INK)).count("<circle")
    2
    """
    dash, kind, colour = style
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    line = f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2' stroke-dasharray='{dash}'/>"
    return line + "".join(marker(spot, kind, colour) for spot in spots[:: max(1, len(spots) // 6)])


def marker(spot: tuple[float, float], kind: str, colour: str) -> str:
    """A small "circle", "square", "triangle" or "diamond".

    >>> marker((10, 5), "circle", "black")
    "<circle cx='10.0' cy='5.0' r='3' fill='black'/>"
    """
    x, y = spot
    if kind == "circle":
        return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'/>"
    corners = {"square": "-3,-3 3,-3 3,3 -3,3", "triangle": "0,-4 4,3 -4,3", "diamond": "0,-4 4,0 0,4 -4,0"}[kind]
    return f"<polygon points='{corners}' transform='translate({x:.1f} {y:.1f})' fill='{colour}'/>"


def band(low: Spots, high: Spots, colour: str) -> str:
    """The area between two curves.

    >>> band([(0, 4), (10, 4)], [(0, 2), (10, 2)], "black")
    "<polygon points='0.0,4.0 10.0,4.0 10.0,2.0 0.0,2.0' fill='black' fill-opacity='0.18'/>"
    """
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*low, *reversed(high)))
    return f"<polygon points='{corners}' fill='{colour}' fill-opacity='0.18'/>"
