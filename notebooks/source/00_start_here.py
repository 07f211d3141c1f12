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
# # 00 Start here
#
# This notebook is the whole course in one sitting. A scanner measures a patient, the obvious way back to an image
# fails, and a neural network that can tell good images from bad ones repairs it. The other notebooks tell the same
# story slowly.
#
# **You will be able to**
#
# - *recognise* an ill-posed problem: small noise in the data, large errors in the image;
# - *reconstruct* a CT slice with a learned regulariser in six lines;
# - *find* the notebook that answers your next question.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Python, a little linear algebra | Sections 1, 3.1 and 5.1 | 10 min | 15 min | 10 s |
#
# The paper is S. Lunz, O. Öktem, C.-B. Schönlieb, *Adversarial Regularizers in Inverse Problems*, NeurIPS
# 2018. Run a cell with Shift+Enter. Run them in order.

# %%
import advreg_edu as ar
import torch
from advreg_edu.apps import reconstruction_lab
from advreg_edu.course import check, hint, outcome, predict, progress, solution
from advreg_edu.drawing import charts, pictures

print(f"advreg_edu {ar.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads")
print("trained critics:", ", ".join(ar.pretrained.names()))

# %% [markdown]
# If two lines of text stand above, the machine is ready. If not, run `!{sys.executable} -m advreg_edu doctor` in a
# cell of its own, after `import sys`. It checks versions, threads, memory and weights, and names one fix for each
# problem.
#
# **Predictions.** Before most results a form asks what you expect. Answer before you run the next cell: a wrong
# prediction teaches more than a right result that you only read. What you enter is kept, and the result is set
# beside it.
#
# **Exercises.** Each notebook has three or four: a line of code, a piece of the method, and an open question with a
# number to defend. You write a function in the place of the three dots. `check` calls it on inputs of its own and
# says whether it is right, or what to look at. `hint("00a")` says a little more each time you call it, and
# `solution("00a")` shows the answer.
#
# Answers and predictions are remembered in a small file beside the notebooks. Section 6 shows them.

# %% [markdown]
# ## 1 A small error becomes a large one
#
# Our patient is a *phantom*, a chest slice drawn by the course, so we know the true image. The scanner takes 30 X-ray
# views of it and adds a little noise:
#
# $$ y = A x + e, \qquad e \sim \mathcal N(0, \sigma^2 I). \tag{Eq. 1} $$
#
# Here $x$ is the image, $A$ the scanner, $y$ the data and $e$ the noise. The classical way back from the data to an
# image is *filtered back-projection*: it smears each view back over the image, after a filter that undoes the blur of
# the smearing. We write $A^\dagger$ for it.

# %%
predict(
    "00-error",
    "The noise is about 5 % of the data. How large is the relative error of the image A†y?",
    ["about 1 %", "about 5 %", "about 50 %"],
)

# %%
x_true = ar.images.thorax(1, size=128, generator=torch.Generator().manual_seed(2000))
A = ar.RayTransform(size=128, angles=30)
problem = ar.Problem(A, sigma=0.02)
y = problem.measure(x_true, generator=torch.Generator().manual_seed(1))
x_naive = problem.naive(y)  # A†y

error_in = (y - A(x_true)).norm() / A(x_true).norm()
error_out = (x_naive - x_true).norm() / x_true.norm()
outcome("00-error", f"{error_in:.1%} in the data became {error_out:.1%} in the image.")
pictures.strip([x_true[0], y[0], x_naive[0]], ["truth x", "data y", "A†y"], kinds=["image", "sinogram", "image"])

# %% [markdown]
# The error has become about ten times larger. The streaks come from the views that are missing, the grain from the
# noise. The grain consists of fine patterns that leave only a weak trace in the data. Undoing the scanner makes their
# trace large again, and the noise with it. [Notebook 01](01_inverse_problems.ipynb) measures this, and shows why a
# better formula for the inverse would not help.

