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
# # 03 Training a critic
#
# A network learns to tell good images from bad ones. What it has learned turns out to be the direction of the
# noise.
#
# **You will be able to**
#
# - *write* the critic loss (Eq. 6) in six lines, and say what each term prevents;
# - *train* a critic from nothing by Algorithm 1, and read its two curves;
# - *diagnose* a penalty weight that is too small.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebook 01, a first course in deep learning | Section 3.1, Eq. 6 and 7, Algorithm 1 | 15 min | 30 min | 60 s |

# %%
import copy

import advreg_edu as ar
import torch
from advreg_edu import training
from advreg_edu.apps import training_monitor
from advreg_edu.course import check, hint, solution
from advreg_edu.drawing import charts, pictures
from IPython.display import display

seed = lambda number: torch.Generator().manual_seed(number)

# %% [markdown]
# ## 1 Something it was never told
#
# We load a trained critic for colour photographs and give it a noisy one. Then we ask for the gradient of its
# value with respect to the pixels, and put it beside the noise we added.

# %%
x_photo = ar.images.photos(1, size=128, generator=seed(1))
noise = 0.1 * torch.randn(x_photo.shape, generator=seed(1))
shipped = ar.load_critic("photos-color")


def gradient(critic, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x)[0]


direction = gradient(shipped, x_photo + noise)
shown = [noise[0, 1], direction[0, 1] * noise.norm() / direction.norm()]  # the green channel, to show signs
cosine = torch.nn.functional.cosine_similarity(direction.flatten(), noise.flatten(), dim=0)
print(f"cosine of the angle between them: {cosine:.3f}")
pictures.strip([(x_photo + noise)[0], *shown], ["noisy", "noise", "gradient of Psi"], ["image", "signed", "signed"])

# %% [markdown]
# Two random directions in a space of 49 152 dimensions have a cosine of about 0.005. This network has seen
# neither this noise nor this photograph, and no noise was ever its target. All it was asked to do is to be
# low on one heap of images and high on another. Where does the direction come from?

# %% [markdown]
# ## 2 Two heaps of images
#
# One heap holds ground-truth images, samples of a distribution $\mathbb P_r$. The other holds what the naive
# inverse makes of measurements, $x = A^\dagger y$, samples of $\mathbb P_n$. To train from nothing within a
# minute we take small images: chest phantoms of 48 × 48 pixels with white noise. Then $A = I$ and
# $A^\dagger y = y$. Nothing below depends on that choice.

# %%
problem = ar.Problem(ar.Identity((1, 48, 48)), sigma=0.1)
x_train = ar.images.thorax(64, size=48, generator=seed(0))
x_test = ar.images.thorax(64, size=48, generator=seed(99))  # other patients
test_noisy = problem.naive(problem.measure(x_test, generator=seed(5)))
noise_size = (test_noisy - x_test).flatten(1).norm(dim=1).mean()
print(f"mean distance between an image and its noisy version: {noise_size:.2f}")
pictures.strip([x_test[0], x_test[1], test_noisy[2], test_noisy[3]], ["real", "real", "noisy", "noisy"])

# %% [markdown]
# ## 3 A game with one rule
#
# Find a function $f$ that is high on the noisy heap and low on the real one. Without a rule the game has no
# end: double $f$ and the gap doubles. The rule is that $f$ must not be steep,
# $|f(x) - f(x')| \le \|x - x'\|$. The best gap under this rule is the Wasserstein distance between the heaps,
#
# $$ \mathrm{Wass}(\mathbb P_r, \mathbb P_n) = \sup_{f\ \text{1-Lipschitz}}
#    \mathbb E_{X\sim\mathbb P_n} f(X) - \mathbb E_{X\sim\mathbb P_r} f(X). \tag{Eq. 7} $$
#
# The number printed above is an upper bound of it. An image and its noisy version are that far apart on
# average, so on average no legal $f$ differs by more between them. Remember that bound. It will catch a cheat
# in section 8.
#
# ## 4 The loss: six lines
#
# A network cannot be told to be 1-Lipschitz. It can be fined where it is too steep:
#
# $$ \mathbb E_{X\sim\mathbb P_r}\Psi(X) - \mathbb E_{X\sim\mathbb P_n}\Psi(X)
#    + \mu\, \mathbb E\big(\|\nabla_x\Psi(x_i)\| - 1\big)_+^2, \qquad
#    x_i = \epsilon x_r + (1-\epsilon) x_n. \tag{Eq. 6} $$
#
# The slope is checked at random points $x_i$ on the lines between the heaps. The fine is one-sided, as the
# $(\cdot)_+$ says: a slope below 1 costs nothing.

