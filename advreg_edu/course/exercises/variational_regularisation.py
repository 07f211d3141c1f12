"""Notebook 02: the largest step, the gradient of smoothed total variation, and a weight without the truth."""

from collections.abc import Callable

import torch

from ...baselines import SmoothedTV
from ..exercise import Answer, Exercise
from .toys import Tensor, normal, uniform

LARGEST_STEP = Exercise(
    name="02c",
    title="The largest step",
    call="largest_step(norm_A, reg_weight, L_f)",
    draw=lambda g, case: ((0.5, 3.0, 1.7)[case], (0.7, 0.2, 2.5)[case], 4 + 12 * float(uniform(g, 1))),
    reference=lambda norm_A, w, L: 2 / (2 * norm_A**2 + w * L),
    mistakes={
        "data term alone": (lambda n, w, L: 1 / n**2, "The regulariser is curved too, and its weight counts."),
        "regulariser alone": (lambda n, w, L: 2 / (w * L), "The data term is curved too."),
        "half of it": (
            lambda n, w, L: 1 / (2 * n**2 + w * L),
            "This step is safe, but the question was for the limit.",
        ),
        "2 for both": (
            lambda n, w, L: 1 / (n**2 + w * L),
            "L_f is the curvature of f as it stands, without a factor 2.",
        ),
        "half in the data term": (
            lambda n, w, L: 2 / (n**2 + w * L),
            "Our data term has no factor 1/2. What is then the gradient of it, and its curvature?",
        ),
        "norm not squared": (lambda n, w, L: 2 / (2 * n + w * L), "In the gradient of the data term A appears twice."),
        "without its weight": (lambda n, w, L: 2 / (2 * n**2 + L), "What stands in J is the weight times f."),
        "curvature": (lambda n, w, L: 2 * n**2 + w * L, "This is the curvature L. The step is bounded by 2/L."),
    },
    hints=("First find L, the largest curvature of J. It is a sum of two parts.", "The limit is 2/L."),
    solution="""\
def largest_step(norm_A, reg_weight, L_f):
    return 2 / (2 * norm_A**2 + reg_weight * L_f)""",
    praise="With norms below and above 1, where a missing square would show.",
)


def _autograd(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor, float], Tensor]:
    def gradient(x: Tensor, beta: float) -> Tensor:
        x = x.detach().requires_grad_()
        return torch.autograd.grad(f(x).sum(), x)[0]

    return gradient


def _smoothed(x: Tensor, beta: float) -> Tensor:
    return _autograd(SmoothedTV(beta))(x, beta)


def _differences(x: Tensor) -> tuple[Tensor, Tensor]:
    d_rows, d_columns = torch.zeros_like(x), torch.zeros_like(x)
    d_rows[..., :-1, :], d_columns[..., :-1] = x.diff(dim=-2), x.diff(dim=-1)
    return d_rows, d_columns


def _back(d_rows: Tensor, d_columns: Tensor) -> Tensor:
    """The adjoint of `_differences`, for fields that are 0 in the last row and column."""
    return d_rows.roll(1, -2) - d_rows + d_columns.roll(1, -1) - d_columns


def _isotropic(divide_by: Callable[[Tensor, float], Tensor | float]) -> Answer:
    def gradient(x: Tensor, beta: float) -> Tensor:
        a, b = _differences(x)
        root = divide_by((a**2 + b**2).sqrt(), beta)
        return _back(a / root, b / root)

    return gradient


def _anisotropic(x: Tensor, beta: float) -> Tensor:
    a, b = _differences(x)
    return _back(a / (a**2 + beta**2).sqrt(), b / (b**2 + beta**2).sqrt())


def _circular(x: Tensor, beta: float) -> Tensor:
    a, b = x.roll(-1, -2) - x, x.roll(-1, -1) - x
    root = (a**2 + b**2 + beta**2).sqrt()
    return _back(a / root, b / root)


