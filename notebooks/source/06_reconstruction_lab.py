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
# # 06 Reconstruction lab
#
# Algorithm 2 is four lines long. This notebook changes each of its settings until the algorithm fails.
#
# **You will be able to**
#
# - *write* Algorithm 2 and read the curves of its run;
# - *choose* step size, solver and stopping rule without knowing the truth;
# - *judge* a reconstruction: what is repaired, what is lost, and what may be invented.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebooks 01, 03 and 05 | Section 3.1, Algorithm 2; Section 5.3 | 20 min | 30 min | 40 s |
#
# <img src="pictures/reconstruction_lab.png" width="800" alt="The reconstruction lab of section 8: controls;
# truth, A†y and iterate; error, change and detail; six curves">

# %%
import math
from itertools import pairwise

import advreg_edu as ar
import pydicom.data
import torch
from advreg_edu.apps import reconstruction_lab
from advreg_edu.course import check, hint, outcome, predict, solution
from advreg_edu.drawing import charts, pictures

seed = lambda number: torch.Generator().manual_seed(number)

# %% [markdown]
# ## 1 Fitting better, looking worse
#
# We scan a chest phantom that no critic was trained on. Then we ask for an image that fits the data and for nothing
# else. That is $\lambda = 0$, and gradient descent can do it. We start from a flat gray image.

# %%
predict(
    "06-fit",
    "As the fit improves step by step, what does the image do?",
    [
        "it improves all the time",
        "it improves, then it gets worse",
        "it gets worse all the time",
    ],
)

# %%
x_true = ar.images.thorax(1, size=128, generator=seed(2035))
problem = ar.Problem(ar.RayTransform(size=128, angles=30), sigma=0.02)
y = problem.measure(x_true, generator=seed(1))
x_naive = problem.naive(y)
critic = ar.load_critic("ct-thorax")
score = lambda x: ar.psnr(x.clamp(0, 1), x_true).item()  # of the image as it is shown

flat = torch.full_like(x_true, 0.2)
fit = list(ar.reconstruct(problem, y, lambda x: 0 * x.sum((1, 2, 3)), 0.0, step_size=0.9, steps=600, x0=flat))
quality = [score(it.x) for it in fit]
best = quality.index(max(quality))
charts.curves({"data term": [it.data_term.item() for it in fit], "PSNR, dB": quality}, log=["data term"])

# %%
words = f"{quality[0]:.1f} dB at the start, {quality[best]:.1f} dB at step {best}"
outcome("06-fit", f"{words}, {quality[-1]:.1f} dB at the end.")
expected = problem.sigma**2 * y.numel()
print(f"data term at the end {fit[-1].data_term.item():.2f}; noise alone would leave {expected:.2f}")
pictures.strip([x_true[0], fit[best].x[0], fit[-1].x[0]], ["truth", f"step {best}", f"step {len(fit) - 1}"])

# %% [markdown]
# The fit improves at every step. The image improves at first and then gets worse, since from some point on the
# iteration fits the noise. Stopping at the best step would solve this, but finding that step requires the true image.
# Instead we add the critic.
#
# ## 2 Algorithm 2 in four lines
#
# $$ x \leftarrow A^\dagger y, \qquad
#    x \leftarrow x - \epsilon\,\nabla_x\big(\|Ax-y\|_2^2 + \lambda\Psi(x)\big) \quad\text{until } S. $$

# %%
A = problem.A
reg_weight = ar.weight_from_noise(problem).item()
step_size = 0.6

x = A.pinv(y)  # x <- A†y
for _ in range(20):  # while S is not satisfied
    x = x.detach().requires_grad_()
    objective = (A(x) - y).square().sum() + reg_weight * critic(x).sum()
    x = x - step_size * torch.autograd.grad(objective, x)[0]  # x <- x - eps grad(...)

*_, it = ar.reconstruct(problem, y, critic, reg_weight, step_size, steps=20)  # keeps the last one
print(f"largest difference to ar.reconstruct: {(x - it.x).abs().max():.1e}")

# %% [markdown] exercise="06a"
# **Exercise 06a.** One step of Algorithm 2, line 3, as a function. Only the gradient of the critic needs
# `torch.autograd.grad`; you know that of the data term.


