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
# | Notebooks 01, 03 and 05 | Section 3.1, Algorithm 2; Section 5.3 | 15 min | 30 min | 70 s |
#
# <img src="pictures/reconstruction_lab.png" width="800" alt="The reconstruction lab of section 7: controls;
# truth, A†y and iterate; error, change and detail; six curves">

# %%
import advreg_edu as ar
import pydicom.data
import torch
from advreg_edu import charts, pictures
from advreg_edu.apps import reconstruction_lab

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
# iteration fits noise. One could stop at the best step, if one knew where that is. Knowing it takes the
# truth. Instead we add the critic.
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

# %% [markdown]
# `ar.reconstruct` does the same and hands out every iterate: its image, objective, data term, $\Psi$ and
# gradient norm. The run goes on for 100 steps.
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
# Only the objective is bound to fall. Its parts trade with each other. Compare the final data term with the
# noise level that is printed: a reconstruction that fits far better than the noise permits has fitted noise,
# one that fits far worse has ignored data.

# %%
shown = (0, 10, 30, 100)
pictures.strip([iterates[k].x[0] for k in shown], [f"step {k}, {score(iterates[k].x):.1f} dB" for k in shown])

# %% [markdown]
# Look at the order of events. Grain is short-range and fades first. Streaks are long, and the low frequencies
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
# and the curvature of $\Psi$ lowers it further.
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
# Steps are not seconds. Here the accelerated run evaluates the critic twice per step, once ahead and once for
# the record. Forward-backward multiplies by $A$ many times in its inner system. Momentum also lowers the
# stability limit, to 2/3 of that of gradient descent. All three look for the same minimiser.
#
# ## 5 When to stop, without the truth
#
# Three rules that a hospital could use:
#
# - a fixed number of steps;
# - a *tolerance*: stop when $\|x_{k+1} - x_k\| \le t\,\|x_k\|$;
# - the *discrepancy principle*: stop when $\|Ax - y\|^2$ crosses its expected value $\mathbb E\|e\|^2$.

# %%
for stop in (1e-2, 1e-3, "discrepancy"):
    *_, it = ar.reconstruct(problem, y, critic, reg_weight, step_size, 60, method="accelerated", stop=stop)
    print(f"stop={stop!s:12s} step {it.step:3d}  data term {it.data_term.item():.2f}  PSNR {score(it.x):.2f} dB")
print(f"expected data term {expected:.2f}")

# %% [markdown]
# Step 60 here means that the rule did not fire. Each rule has its weakness. A loose tolerance stops where the
# *steps* are short, which is not where the *error* is small. The discrepancy principle asks only about the
# data: it may fire on the first crossing, on the way down from the poor fit of $A^\dagger y$, when the image
# is still noisy. A good critic makes the choice easy, since then nothing is lost by running on. If instead
# the PSNR falls towards the end, the critic is wrong near its minimum, and no rule without the truth will
# tell you.
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
# ## 6 Does the start matter?
#
# $\Psi$ is not convex. In theory, different starts may end in different minima. We try a flat gray image and
# the truth itself.

# %%
starts = {"A†y": None, "flat gray": flat, "the truth": x_true}
ends = {}
for name, x0 in starts.items():
    *_, it = ar.reconstruct(problem, y, critic, reg_weight, step_size, 60, method="accelerated", x0=x0)
    ends[name] = it
    apart = (it.x - ends["A†y"].x).norm() / it.x.norm()
    print(f"from {name:10s} objective {it.objective.item():.4f}  PSNR {score(it.x):.2f} dB  apart from A†y {apart:.2%}")

# %% [markdown]
# Two things to read. If the objectives agree and the images are close, the landscape is kind. If they do not,
# either the walks have not ended or there are several minima; more steps tell which. And look at the walk
# that began *at the truth*. It did not stay there: compare its PSNR with infinity. The distance it went is
# the error of the method itself, which no better solver can remove.
#
# ## 7 The lab
#
# Everything so far, on sliders, for four operators and for a file of your own. Each run computes its iterates
# once, and the scrubber moves among them. Hold a run to compare the next one with it. The code that the lab
# writes gives the same iterates outside of it.

# %%
reconstruction_lab()

# %% [markdown]
# **Three questions.**
#
# 1. Raise the number of angles from 30 to 90 and keep the rest. By how many dB does $A^\dagger y$ improve,
#    and by how many the reconstruction?
# 2. Find the largest step size at which 100 steps of gradient descent still end. Is it 1, or less? What does
#    the difference tell you about $\Psi$?
# 3. Set the noise to 0.005. The critic was trained at 0.02. Does the formula's $\lambda$ still give the best
#    PSNR? Try half and twice the weight.

# %% [markdown]
# ## 8 A real slice
#
# The critic has been trained on drawn chests only. Here is a real one: the vertebra from notebook 01, much
# closer up than any phantom. The measurement is simulated from it, so there is a truth to compare with.
# (`CT_small.dcm` from pydicom's test files; origin and terms in [notebook 01](01_inverse_problems.ipynb).)
#
# **Predict.** Filtered back-projection, total variation, the critic: who wins, and by how much?

# %%
x_slice = ar.images.from_dicom(pydicom.data.get_testdata_file("CT_small.dcm"))
y_slice = problem.measure(x_slice, generator=seed(3))
*_, it = ar.reconstruct(problem, y_slice, critic, reg_weight, step_size, 60, method="accelerated")
images = {
    "FBP": problem.naive(y_slice),
    "TV": ar.total_variation(problem, y_slice, reg_weight=0.003),
    "critic": it.x,
}
for name, image in images.items():
    print(f"{name:7s} PSNR {ar.psnr(image, x_slice).item():.2f} dB   SSIM {ar.ssim(image, x_slice).item():.3f}")
pictures.strip([x_slice[0], *(image[0] for image in images.values())], ["truth", *images])

# %% [markdown]
# The weight of TV, 0.003, is near its best value on chest slices. The critic's weight is the formula's. So TV
# has been helped by the truth, and the critic has not.
#
# Numbers first, then pictures. What a learned regulariser does on images unlike its training images is the
# question that decides whether it may be used. Subtract the truth and look at what is left.

# %%
residuals = [(image - x_slice)[0] for image in images.values()]
pictures.strip(residuals, [f"{name} minus truth" for name in images], kinds=["signed"] * 3, signed_limit=0.3)

# %% [markdown]
# **What to look at**
#
# - *Edges.* An outline in the residual means blurred edges: here, the rim of the vertebra.
# - *Streaks.* Straight lines across the residual come from missing angles. Are they gone, or only paler?
# - *Texture.* Is the inside of the bone smooth in the reconstruction where the truth is not? TV leaves
#   plateaus. A critic trained on phantoms knows only the texture of phantoms.
# - *Inventions.* In the residual they are small strong spots. Is every structure in the reconstruction also in
#   the truth? One that fits the data and pleases the critic can still be false (remember the ghost of
#   notebook 01).
#
# PSNR weighs all pixels alike. A missing nodule costs a hundredth of a dB.

# %% [markdown]
# ## Recap
#
# - Algorithm 2 is gradient descent on data term plus $\lambda\Psi$; the step size must stay below
#   $1/\|A\|^2$.
# - Solvers and starts change the way, not the goal. Stopping rules must not look at the truth.
# - The error that remains belongs to the critic. Look at residuals of images unlike those it was trained on.
#
# **Next:** notebook 07 puts the methods side by side as in the paper's Tables 1 and 2. If you skipped the
# theory, notebook 04 shows what an ideal critic would be.