GRADIENT_OF_TV = Exercise(
    name="02b",
    title="The gradient of smoothed TV",
    call="grad_tv(x, beta)",
    draw=lambda g, case: (
        uniform(g, *((1, 1, 6, 9), (2, 1, 8, 5), (1, 3, 7, 7))[case]),
        (0.1, 0.3, 0.05)[case],
    ),
    reference=_smoothed,
    mistakes={
        "sign": (lambda x, beta: -_smoothed(x, beta), "Right but for the sign: this direction makes f smaller."),
        "anisotropic": (_anisotropic, "Rows and columns share one root. Yours has a root for each."),
        "beta outside": (
            _isotropic(lambda size, beta: size + beta),
            "Look where beta stands: under the root, squared, or beside it?",
        ),
        "beta not squared": (
            _isotropic(lambda size, beta: (size**2 + beta).sqrt()),
            "Under the root beta is squared.",
        ),
        "no root": (_isotropic(lambda size, beta: 1.0), "Without the root this is the gradient of Tikhonov, halved."),
        "Tikhonov": (_isotropic(lambda size, beta: 0.5), "This is the gradient of Tikhonov: there is no root in it."),
        "no beta": (
            _isotropic(lambda size, beta: size.clamp_min(1e-12)),
            "The smoothing is missing: what happens where the image is flat?",
        ),
        "circular": (_circular, "Right inside. There is no difference beyond the last row and the last column."),
        "no adjoint": (lambda x, b: sum(_differences(x)) / (_squares(x) + b**2).sqrt(), "The adjoint is missing."),
        "one direction": (
            lambda x, beta: (lambda a: a.roll(1, -2) - a)(_differences(x)[0] / (_squares(x) + beta**2).sqrt()),
            "Only one of the two directions came back. Both differences hold the pixel.",
        ),
    },
    hints=(
        "By the chain rule the derivative of the root is (d_rows, d_columns) / root: two images again.",
        "They come back to one image by the adjoint of the difference, once for the rows and once for the columns.",
        "If both differences are 0 in the last row or column, the adjoint along the rows is p.roll(1, -2) - p.",
    ),
    solution="""\
def grad_tv(x, beta):
    pad = torch.nn.functional.pad
    d_rows, d_columns = pad(x.diff(dim=2), (0, 0, 0, 1)), pad(x.diff(dim=3), (0, 1))
    root = (d_rows**2 + d_columns**2 + beta**2).sqrt()
    p, q = d_rows / root, d_columns / root
    return p.roll(1, 2) - p + q.roll(1, 3) - q""",
    praise="The same as automatic differentiation, on three images of three shapes.",
)


def _squares(x: Tensor) -> Tensor:
    a, b = _differences(x)
    return a**2 + b**2


def _ridge(y: Tensor) -> Callable[[float], Tensor]:
    flat = y.mean()
    return lambda weight: flat + (y - flat) / (1 + float(weight))


def _shrink(y: Tensor) -> Callable[[float], Tensor]:
    flat, size = y.mean(), float((y - y.mean()).norm())
    return lambda weight: flat + (y - flat) * max(0.0, 1 - float(weight) / 2 / size)


def _denoiser(g: torch.Generator, case: int) -> tuple[Callable[[float], Tensor], Tensor, float]:
    size, sigma, kind = ((16, 0.1, _ridge), (20, 0.15, _shrink), (24, 0.08, _ridge))[case]
    sigma *= float(0.7 + 0.6 * uniform(g, 1))
    y = (uniform(g, 1, 1, size, size) > 0.5).double() + sigma * normal(g, 1, 1, size, size)
    return kind(y), y, sigma


def _bisect(target: Callable[[int, float], float]) -> Answer:
    """The weight whose data term is the target, a function of n and sigma."""

    def choose(denoise: Callable[[float], Tensor], y: Tensor, sigma: float) -> float:
        low, high, wanted = 0.0, 1e4, target(y.numel(), sigma)
        for _ in range(100):
            middle = (low + high) / 2
            too_large = float((denoise(middle) - y).square().sum()) > wanted
            low, high = (low, middle) if too_large else (middle, high)
        return middle

    return choose


def _data_term(answer: Answer, denoise: Callable[[float], Tensor], y: Tensor, sigma: float) -> float:
    """The data term at the weight that an answer chose, in units of what the noise leaves."""
    return float((denoise(float(answer(denoise, y, sigma))) - y).square().sum()) / (sigma**2 * y.numel())


MOROZOV = Exercise(
    name="02a",
    title="A weight without the truth",
    call="morozov(denoise, y, sigma)",
    draw=_denoiser,
    observe=_data_term,
    tolerance=0.05,
    reference=_bisect(lambda n, sigma: sigma**2 * n),
    mistakes={
        "one pixel": (
            _bisect(lambda n, sigma: sigma**2),
            "The data term is a sum over all pixels; you compare it with the noise of one.",
        ),
        "norm": (
            _bisect(lambda n, sigma: (sigma**2 * n) ** 2),
            "One side is a norm and the other a norm squared.",
        ),
        "half": (
            _bisect(lambda n, sigma: 2 * sigma**2 * n),
            "Your data term is twice what the noise leaves. Our data term has no factor 1/2.",
        ),
        "sigma": (_bisect(lambda n, sigma: sigma * n), "The variance of the noise is the square of sigma."),
        "nothing removed": (lambda denoise, y, sigma: 0.0, "This weight leaves the data as they are."),
        "fixed": (lambda denoise, y, sigma: 0.22, "The weight is the same for every noise level."),
    },
    hints=(
        "The data term of denoise(weight) grows with the weight. You look for the weight at which it is sigma^2 n.",
        "Halve an interval: if the data term in its middle is too large, go on with the lower half.",
        "Start with an interval from 0 to a weight that is surely too large, such as 1000, and halve it 50 times.",
    ),
    solution="""\
def morozov(denoise, y, sigma):
    low, high = 0.0, 1000.0
    for _ in range(50):
        weight = (low + high) / 2
        data_term = (denoise(weight) - y).square().sum()
        low, high = (low, weight) if data_term > sigma**2 * y.numel() else (weight, high)
    return weight""",
    praise="The data term is what the noise alone would leave, within 5 %, for two regularisers.",
)

EXERCISES = (MOROZOV, GRADIENT_OF_TV, LARGEST_STEP)
