"""What a GPU asks of the code, on a fake one (`fake_device.py`): no mixed devices, no needless waits, same numbers."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.hardware.devices import exact_convolutions
from advreg_edu.operators import FanBeam
from advreg_edu.operators.normal import conjugate_gradients
from advreg_edu.theory import distances, stability, worlds
from fake_device import Far, FarGenerator, fake_device, far, near


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def device():
    with fake_device() as device:
        yield device


def mask(side=8):
    return (torch.rand(side, side, generator=seeded()) < 0.5).float()


OPERATORS = {
    "Identity": lambda: ar.Identity((1, 8, 8)),
    "Inpainting": lambda: ar.Inpainting(mask(), inverse="adjoint"),
    "Fourier": lambda: ar.FourierSampling(mask()),
    "Ray": lambda: ar.RayTransform(8, 4),
    "Fan": lambda: FanBeam(8, 4),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_compute_where_their_argument_is(name, device):
    """A, A*, A†, the noise and the resolvent; the second time A and A* wait for nothing, nor does A†."""
    A, x = OPERATORS[name](), torch.rand(2, 1, 8, 8, generator=seeded())
    y = A(x)
    for apply, u in [(A, x), (A.T, y), (A.pinv, y), (lambda u, A=A: A.resolvent(u, 0.5), x)]:
        there = apply(far(u))
        assert isinstance(there, Far) and torch.allclose(near(there), apply(u), atol=1e-6)
    before = device.waits
    A.T(A(far(x)))
    if name != "Fan":  # its table of rays is made view by view
        A.pinv(far(y))
    assert device.waits == before


def test_generators_of_a_device(device):
    """They draw where they are, and what they drew goes where it is wanted; one of the CPU does as before."""
    A = ar.Identity((1, 8, 8))
    for generator in (FarGenerator, torch.Generator):
        draw = lambda generator=generator: generator().manual_seed(0)
        assert isinstance(A.random_measurement(2, draw(), "cuda"), Far)
        assert isinstance(A.random_measurement(2, draw()), Far) == (generator is FarGenerator)
        assert ar.dot_test(A, draw()) < 1e-12
        x = far(torch.rand(4, 1, 8, 8, generator=seeded()))
        steep = lambda x: x.flatten(1).sum(1)
        assert isinstance(ar.critic_loss(steep, x, x, generator=draw()), Far)
        assert isinstance(ar.training.draw_mix(x, draw()), Far)
        assert not isinstance(ar.cartesian_mask(8, generator=draw()), Far)
        assert not isinstance(worlds.circle().sample(3, draw()), Far)
        double = lambda y: 2 * y
        found = stability.worst_perturbation(double, lambda y, r: 2 * r, x, 0.1, generator=draw())
        assert isinstance(found, Far)
        problem = ar.Problem(A, 0.1)
        assert isinstance(problem.measure(x, draw()), Far)


@pytest.mark.parametrize("make", [worlds.circle, worlds.ellipse, worlds.spiral, worlds.points, worlds.segment])
def test_worlds_take_points_of_a_device(make, device):
    """Distance, projection and tangent, whose tables are on the CPU."""
    world, x = make(), torch.rand(5, 1, 1, 2, generator=seeded())
    for function in (world.distance, world.project, world.tangent):
        there = function(far(x))
        assert isinstance(there, Far) and torch.equal(near(there), function(x))


def test_transport_of_points_of_a_device(device):
    x, noisy = (torch.rand(6, 1, 1, 2, generator=seeded(k)) for k in (0, 1))
    found, there = distances.transport(x, noisy), distances.transport(far(x), far(noisy))
    assert (
        isinstance(there.plan, Far) and torch.equal(near(there.plan), found.plan) and there.distance == found.distance
    )
    height = lambda x: x[..., 1].flatten()
    assert distances.slope_at_zero(height, far(x), far(noisy)) == distances.slope_at_zero(height, x, noisy)


def test_a_critic_on_another_device(device):
    """One sentence, before the first iterate; not an error of torch from the depth of a convolution."""
    problem, critic = ar.Problem(ar.Identity((1, 16, 16)), 0.1), ar.LocalCritic(widths=(4, 8))
    x = far(torch.rand(2, 1, 16, 16, generator=seeded()))
    wrong = r"LocalCritic: expected both on one device, got weights on cpu and images on cuda:0\. Move it: \.to\(x\.dev"
    for call in (
        lambda: next(ar.reconstruct(problem, x, critic, 1.0)),
        lambda: ar.critic_loss(critic, x, x),
        lambda: critic(x),
        lambda: ar.post_process(problem, x, ar.UNet(widths=(4, 8))),
    ):
        with pytest.raises(ValueError, match=wrong.replace("LocalCritic", "(LocalCritic|UNet)")):
            call()


def test_conjugate_gradients_wait_seldom(device):
    """The same bits as on the CPU, where every step looks whether all images are done."""
    scale = torch.linspace(1, 30, 64).reshape(1, 1, 8, 8)
    b = torch.randn(3, 1, 8, 8, generator=seeded()) * torch.tensor([1.0, 0.0, 1e-3])[:, None, None, None]
    here = conjugate_gradients(lambda u: scale * u, b)
    before = device.waits
    there = conjugate_gradients(lambda u: far(scale) * u, far(b))
    assert torch.equal(near(there), here) and 1 <= device.waits - before <= 6


def test_batches_go_by_pinned_memory(device):
    x_real = torch.rand(8, 1, 8, 8, generator=seeded())
    pairs = ar.training.Paired(ar.Problem(ar.Identity((1, 8, 8)), 0.1), x_real, device=torch.device("cuda"))
    before = device.waits
    batch = pairs.draw(4, seeded())
    assert isinstance(batch.x_real, Far) and isinstance(batch.x_noisy, Far) and device.pinned == 2
    assert device.waits == before


def test_float32_is_float32():
    """Within a training step convolutions on a GPU are not rounded to TF32; outside, as the user has it."""
    before, seen = torch.backends.cudnn.allow_tf32, []

    class Watched(ar.LocalCritic):
        def forward(self, x):
            seen.append(torch.backends.cudnn.allow_tf32)
            return super().forward(x)

    critic, problem = Watched(widths=(4, 8)), ar.Problem(ar.Identity((1, 16, 16)), 0.1)
    steps = ar.train_critic(critic, problem, ar.images.ellipses(4, 16), steps=1, batch_size=2, gp_weight=1.0)
    seen.clear()
    list(steps)
    assert seen and not any(seen) and torch.backends.cudnn.allow_tf32 is before
    with exact_convolutions():
        assert not torch.backends.cudnn.allow_tf32


def on_the_device(critic, place=far):
    for module in critic.modules():
        module._buffers = {name: place(b) for name, b in module._buffers.items()}
        module._parameters = {name: torch.nn.Parameter(place(p.detach())) for name, p in module._parameters.items()}
    return critic


def test_a_short_training_that_breaks_down_says_so(device):
    """In its last step, though that is not the tenth."""

    class Breaks(ar.LocalCritic):
        factor = 1.0

        def forward(self, x):
            return self.factor * super().forward(x)

    critic, problem = on_the_device(Breaks(widths=(4, 8))), ar.Problem(ar.Identity((1, 16, 16)), 0.1)
    x_real, options = ar.images.ellipses(4, 16, seeded()), dict(batch_size=2, gp_weight=1.0, precision="float32")
    steps = ar.train_critic(critic, problem, x_real, steps=3, **options)
    next(steps)
    critic.factor = float("nan")
    with pytest.raises(ValueError, match="Training broke down at step 2"):
        list(steps)


def test_a_training_waits_for_its_loss_in_every_tenth_step_alone(device):
    """And gives the weights of the CPU."""
    problem, x_real = ar.Problem(ar.Identity((1, 16, 16)), 0.1), ar.images.ellipses(4, 16, seeded())
    waits, weights = [], []
    for place in (lambda u: u, far):
        torch.manual_seed(0)
        critic = on_the_device(ar.LocalCritic(widths=(4, 8)), place)
        steps = ar.train_critic(critic, problem, x_real, steps=20, batch_size=2, gp_weight=1.0, precision="float32")
        next(steps)
        before = device.waits
        list(steps)
        waits.append(device.waits - before)
        weights.append(torch.cat([near(p.detach()).flatten() for p in critic.parameters()]))
    assert torch.allclose(*weights, atol=1e-5)
    assert waits[0] == 0 and waits[1] <= 2