# %% exercise="06a"
def step(A, y, x, critic, reg_weight, step_size):
    ### BEGIN SOLUTION
    x = x.detach().requires_grad_()
    (grad,) = torch.autograd.grad(critic(x).sum(), x)
    return (x - step_size * (2 * A.T(A(x) - y) + reg_weight * grad)).detach()
    ### END SOLUTION


# %% exercise="06a" points=2
### BEGIN HIDDEN TESTS
check("06a", step, seed=1).require()
### END HIDDEN TESTS
check("06a", step)

# %% [markdown]
# `ar.reconstruct` does the same and yields every iterate with its image, objective, data term, $\Psi$ and gradient
# norm. We let the run go on for 100 steps. There is nothing special about that number; section 5 is about when to stop.
# The run starts at $A^\dagger y$.

# %%
predict(
    "06-data-term",
    "What will the data term do from A†y on?",
    [
        "fall",
        "rise",
        "fall first, then rise",
        "rise first, then fall",
    ],
)

# %%
iterates = list(ar.reconstruct(problem, y, critic, reg_weight, step_size, steps=100))
fits = [it.data_term.item() for it in iterates]
low = min(fits)
words = f"{fits[0]:.2f} at the start, {low:.2f} at step {fits.index(low)}, {fits[-1]:.2f} at step {len(fits) - 1}"
outcome("06-data-term", f"{words}; the noise alone has {expected:.2f} on average.")
series = {
    "objective": [it.objective.item() for it in iterates],
    "data term": fits,
    "Ψ": [it.regularizer.item() for it in iterates],
    "PSNR, dB": [score(it.x) for it in iterates],
}
charts.curves(series)

# %% [markdown]
# $A^\dagger y$ does not fit the data well, since filtered back-projection from 30 views is far from an exact inverse.
# So the data term falls first. Later it rises again, because the critic removes what the data term wants to keep: the
# noise that was fitted. Only the objective must fall at every step, if the step is short enough. A final data term far
# below that of the noise would mean that noise has been fitted, one far above it that data have been ignored.

# %%
shown = (0, 10, 30, 100)
pictures.strip([iterates[k].x[0] for k in shown], [f"step {k}, {score(iterates[k].x):.1f} dB" for k in shown])

# %% [markdown]
# Grain and streaks fade together (notebook 00 measures both). The large shapes hardly change, since the low frequencies
# of the image were nearly right from the start.
#
# ## 3 The step size, and where it breaks
#
# The data term has the gradient $2A^*(Ax-y)$. Along a singular vector with value $s$ one step multiplies the
# error by $1 - 2\epsilon s^2$. It shrinks if and only if $\epsilon < 1/s^2$. The largest $s$ is $\|A\| = 1$,
# so the limit is
#
# $$ \epsilon < \frac{1}{\|A\|^2} = 1, $$
#
# and the curvature of $\Psi$ lowers it further, as we shall see below.

# %%
predict(
    "06-blow-up", "At ε = 1.2 each step multiplies the worst error by -1.4. Steps until it is 10 000 times?", unit=""
)

# %%
walk = []
try:
    for it in ar.reconstruct(problem, y, critic, reg_weight, step_size=1.2, steps=100):
        walk.append(it)
except ar.Diverged as error:
    print(error)
print(f"data term {walk[0].data_term.item():.3g} at the start, {walk[-1].data_term.item():.3g} at step {walk[-1].step}")
needed = math.log(1e4) / math.log(1.4)
outcome("06-blow-up", f"log 10 000 / log 1.4 = {needed:.1f}; this run was stopped after step {walk[-1].step}.")
shown = (0, len(walk) - 18, len(walk) - 14, len(walk) - 11)
pictures.strip([walk[k].x[0] for k in shown], [f"step {k}" for k in shown])

# %% [markdown]
# A warning came before the run, and the run was stopped with an error. The error keeps the last finite iterate
# (`error.last`). Note what grows. It is not the grain but the singular vector with the largest singular value, a smooth
# blob, which changes its sign in every step. At first nothing seems wrong, since the start contains very little of it.
# So compute the limit and do not trust the eye.
#
# The limit is not 1 for every problem. If the gradient of $\Psi$ changes by at most $L_\Psi$ per unit of $x$, then
# descent lowers $J$ for certain below $2/L$ with $L = 2\|A\|^2 + \lambda L_\Psi$ (notebook 02). For CT $\lambda$ is
# 0.4. For colour photographs it is 44, and the next cell measures $2/L$ at the end of a run, by the power iteration of
# exercise 06b.
#
# We denoise a photograph with the step that was good for CT, with 0.05, and with a step that the solver finds.

