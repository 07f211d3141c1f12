# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 Variational regularisation
#
# Many images fit the same data. A regulariser gives each image a number that says how little we believe in it.
#
# **You will be able to**
#
# - *write* total variation in four lines, and say what it charges for an edge, a ramp and a texture;
# - *choose* the weight $\lambda$ without the truth, and say what it does when it is wrong;
# - *compute* the step size at which gradient descent breaks, before it does.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebook 01, gradients | Section 2.3, Eq. 2 | 20 min | 25 min | 10 s |
#
# <img src="pictures/descent_lab.png" width="800" alt="The descent lab of section 8: step size with its limit
# 2/L on the slider; truth, start and iterate; error, change and detail; the falling objective">

# %%
import advreg_edu as ar
import torch
from advreg_edu.apps import descent_lab
from advreg_edu.baselines import SmoothedTV, Tikhonov, stability_limit
from advreg_edu.course import check, hint, outcome, predict, solution
from advreg_edu.drawing import charts, pictures

seed = lambda number: torch.Generator().manual_seed(number)

# %% [markdown]
# ## 1 Two images that fit equally well
#
# Denoising is the simplest inverse problem: $A = I$, so $y = x + e$. Below are two reconstructions from the same noisy
# chest slice. Both have the same *data term* $\|x-y\|_2^2$. It is the one that the noise alone would leave,
# $\mathbb E\|e\|_2^2 = \sigma^2 n$ for $n$ pixels, so their fit does not tell them apart.

# %%
predict("02-fit", "By how many dB can the PSNR of two images differ that fit the data equally well?", unit="dB")

# %%
x_true = ar.images.thorax(1, size=128, generator=seed(2035))
problem = ar.Problem(ar.Identity((1, 128, 128)), sigma=0.1)
y = problem.measure(x_true, generator=seed(1))
score = lambda x: ar.psnr(x.clamp(0, 1), x_true).item()

*_, it = ar.reconstruct(problem, y, Tikhonov(), 1.79, step_size="auto", steps=400, stop="gradient")
images = {"y": y, "image 1": it.x, "image 2": ar.total_variation(problem, y, 0.218)}
for name, x in images.items():
    print(f"{name}: data term {(x - y).square().sum():5.1f}  PSNR {score(x):.1f} dB")
print(f"expected from the noise: {problem.sigma**2 * y.numel():.1f}")
outcome("02-fit", f"here by {score(images['image 2']) - score(images['image 1']):.1f} dB.")
pictures.strip([x_true[0], *(x[0] for x in images.values())], ["truth", *images])

# %% [markdown]
# Image 1 has lost the edges together with the noise. Image 2 has lost the noise and kept the edges. The difference lies
# in what each was asked to keep small, the *regulariser* $f$ in
#
# $$ \min_x \; \|Ax - y\|_2^2 + \lambda f(x). \tag{Eq. 2} $$
#
# For image 1, $f$ is the sum of squared differences between neighbouring pixels, $f(x) = \|\nabla x\|_2^2$, named after
# Tikhonov. For image 2 it is the sum of their lengths, the *total variation* (TV)
#
# $$ \mathrm{TV}(x) = \sum_{\text{pixels}} \sqrt{(\partial_1 x)^2 + (\partial_2 x)^2}. $$

# %% [markdown]
# ## 2 The price of an edge
#
# The two formulas differ by a square. Here is TV in four lines, and an image of one row that climbs from 0 to 1, either
# at once or over several pixels.

# %%
predict("02-price", "Which of the two depends on how steep the climb is?", ["Tikhonov", "TV", "both"])


# %%
def tv(x):
    d_rows = torch.nn.functional.pad(x.diff(dim=2), (0, 0, 0, 1))  # no difference beyond the last row
    d_columns = torch.nn.functional.pad(x.diff(dim=3), (0, 1))
    return (d_rows**2 + d_columns**2).sqrt().flatten(1).sum(1)


print("climb over   Tikhonov     TV")
prices = {}
for width in (1, 2, 4, 8, 16):
    climb = ((torch.arange(40) - 10) / width).clamp(0, 1).reshape(1, 1, 1, 40)
    prices[width] = Tikhonov()(climb).item(), tv(climb).item()
    print("{:4d} pixels   {:8.3f}  {:5.2f}".format(width, *prices[width]))
words = "from 1 to 16 pixels Tikhonov goes from {:.2f} to {:.2f}, TV from {:.2f} to {:.2f}."
outcome("02-price", words.format(*(prices[width][k] for k in (0, 1) for width in (1, 16))))

