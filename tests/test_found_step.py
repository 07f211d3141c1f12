"""The step size that the solver finds, the rule on the gradient, and what is said when the steps run out."""

import itertools
import warnings

import advreg_edu as ar
import pytest
import torch
from advreg_edu.baselines import SmoothedTV, Tikhonov
from advreg_edu.operators import LinearOperator
from advreg_edu.reconstruction import METHODS, NotConverged

WEIGHT = 0.2


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Quadratic(torch.nn.Module):
    """Psi(x) = c ||x||^2 / 2: the minimiser of J is a linear system."""

    def __init__(self, c=1.0):
        super().__init__()
        self.c = c

    def forward(self, x):
        return 0.5 * self.c * x.square().flatten(1).sum(1)


class Counting(Quadratic):
    """How often a critic is evaluated."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


class Times(LinearOperator):
    """factor * A: another unit of the measurements."""

    def __init__(self, A, factor):
        super().__init__(domain_shape=A.domain_shape, range_shape=A.range_shape)
        self.A, self.factor, self.norm = A, factor, factor * A.norm

    def _forward(self, x):
        return self.factor * self.A(x)

    def _adjoint(self, y):
        return self.factor * self.A.T(y)

    def pinv(self, y):
        return self.A.pinv(y / self.factor)


def small_critic(make, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().double()


PROBLEMS = {
    "Identity": ar.Problem(ar.Identity((1, 16, 16)), 0.05),
    "Inpainting": ar.Problem(ar.Inpainting((torch.rand(16, 16, generator=seeded()) < 0.5).float()), 0.05),
    "Ray": ar.Problem(ar.RayTransform(16, 8), 0.05),
}
CRITICS = {
    "quadratic": Quadratic(),
    "Tikhonov": Tikhonov(),
    "smoothed TV": SmoothedTV(0.01),
    "local": small_critic(lambda: ar.LocalCritic(1, widths=(4, 8)), 0),
    "paper": small_critic(lambda: ar.PaperCritic(1, 16), 1),
}


@pytest.fixture(params=PROBLEMS, ids=str)
def problem(request):
    return PROBLEMS[request.param]


def data(problem, batch=3, dtype=torch.float64):
    """Measurements of noisy images, each twice as bright as the one before: they converge at their own pace."""
    x = torch.rand(batch, *problem.A.domain_shape, generator=seeded(7), dtype=dtype)
    return problem.measure(x * 0.5 ** torch.arange(batch).flip(0)[:, None, None, None], seeded(8))


def run(problem, y=None, critic=None, reg_weight=WEIGHT, step_size="auto", **kwargs):
    y = data(problem) if y is None else y
    return list(ar.reconstruct(problem, y, critic or Quadratic(), reg_weight, step_size, **kwargs))


def minimiser(problem, y, weight):
    """argmin ||Ax - y||^2 + weight/2 ||x||^2 = (2 A*A + weight)^-1 2 A*y."""
    shape = problem.A.domain_shape
    M = problem.A(torch.eye(shape[1] * shape[2], dtype=torch.float64).reshape(-1, *shape)).flatten(1).T
    x = torch.linalg.solve(2 * M.T @ M + weight * torch.eye(M.shape[1], dtype=M.dtype), 2 * M.T @ y.flatten(1).T)
    return x.T.reshape(-1, *shape)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CRITICS)
@pytest.mark.parametrize("weight", [0.02, 50.0])
def test_objective_never_rises(problem, method, name, weight):
    """Convex or not, steep or flat: J(x_{k+1}) <= J(x_k) for every image, but for rounding; and it falls."""
    objective = torch.stack([it.objective for it in run(problem, None, CRITICS[name], weight, steps=25, method=method)])
    assert (objective.diff(dim=0) <= 1e-12 * objective[:-1].abs()).all()
    assert (objective[-1] < objective[0]).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weight", [0.02, 1.5, 1000.0])
def test_converges_to_the_closed_form(problem, method, weight):
    """Psi = ||x||^2 / 2, from flat to far steeper than the data term: the rule fires, next to the minimiser."""
    y = data(problem)
    last = run(problem, y, reg_weight=weight, steps=500, method=method, stop="gradient", tolerance=1e-6)[-1]
    assert last.stopped and torch.allclose(last.x, minimiser(problem, y, weight), atol=1e-5)


@pytest.mark.parametrize("name", ["Tikhonov", "smoothed TV"])
def test_methods_agree(problem, name):
    """One convex objective, one minimum."""
    kwargs = dict(critic=CRITICS[name], reg_weight=0.1, steps=2000, stop="gradient", tolerance=1e-3)
    ends = [run(problem, method=method, **kwargs)[-1] for method in METHODS]
    assert all(end.stopped for end in ends)
    assert all(torch.allclose(end.objective, ends[0].objective, rtol=1e-4) for end in ends)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [2.0**-7, 2.0**7])
def test_units_do_not_matter(method, factor):
    """factor * A and factor * y with factor^2 * lambda is the same problem: the same iterates, nothing to set."""
    ray = PROBLEMS["Ray"]
    other, y = ar.Problem(Times(ray.A, factor), factor * ray.sigma), data(ray)
    kwargs = dict(critic=CRITICS["local"], steps=60, method=method, stop="gradient")
    ours = run(other, factor * y, reg_weight=factor**2 * WEIGHT, **kwargs)
    for a, b in zip(run(ray, y, **kwargs), ours, strict=True):
        assert torch.allclose(a.x, b.x, atol=1e-8) and torch.allclose(a.step_size, factor**2 * b.step_size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("norm", [0.01, 1.0, 100.0])
def test_no_need_to_know_the_norm(method, norm):
    """With lambda by the formula the rule fires for every ||A|| within the default number of steps."""
    problem = ar.Problem(Times(PROBLEMS["Ray"].A, norm), 0.05 * norm)
    assert run(problem, None, Tikhonov(), ar.weight_from_noise(problem) / 10, method=method, stop="gradient")[
        -1
    ].stopped


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["quadratic", "local"])
def test_batch_is_loop(problem, method, name):
    """A batch goes the way each of its images goes alone, and an image that has arrived waits for the others."""
    y = data(problem)
    kwargs = dict(critic=CRITICS[name], reg_weight=0.3, steps=200, method=method, stop="gradient", tolerance=1e-3)
    together, lengths = run(problem, y, **kwargs), set()
    for i in range(len(y)):
        alone = run(problem, y[i : i + 1], **kwargs)
        lengths.add(len(alone))
        for a, b in zip(together, alone + alone[-1:] * (len(together) - len(alone)), strict=True):
            assert torch.allclose(a.x[i], b.x[0], atol=1e-7), f"step {a.step}"
    assert len(together) == max(lengths) and together[-1].stopped


@pytest.mark.parametrize("step_size", [0.1, "auto"])
@pytest.mark.parametrize("method", METHODS)
def test_rule_fires_at_the_promised_gradient(problem, method, step_size):
    """The first iterate at which ||grad J|| <= tolerance * lambda for every image is the last."""
    its = run(problem, step_size=step_size, steps=1000, method=method, stop="gradient", tolerance=0.01)
    met = [bool((it.gradient_norm <= 0.01 * WEIGHT).all()) for it in its]
    assert met == [it.stopped for it in its] == [False] * (len(its) - 1) + [True]


def test_rule_holds_at_the_start():
    """From a minimum there is nothing to do."""
    problem, y = PROBLEMS["Ray"], data(PROBLEMS["Ray"])
    (it,) = run(problem, y, stop="gradient", x0=minimiser(problem, y, WEIGHT))
    assert it.stopped and it.step == 0


def test_rule_without_a_regulariser():
    """At lambda = 0 the noise sets the scale, 2 E ||A* e||; without noise the data, 2 ||A* y||."""
    ray, y = PROBLEMS["Ray"], data(PROBLEMS["Ray"])
    last = run(ray, y, reg_weight=0, steps=1000, stop="gradient")[-1]
    assert last.stopped and (last.gradient_norm <= 0.01 * ar.weight_from_noise(ray)).all()
    exact = ar.Problem(ray.A, 0)
    last = run(exact, y, reg_weight=0, steps=1000, stop="gradient", tolerance=1e-3)[-1]
    assert last.stopped and (last.gradient_norm <= 1e-3 * 2 * exact.A.T(y).flatten(1).norm(dim=1)).all()


@pytest.mark.parametrize("method", METHODS)
def test_one_evaluation_per_iterate(problem, method):
    """Taken or not, a step costs one evaluation of the critic."""
    critic = Counting(100.0)
    its = run(problem, None, critic, steps=30, method=method)
    assert critic.calls == len(its) == 31


def test_a_step_that_would_lift_the_objective_is_not_taken():
    """By hand: J = ||x - y||^2 + 50 ||x||^2, L = 102; from 1/2 to 1/32 each step would lift it, 1/64 does not."""
    problem, y = PROBLEMS["Identity"], data(PROBLEMS["Identity"])
    its = run(problem, y, Quadratic(100.0), 1.0, steps=6)
    assert [float(it.step_size[0]) for it in its[:6]] == [2.0**-k for k in range(1, 7)]
    assert all(torch.equal(it.x, its[0].x) and not it.stopped for it in its[:6])
    assert torch.allclose(its[6].x, y - 100 * y / 64) and torch.allclose(
        its[6].step_size, torch.tensor(1 / 102.0).double()
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["quadratic", "local"])
def test_rounding_does_not_halve_the_step_for_ever(method, name):
    """In float32, far beyond where J itself can tell: the gradient still falls, and the step stays what it was."""
    critic = small_critic(lambda: ar.LocalCritic(1, widths=(4, 8)), 0).float() if name == "local" else Quadratic()
    y = data(PROBLEMS["Ray"], dtype=torch.float32)
    its = run(PROBLEMS["Ray"], y, critic, steps=150, method=method)
    assert (its[-1].gradient_norm <= 1e-4 * its[0].gradient_norm).all()
    assert (its[-1].step_size > 1e-3).all()
    rise = torch.stack([it.objective for it in its]).diff(dim=0)
    assert (rise <= 1e-5 * its[0].objective).all()


def test_no_minimum_is_said():
    """J = ||x - y||^2 - 2 ||x||^2 falls without end."""
    with pytest.raises(ar.Diverged, match="no minimum here: lower reg_weight"):
        run(PROBLEMS["Identity"], None, Quadratic(-4.0), 1.0, steps=5000)


MISSED = {
    "gradient": ("gradient", r"expected \|\|grad J\|\| <= 0\.01 lambda for every image, got up to [\d.]+ lambda"),
    "change": (1e-9, r"expected x to change by at most 1e-09 of \|\|x\|\|, got [\d.e-]+"),
    "discrepancy": (
        "discrepancy",
        r"\|\|grad J\|\| <= 0\.05 lambda and a data term of at most [\d.]+ .*got up to [\d.e+]+ lambda and [\d.]+",
    ),
}


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("step_size, fix", [(0.01, 'step_size="auto"'), ("auto", "Raise steps")])
@pytest.mark.parametrize("name", MISSED)
def test_limit_is_said(name, step_size, fix, steps):
    stop, message = MISSED[name]
    with pytest.warns(
        NotConverged, match=rf"steps: {steps} ran out before .*{message if steps else ''}.*{fix}"
    ) as said:
        its = run(PROBLEMS["Ray"], reg_weight=0.001, step_size=step_size, steps=steps, stop=stop)
    assert len(its) == steps + 1 and not any(it.stopped for it in its) and len(said) == 1
    assert said[0].filename == __file__


def test_limit_is_not_said_where_no_rule_was_asked_for_or_it_was_met():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not run(PROBLEMS["Ray"], steps=2)[-1].stopped
        for stop in ("gradient", 1e-3):
            assert run(PROBLEMS["Ray"], steps=300, stop=stop)[-1].stopped


def test_a_given_step_is_plain_descent():
    """Alg. 2 as it stands, to the last bit: x <- x - epsilon (2 A*(Ax - y) + lambda grad Psi(x))."""
    problem, y, critic = PROBLEMS["Ray"], data(PROBLEMS["Ray"]), CRITICS["local"]
    x, A = problem.naive(y), problem.A
    for it in ar.reconstruct(problem, y, critic, WEIGHT, step_size=0.3, steps=10):
        assert torch.equal(it.x, x) and (it.step_size == 0.3).all() and not it.stopped
        x = x.requires_grad_()
        (grad,) = torch.autograd.grad(critic(x).sum(), x)
        x = (x - 0.3 * (2 * A.T(A(x) - y) + WEIGHT * grad)).detach()


@pytest.mark.parametrize(
    "wrong, kind, message",
    [
        (dict(step_size="fast"), TypeError, r"step_size: expected a number, got 'fast'.*\"auto\""),
        (dict(tolerance=0), ValueError, r"tolerance: expected .* above 0, got 0\. Try 0\.01"),
        (dict(stop="minimum"), TypeError, r"stop: expected a number, got 'minimum'\. Give None, \"gradient\""),
    ],
)
def test_bad_input(wrong, kind, message):
    with pytest.raises(kind, match=message):
        run(PROBLEMS["Identity"], **wrong)


@pytest.mark.parametrize("name", ["ct-thorax", "photos-color"])
def test_without_a_step_size_no_critic_that_ships_is_ruined(name):
    """0.3 falls from 29 to 23 dB with photos-color, without a warning: the default finds its steps."""
    critic = ar.load_critic(name)
    denoising = critic.channels == 3
    A, sigma = (ar.Identity((3, 64, 64)), 0.1) if denoising else (ar.RayTransform(64, 30), 0.02)
    problem, make = ar.Problem(A, sigma), ar.images.photos if denoising else ar.images.thorax
    x = make(2, 64, torch.Generator().manual_seed(3))
    y = problem.measure(x, torch.Generator().manual_seed(4))
    its = list(ar.reconstruct(problem, y, critic, ar.weight_from_noise(problem), steps=60))
    assert all((b.objective <= a.objective * (1 + 1e-6)).all() for a, b in itertools.pairwise(its))
    assert (ar.psnr(its[-1].x.clamp(0, 1), x) > ar.psnr(its[0].x.clamp(0, 1), x) + 3).all()


def small_scene(name):
    """A problem of the critic's kind with 32x32 pixels, and data."""
    seed = lambda number: torch.Generator().manual_seed(number)
    x = ar.images.photos(1, 32, seed(3)) if name.startswith("photos") else ar.images.thorax(1, 32, generator=seed(3))
    if name == "photos-inpainting":
        problem = ar.Problem(ar.Inpainting(torch.rand(32, 32, generator=seed(0)) < 0.3, 3), 0.02)
    elif name == "photos-color":
        problem = ar.Problem(ar.Identity((3, 32, 32)), 0.1)
    else:
        problem = ar.Problem(ar.RayTransform(32, 12), 0.02)
    return problem, problem.measure(x, seed(1))


@pytest.mark.parametrize(
    "name", ["ct-thorax", "ct-thorax-convex", "ct-chest-high", "photos-color", "photos-inpainting"]
)
def test_all_solvers_come_to_one_minimiser_of_a_critic_that_ships(name):
    """To 1e-3 of ||x||. Not so ct-chest-low and mri-thorax: data/study/solvers.md."""
    (problem, y), critic = small_scene(name), ar.load_critic(name)
    weight = ar.weight_from_noise(problem)
    ends = []
    for method in METHODS:
        options = dict(method=method, steps=1000, stop="gradient", tolerance=3e-4)
        *_, it = ar.reconstruct(problem, y, critic, weight, **options)
        ends.append(it)
    for end in ends:
        assert end.stopped and (end.x - ends[0].x).norm() <= 1e-3 * ends[0].x.norm()
        torch.testing.assert_close(end.objective, ends[0].objective, rtol=1e-4, atol=0)
