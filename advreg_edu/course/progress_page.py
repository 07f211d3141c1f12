"""The page of progress: all exercises and predictions, what is remembered of them, to download and to bring back."""

import base64
import html
from collections.abc import Iterable

import ipywidgets as W

from ..apps.shared.app import App
from ..apps.shared.messages import callback
from .exercise import Exercise
from .exercises import EXERCISES, NOTEBOOKS
from .predictions import Said
from .record import UPLOADED, Progress
from .verdict import MARKS, State


class Page(App):
    """The record as tables; in a notebook with a link that downloads it, and a button that takes a downloaded one."""

    def __init__(self) -> None:
        self.table, self.notice = W.HTML(), Said()
        tip = "A record that you downloaded before is added to this one"
        self.upload = W.FileUpload(accept=".json", description="Bring back a record", tooltip=tip)
        self.upload.layout.width = "auto"
        self.widget = W.VBox([self.table, W.HBox([self.upload]), self.notice])
        self.upload.observe(self.bring_back, "value")
        self.refresh()

    def refresh(self) -> None:
        """Read the record anew."""
        record = Progress()
        self.text, self.table.value = _text(record), _exercises(record) + _predictions(record) + _download(record)
        self.notice.say(record.note)

    @callback
    def bring_back(self, change: object = None) -> None:
        """Add an uploaded record to this one."""
        if not self.upload.value:
            return
        file, self.upload.value = self.upload.value[0], ()
        try:
            failed = Progress().merge(bytes(file["content"]).decode())
        except (ValueError, RecursionError) as error:
            fix = f"Choose the file {UPLOADED} that you downloaded here"
            raise ValueError(f"{file['name']}: expected a record of this course, got {error}. {fix}.") from None
        self.refresh()
        self.notice.say(failed or f"{file['name']} was added.")

    def __repr__(self) -> str:
        return self.text


def progress() -> Page:
    """A table of all exercises by notebook, with what is remembered of each, and one of the predictions.

    >>> print(progress())  # doctest: +ELLIPSIS
    00 Start here...
    """
    return Page()


def _all() -> Iterable[tuple[str, Exercise]]:
    """(notebook, exercise), in their order."""
    return ((f"{e.name[:2]} {NOTEBOOKS[e.name[:2]]}", e) for e in sorted(EXERCISES.values(), key=lambda e: e.name))


def _summary(record: Progress) -> str:
    done, made = sum(record.state(name) == State.RIGHT for name in EXERCISES), len(record.predictions)
    return f"{done} of {len(EXERCISES)} exercises are right; predictions made: {made}."


def _text(record: Progress) -> str:
    lines = [f"{notebook}: {e.name} {e.title}: {' '.join(_state(e.name, record))}" for notebook, e in _all()]
    return "\n".join([*lines, _summary(record), *([record.note] if record.note else [])])


def _state(name: str, record: Progress) -> tuple[str, str]:
    state = State(record.state(name))
    return MARKS[state], str(state)


def _exercises(record: Progress) -> str:
    rows = [[notebook, f"{e.name} {e.title}", *_cells(e.name, record)] for notebook, e in _all()]
    return _table(_summary(record), ("Notebook", "Exercise", "State", "Attempts"), rows)


def _cells(name: str, record: Progress) -> tuple[str, str]:
    return " ".join(_state(name, record)), str(record.exercises.get(name, {}).get("attempts", 0))


def _predictions(record: Progress) -> str:
    """What was predicted and what came, in the order of the notebooks; nothing where nothing was predicted."""
    rows = [[k[:2], e["question"], e["answer"], e["outcome"]] for k, e in sorted(record.predictions.items())]
    names = ("Notebook", "Question", "You predicted", "The outcome")
    return f"<details><summary>Your predictions</summary>{_table('Predictions', names, rows)}</details>" if rows else ""


def _table(caption: str, names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """An HTML table whose first column heads its rows."""
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = ""
    for first, *others in rows:
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in others)
        body += f'<tr><th scope="row">{html.escape(first)}</th>{cells}</tr>'
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _download(record: Progress) -> str:
    data = base64.b64encode(record.text().encode()).decode()
    link = f'download="{UPLOADED}" href="data:application/json;base64,{data}"'
    return f'<p><a class="jupyter-button" style="text-decoration:none" {link}>Download this record</a></p>'
