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
# The whole course in one sitting. A scanner measures; the obvious inversion fails; a neural network that can
# tell good images from bad ones repairs it. Everything after this notebook is the same story, told slowly.
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
from advreg_edu.course import check, hint, progress, solution
from advreg_edu.drawing import charts, pictures

print(f"advreg_edu {ar.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads")
print("trained critics:", ", ".join(ar.pretrained.names()))

# %% [markdown]
# If two lines of text stand above, the machine is ready. If not, run `python -m advreg_edu doctor` in a
# terminal. It checks versions, threads, memory and weights, and names one fix per problem.
#
# **Exercises.** Each notebook has three: a line, a piece of the method, and an open question with a number to
# defend. You write a function where the three dots stand. `check` calls it on inputs of its own and says whether
# it is right, or what to look at. `hint("00a")` helps by one step more each time, and `solution("00a")` comes last.
# Your answers are remembered in a small file beside the notebooks; section 6 shows them.

# %% [markdown]
# ## 1 A small error becomes a large one
#
# Our patient is a procedural chest slice: drawn by the course, so it has no licence and the truth is known.
# The scanner takes 30 X-ray views and adds a little noise:
#
# $$ y = A x + e, \qquad e \sim \mathcal N(0, \sigma^2). \tag{Eq. 1} $$
#
# **Predict.** The noise makes up about 5 % of the data. Filtered back-projection, $A^\dagger$, is the
# classical way back to an image. How large is the relative error of $A^\dagger y$: 1 %, 5 %, or more?

# %%
x_true = ar.images.thorax(1, size=128, generator=torch.Generator().manual_seed(2000))
A = ar.RayTransform(size=128, angles=30)
problem = ar.Problem(A, sigma=0.02)
y = problem.measure(x_true, generator=torch.Generator().manual_seed(1))
x_naive = problem.naive(y)  # A†y

error_in = (y - A(x_true)).norm() / A(x_true).norm()
error_out = (x_naive - x_true).norm() / x_true.norm()
print(f"error in the data {error_in:.1%}, error in the image {error_out:.1%}")
pictures.strip([x_true[0], y[0], x_naive[0]], ["truth x", "data y", "A†y"], kinds=["image", "sinogram", "image"])

# %% [markdown]
# The error came out about ten times larger than it went in. The streaks come from the angles that are
# missing, the grain from the noise. Both live in directions that the scanner hardly sees, and inverting the
# scanner blows them up. [Notebook 01](01_inverse_problems.ipynb) measures by how much, and shows why a better
# inverse formula would not help.

# %% [markdown]
# ## 2 A network knows the difference
#
# You saw at once which of the two images was wrong. Nobody gave you a formula for it. A **critic** $\Psi$ is
# a network that has acquired the same judgement from examples: low on real images, high on bad
# reconstructions.
#
# **Predict.** Which of the two numbers is larger?

# %%
critic = ar.load_critic("ct-thorax")
print(f"Psi(truth) = {critic(x_true).item():.2f}")
print(f"Psi(A†y)   = {critic(x_naive).item():.2f}")

# %% [markdown]
# The critic was trained on other slices and other draws of noise. All it was asked to do is to be low on one
# heap of images and high on another ([notebook 03](03_training_a_critic.ipynb)). Since $\Psi$ is a
# differentiable function of the image, it can do more than judge. Its gradient says how to change each pixel to
# make the image look more real.

# %% [markdown]
# ## 3 Fit the data, please the critic
#
# Neither is enough alone. An image that fits the data perfectly is noisy. An image that only pleases the
# critic may show another patient. So we ask for both,
#
# $$ \min_x \; \|Ax - y\|_2^2 + \lambda \, \Psi(x), \tag{Eq. 5} $$
#
# and the weight $\lambda$ between the two follows from the noise level alone, by
# $\lambda = 2\,\mathbb E\|A^* e\|_2$ (Section 5.1 of the paper, [notebook 05](05_weight_from_noise.ipynb)).

# %%
reg_weight = ar.weight_from_noise(problem)
print(f"lambda = {reg_weight:.3f}, from the operator and sigma; no image was used")

# %% [markdown]
# Algorithm 2 of the paper starts at $A^\dagger y$ and walks downhill. `ar.reconstruct` yields every iterate
# on the way. With `"auto"` it finds how long a step may be, and with `stop="gradient"` it ends at a minimum
# (notebook 06).
#
# **Predict.** Which will be gone first, the grain or the streaks?

