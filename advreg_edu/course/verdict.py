"""What a check says: one of four states, and one sentence; and words for a notebook."""

import html
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The four things that a check can find."""

    NOT_ATTEMPTED = "not attempted"
    RIGHT = "right"
    KNOWN = "not yet, a known mistake"
    WRONG = "not yet"


MARKS = {State.NOT_ATTEMPTED: "○", State.RIGHT: "✔", State.KNOWN: "✘", State.WRONG: "✘"}


@dataclass(frozen=True)
class Verdict:
    """The state of one answer and what to look at. It shows itself as text and as HTML that a screen reader reads.

    Args: name, of the exercise; note, about the record of answers where that needs one.

    >>> Verdict("00a", State.RIGHT, "Three images of three sizes.")
    ✔ 00a, right. Three images of three sizes.
    """

    name: str
    state: State
    sentence: str
    mistake: str = ""  # the name of a known one
    note: str = ""

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.state is State.RIGHT

    def require(self) -> None:
        """Raise AssertionError, with the sentence, unless the answer is right: for automatic grading."""
        if not self.right:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        text = f"{MARKS[self.state]} {self.name}, {self.state}. {self.sentence}"
        return f"{text}\n{self.note}" if self.note else text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = f'<span aria-hidden="true">{MARKS[self.state]}</span> <strong>{self.name}, {self.state}.</strong>'
        return status(f"{head} {html.escape(self.sentence)}", html.escape(self.note))


def status(*parts: str) -> str:
    """HTML that a screen reader announces when it appears; empty parts are left out.

    >>> status("Right.")
    '<div role="status" style="border-left: 4px solid currentColor; padding: 0 1em"><div>Right.</div></div>'
    """
    inside = "".join(f"<div>{part}</div>" for part in parts if part)
    return f'<div role="status" style="border-left: 4px solid currentColor; padding: 0 1em">{inside}</div>'


class Text:
    """Words for a notebook, as text and as HTML that a screen reader reads.

    >>> Text("Hint 1 of 2. Look at the sign.")
    Hint 1 of 2. Look at the sign.
    """

    def __init__(self, text: str, inside: str = "") -> None:
        self.text, self.inside = text, inside or html.escape(text)

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return status(self.inside)
