"""Notebook 07: a paired error, leaks in a protocol, and a sentence that survives four noise levels."""

from typing import Any

import torch

from ..exercise import Answer, Exercise
from .toys import Tensor, normal, uniform


def _two_methods(g: torch.Generator, case: int) -> tuple[Tensor, Tensor]:
    n = (4, 6, 20)[case]
    hard = 30 + 3 * normal(g, n)  # images differ more than methods
    return hard + 0.8 + 0.4 * normal(g, n), hard


def _mean_and_error(difference: Tensor) -> tuple[Tensor, Tensor]:
    return difference.mean(), difference.std() / len(difference) ** 0.5


PAIRED = Exercise(
    name="07b",
    title="A paired error",
    call="paired(a, b)",
    draw=_two_methods,
    reference=lambda a, b: _mean_and_error(a - b),
    mistakes={
        "unpaired": (
            lambda a, b: (a.mean() - b.mean(), ((a.var() + b.var()) / len(a)).sqrt()),
            "This error is that of two groups of images. Both methods saw the same ones.",
        ),
        "n for n - 1": (
            lambda a, b: ((a - b).mean(), (a - b).std(correction=0) / len(a) ** 0.5),
            "The mean was estimated from the same images. What does that do to the standard deviation?",
        ),
        "no root": (
            lambda a, b: ((a - b).mean(), (a - b).std()),
            "This is the spread of single images. The mean of n of them is known better.",
        ),
        "n for its root": (
            lambda a, b: ((a - b).mean(), (a - b).std() / len(a)),
            "An error falls with the root of the number of images.",
        ),
        "two errors": (
            lambda a, b: ((a - b).mean(), 2 * (a - b).std() / len(a) ** 0.5),
            "Report one standard error. Whoever reads may double it.",
        ),
        "order": (lambda a, b: _mean_and_error(b - a), "Wanted is a minus b."),
    },
    hints=(
        "Subtract first, image by image. What is left is one list of numbers.",
        "The standard error of their mean is their standard deviation over the root of their number.",
        "torch's std divides by n - 1, as it should here; NumPy's does not.",
    ),
    solution="""\
def paired(a, b):
    difference = a - b
    return difference.mean(), difference.std() / len(difference) ** 0.5""",
    praise="Images differ more than methods do; the pairs take that out.",
)

LEAKS = ("weight", "checkpoint", "patient")


def _protocol(g: torch.Generator, case: int) -> tuple[dict[str, Any]]:
    """A protocol with some of the three leaks, at random."""
    leaky = {name: float(uniform(g, 1)) < 0.5 for name in LEAKS}
    train = {f"slice-{k}": f"patient-{k // 3}" for k in range(12)}
    first = 3 if leaky["patient"] else 4
    test = {f"slice-{k}": f"patient-{first + (k - 12) // 3}" for k in range(12, 18)}
    choose = lambda leak: {"slice-2", "slice-13" if leak else "slice-5"}
    return (
        {
            "train": train,
            "test": test,
            "weight chosen on": choose(leaky["weight"]),
            "checkpoint chosen on": choose(leaky["checkpoint"]),
        },
    )


def _found(answer: Answer, protocol: dict[str, Any]) -> list[float]:
    """1 for each leak that an answer names."""
    names = answer(protocol)
    return [float(name in names) for name in LEAKS] + [float(len(set(names) - set(LEAKS)))]


def _leaks(protocol: dict[str, Any], patients: bool = True) -> set[str]:
    test = protocol["test"]
    shared = set(protocol["train"].values()) & set(test.values()) if patients else set(protocol["train"]) & set(test)
    found = {name for name in ("weight", "checkpoint") if protocol[f"{name} chosen on"] & set(test)}
    return found | ({"patient"} if shared else set())


