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
# Algorithm 2 is four lines long. This notebook turns each of its knobs until it breaks.
#
# **You will be able to**
#
# - *write* Algorithm 2 and read the curves of its run;
# - *choose* step size, solver and stopping rule without knowing the truth;
# - *judge* a reconstruction: what is repaired, what is lost, what may be invented.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebooks 01, 03 and 05 | Section 3.1, Algorithm 2; Section 5.3 | 20 min | 30 min | 40 s |
#
# <img src="pictures/reconstruction_lab.png" width="800" alt="The reconstruction lab of section 8: controls;
# truth, A†y and iterate; error, change and detail; six curves">

# %%
from itertools import pairwise

import advreg_edu as ar
import pydicom.data
import torch
from advreg_edu.apps import reconstruction_lab
from advreg_edu.course import check, hint, solution
from advreg_edu.drawing import charts, pictures

seed = lambda number: torch.Generator().manual_seed(number)

# %% [markdown]
# ## 1 Fitting better, looking worse
#
# We scan a chest phantom that no critic was trained on. Then we ask for one thing only: an image that fits
# the data. That is $\lambda = 0$, and plain gradient descent can do it.
#
# **Predict.** We start from a flat gray image. As the fit improves, does the image?

# %%
x_true = ar.images.thorax(1, size=128, generator=seed(2035))
problem = ar.Problem(ar.RayTransform(size=128, angles=30), sigma=0.02)
y = problem.measure(x_true, generator=seed(1))
x_naive = problem.naive(y)
critic = ar.load_critic("ct-thorax")
score = lambda x: ar.psnr(x, x_true).item()

flat = torch.full_like(x_true, 0.2)
fit = list(ar.reconstruct(problem, y, lambda x: 0 * x.sum((1, 2, 3)), 0.0, step_size=0.9, steps=600, x0=flat))
quality = [score(it.x) for it in fit]
best = quality.index(max(quality))
charts.curves({"data term": [it.data_term.item() for it in fit], "PSNR, dB": quality}, log=["data term"])

# %%
print(f"best image at step {best}: {quality[best]:.1f} dB; at the end {quality[-1]:.1f} dB")
expected = problem.sigma**2 * y.numel()
print(f"data term at the end {fit[-1].data_term.item():.2f}; noise alone would leave {expected:.2f}")
pictures.strip([x_true[0], fit[best].x[0], fit[-1].x[0]], ["truth", f"step {best}", f"step {len(fit) - 1}"])

# %% [markdown]
# The fit improves at every step. The image improves, and then it gets worse, since from some point on the
# iteration fits noise. Stopping at the best step would solve this, but finding that step requires the true image.
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
# `ar.reconstruct` does the same and hands out every iterate: its image, objective, data term, $\Psi$ and
# gradient norm. We let the run go on for 100 steps. Nothing is special about that number: when to stop is the matter
# of section 5.
#
# **Predict.** The start $A^\dagger y$ is noisy but it was made to fit. Will the data term fall, rise, or do
# both?

# %%
iterates = list(ar.reconstruct(problem, y, critic, reg_weight, step_size, steps=100))
print(f"the noise alone has a data term of {expected:.2f} on average")
series = {
    "objective": [it.objective.item() for it in iterates],
    "data term": [it.data_term.item() for it in iterates],
    "Psi": [it.regularizer.item() for it in iterates],
    "PSNR, dB": [score(it.x) for it in iterates],
}
charts.curves(series)

# %% [markdown]
# Only the objective is bound to fall, if the step is short enough. Its parts trade with each other. Compare the
# final data term with the noise level that is printed: a reconstruction that fits far better than the noise
# permits has fitted noise, one that fits far worse has ignored data.

# %%
shown = (0, 10, 30, 100)
pictures.strip([iterates[k].x[0] for k in shown], [f"step {k}, {score(iterates[k].x):.1f} dB" for k in shown])

