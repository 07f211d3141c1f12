"""Judging an answer by what it does on inputs that the check draws: right, wrong in a known way, or not recognised."""

from typing import Any

import torch

from .compare import Numbers, arranged, distance, numbers, relation, same_shapes, shapes
from .exercise import Answer, Exercise, Unexpected
from .student_code import copies, untouched, where_it_stopped
from .verdict import State, Verdict

APART = 1e-2  # a mistake is claimed only where it differs from the right answer by more than this


class _Stopped(Exception):
    """The verdict is known before the answer was seen on all inputs."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def judge(exercise: Exercise, answer: Answer, seed: int = 0) -> Verdict:
    """The verdict on an answer. Another seed draws other inputs.

    >>> square = Exercise("99a", "A square", "square(x)", lambda g, k: (k + 3.0,), lambda x: x * x)
    >>> judge(square, lambda x: x**2).right
    True
    >>> judge(square, lambda x: 2 * x * x)
    ✘ 99a, not yet. Every number is off by the factor 2. hint("99a") says more.
    """
    name = exercise.name
    if not callable(answer):
        again = "If a later cell has given its name to something else, run the cell of your function again."
        what = f"It needs the function itself, without brackets; it is called as {exercise.call}. {again}"
        return Verdict(name, State.NOT_ATTEMPTED if answer is ... else State.WRONG, what)
    if untouched(answer):
        return Verdict(name, State.NOT_ATTEMPTED, f"Fill in {exercise.call}, run its cell, then this one again.")
    try:
        seen = [_observed(exercise, answer, seed, k) for k in range(exercise.cases)]
    except _Stopped as stopped:
        return stopped.verdict
    return _compared(exercise, seen, seed)


def _observed(exercise: Exercise, answer: Answer, seed: int, case: int) -> Numbers:
    """What the answer does on the inputs of a case; raises _Stopped where it does not come to an end."""
    try:
        value = numbers(exercise.observe(_returning(answer), *copies(exercise.inputs(seed, case))))
    except Unexpected as error:
        raise _Stopped(Verdict(exercise.name, State.WRONG, str(error))) from None
    except NotImplementedError:  # what nbgrader puts into a stub
        sentence = f"Fill in {exercise.call}, run its cell, then this one again."
        raise _Stopped(Verdict(exercise.name, State.NOT_ATTEMPTED, sentence)) from None
    except Exception as error:  # of any kind: a student's code
        sentence = where_it_stopped(error, answer, exercise.call)
        raise _Stopped(Verdict(exercise.name, State.WRONG, sentence)) from None
    return value


def _returning(answer: Answer) -> Answer:
    """The answer on copies, so that what observes it still has its tensors; refused where it returns nothing."""

    def called(*arguments: Any) -> Any:
        value = answer(*(copies([a])[0] if isinstance(a, torch.Tensor) else a for a in arguments))
        if value is None:
            raise Unexpected("The function returned None: does it end in a return?")
        return value

    return called


def _compared(exercise: Exercise, seen: list[Numbers], seed: int) -> Verdict:
    praise = exercise.praise or f"Tried on {exercise.cases} inputs."
    if exercise.features:
        return _by_features(exercise, seen, praise)
    right = _references(exercise, exercise.reference, seed)
    seen = [arranged(a, b) for a, b in zip(seen, right, strict=True)]
    if _alike(seen, right, exercise.tolerance):
        return Verdict(exercise.name, State.RIGHT, praise)
    apart = max(APART, 2 * exercise.tolerance)
    for name, (answer, sentence) in exercise.mistakes.items():
        wrong = _references(exercise, answer, seed)
        if _alike(seen, wrong, exercise.tolerance) and _differ(wrong, right, apart):
            return Verdict(exercise.name, State.KNOWN, sentence, mistake=name)
    return Verdict(exercise.name, State.WRONG, _unrecognised(exercise, seen, right))


def _by_features(exercise: Exercise, seen: list[Numbers], praise: str) -> Verdict:
    """Right where every feature is there on all inputs, else the sentence of the first that is not."""
    for k, sentence in enumerate(exercise.features):
        if any(float(case[0][k]) != 1 for case in seen):
            names = (name for name, (_, said) in exercise.mistakes.items() if said == sentence)
            return Verdict(exercise.name, State.KNOWN, sentence, mistake=next(names, ""))
    return Verdict(exercise.name, State.RIGHT, praise)


def _unrecognised(exercise: Exercise, seen: list[Numbers], right: list[Numbers]) -> str:
    for a, b in zip(seen, right, strict=True):
        if not same_shapes(a, b):
            return f"The check expected {shapes(b)} from {exercise.call}, and got {shapes(a)}."
    if not all(part.isfinite().all() for case in seen for part in case):
        return "The result holds NaN or infinity. Look for a division by zero, or for a run that diverged."
    agreeing = sum(distance(a, b) < exercise.tolerance for a, b in zip(seen, right, strict=True))
    some = f" It is right on {agreeing} of {exercise.cases} inputs." if agreeing else ""
    what = relation(seen, right, exercise.tolerance) or "This is not a mistake that the check knows."
    return f'{what}{some} hint("{exercise.name}") says more.'


def _references(exercise: Exercise, answer: Answer, seed: int) -> list[Numbers]:
    """What an answer of ours does on the same inputs."""
    drawn = (exercise.inputs(seed, k) for k in range(exercise.cases))
    return [numbers(exercise.observe(answer, *inputs)) for inputs in drawn]


def _alike(a: list[Numbers], b: list[Numbers], tolerance: float) -> bool:
    return all(distance(x, y) < tolerance for x, y in zip(a, b, strict=True))


def _differ(a: list[Numbers], b: list[Numbers], least: float) -> bool:
    return any(distance(x, y) > least for x, y in zip(a, b, strict=True))
