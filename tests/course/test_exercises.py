"""Every exercise: right answers in many hands, the stub, each known mistake, and answers that know the inputs."""

import functools

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu.course import check, hint, progress, solution
from advreg_edu.course.compare import distance, numbers
from advreg_edu.course.exercises import EXERCISES, NOTEBOOKS
from advreg_edu.course.verdict import State
from right_answers import ANSWERS

NAMES = list(EXERCISES)
MISTAKES = [(name, mistake) for name in NAMES for mistake in EXERCISES[name].mistakes]
RIGHT = [(name, k) for name in NAMES for k in range(len(ANSWERS[name]))]
SEEDS = (0, 1)  # of the check, and of the hidden tests


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("ADVREG_EDU_PROGRESS", str(tmp_path))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "k"), RIGHT)
def test_a_right_answer_is_right(name, k, seed):
    verdict = check(name, ANSWERS[name][k], seed)
    assert verdict.right, verdict


def recast(change):
    """Ways of giving back the same numbers."""

    def way(answer):
        def called(*inputs):
            value = answer(*inputs)
            return tuple(change(v) for v in value) if isinstance(value, tuple) else change(value)

        return called

    return way


class Callable:
    def __init__(self, answer):
        self.answer = answer

    def __call__(self, *inputs):
        return self.answer(*inputs)


def greedy(answer):
    """One that writes into its inputs when it is done."""

    def called(*inputs):
        value = answer(*inputs)
        value = (
            tuple(v.clone() if isinstance(v, torch.Tensor) else v for v in value) if isinstance(value, tuple) else value
        )
        value = value.detach().clone() if isinstance(value, torch.Tensor) and not value.requires_grad else value
        for x in inputs:
            if isinstance(x, torch.Tensor) and not (isinstance(value, torch.Tensor) and value.requires_grad):
                x.fill_(7)
        return value

    return called


as_tensor = lambda v: v if isinstance(v, torch.Tensor) and v.requires_grad else torch.as_tensor(v)
as_array = lambda v: v if isinstance(v, torch.Tensor) and v.requires_grad else np.asarray(v)
as_list = lambda v: v if isinstance(v, torch.Tensor) and v.requires_grad else np.asarray(v).tolist()
WAYS = {
    "a lambda": lambda answer: lambda *inputs: answer(*inputs),
    "a partial": lambda answer: functools.partial(answer),
    "an object": Callable,
    "a method": lambda answer: Callable(answer).__call__,
    "decorated": lambda answer: functools.wraps(answer)(lambda *inputs: answer(*inputs)),
    "more parameters": lambda answer: lambda *inputs, verbose=False, **options: answer(*inputs),
    "writes into its inputs": greedy,
    "tensors": recast(as_tensor),
    "arrays": recast(as_array),
}
LISTS = {"lists": recast(as_list), "a list for a tuple": lambda answer: lambda *i: listed(answer(*i))}


def listed(value):
    return [float(v) for v in value] if isinstance(value, tuple) and all(np.ndim(v) == 0 for v in value) else value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_the_form_of_an_answer_does_not_matter(name, way):
    if name == "07a" and way in ("tensors", "arrays"):
        way = "a lambda"  # its result is a set of words
    if name == "10c" and way in ("tensors", "arrays"):
        way = "a lambda"  # its result is an operator
    if name in ("08b", "06c", "06a") and way == "arrays":
        way = "tensors"
    verdict = check(name, WAYS[way](EXERCISES[name].reference))
    assert verdict.right, verdict


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("03a", "03b", "06a", "06c", "07a", "08b", "10c")]
)
def test_a_list_is_as_good_as_a_tensor(name):
    for way in LISTS.values():
        verdict = check(name, way(EXERCISES[name].reference))
        assert verdict.right, verdict


def run_of(text, **names):
    """The last function that a text of Python defines."""
    scope = {"__name__": "cell"}
    exec("import advreg_edu as ar\nimport math\nimport torch\nfrom advreg_edu import theory\n", scope)
    known = set(scope)
    exec(compile(text, "cell", "exec"), scope)
    return next(scope[key] for key in reversed(list(scope)) if key not in known and callable(scope[key]))


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_is_right(name):
    for seed in SEEDS:
        verdict = check(name, run_of(str(solution(name))), seed)
        assert verdict.right, verdict


