"""Right answers, written as different people write them: {exercise: functions}."""

import math

import advreg_edu as ar
import numpy as np
import torch
from advreg_edu import theory, training
from advreg_edu.course.exercises import EXERCISES

ANSWERS = {name: [exercise.reference] for name, exercise in EXERCISES.items()}


def answers(name):
    """Adds a right answer to the list of an exercise."""

    def add(function):
        ANSWERS[name].append(function)
        return function

    return add


# 00a psnr ---------------------------------------------------------------------------------------------------------
ANSWERS["00a"] += [
    ar.psnr,
    lambda a, b: 10 * torch.log10(1 / ((a - b) ** 2).mean(dim=(1, 2, 3))),
    lambda a, b: 20 * torch.log10(1 / ((a - b) ** 2).mean(dim=(1, 2, 3)).sqrt()),
    lambda a, b: -10 * ((b - a) ** 2).mean((-1, -2, -3)).log() / math.log(10),
    lambda a, b: -10 * torch.log10((a - b).flatten(1).norm(dim=1) ** 2 / a[0].numel()),
    lambda a, b: -10 * np.log10(((a.numpy() - b.numpy()) ** 2).mean(axis=(1, 2, 3))),
    lambda a, b: [-10 * math.log10(float(torch.mean((u - v) ** 2))) for u, v in zip(a, b, strict=True)],
    lambda a, b: torch.stack([-10 * torch.nn.functional.mse_loss(u, v).log10() for u, v in zip(a, b, strict=True)]),
    lambda x, x_true: ar.psnr(x.float(), x_true.float()),
]


@answers("00a")
def _(image, truth):
    values = torch.zeros(len(image))
    for k in range(len(image)):
        total = 0.0
        for a, b in zip(image[k].flatten().tolist(), truth[k].flatten().tolist(), strict=True):
            total += (a - b) ** 2
        values[k] = -10 * math.log10(total / image[k].numel())
    return values


@answers("00a")
def _(x, x_true, peak=1.0):
    x -= x_true  # into the argument, which is a copy
    return 10 * torch.log10(peak**2 / x.pow(2).flatten(1).mean(1))


# 00b six lines ----------------------------------------------------------------------------------------------------
@answers("00b")
def _(problem, y, critic):
    run = list(ar.reconstruct(problem, y, critic, ar.weight_from_noise(problem), step_size="auto", stop="gradient"))
    return run[-1].x


@answers("00b")
def _(problem, y, critic):
    weight = 2 * problem.A.T(problem.noise(200, torch.Generator().manual_seed(5))).flatten(1).norm(dim=1).mean()
    for it in ar.reconstruct(problem, y, critic, weight.item(), step_size=0.05, steps=300):
        x = it.x
    return x


@answers("00b")
def _(problem, y, critic):
    x = problem.naive(y)
    for _ in range(200):
        x = x.detach().requires_grad_()
        J = (problem.A(x) - y).square().sum() + ar.weight_from_noise(problem) * critic(x).sum()
        x = x - 0.1 * torch.autograd.grad(J, x)[0]
    return x.detach()


# 00c shares -------------------------------------------------------------------------------------------------------
@answers("00c")
def _(A, y, critic, w, t, x):
    data = [(A(u) - y).norm() ** 2 for u in (t, x)]
    prior = w * critic(torch.cat([t, x]))
    return data[0] - data[1], prior[0] - prior[1]


@answers("00c")
def _(A, y, critic, reg_weight, x_true, x_end):
    parts = [((A(x) - y).pow(2).sum().item(), reg_weight * critic(x).item()) for x in (x_true, x_end)]
    return tuple(parts[0][k] - parts[1][k] for k in (0, 1))


@answers("00c")
def _(A, y, critic, reg_weight, x_true, x_end):
    residual = lambda x: (A(x) - y).numpy().ravel()
    data = residual(x_true) @ residual(x_true) - residual(x_end) @ residual(x_end)
    return data, float(reg_weight * (critic(x_true) - critic(x_end)).sum())


# 01a adjoint ------------------------------------------------------------------------------------------------------
@answers("01a")
def _(u):
    n = len(u)
    D = torch.zeros(n, n, dtype=u.dtype)
    for k in range(n - 1):
        D[k, k], D[k, k + 1] = -1, 1
    return D.T @ u


@answers("01a")
def _(values):
    v = values.numpy().copy()
    v[-1] = 0
    return np.concatenate([[0], v[:-1]]) - v


