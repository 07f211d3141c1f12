"""Notebook 10, the data: stored numbers to [0, 1], a split by patient. The scanner is in `your_own_scanner`."""

from typing import Any

import torch

from ..exercise import Answer, Exercise, Unexpected
from .toys import Tensor, uniform
from .your_own_scanner import OWN, SIGMA


def _stored(g: torch.Generator, case: int) -> tuple[Any, ...]:
    """Slices as files keep them, with slope and intercept, and a window."""
    slope, intercept = ((2.0, -1024.0), (0.5, -1000.0), (1.5, -900.0))[case]
    hu = -1200 + 2800 * uniform(g, 3, 1, 8, 8)
    hu[1] = 40.0  # all of one tissue
    low, width = -1000 + 200 * float(uniform(g, 1)), 1200 + 600 * float(uniform(g, 1))
    return (hu - intercept) / slope, slope, intercept, low, low + width


def _windowed(hu: Tensor, low: float, high: float) -> Tensor:
    return ((hu - low) / (high - low)).clamp(0, 1)


def _per_slice(s: Tensor, *_: float) -> Tensor:
    low, high = s.amin((1, 2, 3), keepdim=True), s.amax((1, 2, 3), keepdim=True)
    return (s - low) / (high - low).clamp_min(1e-9)


WINDOW = Exercise(
    name="10a",
    title="From stored numbers to gray values",
    call="window(stored, slope, intercept, low, high)",
    draw=_stored,
    reference=lambda s, slope, intercept, low, high: _windowed(slope * s + intercept, low, high),
    mistakes={
        "no clip": (
            lambda s, slope, i, low, high: (slope * s + i - low) / (high - low),
            "Some of your values lie outside of [0, 1]. What is beyond the window becomes black or white.",
        ),
        "not rescaled": (
            lambda s, slope, i, low, high: _windowed(s, low, high),
            "The window is in Hounsfield units; the stored numbers are not.",
        ),
        "changed over": (
            lambda s, slope, i, low, high: _windowed(i * s + slope, low, high),
            "Which of the two is the factor, slope or intercept?",
        ),
        "intercept first": (
            lambda s, slope, i, low, high: _windowed(slope * (s + i), low, high),
            "The intercept is in Hounsfield units already: it comes after the slope.",
        ),
        "per slice": (
            _per_slice,
            "Every slice got a scale of its own. The same tissue has to have the same gray value in all slices.",
        ),
        "by the high end": (
            lambda s, slope, i, low, high: _windowed(slope * s + i, 0, high),
            "Black is at the low end of the window. Where is it in yours?",
        ),
        "divided by the high end": (
            lambda s, slope, i, low, high: ((slope * s + i - low) / high).clamp(0, 1),
            "White is at the high end of the window, which is high - low above its low end.",
        ),
        "of all files": (
            lambda s, *_: (s - s.min()) / (s.max() - s.min()),
            "The window is given. The smallest and the largest number of these files have no part in it.",
        ),
        "Hounsfield units": (
            lambda s, slope, i, low, high: (slope * s + i).clamp(low, high),
            "These are Hounsfield units, clipped to the window. Gray values lie in [0, 1].",
        ),
        "by the length alone": (
            lambda s, slope, i, low, high: ((slope * s + i) / (high - low)).clamp(0, 1),
            "Black is at the low end of the window. Where is it in yours?",
        ),
        "inverted": (
            lambda s, slope, i, low, high: 1 - _windowed(slope * s + i, low, high),
            "Air should be black and bone white.",
        ),
    },
    hints=(
        "Two steps: stored numbers to Hounsfield units, which is a line, and those to gray values, another one.",
        "Hounsfield units are slope * stored + intercept.",
        "The second line is 0 at low and 1 at high; what lies beyond is clipped.",
    ),
    solution="""\
def window(stored, slope, intercept, low, high):
    hu = slope * stored + intercept
    return ((hu - low) / (high - low)).clamp(0, 1)""",
    praise="Three scanners and three windows, one slice of a single tissue among them.",
)


def _patients(g: torch.Generator, case: int) -> tuple[Tensor, float, int]:
    """The patient of each image, mixed up: some have one image, some have nine."""
    count, share = ((8, 0.25), (15, 0.2), (12, 0.5))[case]
    names = torch.randperm(1000, generator=g)[:count]
    images = torch.randint(1, 10, (count,), generator=g)
    every = names.repeat_interleave(images)
    return every[torch.randperm(len(every), generator=g)], share, 10 * case + int(torch.randint(10, (), generator=g))