# %% [markdown] exercise="03a"
# **Exercise 03a.** Draw the points $x_i$. Each image of the batch mixes with its own noisy partner, by a number
# $\epsilon$ drawn from $[0, 1]$ with the given `generator`. The slope will be taken at $x_i$, so it must be a
# variable to differentiate by.


# %% exercise="03a"
def mixed(x_real, x_noisy, generator):
    ### BEGIN SOLUTION
    mix = torch.rand(len(x_real), 1, 1, 1, generator=generator)
    return (mix * x_real + (1 - mix) * x_noisy).requires_grad_()
    ### END SOLUTION


# %% exercise="03a" points=1
### BEGIN HIDDEN TESTS
check("03a", mixed, seed=1).require()
### END HIDDEN TESTS
check("03a", mixed)

# %% [markdown]
# Here is the loss, and it is the heart of the course.


# %%
def loss_by_hand(critic, x_real, x_noisy, gp_weight, generator):
    mix = torch.rand(len(x_real), 1, 1, 1, generator=generator)
    x_i = (mix * x_real + (1 - mix) * x_noisy).requires_grad_()
    (grad,) = torch.autograd.grad(critic(x_i).sum(), x_i, create_graph=True)
    slope = grad.flatten(1).norm(dim=1)
    penalty = (slope - 1).relu().square().mean()
    return critic(x_real).mean() - critic(x_noisy).mean() + gp_weight * penalty


untrained = ar.LocalCritic(channels=1, widths=(16, 32))
ours = loss_by_hand(untrained, x_test, test_noisy, 0.5, seed(3))
theirs = ar.critic_loss(untrained, x_test, test_noisy, gp_weight=0.5, generator=seed(3))
print(f"by hand {ours:.6f}, ar.critic_loss {theirs:.6f}")

# %% [markdown]
# Line by line: draw a mixing number for each image; mix; differentiate $\Psi$ with respect to the *image*;
# take the norm over all pixels; fine what exceeds 1; add it up. `create_graph=True` is there because the fine
# will itself be differentiated, this time with respect to the *weights*.
#
# > **Names.** The paper calls the penalty weight λ in Eq. 6 and μ in Algorithm 1, and uses λ for the
# > regularisation weight as well. It uses ε for the mixing number and for a step size. Here they are
# > `gp_weight`, `reg_weight`, `mix` and `step_size`.

# %% [markdown] exercise="03b"
# **Exercise 03b.** Scroll until the six lines are out of sight, and write Eq. 6 from the formula. The mixing numbers
# are given, with the shape (batch, 1, 1, 1). The check compares the value and its gradient by the weights $\Theta$,
# which is what Adam will use: some mistakes show in the second alone.


# %% exercise="03b"
def loss(critic, x_real, x_noisy, mix, gp_weight):
    ### BEGIN SOLUTION
    x_i = (mix * x_real + (1 - mix) * x_noisy).requires_grad_()
    (grad,) = torch.autograd.grad(critic(x_i).sum(), x_i, create_graph=True)
    slope = grad.flatten(1).norm(dim=1)
    penalty = (slope - 1).relu().square().mean()
    return critic(x_real).mean() - critic(x_noisy).mean() + gp_weight * penalty
    ### END SOLUTION


