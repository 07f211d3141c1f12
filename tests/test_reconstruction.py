"""Algorithm 2 against closed-form minimisers, its records, its stopping rules, and what bad input gets."""

import functools
import itertools
import math
import warnings

import advreg_edu as ar
import pytest
import torch
from advreg_edu.reconstruction import METHODS

WEIGHT = 0.2


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Quadratic(torch.nn.Module):
    """Psi(x) = ||x||^2 / 2: its minimiser is a linear system."""

    def forward(self, x):
        return 0.5 * x.square().flatten(1).sum(1)


class Bowl(torch.nn.Module):
    """Psi(x) = sum over pixels of sqrt(1 + 10 (x - 1/2)^2): convex, smooth, not quadratic."""

    def forward(self, x):
        return (1 + 10 * (x - 0.5).square()).sqrt().flatten(1).sum(1)


def random_mask(size, seed=0):
    return (torch.rand(size, size, generator=seeded(seed)) < 0.5).float()


MAKERS = {
    "Identity": lambda: ar.Identity((2, 8, 8)),
    "Inpainting": lambda: ar.Inpainting(random_mask(8), channels=2),
    "Fourier": lambda: ar.FourierSampling(ar.cartesian_mask(9, generator=seeded())),
    "Ray": lambda: ar.RayTransform(10, 8),
}


@functools.cache
def problem_of(name, sigma=0.05):
    return ar.Problem(MAKERS[name](), sigma)


@pytest.fixture(params=MAKERS, ids=str)
def problem(request):
    return problem_of(request.param)


def data(problem, batch=3, dtype=torch.float64):
    """Measurements of noisy images, each twice as bright as the one before: they converge at their own pace."""
    x = torch.rand(batch, *problem.A.domain_shape, generator=seeded(7), dtype=dtype)
    return problem.measure(x * 0.5 ** torch.arange(batch).flip(0)[:, None, None, None], seeded(8))


def run(problem, y=None, critic=None, reg_weight=WEIGHT, step_size=0.3, **kwargs):
    y = data(problem) if y is None else y
    return list(ar.reconstruct(problem, y, critic or Quadratic(), reg_weight, step_size, **kwargs))


def dense(A):
    pixels = math.prod(A.domain_shape)
    columns = A(torch.eye(pixels, dtype=torch.float64).reshape(pixels, *A.domain_shape))
    return (torch.view_as_real(columns) if columns.is_complex() else columns).flatten(1).T


def closed_form(problem, y, weight):
    """argmin ||Ax - y||^2 + weight/2 ||x||^2 = (2 A*A + weight)^-1 2 A*y."""
    M = dense(problem.A)
    y = (torch.view_as_real(y) if y.is_complex() else y).flatten(1).T
    x = torch.linalg.solve(2 * M.T @ M + weight * torch.eye(M.shape[1], dtype=M.dtype), 2 * M.T @ y)
    return x.T.reshape(-1, *problem.A.domain_shape)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weight", [0.2, 1.5])
