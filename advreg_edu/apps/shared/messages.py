"""What an app says: the sentence under its pictures, its notice, errors with their fix."""

import html
import re
import traceback
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any

import ipywidgets as W

from .runner import ONE_AT_A_TIME

TONES = {  # border, ground, mark: a tint of the page's own ground, so that it suits either theme
    "hint": ("#9aa5b1", "rgba(127,140,155,.12)", ""),
    "warning": ("#d97706", "rgba(217,119,6,.16)", "Careful: "),
    "error": ("#dc2640", "rgba(220,38,64,.16)", "Error: "),
}
NOTHING = "Nothing to show: the message above says why."
TEXT = "line-height:1.4;font-size:14px;overflow-wrap:anywhere"


class Status(W.Box):
    """Sentences that say what the pictures show, read out by screen readers when they change.

    The first of them is seen; the others are one disclosure away, which stays as the hand left it.
    """

    def __init__(self) -> None:
        self._sentence = W.HTML(layout=W.Layout(flex="1 1 0", min_width="0", margin="0"))
        more = W.HTML("<details><summary>all numbers</summary></details>", layout=W.Layout(flex="0 0 auto", margin="0"))
        super().__init__([self._sentence, more], layout=W.Layout(margin="2px 0"))
        self.add_class("advreg-status")

    def say(self, sentence: str, busy: bool = False) -> None:
        """busy: a run goes on, and the frames in between are not read out."""
        first = re.match(r".*?\.(?=\s|$)", sentence + ".", re.DOTALL)
        cut = min(first.end(), len(sentence)) if first else len(sentence)
        state = f'role="status" aria-live="polite" aria-busy="{str(busy).lower()}"'
        style = f"{TEXT};min-height:2.8em;font-variant-numeric:tabular-nums"
        rest = f'<span class="advreg-rest">{html.escape(sentence[cut:])}</span>'
        self._sentence.value = f'<div {state} style="{style}">{html.escape(sentence[:cut])}{rest}</div>'

    @property
    def value(self) -> str:
        """The HTML of the sentences."""
        return self._sentence.value


class Notice(W.HTML):
    """A box that is always there, so that nothing jumps: a hint, a warning, or an error with its fix."""

    def __init__(self) -> None:
        super().__init__(layout=W.Layout(width="auto", margin="0 2px 4px"))

    def say(self, sentence: str, tone: str = "hint") -> None:
        """Show the sentence in one of `TONES`."""
        border, ground, mark = TONES[tone]
        style = (
            f"border-left:4px solid {border};background:{ground};color:inherit;padding:2px 10px;{TEXT};"
            "min-height:2.8em;display:flex;align-items:center"
        )
        role = "alert" if tone == "error" else "note"
        text = f"<span><b>{mark}</b>{html.escape(sentence)}</span>"
        self.value = f'<div role="{role}" class="advreg-{tone}" style="{style}">{text}</div>'

    def refuse(self, sentence: str) -> None:
        """Say why a typed number was not taken."""
        self.say(sentence, "warning")

    def error(self, error: Exception) -> None:
        """Show an exception; where it came from goes to the log of the kernel, for whoever looks for a bug."""
        traceback.print_exception(error, limit=-3)
        self.say(f"{error} ({type(error).__name__})", "error")


def callback(method: Callable) -> Callable:
    """For a callback of an app with a `notice`: an exception is shown there. Jupyter would hide it in the log. One
    callback runs at a time."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with ONE_AT_A_TIME:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:
                self.notice.error(error)

    return call


class Muted:
    """While an app moves its own controls, the callbacks of these controls have nothing to do.

    with self.muted:
        self.sigma.value = 3  # its callback begins with: if self.muted: return
    """

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._depth -= 1

    def __bool__(self) -> bool:
        return self._depth > 0
