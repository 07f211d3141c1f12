"""Where the parts of an app stand on the page, and what an app needs of the page around it."""

import html

import ipywidgets as W


def row(items):
    """Controls side by side; a `Knob` gives its widget."""
    return W.HBox(
        [getattr(item, "widget", item) for item in items], layout=W.Layout(width="100%", align_items="center")
    )


def column(items):
    """Controls below each other, in an equal share of the row."""
    return W.VBox([getattr(item, "widget", item) for item in items], layout=W.Layout(flex="1 1 0", min_width="0"))


FRAME = """<style>
.advreg-lab{container-type:inline-size;width:100%;max-width:1500px}
.advreg-areas.widget-box{display:grid;gap:6px 24px;grid-template-columns:minmax(0,1fr);align-items:start;
 grid-template-areas:"controls" "pictures" "curves"}
.advreg-controls.widget-box{display:grid;gap:0 20px;grid-template-columns:repeat(auto-fit,minmax(min(390px,100%),1fr))}
.advreg-gallery.widget-box{display:grid;grid-template-columns:repeat(auto-fill,256px);gap:8px 20px;padding:0 2px}
.advreg-lab .noUi-origin,.advreg-lab .noUi-connect{will-change:auto}
.advreg-layers.widget-box{display:grid}
.advreg-layers>.widget-html{grid-area:1/1;margin:0}
.advreg-gallery .widget-html,.advreg-gallery .widget-html-content{display:contents}
@container (min-width:1400px){.advreg-areas.widget-box{grid-template-columns:minmax(400px,1fr) 824px;
 grid-template-rows:auto 1fr;grid-template-areas:"controls pictures" "curves pictures"}}
</style>"""


NAMES = """
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
name();"""
ALONE = """<style>
body[data-voila] .jp-Cell:not(:has(.advreg-app)),body[data-voila] .jp-OutputPrompt{display:none}
</style>"""
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def for_the_page():
    """Nothing to see: gives the sliders of an app, and the buttons of Play, the names that ipywidgets gives to fields
    only, and leaves the arrow keys to the sliders. Where a page forbids such scripts, the field beside each slider
    still has its name. In Voilà, whose pages are for the lecture hall, the cells without an app are hidden."""
    return W.HTML(
        f'{ALONE}<img alt="" src="{DOT}" onload="{html.escape(NAMES)}">', layout=W.Layout(height="0", margin="0")
    )


def frame(controls, pictures, curves):
    """A lab: controls above pictures above curves, and on a wide page (a projector) pictures at the right.

    Args: controls, groups of controls, each a list; pictures and curves, lists of widgets.
    """
    groups = W.Box([column(group) for group in controls[0]])
    groups.add_class("advreg-controls")
    shape = lambda name: W.Layout(grid_area=name, width="100%", min_width="0", max_width="848px", overflow="hidden")
    contents = {"controls": [groups, *controls[1:]], "pictures": pictures, "curves": curves}
    inside = W.VBox([W.VBox(items, layout=shape(name)) for name, items in contents.items()])
    inside.add_class("advreg-areas")
    outside = W.VBox([W.HTML(FRAME, layout=W.Layout(display="none")), for_the_page(), inside])
    outside.add_class("advreg-lab")
    return outside


def heading(words):
    """The name of a group of controls."""
    return W.HTML(f'<div style="font-size:14px;font-weight:600;line-height:20px">{html.escape(words)}</div>')