def test_converges_to_the_closed_form(problem, method, weight):
    """Psi = ||x||^2 / 2: x_k -> (2 A*A + lambda)^-1 2 A*y."""
    y = data(problem)
    last = run(problem, y, reg_weight=weight, step_size=0.3, steps=200, method=method)[-1]
    assert torch.allclose(last.x, closed_form(problem, y, weight), atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_methods_agree_on_a_convex_critic(problem, method):
    """One objective, one minimiser: grad J = 0 at the end of every method."""
    its = run(problem, critic=Bowl(), reg_weight=0.1, step_size=0.3, steps=250, method=method)
    assert (its[-1].gradient_norm <= 1e-3 * its[0].gradient_norm).all()


def test_first_step_by_hand(problem):
    """Alg. 2: x_0 = A†y and x_1 = x_0 - epsilon (2 A*(A x_0 - y) + lambda x_0) for Psi = ||x||^2 / 2."""
    y, A = data(problem), problem.A
    start, after, *_ = run(problem, y, step_size=0.3, steps=1)
    assert torch.equal(start.x, problem.naive(y)) and start.step == 0 and after.step == 1
    expected = start.x - 0.3 * (2 * A.T(A(start.x) - y) + WEIGHT * start.x)
    assert torch.allclose(after.x, expected, atol=1e-12)


def test_forward_backward_step_by_hand(problem):
    """x_1 = argmin_u ||Au - y||^2 + ||u - v||^2 / (2 epsilon), v = x_0 - epsilon lambda grad Psi(x_0)."""
    y, step = data(problem), 0.7
    start, after, *_ = run(problem, y, step_size=step, steps=1, method="forward-backward")
    v, M = start.x - step * WEIGHT * start.x, dense(problem.A)
    right = problem.A.T(y) * 2 + v / step
    u = torch.linalg.solve(2 * M.T @ M + torch.eye(M.shape[1], dtype=M.dtype) / step, right.flatten(1).T).T
    assert torch.allclose(after.x, u.reshape(v.shape), atol=1e-4)


def test_momentum_by_hand():
    """Nesterov: x_2 = z - epsilon grad J(z) with z = x_1 + 1/4 (x_1 - x_0)."""
    problem, step = problem_of("Ray"), 0.1
    y, A = data(problem), problem.A
    x0, x1, x2 = (it.x for it in run(problem, y, step_size=step, steps=2, method="accelerated"))
    z = x1 + (x1 - x0) / 4
    assert torch.allclose(x2, z - step * (2 * A.T(A(z) - y) + WEIGHT * z), atol=1e-12)


def test_momentum_restarts_by_hand():
    """Each image alone: beta = age / (age + 3); age starts again where a step goes uphill, <grad J(z), step> > 0."""
    problem, step, steps = problem_of("Ray"), 0.3, 80
    A, y = problem.A, data(problem)
    its = run(problem, y, step_size=step, steps=steps, method="accelerated")
    restarts = 0
    for i, y_i in enumerate(y.split(1)):
        x = previous = problem.naive(y_i)
        age = 0
        for k in range(steps):
            z = x + age / (age + 3) * (x - previous)
            grad = 2 * A.T(A(z) - y_i) + WEIGHT * z
            previous, x = x, z - step * grad
            uphill = float((grad * (x - previous)).sum()) > 0
            restarts, age = restarts + uphill, 0 if uphill else age + 1
            assert torch.allclose(its[k + 1].x[i], x[0], atol=1e-8)
    assert restarts > 0


@pytest.mark.parametrize("step_size", [0.1, 0.5, 0.9])
def test_objective_falls_below_the_limit(problem, step_size):
    """J(x_{k+1}) <= J(x_k) for epsilon < 2 / L, here L = 2 ||A||^2 + lambda."""
    step_size *= 2 / (2 * problem.A.norm**2 + WEIGHT)
    objective = torch.stack([it.objective for it in run(problem, step_size=step_size, steps=60)])
    assert (objective.diff(dim=0) <= 1e-12 * objective[0]).all() and (objective[-1] < objective[0]).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("critic", [Quadratic(), Bowl()], ids=["quadratic", "bowl"])
def test_records_are_their_definitions(problem, method, critic):
    """data = ||Ax - y||^2, regularizer = Psi(x), objective = data + lambda Psi, gradient_norm = ||grad J||."""
    y, A = data(problem), problem.A
    for it in run(problem, y, critic, step_size=0.2, steps=4, method=method):
        x = it.x.clone().requires_grad_()
        data_term = (A(x) - y).abs().square().flatten(1).sum(1)
        objective = data_term + WEIGHT * critic(x)
        (grad,) = torch.autograd.grad(objective.sum(), x)
        assert torch.allclose(it.data_term, data_term) and torch.allclose(it.regularizer, critic(x))
        assert torch.allclose(it.objective, objective)
        assert torch.allclose(it.gradient_norm, grad.flatten(1).norm(dim=1))
        for number in (it.objective, it.data_term, it.regularizer, it.gradient_norm):
            assert number.shape == (len(y),) and not number.requires_grad
        assert not it.x.requires_grad and repr(it).startswith(f"Iterate(step={it.step}, objective=")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_steps(problem, method, steps):
    """steps + 1 iterates, numbered from 0; those already seen do not change."""
    iterates = ar.reconstruct(problem, data(problem), Bowl(), 0.1, 0.3, steps=steps, method=method)
    seen = [(it, it.x.clone()) for it in iterates]
    assert [it.step for it, _ in seen] == list(range(steps + 1))
    assert all(torch.equal(it.x, then) for it, then in seen)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("critic", [Quadratic(), Bowl()], ids=["quadratic", "bowl"])
def test_batch_is_loop(problem, method, critic):
    """A batch goes the way each of its images goes alone."""
    y = data(problem)
    kwargs = dict(reg_weight=0.05, step_size=0.3, steps=60, method=method)
    together = run(problem, y, critic, **kwargs)
    for i in range(len(y)):
        alone = run(problem, y[i : i + 1], critic, **kwargs)
        for a, b in zip(together, alone, strict=True):
            assert torch.allclose(a.x[i], b.x[0], atol=1e-8), f"step {a.step}"


@pytest.mark.parametrize("weight", [0.002, 0.02])
def test_momentum_is_faster_on_ct(weight):
    """After the same number of steps Nesterov's objective is the lower one, and nearer to the minimum."""
    problem = ar.Problem(ar.RayTransform(24, 12), 0.01)
    y = problem.measure(ar.images.ellipses(2, 24, generator=seeded()), seeded(1)).double()
    best = run(problem, y, reg_weight=weight, steps=0, x0=closed_form(problem, y, weight))[-1].objective
    kwargs = dict(reg_weight=weight, step_size=0.3, steps=60)
    plain, fast = (run(problem, y, method=m, **kwargs)[-1].objective - best for m in METHODS[:2])
    assert (fast < 0.5 * plain).all() and (fast >= -1e-9).all()


def test_no_regulariser_no_noise_recovers_the_image():
    """lambda = 0, sigma = 0 and a full measurement: the start is the truth already and stays."""
    problem = ar.Problem(ar.Identity((1, 8, 8)), 0)
    x = torch.rand(2, 1, 8, 8, generator=seeded())
    its = run(problem, problem.measure(x), reg_weight=0, steps=3)
    assert all(torch.equal(it.x, x) and not it.objective.any() for it in its)


def test_own_start(problem):
    """x0 replaces A†y; the minimiser of a convex objective does not depend on it."""
    y = data(problem)
    x0 = torch.rand(len(y), *problem.A.domain_shape, generator=seeded(), dtype=torch.float64)
    its = run(problem, y, x0=x0.requires_grad_(), step_size=0.4, steps=200)
    assert not any(it.x.requires_grad or it.objective.requires_grad for it in its)
    assert torch.equal(its[0].x, x0) and torch.allclose(its[-1].x, closed_form(problem, y, WEIGHT), atol=1e-4)


def test_weight_from_noise_fits_in():
    """The scalar tensor of `weight_from_noise` is a weight, and float32 data stay float32."""
    problem = problem_of("Ray")
    weight = ar.weight_from_noise(problem)
    its = run(problem, data(problem, dtype=torch.float32), reg_weight=weight, steps=2)
    assert its[-1].x.dtype == torch.float32
    assert torch.allclose(its[-1].objective, its[-1].data_term + weight * its[-1].regularizer)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4])
