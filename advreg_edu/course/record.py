"""What a student has answered and predicted, in one small JSON beside the notebooks, loaded again next time."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .._input.files import write
from .verdict import State, Verdict

FILE = ".advreg_progress.json"
UPLOADED = "advreg_progress.json"  # as it is downloaded: a file browser shows no names that begin with a dot
LONGEST = 5000  # characters of an answer that are kept
PREDICTION = ("question", "answer", "outcome", "when")
FOLDER = "ADVREG_EDU_PROGRESS"  # the environment variable that names another folder


class Progress:
    """The record of one student: of each exercise the last answer, its verdict, and whether one was ever right; of each
    prediction its question, what was predicted, and what came.

    Args: path, of the JSON; by default `.advreg_progress.json` in the notebook's folder, or in the folder that the
    environment variable ADVREG_EDU_PROGRESS names. Where that is absent, `advreg_progress.json` beside it is read,
    which is what a student downloaded and brought back. A damaged file is kept under another name; `note` says so.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Progress(Path(folder, FILE)).remember(Verdict("00a", State.RIGHT, "Good."))
    ...     Progress(Path(folder, FILE)).state("00a")
    ''
    'right'
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = Path(path) if path else Path(os.environ.get(FOLDER) or ".").expanduser() / FILE
        self.note = ""
        self.content: dict[str, Any] = {"format": 1, "exercises": {}, "predictions": {}}
        self._load()

    @property
    def exercises(self) -> Mapping[str, dict[str, Any]]:
        """{exercise: its state, sentence, number of attempts, whether it was ever right, when, and the last answer}."""
        return self.content["exercises"]

    @property
    def predictions(self) -> Mapping[str, dict[str, str]]:
        """{prediction: its question, the answer, when it was made, and the outcome, "" before it was seen}."""
        return self.content["predictions"]

    def state(self, name: str) -> str:
        """The state of an exercise in words: right, if it ever was."""
        entry = self.exercises.get(name, {})
        return str(State.RIGHT) if entry.get("solved") else entry.get("state", str(State.NOT_ATTEMPTED))

    def remember(self, verdict: Verdict, answer: str = "") -> str:
        """Write the verdict and the answer; return a sentence where that fails, else "". A stub leaves no trace."""
        before = self.exercises.get(verdict.name, {})
        if verdict.state is State.NOT_ATTEMPTED:
            return self.note
        self.content["exercises"][verdict.name] = {
            "state": str(verdict.state),
            "sentence": verdict.sentence,
            "attempts": before.get("attempts", 0) + 1,
            "solved": verdict.right or bool(before.get("solved")),
            "when": _now(),
            "answer": answer[:LONGEST],
        }
        return self._write()

    def predict(self, name: str, question: str, answer: str) -> str:
        """Write a prediction; return a sentence where that fails, else ""."""
        entry = {"question": question, "answer": answer[:LONGEST], "outcome": "", "when": _now()}
        self.content["predictions"][name] = entry
        return self._write()

    def confront(self, name: str, outcome: str) -> str:
        """Write what came beside what was predicted; return a sentence where that fails, else ""."""
        self.content["predictions"][name]["outcome"] = outcome
        return self._write()

    def merge(self, text: str) -> str:
        """Add another record, such as the text of a downloaded one; return a sentence where that fails, else "".

        An exercise stays right if it is right in either. Of two predictions the earlier counts. Raises ValueError if
        `text` is no record.
        """
        other = _parsed(text)
        for name, entry in other["exercises"].items():
            mine = self.content["exercises"].setdefault(name, entry)
            if entry["solved"] and not mine["solved"]:
                self.content["exercises"][name] = entry
        for name, entry in other["predictions"].items():
            mine = self.content["predictions"].setdefault(name, entry)
            self.content["predictions"][name] = min(mine, entry, key=lambda prediction: prediction["when"])
        return self._write()

    def text(self) -> str:
        """The file's text."""
        return json.dumps(self.content, indent=1)

    def _write(self) -> str:
        try:
            write(self.path, self.text().encode())
        except OSError as error:
            return f"The answer could not be kept. {error}"
        return self.note

    def _load(self) -> None:
        try:
            uploaded = self.path.with_name(UPLOADED)
            source = uploaded if uploaded.exists() and not self.path.exists() else self.path
            found = _parsed(source.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except OSError as error:
            self.note = f"{self.path.name} could not be read ({error.strerror}): nothing from before is shown."
        except (ValueError, RecursionError) as error:
            self._set_aside(source, str(error))
        else:
            self.content |= found

    def _set_aside(self, source: Path, why: str) -> None:
        kept = next(path for k in range(1, 10**6) if not (path := source.with_suffix(f".damaged-{k}.json")).exists())
        fresh = "A fresh record begins"
        try:
            os.replace(source, kept)
        except OSError:
            self.note = f"{source.name} is damaged ({why}). {fresh}."
        else:
            self.note = f"{source.name} was damaged ({why}). {fresh}; the old file is kept as {kept.name}."


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _parsed(text: str) -> dict[str, Any]:
    """The content of a record; raises ValueError if it is none."""
    found = json.loads(text)
    if not isinstance(found, dict) or not _are_exercises(found.get("exercises")):
        raise ValueError("no record of this course")
    found.setdefault("predictions", {})
    if not _are_predictions(found["predictions"]):
        raise ValueError("predictions that this course did not write")
    return found


def _are_exercises(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(entry, dict)
        and entry.get("state") in set(State)
        and isinstance(entry.get("attempts"), int)
        and isinstance(entry.get("solved"), bool)
        for entry in value.values()
    )


def _are_predictions(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in PREDICTION)
        for entry in value.values()
    )
