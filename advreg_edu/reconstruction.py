"""Reconstruction with a learned regulariser, iterate by iterate. Paper: §3.1, Algorithm 2 and Eq. 5."""

import math
import warnings
from dataclasses import dataclass

import torch

from . import cores
from ._checks import check_batch, check_choice, check_count, check_finite, check_images, check_number
from .operators import check_measurement, inner, squared_norm
from .problem import check_problem

METHODS = ("gradient-descent", "accelerated", "forward-backward")


@dataclass(frozen=True)
class Iterate:
    """x_k and the parts of the objective J(x) = ||Ax - y||^2 + lambda Psi(x) at x_k, each per image (B,)."""

    step: int  # k; 0 is the start
    x: torch.Tensor  # (B, C, H, W)
    objective: torch.Tensor  # J(x_k)
    data_term: torch.Tensor  # ||A x_k - y||^2
    regularizer: torch.Tensor  # Psi(x_k), without lambda
    gradient_norm: torch.Tensor  # ||grad J(x_k)||

    def __repr__(self):
        mean = lambda t: f"{t.mean():.4g}"
        return f"Iterate(step={self.step}, objective={mean(self.objective)}, gradient_norm={mean(self.gradient_norm)})"


class Diverged(ValueError):
    """The objective blew up. `last` is the last finite iterate."""

    def __init__(self, message, last):
        super().__init__(message)
        self.last = last


def reconstruct(
    problem, y, critic, reg_weight, step_size=0.3, steps=100, method="gradient-descent", stop=None, x0=None
):
    """Minimise ||Ax - y||^2 + lambda Psi(x) from A†y; yields the start and every iterate, so steps + 1 of them at most.

    Args:
        problem: operator A and noise level sigma (used by `stop="discrepancy"` only).
        y: measurements (B, *A.range_shape), finite.
        critic: Psi, (B, C, H, W) to (B,), differentiable.
        reg_weight: lambda >= 0, see `weight_from_noise`.
        step_size: epsilon > 0 of Alg. 2. The data term alone is stable below 1 / ||A||^2; the critic's curvature lowers
            the limit. With momentum it is 2/3 of that. A larger value warns at once. Forward-backward has no such limit
            from the data term.
        steps: iterations.
        method: "gradient-descent" (the paper), "accelerated" (Nesterov's momentum, restarted where it points uphill;
            O'Donoghue and Candès 2015) or "forward-backward" (explicit in Psi, implicit in the data term; §3.1
            names it).
        stop: None runs all steps; a tolerance t stops when ||x_{k+1} - x_k|| <= t ||x_k|| for every image;
            "discrepancy" (Morozov) when ||Ax - y|| has grown or fallen to its expected value sqrt(E ||e||^2), once at
            least for every image.
        x0: start, if not A†y.

    Yields: Iterate. Raises Diverged (a ValueError) with the last finite iterate when the objective blows up.
    No ground truth enters.
    """
    A, weight, x = _checked(problem, y, critic, reg_weight, step_size, steps, method, stop, x0)
    advance = {"gradient-descent": _descend, "accelerated": _Momentum(), "forward-backward": _forward_backward}[method]
    cores.use_free()
    it, gradients = _evaluate(A, y, critic, weight, x, 0)  # Alg. 2, line 1: x <- A† y
    check_finite(it.objective, "objective of the start, by critic and reg_weight")
    first, finished = it, _Finished(stop, problem)
    yield it
    for k in range(1, steps + 1):  # Alg. 2, line 2
        cores.use_free()
        x = advance(A, it.x, y, gradients, weight, critic, step_size)
        previous, (it, gradients) = it, _evaluate(A, y, critic, weight, x, k)
        _stop_if_blown_up(it, previous, y, step_size, first)
        yield it
        if finished(previous, it):
            return


def gradient(critic, x):
    """Psi(x) and grad Psi(x): (B,) and (B, C, H, W)."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        psi = critic(x)
        check_batch(psi, "critic(x)", (), "one number per image")
        (grad,) = torch.autograd.grad(psi.sum(), x)
    return psi.detach(), grad


def _evaluate(A, y, critic, weight, x, k):
    """The iterate at x, with the gradients of both terms there."""
    residual = A(x) - y
    psi, grad_psi = gradient(critic, x)
    data, grad_data = squared_norm(residual), 2 * A.T(residual)
    norm = squared_norm(grad_data + weight * grad_psi).sqrt()
    return Iterate(k, x, data + weight * psi, data, psi, norm), (grad_data, grad_psi)


def _descend(A, x, y, gradients, weight, critic, step_size):
    """Alg. 2, line 3: x <- x - epsilon grad (||Ax - y||^2 + lambda Psi(x))."""
    grad_data, grad_psi = gradients
    return x - step_size * (grad_data + weight * grad_psi)


class _Momentum:
    """Nesterov: the gradient step is taken at z = x + beta (x - x_previous); an image's beta restarts at 0 if it points
    uphill. Beta tends to 1, so that steps up to 2/3 of gradient descent's limit are stable."""

    def __init__(self):
        self.previous, self.age = None, None

    def __call__(self, A, x, y, gradients, weight, critic, step_size):
        if self.previous is None:
            self.previous, self.age = x, x.new_zeros(len(x))
        z = x + _column(self.age / (self.age + 3)) * (x - self.previous)
        grad = 2 * A.T(A(z) - y) + weight * gradient(critic, z)[1]
        new = z - step_size * grad
        self.previous, self.age = x, torch.where(inner(grad, new - x) > 0, 0, self.age + 1)
        return new


