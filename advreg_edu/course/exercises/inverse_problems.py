"""Notebook 01: the adjoint of a difference, filter factors, and a nodule that leaves no trace."""

import torch

from ..exercise import Exercise
from .toys import Tensor, normal

ADJOINT = Exercise(
    name="01a",
    title="The adjoint of a difference",
    call="adjoint(u)",
    draw=lambda g, case: (normal(g, (6, 9, 14)[case]),),
    reference=lambda u: torch.cat([-u[:1], u[:-2] - u[1:-1], u[-2:-1]]),
    mistakes={
        "the operator": (
            lambda u: torch.cat([u.diff(), u.new_zeros(1)]),
            "This is D itself. Move it to the other side of the inner product.",
        ),
        "sign": (
            lambda u: torch.cat([u[:1], u[1:-1] - u[:-2], -u[-2:-1]]),
            "Both inner products agree in size, but not in sign.",
        ),
        "circular": (
            lambda u: u.roll(1) - u,
            "Right inside. Write the sum out at both ends: the row of numbers is no ring.",
        ),
        "last row": (
            lambda u: torch.cat([-u[:1], u[:-1] - u[1:]]),
            "Right but for the last entry. Which row of D is zero, and what does its column do in the adjoint?",
        ),
        "first entry": (
            lambda u: torch.cat([u.new_zeros(1), u[:-2] - u[1:-1], u[-2:-1]]),
            "Right but for the first entry: which terms of the sum hold the first pixel?",
        ),
        "inverse": (lambda u: u.cumsum(0), "An adjoint does not undo the operator."),
    },
    hints=(
        "Write out the sum of (x[k+1] - x[k]) u[k] for four pixels, and collect what multiplies each x[k].",
        "Every pixel inside appears twice: once with plus, from the term before, and once with minus.",
        "The first pixel appears once, and the last pixel once. The last entry of u multiplies a row of zeros.",
    ),
    solution="""\
def adjoint(u):
    before = torch.cat([u.new_zeros(1), u[:-1]])
    here = torch.cat([u[:-1], u.new_zeros(1)])
    return before - here""",
    praise="Both inner products agree, for rows of three lengths.",
)


def _scanner(g: torch.Generator, case: int) -> tuple[Tensor, ...]:
    """The thin SVD of a matrix whose singular values fall from 1 to 0.01, data, and a weight."""
    m, n, reg_weight = ((9, 7, 0.03), (12, 12, 0.2), (8, 15, 0.01))[case]
    U, _, Vt = torch.linalg.svd(normal(g, m, n), full_matrices=False)
    s = torch.logspace(0, -2, len(Vt), dtype=torch.float64)
    return U, s, Vt, normal(g, m), torch.tensor(reg_weight, dtype=torch.float64)


def _by(U: Tensor, Vt: Tensor, y: Tensor, factors: Tensor) -> Tensor:
    return Vt.T @ (factors * (U.T @ y))


