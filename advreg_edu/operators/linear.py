"""Linear operators A with their adjoint A* and regularised pseudo-inverse A†.

Paper: §2.1, Eq. 1 (the operators of denoising, inpainting, MRI and CT) and §3.1 (the pseudo-inverse A†_δ).
All of them are batched, differentiable by autograd, and work in plain Euclidean coordinates on any device.
"""

import torch

from .._input.arguments import FLOATS, check_batch, check_count, check_float, shown


class LinearOperator:
    """A linear map from images (B, *domain_shape) to measurements (B, *range_shape).

    A child gives `_forward` and `_adjoint`, each other's exact transpose for the real inner product
    <u, v> = Re sum(u * conj(v)), and sets `norm` = ||A||, its largest singular value.
    """

    norm = 1.0
    complex_range = False
    types = FLOATS  # of the images that it takes

    def __init__(self, domain_shape, range_shape):
        self.domain_shape, self.range_shape = tuple(domain_shape), tuple(range_shape)

    def __call__(self, x):
        """Ax: (B, *domain_shape) to (B, *range_shape)."""
        check_batch(x, "x", self.domain_shape, f"images for {self}")
        check_type(self, x, "x")
        return _Apply.apply(x, self._forward, self._adjoint)

    @property
    def T(self):
        """The adjoint A*: <Ax, y> = <x, A*y>. `A.T.T is A`."""
        return Adjoint(self)

    def pinv(self, y):
        """A†y, a (regularised) pseudo-inverse. For an orthogonal projection or an isometry it is the adjoint."""
        return self.T(y)

    def random_measurement(self, batch, generator=None, device=None, dtype=torch.float32):
        """Standard normal numbers where A measures, zero elsewhere: (B, *range_shape), the noise e for sigma = 1.

        The draw is made on the CPU, so that the same generator gives the same noise on every device.
        """
        e = torch.randn(batch, *self.range_shape, *[2] * self.complex_range, generator=generator, dtype=dtype)
        return self._measured(torch.view_as_complex(e) if self.complex_range else e).to(device)

    def _measured(self, y):
        return y

    def as_odl(self, batch=None):
        """The same map as an `odl.Operator` on (*domain_shape), or on a batch; cells of side 1, so A* is unchanged.

        Complex measurements become real ones with a last axis of length 2.
        """
        from .odl_bridge import as_odl

        return as_odl(self, batch)

    def __repr__(self):
        return f"{type(self).__name__}({self.domain_shape} -> {self.range_shape})"


class Adjoint:
    """A* as an operator of its own, so that `A.T(y)` reads like the formula."""

    def __init__(self, A):
        self.T, self.norm = A, A.norm
        self.domain_shape, self.range_shape = A.range_shape, A.domain_shape

    def __call__(self, y):
        """A*y: (B, *range_shape) to (B, *domain_shape)."""
        check_measurement(self.T, y)
        return _Apply.apply(y, self.T._adjoint, self.T._forward)

    def __repr__(self):
        return f"{self.T}.T"


class _Apply(torch.autograd.Function):
    """A linear map whose gradient is its adjoint; differentiable any number of times."""

    @staticmethod
    def forward(ctx, x, apply, transpose):
        ctx.maps = apply, transpose
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 is for networks, not for measurements
            return apply(x)

    @staticmethod
    def backward(ctx, grad):
        apply, transpose = ctx.maps
        return _Apply.apply(grad, transpose, apply), None, None


class Identity(LinearOperator):
    """A = I, denoising. Paper: §2.1, §5.2.

    Args: shape (C, H, W) of one image.
    """

    def __init__(self, shape):
        shape = _image_shape(shape)
        super().__init__(shape, shape)

    def _forward(self, x):
        return x.clone()

    _adjoint = _forward


def dot_test(A, generator=None):
    """|<Ax, y> - <x, A*y>| / (||Ax|| ||y||) for random x and y in double precision: zero for an exact adjoint."""
    check_operator(A)
    x = torch.randn(1, *A.domain_shape, generator=generator, dtype=torch.float64)
    y = A.random_measurement(1, generator=generator, dtype=torch.float64)
    Ax, Aty = A(x), A.T(y)
    return (inner(Ax, y) - inner(x, Aty)).abs().squeeze() / (Ax.norm() * y.norm())


def check_operator(A):
    """Raise unless it is a LinearOperator."""
    if not isinstance(A, LinearOperator):
        fix = "Build one, such as Identity((1, 64, 64))."
        raise TypeError(f"A: expected an operator such as Identity or RayTransform, got {type(A).__name__}. {fix}")


def check_measurement(A, y):
    """Raise unless `y` is a batch of measurements of `A`: (B, *A.range_shape), complex or real as A gives them."""
    check_batch(y, "y", A.range_shape, f"measurements of {A}")
    if A.complex_range and not y.is_complex():
        raise TypeError(f"y: expected complex measurements of {A}, got {y.dtype}. Add an imaginary part: y + 0j.")
    if A.complex_range:
        y = y.real
    check_type(A, y, "y")


def check_type(A, x, name):
    """Raise unless `x` has a float type that `A` can take."""
    check_float(x, name)
    if x.dtype not in A.types:
        expected = " or ".join(str(t) for t in A.types)
        raise TypeError(f"{name}: expected {expected} for {A}, got {x.dtype}. Convert it: {name}.float().")


def inner(u, v):
    """<u, v> = Re sum u conj(v) per item of the batch: (B,)."""
    return (u * v.conj()).real.flatten(1).sum(1) if u.is_complex() else (u * v).flatten(1).sum(1)


def squared_norm(u):
    """||u||^2, sum over all but the batch axis: (B,)."""
    return inner(u, u)


def _image_shape(shape):
    if not hasattr(shape, "__len__") or isinstance(shape, str) or len(shape) != 3:
        example = "Example: Identity((3, 128, 128))."
        raise ValueError(f"shape: expected (channels, height, width), got {shown(shape)}. {example}")
    return tuple(check_count(n, "shape") for n in shape)
