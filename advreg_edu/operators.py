"""Linear operators A with their adjoint A* and regularised pseudo-inverse A†.

Paper: §2.1, Eq. 1 (the operators of denoising, inpainting, MRI and CT) and §3.1 (the pseudo-inverse A†_δ).
All of them are batched, differentiable by autograd, and work in plain Euclidean coordinates on any device.
"""

import math

import torch

from ._checks import FLOATS, as_tensor, check_batch, check_count, check_float, check_number, shown


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
        from ._odl import as_odl

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


class _Masked(LinearOperator):
    """What inpainting and Fourier sampling share: a mask of the numbers that are measured."""

    def __init__(self, mask, channels):
        mask = as_tensor(mask, "mask", "Give a matrix (H, W) of zeros and ones.")
        if mask.ndim != 2 or not mask.numel() or not ((mask == 0) | (mask == 1)).all():
            raise ValueError(
                f"mask: expected a matrix (H, W) of zeros and ones, 1 = measured, got shape {tuple(mask.shape)} with "
                f"values {mask.unique()[:5].tolist()}. Threshold it: (mask > 0.5)."
            )
        if not mask.any():
            raise ValueError("mask: expected at least one 1 (= measured), got only zeros. Invert it if 1 marks holes.")
        self.mask = mask.float()
        shape = (check_count(channels, "channels"), *mask.shape)
        super().__init__(shape, shape)

    def _measured(self, y):
        return y * self.mask.to(device=y.device, dtype=y.real.dtype)


class Inpainting(_Masked):
    """A x = mask * x: pixels are seen or not. Paper: §2.1. A† = A*, so holes stay black in A†y.

    Args: mask (H, W), 1 = seen; channels, the number C of colour channels.
    """

    def __init__(self, mask, channels=1):
        super().__init__(mask, channels)

    def _forward(self, x):
        return self._measured(x)

    _adjoint = _forward


class FourierSampling(_Masked):
    """A x = mask * F x with the orthonormal FFT: Cartesian MRI. Paper: §2.1. A† = A* = Re F* mask ("zero filling").

    Args: mask (H, W) in the order of `torch.fft.fft2` (zero frequency first; `torch.fft.ifftshift` brings a centred
    mask into it), 1 = measured; channels, the number C of channels.
    Measurements are complex (B, C, H, W); noise has standard deviation sigma in real and imaginary part each.
    """

    complex_range = True
    types = (torch.float32, torch.float64)  # torch has no Fourier transform of half precision

    def __init__(self, mask, channels=1):
        super().__init__(mask, channels)
        twins = self.mask * self.mask.flip(0, 1).roll((1, 1), (0, 1))  # f and -f measured
        self.norm = 1.0 if twins.any() else math.sqrt(0.5)  # of f alone, a real image gives half its energy

    def _forward(self, x):
        return self._measured(torch.fft.fft2(x, norm="ortho"))

    def _adjoint(self, y):
        return torch.fft.ifft2(self._measured(y), norm="ortho").real.contiguous()


def cartesian_mask(size, fraction=0.3, centre=0.08, generator=None):
    """Lines of k-space, as an MRI scanner takes them: (size, size), rows, zero frequency first (not in the paper).

    The `centre` share of lowest frequencies is always kept, the rest is drawn so that `fraction` of all rows is seen.
    """
    size = check_count(size, "size")
    fraction = check_number(fraction, "fraction", low=0, high=1, above=True, fix="It is the share of rows measured.")
    check_number(centre, "centre", low=0, high=1, fix="It is the share of rows always measured.")
    distance = torch.fft.fftfreq(size).abs()
    chance = torch.rand(size, generator=generator) * (1 - distance)  # low frequencies carry more: prefer them
    chance[distance <= centre / 2] = 2.0
    keep = chance.topk(max(1, round(fraction * size))).indices
    mask = torch.zeros(size, size)
    mask[keep] = 1.0
    return mask


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
