"""The supervised baselines: training lowers the error on images never seen, and the formulas are what they say."""

import advreg_edu as ar
import pytest
import torch


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def problem():
    return ar.Problem(ar.Identity((1, 24, 24)), sigma=0.1)


def untrained(channels=1):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ar.UNet(channels, widths=(8, 16))


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
    x = ar.red(problem, y, lambda x: x / 2, reg_weight=0.8, step_size=0.3, steps=200)
    torch.testing.assert_close(x, y / 1.2)


def test_red_past_its_stability_limit_warns_and_says_that_it_blew_up(problem):
    y = torch.rand(2, 1, 24, 24, generator=seeded())
    with pytest.warns(UserWarning, match="stability limit") as warned, pytest.raises(ValueError, match="blew up"):
        ar.red(problem, y, lambda x: x / 2, reg_weight=0.1, step_size=1.5, steps=400)
    assert warned[0].filename == __file__


def test_an_operator_is_no_problem(problem):
    for method in (ar.post_process, lambda *arguments: ar.red(*arguments, reg_weight=0.1)):
        with pytest.raises(TypeError, match=r"expected Problem\(A, sigma\), got Identity"):
            method(problem.A, torch.zeros(1, 1, 24, 24), lambda x: x)


@pytest.mark.parametrize("bad", [dict(reg_weight=-1), dict(reg_weight=1, step_size=0), dict(reg_weight=1, steps=-1)])
def test_bad_input(problem, bad):
    with pytest.raises(ValueError, match="expected"):
        ar.red(problem, torch.zeros(1, 1, 24, 24), lambda x: x, **bad)