def test_stop_by_tolerance(problem, method, tolerance):
    """Stops at the first k with ||x_{k+1} - x_k|| <= t ||x_k|| for every image."""
    kwargs = dict(step_size=0.3, method=method)
    its = run(problem, steps=300, stop=tolerance, **kwargs)
    norm = lambda u: u.flatten(1).norm(dim=1)
    changes = [(norm(b.x - a.x) / norm(a.x)).max() for a, b in itertools.pairwise(its)]
    assert len(its) < 301 and changes[-1] <= tolerance and all(c > tolerance for c in changes[:-1])
    assert torch.equal(run(problem, steps=its[-1].step, **kwargs)[-1].x, its[-1].x)


def expected_data_term(problem):
    A = problem.A
    numbers = float(A.mask.sum()) * A.domain_shape[0] if hasattr(A, "mask") else math.prod(A.range_shape)
    return problem.sigma**2 * numbers * (2 if A.complex_range else 1)


@pytest.mark.parametrize("start", ["black", "fitted"])
@pytest.mark.parametrize("weight", [0.02, 4.0])
def test_stop_by_discrepancy(problem, start, weight):
    """Each image goes to its first x near a minimum that fits to the noise, or to rest, and waits there; the data term
    alone, which falls through its expected value from a black start, ends nothing."""
    y, expected = data(problem), expected_data_term(problem)
    x0 = closed_form(problem, y, 1e-3) if start == "fitted" else torch.zeros(3, *problem.A.domain_shape).double()
    kwargs = dict(x0=x0, reg_weight=weight, step_size=0.2, steps=3000)
    its, free = run(problem, y, **kwargs, stop="discrepancy"), run(problem, y, **kwargs)
    slopes, fits = (torch.stack([getattr(it, name) for it in free]) for name in ("gradient_norm", "data_term"))
    first = ((slopes <= 0.05 * weight) & (fits <= expected) | (slopes <= 0.01 * weight)).int().argmax(0)
    assert its[-1].stopped and its[-1].step == first.max() < 3000
    assert all(torch.equal(its[-1].x[i], free[k].x[i]) for i, k in enumerate(first.tolist()))
    if start == "black" and weight < 1:
        passed = (fits <= expected).int().argmax(0)
        assert (passed < first).all() and (its[-1].data_term <= expected).all()


