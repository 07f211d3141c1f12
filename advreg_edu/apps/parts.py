"""What the apps share: named controls, pictures with text, messages, and runs that can be cancelled.

A slider of ipywidgets has no name that a screen reader could say, a number field has. So every slider gets a number
field beside it, with the name and the same value.
"""

import asyncio
import html
import time
import traceback
from functools import wraps

import ipywidgets as W

NAME_WIDTH = "124px"
TONES = {  # border, ground, mark: dark text on a light ground in either theme
    "hint": ("#9aa5b1", "#f4f6f8", ""),
    "warning": ("#b45309", "#fff7e6", "Careful: "),
    "error": ("#b00020", "#fdecee", "Error: "),
}


class Knob:
    """A number with a name: a field to type it in and a slider to drag, always equal. `name` is words, then symbol.

    `value` is read and set here; `observe(call)` calls after every change, however it was made.
    """

    def __init__(self, name, value, low, high, step, tooltip, live=False):
        whole = all(isinstance(number, int) for number in (value, low, high, step))
        Field, Slider = (W.BoundedIntText, W.IntSlider) if whole else (W.BoundedFloatText, W.FloatSlider)
        shared = dict(value=value, min=low, max=high, step=step)
        self.field = Field(
            **shared,
            description=name,
            tooltip=tooltip,
            style=dict(description_width=NAME_WIDTH),
            layout=W.Layout(width="206px", flex="0 0 auto"),
        )
        self.slider = Slider(
            **shared,
            readout=False,
            continuous_update=live,
            tooltip=tooltip,
            layout=W.Layout(flex="1 1 auto", width="80px"),
        )
        tidy = lambda number: round(number, 6)  # a dragged slider says 0.39999999999999997
        W.link((self.field, "value"), (self.slider, "value"), transform=(tidy, tidy))
        self.widget = W.HBox([self.field, self.slider], layout=W.Layout(width="100%", align_items="center"))

    @property
    def value(self):
        return self.field.value

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
        self.slider.observe(call, names)


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


def row(items):
    """Controls side by side; a `Knob` gives its widget."""
    return W.HBox(
        [getattr(item, "widget", item) for item in items], layout=W.Layout(width="100%", align_items="center")
    )


def column(items):
    """Controls below each other, in an equal share of the row."""
    return W.VBox([getattr(item, "widget", item) for item in items], layout=W.Layout(flex="1 1 0", min_width="0"))


def details(title, code):
    """Code that unfolds under its title."""
    style = "margin:4px 0;padding:8px;line-height:1.35;overflow-x:auto;background:#f4f6f8;color:#1a1a1a"
    return f'<details><summary>{html.escape(title)}</summary><pre style="{style}">{html.escape(code)}</pre></details>'


class Panel(W.HTML):
    """Shows a `Picture` or plain HTML; never announces, the status line does."""

    def show(self, picture):
        self.value = picture.img()


class Gallery(W.Box):
    """Shows a `Grid` of tiles. The first `still` of them stay during a run: they are not sent with every frame."""

    def __init__(self, still=0):
        self._still, self._parts = still, [W.HTML(), W.HTML()]
        super().__init__(self._parts)
        self.add_class("advreg-gallery")

    def show(self, grid):
        self._parts[0].value, self._parts[1].value = grid.figures(0, self._still), grid.figures(self._still)

    def clear(self):
        for part in self._parts:
            part.value = ""

    @property
    def value(self):
        """The HTML that is seen."""
        return "".join(part.value for part in self._parts)


class Status(W.HTML):
    """Sentences that say what the pictures show, read out by screen readers when they change.

    lines: height kept free, so that nothing jumps. busy: a run goes on, and the frames in between are not read out.
    """

    def say(self, sentence, busy=False, lines=2):
        style = f"min-height:{1.4 * lines:g}em;line-height:1.4;font-size:14px;font-variant-numeric:tabular-nums"
        state = f'role="status" aria-live="polite" aria-busy="{str(busy).lower()}"'
        self.value = f'<div {state} style="{style}">{html.escape(sentence)}</div>'


class Notice(W.HTML):
    """A box that is always there, so that nothing jumps: a hint, a warning, or an error with its fix."""

    def say(self, sentence, tone="hint"):
        border, ground, mark = TONES[tone]
        style = (
            f"border-left:4px solid {border};background:{ground};color:#1a1a1a;padding:2px 10px;min-height:2.8em;"
            "line-height:1.4;font-size:14px;overflow-wrap:anywhere;display:flex;align-items:center"
        )
        role = "alert" if tone == "error" else "note"
        text = f"<span><b>{mark}</b>{html.escape(sentence)}</span>"
        self.value = f'<div role="{role}" class="advreg-{tone}" style="{style}">{text}</div>'

    def error(self, error):
        """Show an exception; where it came from goes to the log of the kernel, for whoever looks for a bug."""
        traceback.print_exception(error, limit=-3)
        self.say(f"{error} ({type(error).__name__})", "error")


