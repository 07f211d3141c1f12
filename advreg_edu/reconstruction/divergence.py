"""What a run of Algorithm 2 that cannot converge is told: a step size too large, an objective that blew up."""

import warnings

import torch

from ..operators import squared_norm
from .objective import Iterate, Objective, Point, norm


class Diverged(ValueError):
    """The error of a run whose objective blew up. `last` is the last finite iterate.

    >>> import warnings
    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 8, 8)), sigma=0.1)
    >>> energy = lambda x: x.square().flatten(1).sum(1)
    >>> try:
    ...     with warnings.catch_warnings(action="ignore"):  # of a step size past the stability limit
    ...         iterates = list(ar.reconstruct(problem, torch.ones(1, 1, 8, 8), energy, reg_weight=1.0, step_size=2.0))
    ... except Diverged as error:
    ...     print(error.last.step)
    2
    """

    def __init__(self, message: str, last: Iterate) -> None:
        super().__init__(message)
        self.last = last

    def __reduce__(self) -> tuple:  # else pickle would leave out `last`
        return Diverged, (str(self), self.last)


def stop_if_blown_up(p: Point, last: Iterate, y: torch.Tensor, step_size: float | str, first: Point) -> None:
    """Raise `Diverged` if the data term or the critic at p is not what a run that converges has.

    >>> from advreg_edu.operators import Identity
    >>> from advreg_edu.reconstruction import Objective
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> start = Iterate(0, y, *[torch.ones(1)] * 5, stopped=False)
    >>> stop_if_blown_up(J(0.9 * y), start, y, step_size=0.3, first=J(y))
    >>> stop_if_blown_up(J(1e6 * y), start, y, step_size=0.3, first=J(y))
    Traceback (most recent call last):
    advreg_edu.reconstruction.divergence.Diverged: The objective blew up at step 1: ...
    """
    bound = 1e3 * (squared_norm(y) + first.data_term) + 1
    near = bool((p.data_term <= bound).all())  # false for NaN, too
    psi = p.regularizer + norm(p.grad_psi)
    if near and torch.isfinite(psi).all():
        return
    if near:
        raise Diverged(
            f"critic(x): expected finite values and gradients, got NaN or infinity at step {last.step + 1}, where the "
            "data term is still small. Look for a root, a logarithm or a quotient at 0 in the critic; the last finite "
            "iterate is in `.last`.",
            last,
        )
    if isinstance(step_size, str):
        fix = "J has no minimum here: lower reg_weight, or take another critic"
    else:
        fix = f"Lower step_size (now {step_size:g})"
    raise Diverged(
        f"The objective blew up at step {last.step + 1}: expected it to fall, got a data term of "
        f"{p.data_term.max():.3g}. {fix}; the last finite iterate is in `.last`.",
        last,
    )


def warn_if_unstable(step_size: float, limit: float, name: str) -> None:
    """Warn if a step size is at or past a stability limit.

    The warning names the line of the user, four frames above.

    >>> warn_if_unstable(0.3, limit=1.0, name="1/||A||^2")
    """
    if step_size >= limit:
        warnings.warn(
            f"step_size {step_size:g} is at or past the stability limit {name} = {limit:.3g}: expect divergence. "
            "Choose a smaller one.",
            stacklevel=4,
        )


class Climb:
    """How far J ends above the least that it has had, for each image as a share of its fall: (B,).

    A step size below a solver's limit makes J fall to the end. Past it, x jumps to and fro across the minimum, at a
    height that depends on the step size. So this looks at the higher one of the last two iterates.

    >>> from advreg_edu.operators import Identity
    >>> y = torch.ones(1, 1, 8, 8)
    >>> J = Objective(Identity((1, 8, 8)), y, lambda x: x.square().flatten(1).sum(1), reg_weight=1.0)
    >>> climb = Climb(J, J(y))
    >>> for x in (0.5 * y, 0.75 * y):  # J is 64, 32 and 40
    ...     climb(J(x))
    >>> climb.share
    tensor([0.2500])
    """

    def __init__(self, J: Objective, start: Point) -> None:
        self.first = self.least = start.objective
        self.now = self.before = torch.zeros_like(start.objective)
        self.rounding = 10 * J.rounding(start)

    def __call__(self, p: Point) -> None:
        self.least = torch.minimum(self.least, p.objective)
        self.now, self.before = p.objective - self.least, self.now

    @property
    def share(self) -> torch.Tensor:
        """The height of the last two iterates above the least J before them, over J(x_0) - min J."""
        height = torch.maximum(self.now, self.before)
        return torch.where(height > self.rounding, height / (self.first - self.least), 0)

    def warn(self, step_size: float) -> None:
        """Warn if J has climbed by over a hundredth of its fall. The warning names the line that asks for iterates."""
        if (share := self.share.max()) > 0.01:
            how = f"climbed by {share:.2g} of its fall" if share.isfinite() else "climbed and never fallen"
            warnings.warn(
                f"step_size {step_size:g} is too large for this critic: at the end the objective has {how}, and the "
                'last iterate is no minimum. Choose a smaller one, or let the solver find it: step_size="auto".',
                stacklevel=3,
            )
