"""Meeting a student's function: has it been touched, and where did it stop?"""

import copy
import dis
import inspect
import linecache
import traceback
from collections.abc import Iterable
from typing import Any

import torch

from .exercise import Answer

EMPTY = {"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "POP_TOP", "COPY_FREE_VARS"}


def untouched(answer: Answer) -> bool:
    """Whether a function is a stub: nothing but a docstring, `...`, `pass` or `return ...`.

    >>> def stub(x):
    ...     "What is asked."
    ...     ...
    >>> untouched(stub), untouched(lambda x: x)
    (True, False)
    """
    code = getattr(inspect.unwrap(answer), "__code__", None)
    if code is None or any(step.opname not in EMPTY for step in dis.get_instructions(code)):
        return False
    return set(code.co_consts) <= {None, ..., inspect.unwrap(answer).__doc__}


def copies(arguments: Iterable[Any]) -> list[Any]:
    """Copies, so that a function that writes into its arguments harms no one.

    >>> x = torch.zeros(2)
    >>> copies([x])[0].add_(1), x
    (tensor([1., 1.]), tensor([0., 0.]))
    """
    return [_copy(argument) for argument in arguments]


def _copy(argument: Any) -> Any:
    if isinstance(argument, torch.Generator):
        return argument.clone_state()
    return argument.clone() if isinstance(argument, torch.Tensor) else copy.deepcopy(argument)


def where_it_stopped(error: Exception, answer: Answer, call: str) -> str:
    """One sentence about an error in a student's function, with the line where it stopped.

    >>> def half(x):
    ...     return x / 0
    >>> try:
    ...     half(1)
    ... except ZeroDivisionError as error:
    ...     print(where_it_stopped(error, half, "half(x)"))
    Line 2 of your cell, `return x / 0`, stopped: ZeroDivisionError, division by zero.
    """
    code = getattr(inspect.unwrap(answer), "__code__", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename]
    what = f"{type(error).__name__}, {_first_line(error)}"
    if not frames:
        return f"The check called {call}, and that stopped: {what}."
    last = frames[-1]
    line = (last.line or linecache.getline(last.filename, last.lineno or 0)).strip()
    return f"Line {last.lineno} of your cell, `{line}`, stopped: {what}."


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["without a message"]
    return lines[0].rstrip(".")[:200]