# %% [markdown]
# Look at the order of events. At step 30 much of the grain is gone and fine lines remain, best seen in the dark
# around the body: the streaks. At step 100 both are gone. The large shapes hardly change, since the low
# frequencies of the image were nearly right from the start.
#
# ## 3 The step size, and where it breaks
#
# The data term has the gradient $2A^*(Ax-y)$. Along a singular vector with value $s$ one step multiplies the
# error by $1 - 2\epsilon s^2$. It shrinks if and only if $\epsilon < 1/s^2$. The largest $s$ is $\|A\| = 1$,
# so the limit is
#
# $$ \epsilon < \frac{1}{\|A\|^2} = 1, $$
#
# and the curvature of $\Psi$ lowers it further: by how much, we shall see below.
#
# **Predict.** At $\epsilon = 1.2$ the error along the worst direction is multiplied by $-1.4$ in each step.
# After how many steps is it ten thousand times as large?

# %%
walk = []
try:
    for it in ar.reconstruct(problem, y, critic, reg_weight, step_size=1.2, steps=100):
        walk.append(it)
except ar.Diverged as error:
    print(error)
print(f"data term {walk[0].data_term.item():.3g} at the start, {walk[-1].data_term.item():.3g} at step {walk[-1].step}")
shown = (0, len(walk) - 18, len(walk) - 14, len(walk) - 11)
pictures.strip([walk[k].x[0] for k in shown], [f"step {k}" for k in shown])

# %% [markdown]
# A warning came before the run, and a clear stop during it. The last finite iterate is kept in the error
# (`error.last`), and the kernel lives on. Note what grows: not the grain, but the top singular vector, a
# smooth blob. It changes its sign in every step. At first nothing seems wrong, since the start has very
# little of it. That is why one tests the limit and does not trust the eye.
#
# And the limit is not 1 for every problem. If the gradient of $\Psi$ changes by at most $L_\Psi$ per unit of
# $x$, then descent is safe below $2/L$ with $L = 2\|A\|^2 + \lambda L_\Psi$ (notebook 02). For CT
# $\lambda$ is 0.4. For colour photographs it is 44, and $2/L$ falls from 1 to about 0.02.
#
# **Predict.** We denoise a photograph with the step that was good for CT, with 0.05, and with a step that the
# solver finds. Will the first run be stopped with an error, like the one above?

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
    print(f"at the end {value:.2f} dB and ||grad J|| = {slope:.2f} lambda")

# %% [markdown]
# No error: a critic has a bounded slope, so a step that is too long does not blow up, it jumps to and fro over
# the valley for ever. At 0.6 the run ends below the noisy photograph, which has 20.4 dB. At 0.05 nothing looks
# wrong, and yet about half of the steps raise the objective. Only the gradient tells: at a minimum it is zero, and
# here it is still several times $\lambda$ in the first run, and nearly $\lambda$ in the second.
#
# Now compare the last two PSNR values. The run that has not converged has a little more than the minimum. That is
# no merit of the step 0.05: the converging run passes through such images too, and leaves them. The minimum of
# $J$ is not the best image for this critic. But it is the one that Eq. 5 defines, and the one that can be found
# without the truth.
#
# The cure is `step_size="auto"` (not in the paper). After a move $s$ that changed the gradient by $v$ the next
# step is $\langle s, v\rangle/\|v\|^2$, one over the curvature just met (Barzilai and Borwein 1988). A step
# that would raise $J$ is not taken, but halved. So there is no number to choose, and $J$ never rises.

