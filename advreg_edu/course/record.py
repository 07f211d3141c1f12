"""What a student has answered, in one small JSON beside the notebooks, loaded again next time."""

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
FOLDER = "ADVREG_EDU_PROGRESS"  # the environment variable that names another folder


class Progress:
    """The record of one student: the last verdict on each exercise and whether it was ever right.

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
        self.content: dict[str, Any] = {"format": 1, "exercises": {}}
        self._load()

    @property
    def exercises(self) -> Mapping[str, dict[str, Any]]:
        """{exercise: its state, sentence, number of attempts, whether it was ever right, and when}."""
        return self.content["exercises"]

    def state(self, name: str) -> str:
        """The state of an exercise in words: right, if it ever was."""
        entry = self.exercises.get(name, {})
        return str(State.RIGHT) if entry.get("solved") else entry.get("state", str(State.NOT_ATTEMPTED))

    def remember(self, verdict: Verdict) -> str:
        """Write the verdict into the file; return a sentence where that fails, else "". A stub leaves no trace."""
        before = self.exercises.get(verdict.name, {})
        if verdict.state is State.NOT_ATTEMPTED:
            return self.note
        self.content["exercises"][verdict.name] = {
            "state": str(verdict.state),
            "sentence": verdict.sentence,
            "attempts": before.get("attempts", 0) + 1,
            "solved": verdict.right or bool(before.get("solved")),
            "when": _now(),
        }
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
            found = json.loads(source.read_text(encoding="utf-8"))
            found = found if isinstance(found, dict) else {}
            if not _are_entries(found.get("exercises")):
                raise ValueError("no record of this course")
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


def _are_entries(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(entry, dict)
        and entry.get("state") in set(State)
        and isinstance(entry.get("attempts"), int)
        and isinstance(entry.get("solved"), bool)
        for entry in value.values()
    )