# %% [markdown]
# ## 2 A network knows the difference
#
# You saw at once which of the two images was wrong, and you needed no formula for it. A **critic** $\Psi$ is a
# network that has learned the same judgement from examples. It gives each image one number, which is low for real
# images and high for bad reconstructions.

# %%
predict("00-critic", "For which image is the critic's number larger?", ["the truth", "A†y", "about equal"])

# %%
critic = ar.load_critic("ct-thorax")
outcome("00-critic", f"Ψ(A†y) = {critic(x_naive).item():.2f}, Ψ(truth) = {critic(x_true).item():.2f}.")

# %% [markdown]
# The critic was trained on other slices with other noise. It was only asked to be low on one set of images and high
# on another ([notebook 03](03_training_a_critic.ipynb)). But it can do more than judge. Since $\Psi$ is a
# differentiable function of the image, its gradient says how to change each pixel so that the image looks more real.

# %% [markdown]
# ## 3 Fit the data, please the critic
#
# Neither the data nor the critic is enough alone. An image that fits the data perfectly is noisy. An image that only
# pleases the critic may show another patient. So we ask for both,
#
# $$ \min_x \; \|Ax - y\|_2^2 + \lambda \, \Psi(x), \tag{Eq. 5} $$
#
# where $\|Ax-y\|_2^2$ is called the *data term*. The weight $\lambda$ follows from the scanner and the noise level, by
# $\lambda = 2\,\mathbb E\|A^* e\|_2$ (Section 5.1 of the paper, [notebook 05](05_weight_from_noise.ipynb)). Here $A^*$
# is the adjoint of $A$, the transposed matrix.

# %%
reg_weight = ar.weight_from_noise(problem)
print(f"λ = {reg_weight:.3f}, from the operator and σ; no image was used")

# %% [markdown]
# Algorithm 2 of the paper starts at $A^\dagger y$ and goes downhill by *gradient descent*: it subtracts a multiple of
# the gradient again and again. `ar.reconstruct` yields every image on the way, called an *iterate*. With `"auto"` it
# finds how long a step may be, and with `stop="gradient"` it ends where the gradient is nearly zero, which is a minimum
# (notebook 06).

# %%
predict("00-order", "Which will be gone first?", ["the grain", "the streaks", "both at the same time"])

# %%
iterates = list(ar.reconstruct(problem, y, critic, reg_weight, step_size="auto", steps=400, stop="gradient"))
x, last = iterates[-1].x, iterates[-1].step
score = lambda image: f"{ar.psnr(image.clamp(0, 1), x_true).item():.1f} dB"
pictures.strip(
    [x_true[0], x_naive[0], *(iterates[k].x[0] for k in (5, 15, last))],
    ["truth", f"A†y, {score(x_naive)}", *(f"step {k}, {score(iterates[k].x)}" for k in (5, 15, last))],
)

# %% [markdown]
# The number in each title is the *peak signal-to-noise ratio* (PSNR) in decibels: ten more mean a mean squared
# error ten times smaller. In this course every PSNR is computed after the image was clipped to $[0, 1]$, which is how
# it is shown. It needs the truth, so only we look at it; the algorithm never does.
#
# To answer the prediction we take the error apart. Reconstructed from data without noise, $A^\dagger y$ has only the
# error of the missing views, the streaks. The rest of its error is the grain. How much of either does the error of an
# iterate still contain? Least squares finds the two shares.

# %%
streaks = problem.naive(A(x_true)) - x_true
grain = x_naive - x_true - streaks
parts = torch.stack([streaks.flatten(), grain.flatten()], 1)
for k in (0, 5, 15, last):
    error = (iterates[k].x - x_true).flatten()[:, None]
    left = torch.linalg.lstsq(parts, error).solution.flatten().tolist()
    print("step {:2d}: {:4.0%} of the streaks and {:4.0%} of the grain are left".format(k, *left))
outcome("00-order", "at the end {:.0%} of the streaks and {:.0%} of the grain are left.".format(*left))

