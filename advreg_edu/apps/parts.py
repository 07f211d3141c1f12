"""What the apps share: named controls, pictures with text, and messages. Runs are in `runs`, the page in `layout`.

A slider of ipywidgets has no name that a screen reader could say, a number field has. So every slider gets a number
field beside it, with the name and the same value.
"""

import html
import math
import traceback
from functools import wraps

import ipywidgets as W

from .runs import ONE_AT_A_TIME

NAME_WIDTH = "124px"
TONES = {  # border, ground, mark: dark text on a light ground in either theme
    "hint": ("#9aa5b1", "#f4f6f8", ""),
    "warning": ("#b45309", "#fff7e6", "Careful: "),
    "error": ("#b00020", "#fdecee", "Error: "),
}


class Knob:
    """A number with a name: a field to type it in and a slider to drag, always equal. `name` is words, then symbol.

    `value` is read and set here; `observe(call)` calls after every change, however it was made.
    log: the slider is logarithmic, `step` a share of a decade, and three digits count.
    """

    def __init__(self, name, value, low, high, step, tooltip, live=False, log=False):
        whole = all(isinstance(number, int) for number in (value, low, high, step))
        Field, Slider = (W.BoundedIntText, W.IntSlider) if whole else (W.BoundedFloatText, W.FloatSlider)
        shared = dict(value=value, min=low, max=high, step=step)
        self.field = Field(
            **shared | (dict(step=None) if log else {}),
            description=name,
            tooltip=tooltip,
            style=dict(description_width=NAME_WIDTH),
            layout=W.Layout(width="206px", flex="0 0 auto"),
        )
        if log:
            Slider, shared = W.FloatLogSlider, dict(value=value, min=math.log10(low), max=math.log10(high), step=step)
        self.slider = Slider(
            **shared,
            readout=False,
            continuous_update=live,
            tooltip=tooltip,
            layout=W.Layout(flex="1 1 auto", width="80px"),
        )
        # a dragged slider says 0.39999999999999997
        self._tidy = (lambda number: float(f"{number:.3g}")) if log else (lambda number: round(number, 6))
        self._followers = [self.field]
        self.field.observe(self._lead, "value")
        self.slider.observe(self._follow, "value")
        self.widget = W.HBox([self.field, self.slider], layout=W.Layout(width="100%", align_items="center"))

    def player(self, interval, tooltip):
        """Buttons that move the slider on, every so many milliseconds."""
        play = W.Play(self.value, min=0, max=self.max, interval=interval, show_repeat=False, tooltip=tooltip)
        play.observe(self._lead, "value")
        self._followers.append(play)
        return play

    def _lead(self, change):
        self.slider.value = self._tidy(change["owner"].value)

    def _follow(self, change=None):
        for follower in self._followers:
            follower.value = self.value

    @property
    def value(self):
        return self._tidy(self.slider.value)

    @value.setter
    def value(self, value):
        self.slider.value = value

    @property
    def max(self):
        return self.slider.max

    @max.setter
    def max(self, high):
        self.field.max = self.slider.max = high

    def range(self, low, high):
        """Other ends; the value is moved inside them. The wider of old and new holds for a moment, so that none is
        refused."""
        for part in (self.field, self.slider):
            part.min, part.max = min(low, part.min), max(high, part.max)
        self.value = min(max(self.value, low), high)
        for part in (self.field, self.slider):
            part.min, part.max = low, high

    def enable(self, yes):
        self.field.disabled = self.slider.disabled = not yes

    def show(self, yes):
        """In its place, or out of the page."""
        self.widget.layout.display = None if yes else "none"

    def observe(self, call, names="value"):
        """What `call` shows goes to the page before field and player follow: each costs the page a frame."""
        self.slider.unobserve(self._follow, "value")
        self.slider.observe(call, names)
        self.slider.observe(self._follow, "value")


def choice(name, options, value, tooltip):
    """A named list to choose one from."""
    layout, style = W.Layout(width="auto"), dict(description_width=NAME_WIDTH)
    return W.Dropdown(options=options, value=value, description=name, tooltip=tooltip, style=style, layout=layout)


def toggle(name, tooltip, icon=""):
    """A button that stays pressed."""
    return W.ToggleButton(False, description=name, tooltip=tooltip, icon=icon, layout=W.Layout(width="auto"))