# %% [markdown] exercise="06b"
# **Exercise 06b.** Find the limit $2/L$ for a critic that you know nothing about. Its curvature at `x` is the
# largest factor by which a small change of the image is multiplied in the gradient: the largest singular value of
# the Hessian. Power iteration finds it from differences of gradients (exercise 08b does the same for an operator).


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
# `limit(1.0, weight, judge, x)`. How many times longer than that are the steps 0.6 and 0.05?
#
# <!-- BEGIN SOLUTION -->
# At the end of the run the limit is near 0.027, since $\lambda$ times the curvature of the critic is about 70 and
# that of the data term is 2. So 0.6 is more than twenty times too long, and 0.05 about twice. The data term alone
# would allow 1.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4 Three solvers
#
# The paper uses gradient descent and names two others in Section 3.1.
#
# - **Accelerated** (Nesterov): take the gradient a little ahead of $x$, where the momentum carries it.
# - **Forward-backward**: step explicitly against $\lambda\nabla\Psi$, then solve the data term exactly by an
#   inner linear system. The data term then sets no limit to the step, so we take a larger one.
#
# **Predict.** After 30 steps each, which objective is lowest?

# %%
runs = {"gradient-descent": iterates[:31]}
for method, step in (("accelerated", 0.6), ("forward-backward", 2.0)):
    runs[method] = list(ar.reconstruct(problem, y, critic, reg_weight, step, 30, method=method))
for method, run in runs.items():
    print(f"{method:17s} objective {run[-1].objective.item():.4f}  PSNR {score(run[-1].x):.2f} dB")
series = {
    "objective": {method: [it.objective.item() for it in run] for method, run in runs.items()},
    "PSNR, dB": {method: [score(it.x) for it in run] for method, run in runs.items()},
}
charts.curves(series, height=320)

# %% [markdown]
# After 30 steps the last two are near the minimum and gradient descent is still far from it. But steps are not
# seconds. Here the accelerated run evaluates the critic twice per step, once ahead and once for the record.
# Forward-backward multiplies by $A$ many times in its inner system. Momentum also lowers the stability limit, to
# 2/3 of that of gradient descent. All three look for the same minimiser, and all three take `step_size="auto"`.
#
# ## 5 When to stop, without the truth
#
# Four rules that a hospital could use:
#
# - a fixed number of steps;
# - a *tolerance*: stop when $\|x_{k+1} - x_k\| \le t\,\|x_k\|$;
# - the *discrepancy principle*: stop when $\|Ax - y\|^2$ crosses its expected value $\mathbb E\|e\|^2$;
# - the *gradient*: stop when $\|\nabla J(x_k)\| \le 0.01\,\lambda$. At a minimum the gradients of data term
#   and $\lambda\Psi$ cancel. Each has a length of about $\lambda$, so this says that they cancel to one percent.

# %%
for stop in (1e-2, 1e-3, "discrepancy", "gradient"):
    *_, it = ar.reconstruct(problem, y, critic, reg_weight, "auto", steps=400, stop=stop)
    slope = it.gradient_norm.item() / reg_weight
    print(f"stop={stop!s:12s} step {it.step:3d}  data term {it.data_term.item():.2f}", end="  ")
    print(f"||grad J|| = {slope:.3f} lambda  PSNR {score(it.x):.2f} dB")
print(f"expected data term {expected:.2f}")

# %% [markdown]
# Only the last rule asks whether the problem that we posed is solved. A tolerance stops where the *steps* are
# short, be it that the minimum is near or that the step size is small: with 1 % that is after a few iterates, and
# about 2 dB below the end. The discrepancy principle asks only about the data. $A^\dagger y$ lies above the
# expected data term, so the run crosses that value in its first steps, while the grain is still there: it stops
# several dB below the end. At the minimum the data term is below the expected one: this reconstruction fits a
# little better than the noise permits.
#
# In this course, in the lab and in the tables "the reconstruction" is the end by the gradient rule. The number
# of steps is then a limit only, and `ar.reconstruct` warns if it is hit. With a good critic little is lost by
# running on: nothing to speak of on this chest, 0.4 dB from the best iterate to the end in notebook 00, 0.6 dB on the
# photograph above. Where the PSNR falls towards the end, the critic is wrong near its minimum, and no rule without
# the truth will tell you.
#
# Now your own rule.