@pytest.mark.parametrize("sigma, earlier", [(0.01, False), (0.4, True)])
def test_discrepancy_is_coarser_than_rest_where_the_data_are_fitted(problem, sigma, earlier):
    """A minimum above the noise level is run to rest; one below is left at five times the tolerance."""
    y, kwargs = data(problem), dict(reg_weight=1.0, step_size=0.05, steps=2000)
    steps = {s: run(ar.Problem(problem.A, sigma), y, **kwargs, stop=s)[-1].step for s in ("discrepancy", "gradient")}
    assert (steps["discrepancy"] < steps["gradient"]) == earlier


class HalfSeen(ar.LinearOperator):
    """Inpainting as a user may write it: no mask, but the places that are measured in `_measured`."""

    def __init__(self, seen):
        super().__init__(domain_shape=(1, *seen.shape), range_shape=(1, *seen.shape), norm=1.0)
        self.seen = seen.bool()

    def _forward(self, x):
        return torch.where(self.seen, x, 0)

    _adjoint = _measured = _forward


def test_discrepancy_asks_the_operator_what_it_measures():
    """A user's inpainting stops at the iterate at which ours stops."""
    mask = random_mask(8)
    ends = []
    for A in (ar.Inpainting(mask), HalfSeen(mask)):
        problem = ar.Problem(A, 0.05)
        y = data(problem)
        kwargs = dict(x0=A.T(y), reg_weight=0.3, step_size=0.05, steps=1000)  # A† of the user's is A*
        ends.append(run(problem, y, **kwargs, stop="discrepancy")[-1])
    assert ends[0].stopped and 2 < ends[0].step == ends[1].step and torch.equal(ends[0].x, ends[1].x)