def guarded(method):
    """For a callback of an app with a `notice`: an exception is shown there. Jupyter would hide it in the log."""

    @wraps(method)
    def call(self, *args, **kwargs):
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            self.notice.error(error)

    return call


class Run:
    """One computation at a time, given as an iterator of growing results; a new one cancels the one in flight.

    In a notebook it is an asyncio task of the kernel, which sees a moved slider between two results. It needs no
    thread, so no result can come too late. Without a running event loop (a script, a test) it runs to its end at once.

    Args:
        show: called as show(result, done) at most every `pause` seconds, and once with done=True.
        fail: called with the exception that ended a computation.
    """

    def __init__(self, show, fail, pause=0.15):
        self._show, self._fail, self._pause = show, fail, pause
        self._task = None

    @property
    def busy(self):
        return self._task is not None and not self._task.done()

    def start(self, results):
        self.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.finish(results)
        self._task = loop.create_task(self._drip(results))

    def finish(self, results):
        """Run to the end now."""
        self.cancel()
        for _ in self._shown(results):
            pass

    def cancel(self):
        if self._task is not None:
            self._task.cancel()

    async def done(self):
        """Wait for the computation in flight."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _drip(self, results):
        await asyncio.sleep(0.02)  # several events of one drag become one run; the page can say "computing" first
        for _ in self._shown(results):
            await asyncio.sleep(0)  # here the kernel looks at other messages, and here a cancelled run ends

    def _shown(self, results):
        last, result = 0.0, None
        try:
            for result in results:
                if time.monotonic() - last > self._pause:
                    self._show(result, False)
                    last = time.monotonic()
                yield
            if result is not None:
                self._show(result, True)
        except Exception as error:
            self._fail(error)


def close(widget):
    """Close a widget, all it contains, and their layouts and styles, which are models too: the kernel forgets them."""
    for child in getattr(widget, "children", ()):
        close(child)
    for part in ("layout", "style"):
        if isinstance(getattr(widget, part, None), W.Widget):
            getattr(widget, part).close()
    widget.close()


FRAME = """<style>
.advreg-lab{container-type:inline-size;width:100%;max-width:1500px}
.advreg-areas.widget-box{display:grid;gap:6px 24px;grid-template-columns:minmax(0,1fr);align-items:start;
 grid-template-areas:"controls" "pictures" "curves"}
.advreg-controls.widget-box{display:grid;gap:0 20px;grid-template-columns:repeat(auto-fit,minmax(min(390px,100%),1fr))}
.advreg-gallery.widget-box{display:grid;grid-template-columns:repeat(auto-fill,256px);gap:8px 20px;padding:0 2px}
.advreg-gallery .widget-html,.advreg-gallery .widget-html-content{display:contents}
@container (min-width:1250px){.advreg-areas.widget-box{grid-template-columns:minmax(400px,1fr) 824px;
 grid-template-rows:auto 1fr;grid-template-areas:"controls pictures" "curves pictures"}}
</style>"""


NAMES = """
const app = this.closest('.jp-OutputArea, .output_area, body');
const spoken = {play: 'Play', pause: 'Pause', stop: 'Back to the start', retweet: 'Repeat'};
const name = () => {
  for (const handle of app.querySelectorAll('.noUi-handle:not([aria-label])')) {
    const label = handle.closest('.widget-hbox')?.querySelector('label');
    if (label) handle.setAttribute('aria-label', label.textContent);
  }
  for (const icon of app.querySelectorAll('.widget-play button i')) {
    const kind = Object.keys(spoken).find(kind => icon.classList.contains('fa-' + kind));
    if (icon.parentElement.getAttribute('aria-label') !== spoken[kind])
      icon.parentElement.setAttribute('aria-label', spoken[kind]);
  }
};
new MutationObserver(name).observe(app, {childList: true, subtree: true});
name();"""
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def names():
    """Nothing to see: gives the sliders of an app, and the buttons of Play, the names that ipywidgets gives to fields
    only. Where a page forbids such scripts, the field beside each slider still has its name."""
    return W.HTML(f'<img alt="" src="{DOT}" onload="{html.escape(NAMES)}">', layout=W.Layout(height="0", margin="0"))


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
    outside = W.VBox([W.HTML(FRAME, layout=W.Layout(display="none")), names(), inside])
    outside.add_class("advreg-lab")
    return outside


def heading(words):
    """The name of a group of controls."""
    return W.HTML(f'<div style="font-size:14px;font-weight:600;line-height:20px">{html.escape(words)}</div>')