# %% [markdown] exercise="06c"
# **Exercise 06c.** Write the whole descent from $A^\dagger y$, with a rule of your own for its end. The step size is
# given and safe. The result should be within 5 % of the way from the minimum; how many steps that takes differs by a
# factor of twenty among the problems of the check, and the check counts how often you ask the critic. There is no
# truth to look at.


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
# It is tempting to take a fixed number of steps instead, as the authors' code does. We scan the same chest from
# 30 and from 90 directions, and look at the same run, with a step of 0.6, after 30, 150 and 600 steps.
#
# **Predict.** Three times as many views: is the reconstruction from 90 better than that from 30, after each of
# the three counts and at the minimum?

# %%
print("angles    A†y    30 steps         150 steps        600 steps        at the rule")
for angles in (30, 90):
    scan = ar.Problem(ar.RayTransform(size=128, angles=angles), sigma=0.02)
    data, weight = scan.measure(x_true, generator=seed(1)), ar.weight_from_noise(scan).item()
    fixed = list(ar.reconstruct(scan, data, critic, weight, step_size, steps=600))
    *_, end = ar.reconstruct(scan, data, critic, weight, "auto", steps=400, stop="gradient")
    found = [(score(it.x), it.gradient_norm.item() / weight) for it in (*(fixed[k] for k in (30, 150, 600)), end)]
    columns = "  ".join(f"{value:5.2f} dB ({slope:.3f})" for value, slope in found)
    print(f"{angles:6d}  {score(scan.naive(data)):5.2f}  {columns}, iterate {end.step}")
print("in brackets ||grad J|| / lambda")

# %% [markdown]
# After 30 steps of 0.6 the answer would be that three times as many views cost 2 dB, after 150 that they cost half
# a dB. At the minimum the two are level, to one or two tenths of a dB. So the early columns compare two runs by how
# far each has come, and not two scanners. The brackets show it: after 150 steps $\|\nabla J\|/\lambda$ is twice as
# large for 90 angles as for 30. A count that is large enough for one number of angles says nothing for another, or
# for another image size or noise level. And the rule ends after fewer than 100 iterates where the fixed step takes
# several hundred.
#
# Why do three times as many views not help? $A^\dagger y$ gains, but the minimum hardly moves: with
# $\|A\| = 1$ and a fixed $\sigma$ per ray more views carry hardly more signal (notebook 01: the same dose,
# split among more views).
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
# Stopping by the ground truth is an oracle. Every number in this course that was chosen with the truth says
# so.
#
# ## 7 Does the start matter?
#
# $\Psi$ is not convex. In theory, different starts may end in different minima. We try a flat gray image and
# the truth itself.

# %%
starts = {"A†y": None, "flat gray": flat, "the truth": x_true}
ends = {}
for name, x0 in starts.items():
    *_, it = ar.reconstruct(problem, y, critic, reg_weight, "auto", steps=400, stop="gradient", x0=x0)
    ends[name] = it
    apart = (it.x - ends["A†y"].x).norm() / it.x.norm()
    print(f"from {name:10s} objective {it.objective.item():.4f}  PSNR {score(it.x):.2f} dB  apart from A†y {apart:.2%}")

# %% [markdown]
# Two things to read. If the objectives agree and the images are close, the landscape is kind. If the objectives do
# not, there are several minima, for the walks have ended: the rule says so. Here they agree to three digits, and the
# images are a few percent apart at most: one valley with a flat floor, on which the walks end at slightly different
# places. And look at the walk that began *at the truth*. It did not stay there: compare its PSNR with infinity. The
# distance it went is the error of the method itself, which no better solver can remove.
#
# ## 8 The lab
#
# Everything so far, on sliders, for four operators and for a file of your own. Each run computes its iterates
# once, and the scrubber moves among them. Hold a run to compare the next one with it. The code that the lab
# writes gives the same iterates outside of it. A run ends at a minimum, with a step size that the solver finds;
# the line above the pictures says where, or that the limit of steps was hit before.