class HeavyBall:
    """Polyak 1964: x_{k+1} = x_k - epsilon grad J(x_k) + beta (x_k - x_{k-1})."""

    def __init__(self, momentum):
        self.momentum = momentum

    def start(self):
        self.previous = None

    def __call__(self, J, p, step_size):
        before, self.previous = p.x if self.previous is None else self.previous, p.x
        return p.x - step_size * p.gradient + self.momentum * (p.x - before)


def test_a_solver_of_ones_own(problem):
    """An object comes to the same minimiser, by its own formula, and serves several runs."""
    y, A = data(problem), problem.A
    solver = HeavyBall(0.5)
    its = run(problem, y, step_size=0.2, steps=150, method=solver)
    assert torch.allclose(its[-1].x, closed_form(problem, y, WEIGHT), atol=1e-4)
    grad = lambda x: 2 * A.T(A(x) - y) + WEIGHT * x
    x0, x1, x2 = (it.x for it in its[:3])
    assert torch.allclose(x1, x0 - 0.2 * grad(x0), atol=1e-12)
    assert torch.allclose(x2, x1 - 0.2 * grad(x1) + 0.5 * (x1 - x0), atol=1e-12)
    again = run(problem, y, step_size=0.2, steps=150, method=solver)
    assert all(torch.equal(a.x, b.x) for a, b in zip(its, again, strict=True))
    assert run(problem, y, step_size=0.2, steps=500, method=solver, stop="gradient", tolerance=0.1)[-1].stopped


def test_a_solver_may_be_a_function():
    """Alg. 2, line 3 as the caller writes it is "gradient-descent", bit for bit."""
    line_3 = lambda J, p, step_size: p.x - step_size * p.gradient
    for ours, theirs in zip(run(problem_of("Ray")), run(problem_of("Ray"), method=line_3), strict=True):
        assert torch.equal(ours.x, theirs.x) and torch.equal(ours.step_size, theirs.step_size)