# %% [markdown]
# Tikhonov's price for a climb over $n$ pixels is $n \cdot (1/n)^2 = 1/n$. It is lower for a wide climb, so minimising
# it spreads every edge and blurs the image. The price of TV is the height of the climb, whatever its width. An edge
# costs no more than a ramp of the same height, so edges may stay. Noise goes up and down at every pixel and is
# expensive under both.

# %% [markdown]
# ## 3 What λ does
#
# `ar.total_variation` minimises Eq. 2 with $f = \mathrm{TV}$. It ends where its objective is at most a thousandth above
# the minimum (the argument `gap` changes that). The next cell takes seven weights.

# %%
predict(
    "02-terms",
    "As λ grows, what happens to the data term and to TV?",
    [
        "both grow",
        "the data term grows and TV falls",
        "the data term falls and TV grows",
    ],
)

# %%
weights = (0.02, 0.05, 0.1, 0.15, 0.22, 0.4, 1.0)
sweep = {weight: ar.total_variation(problem, y, weight) for weight in weights}
terms = {weight: ((x - y).square().sum().item(), tv(x).item()) for weight, x in sweep.items()}
print("     λ   data term      TV")
for weight, both in terms.items():
    print("{:6.2f}  {:10.1f}  {:6.0f}".format(weight, *both))
print(f"truth   {(x_true - y).square().sum():10.1f}  {tv(x_true).item():6.0f}")
words = "the data term goes from {:.0f} to {:.0f}, TV from {:.0f} to {:.0f}."
outcome("02-terms", words.format(*(terms[weight][k] for k in (0, 1) for weight in (0.02, 1.0))))
shown = (0.02, 0.1, 0.22, 1.0)
pictures.strip([sweep[weight][0] for weight in shown], [f"λ = {weight}" for weight in shown])

# %% [markdown]
# The data term grows with $\lambda$ and TV falls. This is true for every regulariser and all data (question 1 at the
# end shows why). For $\lambda\to\infty$ only an image of TV zero is left: a constant one. The last row is the truth,
# whose data term is the noise itself.
#
# ## 4 What TV gets wrong
#
# TV has a price for height, so it lowers heights. Take a step of height $h$ between two halves of $n$ columns each,
# without noise. In every row, lowering the step by $\delta$ lowers $\lambda\,\mathrm{TV}$ by $\lambda\,\delta$, and
# raises the data term by the squared errors. The minimum moves each side by $\lambda/(2n)$, as long as that is less
# than half of the height: $\lambda \le nh$.

# %%
half = 8
step = torch.zeros(1, 1, 16, 2 * half)
step[..., half:] = 0.6
for weight in (0.5, 1.0, 2.0):
    x = ar.total_variation(ar.Problem(ar.Identity((1, 16, 2 * half)), 0), step, weight, gap=1e-6)
    print(f"λ = {weight}: left side moved by {x[..., :half].mean():.4f}, predicted {weight / (2 * half):.4f}")
ramp = torch.linspace(0.2, 0.8, 64).expand(1, 1, 64, 64)
plain = ar.Problem(ar.Identity((1, 64, 64)), sigma=0.1)
y_ramp = plain.measure(ramp, generator=seed(3))
terraces = ar.total_variation(plain, y_ramp, 0.3)
pictures.strip([ramp[0], y_ramp[0], terraces[0]], ["a smooth ramp", "noisy", "TV, λ = 0.3"])

# %% [markdown]
# The contrast is lost as predicted. (The cell asks for a gap of $10^{-6}$, since an objective a thousandth above the
# minimum would blur the comparison.) And where the truth is a smooth ramp, TV makes *terraces*. The paper says that TV
# "leads to piecewise constant images". Chest phantoms are nearly piecewise constant, so TV suits them. Fur, bone and
# lung tissue are not. A fixed formula is a guess about what images are like. Notebook 03 replaces the guess by
# examples.

# %% [markdown]
# ## 5 Choosing λ without the truth
#
# With the truth the best $\lambda$ of a sweep is easy to find. A choice that uses the truth is called an *oracle*. Two
# rules do without it.
#
# - **Morozov's discrepancy principle.** Do not fit the data better than the truth does. Take the $\lambda$ whose data
#   term is $\mathbb E\|e\|^2 = \sigma^2 n$. The rule needs $\sigma$.
# - **L-curve.** Draw $f$ against the data term for all $\lambda$, both on logarithmic axes. If the curve has a corner,
#   take the $\lambda$ there. The rule does not need $\sigma$.