def _places(part: Any, n: int) -> set[int]:
    """The places that an answer gives, as a set; it may give a mask."""
    try:
        chosen = torch.as_tensor(part)
        if chosen.dtype == torch.bool and chosen.shape == (n,):
            chosen = chosen.nonzero().flatten()
        return {int(k) for k in chosen.flatten().tolist()}
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise Unexpected("The check expected two lists of places of images, and got something else.") from None


def _parts(answer: Answer, patients: Tensor, share: float, seed: int) -> tuple[set[int], set[int]]:
    value = answer(patients.clone(), share, seed)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise Unexpected("The check expected two parts, (train, val), and got something else.")
    train, val = (_places(part, len(patients)) for part in value)
    return train, val


SPLITS = (
    "Each image has to be in exactly one of the two parts. Give the places of the images, counted from 0.",
    "A patient is in both parts. Choose patients, not images.",
    "The same seed has to give the same split, today and next year.",
    "Another seed gives the same split. Patients often come in the order of the scanner, or of their illness.",
    "val is the share of the patients to report on; your part is far larger or smaller.",
)


def _split_features(answer: Answer, patients: Tensor, share: float, seed: int) -> list[float]:
    """Each image once; no patient in both; the same twice; different for other seeds; the share."""
    n, train, val = len(patients), *_parts(answer, patients, share, seed)
    once = train | val == set(range(n)) and not train & val and bool(train) and bool(val)
    if not once:
        return [0.0] * len(SPLITS)
    of = lambda part: {int(patients[k]) for k in part}
    again = _parts(answer, patients, share, seed) == (train, val)
    others = {frozenset(_parts(answer, patients, share, seed + k)[1]) for k in range(1, 6)}
    everyone = of(range(n))
    near = abs(len(of(val)) - share * len(everyone)) <= 1.01
    near |= abs(len(val) - share * n) <= int(patients.unique(return_counts=True)[1].max())
    return [float(f) for f in (once, not of(train) & of(val), again, len(others | {frozenset(val)}) > 1, near)]


def _by_patient(patients: Tensor, share: float, seed: int, order: bool = False, count: int | None = None) -> Any:
    names = patients.unique()
    mixed = names if order else names[torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))]
    chosen = torch.isin(patients, mixed[: count or max(1, round(share * len(names)))])
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def _by_image(patients: Tensor, share: float, seed: int) -> Any:
    order = torch.randperm(len(patients), generator=torch.Generator().manual_seed(seed))
    count = round(share * len(patients))
    return order[count:], order[:count]


SPLIT = Exercise(
    name="10b",
    title="A split by patient",
    call="split_places(patients, val, seed)",
    draw=_patients,
    observe=_split_features,
    features=SPLITS,
    reference=_by_patient,
    mistakes={
        "by image": (_by_image, SPLITS[1]),
        "by order": (lambda p, share, seed: _by_patient(p, share, seed, order=True), SPLITS[3]),
        "no seed": (lambda p, share, seed: _by_patient(p, share, int(torch.randint(2**40, ()))), SPLITS[2]),
        "one patient": (lambda p, share, seed: _by_patient(p, share, seed, count=1), SPLITS[4]),
        "loses images": (
            lambda p, share, seed: (_by_patient(p, share, seed)[0][1:], _by_patient(p, share, seed)[1]),
            SPLITS[0],
        ),
        "names for places": (
            lambda p, share, seed: tuple(p[part].unique() for part in _by_patient(p, share, seed)),
            SPLITS[0],
        ),
    },
    hints=(
        "Make a list of the patients, each once, and mix that up: patients.unique() and torch.randperm.",
        "torch.Generator().manual_seed(seed) makes the mixing depend on the seed alone.",
        "The first few of the mixed patients are val; torch.isin says which images are theirs.",
    ),
    solution="""\
def split_places(patients, val, seed):
    names = patients.unique()
    mixed = names[torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))]
    chosen = torch.isin(patients, mixed[: max(1, round(val * len(names)))])
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()""",
    praise="Three hospitals and six seeds each; patients with one image and with nine.",
)

EXERCISES = (WINDOW, SPLIT, OWN, SIGMA)