@answers("01a")
def _(u):
    result = torch.zeros_like(u)
    for k in range(len(u) - 1):
        result[k + 1] += u[k]
        result[k] -= u[k]
    return result


ANSWERS["01a"] += [
    lambda u: -torch.diff(u[:-1], prepend=u.new_zeros(1), append=u.new_zeros(1)),
    lambda u: [-float(u[0]), *(float(u[k - 1] - u[k]) for k in range(1, len(u) - 1)), float(u[-2])],
    lambda u: torch.autograd.functional.vjp(lambda x: torch.cat([x.diff(), x.new_zeros(1)]), u * 0, u)[1],
]


# 01b Tikhonov -----------------------------------------------------------------------------------------------------
@answers("01b")
def _(U, s, Vt, y, reg_weight):
    A = U @ torch.diag(s) @ Vt
    n = A.shape[1]
    return torch.linalg.solve(A.T @ A + reg_weight * torch.eye(n, dtype=A.dtype), A.T @ y)


@answers("01b")
def _(left, values, right, data, weight):
    x = 0
    for k, s in enumerate(values):
        x = x + s / (s * s + weight) * (left[:, k] @ data) * right[k]
    return x


@answers("01b")
def _(U, s, Vt, y, w):
    U, s, Vt, y = (part.numpy() for part in (U, s, Vt, y))
    return Vt.T @ np.diag(1 / s * s**2 / (s**2 + float(w))) @ U.T @ y


@answers("01b")
def _(U, s, Vt, y, w):
    A = U * s @ Vt
    stacked = torch.cat([A, w.sqrt() * torch.eye(A.shape[1], dtype=A.dtype)])
    return torch.linalg.lstsq(stacked, torch.cat([y, y.new_zeros(A.shape[1])])).solution


# 01c invisible ----------------------------------------------------------------------------------------------------
@answers("01c")
def _(s, Vt, nodule):
    seen = Vt[s > 0]
    part = nodule - seen.T @ (seen @ nodule)
    return part, (part.norm() / nodule.norm()) ** 2


@answers("01c")
def _(s, Vt, nodule):
    part = torch.zeros_like(nodule)
    for k in range(len(s)):
        if s[k] < 1e-5:
            part += (Vt[k] * nodule).sum() * Vt[k]
    return part, float(part @ part) / float(nodule @ nodule)


@answers("01c")
def _(s, Vt, nodule):
    hidden = Vt.numpy()[s.numpy() < 1e-6]
    coefficients = hidden @ nodule.numpy()
    return coefficients @ hidden, (coefficients**2).sum() / (nodule.numpy() ** 2).sum()


# 02c largest step -------------------------------------------------------------------------------------------------
ANSWERS["02c"] += [
    lambda a, w, L: 1 / (a * a + 0.5 * w * L),
    lambda norm_A, reg_weight, L_f: torch.tensor(2.0) / (2 * norm_A**2 + reg_weight * L_f),
    lambda a, b, c: (lambda L: 2 / L)(np.float64(2 * a**2 + b * c)),
    lambda norm_A, reg_weight, L_f: 2.0 * (2.0 * math.pow(norm_A, 2) + reg_weight * L_f) ** -1,
]


# 02b gradient of TV -----------------------------------------------------------------------------------------------
@answers("02b")
def _(x, beta):
    x = x.clone().requires_grad_()
    d1, d2 = torch.zeros_like(x), torch.zeros_like(x)
    d1[:, :, :-1], d2[..., :-1] = x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1]
    return torch.autograd.grad((d1**2 + d2**2 + beta**2).sqrt().sum(), x)[0]


@answers("02b")
def _(x, beta):
    u = x.numpy()
    d1, d2 = np.zeros_like(u), np.zeros_like(u)
    d1[:, :, :-1], d2[:, :, :, :-1] = np.diff(u, axis=2), np.diff(u, axis=3)
    root = np.sqrt(d1**2 + d2**2 + beta**2)
    p, q, g = d1 / root, d2 / root, np.zeros_like(u)
    g -= p + q
    g[:, :, 1:] += p[:, :, :-1]
    g[:, :, :, 1:] += q[:, :, :, :-1]
    return g


