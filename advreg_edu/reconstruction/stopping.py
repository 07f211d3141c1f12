"""When Algorithm 2 ends: "Stopping criterion S" of the paper, which leaves it open."""

import math

import torch

from .._input.arguments import check_number
from ..reg_weight import weight_from_noise
from .objective import norm


class NotConverged(UserWarning):
    """`steps` ran out before the stopping rule was met."""


class Never:
    """All steps."""

    waits = False  # whether an image that is done waits for the others

    def __call__(self, p, previous=None, moved=None):
        """Which images are done at p, (B,). At the start there is no previous point."""
        return torch.zeros_like(p.objective, dtype=torch.bool)


class SmallGradient:
    """||grad J(x)|| <= tolerance * lambda: at a minimum the gradients of both parts, each of about lambda, cancel.

    Without a regulariser (lambda = 0) the noise takes its place, lambda = 2 E ||A* e||, and 2 ||A* y|| without noise.
    """

    waits = True

    def __init__(self, tolerance, problem, y, weight):
        self.tolerance = tolerance
        self.scale = weight or weight_from_noise(problem).item() or 2 * norm(problem.A.T(y))

    def __call__(self, p, previous=None, moved=None):
        return norm(p.gradient) <= self.tolerance * self.scale

    def missed(self, p):
        """What was expected, and what came."""
        ratio = (norm(p.gradient) / self.scale).max()
        return f"expected ||grad J|| <= {self.tolerance:g} lambda for every image, got up to {ratio:.3g} lambda"


class SmallChange:
    """||x_{k+1} - x_k|| <= t ||x_k||."""

    waits = False

    def __init__(self, tolerance):
        self.tolerance, self.change = tolerance, torch.tensor(torch.nan)

    def __call__(self, p, previous=None, moved=None):
        if previous is None:
            return torch.zeros_like(p.objective, dtype=torch.bool)
        self.change = norm(p.x - previous.x) / norm(previous.x)
        return moved & (norm(p.x - previous.x) <= self.tolerance * norm(previous.x))

    def missed(self, p):
        return f"expected x to change by at most {self.tolerance:g} of ||x||, got {self.change.max():.3g}"


class Discrepancy:
    """Morozov: ||Ax - y|| has grown or fallen to its expected value sqrt(E ||e||^2), once at least."""

    waits = False

    def __init__(self, problem):
        self.expected, self.crossed = problem.sigma**2 * degrees_of_freedom(problem.A), False

    def __call__(self, p, previous=None, moved=None):
        above = lambda p: p.data_term > self.expected
        self.crossed = self.crossed | (above(p) != above(previous or p))
        return self.crossed

    def missed(self, p):
        data_term = p.data_term[~self.crossed].mean()
        return f"expected every data term to pass E ||e||^2 = {self.expected:.3g}, got one of {data_term:.3g}"


def rule(stop, tolerance, problem, y, weight):
    """The rule that `stop` names."""
    if stop is None:
        return Never()
    if stop == "gradient":
        return SmallGradient(tolerance, problem, y, weight)
    if stop == "discrepancy":
        return Discrepancy(problem)
    return SmallChange(stop)


def check_stop(stop, tolerance):
    if stop not in (None, "gradient", "discrepancy"):
        fix = 'Give None, "gradient", "discrepancy", or a relative change such as 1e-4.'
        check_number(stop, "stop", low=0, fix=fix)
    check_number(tolerance, "tolerance", low=0, above=True, fix="Try 0.01.")


def degrees_of_freedom(A):
    """Real numbers that A measures, so that E ||e||^2 = sigma^2 times it."""
    mask = getattr(A, "mask", None)
    seen = math.prod(A.range_shape) if mask is None else float(mask.sum()) * A.range_shape[0]
    return seen * (2 if A.complex_range else 1)