TIKHONOV = Exercise(
    name="01b",
    title="Filter factors",
    call="tikhonov(U, s, Vt, y, reg_weight)",
    draw=_scanner,
    reference=lambda U, s, Vt, y, w: _by(U, Vt, y, s / (s**2 + w)),
    mistakes={
        "inverse": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, 1 / s),
            "The weight has no effect. This is the full inverse.",
        ),
        "weight squared": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, s / (s**2 + w**2)),
            "The weight stands in the objective as it is, not squared.",
        ),
        "not squared": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, 1 / (s + w)),
            "Set the derivative to zero again: the data term is squared, so s appears twice.",
        ),
        "not divided": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, s**2 / (s**2 + w)),
            "This damps the patterns but does not undo the scanner. What happens for a weight of zero?",
        ),
        "divided twice": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, 1 / (s**2 + w)),
            "A† y divides by s once. For a weight of zero yours divides by its square.",
        ),
        "half": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, s / (s**2 + 2 * w)),
            "Both terms are squared, so both derivatives have a factor 2. Does one of yours lack it?",
        ),
        "half the weight": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, s / (s**2 + w / 2)),
            "The data term of Eq. 2 has no factor 1/2, and neither has the other term.",
        ),
        "one s": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, s / (s + w)),
            "Set the derivative to zero again: the data term is squared, so s appears twice.",
        ),
        "cut": (
            lambda U, s, Vt, y, w: _by(U, Vt, y, torch.where(s**2 > w, 1 / s, 0)),
            "This keeps or drops each pattern. The minimiser turns them down gradually.",
        ),
    },
    hints=(
        "In the patterns v_k the problem falls apart into one small problem for each k: data c = <u_k, y>, unknown z.",
        "Minimise (s z - c)^2 + reg_weight z^2 in the single number z.",
        "The factors multiply U.T @ y one by one; Vt.T then puts the patterns together.",
    ),
    solution="""\
def tikhonov(U, s, Vt, y, reg_weight):
    factors = s / (s**2 + reg_weight)
    return Vt.T @ (factors * (U.T @ y))""",
    praise="For a small s the factor goes to 0 and not to infinity: that is the whole trick.",
)


def _nodule(g: torch.Generator, case: int) -> tuple[Tensor, ...]:
    """All patterns of a scanner, its singular values with exact zeros, and a nodule."""
    n, rank = ((10, 6), (15, 11), (20, 8))[case]
    Vt = torch.linalg.qr(normal(g, n, n)).Q
    s = torch.cat([torch.linspace(1, 0.05, rank).double(), torch.zeros(n - rank).double()])
    return s, Vt, normal(g, n)


def _part(s: Tensor, Vt: Tensor, nodule: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    part = Vt.T @ (chosen * (Vt @ nodule))
    return part, part.square().sum() / nodule.square().sum()


def _share_of_norms(s: Tensor, Vt: Tensor, nodule: Tensor) -> tuple[Tensor, Tensor]:
    part, share = _part(s, Vt, nodule, (s < 1e-5).double())
    return part, share.sqrt()


INVISIBLE = Exercise(
    name="01c",
    title="A nodule that leaves no trace",
    call="invisible(s, Vt, nodule)",
    draw=_nodule,
    reference=lambda s, Vt, n: _part(s, Vt, n, (s < 1e-5).double()),
    mistakes={
        "visible": (
            lambda s, Vt, n: _part(s, Vt, n, (s >= 1e-5).double()),
            "This is the part that the scanner does see.",
        ),
        "norm": (
            _share_of_norms,
            "The image is right. The share is one of energies, which are squares.",
        ),
        "nearly": (
            lambda s, Vt, n: _part(s, Vt, n, (s < 0.1).double()),
            "Some of these patterns are only hard to see: their singular value is small, but not zero.",
        ),
        "columns": (
            lambda s, Vt, n: _part(s, Vt.T, n, (s < 1e-5).double()),
            "The patterns are the rows of Vt.",
        ),
        "one pattern": (
            lambda s, Vt, n: _part(s, Vt, n, torch.eye(len(s)).double()[-1]),
            "This is the part along the last pattern. The scanner is blind to more than one.",
        ),
        "image for part": (
            lambda s, Vt, n: (n, _part(s, Vt, n, (s < 1e-5).double())[1]),
            "The share is right, but the image is still the whole nodule.",
        ),
    },
    hints=(
        "The patterns with s = 0 span everything that the scanner cannot see. Take singular values below 1e-5 as zero.",
        "The part of an image in the span of orthonormal patterns is the sum of <v_k, image> v_k.",
        "With hidden = Vt[s < 1e-5] the inner products are hidden @ nodule.",
    ),
    solution="""\
def invisible(s, Vt, nodule):
    hidden = Vt[s < 1e-5]
    part = hidden.T @ (hidden @ nodule)
    return part, part.square().sum() / nodule.square().sum()""",
    praise="Now measure how much of a real nodule can hide.",
)

EXERCISES = (ADJOINT, TIKHONOV, INVISIBLE)