# %%
predict(
    "02-morozov",
    "Compared with the oracle, Morozov's rule will choose ...",
    [
        "a smaller λ",
        "the same λ",
        "a larger λ",
    ],
)

# %%
expected = problem.sigma**2 * y.numel()
oracle = max(sweep, key=lambda weight: score(sweep[weight]))
morozov = min(sweep, key=lambda weight: abs((sweep[weight] - y).square().sum() - expected))
for weight, x in sweep.items():
    marks = "  <- oracle" * (weight == oracle) + "  <- Morozov" * (weight == morozov)
    print(f"λ = {weight:4.2f}  data term {(x - y).square().sum():6.1f}  PSNR {score(x):5.2f} dB{marks}")
print(f"noise alone         {expected:6.1f}")
loss = score(sweep[oracle]) - score(sweep[morozov])
outcome("02-morozov", f"λ = {morozov} by Morozov, {oracle} by the oracle, which is {loss:.2f} dB better.")

# %% [markdown]
# Morozov's rule has not seen the truth and loses less than 1 dB. It smooths too much. The data term of the best image
# is *smaller* than that of the noise: the image keeps some noise near edges and fine vessels, since removing it would
# take contrast as well (section 4). A rule that asks for the full data term of the noise loses this contrast. The
# L-curve is drawn in the app below; see whether you find a corner.
#
# The critic of this course needs no sweep: notebook 05 computes $\lambda$ from $\sigma$ and $A$.

# %% [markdown] exercise="02a"
# **Exercise 02a.** Write Morozov's rule. `denoise(weight)` returns the minimiser for a weight, and its data term
# $\|\text{denoise}(w) - y\|^2$ grows with the weight. Return the weight at which it is $\sigma^2 n$, where $n$ is
# the number of pixels of `y`. The check looks at the data term of your weight, and allows 5 %, for which a sweep over
# a few weights is too coarse. It brings regularisers of its own, and weights from 0 to 1000 are enough for all of them.


# %% exercise="02a"
def morozov(denoise, y, sigma):
    ### BEGIN SOLUTION
    low, high = 0.0, 1000.0
    for _ in range(50):
        weight = (low + high) / 2
        data_term = (denoise(weight) - y).square().sum()
        low, high = (low, weight) if data_term > sigma**2 * y.numel() else (weight, high)
    return weight
    ### END SOLUTION


# %% exercise="02a" points=2
### BEGIN HIDDEN TESTS
check("02a", morozov, seed=1).require()
### END HIDDEN TESTS
check("02a", morozov)

# %% [markdown] exercise="02a" points=2
# **In your words.** Apply your rule to the slice above, with `denoise = lambda weight: ar.total_variation(problem,
# y, weight)`. Which $\lambda$ do you get, and how many dB lie between it and the best $\lambda$ of the sweep? Why
# does Morozov's rule err on this side?
#
# <!-- BEGIN SOLUTION -->
# The weight is close to 0.218, that of image 2 in section 1, whose data term was set to that of the noise. It loses
# 0.8 dB against the best of the sweep, 27.2 dB against 28.0 dB, on the side of smoothing. The best image keeps a
# part of the noise, since removing it would cost contrast: its data term is smaller than that of the truth, which
# the rule asks for.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 6 The step size
#
# Gradient descent minimises Eq. 2 by steps downhill, $x \leftarrow x - \epsilon\,\nabla J(x)$, where $J$ is the
# objective and $\epsilon$ the *step size*. But the root in TV has a kink at zero, so TV has no gradient where the image
# is flat. For the moment we round the kink,
#
# $$ f_\beta(x) = \sum_{\text{pixels}} \Big(\sqrt{(\partial_1 x)^2 + (\partial_2 x)^2 + \beta^2} - \beta\Big). $$

# %%
f, reg_weight, A = SmoothedTV(0.02), 0.22, problem.A
step_size = 0.01

x = A.pinv(y)
for _ in range(20):
    x = x.detach().requires_grad_()
    J = (A(x) - y).square().sum() + reg_weight * f(x).sum()
    x = x - step_size * torch.autograd.grad(J, x)[0]

*_, it = ar.reconstruct(problem, y, f, reg_weight, step_size, steps=20)
print(f"largest difference to ar.reconstruct: {(x - it.x).abs().max():.1e}")

# %% [markdown] exercise="02b"
# **Exercise 02b.** Automatic differentiation found the gradient of $f_\beta$. Find it yourself, without `autograd`:
# the derivative of the root, then the adjoint of the two differences (01a). `x` has the shape (batch, channels,
# rows, columns), and so has the gradient. Differences beyond the last row and the last column are zero.