@answers("02b")
def _(image, beta):
    result = torch.zeros_like(image)
    rows, columns = image.shape[-2:]
    for i in range(rows):
        for j in range(columns):
            a = image[..., i + 1, j] - image[..., i, j] if i + 1 < rows else torch.zeros(image.shape[:2])
            b = image[..., i, j + 1] - image[..., i, j] if j + 1 < columns else torch.zeros(image.shape[:2])
            root = (a**2 + b**2 + beta**2).sqrt()
            result[..., i, j] -= (a + b) / root
            if i + 1 < rows:
                result[..., i + 1, j] += a / root
            if j + 1 < columns:
                result[..., i, j + 1] += b / root
    return result


# 02a Morozov ------------------------------------------------------------------------------------------------------
@answers("02a")
def _(denoise, y, sigma):
    weights = np.geomspace(1e-3, 1e3, 2000)
    terms = [float(((denoise(w) - y) ** 2).sum()) for w in weights]
    return weights[int(np.argmin(np.abs(np.array(terms) - sigma**2 * y.numel())))]


@answers("02a")
def _(denoise, y, sigma):
    goal, weight = sigma * math.sqrt(y.numel()), 1e-3
    while (denoise(weight) - y).norm() < goal:
        weight *= 1.01
    return torch.tensor(weight)


@answers("02a")
def _(denoise, y, sigma):
    from scipy.optimize import brentq

    return brentq(lambda w: float((denoise(w) - y).square().mean()) - sigma**2, 0, 500)


# 03a mixed --------------------------------------------------------------------------------------------------------
@answers("03a")
def _(x_real, x_noisy, generator):
    t = torch.rand((len(x_real), 1, 1, 1), generator=generator, dtype=x_real.dtype)
    return torch.lerp(x_real, x_noisy, t).requires_grad_(True)


@answers("03a")
def _(a, b, g):
    points = [u + torch.rand(1, generator=g) * (v - u) for u, v in zip(a, b, strict=True)]
    x_i = torch.stack(points)
    x_i.requires_grad = True
    return x_i


@answers("03a")
def _(a, b, g):
    mix = torch.rand(a.shape[0], generator=g)[:, None, None, None].expand_as(a)
    return torch.autograd.Variable(mix * b + (1 - mix) * a, requires_grad=True)


# 03b loss ---------------------------------------------------------------------------------------------------------
@answers("03b")
def _(psi, real, noisy, mix, mu):
    x = torch.autograd.Variable(mix * real + (1 - mix) * noisy, requires_grad=True)
    g = torch.autograd.grad(psi(x), x, torch.ones(len(x), dtype=x.dtype), create_graph=True)[0]
    fine = torch.clamp((g**2).sum((1, 2, 3)).sqrt() - 1, min=0) ** 2
    return (psi(real) - psi(noisy)).mean() + (mu * fine).mean()


@answers("03b")
def _(critic, x_real, x_noisy, mix, gp_weight):
    total = 0
    for k in range(len(x_real)):
        x_i = (mix[k] * x_real[k] + (1 - mix[k]) * x_noisy[k])[None].requires_grad_()
        (g,) = torch.autograd.grad(critic(x_i).sum(), x_i, create_graph=True)
        excess = torch.maximum(g.norm() - 1, torch.zeros(()))
        total = total + critic(x_real[k : k + 1]) - critic(x_noisy[k : k + 1]) + gp_weight * excess**2
    return total / len(x_real)


@answers("03b")
def _(critic, x_real, x_noisy, mix, gp_weight):
    batch = training.Batch.between(x_real, x_noisy)
    return training.Eq6(gp_weight)(critic, batch, mix).loss


@answers("03b")
def _(critic, x_real, x_noisy, mix, gp_weight):
    x_i = (x_noisy + mix * (x_real - x_noisy)).requires_grad_()
    critic(x_i).sum().backward(create_graph=True)
    excess = torch.nn.functional.relu(torch.linalg.vector_norm(x_i.grad, dim=(1, 2, 3)) - 1)
    critic.weight.grad = None
    return critic(x_real).mean() - critic(x_noisy).mean() + gp_weight * (excess * excess).mean()


# 03c weight -------------------------------------------------------------------------------------------------------
ANSWERS["03c"] += [
    lambda e, W: 0.5 * W / e,
    lambda excess, distance: torch.as_tensor(distance) / excess / 2,
    lambda excess, distance: np.divide(distance, 2 * excess),
    lambda excess, distance: next(m for m in [distance / (2 * excess)]),
]


