"""What a student calls: check, hint, solution and progress."""

import base64
import html
from dataclasses import replace
from typing import Any

from .exercise import Exercise
from .exercises import EXERCISES, NOTEBOOKS
from .judge import judge
from .record import UPLOADED, Progress
from .verdict import MARKS, State, Verdict, status


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


def check(name: str, answer: Any, seed: int = 0) -> Verdict:
    """Judge the answer to an exercise, a function, on inputs that the check draws; remember and return the verdict.

    Args: seed, of the inputs. With another than 0 nothing is remembered: for grading.

    >>> check("00a", lambda x, x_true: None, seed=1)
    ○ 00a, not attempted. Fill in psnr(x, x_true), run its cell, then this one again.
    """
    verdict = judge(_find(name), answer, seed)
    return verdict if seed else replace(verdict, note=Progress().remember(verdict))


_given: dict[str, int] = {}  # hints so far, by exercise


def hint(name: str) -> Text:
    """The next hint: each says more than the one before, and after the last they begin again.

    >>> hint("00a")  # doctest: +ELLIPSIS
    Hint ... of 3. ...
    """
    hints = _find(name).hints
    k = _given.get(name, 0) % len(hints)
    _given[name] = k + 1
    return Text(f"Hint {k + 1} of {len(hints)}. {hints[k]}")


def solution(name: str) -> Text:
    """The solution: the lines that go into the function.

    >>> print(solution("00a"))  # doctest: +ELLIPSIS
    def psnr(x, x_true):
    ...
    """
    text = _find(name).solution
    return Text(text, f"<pre>{html.escape(text)}</pre>")


def progress() -> Text:
    """A table of all exercises by notebook, with what is remembered of each.

    >>> print(progress())  # doctest: +ELLIPSIS
    00 Start here...
    """
    record = Progress()
    rows = [(title, [e for e in EXERCISES.values() if e.name[:2] == number]) for number, title in NOTEBOOKS.items()]
    done = sum(record.state(name) == State.RIGHT for name in EXERCISES)
    summary = f"{done} of {len(EXERCISES)} exercises are right."
    lines = [f"{e.name[:2]} {title}: {_line(e, record)}" for title, found in rows for e in found]
    text = "\n".join([*lines, summary, *([record.note] if record.note else [])])
    cells = "".join(_row(f"{e.name[:2]} {title}", e, record) for title, found in rows for e in found)
    names = "".join(f'<th scope="col">{name}</th>' for name in ("Notebook", "Exercise", "State", "Attempts"))
    table = f"<table><caption>{summary}</caption><thead><tr>{names}</tr></thead><tbody>{cells}</tbody></table>"
    return Text(text, table + _download(record) + html.escape(record.note))


def _download(record: Progress) -> str:
    data = base64.b64encode(record.text().encode()).decode()
    return f'<a download="{UPLOADED}" href="data:application/json;base64,{data}">Download this record</a> '


def _line(exercise: Exercise, record: Progress) -> str:
    state = State(record.state(exercise.name))
    return f"{exercise.name} {exercise.title}: {MARKS[state]} {state}"


def _row(notebook: str, exercise: Exercise, record: Progress) -> str:
    state = State(record.state(exercise.name))
    attempts = record.exercises.get(exercise.name, {}).get("attempts", 0)
    mark = f'<span aria-hidden="true">{MARKS[state]}</span> {state}'
    head = f'<th scope="row">{html.escape(notebook)}</th>'
    return f"<tr>{head}<td>{exercise.name} {html.escape(exercise.title)}</td><td>{mark}</td><td>{attempts}</td></tr>"


def _find(name: str) -> Exercise:
    if name not in EXERCISES:
        raise ValueError(f"name: expected one of {', '.join(EXERCISES)}, got {name!r}. See the line above the stub.")
    return EXERCISES[name]
