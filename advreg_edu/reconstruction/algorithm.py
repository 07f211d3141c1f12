"""Algorithm 2: reconstruction with a learned regulariser, iterate by iterate. Paper: §3.1, Algorithm 2 and Eq. 5."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from .._input.arguments import check_count, check_finite, check_images, check_number
from .._input.networks import check_network, computing_type, to_float_type
from ..critics import Critic
from ..hardware.cores import use_free
from ..operators import check_measurement
from ..problem import Problem, check_problem
from .divergence import Climb, stop_if_blown_up, warn_if_unstable
from .objective import Iterate, Objective, Point, norm
from .solvers import Solver, check_method
from .step_sizes import FoundStep, GivenStep, Stepper
from .stopping import NotConverged, Rule, check_stop, stopping_rule


def reconstruct(
    problem: Problem,
    y: torch.Tensor,
    critic: Critic,
    reg_weight: float | torch.Tensor,
    step_size: float | str = "auto",
    steps: int = 100,
    method: str | Solver = "gradient-descent",
    stop: str | float | None = None,
    x0: torch.Tensor | None = None,
    tolerance: float = 0.01,
) -> Iterator[Iterate]:
    """Minimise ||Ax - y||^2 + lambda Psi(x) from A†y, and yield the start and every iterate: steps + 1 at most.

    Args:
        problem: operator A and noise level sigma (used by `stop="discrepancy"`, and by "gradient" where lambda is 0).
        y: measurements (B, *A.range_shape), finite. They are constants: no derivative goes through the iterates to y.
        critic: Psi, (B, C, H, W) to (B,), differentiable: a network or a function. What is computed has the type of its
            weights, at least float32; x comes back in the type of y.
        reg_weight: lambda >= 0, see `weight_from_noise`.
        step_size: epsilon > 0 of Alg. 2. The data term alone is stable below 1 / ||A||^2; the critic's curvature lowers
            the limit. With momentum it is 2/3 of that. A larger value warns at once. Forward-backward has no such limit
            from the data term, but one from the critic, which nobody knows before the run: where J ends above what it
            has been, the run warns. "auto" finds a step size for each image, with which J never rises: an image whose J
            would rise stays where it is for that iterate. It starts at 1 / (2 ||A||^2). The default, since no number is
            right for every critic: 0.3 suits those for CT and ruins photographs. A solver of your own needs a number.
        steps: iterations at most. One costs one evaluation of the critic with its gradient, two if "accelerated" and
            `step_size` is a number.
        method: "gradient-descent" (the paper), "accelerated" (Nesterov's momentum, restarted where it points uphill;
            O'Donoghue and Candès 2015) or "forward-backward" (explicit in Psi, implicit in the data term; §3.1
            names it). Or a solver of your own: a function (J, p, step_size) to x_{k+1}, or an object that is called so.
            `solvers.Solver` says what J and p have, and has heavy-ball momentum as an example.
        stop: None runs all steps; "gradient" stops at a minimum, ||grad J|| <= tolerance * lambda; "discrepancy"
            (Morozov) near one, ||grad J|| <= 5 tolerance * lambda, once ||Ax - y|| is at most its expected value
            sqrt(E ||e||^2). With both, an image that is there waits for the others. A number t stops when
            ||x_{k+1} - x_k|| <= t ||x_k|| for every image. If `steps` run out first, it warns `NotConverged`, and the
            last iterate is not `stopped`.
        x0: start, if not A†y.
        tolerance: of `stop="gradient"` and "discrepancy".

    Yields: Iterate. Raises ValueError or TypeError for bad input at the call, before the first iterate is asked for;
    Diverged (a ValueError) with the last finite iterate when the objective blows up. No ground truth enters.

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.Identity((1, 8, 8)), sigma=0.1)
    >>> energy = lambda x: x.square().flatten(1).sum(1)  # in the place of a trained critic
    >>> for it in reconstruct(problem, torch.ones(1, 1, 8, 8), energy, reg_weight=1.0, step_size=0.1, steps=2):
    ...     print(it)
    Iterate(step=0, objective=64, gradient_norm=16)
    Iterate(step=1, objective=43.52, gradient_norm=9.6)
    Iterate(step=2, objective=36.15, gradient_norm=5.76)
    """
    y, x, weight, dtype = _started(problem, y, critic, reg_weight, step_size, steps, method, stop, x0, tolerance)
    J = Objective(problem.A, y, critic, weight)
    rule = stopping_rule(stop, tolerance, problem, y, weight)
    return _iterates(J, x, method, step_size, int(steps), rule, stop, dtype)


def _iterates(
    J: Objective,
    x: torch.Tensor,
    method: Any,
    step_size: float | str,
    steps: int,
    rule: Rule,
    stop: str | float | None,
    dtype: torch.dtype,
) -> Iterator[Iterate]:
    """The iterates of Algorithm 2, from checked arguments; their x has the type `dtype`."""
    use_free()
    p = first = J(x)
    check_finite(p.objective, "objective of the start, by critic and reg_weight")
    found = step_size == "auto"
    advance: Stepper = FoundStep(method, p, 0.5 / J.A.norm**2) if found else GivenStep(method, float(step_size))
    done, climb = rule(p), Climb(J, p)
    it = _iterate(0, p, advance, done)
    yield _in_type(it, dtype)
    for k in range(1, steps + 1):  # Alg. 2, line 2
        if it.stopped:
            break
        use_free()
        previous = p
        p, moved = advance(J, p)  # line 3: `descend` in solvers.py; with "auto" `FoundStep` in step_sizes.py
        if rule.waits:
            p = previous.where(done, p)
        stop_if_blown_up(p, it, J.y, step_size, first)
        climb(p)
        done = rule(p, previous, moved)
        it = _iterate(k, p, advance, done)
        yield _in_type(it, dtype)
    if not isinstance(step_size, str):
        climb.warn(step_size)
    if stop is not None and not it.stopped:
        fix = "Raise steps." if found else 'Raise steps, or let the solver find its step: step_size="auto".'
        missed = rule.missed(p)
        warnings.warn(f"steps: {steps} ran out before the rule stop={stop!r} was met: {missed}. {fix}", NotConverged, 2)


def _iterate(k: int, p: Point, advance: Stepper, done: torch.Tensor) -> Iterate:
    epsilon = torch.zeros_like(p.objective) + advance.step_size
    stopped = bool(done.all())
    return Iterate(k, p.x, p.objective, p.data_term, p.regularizer, norm(p.gradient), epsilon, stopped)


def _in_type(it: Iterate, dtype: torch.dtype) -> Iterate:
    return it if it.x.dtype == dtype else replace(it, x=it.x.to(dtype))


def _started(
    problem: Problem,
    y: torch.Tensor,
    critic: Critic,
    reg_weight: float | torch.Tensor,
    step_size: float | str,
    steps: int,
    method: str | Solver,
    stop: str | float | None,
    x0: torch.Tensor | None,
    tolerance: float,
) -> tuple[torch.Tensor, torch.Tensor, float, torch.dtype]:
    """y and the start as it is computed with, lambda, and the type of the caller's y.

    Everything that can be wrong is found here, before the first evaluation of the critic.
    """
    check_problem(problem)
    check_method(method, step_size)
    A = problem.A
    check_measurement(A, y)
    check_finite(y, "y")
    check_network(critic)
    weight = check_number(reg_weight, "reg_weight", low=0, fix="Take weight_from_noise(problem).")
    if not isinstance(step_size, str) or step_size != "auto":
        check_number(step_size, "step_size", low=0, above=True, fix='Try 0.3 / A.norm**2, or "auto".')
    check_count(steps, "steps", 0)
    check_stop(stop, tolerance)
    dtype, y = y.real.dtype, to_float_type(y.detach(), computing_type(critic, y))
    x = problem.naive(y) if x0 is None else x0  # Alg. 2, line 1: x <- A†y
    check_images(x, "x0", A.domain_shape, unit_range=False)
    x = x.detach().to(y.real.dtype)
    if len(x) != len(y):
        raise ValueError(f"x0: expected {len(y)} images, as many as in y, got {len(x)}. Repeat it: x0.expand(...).")
    channels = getattr(critic, "channels", A.domain_shape[0])
    if channels != A.domain_shape[0]:
        raise ValueError(
            f"critic: expected one for {A.domain_shape[0]} channel(s) as in {A}, got one for {channels}. "
            f"Build it with channels={A.domain_shape[0]} or load another."
        )
    limits = {"gradient-descent": (1.0, "1/||A||^2"), "accelerated": (2 / 3, "2/3/||A||^2")}
    if isinstance(method, str) and method in limits and not isinstance(step_size, str):
        share, name = limits[method]
        warn_if_unstable(step_size, share / A.norm**2, name)
    return y, x, weight, dtype
