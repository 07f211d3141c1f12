"""The controls of the apps: named sliders, lists, buttons.

A slider of ipywidgets has no name that a screen reader could say, a number field has. So every slider gets a number
field beside it, with the name and the same value.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as W

from ..._input.arguments import check_choice

NAME_WIDTH, FIELD_WIDTH = "120px", "188px"


class Slider:
    """A number with a name: a field to type it in and a slider to drag, always equal. `name` is words, then symbol.

    `value` is read and set here; `observe(call)` calls after every change, however it was made. A typed number beyond
    the ends is not taken: `on_refused` is told why. While the slider is dragged, its own readout covers the field.

    Args:
        live: call while the slider is dragged, not only when it is let go.
        log: the slider is logarithmic, `step` a share of a decade, and three digits count.
    """

    def __init__(self, name: str, value: float, low: float, high: float, step: float, tooltip: str, *, live=False,
                 log=False):  # fmt: skip
        whole = all(isinstance(number, int) for number in (value, low, high, step))
        self.name, self.on_refused = name, (lambda sentence: None)
        self.field = (W.IntText if whole else W.FloatText)(
            value=value,
            step=None if log else step,
            description=name,
            tooltip=tooltip,
            style=dict(description_width=NAME_WIDTH),
            layout=W.Layout(width=FIELD_WIDTH, flex="0 0 auto"),
        )
        ends = (math.log10(low), math.log10(high)) if log else (low, high)
        kind = W.FloatLogSlider if log else W.IntSlider if whole else W.FloatSlider
        self.slider = kind(
            value=value,
            min=ends[0],
            max=ends[1],
            step=step,
            readout_format=".3g" if log else "d" if whole else f".{_decimals(step)}f",
            continuous_update=live,
            tooltip=tooltip,
            layout=W.Layout(flex="1 1 auto", width="80px"),
        )
        self._log = log
        self._followers = [self.field]
        self.field.observe(self._typed, "value")
        self.slider.observe(self._follow, "value")
        self.widget = W.HBox([self.field, self.slider], layout=W.Layout(width="100%", align_items="center"))
        self.widget.add_class("advreg-slider")

    def player(self, interval: int, tooltip: str) -> W.Play:
        """Buttons that move the slider on, every so many milliseconds."""
        play = W.Play(self.value, min=0, max=self.max, interval=interval, show_repeat=False, tooltip=tooltip)
        play.observe(lambda change: setattr(self, "value", change["new"]), "value")
        self._followers.append(play)
        return play

    def _tidy(self, number: float) -> float:
        """A dragged slider says 0.39999999999999997."""
        return float(f"{number:.3g}") if self._log else round(number, 6)

    def _typed(self, change: Any) -> None:
        """Take the typed number, or say between which ends it has to be."""
        number, (low, high) = self.field.value, self.ends
        if low <= number <= high:
            self.slider.value = self._tidy(number)
        else:
            self.field.value = self.value
            self.on_refused(
                f"{self.name}: expected a number from {low:g} to {high:g}, got {number:g}; it stays {self.value:g}. "
                "Decimals are written with a point."
            )

    def _follow(self, change: Any = None) -> None:
        for follower in self._followers:
            follower.value = self.value

    @property
    def value(self) -> Any:
        """The number that is set."""
        return self._tidy(self.slider.value)

    @value.setter
    def value(self, value: float) -> None:
        self.slider.value = value

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest number that can be set."""
        low, high = self.slider.min, self.slider.max
        return (self._tidy(10**low), self._tidy(10**high)) if self._log else (low, high)

    @property
    def max(self) -> float:
        """The right end of the slider."""
        return self.slider.max

    @max.setter
    def max(self, high: float) -> None:
        self.slider.max = high

    def range(self, low: float, high: float) -> None:
        """Other ends; the value is moved inside them. The wider of old and new holds for a moment, so that none is
        refused."""
        self.slider.min, self.slider.max = min(low, self.slider.min), max(high, self.slider.max)
        self.value = min(max(self.value, low), high)
        self.slider.min, self.slider.max = low, high

    def enable(self, yes: bool) -> None:
        """Whether a hand can move it."""
        self.field.disabled = self.slider.disabled = not yes

    def show(self, yes: bool) -> None:
        """In its place, or out of the page."""
        self.widget.layout.display = None if yes else "none"

    def observe(self, call: Callable[[Any], object], names: str = "value") -> None:
        """What `call` shows goes to the page before field and player follow: each costs the page a frame."""
        self.slider.unobserve(self._follow, "value")
        self.slider.observe(call, names)
        self.slider.observe(self._follow, "value")


def _decimals(step: float) -> int:
    """How many decimals a multiple of `step` has."""
    return len(f"{step:.6f}".rstrip("0").partition(".")[2])


def choice(name: str, options: Sequence[str], value: str, tooltip: str) -> W.Dropdown:
    """A named list to choose one from. Raises where `value` is not in it."""
    check_choice(value, name, options)
    layout, style = W.Layout(width="auto"), dict(description_width=NAME_WIDTH)
    return W.Dropdown(options=options, value=value, description=name, tooltip=tooltip, style=style, layout=layout)


def button(name: str, tooltip: str) -> W.Button:
    """A button that shares its row."""
    return W.Button(description=name, tooltip=tooltip, layout=sharing())


def toggle(name: str, tooltip: str, icon: str = "") -> W.ToggleButton:
    """A button that stays pressed."""
    return W.ToggleButton(False, description=name, tooltip=tooltip, icon=icon, layout=sharing())


def checkbox(name: str, value: bool, tooltip: str) -> W.Checkbox:
    """A box to tick that shares its row."""
    return W.Checkbox(value, description=name, tooltip=tooltip, indent=False, layout=sharing())


def sharing() -> W.Layout:
    """The layout of what shares its row in equal parts."""
    return W.Layout(width="auto", flex="1 1 0", min_width="0")


def sliders(*owners: object) -> list[Slider]:
    """Those that are attributes of these objects."""
    return [control for owner in owners for control in vars(owner).values() if isinstance(control, Slider)]


def values(given: Any, controls: dict[str, Any]) -> dict[str, Any]:
    """What the controls say: {name: value} of those named like a field of the dataclass `given`."""
    kinds = Slider | W.Dropdown | W.Text | W.ToggleButtons
    return {name: controls[name].value for name in given.__dataclass_fields__ if isinstance(controls.get(name), kinds)}


def close(widget: W.Widget) -> None:
    """Close a widget, all it contains, and their layouts and styles, which are models too: the kernel forgets them."""
    for child in getattr(widget, "children", ()):
        close(child)
    for part in ("layout", "style"):
        if isinstance(getattr(widget, part, None), W.Widget):
            getattr(widget, part).close()
    widget.close()