# %%
predict("06-photo", "Will the run with the step 0.6 be stopped with an error, like the one above?", ["yes", "no"])

# %%
photos = ar.Problem(ar.Identity((3, 128, 128)), sigma=0.1)
x_photo = ar.images.photos(1, size=128, generator=seed(24))
y_photo, judge = photos.measure(x_photo, generator=seed(1)), ar.load_critic("photos-color")
weight = ar.weight_from_noise(photos).item()
for step, stop, steps in ((0.6, None, 60), (0.05, None, 60), ("auto", "gradient", 400)):
    run = list(ar.reconstruct(photos, y_photo, judge, weight, step, steps, stop=stop))
    rises = sum(after.objective.item() > before.objective.item() for before, after in pairwise(run))
    value, slope = ar.psnr(run[-1].x.clamp(0, 1), x_photo).item(), run[-1].gradient_norm.item() / weight
    print(f"step size {step!s:4s}: {run[-1].step} steps, J rises in {rises:2d} of them,", end=" ")
    print(f"at the end {value:.2f} dB and ‖∇J‖ = {slope:.2f} λ")

# %%
noisy = ar.psnr(y_photo.clamp(0, 1), x_photo).item()
outcome("06-photo", f"no; but the noisy photograph has {noisy:.2f} dB, and that run ended below.")
end, direction = run[-1].x, torch.randn(y_photo.shape, generator=seed(0))
nabla = lambda x: ar.reconstruction.gradient(judge, x)[1]
for _ in range(15):  # a small change of the image, and by how much it is multiplied in the gradient
    direction = 1e-3 * direction / direction.norm()
    direction = nabla(end + direction) - nabla(end)
curvature = weight * direction.norm().item() / 1e-3
print(f"λ L = {curvature:.0f} for Ψ at the end of the run, 2/L = {2 / (2 + curvature):.3f}")

# %% [markdown]
# There is no error. The slope of a critic is bounded, so with a step that is too long the iterates do not grow without
# limit. They jump to and fro across the valley for ever. At 0.6 the run ends with an image worse than the noisy
# photograph. At 0.05 nothing looks wrong, but this is still longer than $2/L$, and about half of the steps raise the
# objective. The gradient shows it: at a minimum it is zero, and here it is still several times $\lambda$ in the first
# run, and nearly $\lambda$ in the second.
#
# Now compare the last two PSNR values. The run that has not converged has a slightly higher one than the minimum. The
# converging run passes through such images too, and leaves them. The minimum of $J$ is not the best image for this
# critic. But it is the image that Eq. 5 defines, and the one that can be found without the truth.
#
# The remedy is `step_size="auto"` (not in the paper). If the image moved by $s$ and the gradient changed by $v$, the
# next step size is $\langle s, v\rangle/\|v\|^2$, one over the curvature just met (Barzilai and Borwein 1988). A step
# that would raise $J$ is halved until it does not. So there is no number to choose, and $J$ never rises.

# %% [markdown] exercise="06b"
# **Exercise 06b.** Find the limit $2/L$ for a critic that you know nothing about. Its curvature at `x` is the
# largest factor by which a small change of the image is multiplied in the gradient: the largest singular value of
# the *Hessian*, the matrix of second derivatives. *Power iteration* finds it. It applies the matrix to a random
# direction again and again. The part along the largest singular value grows fastest, and in the end the length grows
# by that value in each round. The matrix itself is not needed, only its product with a small change: a difference of
# two gradients, as in the cell above. The check allows 2 %. (Exercise 08b does the same for an operator.)


# %% exercise="06b"
def limit(norm_A, reg_weight, critic, x):
    ### BEGIN SOLUTION
    def gradient(z):
        z = z.detach().requires_grad_()
        return torch.autograd.grad(critic(z).sum(), z)[0]

    d = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    for _ in range(50):
        d = 1e-3 * d / d.norm()
        d = gradient(x + d) - gradient(x)
    return 2 / (2 * norm_A**2 + reg_weight * d.norm() / 1e-3)
    ### END SOLUTION


