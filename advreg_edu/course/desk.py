"""What a student calls: check, hint and solution."""

import html
import inspect
from dataclasses import replace
from typing import Any

from .._input.arguments import check_choice, check_seed
from .exercise import Exercise
from .exercises import EXERCISES
from .judge import judge
from .record import Progress
from .verdict import Text, Verdict


def check(name: str, answer: Any, seed: int = 0) -> Verdict:
    """Judge the answer to an exercise, a function, on inputs that the check draws; remember and return the verdict.

    Args: seed, of the inputs. With another than 0 nothing is remembered: for grading.

    >>> check("00a", lambda x, x_true: None, seed=1)
    ○ 00a, not attempted. Fill in psnr(x, x_true), run its cell, then this one again.
    """
    verdict = judge(_find(name), answer, check_seed(seed))
    return verdict if seed else replace(verdict, note=Progress().remember(verdict, _text_of(answer)))


def _text_of(answer: Any) -> str:
    """The lines of a student's function, "" where they are not known."""
    try:
        return inspect.getsource(answer)
    except (OSError, TypeError):
        return ""


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


def _find(name: str) -> Exercise:
    return EXERCISES[check_choice(name, "name", EXERCISES, "See the line above the stub.")]