LEAK = Exercise(
    name="07a",
    title="Leaks in a protocol",
    call="leaks(protocol)",
    draw=_protocol,
    observe=_found,
    cases=12,
    reference=_leaks,
    mistakes={
        "slices for patients": (
            lambda p: _leaks(p, patients=False),
            "No slice is in both halves, but a patient has more than one slice.",
        ),
        "no weight": (lambda p: _leaks(p) - {"weight"}, "Look also at the images that chose the weight."),
        "no checkpoint": (
            lambda p: _leaks(p) - {"checkpoint"},
            "Look also at the images that chose the checkpoint.",
        ),
        "always": (lambda p: set(LEAKS), "You suspect every protocol. Some of them are clean."),
        "never": (lambda p: set(), "You trust every protocol. Some of them leak."),
        "all or none": (
            lambda p: set(p["train"].values()) & set(p["test"].values()) and set(LEAKS),
            "One leak does not imply the others.",
        ),
    },
    hints=(
        "A leak is anything that was chosen, or learned, on what is reported.",
        "Two of the questions are about slices: do the sets share one with the keys of protocol['test']?",
        "The third is about patients: compare the values of the two dictionaries.",
    ),
    solution="""\
def leaks(protocol):
    train, test, found = protocol["train"], protocol["test"], set()
    if set(train.values()) & set(test.values()):
        found.add("patient")
    for name in ("weight", "checkpoint"):
        if protocol[name + " chosen on"] & set(test):
            found.add(name)
    return found""",
    praise="Twelve protocols, clean ones among them.",
)


def _rows(g: torch.Generator, case: int) -> tuple[Tensor, Tensor]:
    levels, images = ((4, 6), (3, 12), (5, 8))[case]
    other = 28 + 3 * normal(g, levels, images)
    lead = 1.5 + normal(g, levels, 1) + (0.2 + uniform(g, levels, 1)) * normal(g, levels, images)
    return other + lead, other


def _bounds(ours: Tensor, other: Tensor, errors: float = 2.0) -> Tensor:
    lead = ours - other
    return lead.mean(1) - errors * lead.std(1) / lead.shape[1] ** 0.5


SURVIVES = Exercise(
    name="07c",
    title="A sentence that survives",
    call="safe_lead(ours, other)",
    draw=_rows,
    reference=lambda ours, other: _bounds(ours, other).min(),
    mistakes={
        "all together": (
            lambda a, b: (a - b).mean() - 2 * (a - b).std() / (a - b).numel() ** 0.5,
            "A mean over noise levels hides the level at which the lead is lost. Treat each row by itself.",
        ),
        "best row": (
            lambda a, b: _bounds(a, b).max(),
            "This holds at one noise level. The sentence says: at every one.",
        ),
        "mean of rows": (lambda a, b: _bounds(a, b).mean(), "The sentence says: at every noise level."),
        "no errors": (lambda a, b: _bounds(a, b, 0.0).min(), "The means of so few images are uncertain."),
        "one error": (lambda a, b: _bounds(a, b, 1.0).min(), "Take two standard errors."),
        "spread": (
            lambda a, b: ((a - b).mean(1) - 2 * (a - b).std(1)).min(),
            "The mean of n images is known better than a single one: divide by the root of n.",
        ),
        "unpaired": (
            lambda a, b: (a.mean(1) - b.mean(1) - 2 * ((a.var(1) + b.var(1)) / a.shape[1]).sqrt()).min(),
            "Both methods saw the same images: subtract first.",
        ),
        "worst image": (lambda a, b: (a - b).min(), "This is the worst single image. The sentence speaks of means."),
        "upper": (lambda a, b: _bounds(a, b, -2.0).min(), "You added the errors. A cautious sentence subtracts them."),
    },
    hints=(
        "For each noise level: the paired mean, minus two standard errors.",
        "The sentence must hold at every level, so the lowest of these numbers decides.",
    ),
    solution="""\
def safe_lead(ours, other):
    lead = ours - other
    error = lead.std(1) / lead.shape[1] ** 0.5
    return (lead.mean(1) - 2 * error).min()""",
    praise="A sentence with this number in it survives every row.",
)

EXERCISES = (LEAK, PAIRED, SURVIVES)