@pytest.mark.parametrize(
    "method, options, message",
    [
        (HeavyBall, {}, r"expected a name or a solver, got the class HeavyBall. Make one: HeavyBall\(\)"),
        (HeavyBall(0.5), {"step_size": "auto"}, 'expected a number for a solver of your own, got "auto"'),
        (
            lambda J, p, step_size: p.x[:1],
            {},
            r"method\(J, p, step_size\): expected images like p.x of shape \(3, 2",
        ),
        (lambda J, p, step_size: None, {}, r"method\(J, p, step_size\): expected a torch.Tensor, got NoneType"),
        ("steepest", {}, "expected one of gradient-descent, accelerated, forward-backward, got 'steepest'"),
    ],
)
def test_a_solver_that_is_none(method, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        run(problem_of("Identity"), method=method, **options)


LIMITS = {"gradient-descent": 1.0, "accelerated": 2 / 3}


@pytest.mark.parametrize("method", LIMITS)
def test_step_size_past_the_limit_warns_and_stops(problem, method):
    """A warning before the first step; `Diverged`, a ValueError, keeps the last finite iterate."""
    y = data(problem, dtype=torch.float32)
    seen = []
    with pytest.warns(UserWarning, match=r"step_size 1\.6 is at or past the stability limit .*Choose a smaller"):
        iterates = ar.reconstruct(problem, y, Quadratic(), 0.05, step_size=1.6, steps=5000, method=method)
        seen.append(next(iterates))
    with pytest.raises(ar.Diverged, match=r"blew up at step \d+: .*Lower step_size \(now 1\.6\).*`\.last`") as error:
        seen.extend(iterates)
    last = error.value.last
    assert isinstance(error.value, ValueError) and last is seen[-1] and last.step >= 1
    for value in (last.x, last.objective, last.data_term, last.regularizer, last.gradient_norm):
        assert torch.isfinite(value).all()


@pytest.mark.parametrize("method", LIMITS)
def test_warning_begins_at_the_limit(problem, method):
    """1 / ||A||^2 for gradient descent, 2/3 of it with momentum, none for forward-backward."""
    limit = LIMITS[method] / problem.A.norm**2
    with pytest.warns(UserWarning, match="past the stability limit"):
        run(problem, step_size=1.01 * limit, steps=0, method=method)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(problem, step_size=0.99 * limit, steps=0, method=method)
        run(problem, step_size=100, steps=0, method="forward-backward")


@pytest.mark.parametrize("method, share", [("gradient-descent", 0.97), ("accelerated", 0.95), ("forward-backward", 3)])
def test_no_warning_and_no_blow_up_below_the_limit(problem, method, share):
    """Where no warning is given, the data term alone is stable: J stays below its start."""
    step_size = share * LIMITS.get(method, 1.0) / problem.A.norm**2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        its = run(problem, reg_weight=1e-3, step_size=step_size, steps=200, method=method)
    assert len(its) == 201 and (its[-1].objective <= its[0].objective * (1 + 1e-9)).all()


@pytest.mark.parametrize("step_size", [2.0, 50.0])
def test_forward_backward_past_its_limit_is_said(problem, step_size):
    """With Psi = 10 |x - 1/2|, rounded, x jumps across the kink: bounded for ever, and far from the minimum."""
    kink = lambda x: (1e-4 + 100 * (x - 0.5).square()).sqrt().flatten(1).sum(1)
    with pytest.warns(
        UserWarning, match=rf"step_size {step_size:g} is too large for this critic: .*step_size=\"auto\""
    ) as said:
        last = run(problem, critic=kink, step_size=step_size, steps=25, method="forward-backward")[-1]
    least = run(problem, critic=kink, step_size="auto", steps=25, method="forward-backward")[-1]
    assert (last.objective > 1.02 * least.objective).all() and len(said) == 1 and said[0].filename == __file__


@pytest.mark.parametrize("step_size", [0.02, "auto"])
@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_said_below_the_limit(problem, method, step_size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(problem, critic=Bowl(), step_size=step_size, steps=60, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_blow_up_by_the_critic(method):
    """Below the data term's limit, a steep critic still can blow up: no warning, but the same clear stop."""
    problem = problem_of("Identity")
    with pytest.raises(ar.Diverged, match="Lower step_size") as error:
        run(problem, data(problem, dtype=torch.float32), reg_weight=100.0, step_size=0.3, steps=500, method=method)
    assert torch.isfinite(error.value.last.x).all() and torch.isfinite(error.value.last.objective).all()


def test_global_random_state_and_critic_are_untouched():
    problem, state = problem_of("Identity"), torch.get_rng_state()
    critic = ar.LocalCritic(channels=2)
    before = {key: value.clone() for key, value in critic.state_dict().items()}
    state = torch.get_rng_state()
    its = run(problem, data(problem, dtype=torch.float32), critic, steps=2)
    assert torch.equal(torch.get_rng_state(), state) and len(its) == 3
    assert all(torch.equal(value, before[key]) for key, value in critic.state_dict().items())
    assert all(p.grad is None for p in critic.parameters())


def test_works_under_no_grad():
    problem = problem_of("Identity")
    with torch.no_grad():
        inside = run(problem, steps=3)
    assert torch.equal(inside[-1].x, run(problem, steps=3)[-1].x)


class Nowhere(torch.nn.Module):
    """Psi(x) = NaN."""

    def forward(self, x):
        return x.flatten(1).sum(1) * math.nan


class Column(Quadratic):
    """Psi in the shape (B, 1), which would broadcast against (B,) to nonsense."""

    def forward(self, x):
        return super().forward(x)[:, None]


def spoiled(y, value):
    y = y.clone()
    y.view(-1)[5] = value
    return y


def bad(change=None, **kwargs):
    """A call of `reconstruct` on the Identity problem with one thing wrong, up to its first iterate."""

    def call():
        problem = problem_of("Identity")
        y = data(problem, dtype=torch.float32)
        arguments = dict(problem=problem, y=change(y) if change else y, critic=Quadratic(), reg_weight=0.1) | kwargs
        next(iter(ar.reconstruct(**arguments)))

    return call


BAD_CALLS = {
    "nan in y": (bad(lambda y: spoiled(y, math.nan)), ValueError, r"y: expected finite numbers, got 1 NaN or infinite"),
    "inf in y": (bad(lambda y: spoiled(y, math.inf)), ValueError, r"y: expected finite numbers, got 1 NaN or infinite"),
    "shape of y": (bad(lambda y: y[:, :1]), ValueError, r"y: expected .*\(B, 2, 8, 8\), got \(3, 1, 8, 8\)"),
    "one y": (bad(lambda y: y[0]), ValueError, r"y: expected measurements .*got \(2, 8, 8\).*batch axis"),
    "numpy y": (bad(lambda y: y.numpy()), TypeError, r"y: expected a torch\.Tensor, got ndarray"),
    "complex y": (bad(lambda y: y + 0j), TypeError, r"y: expected a float tensor, got torch\.complex64"),
    "operator": (bad(problem=ar.Identity((2, 8, 8))), TypeError, r"expected Problem\(A, sigma\), got Identity"),
    "method": (bad(method="newton"), ValueError, r"method: expected one of gradient-descent, .*, got 'newton'"),
    "negative weight": (bad(reg_weight=-0.1), ValueError, r"reg_weight: .*at least 0, got -0\.1.*weight_from_noise"),
    "nan weight": (bad(reg_weight=math.nan), ValueError, r"reg_weight: expected a finite number"),
    "text weight": (bad(reg_weight="auto"), TypeError, r"reg_weight: expected a number, got 'auto'"),
    "step size 0": (bad(step_size=0), ValueError, r"step_size: .*above 0, got 0"),
    "step size -1": (bad(step_size=-1), ValueError, r"step_size: .*above 0, got -1"),
    "steps -1": (bad(steps=-1), ValueError, r"steps: expected at least 0, got -1"),
    "steps 1.5": (bad(steps=1.5), TypeError, r"steps: expected a whole number, got 1\.5"),
    "stop -1": (bad(stop=-1), ValueError, r"stop: expected .*at least 0, got -1.*discrepancy"),
    "stop soon": (bad(stop="soon"), TypeError, r"stop: expected a number, got 'soon'.*discrepancy"),
    "x0 shape": (bad(x0=torch.zeros(3, 1, 8, 8)), ValueError, r"x0: expected .*\(B, 2, 8, 8\), got \(3, 1, 8, 8\)"),
    "x0 nan": (bad(x0=torch.full((3, 2, 8, 8), math.nan)), ValueError, r"x0: expected finite numbers"),
    "x0 batch": (bad(x0=torch.zeros(2, 2, 8, 8)), ValueError, r"x0: expected 3 images, as many as in y, got 2"),
    "channels": (bad(critic=ar.LocalCritic(channels=1)), ValueError, r"critic: .*2 channel.*got one for 1.*channels=2"),
    "size": (bad(critic=ar.PaperCritic(channels=2, size=16)), ValueError, r"x: expected .*\(B, 2, 16, 16\), got"),
    "critic shape": (bad(critic=Column()), ValueError, r"critic\(x\): expected one number per image .*got \(3, 1\)"),
    "critic nan": (bad(critic=Nowhere()), ValueError, r"objective of the start.*expected finite numbers, got 3"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_input(name):
    call, kind, message = BAD_CALLS[name]
    with pytest.raises(kind, match=message):
        call()


def test_bad_input_stops_before_the_operator_is_used():
    """Nothing is computed before everything is checked."""

    class Counting(ar.Identity):
        calls = 0

        def _forward(self, x):
            Counting.calls += 1
            return x.clone()

    problem = ar.Problem(Counting((1, 4, 4)), 0.1)
    with pytest.raises(ValueError, match="reg_weight"):
        next(ar.reconstruct(problem, torch.zeros(1, 1, 4, 4), Quadratic(), -1))
    assert Counting.calls == 0