def _forward_backward(A, x, y, gradients, weight, critic, step_size):
    """x <- argmin_u ||Au - y||^2 + ||u - (x - epsilon lambda grad Psi(x))||^2 / (2 epsilon), by conjugate gradients.

    For denoising, inpainting and MRI A*A has the eigenvalues 0, 1/2 and 1 at most: three steps are exact.
    """
    v = x - step_size * weight * gradients[1]
    operator = lambda u: u + 2 * step_size * A.T(A(u))
    return _conjugate_gradients(operator, v + 2 * step_size * A.T(y), x)


def _conjugate_gradients(operator, b, u, iterations=20):
    """Solve operator(u) = b for a symmetric positive operator, each image of the batch on its own."""
    tolerance = 10 * torch.finfo(b.dtype).eps
    r = b - operator(u)
    p, rr, bb = r, squared_norm(r), squared_norm(b)
    for _ in range(iterations):
        if (rr <= tolerance**2 * bb).all():
            break
        q = operator(p)
        alpha = rr / inner(p, q).clamp_min(1e-30)
        u, r = u + _column(alpha) * p, r - _column(alpha) * q
        rr, old = squared_norm(r), rr
        p = r + _column(rr / old.clamp_min(1e-30)) * p
    return u


def _column(numbers):
    """(B,) as (B, 1, 1, 1): one factor per image."""
    return numbers[:, None, None, None]


class _Finished:
    """The stopping rule, asked after every step."""

    def __init__(self, stop, problem):
        self.stop, self.crossed = stop, False
        self.expected = problem.sigma**2 * _degrees_of_freedom(problem.A)

    def __call__(self, previous, it):
        if self.stop is None:
            return False
        if self.stop == "discrepancy":
            side = lambda it: it.data_term > self.expected
            self.crossed = self.crossed | (side(previous) != side(it))
            return bool(self.crossed.all())
        change = squared_norm(it.x - previous.x).sqrt()
        return bool((change <= self.stop * squared_norm(previous.x).sqrt()).all())


def _degrees_of_freedom(A):
    """Real numbers that A measures, so that E ||e||^2 = sigma^2 times it."""
    mask = getattr(A, "mask", None)
    seen = math.prod(A.range_shape) if mask is None else float(mask.sum()) * A.range_shape[0]
    return seen * (2 if A.complex_range else 1)


def _stop_if_blown_up(it, last, y, step_size, first):
    bound = 1e3 * (squared_norm(y) + first.data_term) + 1
    if torch.isfinite(it.objective).all() and (it.data_term <= bound).all():
        return
    raise Diverged(
        f"The objective blew up at step {it.step}: expected it to fall, got a data term of {it.data_term.max():.3g}. "
        f"Lower step_size (now {step_size:g}); the last finite iterate is in `.last`.",
        last,
    )


def _checked(problem, y, critic, reg_weight, step_size, steps, method, stop, x0):
    """Everything that can be wrong is found here, before the first product with A."""
    check_problem(problem)
    check_choice(method, "method", METHODS)
    A = problem.A
    check_measurement(A, y)
    check_finite(y, "y")
    weight = check_number(reg_weight, "reg_weight", low=0, fix="Take weight_from_noise(problem).")
    step_size = check_number(step_size, "step_size", low=0, above=True, fix="Try 0.3 / A.norm**2.")
    check_count(steps, "steps", 0)
    if stop not in (None, "discrepancy"):
        check_number(stop, "stop", low=0, fix='Give None, a relative tolerance such as 1e-4, or "discrepancy".')
    x = problem.naive(y) if x0 is None else x0
    check_images(x, "x0", A.domain_shape, unit_range=False)
    x = x.detach()
    if len(x) != len(y):
        raise ValueError(f"x0: expected {len(y)} images, as many as in y, got {len(x)}. Repeat it: x0.expand(...).")
    channels = getattr(critic, "channels", A.domain_shape[0])
    if channels != A.domain_shape[0]:
        raise ValueError(
            f"critic: expected one for {A.domain_shape[0]} channel(s) as in {A}, got one for {channels}. "
            f"Build it with channels={A.domain_shape[0]} or load another."
        )
    share, name = {"accelerated": (2 / 3, "2/3/||A||^2")}.get(method, (1.0, "1/||A||^2"))
    limit = share / A.norm**2
    if method != "forward-backward":
        warn_if_unstable(step_size, limit, name)
    return A, weight, x


def warn_if_unstable(step_size, limit, name):
    """Warn about the line of the user: `reconstruct` is two calls above, `red` is one and torch's decorator another."""
    if step_size >= limit:
        warnings.warn(
            f"step_size {step_size:g} is at or past the stability limit {name} = {limit:.3g}: expect divergence. "
            "Choose a smaller one.",
            stacklevel=4,
        )
