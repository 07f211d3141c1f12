"""Where the parts of an app stand on the page, and what an app needs of the page around it."""

import html
import re
from collections.abc import Sequence
from typing import Any

import ipywidgets as W

from .style import STYLE

SCRIPT = """
const app = this.closest('.jp-OutputArea, .output_area, body');
const spoken = {play: 'Play', pause: 'Pause', stop: 'Back to the start', retweet: 'Repeat'};
const name = () => {
  for (const handle of app.querySelectorAll('.noUi-handle:not([aria-label])')) {
    const label = handle.closest('.widget-hbox')?.querySelector('label');
    if (label) handle.setAttribute('aria-label', label.textContent);
    handle.setAttribute('data-lm-suppress-shortcuts', 'true');  // Notebook 7 would go to the next heading
  }
  for (const icon of app.querySelectorAll('.widget-play button i')) {
    const kind = Object.keys(spoken).find(kind => icon.classList.contains('fa-' + kind));
    if (icon.parentElement.getAttribute('aria-label') !== spoken[kind])
      icon.parentElement.setAttribute('aria-label', spoken[kind]);
  }
};
new MutationObserver(name).observe(app, {childList: true, subtree: true});
name();
app.addEventListener('click', event => {
  const line = event.target.closest('.advreg-copy');
  if (line) navigator.clipboard?.writeText(line.textContent);
});"""
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def script(code: str) -> str:
    """HTML that shows nothing and runs JavaScript once it stands on the page, where `this` is its element."""
    return f'<img alt="" src="{DOT}" onload="{html.escape(code)}">'


def row(*items: Any) -> W.HBox:
    """Controls side by side; a `Slider` gives its widget."""
    return W.HBox(_widgets(items), layout=W.Layout(width="100%", align_items="center"))


def wrapping(*items: Any, shares: Sequence[int] = ()) -> W.Box:
    """Side by side where there is room, else below each other. shares: how many times as wide as the narrowest."""
    layouts = [W.Layout(flex=f"{share} 1 {270 * share}px", min_width="0") for share in shares or [1] * len(items)]
    cells = [W.Box([item], layout=layout) for item, layout in zip(_widgets(items), layouts, strict=True)]
    return W.Box(cells, layout=W.Layout(width="100%", flex_flow="row wrap"))


def pairs(*panels: Any) -> W.Box:
    """Panels whose pictures stand two in a row, as large as the screen allows."""
    box = W.Box(list(panels))
    box.add_class("advreg-pairs")
    return box


def group(name: str, *items: Any) -> W.VBox:
    """Controls below each other, under a name that folds them."""
    heading = W.HTML(_heading(name, True))
    heading.add_class("advreg-heading")
    box = W.VBox([heading, *_widgets(items)], layout=W.Layout(width="100%", min_width="0"))
    box.add_class("advreg-group")
    return box


def _heading(name: str, opened: bool) -> str:
    return f"<details{' open' * opened}><summary>{html.escape(name)}</summary></details>"


def fold(widget: W.Widget, yes: bool) -> None:
    """Fold the groups of controls inside, or unfold them."""
    if "advreg-heading" in getattr(widget, "_dom_classes", ()):
        name = html.unescape(re.sub("<[^>]*>", "", widget.value))
        widget.value = _heading(name, not yes)
    for child in getattr(widget, "children", ()):
        fold(child, yes)


def page(notice: W.Widget, controls: Sequence[Any], pictures: Sequence[Any], curves: Sequence[Any],
         *, beside: bool = False) -> W.VBox:  # fmt: skip
    """A lab: controls beside pictures, so that whoever moves the one sees the other; curves below them, or below the
    controls on a wide page. On a narrow page everything is in one column. Groups of controls fold.

    Args:
        controls: groups, and whatever stands below them.
        beside: the curves are few, and find room beside the controls, below the pictures.
    """
    groups = W.Box([item for item in controls if "advreg-group" in item._dom_classes])
    groups.add_class("advreg-controls")
    others = [item for item in controls if "advreg-group" not in item._dom_classes]
    contents = {"notice": [notice], "controls": [groups, *others], "pictures": pictures, "curves": curves}
    inside = W.VBox([_area(name, items) for name, items in contents.items()])
    inside.add_class("advreg-areas")
    if beside:
        inside.add_class("advreg-beside")
    outside = W.VBox([_style(), inside])
    outside.add_class("advreg-lab")
    return outside


def _area(name: str, items: Sequence[Any]) -> W.VBox:
    area = W.VBox(_widgets(items), layout=W.Layout(grid_area=name, width="100%", min_width="0", overflow="hidden"))
    area.add_class(f"advreg-{name}")
    return area


def _style() -> W.HTML:
    """Nothing to see: the style, and a script that gives the sliders of an app, and the buttons of Play, the names
    that ipywidgets gives to fields only, and leaves the arrow keys to the sliders. Where a page forbids such scripts,
    the field beside each slider still has its name. In Voilà, whose pages are for the lecture hall, the cells without
    an app are hidden."""
    return W.HTML(STYLE + script(SCRIPT), layout=W.Layout(height="0", margin="0"))


def _widgets(items: Sequence[Any]) -> list[W.Widget]:
    return [getattr(item, "widget", item) for item in items]