# %% exercise="03b" points=3
### BEGIN HIDDEN TESTS
check("03b", loss, seed=1).require()
### END HIDDEN TESTS
check("03b", loss)

# %% [markdown]
# ## 5 Algorithm 1, by hand
#
# Draw a batch, take the loss, take one step of Adam. That is all of Algorithm 1. We take the network of the
# authors, six convolutions and two dense layers, fresh from initialisation.

# %%
torch.manual_seed(0)
critic = ar.PaperCritic(channels=1, size=48)
by_hand = copy.deepcopy(critic)
adam = torch.optim.Adam(by_hand.parameters(), lr=5e-4, betas=(0.5, 0.99))
for k in range(3):  # while not converged
    x_real = x_train[torch.randint(64, (8,), generator=seed(k))]
    x_noisy = problem.naive(problem.measure(x_train[torch.randint(64, (8,), generator=seed(100 + k))], seed(k)))
    loss = loss_by_hand(by_hand, x_real, x_noisy, 14.4, seed(k))
    adam.zero_grad()
    loss.backward()
    adam.step()
    print(f"step {k}: loss {loss:+.4f}")

# %% [markdown]
# Note that the two batches are drawn independently. `x_noisy` comes from other patients than `x_real`. This
# is what the paper means by *unsupervised*: no image is ever paired with its measurement. The number 14.4 is
# the weight $\mu$ of the fine; section 8 says where it comes from.
#
# ## 6 A minute of training
#
# `ar.train_critic` is the same loop with a learning rate that falls, and it averages the weights at the end.
# It draws each image together with its own measurement, as the authors' code does. `training.algorithm_1` is the
# loop alone: it takes any source of pairs. `Unpaired` draws independently, as the paper's text says.
#
# **Predict.** The curve "distance" is the gap $\mathbb E\,\Psi(x_n) - \mathbb E\,\Psi(x_r)$. Will it rise or
# fall? Will it reach the bound of section 3? Where will the slope settle?

# %%
pairs = training.Unpaired(problem, x_train)
loss = training.Eq6(training.default_gp_weight(pairs))
setup = dict(steps=110, batch_size=8, averaging=0.9)
steps = list(training.algorithm_1(critic, pairs, loss, learning_rate=5e-4, **setup))
distance = [step.wasserstein.item() for step in steps]
slope = [step.gradient_norm.item() for step in steps]
print(f"distance {distance[-1]:.2f} (bound {noise_size:.2f}), slope {slope[-1]:.2f}")
series = {
    "distance (Eq. 7)": {"estimate": distance, "bound": [noise_size] * len(steps)},
    "slope of Psi": {"mean slope": slope, "limit 1": [1.0] * len(steps)},
}
charts.curves(series, height=260)

# %% [markdown]
# At first nothing seems to happen. Then the critic finds a direction that separates the heaps, and it
# steepens until the fine stops it at a slope near 1. From there on it can gain only by *turning* its
# gradient, since it may not make it longer. The gap then grows slowly, and stays below the bound.
#
# This is the answer to section 1. At fixed slope, the function that rises fastest from the real heap to the
# noisy heap points along what tells them apart, and that is the noise.
#
# **Watch it.** The monitor trains a critic step by step while you look: its estimate of the distance, the
# fine, its slope and its value on 32 images held out from the training. One of them is reconstructed by the
# critic *as it is at that moment*. Pause, scroll, run another cell, resume. Nothing is trained before you press
# start, and the notebook goes on below without it.

# %%
monitor = training_monitor()
display(monitor)

# %% [markdown]
# 1. Train the local critic to the end. Which moves first, the histogram of Ψ or that of the slope?
# 2. Choose the authors' network. At which step does the cosine between $\nabla\Psi$ and the noise leave zero,
#    and at which does the reconstruction start to help?
# 3. Lower the penalty $\mu$ to 0.1 and raise the learning rate to 0.01. Which of the three curves warns you
#    first? (Section 8 explains.)
#
# ## 7 Did it learn, or memorise?
#
# We test on patients and noise it has not seen.

