"""The supervised baselines: training lowers the error on images never seen, and the formulas are what they say."""

import advreg_edu as ar
import pytest
import torch
from advreg_edu.baselines import solve_red
from advreg_edu.reconstruction import NotConverged


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def problem():
    return ar.Problem(ar.Identity((1, 24, 24)), sigma=0.1)


def untrained(channels=1):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ar.UNet(channels, widths=(8, 16))


def blur(x):
    return torch.nn.functional.avg_pool2d(x, 3, 1, 1)


def test_unet_starts_as_the_identity():
    x = torch.rand(2, 3, 21, 30, generator=seeded())
    assert torch.equal(untrained(3)(x), x)


def test_training_denoises_held_out_images(problem):
    net, x = untrained(), ar.images.ellipses(40, 24, seeded(1))
    steps = list(ar.train_denoiser(net, problem, x, steps=300, batch_size=8, learning_rate=3e-3, averaging=0.9))
    assert [step.index for step in steps] == list(range(300))
    held_out = ar.images.ellipses(16, 24, seeded(2))
    y = problem.measure(held_out, seeded(3))
    assert ar.psnr(ar.post_process(problem, y, net), held_out).mean() > ar.psnr(y, held_out).mean() + 3


def test_post_process_is_the_network_after_the_pseudo_inverse():
    problem = ar.Problem(ar.RayTransform(16, 8), sigma=0.05)
    y = problem.measure(ar.images.ellipses(2, 16, seeded(1)), seeded(2))
    assert torch.equal(ar.post_process(problem, y, lambda x: 2 * x), 2 * problem.naive(y))


def test_red_reaches_its_fixed_point(problem):
    """With D(x) = x / 2 and A = I: 2 (x - y) + lambda x / 2 = 0."""
    y = torch.rand(2, 1, 24, 24, generator=seeded())
    x = ar.red(problem, y, lambda x: x / 2, reg_weight=0.8, tolerance=1e-5)
    torch.testing.assert_close(x, y / 1.2)


def test_red_ends_where_both_parts_of_its_equation_cancel():
    """For CT, with a denoiser that blurs: the residual that is reported is that of the equation, on each image."""
    ray = ar.Problem(ar.RayTransform(24, 12), sigma=0.02)
    y = ray.measure(ar.images.ellipses(3, 24, seeded(1)), seeded(2))
    for weight in (0.01, 0.3, 3.0):
        found = solve_red(ray, y, blur, weight)
        pull = weight * (found.x - blur(found.x))
        g = 2 * ray.A.T(ray.A(found.x) - y) + pull
        residual = g.flatten(1).norm(dim=1) / pull.flatten(1).norm(dim=1)
        torch.testing.assert_close(found.residual, residual, rtol=1e-2, atol=1e-4)
        assert (residual <= 0.0101).all()
        further = ar.red(ray, y, blur, weight, tolerance=1e-3, steps=2000)
        assert (found.x - further).norm() < 0.02 * further.norm()


def test_red_of_a_batch_is_that_of_each_image():
    """An image that has arrived waits for the others."""
    ray = ar.Problem(ar.RayTransform(24, 12), sigma=0.02)
    sizes = torch.tensor([1.0, 0.1, 3.0])[:, None, None, None]
    y = ray.measure(ar.images.ellipses(3, 24, seeded(1)), seeded(2)) * sizes
    shifted = lambda x: blur(x) + 0.1  # no scale invariance: images take different numbers of steps
    together = solve_red(ray, y, shifted, 0.1)
    alone = [solve_red(ray, one[None], shifted, 0.1) for one in y]
    assert [int(k) for k in together.steps] == [int(one.steps) for one in alone]
    torch.testing.assert_close(together.x, torch.cat([one.x for one in alone]), atol=1e-4, rtol=1e-3)


def test_red_says_when_its_steps_ran_out(problem):
    """D(x) = -2x drives x from side to side, farther each time: lambda / (2 + lambda) * 2 > 1."""
    y = torch.rand(2, 1, 24, 24, generator=seeded())
    with pytest.warns(NotConverged, match=r"red: steps: 30 ran out.*got up to.*another reg_weight") as warned:
        ar.red(problem, y, lambda x: -2 * x, reg_weight=4, steps=30)
    assert warned[0].filename == __file__
    with pytest.warns(NotConverged):
        found = solve_red(problem, y, lambda x: -2 * x, reg_weight=4, steps=5)
    assert (found.residual > 0.01).all() and (found.steps == 5).all()


def test_an_operator_is_no_problem(problem):
    for method in (ar.post_process, lambda *arguments: ar.red(*arguments, reg_weight=0.1)):
        with pytest.raises(TypeError, match=r"expected Problem\(A, sigma\), got Identity"):
            method(problem.A, torch.zeros(1, 1, 24, 24), lambda x: x)


@pytest.mark.parametrize("bad", [dict(reg_weight=0), dict(reg_weight=1, tolerance=0), dict(reg_weight=1, steps=0)])
def test_bad_input(problem, bad):
    with pytest.raises(ValueError, match="expected"):
        ar.red(problem, torch.zeros(1, 1, 24, 24), lambda x: x, **bad)