# 05a weight -------------------------------------------------------------------------------------------------------
@answers("05a")
def _(problem, generator):
    total = 0
    for _ in range(400):
        total += 2 * problem.A.T(problem.noise(1, generator)).norm().item()
    return total / 400


@answers("05a")
def _(p, g):
    e = p.noise(300, g).numpy()
    back = p.A.T(torch.from_numpy(e)).numpy().reshape(300, -1)
    return 2 * np.linalg.norm(back, axis=1).mean()


ANSWERS["05a"] += [
    lambda problem, generator: ar.weight_from_noise(problem, samples=300, generator=generator),
    lambda problem, g: problem.A.T(2 * problem.noise(500, g)).square().sum((1, 2, 3)).sqrt().mean().item(),
]

# 05c convert ------------------------------------------------------------------------------------------------------
ANSWERS["05c"] += [
    lambda w, m: (0.5 * w, 1 / m * w),
    lambda reg_weight, m: tuple(reg_weight / k for k in (2, m)),
    lambda reg_weight, m: (np.float64(reg_weight) / 2, torch.tensor(reg_weight) / m),
]

# 05b margin -------------------------------------------------------------------------------------------------------
ANSWERS["05b"] += [
    lambda f, p: tuple(f[p.mean(0) > p.mean(0).max() - 1][[0, -1]]),
    lambda f, p: (lambda keep: (min(keep), max(keep)))(
        [float(f[k]) for k in range(len(f)) if p[:, k].mean() >= p.mean(0).max() - 1]
    ),
]


@answers("05b")
def _(factors, psnr):
    mean = psnr.numpy().mean(axis=0)
    good = np.flatnonzero(mean >= mean.max() - 1)
    return factors[good[0]], factors[good[-1]]


# 06a step ---------------------------------------------------------------------------------------------------------
@answers("06a")
def _(A, y, x, critic, reg_weight, step_size):
    x = x.requires_grad_()
    J = (A(x) - y).square().sum() + reg_weight * critic(x).sum()
    return x - step_size * torch.autograd.grad(J, x)[0]


@answers("06a")
def _(A, y, x, psi, w, eps):
    x.requires_grad_()
    (((A(x) - y) ** 2).sum() + w * psi(x).sum()).backward()
    with torch.no_grad():
        return x - eps * x.grad


@answers("06a")
def _(A, y, x, critic, reg_weight, step_size):
    z = x.clone().requires_grad_()
    critic(z).sum().backward()
    return x - 2 * step_size * A.T(A(x) - y) - step_size * reg_weight * z.grad


# 06c stopping -----------------------------------------------------------------------------------------------------
@answers("06c")
def _(problem, y, critic, reg_weight, step_size):
    *_, it = ar.reconstruct(problem, y, critic, reg_weight, step_size, steps=3000, stop="gradient", tolerance=0.001)
    return it.x


@answers("06c")
def _(problem, y, critic, reg_weight, step_size):
    x = problem.A.pinv(y)
    for _ in range(5000):
        z = x.detach().requires_grad_()
        ((problem.A(z) - y).square().sum() + reg_weight * critic(z).sum()).backward()
        moved = x - step_size * z.grad
        if (moved - x).norm() < 2e-5 * x.norm():
            return moved
        x = moved


@answers("06c")
def _(problem, y, critic, reg_weight, step_size):
    x, sizes = problem.naive(y), []
    while len(sizes) < 2 or sizes[-1] > 5e-4 * sizes[0]:
        x = x.detach().requires_grad_()
        J = (problem.A(x) - y).square().sum() + reg_weight * critic(x).sum()
        (g,) = torch.autograd.grad(J, x)
        sizes.append(g.norm().item())
        x = x - step_size * g
    return x


# 06b limit --------------------------------------------------------------------------------------------------------
@answers("06b")
def _(norm_A, reg_weight, critic, x):
    H = torch.autograd.functional.hessian(lambda z: critic(z).sum(), x).reshape(x.numel(), x.numel())
    return 2 / (2 * norm_A**2 + reg_weight * torch.linalg.matrix_norm(H, 2))


@answers("06b")
def _(norm_A, reg_weight, critic, x):
    v = torch.ones_like(x)
    for _ in range(60):
        v = torch.autograd.functional.hvp(lambda z: critic(z).sum(), x, v / v.norm())[1]
    return 1 / (norm_A**2 + reg_weight * v.norm() / 2)


