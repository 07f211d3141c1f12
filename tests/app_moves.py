"""What the tests of the apps share: what an app says, random moves as an impatient class makes them, what is held."""

import gc
import html
import math
import os
import re
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as W
from advreg_edu.apps.shared.controls import Slider

MOVES = int(os.environ.get("MOVES", "60"))  # 500 in the full run
CONTROLS = (Slider, W.Dropdown, W.Button, W.Checkbox, W.ToggleButton, W.ToggleButtons)


def text(widget):
    """What a widget of HTML says, without the tags."""
    return html.unescape(re.sub("<[^>]*>", "", widget.value))


def seen(app):
    """What an app shows: pictures, curves, text."""
    return app.pictures.value, app.curves.value, text(app.status)


def all_named(app):
    """Every control of an app has a name that a screen reader can say, and says what it is for."""
    for name, control in controls(app).items():
        if isinstance(control, Slider):
            assert control.field.description and control.field.tooltip and control.slider.tooltip, name
        else:
            assert (control.description and getattr(control, "tooltip", None)) or control.tooltips, name


def freed(*widgets):
    """These are closed: the kernel has forgotten them."""
    return all(widget.comm is None for widget in widgets)


def critic(x):
    """Quick and convex: the norm of the differences between neighbours."""
    return ((x.diff(dim=2) ** 2).flatten(1).sum(1) + (x.diff(dim=3) ** 2).flatten(1).sum(1) + 1e-6).sqrt()


def controls(app):
    """{name: control} of everything that a hand can move."""
    parts = vars(app) | vars(getattr(app, "controls", SimpleNamespace()))
    return {name: control for name, control in parts.items() if isinstance(control, CONTROLS)}


def move(control, rng):
    """Move one control to a random value, if it can be moved now; returns it. `rng` is a random.Random."""
    part, box = (control.slider, control.widget) if isinstance(control, Slider) else (control, control)
    if part.disabled or box.layout.display == "none":
        return None
    if isinstance(control, W.Button):
        return control.click()
    if isinstance(control, Slider):
        value = _number(control.slider, rng)
        if rng.random() < 0.5:
            control.slider.value = value
        else:
            control.field.value = round(value, 6)  # no hand types 0.30000000000000004
    elif isinstance(control, W.Checkbox | W.ToggleButton):
        control.value = value = not control.value
    else:
        control.value = value = rng.choice(control.options)
    return value


def _number(slider, rng):
    if isinstance(slider, W.IntSlider):
        return rng.randrange(slider.min, slider.max + 1, slider.step)
    if isinstance(slider, W.FloatLogSlider):
        return 10 ** rng.uniform(slider.min, slider.max)
    return slider.min + slider.step * rng.randint(0, math.floor((slider.max - slider.min) / slider.step + 1e-9))


def resident():
    """Megabytes that this process holds, or 0 where the system does not say."""
    gc.collect()
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if pages.exists() else 0.0


def models():
    """How many widgets, with their layouts and styles, live in this process."""
    gc.collect()
    return len(W.widgets.widget._instances)