# %% exercise="02b"
def grad_tv(x, beta):
    ### BEGIN SOLUTION
    pad = torch.nn.functional.pad
    d_rows, d_columns = pad(x.diff(dim=2), (0, 0, 0, 1)), pad(x.diff(dim=3), (0, 1))
    root = (d_rows**2 + d_columns**2 + beta**2).sqrt()
    p, q = d_rows / root, d_columns / root
    return p.roll(1, 2) - p + q.roll(1, 3) - q
    ### END SOLUTION


# %% exercise="02b" points=3
### BEGIN HIDDEN TESTS
check("02b", grad_tv, seed=1).require()
### END HIDDEN TESTS
check("02b", grad_tv)

# %% [markdown]
# How long may the step be? Let $L$ be the largest curvature of $J$, which means that the gradient changes by at most
# $L\|x - x'\|$ between two images. Then a step lowers $J$ for certain if
#
# $$ \epsilon < \frac2L, \qquad L = 2\|A\|^2 + \lambda L_f. $$
#
# The first part comes from the data term, whose gradient is $2A^*(Ax-y)$, the second from the regulariser. Since
# $(a-b)^2\le 2a^2+2b^2$ and every pixel is in at most four differences, $\|\nabla x\|^2 \le 8\|x\|^2$. So
# $L_f = 2\cdot 8$ for Tikhonov. For $f_\beta$ it is $8/\beta$, since the rounded kink has the curvature $1/\beta$.
#
# The data term alone would allow steps up to $1/\|A\|^2$. Every regulariser lowers this limit.

# %% [markdown] exercise="02c"
# **Exercise 02c.** Return the step size at the limit, for $J(x) = \|Ax-y\|^2 + \lambda f(x)$, from the norm of $A$,
# the weight and the curvature $L_f$ of $f$.


# %% exercise="02c"
def largest_step(norm_A, reg_weight, L_f):
    ### BEGIN SOLUTION
    return 2 / (2 * norm_A**2 + reg_weight * L_f)
    ### END SOLUTION


# %% exercise="02c" points=1
### BEGIN HIDDEN TESTS
check("02c", largest_step, seed=1).require()
### END HIDDEN TESTS
check("02c", largest_step)

# %% [markdown]
# We now run Tikhonov with $\lambda = 1$ and three step sizes.

# %%
ratios = (0.25, 0.9, 1.04)
choices = [*(f"{ratio} × 2/L" for ratio in ratios), "two are level"]
predict("02-step", "Which step size has the lowest objective after 50 steps?", choices)

# %%
limit = stability_limit(A, Tikhonov(), 1.0)
print(f"L = 2 + 16 = 18, 2/L = {limit:.4f}")
runs = {
    f"{ratio} × 2/L": list(ar.reconstruct(problem, y, Tikhonov(), 1.0, ratio * limit, steps=50)) for ratio in ratios
}
series = {
    "objective": {name: [it.objective.item() for it in run] for name, run in runs.items()},
    "PSNR, dB": {name: [score(it.x) for it in run] for name, run in runs.items()},
}
ends = ", ".join(f"{run[-1].objective.item():.2f} at {name}" for name, run in runs.items())
outcome("02-step", f"{ends}; at the start {series['objective']['0.9 × 2/L'][0]:.0f}.")
charts.curves(series, log=["objective"], height=320)

# %%
walk = runs["1.04 × 2/L"]
shown = (0, 20, 35, 50)
pictures.strip([walk[k].x[0] for k in shown], [f"step {k}, {score(walk[k].x):.1f} dB" for k in shown])

# %% [markdown]
# Just past the limit the run begins like the good ones. Then a checkerboard appears and grows. It is the image with the
# largest differences, so $J$ has its largest curvature along it. There each step multiplies the error by
# $1 - \epsilon L = 1 - 2\cdot 1.04 = -1.08$. After ten steps that is a factor of 2, after fifty steps one of 47. The
# picture is clipped to [0, 1] and hides how large the numbers have become. The objective shows it, and so does the
# warning above: `ar.reconstruct` says it when the objective has climbed.
#
# The first two runs have both arrived at the minimum, the longer step sooner, and are level.
#
# ## 7 The price of a sharp kink
#
# With $\beta\to0$ the smoothed functional becomes TV, but $L_f = 8/\beta$ goes to infinity. We take 60 steps with
# $\epsilon = 1/L$ for each $\beta$.

# %%
betas = (0.1, 0.03, 0.01, 0.003)
predict("02-beta", "Which β comes nearest to the exact minimum of TV in 60 steps?", [str(beta) for beta in betas])