@pytest.mark.parametrize("name", NAMES)
def test_a_stub_is_not_attempted(name):
    head = EXERCISES[name].call
    for body in ("...", "pass", "return ...", "return None", "'''Words.'''\n    ...", "raise NotImplementedError()"):
        assert check(name, run_of(f"def {head}:\n    # Your code here.\n    {body}\n")).state is State.NOT_ATTEMPTED
    assert not progress().table.value.count("right</td>")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_known_mistake_gets_its_sentence(name, mistake, seed):
    answer, sentence = EXERCISES[name].mistakes[mistake]
    verdict = check(name, answer, seed)
    assert verdict.state is State.KNOWN and verdict.sentence == sentence, verdict


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_knows_its_inputs_fails(name):
    """The right results of the first input, and of all inputs of the check, learned by heart."""
    exercise = EXERCISES[name]
    results = [exercise.reference(*exercise.inputs(0, k)) for k in range(exercise.cases)]
    again = iter(results * 100)
    assert not check(name, lambda *inputs: results[0]).right
    assert not check(name, lambda *inputs: next(again), seed=1).right


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_the_same_inputs_and_another_seed_others(name):
    exercise = EXERCISES[name]
    flat = lambda seed: [numbers(value) for k in range(exercise.cases) for value in told(exercise.inputs(seed, k))]
    first, again, other = flat(0), flat(0), flat(1)
    assert len(first) == len(again) and all(distance(a, b) == 0 for a, b in zip(first, again, strict=True))
    assert any(distance(a, b) > 1e-3 for a, b in zip(first, other, strict=False))


def told(inputs):
    """What can be compared of the inputs of a check: numbers, tensors, and the sets of a protocol."""
    for value in inputs:
        if isinstance(value, float | int | torch.Tensor):
            yield value
        elif isinstance(value, ar.Problem):
            yield value.sigma
        elif isinstance(value, dict):
            yield [float(ord(c)) for part in value.values() for text in sorted(part) for c in text[-2:]]


@pytest.mark.parametrize("name", NAMES)
def test_an_error_is_a_sentence_with_its_line(name):
    call = EXERCISES[name].call
    verdict = check(name, run_of(f"def {call}:\n    n = 3\n    return missing + n\n"))
    assert verdict.state is State.WRONG and verdict.sentence.startswith("Line 3 of your cell")
    assert "NameError, name 'missing' is not defined" in verdict.sentence and len(verdict.sentence) < 200


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_is_not_right(name):
    for result in ("text", float("nan"), torch.zeros(2, 5), object(), {}, [[1], [1, 2]]):
        verdict = check(name, lambda *inputs, result=result: result)
        assert verdict.state in (State.WRONG, State.KNOWN), verdict
    assert "does it end in a return?" in check(name, lambda *inputs: print(end="")).sentence
    assert "stopped: TypeError" in check(name, lambda: 1).sentence
    assert "without brackets" in check(name, 3.0).sentence
    assert check(name, ...).state is State.NOT_ATTEMPTED


@pytest.mark.parametrize("name", NAMES)
def test_hints_and_sentences_are_whole(name):
    exercise = EXERCISES[name]
    assert 2 <= len(exercise.hints) <= 3 and exercise.solution
    said = [*exercise.hints, *(s for _, s in exercise.mistakes.values())]
    for sentence in [*said, exercise.praise]:
        assert not sentence or sentence[-1] in ".?", sentence
    assert str(hint(name)).startswith(("Hint 1 of", "Hint 2 of"))
    assert len(exercise.mistakes) >= 4 and len(ANSWERS[name]) >= 4


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_a_notebook_has_three(number):
    assert len([name for name in NAMES if name.startswith(number)]) >= 3


def test_a_name_that_is_none_says_which_there_are():
    with pytest.raises(ValueError, match="expected one of 00a, 00b"):
        check("99z", max)


def test_a_factor_and_a_constant_are_named():
    answer = EXERCISES["00a"].reference
    assert "off by the factor 3." in check("00a", lambda *a: 3 * answer(*a)).sentence
    assert "off by the constant -7." in check("00a", lambda *a: answer(*a) - 7).sentence
    assert "expected shape (2,)" in check("00a", lambda *a: answer(*a)[:, None]).sentence
