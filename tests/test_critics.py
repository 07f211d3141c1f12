"""Critics: sizes, shapes, derivatives, and the start that training needs."""

import math

import advreg_edu as ar
import pytest
import torch
from advreg_edu.critics.networks import window_means


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def shaken(critic, size=0.02):
    """The critic with weights away from their start, where parts of the network are zero."""
    with torch.no_grad():
        for p in critic.parameters():
            p.add_(size * torch.randn(p.shape, generator=seeded(1)).to(p))
    return critic


CRITICS = {
    "LocalCritic": (lambda: ar.LocalCritic(channels=1), (1, 16, 16)),
    "LocalCritic, shaken": (lambda: shaken(ar.LocalCritic(channels=1)), (1, 16, 24)),
    "LocalCritic, colour, odd, shaken": (lambda: shaken(ar.LocalCritic(channels=3)), (3, 13, 18)),
    "LocalCritic, small, shaken": (lambda: shaken(ar.LocalCritic(channels=2, widths=(8, 16))), (2, 12, 12)),
    "LocalCritic, mirrored, shaken": (
        lambda: shaken(ar.LocalCritic(channels=1, widths=(8, 16), mirrored=True)).eval(),
        (1, 16, 19),
    ),
    "LocalCritic, windows, shaken": (
        lambda: shaken(ar.LocalCritic(channels=1, widths=(8, 16), window=16)).eval(),
        (1, 18, 35),
    ),
    "PaperCritic": (lambda: ar.PaperCritic(channels=1, size=16), (1, 16, 16)),
    "PaperCritic, colour, odd": (lambda: ar.PaperCritic(channels=3, size=21), (3, 21, 21)),
}
LOCAL = [name for name in CRITICS if name.startswith("Local")]


@pytest.fixture(params=CRITICS, ids=str)
def critic_and_images(request):
    make, shape = CRITICS[request.param]
    return make(), torch.rand(3, *shape, generator=seeded())


def slopes(critic, x):
    """||grad Psi(x)|| per image."""
    x = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(critic(x).sum(), x)
    return grad.flatten(1).norm(dim=1)


def test_paper_critic_has_the_authors_size():
    """128x128 in colour: 2,496,001 parameters, 84 % of them in the first dense layer."""
    critic = ar.PaperCritic(channels=3, size=128)
    assert sum(p.numel() for p in critic.parameters()) == 2_496_001
    assert critic.head[0].weight.numel() / 2_496_001 == pytest.approx(0.84, abs=0.005)
    assert critic(torch.rand(1, 3, 128, 128, generator=seeded())).shape == (1,)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 16, 17, 31, 48])
def test_paper_critic_at_any_size(channels, size):
    assert ar.PaperCritic(channels, size)(torch.rand(2, channels, size, size, generator=seeded())).shape == (2,)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("height, width", [(8, 8), (16, 40), (13, 21), (33, 9), (64, 64)])
def test_local_critic_at_any_size(channels, height, width):
    """One critic for every image size, square or not, even or odd."""
    critic = shaken(ar.LocalCritic(channels))
    x = torch.rand(2, channels, height, width, generator=seeded())
    assert critic(x).shape == (2,) and torch.isfinite(critic(x)).all() and torch.isfinite(slopes(critic, x)).all()


def test_an_image_that_fits_in_one_window_has_one_norm():
    x, plain = torch.rand(2, 1, 24, 17, generator=seeded()), shaken(ar.LocalCritic(1))
    one, many = (ar.LocalCritic(1, window=window) for window in (32, 16))
    one.load_state_dict(plain.state_dict()), many.load_state_dict(plain.state_dict())
    assert torch.equal(one(x), plain(x)) and not torch.equal(many(x), plain(x))


def test_windows_first_met_without_gradients_take_them_later():
    critic, x = ar.LocalCritic(1, window=16), torch.rand(1, 1, 45, 46, generator=seeded())
    window_means.cache_clear()
    with torch.inference_mode():
        critic(x)
    assert torch.isfinite(slopes(critic, x)).all()