# %% [markdown] exercise="00a"
# **Exercise 00a.** Write the PSNR from its definition. For intensities in $[0, 1]$ it is
# $-10 \log_{10}$ of the mean squared error. `x` and `x_true` have the shape (batch, channels, rows, columns); return
# one number for each image of the batch.


# %% exercise="00a"
def psnr(x, x_true):
    ### BEGIN SOLUTION
    error = (x - x_true).square().flatten(1).mean(1)
    return -10 * torch.log10(error)
    ### END SOLUTION


# %% exercise="00a" points=1
### BEGIN HIDDEN TESTS
check("00a", psnr, seed=1).require()
### END HIDDEN TESTS
check("00a", psnr)

# %% [markdown]
# Streaks and grain fade together, step by step. The critic was trained on images that had streaks and grain at once,
# and it has learned to remove both.
#
# Now look at the whole run. The objective falls at every step, since the solver refuses a step that would raise it.
# The PSNR need not rise: nothing in the algorithm knows it.

# %%
series = {
    "objective": [it.objective.item() for it in iterates],
    "critic Ψ": [it.regularizer.item() for it in iterates],
    "PSNR, dB": [ar.psnr(it.x.clamp(0, 1), x_true).item() for it in iterates],
}
quality = series["PSNR, dB"]
print(f"PSNR: {quality[0]:.1f} dB at the start, {max(quality):.1f} dB at its highest, {quality[-1]:.1f} dB at the end")
print(f"Ψ at the end: {series['critic Ψ'][-1]:.2f}, of the truth: {critic(x_true).item():.2f}")
charts.curves(series)

# %% [markdown]
# Most of the gain comes in the first steps. The PSNR is highest on the way, and a little lower at the end. The second
# line says why: the critic is a good judge, not a perfect one. $\Psi$ is lower at the end than at the truth, so the
# minimum of Eq. 5 lies near the truth and not at it. Stopping where the PSNR is highest would be better, but finding
# that step requires the true image.

# %% [markdown] exercise="00b"
# **Exercise 00b.** You have seen every piece. Put them together in one function that reconstructs from any data. It
# computes the weight by the formula, runs to a minimum, and returns the last image. The check gives it three problems
# with other noise and another critic, so nothing may be taken from the cells above.


# %% exercise="00b"
def denoise(problem, y, critic):
    ### BEGIN SOLUTION
    reg_weight = ar.weight_from_noise(problem)
    *_, last = ar.reconstruct(problem, y, critic, reg_weight, step_size="auto", steps=400, stop="gradient")
    return last.x
    ### END SOLUTION


# %% exercise="00b" points=2
### BEGIN HIDDEN TESTS
check("00b", denoise, seed=1).require()
### END HIDDEN TESTS
check("00b", denoise)

# %% [markdown] exercise="00c"
# **Exercise 00c.** The end of the run is not the truth, and yet the objective $J$ of Eq. 5 prefers it. By how much,
# and because of which term? Write a function that returns two numbers: how much lower the *data term* is at the end
# than at the truth, and how much lower $\lambda\Psi$ is. Their sum is $J(x_{\text{true}}) - J(x_{\text{end}})$.


# %% exercise="00c"
def shares(A, y, critic, reg_weight, x_true, x_end):
    ### BEGIN SOLUTION
    fit = lambda x: (A(x) - y).square().sum().item()
    belief = lambda x: float(reg_weight) * critic(x).sum().item()
    return fit(x_true) - fit(x_end), belief(x_true) - belief(x_end)
    ### END SOLUTION


# %% exercise="00c" points=2
### BEGIN HIDDEN TESTS
check("00c", shares, seed=1).require()
### END HIDDEN TESTS
check("00c", shares)

# %% [markdown] exercise="00c" points=2
# **In your words.** Call `shares(A, y, critic, reg_weight, x_true, x)` for the run above, and write down both
# numbers. Would a better algorithm, which finds a lower $J$, bring the image nearer to the truth?
#
# <!-- BEGIN SOLUTION -->
# The two numbers are 0.52 and 0.63, both positive. The end fits the data more closely than the truth does, since it
# fits a part of the noise too, and the critic finds it better than the truth. A better algorithm finds a still lower
# $J$, but the truth is not where $J$ is lowest: what is missing is a better critic, not a better descent.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 4 Break it on purpose
#
# Error messages in this course are worth reading. Each says what was expected, what came instead, and how to fix it.
# Here is one.