def code_box(code):
    """Code that one click selects as a whole."""
    style = "margin:4px 0;padding:8px;line-height:1.35;overflow-x:auto;background:#f4f6f8;color:#1a1a1a;user-select:all"
    return f'<pre tabindex="0" aria-label="Code of this run" style="{style}">{html.escape(code)}</pre>'


def details(title, code):
    """Code that unfolds under its title."""
    return f"<details><summary>{html.escape(title)}</summary>{code_box(code)}</details>"


class Panel(W.HTML):
    """Shows a `Picture` or plain HTML; never announces, the status line does."""

    def show(self, picture):
        self.value = picture.img()


class _Stack(W.Box):
    """Two pieces of HTML that are sent apart."""

    def __init__(self, name, **options):
        self._parts = [W.HTML(), W.HTML()]
        super().__init__(self._parts, **options)
        self.add_class(name)

    def clear(self):
        for part in self._parts:
            part.value = ""

    @property
    def value(self):
        """The HTML that is seen."""
        return "".join(part.value for part in self._parts)


class Gallery(_Stack):
    """Shows a `Grid` of tiles. The first `still` of them stay during a run: they are not sent with every frame."""

    def __init__(self, still=0):
        self._still = still
        super().__init__("advreg-gallery")

    def show(self, grid):
        self._parts[0].value, self._parts[1].value = grid.figures(0, self._still), grid.figures(self._still)


class Curves(_Stack):
    """Shows a `Chart` and, on a layer of its own, its cursor: when that moves, the curves are not sent again."""

    def __init__(self, **options):
        super().__init__("advreg-layers", **options)

    def show(self, chart, k=None):
        self._parts[0].value, self._parts[1].value = chart.sheet.img(), chart.cursor(k).img()


class Status(W.HTML):
    """Sentences that say what the pictures show, read out by screen readers when they change.

    lines: height kept free, so that nothing jumps. busy: a run goes on, and the frames in between are not read out.
    """

    def say(self, sentence, busy=False, lines=2):
        style = f"min-height:{1.4 * lines:g}em;line-height:1.4;font-size:14px;font-variant-numeric:tabular-nums"
        state = f'role="status" aria-live="polite" aria-busy="{str(busy).lower()}"'
        self.value = f'<div {state} style="{style}">{html.escape(sentence)}</div>'


class Notice(W.HTML):
    """A box that is always there, so that nothing jumps: a hint, a warning, or an error with its fix.

    lines: height kept free.
    """

    def say(self, sentence, tone="hint", lines=2):
        border, ground, mark = TONES[tone]
        style = (
            f"border-left:4px solid {border};background:{ground};color:#1a1a1a;padding:2px 10px;line-height:1.4;"
            f"min-height:{1.4 * lines:g}em;font-size:14px;overflow-wrap:anywhere;display:flex;align-items:center"
        )
        role = "alert" if tone == "error" else "note"
        text = f"<span><b>{mark}</b>{html.escape(sentence)}</span>"
        self.value = f'<div role="{role}" class="advreg-{tone}" style="{style}">{text}</div>'

    def error(self, error):
        """Show an exception; where it came from goes to the log of the kernel, for whoever looks for a bug."""
        traceback.print_exception(error, limit=-3)
        self.say(f"{error} ({type(error).__name__})", "error")


def guarded(method):
    """For a callback of an app with a `notice`: an exception is shown there. Jupyter would hide it in the log. One
    callback runs at a time."""

    @wraps(method)
    def call(self, *args, **kwargs):
        with ONE_AT_A_TIME:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:
                self.notice.error(error)

    return call


class Quiet:
    """While an app moves its own controls, the callbacks of these controls have nothing to do.

    with self.quiet:
        self.knob.value = 3  # its callback begins with: if self.quiet: return
    """

    def __init__(self):
        self._depth = 0

    def __enter__(self):
        self._depth += 1

    def __exit__(self, *error):
        self._depth -= 1

    def __bool__(self):
        return self._depth > 0


def close(widget):
    """Close a widget, all it contains, and their layouts and styles, which are models too: the kernel forgets them."""
    for child in getattr(widget, "children", ()):
        close(child)
    for part in ("layout", "style"):
        if isinstance(getattr(widget, part, None), W.Widget):
            getattr(widget, part).close()
    widget.close()