@answers("06b")
def _(a, w, psi, x):
    z = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(psi(z).sum(), z, create_graph=True)
    rows = [torch.autograd.grad(part, z, retain_graph=True)[0].flatten() for part in g.flatten()]
    return 2 / (2 * a * a + w * np.linalg.eigvalsh(torch.stack(rows).numpy()).max())


# 04b slope --------------------------------------------------------------------------------------------------------
ANSWERS["04b"] += [
    lambda u, v: -torch.einsum("bcij,bcij->b", u, v).mean(),
    lambda u, v: -(u.flatten() @ v.flatten()) / len(u),
    lambda u, v: -np.mean([np.vdot(a, b) for a, b in zip(u.numpy(), v.numpy(), strict=True)]),
]

# 04a w1 -----------------------------------------------------------------------------------------------------------
ANSWERS["04a"] += [
    lambda u, v: np.abs(np.sort(u.numpy()) - np.sort(v.numpy())).mean(),
    lambda u, v: sum(abs(a - b) for a, b in zip(sorted(u.tolist()), sorted(v.tolist()), strict=True)) / len(u),
    lambda u, v: theory.wasserstein(u.view(-1, 1, 1, 1), v.view(-1, 1, 1, 1)),
]


# 04c broken -------------------------------------------------------------------------------------------------------
@answers("04c")
def _(world, x_real, x_noisy):
    return theory.wasserstein(world.project(x_noisy), x_real)


@answers("04c")
def _(world, real, noisy):
    from scipy.optimize import linear_sum_assignment

    ways = torch.cdist(real.flatten(1).double(), world.project(noisy).flatten(1).double()).numpy()
    return ways[linear_sum_assignment(ways)].mean()


@answers("04c")
def _(world, real, noisy):
    import ot

    ways = torch.cdist(real.flatten(1).double(), world.project(noisy).flatten(1).double()).numpy()
    return ot.emd2([], [], ways)


# 07b paired -------------------------------------------------------------------------------------------------------
ANSWERS["07b"] += [
    lambda a, b: ((a - b).numpy().mean(), (a - b).numpy().std(ddof=1) / np.sqrt(len(a))),
    lambda a, b: (a.mean() - b.mean(), ((a - b).var() / len(a)).sqrt()),
    lambda a, b: (lambda d, m: (m, math.sqrt(sum((x - m) ** 2 for x in d) / (len(d) - 1) / len(d))))(
        (a - b).tolist(), float((a - b).mean())
    ),
]


# 07a leaks --------------------------------------------------------------------------------------------------------
@answers("07a")
def _(protocol):
    found = []
    for name in ["weight", "checkpoint"]:
        if any(s in protocol["test"] for s in protocol[f"{name} chosen on"]):
            found.append(name)
    if any(p in protocol["train"].values() for p in protocol["test"].values()):
        found.append("patient")
    return found


@answers("07a")
def _(p):
    questions = {
        "weight": p["weight chosen on"] & p["test"].keys(),
        "checkpoint": p["checkpoint chosen on"] & p["test"].keys(),
        "patient": set(p["test"].values()) & set(p["train"].values()),
    }
    return {name for name, shared in questions.items() if shared}


@answers("07a")
def _(p):
    return tuple(
        name
        for name in ("weight", "checkpoint", "patient")
        if not (
            set(p["train"].values()).isdisjoint(p["test"].values())
            if name == "patient"
            else p[f"{name} chosen on"].isdisjoint(p["test"])
        )
    )


# 07c safe lead ----------------------------------------------------------------------------------------------------
@answers("07c")
def _(ours, other):
    lows = []
    for a, b in zip(ours, other, strict=True):
        d = (a - b).numpy()
        lows.append(d.mean() - 2 * d.std(ddof=1) / len(d) ** 0.5)
    return min(lows)


ANSWERS["07c"] += [
    lambda a, b: torch.min((a - b).mean(1) - 2 * ((a - b).var(1) / a.shape[1]).sqrt()),
    lambda a, b: -((2 * (a - b).std(1) / math.sqrt(a.shape[1]) - (a - b).mean(1)).max()),
]

# 08a moves --------------------------------------------------------------------------------------------------------
ANSWERS["08a"] += [
    lambda d, w: torch.minimum(d, torch.tensor(w / 2)),
    lambda d, w: d - (d - w / 2).clamp_min(0),
    lambda d, w: np.where(d.numpy() < w / 2, d.numpy(), w / 2),
    lambda d, w: [min(float(x), w / 2) for x in d],
]


