"""Every public name times every kind of bad input: a result of the input's type, or an error that says what was
expected, what came, and how to fix it. What reads files is in the tests of the readers."""

import contextlib
import copy
import itertools
import math
import pickle
import re

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu.training import (
    Balanced,
    Eq6,
    EqualLines,
    MeasuredElsewhere,
    NoiseLeft,
    Paired,
    Reflow,
    Unpaired,
    Windows,
    WithIterates,
    algorithm_1,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


X = torch.rand(4, 1, 16, 16, generator=seeded())
MASK = (torch.rand(16, 16, generator=seeded(1)) > 0.5).float()
DENOISING = ar.Problem(ar.Identity((1, 16, 16)), 0.1)
SCANNING, MRI = ar.Problem(ar.RayTransform(16, 5), 0.1), ar.Problem(ar.FourierSampling(MASK), 0.1)
CRITIC = ar.LocalCritic(1, widths=(4, 4)).requires_grad_(False)
NET = ar.UNet(1, widths=(4, 4)).requires_grad_(False)


def last(steps):
    """What a generator ends with; of a training the network's output."""
    *_, it = steps
    return it.x


def trained(train, make, x, **arguments):
    """Trains, in place, a network that has been made as it should be."""
    with torch.inference_mode(False):
        network = make() if make in (small_critic, small_net) else make
    list(train(network, arguments.pop("problem", DENOISING), x, steps=2, batch_size=2, **arguments))


def trained_on(make, x):
    """Trains a new critic on the pairs that `make` makes of x."""
    with torch.inference_mode(False):
        critic = small_critic()
    list(algorithm_1(critic, make(x), Eq6(10.0), steps=2, batch_size=2))


def small_critic():
    return ar.LocalCritic(1, widths=(4, 4))


def small_net():
    return ar.UNet(1, widths=(4, 4))


def reconstructed(problem, y, critic=CRITIC, **arguments):
    return last(ar.reconstruct(problem, y, critic, 0.1, step_size=0.1, steps=2, **arguments))


class Halved:
    """A physics of deepinv, or something with its interface."""

    A = A_adjoint = staticmethod(lambda x: x / 2)
    A_dagger = staticmethod(lambda y: 2 * y)


SHIFT = ar.LinearOperator(lambda x: x.roll(1, -1), lambda y: y.roll(-1, -1), (1, 16, 16), (1, 16, 16))
BRIDGED, FAN = ar.operators.from_deepinv(Halved(), (1, 16, 16)), ar.operators.FanBeam(16, 5)
IMAGES = {  # functions of images, and of measurements that are images
    "Identity": ar.Identity((1, 16, 16)),
    "Inpainting": ar.Inpainting(MASK),
    "FourierSampling": MRI.A,
    "RayTransform": SCANNING.A,
    "Identity.T": ar.Identity((1, 16, 16)).T,
    "Identity.pinv": ar.Identity((1, 16, 16)).pinv,
    "Problem.measure": lambda x: DENOISING.measure(x, seeded()),
    "Problem.measure, scan": lambda x: SCANNING.measure(x, seeded()),
    "Problem.naive": DENOISING.naive,
    "LocalCritic": CRITIC,
    "PaperCritic": ar.PaperCritic(1, 16).requires_grad_(False),
    "UNet": NET,
    "ConvexCritic": ar.ConvexCritic(1, widths=(4, 4)).requires_grad_(False),
    "LinearOperator": SHIFT,
    "LinearOperator.T": SHIFT.T,
    "LinearOperator.pinv": SHIFT.pinv,
    "from_deepinv": BRIDGED,
    "from_deepinv.T": BRIDGED.T,
    "from_deepinv.pinv": BRIDGED.pinv,
    "FanBeam": FAN,
    "gradient": lambda x: ar.reconstruction.gradient(CRITIC, x)[1],
    "red": lambda y: ar.red(DENOISING, y, NET, 0.5, steps=3),
    "load_critic": ar.load_critic("ct-thorax"),
    "psnr": lambda x: ar.psnr(x, X),
    "psnr, truth": lambda x: ar.psnr(X, x),
    "ssim": lambda x: ar.ssim(x, X),
    "ssim, truth": lambda x: ar.ssim(X, x),
    "critic_loss, real": lambda x: ar.critic_loss(CRITIC, x, X, generator=seeded()),
    "critic_loss, noisy": lambda x: ar.critic_loss(CRITIC, X, x, generator=seeded()),
    "reconstruct": lambda y: reconstructed(DENOISING, y),
    "reconstruct, x0": lambda x: reconstructed(DENOISING, X, x0=x),
    "total_variation": lambda y: ar.total_variation(DENOISING, y, 0.1),
    "post_process": lambda y: ar.post_process(DENOISING, y, NET),
    "train_critic": lambda x: trained(ar.train_critic, small_critic, x),
    "train_critic, scan": lambda x: trained(ar.train_critic, small_critic, x, problem=SCANNING),
    "train, Paired": lambda x: trained_on(lambda x: Paired(DENOISING, x), x),
    "train, Unpaired": lambda x: trained_on(lambda x: Unpaired(DENOISING, x), x),
    "train, MeasuredElsewhere": lambda x: trained_on(lambda x: MeasuredElsewhere(DENOISING, x, measurements=X), x),
    "train, measurements": lambda y: trained_on(lambda y: MeasuredElsewhere(DENOISING, X, measurements=y), y),
    "train, WithIterates": lambda x: trained_on(lambda x: WithIterates(Paired(DENOISING, x), start=0, steps=3), x),
    "train_denoiser": lambda x: trained(ar.train_denoiser, small_net, x),
}
MEASUREMENTS = {  # functions of measurements of the ray transform
    "RayTransform.T": SCANNING.A.T,
    "RayTransform.pinv": SCANNING.A.pinv,
    "Problem.naive, scan": SCANNING.naive,
    "reconstruct, scan": lambda y: reconstructed(SCANNING, y),
    "total_variation, scan": lambda y: ar.total_variation(SCANNING, y, 0.01, gap=0.1),
    "post_process, scan": lambda y: ar.post_process(SCANNING, y, NET),
}
INPUTS = {
    "none": lambda x: None,
    "text": lambda x: "ct-thorax",
    "array": lambda x: x.numpy(),
    "integer": lambda x: (255 * x).long(),
    "complex": lambda x: x + 0j,
    "sparse": lambda x: x.to_sparse(),
    "empty batch": lambda x: x[:0],
    "no batch axis": lambda x: x[0],
    "nan": lambda x: torch.full_like(x, math.nan),
    "infinity": lambda x: torch.full_like(x, math.inf),
    "meta": lambda x: x.to("meta"),
    "float64": lambda x: x.double(),
    "float16": lambda x: x.half(),
    "bfloat16": lambda x: x.bfloat16(),
    "float32": lambda x: x,
    "inference": lambda x: x.clone(),
    "no gradients": lambda x: x,
    "requires a gradient": lambda x: x.clone().requires_grad_(),
    "another layout": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
}
RESULTS = ("float64", "float32", "inference", "no gradients", "requires a gradient", "another layout")
MODES = {"inference": torch.inference_mode, "no gradients": torch.no_grad}


def documented(error):
    """Is it ours: one line, with what was expected and what came, and a fix?"""
    text = str(error)
    return type(error) in (TypeError, ValueError) and re.search(r"expected .*got ", text) and len(text) < 500


def cell(call, value):
    """The result, or the documented error."""
    try:
        return call(value)
    except (TypeError, ValueError) as error:
        assert documented(error), f"{type(error).__name__}: {error}"
        return error


CALLS = {name: (call, X) for name, call in IMAGES.items()}
Y = SCANNING.measure(X, seeded()).clamp(0, 1)
CALLS |= {name: (call, Y) for name, call in MEASUREMENTS.items()}
CALLS |= {name: (call, FAN(X)) for name, call in {"FanBeam.T": FAN.T, "FanBeam.pinv": FAN.pinv}.items()}


@pytest.mark.filterwarnings("ignore:total_variation")
@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("name", CALLS)
def test_each_cell_is_a_result_or_a_documented_error(name, kind):
    call, good = CALLS[name]
    with MODES.get(kind, contextlib.nullcontext)():
        value = INPUTS[kind](good)
        result = cell(call, value)
    if kind in RESULTS:
        assert not isinstance(result, Exception), result
    if isinstance(result, torch.Tensor) and not result.is_complex():
        expected = X.dtype if "truth" in name or name in ("reconstruct, x0", "critic_loss, noisy") else value.dtype
        assert result.dtype == expected


def test_half_precision_works_but_for_sparse_products_and_fourier_transforms():
    """Where it cannot it is refused before any work, with float32 as the fix."""
    for (name, (call, good)), dtype in itertools.product(CALLS.items(), (torch.float16, torch.bfloat16)):
        result = cell(call, good.to(dtype))
        refused = (
            ("scan" in name and "train" not in name)
            or "RayTransform" in name
            or "FanBeam" in name
            or name == "FourierSampling"
        )
        assert isinstance(result, TypeError) == refused, (name, dtype, result)


def test_measurements_of_mri_in_double_precision():
    y = MRI.measure(X.double(), seeded())
    assert y.dtype == torch.complex128 and reconstructed(MRI, y).dtype == torch.float64
    assert isinstance(cell(MRI.naive, y.real), TypeError)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_what_is_computed_in_the_type_of_the_weights_is_what_float32_gives(dtype):
    """A network of another type than its images: as near as its own type is precise."""
    network = ar.LocalCritic(1, widths=(4, 4)).requires_grad_(False)
    expected = network(X), reconstructed(DENOISING, X, network)
    network = network.to(dtype)
    tolerance = 1e-4 if dtype == torch.float64 else 0.03
    for result, right in zip((network(X), reconstructed(DENOISING, X, network)), expected, strict=True):
        assert result.dtype == torch.float32
        torch.testing.assert_close(result, right, rtol=tolerance, atol=tolerance)


def test_the_default_type_of_torch_may_be_double():
    torch.set_default_dtype(torch.float64)
    try:
        problem = ar.Problem(ar.RayTransform(16, 5), 0.02)
        critic = ar.load_critic("ct-thorax")
        for dtype in (torch.float32, torch.float64):
            y = problem.measure(X.to(dtype), seeded())
            *_, it = ar.reconstruct(problem, y, critic, ar.weight_from_noise(problem), steps=2)
            assert it.x.dtype == dtype
        assert ar.dot_test(problem.A) < 1e-5
        trained(ar.train_critic, small_critic, X, problem=problem)
    finally:
        torch.set_default_dtype(torch.float32)


class Detaching(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.w * x.detach().square().flatten(1).sum(1)


class Broken(torch.nn.Module):
    """NaN from the third evaluation on."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return x.square().flatten(1).sum(1) * (math.nan if self.calls > 2 else 1)


def with_inference_weights():
    with torch.inference_mode():
        return ar.LocalCritic(1, (4, 4))


def with_nan():
    critic = ar.LocalCritic(1, (4, 4)).requires_grad_(False)
    critic.unet.first.bias[0] = math.nan
    return critic


NETWORKS = {
    "none": lambda: None,
    "name": lambda: "ct-thorax",
    "class": lambda: ar.LocalCritic,
    "number": lambda: 1.0,
    "tensor": lambda: X,
    "detaching": Detaching,
    "scalar": lambda: lambda x: x.sum(),
    "one value": lambda: lambda x: x.sum()[None],
    "column": lambda: lambda x: x.flatten(1).sum(1, keepdim=True),
    "meta": lambda: ar.LocalCritic(1, (4, 4)).to("meta"),
    "inference": with_inference_weights,
    "nan": with_nan,
    "other channels": lambda: ar.LocalCritic(3, (4, 4)),
    "other size": lambda: ar.PaperCritic(1, 8),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_that_cannot_be_used_are_named(kind):
    network = NETWORKS[kind]()
    calls = {
        "reconstruct": lambda n: reconstructed(DENOISING, X, n),
        "critic_loss": lambda n: ar.critic_loss(n, X, X),
        "train_critic": lambda n: trained(ar.train_critic, n, X),
        "train_denoiser": lambda n: trained(ar.train_denoiser, n, X),
    }
    for name, call in calls.items():
        result = cell(call, network)
        assert isinstance(result, Exception), (name, "took it")
        assert re.match(r"critic|net|x:", str(result)), result


def test_a_critic_without_weights_cannot_be_trained_but_used():
    psi = lambda x: x.square().flatten(1).sum(1)
    assert reconstructed(DENOISING, X, psi).shape == X.shape
    for network in (psi, torch.nn.Flatten()):
        with pytest.raises(TypeError, match=r"critic: expected a torch\.nn\.Module with weights to train"):
            ar.train_critic(network, DENOISING, X)


def test_a_critic_that_gives_nan_is_blamed_and_not_the_step_size():
    with pytest.raises(ar.Diverged, match=r"critic\(x\): expected finite values") as caught:
        list(ar.reconstruct(DENOISING, X, Broken(), 0.1, step_size=0.3, steps=5))
    other = pickle.loads(pickle.dumps(caught.value))
    assert str(other) == str(caught.value) and torch.equal(other.last.x, caught.value.last.x)
    with pytest.raises(ValueError, match=r"critic\(x\): expected finite values .* however small"):
        list(ar.reconstruct(DENOISING, X, Broken(), 0.1))


def test_bad_arguments_are_found_at_the_call_and_not_at_the_first_iterate():
    for call in (
        lambda: ar.reconstruct(None, X, CRITIC, 0.1),
        lambda: ar.reconstruct(DENOISING, X, CRITIC, -1),
        lambda: ar.train_critic(CRITIC, DENOISING, None),
    ):
        with pytest.raises((TypeError, ValueError), match=r"expected .*got "):
            call()


def test_measurements_are_constants_for_reconstruct():
    y = X.clone().requires_grad_()
    x = reconstructed(DENOISING, y)
    assert not x.requires_grad and torch.equal(x, reconstructed(DENOISING, X))


def test_training_with_derivatives_switched_off_gives_the_same_weights():
    def weights(mode):
        torch.manual_seed(0)
        critic = small_critic()
        with mode():
            pairs = WithIterates(Paired(DENOISING, X), start=1, steps=3)
            list(algorithm_1(critic, pairs, Eq6(10.0), steps=2, batch_size=2))
        return torch.cat([p.detach().flatten() for p in critic.parameters()])

    with torch.random.fork_rng():
        expected = weights(contextlib.nullcontext)
        for mode in MODES.values():
            assert torch.equal(weights(mode), expected)


def test_some_weights_may_be_frozen():
    critic = ar.LocalCritic(1, (4, 4))
    critic.unet.first.requires_grad_(False)
    before = [p.clone() for p in critic.parameters()]
    trained(ar.train_critic, critic, X)
    changed = [not torch.equal(a, b) for a, b in zip(before, critic.parameters(), strict=True)]
    assert changed[:2] == [False, False] and any(changed)


NUMBERS = [None, "3", np.ones(3), X, math.nan, math.inf, -1, 10**400, [1], True]
TAKE_A_NUMBER = {
    "Problem": lambda v: ar.Problem(DENOISING.A, v),
    "Identity": ar.Identity,
    "Identity, sides": lambda v: ar.Identity((1, 16, v)),
    "Inpainting": ar.Inpainting,
    "Inpainting, channels": lambda v: ar.Inpainting(MASK, v),
    "FourierSampling": ar.FourierSampling,
    "RayTransform": ar.RayTransform,
    "RayTransform, angles": lambda v: ar.RayTransform(16, v),
    "RayTransform, filter": lambda v: ar.RayTransform(16, 2, v),
    "cartesian_mask": ar.cartesian_mask,
    "cartesian_mask, fraction": lambda v: ar.cartesian_mask(16, v),
    "LocalCritic": ar.LocalCritic,
    "LocalCritic, widths": lambda v: ar.LocalCritic(1, v),
    "LocalCritic, smoothing": lambda v: ar.LocalCritic(1, (4, 4), v),
    "PaperCritic": ar.PaperCritic,
    "PaperCritic, size": lambda v: ar.PaperCritic(1, v),
    "UNet, widths": lambda v: ar.UNet(1, v),
    "dot_test": ar.dot_test,
    "weight_from_noise": ar.weight_from_noise,
    "weight_from_noise, samples": lambda v: ar.weight_from_noise(DENOISING, v),
    "pretrained.card": ar.pretrained.card,
    "reconstruct, problem": lambda v: ar.reconstruct(v, X, CRITIC, 0.1),
    "reconstruct, reg_weight": lambda v: ar.reconstruct(DENOISING, X, CRITIC, v),
    "reconstruct, step_size": lambda v: ar.reconstruct(DENOISING, X, CRITIC, 0.1, v),
    "reconstruct, steps": lambda v: ar.reconstruct(DENOISING, X, CRITIC, 0.1, 0.1, v),
    "reconstruct, method": lambda v: ar.reconstruct(DENOISING, X, CRITIC, 0.1, method=v),
    "total_variation, problem": lambda v: ar.total_variation(v, X, 0.1),
    "total_variation, reg_weight": lambda v: ar.total_variation(DENOISING, X, v),
    "post_process, problem": lambda v: ar.post_process(v, X, NET),
    "critic_loss, gp_weight": lambda v: ar.critic_loss(CRITIC, X, X, v),
    "ssim, data_range": lambda v: ar.ssim(X, X, v),
    "train_critic, problem": lambda v: ar.train_critic(ar.LocalCritic(1, (4, 4)), v, X),
    "train_denoiser, problem": lambda v: ar.train_denoiser(ar.UNet(1, (4, 4)), v, X),
    "save_network": lambda v: ar.pretrained.save_network(v, "a.safetensors"),
    "Paired, problem": lambda v: Paired(v, X),
    "Windows": lambda v: Windows(v, 8),
    "Windows, size": lambda v: Windows(Paired(DENOISING, X), v),
    "WithIterates, start": lambda v: WithIterates(Paired(DENOISING, X), start=v),
    "WithIterates, steps": lambda v: WithIterates(Paired(DENOISING, X), steps=v),
    "WithIterates, step_size": lambda v: WithIterates(Paired(DENOISING, X), step_size=v),
    "WithIterates, hops": lambda v: WithIterates(Paired(DENOISING, X), hops=v),
    "NoiseLeft, share": lambda v: NoiseLeft(Paired(DENOISING, X), v),
    "NoiseLeft, of_iterates": lambda v: NoiseLeft(Paired(DENOISING, X), 0.2, v),
    "Reflow, start": lambda v: Reflow(NoiseLeft(Paired(DENOISING, X), 0.4), v),
    "EqualLines, distance": lambda v: EqualLines(Paired(DENOISING, X), v),
    "Eq6": Eq6,
    "Balanced, weight": lambda v: Balanced(1.0, v),
}
for argument in ("steps", "batch_size", "seed", "learning_rate", "averaging", "checkpoint_every"):
    for train, make in ((ar.train_critic, ar.LocalCritic), (ar.train_denoiser, ar.UNet)):
        TAKE_A_NUMBER[f"{train.__name__}, {argument}"] = lambda v, argument=argument, train=train, make=make: train(
            make(1, (4, 4)), DENOISING, X, **{argument: v}
        )
RIGHT = {  # (argument, value) that is no fault
    *((name, True) for name in TAKE_A_NUMBER),  # a bool is a number to Python: refused only where a count is asked
    ("NoiseLeft, of_iterates", None),
}


@pytest.mark.parametrize("value", NUMBERS, ids=lambda v: type(v).__name__ + str(np.ndim(v)))
def test_numbers_and_names(value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, call in TAKE_A_NUMBER.items():
        result = cell(call, value)
        wrong = value is None or isinstance(value, (str, float)) or name.endswith(("problem", "steps", "size", "seed"))
        if wrong and (name, value if np.ndim(value) == 0 else None) not in RIGHT and "filter" not in name:
            assert isinstance(result, Exception), (name, value)
    assert not list(tmp_path.iterdir())


def test_arrays_of_any_strides_and_byte_order_make_a_mask():
    array = MASK.numpy()
    for mask in (array[::-1, ::-1][::-1, ::-1], array.astype(">i2"), array.astype(bool), array.tolist()):
        assert torch.equal(ar.Inpainting(mask).mask, MASK)
    own = MASK.clone()
    A = ar.Inpainting(own)
    own.zero_()
    assert torch.equal(A.mask, MASK), "the mask is the operator's own"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_problems_can_be_copied(duplicate):
    for problem in (DENOISING, SCANNING, MRI):
        other, y = duplicate(problem), problem.measure(X, seeded())
        assert torch.equal(other.A(X), problem.A(X)) and torch.equal(other.naive(y), problem.naive(y))
