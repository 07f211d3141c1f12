"""A manifold drawn by hand on the first map: with the mouse or a finger, and from there a line of few corners.

The page sends the stroke through a text field that is not seen: core ipywidgets know no coordinates of the mouse, and
its HTML carries the few lines of script that need them. By keyboard the corners are typed, or moved by sliders.
"""

import html

import ipywidgets as W
import numpy as np

from ..shared.page import DOT

TOLERANCE, CORNERS = 0.012, 24  # of the unit square: how far the line may pass by the stroke; at most
SCRIPT = """
const lab = this.closest('.advreg-lab');
const map = node => node.closest('.advreg-pad figure:first-of-type img');
let stroke = null, trace = null, square = null;
const add = event => {
  const share = (at, from, length) => Math.min(1, Math.max(0, (at - from) / length)).toFixed(3);
  stroke.push([share(event.clientX, square.left, square.width), share(-event.clientY, -square.bottom, square.height)]);
  trace.firstChild.setAttribute('points', stroke.map(([x, y]) =>
    (square.left + x * square.width) + ',' + (square.bottom - y * square.height)).join(' '));
};
lab.addEventListener('dragstart', event => { if (map(event.target)) event.preventDefault(); });
lab.addEventListener('pointerdown', event => {
  const image = map(event.target);
  if (!image || event.button || stroke) return;
  square = image.getBoundingClientRect();
  stroke = [];
  trace = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  trace.style.cssText = 'position:fixed;inset:0;width:100vw;height:100vh;pointer-events:none;z-index:9';
  trace.innerHTML = '<polyline fill="none" stroke="#D55E00" stroke-width="4"/>';
  document.body.append(trace);
  lab.setPointerCapture(event.pointerId);
  add(event);
});
lab.addEventListener('pointermove', event => { if (stroke) add(event); });
const end = send => () => {
  if (!stroke) return;
  const field = lab.querySelector('.advreg-stroke input'), points = stroke;
  trace.remove();
  stroke = null;
  if (!send || points.length < 2) return;
  field.value = points.map(point => point.join(' ')).join('; ');
  field.dispatchEvent(new Event('change', {bubbles: true}));
};
lab.addEventListener('pointerup', end(true));
lab.addEventListener('pointercancel', end(false));"""


def pad() -> W.Text:
    """The field through which the page sends a stroke, "x y; x y; ...", and out of sight."""
    field = W.Text(description="stroke", tooltip="Drawn on the map", continuous_update=False)
    field.layout.display = "none"
    field.add_class("advreg-stroke")
    return field


def script() -> W.HTML:
    """The script that lets a hand draw, as an image that cannot be seen."""
    return W.HTML(f'<img alt="" src="{DOT}" onload="{html.escape(SCRIPT)}">', layout=W.Layout(height="0", margin="0"))


def simplified(stroke: str) -> str:
    """The corners of a stroke: a line that passes it by TOLERANCE at most (Douglas and Peucker, by scikit-image).

    A stroke that ends where it began is closed, and a mere dot is refused.

    >>> simplified("0.1 0.1; 0.2 0.101; 0.3 0.1; 0.3 0.5")
    '0.1 0.1; 0.3 0.1; 0.3 0.5'
    """
    from skimage.measure import approximate_polygon  # brings SciPy's statistics along, 30 MB

    points = np.array([[float(number) for number in pair.split()] for pair in stroke.split(";")])
    if np.ptp(points, axis=0).max() < 2 * TOLERANCE:
        raise ValueError("M: expected a line, got a dot. Press on the first map, move, and let go.")
    if len(points) > 3 and np.linalg.norm(points[0] - points[-1]) < 3 * TOLERANCE:
        points[-1] = points[0]
    tolerance = TOLERANCE
    while len(corners := approximate_polygon(points, tolerance)) > CORNERS:
        tolerance *= 1.3
    return "; ".join(f"{x:g} {y:g}" for x, y in corners.round(3).tolist())