@pytest.mark.parametrize("window", [16, 32, 64])
@pytest.mark.parametrize("side", [9, 64, 65, 80, 96, 97])
def test_each_pixel_is_in_as_many_windows(side, window):
    """But for those near the end of a side that the distance between windows, an eighth, does not divide."""
    M = window_means(side, window)
    torch.testing.assert_close(M.sum(1), torch.ones(len(M)))
    even = M.sum(0) * side / len(M)
    inside = side if side % (window // 8) == 0 or side <= window else side - window
    torch.testing.assert_close(even[:inside], even[:1].expand(inside))
    assert even.mean() == pytest.approx(1, abs=1e-5) and even.min() > 0


def test_windows_of_the_same_content_have_the_norm_of_the_whole():
    """Then every window has the same root mean square, and Psi is one norm; else it is less, for a root is concave."""
    whole, parts = ar.LocalCritic(1), ar.LocalCritic(1, window=32)  # before training D is a blur
    checker = torch.ones(1, 1, 96, 96) * torch.tensor([0.0, 1.0]).repeat(48)
    flat = torch.where(torch.arange(96) < 48, 0.5, checker)
    assert parts(checker).item() == pytest.approx(whole(checker).item(), rel=1e-2)
    assert parts(flat).item() < 0.9 * whole(flat).item()
    assert slopes(parts, flat).item() <= 1 + 1e-4


def test_local_critic_is_small():
    """At most 1 M parameters, 4 MB, with the default widths."""
    for channels in (1, 3):
        assert sum(p.numel() for p in ar.LocalCritic(channels).parameters()) <= 1_000_000


def test_one_number_per_image(critic_and_images):
    critic, x = critic_and_images
    assert critic(x).shape == (3,) and critic(x).dtype == torch.float32 and critic(x).std() > 0


def test_batch_is_loop(critic_and_images):
    """Psi of a batch is Psi of each image alone: nothing mixes the images."""
    critic, x = critic_and_images
    alone = torch.cat([critic(item[None]) for item in x])
    assert torch.allclose(critic(x), alone, rtol=1e-4, atol=1e-5)
    assert torch.allclose(slopes(critic, x), torch.cat([slopes(critic, item[None]) for item in x]), rtol=1e-4)


def test_arguments_rebuild_the_critic(critic_and_images):
    """type(Psi)(**Psi.arguments) takes Psi's weights: this is what a file of weights stores."""
    critic, x = critic_and_images
    again = type(critic)(**critic.arguments)
    again.load_state_dict(critic.state_dict())
    again.train(critic.training)
    assert torch.equal(again(x), critic(x)) and critic.channels == x.shape[1]


def test_gradient(critic_and_images):
    """<grad Psi(x), d> = (Psi(x + h d) - Psi(x - h d)) / 2h in double precision."""
    critic, x = critic_and_images
    critic, x = critic.double(), x.double().requires_grad_()
    (grad,) = torch.autograd.grad(critic(x).sum(), x)
    for seed in range(3):
        d = torch.randn(x.shape, generator=seeded(seed), dtype=torch.float64)
        h = 1e-6 / d.flatten(1).norm(dim=1).max()
        with torch.no_grad():
            difference = (critic(x + h * d) - critic(x - h * d)) / (2 * h)
        assert torch.allclose((grad * d).flatten(1).sum(1), difference, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", LOCAL)
def test_second_derivative(name):
    """The penalty of Eq. 6 needs the gradient of ||grad Psi||: it agrees with finite differences in double."""
    make, shape = CRITICS[name]
    critic, x = make().double(), torch.rand(1, *shape, generator=seeded()).double()

    def slope(x):
        (grad,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        return grad.square().sum()

    x.requires_grad_()
    (grad,) = torch.autograd.grad(slope(x), x)
    d = torch.randn(x.shape, generator=seeded(4), dtype=torch.float64)
    h = 1e-5 / d.norm()
    at = lambda s: slope((x.detach() + s * d).requires_grad_()).item()
    assert float((grad * d).sum()) == pytest.approx((at(h) - at(-h)) / (2 * h.item()), rel=1e-3, abs=1e-5)


IMAGES = {
    "ellipses": lambda size: ar.images.ellipses(4, size, seeded()),
    "thorax": lambda size: ar.images.thorax(4, size, seeded()),
    "photos": lambda size: ar.images.photos(4, size, seeded()),
}


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("size", [32, 64])
def test_local_critic_starts_with_slope_about_1(kind, sigma, size):
    """||grad Psi|| is 0.7 to 1.1 on noisy images before any training, whatever the image, its size and the noise."""
    x = IMAGES[kind](size)
    noisy = x + sigma * torch.randn(x.shape, generator=seeded(1))
    start = slopes(ar.LocalCritic(channels=x.shape[1]), noisy)
    assert (start > 0.7).all() and (start < 1.1).all()


def test_local_critic_starts_on_the_right_side():
    """Before training, noise costs already, and more of it more: Psi(x) < Psi(x + e) < Psi(x + 2e)."""
    critic, x = ar.LocalCritic(channels=1), ar.images.ellipses(8, 48, seeded())
    e = 0.1 * torch.randn(x.shape, generator=seeded(1))
    values = torch.stack([critic(x), critic(x + e), critic(x + 2 * e)])
    assert (values.diff(dim=0) > 0).all()


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_local_critic_is_smooth_at_its_zero(level):
    """A constant image costs nothing at the start, and the gradient there is finite and small: no tip of a cone."""
    critic, x = ar.LocalCritic(channels=1).double(), torch.full((1, 1, 16, 16), level, dtype=torch.float64)
    assert abs(critic(x)) < 1e-6 and slopes(critic, x) < 1e-6
    small, smaller = (slopes(critic, x + s * torch.rand(x.shape, generator=seeded())) for s in (1e-3, 1e-4))
    assert 0 < smaller < 0.2 * small < 0.2


@pytest.mark.parametrize("name", LOCAL)
def test_local_critic_is_bounded_below(name):
    """Psi >= 0, so that ||Ax - y||^2 + lambda Psi(x) has a floor: gradient descent has somewhere to go."""
    make, shape = CRITICS[name]
    critic = make()
    for scale in (0.0, 1.0, 10.0):
        assert (critic(scale * torch.randn(4, *shape, generator=seeded())) >= -1e-5).all()


@pytest.mark.parametrize("shift", [(8, 0), (0, 16), (-8, 24)])
def test_local_critic_does_not_care_where(shift):
    """Psi(shifted x) = Psi(x) for shifts by the coarsest grid, the content far from the borders."""
    critic = shaken(ar.LocalCritic(channels=1)).double()
    x = torch.full((1, 1, 192, 192), 0.4, dtype=torch.float64)
    x[..., 88:104, 88:104] = torch.rand(16, 16, generator=seeded(), dtype=torch.float64)
    here, there, flat = critic(x), critic(x.roll(shift, (2, 3))), critic(torch.full_like(x, 0.4))
    assert abs(here - flat) > 1e-3  # the content counts
    assert here.item() == pytest.approx(there.item(), rel=1e-9)


def test_mirrored_critic_cannot_tell_left_from_right():
    """Psi of an image and of its mirror image are the same, but not while training."""
    critic, plain = (shaken(ar.LocalCritic(channels=1, widths=(8, 16), mirrored=how)) for how in (True, False))
    plain.load_state_dict(critic.state_dict())
    x = torch.rand(2, 1, 16, 19, generator=seeded())
    assert torch.equal(critic(x), plain(x)) and not torch.allclose(critic(x), critic(x.flip(-1)), rtol=1e-3)
    critic.eval()
    assert torch.allclose(critic(x), critic(x.flip(-1)), rtol=1e-5)
    halves = (plain.clean(x) + plain.clean(x.flip(-1)).flip(-1)) / 2
    assert torch.allclose(critic.clean(x), halves, atol=1e-6)


def test_local_critic_slope_does_not_grow_with_the_image():
    """The slope on a 32x32 and on a 96x96 image of the same noise are the same to 10 %."""
    critic = shaken(ar.LocalCritic(channels=1))
    small, large = (0.5 + 0.1 * torch.randn(4, 1, n, n, generator=seeded()) for n in (32, 96))
    assert slopes(critic, large).mean().item() == pytest.approx(slopes(critic, small).mean().item(), rel=0.1)


BAD_CALLS = {
    "local, channels": (
        lambda: ar.LocalCritic(3)(torch.zeros(1, 1, 8, 8)),
        ValueError,
        r"\(B, 3, 8, 8\), got \(1, 1, 8, 8\)",
    ),
    "local, no batch": (lambda: ar.LocalCritic(1)(torch.zeros(1, 8, 8)), ValueError, r"x: expected .*got \(1, 8, 8\)"),
    "local, no batch either": (
        lambda: ar.LocalCritic(1)(torch.zeros(5, 1, 8)),
        ValueError,
        r"x: expected .*\(5, 1, 8\)",
    ),
    "local, numpy": (
        lambda: ar.LocalCritic(1)(torch.zeros(1, 1, 8, 8).numpy()),
        TypeError,
        r"torch\.Tensor, got ndarray",
    ),
    "paper, channels": (lambda: ar.PaperCritic(3, 8)(torch.zeros(1, 1, 8, 8)), ValueError, r"\(B, 3, 8, 8\), got"),
    "paper, size": (
        lambda: ar.PaperCritic(1, 8)(torch.zeros(1, 1, 9, 9)),
        ValueError,
        r"\(B, 1, 8, 8\), got \(1, 1, 9, 9\)",
    ),
    "paper, numpy": (lambda: ar.PaperCritic(1, 8)([1.0]), TypeError, r"torch\.Tensor, got list"),
    "no channels": (lambda: ar.LocalCritic(0), ValueError, r"channels: expected at least 1, got 0"),
    "text": (lambda: ar.PaperCritic("RGB"), TypeError, r"channels: expected a number, got 'RGB'"),
    "no size": (lambda: ar.PaperCritic(1, 0), ValueError, r"size: expected at least 1, got 0"),
    "window": (lambda: ar.LocalCritic(1, window=40), ValueError, r"window: expected a multiple of 16, got 40"),
    "window, small": (lambda: ar.LocalCritic(1, window=8), ValueError, r"window: expected .*at least 16, got 8"),
    "smoothing": (lambda: ar.LocalCritic(1, smoothing=0), ValueError, r"smoothing: expected .*above 0, got 0"),
    "width": (lambda: ar.LocalCritic(1, widths=(8, 0)), ValueError, r"widths: expected at least 1, got 0"),
    "nan": (lambda: ar.LocalCritic(1, smoothing=math.nan), ValueError, r"smoothing: expected a finite number"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_input(name):
    call, kind, message = BAD_CALLS[name]
    with pytest.raises(kind, match=message):
        call()