# %%
iterates = list(ar.reconstruct(problem, y, critic, reg_weight, step_size="auto", steps=400, stop="gradient"))
x, last = iterates[-1].x, iterates[-1].step
score = lambda image: f"{ar.psnr(image, x_true).item():.1f} dB"
pictures.strip(
    [x_true[0], x_naive[0], *(iterates[k].x[0] for k in (5, 15, last))],
    ["truth", f"A†y, {score(x_naive)}", *(f"step {k}, {score(iterates[k].x)}" for k in (5, 15, last))],
)

# %% [markdown]
# The number in each title is the peak signal-to-noise ratio (PSNR): 10 dB more is a mean squared error ten
# times smaller. It needs the truth, so it is ours to look at, and the algorithm never sees it.

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
# Most of the grain goes in the first few steps. What is left at step 5 are fine lines, best seen in the dark
# around the body: the streaks. At step 15 they are gone too.
#
# Now look at the walk. The objective falls, as it must. Compare the PSNR: nothing in the algorithm knows that
# quantity.

# %%
series = {
    "objective": [it.objective.item() for it in iterates],
    "critic Psi": [it.regularizer.item() for it in iterates],
    "PSNR, dB": [ar.psnr(it.x, x_true).item() for it in iterates],
}
quality = series["PSNR, dB"]
print(f"PSNR: {quality[0]:.1f} dB at the start, {max(quality):.1f} dB at its highest, {quality[-1]:.1f} dB at the end")
print(f"Psi at the end: {series['critic Psi'][-1]:.2f}, of the truth: {critic(x_true).item():.2f}")
charts.curves(series)

# %% [markdown]
# The gain is more than ten dB, most of it in the first steps. The highest value lies on the way, and the end is a
# few tenths of a dB below it. The second line shows that the critic is a good judge, not a perfect one: $\Psi$ is
# lower at the end than at the truth. The minimum of Eq. 5 lies near the truth, not at it. To stop at the highest
# value one would have to know the truth.

# %% [markdown] exercise="00b"
# **Exercise 00b.** You have seen every piece. Put them together into one function that reconstructs from any
# data: the weight by the formula, a run that ends at a minimum, and the last image of it. The check gives it three
# problems with other noise and another critic, so nothing may be taken from the cells above.


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
# **Exercise 00c.** The end of the run is not the truth, and yet the objective prefers it. By how much, and because
# of which term? Write a function that returns two numbers: how much lower the *data term* is at the end than at the
# truth, and how much lower $\lambda\Psi$ is. Together they are $J(x_{\text{true}}) - J(x_{\text{end}})$.


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
# Errors in this course are written to be read. Each says what was expected, what came, and how to fix it.
# Here is one.

# %%
try:
    ar.load_critic("brain-mri")
except ValueError as error:
    print(error)

# %% [markdown]
# ## 5 Your turn: the reconstruction lab
#
# The same four steps with every knob on a slider. Change one thing at a time, and predict before you let go
# of it.

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
# This table is read from a file beside the notebooks, `.advreg_progress.json`. It is there again when you come back.
# On Binder it goes when the session ends. Download it before by the link below the table, and next time upload
# `advreg_progress.json` beside the notebooks: it is read again.

# %%
progress()

# %% [markdown]
# ## Map of the course
#
# | | Notebook | Afterwards you can |
# |---|---|---|
# | 00 | **Start here** | tell the story |
# | 01 | [Inverse problems](01_inverse_problems.ipynb) | measure how noise and missing angles are amplified |
# | 02 | [Variational regularisation](02_variational_regularisation.ipynb) | use TV, and know what $\lambda$ does |
# | 03 | [Training a critic](03_training_a_critic.ipynb) | write Eq. 6 in six lines and train it |
# | 04 | [What the critic learns](04_what_the_critic_learns.ipynb) | see Theorems 1 and 2 in the plane |
# | 05 | [λ from the noise](05_weight_from_noise.ipynb) | derive $\lambda = 2\,\mathbb E\lVert A^*e\rVert$ and test it |
# | 06 | [Reconstruction lab](06_reconstruction_lab.ipynb) | run Algorithm 2 with every knob |
# | 07 | [Who is better?](07_who_is_better.ipynb) | read Tables 1 and 2 of the paper critically |
# | 08 | [Stability](08_stability.ipynb) | say where a learned regulariser fails |
# | 09 | Extensions | build local, recursive and convex critics |
# | 10 | Your own data | train on LIDC, BSDS500 or your own DICOM folder |
#
# 09 and 10 are still to come.
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
# - Inverting a scanner amplifies noise and invents streaks.
# - A critic is a network that is low on real images and high on bad ones; used as a regulariser, it repairs
#   them.
# - $\lambda$ comes from the noise, the walk downhill is gradient descent, and the truth is never needed.
#
# **Next:** [01 Inverse problems](01_inverse_problems.ipynb), where the damage is done.