# %% exercise="06b" points=3
### BEGIN HIDDEN TESTS
check("06b", limit, seed=1).require()
### END HIDDEN TESTS
check("06b", limit)

# %% [markdown] exercise="06b" points=2
# **In your words.** Measure the limit for the photograph above, at the noisy image and at the end of the run:
# `limit(1.0, weight, judge, end)`. How many times longer than that are the steps 0.6 and 0.05?
#
# <!-- BEGIN SOLUTION -->
# At the noisy image the limit is 0.27, and at the end of the run 0.024, where $\lambda$ times the curvature of the
# critic is about 80 and that of the data term 2. So 0.6 is twenty-five times too long, and 0.05 twice. The data term
# alone would allow 1. (Fifteen rounds, as in the cell, give 0.026: the iteration has not quite arrived.)
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4 Three solvers
#
# The paper uses gradient descent and names two others in Section 3.1.
#
# - **Accelerated** gradient descent (Nesterov): go on a little in the direction of the last step, which is called
#   *momentum*, and take the gradient there.
# - **Forward-backward**: take a gradient step on $\lambda\Psi$ alone. Then minimise the data term, plus the squared
#   distance to the point reached, exactly, by solving a linear system. The data term then sets no limit to the step
#   size, so we take a larger one.

# %%
predict(
    "06-solvers",
    "Which objective is lowest after 30 steps?",
    [
        "gradient descent",
        "accelerated",
        "forward-backward",
    ],
)

# %%
runs = {"gradient-descent": iterates[:31]}
for method, step in (("accelerated", 0.6), ("forward-backward", 2.0)):
    runs[method] = list(ar.reconstruct(problem, y, critic, reg_weight, step, 30, method=method))
for method, run in runs.items():
    print(f"{method:17s} objective {run[-1].objective.item():.4f}  PSNR {score(run[-1].x):.2f} dB")
ends = {method: run[-1].objective.item() for method, run in runs.items()}
outcome("06-solvers", ", ".join(f"{value:.3f} by {method}" for method, value in ends.items()) + ".")
series = {
    "objective": {method: [it.objective.item() for it in run] for method, run in runs.items()},
    "PSNR, dB": {method: [score(it.x) for it in run] for method, run in runs.items()},
}
charts.curves(series, height=320)

# %% [markdown]
# After 30 steps the last two are near the minimum, level to two digits, and gradient descent is still far from it.
# But a step does not cost the same in each. The accelerated run evaluates the critic twice in a step.
# Forward-backward solves a linear system: for CT by many products with $A$, for denoising, inpainting and MRI in one
# line. Momentum also lowers the limit of the step size, to 2/3 of that of gradient descent. All three look for the
# same minimiser, and all three take `step_size="auto"`.
#
# ## 5 When to stop, without the truth
#
# Four rules need no truth:
#
# - a fixed number of steps;
# - a *tolerance*: stop when $\|x_{k+1} - x_k\| \le t\,\|x_k\|$;
# - the *discrepancy principle*: near a minimum, stop as soon as $\|Ax - y\|^2$ is at most its expected value
#   $\mathbb E\|e\|^2$;
# - the *gradient*: stop when $\|\nabla J(x_k)\| \le 0.01\,\lambda$. At a minimum the gradients of data term and
#   $\lambda\Psi$ cancel. Each has a length of about $\lambda$, so this rule says that they cancel to one percent.

# %%
for stop in (1e-2, 1e-3, "discrepancy", "gradient"):
    *_, it = ar.reconstruct(problem, y, critic, reg_weight, "auto", steps=400, stop=stop)
    slope = it.gradient_norm.item() / reg_weight
    print(f"stop={stop!s:12s} step {it.step:3d}  data term {it.data_term.item():.2f}", end="  ")
    print(f"‖∇J‖ = {slope:.3f} λ  PSNR {score(it.x):.2f} dB")
minimum = it  # by the last rule
print(f"expected data term {expected:.2f}")