# 08b worst --------------------------------------------------------------------------------------------------------
@answers("08b")
def _(J, Jt, start, steps):
    for _ in range(steps):
        start = Jt(J(start))
        start /= start.norm()
    return -start


@answers("08b")
def _(J, Jt, start, steps):
    matrix = torch.stack([J(e) for e in torch.eye(len(start), dtype=start.dtype)], 1)
    return torch.linalg.svd(matrix).Vh[0]


@answers("08b")
def _(J, Jt, start, steps):
    x = start.clone()
    for _ in range(steps):
        x = x.detach().requires_grad_()
        x = torch.nn.functional.normalize(torch.autograd.grad(J(x).square().sum(), x)[0], dim=0)
    return x.numpy()


# 08c minimum ------------------------------------------------------------------------------------------------------
ANSWERS["08c"] += [
    lambda A, g: torch.linalg.matrix_rank(torch.cat([A, g[None]])) == torch.linalg.matrix_rank(A),
    lambda A, g: np.allclose(A.T.numpy() @ np.linalg.lstsq(A.T.numpy(), g.numpy(), rcond=None)[0], g.numpy()),
    lambda A, g: bool((torch.linalg.svd(A).Vh[int(torch.linalg.matrix_rank(A)) :] @ g).norm() < 1e-6),
]

# 09c above the chord ----------------------------------------------------------------------------------------------
ANSWERS["09c"] += [
    lambda f, x, y, t: f(x + t * (y - x)) - (f(x) + t * (f(y) - f(x))),
    lambda f, x, y, t: f(torch.lerp(x, y, t)) - torch.lerp(f(x), f(y), t),
    lambda f, x, y, t: f((1 - t) * x + t * y).numpy() - np.average([f(x), f(y)], axis=0, weights=[1 - t, t]),
    lambda f, x, y, t: torch.stack([f(x + t * (y - x)), f(x), f(y)], 1) @ torch.tensor([1, t - 1, -t]).double(),
]


# 09b exact step ---------------------------------------------------------------------------------------------------
@answers("09b")
def _(mask, y, z, step_size):
    return torch.where(mask > 0, (z / step_size + 2 * y) / (1 / step_size + 2), z)


@answers("09b")
def _(mask, y, z, step_size):
    x, c = z.clone(), 2 * step_size
    seen = (mask > 0).expand_as(z)
    x[seen] = (z[seen] + c * y[seen]) / (1 + c)
    return x


ANSWERS["09b"] += [
    lambda m, y, z, s: z + 2 * s * m / (1 + 2 * s * m) * (y - z),
    lambda m, y, z, s: np.asarray((z + 2 * s * y) / (1 + 2 * s * m)),  # y is 0 where the mask is
]


# 09a weight on a larger image -------------------------------------------------------------------------------------
@answers("09a")
def _(reg_weight, pixels, more_pixels, pooling):
    slope = {"norm": 1.0, "sum": math.sqrt(more_pixels / pixels), "mean": math.sqrt(pixels / more_pixels)}[pooling]
    return reg_weight * math.sqrt(more_pixels / pixels) / slope


@answers("09a")
def _(reg_weight, pixels, more_pixels, pooling):
    if pooling == "sum":
        return reg_weight
    return reg_weight * (more_pixels / pixels if pooling == "mean" else np.sqrt(more_pixels / pixels))


ANSWERS["09a"] += [
    lambda w, n, m, p: w * (m / n) ** (("sum", "norm", "mean").index(p) / 2),
    lambda w, n, m, p: torch.tensor(w) * torch.tensor(m / n) ** {"sum": 0, "norm": 1 / 2, "mean": 1}[p],
]


# 09d bias and spread ----------------------------------------------------------------------------------------------
@answers("09d")
def _(repeated, truth):
    error = repeated.mean(0) - truth
    spread = ((repeated - repeated.mean(0)) ** 2).mean(0)
    return (error**2).mean() ** 0.5, spread.mean() ** 0.5


@answers("09d")
def _(repeated, truth):
    r, x = repeated.numpy(), truth.numpy()
    return np.sqrt(np.mean((r.mean(0) - x) ** 2)), np.sqrt(r.var(0).mean())


ANSWERS["09d"] += [
    lambda r, x: ((r.mean(0) - x).norm() / x.numel() ** 0.5, (r - r.mean(0)).norm() / r.numel() ** 0.5),
    lambda r, x: [torch.sqrt(torch.mean((sum(r) / len(r) - x) ** 2)), r.var(0, correction=0).mean().sqrt()],
]

