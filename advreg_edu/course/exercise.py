"""One exercise: what is asked, the inputs of its check, the right answer, and the wrong ones that have a name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

Answer = Callable[..., Any]  # a student's function
Named = dict[str, tuple[Answer, str]]  # {name: (an answer, the sentence that it gets)}


class Unexpected(Exception):
    """An answer returned something else than `expected`: raised by what observes it."""


def returned(answer: Answer, *arguments: Any) -> Any:
    """What an answer returns: the usual thing that a check looks at.

    >>> returned(max, 2, 3)
    3
    """
    return answer(*arguments)


@dataclass(frozen=True)
class Exercise:
    """An exercise whose answer is a function, judged by its behaviour on inputs that the check draws.

    The inputs of case k are `draw(generator, k)`. What is compared is `observe(answer, *inputs)`: numbers, or a tuple
    of them, of `answer`, of `reference` and, where these two differ, of every known mistake.

    Args:
        name: the notebook's number and a letter.
        title: what is asked, in a few words.
        call: how the check calls the answer.
        mistakes: the wrong answers with a name; each sentence says what to look at, never the solution.
        hints: two or three, each says more than the one before.
        solution: the lines that stand in the notebook with solutions.
        tolerance: the largest relative error of a right answer.
        features: for an answer that may be right in many ways. `observe` gives a row of ones and zeros, a right answer
            has ones alone, and the first zero gets the sentence of its place.

    >>> double = Exercise("99a", "Twice a number", "double(x)", lambda g, k: (k + 1.0,), lambda x: 2 * x)
    >>> double.reference(*double.inputs(seed=0, case=2))
    6.0
    """

    name: str
    title: str
    call: str
    draw: Callable[[torch.Generator, int], tuple[Any, ...]]
    reference: Answer
    mistakes: Named = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    solution: str = ""
    observe: Callable[..., Any] = returned
    cases: int = 3
    tolerance: float = 1e-4
    praise: str = ""
    features: tuple[str, ...] = ()

    def inputs(self, seed: int, case: int) -> tuple[Any, ...]:
        """The arguments of one case, drawn anew: whoever changes them changes no one else's."""
        return self.draw(torch.Generator().manual_seed(1000 * seed + case), case)