# %%
exact = sweep[0.22]
value = lambda x: (problem.A(x) - y).square().sum() + 0.22 * tv(x).sum()
print(f"exact TV: J = {value(exact):.1f}")
found = {}
for beta in betas:
    limit = stability_limit(A, SmoothedTV(beta), 0.22)
    *_, it = ar.reconstruct(problem, y, SmoothedTV(beta), 0.22, limit / 2, steps=60)
    found[beta] = value(it.x).item()
    print(f"β = {beta:5.3f}: 2/L = {limit:.5f}, J with exact TV = {found[beta]:.1f}")
outcome("02-beta", f"β = {min(found, key=found.get)}, with J = {min(found.values()):.1f}.")

# %% [markdown]
# A large $\beta$ solves another problem quickly. A small $\beta$ solves the right problem, but so slowly that 60 steps
# do not get there. Gradient descent is the wrong tool for exact TV. `ar.total_variation` uses a method that needs no
# gradient of TV, the primal-dual method of Chambolle and Pock (2011), from the library ODL. The critics of this course
# are smooth by construction, so gradient descent can minimise them.

# %% [markdown]
# ## 8 The lab
#
# The lab has regularisers, weights and step sizes on sliders. The bar under the step size shows the limit $2/L$, and it
# moves when $\lambda$ or $\beta$ moves. Begin with *two unknowns*, where the iterates can be seen on the level lines of
# $J$.

# %%
descent_lab()

# %% [markdown]
# **Three questions.**
#
# 1. Two unknowns: at which $\epsilon$ does the path zigzag, at which does it creep, and at which does it reach
#    the bottom of the valley in one step? Explain all three by $1 - 2\epsilon(s^2 + \lambda)$ with $s = 1$ and
#    $s = 0.35$.
# 2. Smoothed TV: set $\epsilon$ to three times $2/L$. It does not blow up. What does the change from one iterate
#    to the next look like, and at which $\epsilon$ does it blow up after all?
# 3. Sweep $\lambda$ for denoising and for inpainting, with smoothed TV. By how many dB does Morozov's choice
#    fall short of the oracle's? (Set λ to each.)

# %% [markdown]
# ## 9 Break it on purpose
#
# What happens if we forget to round the kink? We ask for the gradient of exact TV at a constant image.

# %%
flat = torch.full((1, 1, 8, 8), 0.5, requires_grad=True)
(grad,) = torch.autograd.grad(tv(flat).sum(), flat)
print(f"numbers that are not numbers: {grad.isnan().sum()} of {grad.numel()}")
try:
    SmoothedTV(0)
except ValueError as error:
    print(error)

# %% [markdown]
# The root has an infinite slope at 0, and $\infty\cdot 0$ is not a number. Automatic differentiation gives no warning.
# One such pixel spoils its neighbours in the next step, and these spoil theirs.
#
# > **Paper and authors' code differ: TV.** The paper gives neither the weight nor the algorithm of its TV
# > baseline. The authors' denoising script of May 2018 took $\lambda = 0.1$ from a grid, the anisotropic form
# > $\sum |\partial_1 x| + |\partial_2 x|$ in each channel, and 200 primal-dual steps (`BSDS.py`, deleted from
# > the repository later that year). Ours is the isotropic form. Both have no ½ in front of the data term.
#
# **Three questions.**
#
# 1. Let $x_1$ and $x_2$ minimise $J$ for $\lambda_1 < \lambda_2$. Write down that each is at least as good as
#    the other under its own $\lambda$, add the two inequalities, and conclude
#    $\mathrm{TV}(x_2)\le\mathrm{TV}(x_1)$.
# 2. scikit-image minimises $\tfrac12\|x-y\|^2 + w\,\mathrm{TV}(x)$. Which $w$ corresponds to our
#    $\lambda = 0.22$?
# 3. Section 3: replace the slice by `ar.images.photos(1, size=128, generator=seed(28), channels=1)`. Is the
#    best weight larger or smaller, and what does TV rub out first?

# %% [markdown]
# ## Recap
#
# - A regulariser says what images are like. TV prefers images that are constant between few and sharp edges.
# - $\lambda$ weighs the fit to the data against the regulariser. Morozov's principle sets it from the noise level,
#   without the truth.
# - Gradient descent lowers $J$ at every step below $2/L$ with $L = 2\|A\|^2 + \lambda L_f$. Beyond that limit the error
#   grows along the direction in which $J$ is curved most.
#
# **Next:** [03 Training a critic](03_training_a_critic.ipynb) replaces the formula by examples.
