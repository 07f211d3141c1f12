"""The settings of an app as one line, and back: situations to choose, "reset", "copy settings", and the projector."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, get_type_hints

import ipywidgets as W

from ..._input.arguments import check_choice
from ..._input.messages import describe
from ..._input.signature import check_of
from .app import App
from .controls import Slider, button, choice, toggle, values
from .messages import Muted, Notice, callback
from .page import fold, row
from .panels import code_box

NONE = "choose one"
CONTROLS = Slider | W.Dropdown | W.Text | W.ToggleButtons


class Settable(App):
    """A subclass names its controls like the fields of its Settings, calls `finish` when they are made, and `start`s.

    Fields that only say where one looks are excluded from comparison (`field(compare=False)`): they compute nothing.
    `opener` is the function that opens the app; `situations`: {name: settings that differ from the defaults}.
    """

    opener = ""
    situations: Mapping[str, Mapping[str, Any]] = {}
    always: Sequence[str] = ()  # fields that the line names even where they have their default

    def __init__(self, settings: Any) -> None:
        self._given = self._at_first = settings
        self.muted, self.notice = Muted(), Notice()

    def start(self, change: Any = None) -> None:
        """Show what the controls ask for."""
        raise NotImplementedError

    @property
    def parts(self) -> dict[str, Any]:
        """{name: control}."""
        return vars(self)

    @property
    def settings(self) -> Any:
        """What the controls say now. It can be set: to the Settings of this app, or to a dict of what differs from the
        defaults."""
        return replace(self._given, **self.said())

    @settings.setter
    def settings(self, wanted: Any) -> None:
        self._set(as_settings(type(self._given), wanted))

    def said(self) -> dict[str, Any]:
        """{field: what its control says}."""
        return values(self._given, self.parts)

    def _set(self, wanted: Any, situation: str = NONE) -> None:
        for name, value in self.shown(wanted).items():
            control = self.parts.get(name)
            if isinstance(control, W.Dropdown | W.ToggleButtons) and value is not None:
                check_choice(value, name, control.options)
        before, self._given = self.settings, wanted
        try:
            with self.muted:
                self.take(wanted)
                self.check(wanted)
        except Exception:
            self._given = before
            with self.muted:
                self.take(before)
            raise
        finally:
            self.start()
        with self.muted:
            self.situation.value = situation

    def take(self, wanted: Any) -> None:
        """Move the controls; nothing is computed. Ends of sliders that depend on other controls come first."""
        for name, value in self.shown(wanted).items():
            control = self.parts.get(name)
            if isinstance(control, CONTROLS) and value is not None:
                control.value = value

    def shown(self, wanted: Any) -> dict[str, Any]:
        """{name of a control: what it is to show}."""
        return {field.name: getattr(wanted, field.name) for field in fields(wanted)}

    def check(self, wanted: Any) -> None:
        """Raise unless the controls say what was wanted: a slider moves what is beyond its ends to the end."""
        for name, value in self.shown(wanted).items():
            control = self.parts.get(name)
            if isinstance(control, Slider) and value is not None and control.value != value:
                low, high = control.ends
                raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {describe(value)}.")

    def finish(self, widget: W.VBox) -> None:
        """Put situations, reset, copy and projector above the page of the app, which is its widget from now on."""
        tooltip = "Settings that the notebooks speak of"
        self.situation = choice("situation", [NONE, *self.situations], NONE, tooltip)
        self.reset = button("reset", "Back to the settings with which the app was opened")
        self.copy = toggle("copy settings", "One line that opens the app exactly as it is now")
        self.projector = toggle("projector", "Large type, controls folded")
        self.line, self.widget = W.HTML(), widget
        buttons = row(self.reset, self.copy, self.projector)
        bar = W.Box([self.situation, buttons, self.line])
        bar.add_class("advreg-bar")
        widget.children = (widget.children[0], bar, *widget.children[1:])
        self.situation.observe(self._choose, "value")
        self.reset.on_click(self._reset)
        self.copy.observe(self._copy, "value")
        self.projector.observe(self._project, "value")
        for control in self.parts.values():
            if isinstance(control, Slider | W.ValueWidget) and control not in (self.copy, self.line):
                control.observe(self._copy, "value")
        self.check(self._given)

    @property
    def plain(self) -> Any:
        """What a situation is set upon: the defaults, but for what no control shows."""
        hidden = [f.name for f in fields(self._at_first) if f.compare and f.name not in (*self.parts, "noise")]
        return replace(type(self._at_first)(), **{name: getattr(self._at_first, name) for name in hidden})

    @callback
    def _choose(self, change: Any) -> None:
        name = self.situation.value
        if not self.muted and name != NONE:
            self._set(replace(self.plain, **self.situations[name]), name)

    @callback
    def _reset(self, change: Any) -> None:
        self._set(self._at_first)

    @callback
    def _copy(self, change: Any = None) -> None:
        self.line.value = code_box(self.as_line(), copy=True) if self.copy.value else ""

    @callback
    def _project(self, change: Any) -> None:
        (self.widget.add_class if self.projector.value else self.widget.remove_class)("advreg-projector")
        fold(self.widget, self.projector.value)

    def as_line(self) -> str:
        """Python that opens this app as it is now."""
        arguments = [*self.arguments(), f"settings={as_dict(self.settings, self.always)}"]
        return f"from advreg_edu.apps import {self.opener}; {self.opener}({', '.join(arguments)})"

    def arguments(self) -> list[str]:
        """What the app was opened with beside its settings."""
        return []

    def moved(self) -> None:
        """The settings are no more those of a situation."""
        if not self.muted and self.situation.value != NONE:
            with self.muted:
                self.situation.value = NONE


def as_settings(kind: type, given: Any) -> Any:
    """Settings of this kind: given as they are, as a dict of what differs from the defaults, or None.

    >>> from advreg_edu.apps.weight.model import Settings
    >>> as_settings(Settings, dict(sigma=0.2)) == Settings(sigma=0.2)
    True
    """
    if given is None:
        return kind()
    if isinstance(given, kind):
        return given
    names = [field.name for field in fields(kind)]
    if not isinstance(given, Mapping):
        raise TypeError(f"settings: expected a dict, got {describe(given)}. Write settings=dict({names[0]}=...).")
    if unknown := [name for name in given if name not in names]:
        raise ValueError(f"settings: expected names among {', '.join(names)}, got {', '.join(map(str, unknown))}.")
    hints = get_type_hints(kind)
    for name, value in given.items():
        if check := check_of(hints[name]):
            check(value, name)
    return kind(**given)


def as_dict(settings: Any, always: Sequence[str] = ()) -> str:
    """`dict(...)` of what differs from the defaults, and of what is `always` named. Of an upload it has the name only.

    >>> from advreg_edu.apps.weight.model import Settings
    >>> as_dict(Settings(sigma=0.2, number=3))
    'dict(number=3, sigma=0.2)'
    """
    named = ((f.name, getattr(settings, f.name), f.default) for f in fields(settings))
    parts = [f"{name}={_written(name, value)}" for name, value, default in named if value != default or name in always]
    return f"dict({', '.join(parts)})"


def _written(name: str, value: Any) -> str:
    return repr((value[0], None) if name == "file" else value)