# %% [markdown]
# Only the last rule asks whether the problem that we posed is solved. A tolerance stops where the *steps* are short,
# whether the minimum is near or the step size is small. With 1 % it stops after a few iterates, nearly 2 dB below
# the end. Morozov's discrepancy principle looks at the data alone, and alone it would be met on the way down: the data
# term of $A^\dagger y$ is above the expected one, and after a few steps the run has fallen through that value with the
# grain still in the image. So `ar.reconstruct` asks for both, data that are fitted and a small gradient,
# $\|\nabla J\| \le 0.05\,\lambda$. That ends the run a little before the gradient rule. At the minimum the data term is
# below the expected one: this reconstruction has fitted a little of the noise.
#
# In this course, in the lab and in the tables "the reconstruction" is the end by the gradient rule. The number of steps
# is then only an upper limit, and `ar.reconstruct` warns if it is reached. With a good critic running to the minimum
# costs little. In notebook 00 and on the photograph above the last iterate is less than 1 dB below the best one. Where
# the PSNR falls towards the end, the critic is wrong near its minimum, and no rule without the truth can detect that.

# %% [markdown] exercise="06c"
# **Exercise 06c.** Write the whole descent from $A^\dagger y$, with a rule of your own for its end. The step size is
# given and below the limit. The result should have come at least 95 % of the way from the start to the minimum. How
# many steps that takes differs by a factor of twenty among the problems of the check. It counts how often you call the
# critic, and refuses a run that goes on long after it has arrived. There is no truth to look at.


# %% exercise="06c"
def descend(problem, y, critic, reg_weight, step_size):
    ### BEGIN SOLUTION
    x, first = problem.naive(y), None
    while True:
        x = x.detach().requires_grad_()
        J = (problem.A(x) - y).square().sum() + reg_weight * critic(x).sum()
        (grad,) = torch.autograd.grad(J, x)
        first = first or grad.norm()
        if grad.norm() <= 1e-3 * first:
            return x.detach()
        x = x - step_size * grad
    ### END SOLUTION


# %% exercise="06c" points=3
### BEGIN HIDDEN TESTS
check("06c", descend, seed=1).require()
### END HIDDEN TESTS
check("06c", descend)

# %% [markdown]
# ## 6 What a fixed count hides
#
# It is tempting to take a fixed number of steps instead, as the authors' code does. We scan the same chest from 30 and
# from 90 directions, and look at a run with a step size of 0.6 after 30, 150 and 400 steps.

# %%
predict(
    "06-views",
    "Is the reconstruction from 90 views better than that from 30?",
    [
        "yes, after any number of steps",
        "no, after any number of steps",
        "it depends on the number of steps",
    ],
)

# %%
print("angles    A†y    30 steps         150 steps        400 steps        at the minimum")
table = {}
for angles in (30, 90):
    scan = ar.Problem(ar.RayTransform(size=128, angles=angles), sigma=0.02)
    data, weight = scan.measure(x_true, generator=seed(1)), ar.weight_from_noise(scan).item()
    fixed = list(ar.reconstruct(scan, data, critic, weight, step_size, steps=400))
    *_, end = ar.reconstruct(scan, data, critic, weight, "auto", steps=400, stop="gradient")
    found = [(score(it.x), it.gradient_norm.item() / weight) for it in (*(fixed[k] for k in (30, 150, 400)), end)]
    columns = "  ".join(f"{value:5.2f} dB ({slope:.3f})" for value, slope in found)
    table[angles] = [value for value, _ in found]
    print(f"{angles:6d}  {score(scan.naive(data)):5.2f}  {columns}, iterate {end.step}")
print("in brackets ‖∇J‖ / λ")
gains = [more - fewer for fewer, more in zip(*table.values(), strict=True)]
outcome("06-views", "90 against 30 views: {:+.2f}, {:+.2f}, {:+.2f} dB, and {:+.2f} dB at the minimum.".format(*gains))

