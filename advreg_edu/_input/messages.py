"""The words of errors: in one line, what was expected, what came, and how to fix it."""

import numpy as np
import torch


def describe(value: object) -> str:
    """`value` as words of a message: at most 60 characters; of an array the shape.

    >>> describe(torch.zeros(2, 3)), describe("ct-thorax")
    ('a tensor of shape (2, 3)', "'ct-thorax'")
    """
    if isinstance(value, (np.ndarray, torch.Tensor)) and value.ndim:
        return f"{'a tensor' if isinstance(value, torch.Tensor) else 'an array'} of shape {tuple(value.shape)}"
    if isinstance(value, int) and abs(value) >= 10**50:
        return "a number of over 50 digits"
    text = _one_line(repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


class Refused(ValueError):
    """What was read is not what was expected; `got` says in short what it is."""

    got = ""


def refused(name: object, expected: str, got: object, fix: str, most: int = 300) -> Refused:
    """The `Refused` for something that was read, in one line of at most `most` characters, whatever the file holds.

    A long name keeps its end, `got` is cut where the line would be too long, and what cannot be printed is left out.

    >>> print(refused("a.png", "a photograph", "an empty file", "Save it again."))
    a.png: expected a photograph, got an empty file. Save it again.
    """
    label, came = _one_line(name), _one_line(got).rstrip(".")
    label = label if len(label) <= 80 else "..." + label[-77:]
    before, after = f"{label}: expected {expected}, got ", f". {fix}"
    room = max(20, most - len(before) - len(after))
    came = came if len(came) <= room else came[: room - 3] + "..."
    error = Refused((before + came + after)[:most])
    error.got = came
    return error


def _one_line(text: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(text)[:2000])