# %%
with torch.no_grad():
    psi_real, psi_noisy = critic(x_test), critic(test_noisy)
print(f"Psi on real images:  {psi_real.min():6.2f} to {psi_real.max():6.2f}")
print(f"Psi on noisy images: {psi_noisy.min():6.2f} to {psi_noisy.max():6.2f}")
ordered = (psi_noisy[:, None] > psi_real[None]).float().mean()
print(f"pairs in which the noisy image has the higher value: {ordered:.1%}")
pictures.strip(
    [x_test[0], x_test[1], test_noisy[2], test_noisy[3]],
    [f"Psi = {psi:.2f}" for psi in (*psi_real[:2], *psi_noisy[2:4])],
)

# %% [markdown]
# Now the rule. The fine holds on average over the lines between the heaps. How steep is $\Psi$ at each single
# test image?

# %%
slopes = gradient(critic, torch.cat([x_test, test_noisy])).flatten(1).norm(dim=1)
print("slope        real  noisy")
for low in torch.arange(0.4, 1.5, 0.1):
    real, noisy = (int(((half >= low) & (half < low + 0.1)).sum()) for half in slopes.chunk(2))
    print(f"{low:.1f} to {low + 0.1:.1f}  {real:5d}  {noisy:5d}  " + "o" * (real // 2) + "x" * (noisy // 2))

# %% [markdown]
# Each `o` stands for two real images, each `x` for two noisy ones. The noisy images sit near 1 and a little
# above: a fine is not a wall. The real ones are mostly below, and Eq. 6 does not object. The formula for
# $\lambda$ in [notebook 05](05_weight_from_noise.ipynb) assumes a slope of 1 where it is used, so this table
# matters.
#
# And the direction? The gradient of the network that you have just trained, beside the true noise:

# %%
true_noise = test_noisy - x_test
direction = gradient(critic, test_noisy)
cosines = torch.nn.functional.cosine_similarity(direction.flatten(1), true_noise.flatten(1))
print(f"cosine with the true noise: mean {cosines.mean():.3f}, smallest {cosines.min():.3f}")
shown = [true_noise[0], direction[0] / direction[0].norm() * true_noise[0].norm()]
pictures.strip([test_noisy[0], *shown], ["noisy", "noise", "gradient of Psi"], ["image", "signed", "signed"])

# %% [markdown]
# If the gradient points along the noise, one step against it must remove noise. This is Eq. 8,
# $g_\eta(x) = x - \eta\,\nabla\Psi(x)$. We step as far as the noise is long, since the slope is about 1.

# %%
eta = 0.8 * noise_size
stepped = test_noisy - eta * direction
before, after = ar.psnr(test_noisy, x_test).mean(), ar.psnr(stepped, x_test).mean()
print(f"mean over {len(x_test)} images: noisy {before:.1f} dB, after one step {after:.1f} dB")
pictures.strip([x_test[0], test_noisy[0], stepped[0]], ["truth", "noisy", "after one step"])

# %% [markdown]
# ## 8 Break it on purpose: a penalty that is too cheap
#
# Suppose the critic's overall scale $s$ is free. Then Eq. 6 reads $-s W + \mu (s-1)^2$, and its minimum lies
# at
#
# $$ s = 1 + \frac{W}{2\mu}. $$
#
# The excess slope is proportional to the distance $W$ itself. A penalty weight that suits one problem is
# wrong for another.

# %% [markdown] exercise="03c"
# **Exercise 03c.** Which weight $\mu$ keeps the slope below 1 + `excess`, where the heaps are `distance` apart? (The
# formula holds for pairs, which have one $W$; batches drawn independently have a larger one.)


# %% exercise="03c"
def gp_weight_for(excess, distance):
    ### BEGIN SOLUTION
    return distance / (2 * excess)
    ### END SOLUTION


# %% exercise="03c" points=1
### BEGIN HIDDEN TESTS
check("03c", gp_weight_for, seed=1).require()
### END HIDDEN TESTS
check("03c", gp_weight_for)

# %% [markdown] exercise="03c" points=2
# **In your words.** Which weight does your function give for an excess of 5 % on the heaps of section 2? Which slope
# do you measure with it after 110 steps, with `training.Paired` in section 6? Defend the difference.
#
# <!-- BEGIN SOLUTION -->
# The distance is at most the 4.81 printed in section 2, so 48 is heavy enough. In the last ten of 110 steps the mean
# slope of a batch was between 0.95 and 1.03 for a network trained from nothing, so it stays below 1.05. The formula
# speaks of the minimum of Eq. 6 when the scale of the critic alone is free. A short run has not reached that
# minimum, and the mean slope hides that some images are above it and others below.
# <!-- END SOLUTION -->

# %% [markdown]
# **Predict.** Above, `gp_weight` was 14.4. We now take 0.1. What happens to the estimate of the distance?

# %%
torch.manual_seed(0)
cheat = ar.LocalCritic(channels=1, widths=(16, 32))
run = list(ar.train_critic(cheat, problem, x_train, steps=80, batch_size=8, gp_weight=0.1, learning_rate=2e-3))
estimate = [step.wasserstein.item() for step in run]
print(f"estimate {estimate[-1]:.1f}, but no legal critic can exceed {noise_size:.2f}")
series = {
    "distance (Eq. 7)": {"estimate": estimate, "bound": [noise_size] * len(run)},
    "slope of Psi": {"mean slope": [step.gradient_norm.item() for step in run], "limit 1": [1.0] * len(run)},
}
charts.curves(series, height=260)

# %% [markdown]
# The estimate passes the bound that no 1-Lipschitz function can pass. It is not a distance any more. The
# critic has bought a larger gap by being steep. Used as a regulariser, it would pull much harder than the
# formula for $\lambda$ expects. Nothing crashed, and the loss looks better than ever: **watch the slope, not
# the loss.**
#
# By default, `ar.train_critic` sets `gp_weight` to $3\,\mathbb E\|x_r - x_n\|$. The formula above then puts
# the excess at 17 % or less; here it gives 14.4. The rule is ours. The paper gives no value, and the authors'
# code uses 20. The critics for CT that ship were trained with five times the distance between their heaps.
#
# ## 9 Two networks
#
# `PaperCritic` is the authors' network. Its first dense layer ties it to one image size. At 128 × 128 in
# colour it holds 84 % of the 2.5 million weights.
#
# `LocalCritic` is ours. It has the form $\Psi(x) = \|x - D(x)\|$ with a small convolutional network $D$,
# rounded at the tip so that it is smooth. Theorem 2 suggests the form: under its assumptions the ideal critic
# is the *distance to the set of real images*, and $D(x)$ plays the part of the nearest real image. Note what
# is ours and what is the paper's. $D$ is never trained to denoise. Only $\Psi$ is trained, by Eq. 6, and
# unpaired. But $D$ starts as a blur, so the critic starts with a good guess where the authors' network starts
# with none. That is a prior we put in by hand.

# %%
torch.manual_seed(0)
local = ar.LocalCritic(channels=1, widths=(16, 32))
start = (local(test_noisy) - local(x_test)).mean().item()
run = list(training.algorithm_1(local, pairs, loss, learning_rate=2e-3, **setup))
for name, network in (("PaperCritic", critic), ("LocalCritic", local)):
    print(f"{name}: {sum(p.numel() for p in network.parameters()):,} weights")
print(f"LocalCritic before training: gap {start:.2f}")
local_curve = [step.wasserstein.item() for step in run]
charts.curves({"distance (Eq. 7)": {"PaperCritic": distance, "LocalCritic": local_curve}}, height=260)

# %% [markdown]
# The local critic starts high and gains little in so short a run. The authors' network starts at zero and has
# to discover everything. The critics that ship with the course are wider local critics, trained for longer by
# `python -m advreg_edu train`. Their batches are paired: a line between two different chests leads through a double
# exposure of both, where no reconstruction ever goes. Where there are no pairs, the slope can be checked between
# `x_real` and a measurement of itself, simulated for this alone (`OwnLines`; the recipes `ct-chest-high-unpaired`
# and `ct-chest-high-apart`). The real images of all four keep some of their own noise (`NoiseLeft`): a fifth for
# `ct-chest-low`, three tenths for `ct-thorax`, two fifths for `ct-chest-high` and `photos-color`. A critic that has
# to tell the last of the noise from texture pays for it with its direction where
# reconstructions are: of two critics for real chests at $\sigma = 0.02$, 1000 steps each, the one without
# `NoiseLeft` ended 1 dB lower (`data/study/noise-left.md`). All four saw their own reconstructions
# too (`WithIterates`, Section 6 of the paper).
# `print(ar.pretrained.card("ct-thorax"))` shows data, seed, command and minutes.
#
# What a critic is shown can be looked at. A *source* draws pairs of images, and what wraps a source is a source again.
# The third picture of each row is the end of the line on which Eq. 6 holds the slope.

# %%
paired, unpaired = training.Paired(problem, x_train), training.Unpaired(problem, x_train)
for source in (paired, unpaired, training.OwnLines(unpaired), training.NoiseLeft(paired, share=0.4)):
    batch, name = source.draw(1, seed(4)), type(source).__name__
    shown = [batch.x_real[0], batch.x_noisy[0], batch.x_end[0]]
    display(pictures.strip(shown, [f"{name}: x_real", "x_noisy", "end of the line"]))

# %% [markdown]
# In the second row the two images are of different patients. In the third the line leads from `x_real` to a measurement
# of itself. In the last row `x_real` has kept two fifths of its own noise. How the critics that ship were trained
# is written in these words: `advreg_edu/experiments/recipes/critics.py`.
#
# **Paper and authors' code differ.**
#
# | | Paper | Authors' code |
# |---|---|---|
# | optimiser | Adam (Algorithm 1) | RMSProp, rate 1e-4 (`Framework.py`, line 158) |
# | penalty weight | λ in Eq. 6, μ in Algorithm 1, no value | `lmb = 20` (`Framework.py`, lines 102-104) |
# | regularisation weight | λ | `mu` |
# | a batch | $x_r$ and $y$ drawn independently | the same images with and without noise |
# | noisy samples for CT | $A^\dagger y$ | $A^\dagger y$ after 10 to 15 steps on the data term alone (`Mini`) |
#
# Files are those of github.com/lunz-s/DeepAdverserialRegulariser. The penalty is one-sided in both.
#
# **Three questions.**
#
# 1. Section 6: train with `training.Paired` in place of `Unpaired`. Does the slope curve become smoother or the
#    final gap larger? Note both.
# 2. Section 8: try `gp_weight=1.0`. The formula predicts a slope of about $1 + W/2$. What do you measure
#    after 80 steps, and after 160?
# 3. Section 7: replace `test_noisy` by `x_test` in the cell of Eq. 8. How many dB does one step cost on an
#    image that was already clean?

# %% [markdown]
# ## Recap
#
# - A critic is trained to be low on real images and high on naive reconstructions, with its slope held at 1.
# - With the slope fixed, only the direction is left to learn, and the best direction is the noise.
# - No image needs to be paired with its measurement, and the slope is the curve to watch.
#
# **Next:** [04 What the critic learns](04_what_the_critic_learns.ipynb) shows the theorems in the plane.
# [05 λ from the noise](05_weight_from_noise.ipynb) turns the slope of 1 into a regularisation weight.
