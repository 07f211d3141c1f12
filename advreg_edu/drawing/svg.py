"""The few shapes that `charts` draws with, as SVG. Letters and axes have the colour of the text around them."""

import html

INK, QUIET, LINES = (f"color-mix(in srgb,currentColor {share}%,transparent)" for share in (100, 78, 16))
GROUND = "var(--jp-layout-color0,Canvas)"  # what is behind the drawing
FONT = "font-family='DejaVu Sans,Verdana,Arial,sans-serif'"


def text(x, y, words, colour, anchor, size=14, halo=False):
    look = f"fill='{colour}' text-anchor='{anchor}' font-size='{size}'"
    look += f" stroke='{GROUND}' stroke-width='4' paint-order='stroke'" if halo else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' {look}>{html.escape(words)}</text>"


def stroke(x0, y0, x1, y1, colour, more=""):
    return f"<path d='M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}' stroke='{colour}' {more}/>"


def curve(spots, style):
    """The curve with about six markers on it."""
    dash, kind, colour = style
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    line = f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2' stroke-dasharray='{dash}'/>"
    return line + "".join(marker(spot, kind, colour) for spot in spots[:: max(1, len(spots) // 6)])


def marker(spot, kind, colour):
    x, y = spot
    if kind == "circle":
        return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'/>"
    corners = {"square": "-3,-3 3,-3 3,3 -3,3", "triangle": "0,-4 4,3 -4,3", "diamond": "0,-4 4,0 0,4 -4,0"}[kind]
    return f"<polygon points='{corners}' transform='translate({x:.1f} {y:.1f})' fill='{colour}'/>"


def band(low, high, colour):
    """The area between two curves."""
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*low, *reversed(high)))
    return f"<polygon points='{corners}' fill='{colour}' fill-opacity='0.18'/>"