# 10a window -------------------------------------------------------------------------------------------------------
ANSWERS["10a"] += [
    lambda s, a, b, low, high: torch.clamp((a * s + b - low) / (high - low), min=0, max=1),
    lambda s, a, b, low, high: np.interp((a * s + b).numpy(), [low, high], [0, 1]),
    lambda s, a, b, low, high: ar.images.from_hounsfield(a * s + b, window=(low, high)),
    lambda s, a, b, low, high: ((a * s + b).clamp(low, high) - low) / (high - low),
]

# 10b split --------------------------------------------------------------------------------------------------------


@answers("10b")
def _(patients, val, seed):
    rng = np.random.default_rng(seed)
    names = np.unique(patients.numpy())
    rng.shuffle(names)
    held = set(names[: int(np.ceil(val * len(names)))].tolist())
    train = [k for k, name in enumerate(patients.tolist()) if name not in held]
    return train, [k for k, name in enumerate(patients.tolist()) if name in held]


@answers("10b")
def _(patients, val, seed):
    """Masks for places."""
    import random

    names = sorted(set(patients.tolist()))
    held = random.Random(seed).sample(names, max(1, round(val * len(names))))
    mask = torch.tensor([name in held for name in patients.tolist()])
    return ~mask, mask


@answers("10b")
def _(patients, val, seed):
    """By a hash of the name: a patient who joins later moves nobody else."""
    import hashlib

    number = lambda name: int(hashlib.sha256(f"{seed} {name}".encode()).hexdigest(), 16)
    names = sorted(set(patients.tolist()), key=number)
    held = torch.tensor(names[: max(1, int(val * len(names)))])
    inside = (patients[:, None] == held).any(1)
    return torch.arange(len(patients))[~inside], torch.arange(len(patients))[inside]


@answers("10b")
def _(patients, val, seed):
    """Whole patients until the images are enough."""
    g = torch.Generator().manual_seed(seed)
    names, held = patients.unique(), []
    for k in torch.randperm(len(names), generator=g).tolist():
        if sum(int((patients == name).sum()) for name in held) >= val * len(patients):
            break
        held.append(int(names[k]))
    inside = np.isin(patients.numpy(), held)
    return np.flatnonzero(~inside), np.flatnonzero(inside)


# 10c operator -----------------------------------------------------------------------------------------------------


@answers("10c")
def _(size, factor):
    small = size // factor
    forward = lambda x: x.reshape(-1, 1, small, factor, small, factor).mean((3, 5))
    adjoint = lambda y: torch.kron(y, torch.ones(factor, factor, dtype=y.dtype)) / factor**2
    return ar.LinearOperator(forward, adjoint, (1, size, size), (1, small, small))


@answers("10c")
def _(size, factor):
    kernel = torch.full((1, 1, factor, factor), 1 / factor**2, dtype=torch.float64)
    forward = lambda x: torch.nn.functional.conv2d(x, kernel.to(x), stride=factor)
    adjoint = lambda y: torch.nn.functional.conv_transpose2d(y, kernel.to(y), stride=factor)
    return ar.LinearOperator(forward, adjoint, (1, size, size), (1, size // factor, size // factor), norm=1 / factor)


@answers("10c")
def _(n, k):
    class Coarse(ar.LinearOperator):
        def __init__(self):
            super().__init__(domain_shape=(1, n, n), range_shape=(1, n // k, n // k), norm=1 / k)

        def _forward(self, x):
            return sum(x[..., i::k, j::k] for i in range(k) for j in range(k)) / k**2

        def _adjoint(self, y):
            x = y.new_zeros(len(y), 1, n, n)
            for i in range(k):
                for j in range(k):
                    x[..., i::k, j::k] = y / k**2
            return x

    return Coarse()


# 10d noise --------------------------------------------------------------------------------------------------------
ANSWERS["10d"] += [
    lambda a, b: np.std((a - b).numpy()) / np.sqrt(2),
    lambda a, b: ((b - a).var() / 2).sqrt(),
    lambda a, b: float((a - b).abs().mean()) * math.sqrt(math.pi) / 2,
    lambda a, b: torch.stack([a, b]).std(0, correction=1).square().mean().sqrt(),
    lambda a, b: float((a - b).abs().median()) / 0.6745 / 2**0.5,
]
