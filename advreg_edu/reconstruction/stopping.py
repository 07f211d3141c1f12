"""When Algorithm 2 ends: "Stopping criterion S" of the paper, which leaves it open."""

from typing import Protocol

import torch

from .._input.arguments import check_number
from ..problem import Problem
from ..reg_weight import weight_from_noise
from .objective import Point, norm


class NotConverged(UserWarning):
    """The warning that `steps` ran out before the stopping rule was met.

    >>> issubclass(NotConverged, UserWarning)  # so warnings.simplefilter("error", NotConverged) makes it an error
    True
    """


class Rule(Protocol):
    """When to stop: which images are done at a point, and what was missed if the steps ran out.

    >>> from advreg_edu.reconstruction import Objective
    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> p = J(y)
    >>> every: Rule = Never()
    >>> every(p)
    tensor([False])
    """

    waits: bool  # whether an image that is done waits for the others

    def __call__(self, p: Point, previous: Point | None = None, moved: torch.Tensor | None = None) -> torch.Tensor:
        """Which images are done at p: (B,) of bool. At the start there is no previous point."""

    def missed(self, p: Point) -> str:
        """What was expected, and what came."""


class Never:
    """The rule that lets all steps run.

    >>> Never().waits
    False
    """

    waits = False

    def __call__(self, p: Point, previous: Point | None = None, moved: torch.Tensor | None = None) -> torch.Tensor:
        return torch.zeros_like(p.objective, dtype=torch.bool)

    def missed(self, p: Point) -> str:
        return "nothing was expected"


class SmallGradient:
    """This rule stops where ||grad J(x)|| <= tolerance * lambda.

    At a minimum the gradients of both parts, each of about lambda, cancel.
    Without a regulariser (lambda = 0) the noise takes its place, lambda = 2 E ||A* e||, and 2 ||A* y|| without noise.

    >>> from advreg_edu.operators import Identity
    >>> problem = Problem(Identity((1, 8, 8)), sigma=0.1)
    >>> SmallGradient(0.01, problem, torch.ones(1, 1, 8, 8), weight=2.0).scale
    2.0
    """

    waits = True

    def __init__(self, tolerance: float, problem: Problem, y: torch.Tensor, weight: float) -> None:
        self.tolerance = tolerance
        self.scale = weight or weight_from_noise(problem).item() or 2 * norm(problem.A.T(y))

    def __call__(self, p: Point, previous: Point | None = None, moved: torch.Tensor | None = None) -> torch.Tensor:
        return norm(p.gradient) <= self.tolerance * self.scale

    def missed(self, p: Point) -> str:
        ratio = (norm(p.gradient) / self.scale).max()
        return f"expected ||grad J|| <= {self.tolerance:g} lambda for every image, got up to {ratio:.3g} lambda"


class SmallChange:
    """This rule stops where ||x_{k+1} - x_k|| <= t ||x_k||, for a step that has moved the image.

    >>> SmallChange(1e-4).tolerance
    0.0001
    """

    waits = False

    def __init__(self, tolerance: float) -> None:
        self.tolerance, self.change = tolerance, torch.tensor(torch.nan)

    def __call__(self, p: Point, previous: Point | None = None, moved: torch.Tensor | None = None) -> torch.Tensor:
        if previous is None or moved is None:
            return torch.zeros_like(p.objective, dtype=torch.bool)
        self.change = norm(p.x - previous.x) / norm(previous.x)
        return moved & (norm(p.x - previous.x) <= self.tolerance * norm(previous.x))

    def missed(self, p: Point) -> str:
        return f"expected x to change by at most {self.tolerance:g} of ||x||, got {self.change.max():.3g}"


class Discrepancy:
    """Morozov's rule: x is near a minimum, ||grad J|| <= 5 tolerance lambda, and ||Ax - y||^2 at most E ||e||^2.

    The operator says how many numbers carry noise, `measured_count`: E ||e||^2 is sigma^2 times that.
    The data term alone says nothing on the way. From A†y of a scan it falls below E ||e||^2 within ten steps, while the
    noise of the start is still in the image; in denoising it begins at 0 and may jump over E ||e||^2 in one step.
    Where lambda is so large that the data term stays above, the run ends as by `SmallGradient`.

    >>> from advreg_edu.operators import Identity
    >>> problem = Problem(Identity((1, 8, 8)), sigma=0.1)
    >>> round(Discrepancy(0.01, problem, torch.ones(1, 1, 8, 8), weight=1.0).expected, 4)  # 64 sigma^2
    0.64
    """

    waits = True

    def __init__(self, tolerance: float, problem: Problem, y: torch.Tensor, weight: float) -> None:
        self.expected = problem.sigma**2 * problem.A.measured_count
        self.near, self.at_rest = (SmallGradient(t, problem, y, weight) for t in (5 * tolerance, tolerance))

    def __call__(self, p: Point, previous: Point | None = None, moved: torch.Tensor | None = None) -> torch.Tensor:
        return self.near(p) & (p.data_term <= self.expected) | self.at_rest(p)

    def missed(self, p: Point) -> str:
        data_term, gradient = p.data_term.max(), (norm(p.gradient) / self.near.scale).max()
        wanted = f"||grad J|| <= {self.near.tolerance:g} lambda and a data term of at most {self.expected:.3g}"
        return f"expected {wanted} for every image, got up to {gradient:.3g} lambda and {data_term:.3g}"


def stopping_rule(stop: str | float | None, tolerance: float, problem: Problem, y: torch.Tensor, weight: float) -> Rule:
    """Return the rule that `stop` names, with the arguments of `reconstruct`.

    >>> from advreg_edu.operators import Identity
    >>> problem = Problem(Identity((1, 8, 8)), sigma=0.1)
    >>> type(stopping_rule(1e-4, 0.01, problem, torch.ones(1, 1, 8, 8), weight=0.1)).__name__
    'SmallChange'
    """
    if stop is None:
        return Never()
    if stop == "gradient":
        return SmallGradient(tolerance, problem, y, weight)
    if stop == "discrepancy":
        return Discrepancy(tolerance, problem, y, weight)
    return SmallChange(float(stop))


def check_stop(stop: str | float | None, tolerance: float) -> None:
    """Raise unless `stop` and `tolerance` make a stopping rule.

    >>> check_stop("discrepancy", 0.01)
    """
    if stop is not None and not (isinstance(stop, str) and stop in ("gradient", "discrepancy")):
        fix = 'Give None, "gradient", "discrepancy", or a relative change such as 1e-4.'
        check_number(stop, "stop", low=0, fix=fix)
    check_number(tolerance, "tolerance", low=0, above=True, fix="Try 0.01.")