# %%
reconstruction_lab()

# %% [markdown]
# **Three questions.**
#
# 1. Lower the number of angles from 30 to 10 and keep the rest. By how many dB does the reconstruction lose?
#    Now raise it to 90: the PSNR hardly changes, and may even fall. The notice under the controls says why. Which
#    of the two experiments measures missing angles, and which one dose? ($\|A\| = 1$ and $\sigma$ stay as they are.)
# 2. Clear "find step size", set the steps to 100 and "stop" to "after all steps". Find the largest step size at
#    which gradient descent still ends. Is it 1, or less? What does the difference tell you about $\Psi$?
# 3. Set the noise to 0.005. The critic was trained at 0.02. Does the formula's $\lambda$ still give the best
#    PSNR? Try half and twice the weight.

# %% [markdown]
# ## 9 A real slice
#
# The critic has been trained on drawn chests only. Here is a real one: the vertebra from notebook 01, much
# closer up than any phantom. The measurement is simulated from it, so there is a truth to compare with.
# (`CT_small.dcm` from pydicom's test files; origin and terms in [notebook 01](01_inverse_problems.ipynb).)
#
# **Predict.** Filtered back-projection, total variation, the critic: who wins, and by how much?

# %%
x_slice = ar.images.from_dicom(pydicom.data.get_testdata_file("CT_small.dcm"))
y_slice = problem.measure(x_slice, generator=seed(3))
images = {"FBP": problem.naive(y_slice), "TV": ar.total_variation(problem, y_slice, reg_weight=0.004)}
for name, network in {"critic": critic, "critic, real CT": ar.load_critic("ct-chest-high")}.items():
    *_, it = ar.reconstruct(problem, y_slice, network, reg_weight, "auto", steps=400, stop="gradient")
    images[name] = it.x
for name, image in images.items():
    print(f"{name:15s} PSNR {ar.psnr(image, x_slice).item():.2f} dB   SSIM {ar.ssim(image, x_slice).item():.3f}")
pictures.strip([x_slice[0], *(image[0] for image in images.values())], ["truth", *images])

# %% [markdown]
# TV wins against the critic of this notebook, by more than 1 dB, and nothing was tuned on this slice: the weight of
# TV, 0.004, is the best one on drawn chests, the critic's weight is the formula's. On drawn chests the same critic
# is ahead of TV by more than 1 dB (notebook 07). No weight mends it: from half to four times the formula the critic
# stays more than 1 dB below TV. What it knows of images is not true of this one.
#
# The last line is another critic, trained on whole real chests. It draws level with TV; on four other draws of the
# noise it was 0.1 to 0.6 dB ahead.
#
# Numbers first, then pictures. What a learned regulariser does on images unlike its training images is the
# question that decides whether it may be used. Subtract the truth and look at what is left.

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
#   drawn chests, and smaller ones along the lower edge by the other. Is every structure in the reconstruction also
#   in the truth? One that fits the data and pleases the critic can still be false (remember the ghost of
#   notebook 01).
#
# PSNR weighs all pixels alike. A missing nodule costs a hundredth of a dB.

# %% [markdown]
# ## Recap
#
# - Algorithm 2 is gradient descent on data term plus $\lambda\Psi$. A fixed step must stay below $2/L$, which is
#   at most $1/\|A\|^2$ and far less where $\lambda$ is large; a solver can find it.
# - Solvers and starts change the way, not the goal. A run has ended where $\|\nabla J\|$ is small against
#   $\lambda$; a fixed count hides how far that is. Stopping rules must not look at the truth.
# - The error that remains belongs to the critic. Look at residuals of images unlike those it was trained on.
#
# **Next:** [07 Who is better?](07_who_is_better.ipynb) puts the methods side by side as in the paper's Tables 1 and
# 2. If you skipped the theory, [04 What the critic learns](04_what_the_critic_learns.ipynb) shows what an ideal
# critic would be.