# %%
try:
    ar.load_critic("brain-mri")
except ValueError as error:
    print(error)

# %% [markdown]
# ## 5 Your turn: the reconstruction lab
#
# The lab has the same steps with every setting on a slider. Change one thing at a time, and say what will happen
# before you let go of the slider.

# %%
reconstruction_lab()

# %% [markdown]
# **Three questions.**
#
# 1. In the lab, double the noise $\sigma$ and leave the weight on the formula. Which panel gets worse first,
#    $A^\dagger y$ or the reconstruction? Note both PSNR values.
# 2. In section 1, set `angles=10` and run down to section 3. Does the critic still remove all streaks? (It
#    was trained on 30 angles.)
# 3. In section 3, call `ar.reconstruct` with `reg_weight=10 * reg_weight`. Which details of the lung
#    disappear first?

# %% [markdown]
# ## 6 Your progress
#
# This table is read from a file beside the notebooks, `.advreg_progress.json`, and is there again when you come back.
# On Binder the file is lost when the session ends. Download it before, by the link below the table. Next time bring it
# back with the button.

# %%
progress()

# %% [markdown]
# ## Map of the course
#
# | | Notebook | Afterwards you can |
# |---|---|---|
# | 00 | **Start here** | tell the story in five minutes |
# | 01 | [Inverse problems](01_inverse_problems.ipynb) | measure how noise and missing angles are amplified |
# | 02 | [Variational regularisation](02_variational_regularisation.ipynb) | use TV, and know what $\lambda$ does |
# | 03 | [Training a critic](03_training_a_critic.ipynb) | write Eq. 6 in six lines and train it |
# | 04 | [What the critic learns](04_what_the_critic_learns.ipynb) | see Theorems 1 and 2 in the plane |
# | 05 | [λ from the noise](05_weight_from_noise.ipynb) | derive $\lambda = 2\,\mathbb E\lVert A^*e\rVert$ and test it |
# | 06 | [Reconstruction lab](06_reconstruction_lab.ipynb) | run Algorithm 2 with every knob |
# | 07 | [Who is better?](07_who_is_better.ipynb) | read Tables 1 and 2 of the paper critically |
# | 08 | [Stability](08_stability.ipynb) | say where a learned regulariser fails |
# | 09 | [Extensions](09_extensions.ipynb) | build local, recursive and convex critics, and say what each costs |
# | 10 | [Your own data](10_your_own_data.ipynb) | look at a folder of your own, split it by patient, train, report |
#
# The [index of equations](EQUATIONS.md) names, for every number of the paper, the function that is it and the section
# that teaches it.
#
# | Symbol | Meaning | In the code |
# |---|---|---|
# | $x$, $y$, $e$ | image, data, noise | `x`, `y`, `noise` |
# | $A$, $A^*$, $A^\dagger$ | operator, adjoint, regularised pseudo-inverse | `A(x)`, `A.T(y)`, `A.pinv(y)` |
# | $\Psi$ | critic, used as regulariser | `critic(x)` |
# | $\lambda$ | regularisation weight | `reg_weight` |
# | $\mu$ in Algorithm 1 | weight of the gradient penalty | `gp_weight` |
# | $\epsilon$ in Algorithm 2 | step size | `step_size` |

# %% [markdown]
# ## Recap
#
# - Undoing a scanner amplifies the noise, and missing views leave streaks.
# - A critic is a network that is low on real images and high on bad ones. Added to the data term, it repairs the image.
# - The weight $\lambda$ is computed from the noise, and gradient descent finds the minimum. Neither needs the truth,
#   and the minimum is close to the truth but not equal to it.
#
# **Next:** [01 Inverse problems](01_inverse_problems.ipynb) shows where the error comes from.