# %% [markdown]
# After 30 steps of 0.6 we would conclude that three times as many views cost 2 dB, after 150 steps that they cost
# half a dB. At the minimum the two are level, to one or two tenths of a dB. So the first columns compare how far two
# runs have come, not two scanners. The brackets show it: after 150 steps $\|\nabla J\|/\lambda$ is twice as large for
# 90 angles as for 30. A number of steps that is large enough for one number of angles may be too small for another,
# or for another image size or noise level. And the rule ends after fewer than 100 iterates, while the fixed step
# takes four hundred.
#
# Why do three times as many views not help? $A^\dagger y$ gains a little, but the minimum hardly does. With $\|A\| = 1$
# and a fixed $\sigma$ per ray, more views carry hardly more signal (notebook 01: the same dose is split among more
# views).
#
# **Paper and authors' code differ.**
#
# | | Paper | Authors' code |
# |---|---|---|
# | start | $x \leftarrow A^\dagger y$ | ten steps on the data term first (`Mini`, lines 112, 232-237) |
# | stopping | criterion $S$, left open | in training, when the error to the *truth* grows (lines 239-255) |
# | the same, evaluation | | a fixed number of steps (lines 332-337) |
# | λ for CT | by the formula | 0.3 set by hand; 0.3, 0.4 and 0.5 tried |
# | step size | ε, no value | 0.7, 50 steps in the released script |
#
# Lines are those of `Framework.py`. The README of the code recommends early stopping for CT.
#
# Stopping by the truth is an oracle. Every number in this course that was chosen with the truth says so.
#
# ## 7 Does the start matter?
#
# $\Psi$ is not convex, so different starts may end in different minima. We try a flat gray image and the truth itself.

# %%
ends = {"A†y": minimum}  # of section 5
for name, x0 in {"flat gray": flat, "the truth": x_true}.items():
    *_, ends[name] = ar.reconstruct(problem, y, critic, reg_weight, "auto", steps=400, stop="gradient", x0=x0)
for name, it in ends.items():
    apart = (it.x - ends["A†y"].x).norm() / it.x.norm()
    print(f"from {name:10s} objective {it.objective.item():.4f}  PSNR {score(it.x):.2f} dB  apart from A†y {apart:.2%}")

# %% [markdown]
# The three objectives agree to three digits, and the images are a few percent apart at most. This looks like one valley
# with a flat floor, on which the runs end at slightly different places. Objectives that differ would mean several
# minima, since each run has ended by the rule.
#
# Look at the run that began *at the truth*. It did not stay there. The distance that it went is the error of the method
# itself, which no better solver can remove.
#
# ## 8 The lab
#
# The lab has all these settings on sliders, for four operators and for a file of your own. Each run computes its
# iterates once, and the slider below the pictures shows any of them. Hold a run to compare the next one with it. The
# lab can write code that gives the same iterates in a cell. A run ends at a minimum, with a step size that the solver
# finds; the line above the pictures says where, or that the limit of steps was reached before.

# %%
reconstruction_lab()

# %% [markdown]
# **Three questions.**
#
# 1. Lower the number of angles from 30 to 10 and keep the rest. By how many dB does the reconstruction lose?
#    Now raise it to 90: the PSNR hardly changes, and may even fall. The notice under the controls says why. Which
#    of the two experiments measures missing angles, and which one dose? ($\|A\| = 1$ and $\sigma$ stay as they are.)
# 2. Clear "find step size", set the steps to 100 and "stop" to "after all steps". Find the largest step size at which
#    the objective falls at every step. Is it 1, or less? What does the difference tell you about the curvature of
#    $\Psi$?
# 3. Set the noise to 0.005. The critic was trained at 0.02. Does the formula's $\lambda$ still give the best
#    PSNR? Try half and twice the weight.

# %% [markdown]
# ## 9 A real slice
#
# The critic of this notebook has been trained on drawn chests only. Here is a real slice: the vertebra from notebook
# 01, seen from much closer than any phantom. The measurement is simulated from it, so there is a truth to compare with.
# (`CT_small.dcm` from pydicom's test files; origin and terms in [notebook 01](01_inverse_problems.ipynb).)

# %%
predict(
    "06-real",
    "Which of these has the highest PSNR on the real slice?",
    [
        "filtered back-projection",
        "total variation",
        "the critic of drawn chests",
    ],
)

# %%
x_slice = ar.images.from_dicom(pydicom.data.get_testdata_file("CT_small.dcm"))
y_slice = problem.measure(x_slice, generator=seed(3))
images = {"FBP": problem.naive(y_slice), "TV": ar.total_variation(problem, y_slice, reg_weight=0.004)}
for name, network in {"critic": critic, "critic, real CT": ar.load_critic("ct-chest-high")}.items():
    *_, it = ar.reconstruct(problem, y_slice, network, reg_weight, "auto", steps=400, stop="gradient")
    images[name] = it.x
