"""How Algorithm 2 goes from x_k to x_{k+1}, with a step size that is given or found. Paper: §3.1; Alg. 2, line 3."""

import torch

from ..operators import inner, squared_norm
from .objective import column

METHODS = ("gradient-descent", "accelerated", "forward-backward")


class GivenStep:
    """One step size for all images and iterates, as in the paper."""

    def __init__(self, method, step):
        self.step = step
        self.advance = {METHODS[0]: descend, METHODS[1]: Momentum(), METHODS[2]: forward_backward}[method]

    def __call__(self, J, p):
        """The next point, and whether each image has moved: (B,)."""
        return J(self.advance(J, p, self.step)), torch.ones_like(p.objective, dtype=torch.bool)


class FoundStep:
    """A step size for each image, found on the way, with which J never rises (not in the paper).

    An image moves if that makes J fall; else it stays where it is for this iterate and halves its step. So an iterate
    costs one evaluation of the critic, whatever happens. After a move s that changed the gradient by v the next step is
    <s, v> / ||v||^2, one over the curvature met (Barzilai and Borwein 1988), or twice the last where that is negative.

    "accelerated" takes the gradient at z = x + beta (x - x_previous), as `Momentum` does, but extrapolates it from the
    last two, which is exact for a quadratic J, and lets the step grow by a tenth at most. An image whose J would rise
    first loses its momentum, then halves its step. For "forward-backward" the curvature is that of lambda Psi alone.
    """

    def __init__(self, method, start, step):
        self.method, self.step = method, torch.full_like(start.objective, step)  # (B,)
        self.before, self.age = start, torch.zeros_like(self.step)  # x_{k-1}, and for how many iterates it has momentum

    def __call__(self, J, p):
        """The next point, and whether each image has moved: (B,)."""
        step = column(self.step)
        if self.method == "forward-backward":
            new = J(forward_backward(J, p, step))
            change = J.weight * (new.grad_psi - p.grad_psi)
        else:
            beta = column(self.age / (self.age + 3))  # without momentum 0, and z = x
            z = p.x + beta * (p.x - self.before.x)
            new = J(z - step * (p.gradient + beta * (p.gradient - self.before.gradient)))  # Alg. 2, line 3
            change = new.gradient - p.gradient
        moved = fell(J, p, new, self.step)
        self._learn(p, new, change, moved)
        return new.where(moved, p), moved

    def _learn(self, p, new, change, moved):
        """The next step size and age of the momentum."""
        s = new.x - p.x
        curvature = inner(s, change)
        step = torch.where(curvature > 0, curvature / squared_norm(change), 2 * self.step)
        if self.method == "accelerated":
            step = torch.minimum(step, 1.1 * self.step)
        self.step = torch.where(moved, step, torch.where(self.age == 0, self.step / 2, self.step))
        if self.method == "accelerated":
            downhill = inner(new.gradient, s) < 0
            self.before, self.age = p, torch.where(moved & downhill, self.age + 1, 0)


def fell(J, p, new, step):
    """Whether J fell from p to new by a share of what a step of that size promises, ||x_new - x||^2 / epsilon (Armijo).

    Where J changes by less than its rounding the slopes at both ends tell how it changed (Hager and Zhang 2005).
    """
    s, fall = new.x - p.x, p.objective - new.objective
    least = 1e-4 * squared_norm(s) / step
    fall_by_slopes = -inner(p.gradient + new.gradient, s) / 2  # exact for a quadratic J
    return (fall >= least) | (fall >= -J.rounding(p)) & (fall_by_slopes >= least)


def descend(J, p, step):
    """Alg. 2, line 3: x <- x - epsilon grad (||Ax - y||^2 + lambda Psi(x))."""
    return p.x - step * p.gradient


class Momentum:
    """Nesterov: the gradient step is taken at z = x + beta (x - x_previous); an image's beta restarts at 0 if it points
    uphill. Beta tends to 1, so that steps up to 2/3 of gradient descent's limit are stable."""

    def __init__(self):
        self.previous, self.age = None, None

    def __call__(self, J, p, step):
        x = p.x
        if self.previous is None:
            self.previous, self.age = x, x.new_zeros(len(x))
        z = x + column(self.age / (self.age + 3)) * (x - self.previous)
        grad = J(z).gradient
        new = z - step * grad
        self.previous, self.age = x, torch.where(inner(grad, new - x) > 0, 0, self.age + 1)
        return new


def forward_backward(J, p, step):
    """x <- argmin_u ||Au - y||^2 + ||u - (x - epsilon lambda grad Psi(x))||^2 / (2 epsilon), by conjugate gradients.

    For denoising, inpainting and MRI A*A has the eigenvalues 0, 1/2 and 1 at most: three steps are exact.
    """
    v = p.x - step * J.weight * p.grad_psi
    operator = lambda u: u + 2 * step * J.A.T(J.A(u))
    return conjugate_gradients(operator, v + 2 * step * J.A.T(J.y), p.x)


def conjugate_gradients(operator, b, u, iterations=20):
    """Solve operator(u) = b for a symmetric positive operator, each image of the batch on its own."""
    tolerance = 10 * torch.finfo(b.dtype).eps
    r = b - operator(u)
    p, rr, bb = r, squared_norm(r), squared_norm(b)
    for _ in range(iterations):
        if (rr <= tolerance**2 * bb).all():
            break
        q = operator(p)
        alpha = rr / inner(p, q).clamp_min(1e-30)
        u, r = u + column(alpha) * p, r - column(alpha) * q
        rr, old = squared_norm(r), rr
        p = r + column(rr / old.clamp_min(1e-30)) * p
    return u