images = {name: image.clamp(0, 1) for name, image in images.items()}
values = {name: ar.psnr(image, x_slice).item() for name, image in images.items()}
for name, image in images.items():
    print(f"{name:15s} PSNR {values[name]:.2f} dB   SSIM {ar.ssim(image, x_slice).item():.3f}")
outcome("06-real", f"total variation, {values['TV'] - values['critic']:.1f} dB above the critic of drawn chests.")
pictures.strip([x_slice[0], *(image[0] for image in images.values())], ["truth", *images])

# %% [markdown]
# Total variation beats the critic of this notebook by more than 1 dB, and nothing was tuned on this slice: the weight
# of TV, 0.004, is the best one on drawn chests, and the weight of the critic is that of the formula. On drawn chests
# the same critic is ahead of TV by more than 1 dB (notebook 07). What it has learned about drawn chests does not hold
# for this image.
#
# Could another weight help? The next cell tries three, with the truth, so its best is an oracle. The last line of the
# table above is another critic, trained on whole real chests. It draws level with TV.

# %%
for factor in (0.5, 2.0, 4.0):
    *_, it = ar.reconstruct(problem, y_slice, critic, factor * reg_weight, "auto", steps=400, stop="gradient")
    print(f"critic of drawn chests at {factor} λ: {ar.psnr(it.x.clamp(0, 1), x_slice).item():.2f} dB")

# %% [markdown]
# No weight brings it to the level of TV. What a learned regulariser does on images unlike its training images decides
# whether it may be used. So do not stop at the numbers: subtract the truth and look at what is left.

# %%
residuals = [(image - x_slice)[0] for image in images.values()]
pictures.strip(residuals, [f"{name} minus truth" for name in images], kinds=["signed"] * 4, signed_limit=0.3)

# %% [markdown]
# **What to look at**
#
# - *Edges.* An outline in the residual means blurred edges: here, the rim of the vertebra.
# - *Streaks.* Straight lines across the residual come from missing angles. Are they gone, or only paler?
# - *Texture.* Is the inside of the bone smooth in the reconstruction where the truth is not? TV leaves
#   plateaus. A critic trained on phantoms knows only the texture of phantoms.
# - *Inventions.* In the residual they are small strong spots: here one near the lower right corner by the critic of
#   drawn chests, and smaller ones along the lower edge by the other. Is every structure in the reconstruction also in
#   the truth? A structure can fit the data, please the critic, and still be false (remember the ghost of notebook 01).
#
# The PSNR weighs all pixels alike. How much does it fall when a small nodule is missing? We take the reconstruction of
# the chest phantom above, and compare it with a truth that has one bright disc more.

# %%
x, grid = ends["A†y"].x.clamp(0, 1), torch.arange(128.0)
away = ((grid - 40)[:, None] ** 2 + (grid - 90) ** 2).sqrt()  # the distance from a point in the lung, in pixels
for radius, contrast in ((1, 0.1), (1.5, 0.3), (2.5, 0.3)):
    with_nodule = (x_true + contrast * (away <= radius)).clamp(0, 1)
    print(f"{2 * radius:.0f} pixels wide, contrast {contrast}: {ar.psnr(x, with_nodule).item() - score(x):+.2f} dB")

# %% [markdown]
# A nodule that matters to a radiologist can cost a hundredth or a few tenths of a dB, less than the differences in
# the table above. A good PSNR does not show that no nodule is missing.

# %% [markdown]
# ## Recap
#
# - Algorithm 2 is gradient descent on data term plus $\lambda\Psi$. A fixed step must stay below $2/L$, which is
#   at most $1/\|A\|^2$ and far less where $\lambda$ is large; a solver can find it.
# - Solvers and starts change the path, not the minimum. A run has ended where $\|\nabla J\|$ is small against
#   $\lambda$. A fixed number of steps hides how far the run has come. Stopping rules must not look at the truth.
# - The error at the minimum comes from the critic. Look at residuals of images unlike those it was trained on.
#
# **Next:** [07 Who is better?](07_who_is_better.ipynb) puts the methods side by side as in the paper's Tables 1 and
# 2. If you skipped the theory, [04 What the critic learns](04_what_the_critic_learns.ipynb) shows what an ideal
# critic would be.
