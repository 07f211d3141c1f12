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
# # 09 Extensions
#
# The paper ends with a list of things to try. Here they are tried: critics of a single photograph, critics that see
# their own mistakes, critics that are convex, and one critic for problems that it never met.
#
# **You will be able to**
#
# - *say* how $\lambda$ follows the size of the image, and reuse a critic at another size;
# - *recognise* a convex functional by its chords, and say what convexity buys and costs;
# - *judge* where a critic may be used that was trained for another noise, another scanner or another operator.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebooks 05 to 08 | Sections 2.1, 3.1 and 6 | 30 min | 30 min | 60 s |

# %%
import advreg_edu as ar
import skimage.data
import torch
from advreg_edu import training
from advreg_edu.course import check, hint, outcome, predict, solution
from advreg_edu.drawing import charts, pictures
from advreg_edu.experiments import extensions
from advreg_edu.experiments.extensions import sizes, transfer
from advreg_edu.experiments.recipes.as_written import rungs
from advreg_edu.experiments.recipes.baselines_as_written import baselines
from IPython.display import display

seed = lambda number: torch.Generator().manual_seed(number)

# %% [markdown]
# Some measurements take minutes. Their results lie in `data/extensions`, and each of them is repeated by the command
# `python -m advreg_edu extensions NAME`, with `recursion`, `retraining`, `settings`, `sizes`, `spread` or
# `transfer` as the name. Everything else is computed here.
#
# ## 1 One photograph is enough
#
# A critic pools local features (Section 6, "Local Regularizers"), so what it learns from is not an image but every
# window of it. One photograph of 256 × 256 pixels has 43 681 windows of 48 × 48. Is one photograph enough to train
# on?
#
# We train a small critic for a few seconds on windows of one photograph, a cup of coffee, and denoise two others with
# it.

# %%
predict("09-one", "Beside TV, with its weight chosen on those very two, it will be", ["worse", "level", "better"])

# %%
as_image = lambda array: torch.from_numpy(array.copy()).permute(2, 0, 1)[None].float() / 255
coffee = as_image(skimage.data.coffee())[..., 100:356, 100:356]
astronaut, cat = as_image(skimage.data.astronaut()), as_image(skimage.data.chelsea())
x_test = torch.cat([photo[..., 50:178, 100:228] for photo in (astronaut, cat)])
denoising = ar.Problem(ar.Identity((3, 128, 128)), sigma=0.1)
y_test = denoising.measure(x_test, seed(1))


# %%
def trained_on(x, widths=(16, 32), steps=120):
    """A critic from nothing, trained by Algorithm 1 on windows of the images x."""
    torch.manual_seed(0)
    critic = ar.LocalCritic(channels=3, widths=widths, smoothing=0.004)
    problem = ar.Problem(ar.Identity(tuple(x.shape[1:])), sigma=0.1)
    windows = training.Windows(training.Paired(problem, x), side=48)
    pairs = training.NoiseLeft(windows, share=0.4)
    loss = training.Eq6BySlopes(training.default_gp_weight(pairs))
    list(training.algorithm_1(critic, pairs, loss, steps, 8, learning_rate=2e-3, averaging=0.95))
    return critic


# %%
def ended(problem, y, critic, **how):
    """Algorithm 2 to a minimum, lambda by the formula."""
    weight = ar.weight_from_noise(problem)
    *_, it = ar.reconstruct(problem, y, critic, weight, steps=400, stop="gradient", **how)
    return it.x


def quality(x, x_true):
    return ar.psnr(x.clamp(0, 1), x_true).mean().item()


# %%
one = trained_on(coffee)
torch.manual_seed(0)
critics = {
    "untrained": ar.LocalCritic(channels=3, widths=(16, 32), smoothing=0.004),
    "of one chest phantom": trained_on(ar.images.thorax(1, 256, seed(0)).expand(-1, 3, -1, -1)),
    "of one photograph": one,
    "of one photograph, one level": trained_on(coffee, widths=(16,)),
    "of 175 photographs (ships)": ar.load_critic("photos-color"),
}
found = {name: ended(denoising, y_test, critic) for name, critic in critics.items()}
tv = {weight: ar.total_variation(denoising, y_test, weight, gap=1e-4) for weight in (0.12, 0.14, 0.17)}
found["TV at its best"] = max(tv.values(), key=lambda x: quality(x, x_test))

# %%
for name, x in found.items():
    print(f"{name:28s} {quality(x, x_test):.2f} dB")
ahead = quality(found["of one photograph"], x_test) - quality(found["TV at its best"], x_test)
outcome("09-one", f"{ahead:+.1f} dB beside TV.")

# %%
shown = ["untrained", "of one photograph", "TV at its best"]
pictures.strip([x_test[0], y_test[0], *(found[name][0] for name in shown)], ["truth", "noisy", *shown])

# %% [markdown]
# An untrained `LocalCritic` is a good guess already, since its $D$ begins as a blur. (That is why it is in the
# table.) Windows of a chest phantom, which is no photograph, add half a dB. Windows of one photograph add about one,
# and reach what TV does with the best $\lambda$ for these two images. The critic that ships saw 175 photographs and
# 8000 steps in place of 120, and is 2 dB ahead. What is local can be learned from little; what is rare needs many
# images.
#
# How far does such a critic look? $D$ cleans a pixel by those around it, its *receptive field*: where the derivative
# of one pixel of $D(x)$ is not zero.


# %%
def field(critic):
    """How many pixels across the receptive field of D is."""
    x = torch.rand(1, 3, 128, 128, generator=seed(0)).requires_grad_()
    (grad,) = torch.autograd.grad(critic.clean(x)[0, 0, 64, 64], x)
    return int((grad.abs().sum((0, 1, 2)) > 0).sum())


for name in ("of one photograph, one level", "of one photograph", "of 175 photographs (ships)"):
    print(f"{name:28s} {field(critics[name]):3d} pixels across, {quality(found[name], x_test):.2f} dB")

# %% [markdown]
# With one level in place of two the field is less than half as wide, and little is lost, under two tenths of a dB: what
# 120 steps teach is nearly all within a few pixels. The critic that ships looks further still and was trained for
# longer; which of the two puts it ahead, this table does not say.
#
# ## 2 Any size
#
# The critics that ship take images of any size. Their weight follows from two facts, neither of which was fitted.
#
# **The noise.** $\lambda = 2\,\mathbb E\|A^*e\| \approx 2\sigma\|A\|_F$ (notebook 05). For denoising $\|A\|_F=\sqrt
# n$ with $n$ numbers in the image: twice the side, twice the weight. For the ray transform with a fixed number of
# views the weight grows with the root of the side only. To see why, let pixels and detectors have width $h$. Each
# pixel and each view meet in about one number of size $h$, so $\|A\|_F^2 \approx h^2 n$ times the number of views.
# The largest singular value belongs to a flat image, whose line integrals are of size $\sqrt n\,h$ in $\sqrt n$
# detectors: $\|A\|^2 \approx h^2 n\sqrt n / n$ times the number of views. We divide by $\|A\|$, which leaves
# $\|A\|_F^2/\|A\|^2 \approx \sqrt n$.
#
# **The slope.** What acts is $\lambda\|\nabla\Psi\|$. If $\Psi$ is a norm of local features, as in `LocalCritic`, the
# gradient is a vector divided by its own length: its length does not depend on the size of the image. For a *mean*
# over pixels, as the paper proposes for local regularisers, it falls as $1/\sqrt n$; for a *sum* it grows as $\sqrt
# n$.

# %%
critic, sides, weights = ar.load_critic("photos-color"), (32, 64, 128, 256), {}
noisy = as_image(skimage.data.astronaut())[..., 100:356, 100:356]
noisy = noisy + 0.1 * torch.randn(noisy.shape, generator=seed(2))
for side in sides:
    flat, rays = ar.Identity((3, side, side)), ar.RayTransform(side, angles=30)
    photo, scan = (ar.weight_from_noise(ar.Problem(A, 0.1), samples=8) for A in (flat, rays))
    x = noisy[..., :side, :side].clone().requires_grad_()
    (grad,) = torch.autograd.grad(critic(x).sum(), x)
    print(f"{side:3d} pixels: λ denoising {photo:6.2f}   λ CT {scan:.3f}   slope {grad.norm():.3f}")
    weights[side] = photo, scan
growth = [large / small for large, small in zip(weights[256], weights[32], strict=True)]
print("from 32 to 256 pixels λ grows by {:.1f} and by {:.1f}".format(*growth))

# %% [markdown]
# With eight times the side $\lambda$ grows by 8 for denoising and by $\sqrt8$ for CT, as derived. The slope of the
# critic does not move. So the formula needs no change.
#
# The next table denoises photographs of 512 × 512 pixels in tiles of four sizes, each with its own $\lambda$. The
# PSNR is that of the whole photograph (`extensions sizes`).

# %%
choices = ["in small tiles", "as a whole", "it makes no difference"]
predict("09-tiles", "A photograph with a smooth sky is denoised best", choices)

# %%
rows = extensions.kept("sizes")
tables = [row for row in rows if not row.keys() & {"method", "pull", "scaled_down"}]
for name in dict.fromkeys(row["name"] for row in tables):
    mine = [row for row in tables if row["name"] == name]
    title = lambda row: f"{row['size']}, windows of {row['window']}" if "window" in row else str(row["size"])
    beside = lambda row: f" (TV {row['tv']:.2f})" if "tv" in row else ""
    print(f"{name:10s}", "   ".join(f"{title(row)}: {row['psnr']:.2f} dB{beside(row)}" for row in mine))
camera = {row["size"]: row["psnr"] for row in tables if row["name"] == "camera" and "window" not in row}
lost = camera[64] - camera[512]
outcome("09-tiles", f"in small tiles: the photograph with the sky loses {lost:.1f} dB as a whole.")

# %% [markdown]
# All tiles of a photograph hold the same pixels with the same noise, so the numbers of a line compare. The astronaut
# loses less than a tenth of a dB between tiles of 128 pixels and the whole. The cameraman, half of whom is a smooth
# sky, loses more than half a dB. Is it the size? TV and the U-Net have no norm of a whole image. (A photograph that is
# *scaled down* to 128 pixels says nothing here: it is another image, with more in each pixel.)

# %%
of = lambda **wanted: next(row["psnr"] for row in rows if {"name": "camera", **wanted}.items() <= row.items())
for method in ("TV", "U-Net"):
    tiled, whole = (of(size=size, method=method) for size in (128, 512))
    print(f"camera, {method:6s} tiles of 128: {tiled:.2f} dB, whole: {whole:.2f} dB ({whole - tiled:+.2f})")
print(f"camera, ours, scaled down to 128 pixels: {of(size=128, scaled_down=True):.2f} dB")

# %% [markdown]
# So it is the critic, and the formula is not at fault, but the *norm* is. At a minimum $y-x=\tfrac\lambda2
# \nabla\Psi(x)$, and for one norm over the whole image the part of $\nabla\Psi$ in a window $w$ has about the length
# $r_w/\sqrt W$, where $W$ is the number of windows and
#
# $$ r_w = \frac{\|(x-D(x))_w\|}{\big(\tfrac1W\sum_v\|(x-D(x))_v\|^2\big)^{1/2}}. $$
#
# The noise in a window has the length $\lambda/(2\sqrt W)$. So the share $r_w$ of it is taken out: in smooth windows
# less than there is, in textured ones more. A tile of its own has $r=1$. The next cell has $r_w$ for the windows of
# 128 pixels, and what each gains or loses against its tile.

# %%
for row in (row for row in rows if "pull" in row):
    shares, changes = torch.tensor(row["pulls"]), torch.tensor(row["change"])
    smooth, even, rough = (changes[part] for part in (shares < 0.95, (shares - 1).abs() <= 0.05, shares > 1.05))
    means = [f"{part.mean():+.2f} dB in {len(part)}" if len(part) else "none" for part in (smooth, even, rough)]
    gained = row["psnr"] - row["tiles"]
    print(f"{row['name']:10s} r from {shares.min():.2f} to {shares.max():.2f}; whole − tiles {gained:+.2f} dB")
    print("           windows with r below 0.95: {}; about 1: {}; above 1.05: {}".format(*means))
    if row["name"] == "camera":
        maps = [u.view(1, 4, 4).repeat_interleave(128, 1).repeat_interleave(128, 2) for u in (shares, changes)]
titles, kinds = ["camera", "r", "whole − tile, dB"], ["image", "magnitude", "signed"]
pictures.strip([sizes.photograph("camera")[0], *maps], titles, kinds)

# %% [markdown]
# Both sides lose: the smooth windows keep noise, the rough ones give up texture. Where $r$ is about 1 little changes,
# and gravel, which is alike everywhere, gains as a whole what TV and the U-Net gain: it has no seams. The remedy is the
# proposal of Section 6 in the paper, a mean over windows, with a norm inside each:
#
# $$ \Psi(x) = \frac1{\sqrt W}\sum_{w=1}^{W} \|(x-D(x))_w\|, $$
#
# whose slope is 1 again. `LocalCritic` has it as `window`, with windows that overlap; it changes no weight of a trained
# critic. With windows of 128 pixels, or of 64, which is nearer to the 48 of the training, the whole image is as good as
# its tiles, to about a tenth of a dB, and has no seams.
#
# The last row is CT of chests drawn anew at each size. The critic knows them at 128 pixels. At 64 and at 256 it is
# still ahead of TV, but by less: other things are in a window now. What scales by itself is $\lambda$, not what an
# image looks like.

# %% [markdown] exercise="09a"
# **Exercise 09a.** A critic was trained on images of `pixels` pixels, for denoising, where `reg_weight` is the right
# weight. Return the weight for an image of `more_pixels`, for each of the three poolings `"norm"`, `"mean"`, `"sum"`.


# %% exercise="09a"
def weight_for(reg_weight, pixels, more_pixels, pooling):
    ### BEGIN SOLUTION
    power = {"norm": 0.5, "mean": 1.0, "sum": 0.0}[pooling]
    return reg_weight * (more_pixels / pixels) ** power
    ### END SOLUTION


# %% exercise="09a" points=2
### BEGIN HIDDEN TESTS
check("09a", weight_for, seed=1).require()
### END HIDDEN TESTS
check("09a", weight_for)

# %% [markdown]
# ## 3 Solvers
#
# Algorithm 2 is gradient descent with a fixed step, and Section 3.1 of the paper leaves the solver open. Three things
# can be better without touching what is minimised.
#
# - **A step that is found.** No fixed number is right: a step has to stay below $2/L$, and the curvature $L$ of $J$
#   depends on the critic and on where the run is. With `step_size="auto"` each image tries a longer step than its
#   last and takes a shorter one where $J$ would rise, so $J$ never rises and nobody has to know $\|A\|$.
# - **Momentum** (`"accelerated"`): a step is taken from a point a little ahead, and the momentum is dropped where it
#   points uphill.
# - **An exact step for the data** (`"forward-backward"`). The critic has to be followed step by step, but the data
#   term is a square whose minimum is known. Take an explicit step for $\Psi$, $z = x-\epsilon\lambda\nabla\Psi(x)$,
#   and then the exact minimum $$ x^+ = \arg\min_x\; \|Ax-y\|^2 + \frac{1}{2\epsilon}\|x-z\|^2 = (I+2\epsilon
#   A^*A)^{-1}(z+2\epsilon A^*y). $$
#
# For denoising, inpainting and Fourier sampling the inverse has a closed form.

# %% [markdown] exercise="09b"
# **Exercise 09b.** Find it for inpainting, where $Ax$ is `mask * x` with a mask of zeros and ones, and `y` is zero
# where the mask is. Return $x^+$ for the given `z` and `step_size` $\epsilon$.


# %% exercise="09b"
def exact_step(mask, y, z, step_size):
    ### BEGIN SOLUTION
    return (z + 2 * step_size * mask * y) / (1 + 2 * step_size * mask)
    ### END SOLUTION


# %% exercise="09b" points=2
### BEGIN HIDDEN TESTS
check("09b", exact_step, seed=1).require()
### END HIDDEN TESTS
check("09b", exact_step)

# %% [markdown]
# A phantom, thirty views, $\lambda$ by the formula: how long until $\|\nabla J\|\le 0.01\,\lambda$?

# %%
predict("09-steps", "How many iterates will the fastest of the four need?", unit="iterates")

# %%
ct = ar.Problem(ar.RayTransform(128, angles=30), sigma=0.02)
x_chest = ar.images.thorax(4, 128, seed(4712))
y_chest, free = ct.measure(x_chest, seed(1)), ar.load_critic("ct-thorax")
solvers = {
    "fixed step 0.3": ("gradient-descent", 0.3),
    "found step": ("gradient-descent", "auto"),
    "accelerated": ("accelerated", "auto"),
    "forward-backward": ("forward-backward", "auto"),
}

# %%
weight, runs, needed = ar.weight_from_noise(ct), {}, {}
for name, (method, step) in solvers.items():
    runs[name] = list(ar.reconstruct(ct, y_chest[:1], free, weight, step, steps=70, method=method))
    there = [it.step for it in runs[name] if it.gradient_norm <= 0.01 * weight]
    needed[name] = there[0] if there else 71
    print(f"{name:17s} {f'there at iterate {there[0]}' if there else 'not there after 70 iterates'}")
fastest = min(needed, key=needed.get)
outcome("09-steps", f"{needed[fastest]}, {fastest}.")

# %%
lowest = min(it.objective.item() for run in runs.values() for it in run)
above_lowest = {name: [it.objective.item() - lowest + 1e-6 for it in run] for name, run in runs.items()}
charts.curves({"J above the lowest J of all": above_lowest}, log=["J above the lowest J of all"], height=280)

# %% [markdown]
# The fixed step has not arrived after 70 iterates; it needs about 500. With a found step 50 are enough. Momentum
# adds nothing to that here. Forward-backward needs the fewest iterates, but for CT each of them solves a linear
# system by conjugate gradients. All end in the same place: the curves fall to the same lowest $J$. Notebook 06 has
# the solvers on sliders; `reconstruct` descends with a found step unless told otherwise.
#
# %% [markdown]
# ## 4 Recursive training
#
# A critic is trained on real images and on naive reconstructions, and then used on something in between: the iterates
# of Algorithm 2. Section 6 of the paper proposes to train on those too. The source `training.WithIterates` does it:
# from step `start` on, half of the noisy images are iterates, made by the critic as it then is.
#
# That is delicate, for a reason that Eq. 6 states plainly. It asks for $\Psi$ to be *low on real images and high on
# iterates*. The better the critic, the closer its iterates are to real images, the smaller the difference that is
# left, and the more of it is texture that the iterate lacks: then "more real" points towards more noise. Three
# choices decide whether it helps.
#
# - **When**: iterates of an untrained critic teach it its own mistakes. `start` comes after a few hundred steps.
# - **Which**: iterates of all ages, from $A^\dagger y$ to the end of a run. If all are from the end, the critic
#   forgets the beginning, from where each run has to start.
# - **Against what**: the real image may keep a share of the error of its iterate (`NoiseLeft`), so that the critic is
#   asked only for the direction from a worse image to a better one, never for the last of the noise.
#
# Four critics, trained for 500 steps each on CT of 48 × 48 pixels with the same first weights and the same scans
# (`extensions recursion`, two minutes). The curves are runs of Algorithm 2 on eight other phantoms.

# %%
ways = ["pairs", "iterates", "noise left", "iterates, noise left"]
predict("09-iterates", "Which of the four has the highest PSNR at the end of its run?", ways)

# %%
rows = {row["name"]: row for row in extensions.kept("recursion")}
charts.curves(
    {
        "PSNR, dB": {name: row["psnr"][:151] for name, row in rows.items()},
        "cosine of ∇Ψ and the error": {name: row["cosine"][:151] for name, row in rows.items()},
    },
    height=280,
)

# %%
for name, row in rows.items():
    best, end = max(row["psnr"]), row["psnr"][-1]
    level = row["psi"][-1] / row["psi of the truth"]
    print(f"{name:22s} best {best:.2f} dB, end {end:.2f} dB, Ψ at the end {level:.2f} of Ψ at the truth")
ends = {name: row["psnr"][-1] for name, row in rows.items()}
first = max(ends, key=ends.get)
outcome("09-iterates", f"{first}, {ends[first] - ends['pairs']:.1f} dB above pairs.")

# %% [markdown]
# Iterates alone make the critic *worse*, by a quarter of a dB at the end of the run. Leaving noise in the real images
# gains more than 1 dB without a single iterate, and on top of that the iterates gain a little more. So the idea pays,
# but not as Eq. 6 alone would have it.
#
# The second picture shows why there is little room. At $A^\dagger y$ the gradient of each critic points along the
# error. Twenty iterates later the cosine is near zero: what is left of the error looks real to the critic, and $\Psi$
# is lower at the end of a run than at the truth. All critics that ship were trained with noise left, and all but
# `photos-gray` and `photos-color-fine` with iterates. `data/study/recursion.md` is the log of what else was tried.
#
# For critics at full resolution iterates made the end worse. There is another way to learn from one's own way,
# `training.Reflow`: a copy of the critic draws a line from $y$ along its $-\nabla\Psi(y)$, and the point on it nearest
# to the image is shown as real. The direction is easiest to know at $y$, and so the critic learns to keep it. Liu, Gong
# and Liu (2023) straighten flows so. The copy must not learn: a critic that follows itself confirms whatever it does.
# With Eq. 6 that gains up to 0.9 dB on smooth crops and loses 0.3 dB on those with texture: Eq. 6 asks for the same
# slope of both. Another penalty, `training.Quadratic`, has $\tfrac\mu2\|\nabla\Psi\|^2$ in place of
# $\mu(\|\nabla\Psi\|-1)_+^2$, and makes Eq. 6 a completed square:
#
# $$ \mathbb E\Big[\tfrac\mu2\big\|\nabla\Psi(x_i) -
#    \tfrac1\mu(x_{\text{noisy}}-x_{\text{real}})\big\|^2\Big] + \text{const}, $$
#
# so that $\nabla\Psi$ is the mean of the noise that may be in $x_i$, short where little of it can be known. The price
# is that the slope is no longer 1, and the estimate no Wasserstein distance. With it crops with texture gain 0.4 dB and
# smooth ones lose. Between the two lies $\tfrac\mu2(\|\nabla\Psi\|-\tfrac12)_+^2$: a slope of
# one half is free, the rest is what can be known. With it 14 of 16 crops gain, and `photos-color-fine` was trained so
# (`data/study/denoising.md`).
#
# ## 5 Convex critics
#
# All critics so far are non-convex, so Algorithm 2 may end in a minimum that is not the lowest, and where it ends may
# depend on where it starts. Does it? Mukherjee and others (2020) train a critic that is convex in the image. Two
# rules suffice: *a sum of convex functions with weights $\ge 0$ is convex*, and *a convex function that nowhere
# falls, of convex functions, is convex*. So
#
# $$ z_1 = |K x|,\qquad z_{l+1} = \operatorname{softplus}(U_l z_l + W_l x),\qquad
#    \Psi(x) = \sum\langle a_l, z_l\rangle + \frac{m}{2}\|x\|^2,\qquad U_l,\, a_l \ge 0, $$
#
# is convex in $x$, with any $K$ and $W_l$. `ConvexCritic` is this network. The weights that must not be negative are
# the softplus, $\log(1+e^t)$, of those that are trained, so Algorithm 1 needs no change. (The authors clip them after
# each step.)
#
# A convex function lies below each of its chords.

# %% [markdown] exercise="09c"
# **Exercise 09c.** By how much is a critic *above* its chord? For the images `x` and `y` of a batch and a number $t$,
# return $\Psi((1-t)x+ty)-\big((1-t)\Psi(x)+t\Psi(y)\big)$, one number for each image.


# %% exercise="09c"
def above(critic, x, y, t):
    ### BEGIN SOLUTION
    return critic((1 - t) * x + t * y) - ((1 - t) * critic(x) + t * critic(y))
    ### END SOLUTION


# %% exercise="09c" points=1
### BEGIN HIDDEN TESTS
check("09c", above, seed=1).require()
### END HIDDEN TESTS
check("09c", above)

# %% [markdown]
# We walk from a chest with little contrast to the same chest with too much, and look at how far both critics are
# above their chord on the way.

# %%
names = ["ct-thorax", "ct-thorax-convex"]
convex = ar.load_critic("ct-thorax-convex")
chest = ar.images.thorax(1, 128, seed(2035))
pale, harsh, shares = 0.2 * chest, 2 * chest - 0.5, torch.linspace(0, 1, 41).tolist()
height = {}
for name, critic in zip(names, (free, convex), strict=True):
    first, last = critic(torch.cat([pale, harsh])).tolist()
    on_the_way = [critic((1 - t) * pale + t * harsh).item() for t in shares]
    height[name] = [psi - (1 - t) * first - t * last for t, psi in zip(shares, on_the_way, strict=True)]
charts.curves({"Psi above its chord": height}, x=shares, axis="share of the way", height=260)

# %% [markdown]
# The first critic is above its chord for a part of the way, so it is not convex. The second is below everywhere, here
# and for any other pair, because it cannot be otherwise.
#
# We scan a phantom with four views only, and start Algorithm 2 from twenty images: fifteen chests of other patients
# and five images of pure noise.

# %%
predict("09-starts", "With the critic that is not convex, by how many dB will the twenty ends differ?", unit="dB")

# %%
few = ar.Problem(ar.RayTransform(32, angles=4), sigma=0.02)
x_few = ar.images.thorax(1, 32, seed(22))
starts = torch.cat([ar.images.thorax(15, 32, seed(3)), torch.rand(5, 1, 32, 32, generator=seed(4))])
y_few = few.measure(x_few, seed(1)).expand(20, -1, -1, -1).contiguous()
ends = {}
for name, critic in zip(names, (free, convex), strict=True):
    how = dict(steps=1000, method="accelerated", stop="gradient", tolerance=2e-3)
    *_, it = ar.reconstruct(few, y_few, critic, ar.weight_from_noise(few), x0=starts, **how)
    ends[name], J = it.x, it.objective
    apart = (J.max() - J.min()) / J.min()
    values = ar.psnr(it.x.clamp(0, 1), x_few.expand(20, -1, -1, -1))
    quality_range = f"PSNR {values.min():.1f} to {values.max():.1f} dB"
    print(f"{name:17s} J from {J.min():.4f} to {J.max():.4f}, {apart:.0e} apart; {quality_range}")
    if critic is free:
        outcome("09-starts", f"by {values.max() - values.min():.1f} dB.")

# %%
best_and_worst = {
    name: ar.psnr(x.clamp(0, 1), x_few.expand(20, -1, -1, -1)).argsort()[[-1, 0]] for name, x in ends.items()
}
shown = [x_few[0], *(ends[name][k] for name in names for k in best_and_worst[name])]
pictures.strip(shown, ["truth", "not convex, best", "not convex, worst", "convex, best", "convex, worst"])

# %% [markdown]
# The convex critic gives one objective and one image, from wherever it starts. The other one ends in several places,
# whose objectives differ by some percent and whose images differ to the eye: in the worst, a bone stands where there
# is none, and fits the data. That the best of them is better than the convex one is no consolation, since without the
# truth nobody knows which it is.
#
# What does it cost? Four phantoms with the thirty views that both critics were trained for:

# %%
by = {name: ended(ct, y_chest, critic) for name, critic in zip(names, (free, convex), strict=True)}
by["TV, λ = 0.004"] = ar.total_variation(ct, y_chest, reg_weight=0.004)
for name, x in by.items():
    print(f"{name:17s} {quality(x, x_chest):.2f} dB")

# %% [markdown]
# Convexity costs two dB, and with them the lead over TV. (On 32 phantoms: 28.72 dB, 26.76 dB, and 26.86 dB for TV, by
# the cards in data/.) A convex function cannot call the double exposure of two images worse than both: its value
# there is at most the mean of the two. TV is convex as well, and level, with a $\lambda$ that was chosen by the
# truth. The convex critic needed no truth.
#
# **Weakly convex.** Between the two lies a family with one knob, after Shumaylov and others (2023). `ConvexCritic`
# with a negative `modulus` $m=-\rho$ is a convex network minus $\tfrac\rho2\|x\|^2$ (over the root of the number of
# pixels). Every function whose negative curvature is at most $\rho$ has this form. Such a $\Psi$ need not be convex,
# and $J$ can still be, since the data term adds curvature: for denoising with $\lambda$ by the formula that is so for
# $\rho < 1/(\sigma\sqrt C)$ with $C$ channels. For CT nothing is assured, as $A$ has a null
# space. No such critic ships.
#
# ## 6 Inpainting and MRI
#
# Nothing in the method asks for noise or for X-rays. Section 2.1 of the paper names inpainting and Fourier sampling
# (MRI) among its inverse problems, without a result. `mri-thorax` is `ct-thorax`, trained further by Algorithm 1 for
# a quarter of the lines of a Fourier transform. The photograph with hidden pixels gets the critic for *denoising*,
# which has never seen a hole. Only $A$ and $\lambda$ change. As $A^\dagger$ hidden pixels are filled harmonically,
# each by the mean of its neighbours.

# %%
predict("09-holes", "Seven pixels of ten are hidden. Will the critic for denoising beat TV?", ["yes", "level", "no"])

# %%
hidden = ar.Inpainting((torch.rand(128, 128, generator=seed(0)) < 0.3).float(), channels=3)
quarter = ar.FourierSampling(ar.cartesian_mask(128, fraction=0.25))
scenes = {
    "inpainting, 30 % seen": (ar.Problem(hidden, 0.02), x_test[:1], ar.load_critic("photos-color"), 0.02),
    "MRI, a quarter of the lines": (ar.Problem(quarter, 0.02), x_chest[:1], ar.load_critic("mri-thorax"), 0.02),
}

# %%
for name, (problem, truth, critic, tv_weight) in scenes.items():
    y = problem.measure(truth, seed(1))
    results = {"A†y": problem.naive(y), "TV": ar.total_variation(problem, y, tv_weight)}
    results["ours"] = ended(problem, y, critic)
    values = {key: quality(x, truth) for key, x in results.items()}
    titles = [f"{key}, {value:.1f} dB" for key, value in values.items()]
    print(f"{name}, λ = {ar.weight_from_noise(problem):.3g}:", *titles, sep="   ")
    display(pictures.strip([truth[0], *(x[0] for x in results.values())], ["truth", *titles]))
    if "inpainting" in name:
        outcome("09-holes", f"{values['ours'] - values['TV']:+.1f} dB beside TV.")

# %% [markdown]
# In MRI the critic is ahead of TV by more than one dB. And the critic for denoising fills holes, though it never saw
# one: it takes what is rough in the harmonic filling for noise, and ends more than one dB above it. TV is behind here,
# but it had a round number for $\lambda$, where the tables give it its best. `photos-inpainting` was trained on
# for stronger noise, and gained nothing by it: 27.0 dB on 32 photographs, 27.0 dB without that training, TV 25.8 dB.
# Trained on its own iterates under a mask, as `mri-thorax` was, it had 26.9 dB with one seed and 25.9 dB with another
# (data/study/inpainting-mri.md). Why Algorithm 1 as it is fails on fillings is told there too.

# %% [markdown]
# ## 7 One critic, many settings
#
# The paper argues that a trained critic needs no new training when the noise changes: $\lambda$ follows the noise,
# while a network that repairs $A^\dagger y$ knows one kind of artefact only. The next tables hold the claim to
# account. One critic and one U-Net, both trained for $\sigma = 0.02$ and 30 views, meet a quarter to four times that
# noise, with 10, 30, 60 and 180 views. $\lambda$ is by the formula. TV has its best $\lambda$ for these very images,
# chosen with the truth, which favours TV. Four phantoms (`extensions settings`, an hour). As $\|A\| = 1$ for any
# number of views, the same $\sigma$ is the same dose, split among more of them.

# %%
where = ["nowhere", "at a quarter of the noise", "at four times the noise", "with few views"]
predict("09-map", "Where will the critic lose to TV?", where)

# %%
rows = extensions.kept("settings")
ct_rows = {(row["angles"], row["factor"]): row for row in rows if row["name"] == "ct"}
views, factors = (sorted({key[k] for key in ct_rows}) for k in (0, 1))
views = [count for count in views if all((count, factor) in ct_rows for factor in factors)]


def lead(other):
    """PSNR of ours minus that of another method: a row for each number of views, a column for each noise."""
    return torch.tensor([[ct_rows[v, f]["ours"] - ct_rows[v, f][other] for f in factors] for v in views])


for other, name in (("tv", "TV at its best λ"), ("unet", "the U-Net")):
    print(f"ours minus {name}, dB; noise / training:", "".join(f"{factor:8g}" for factor in factors))
    for count, line in zip(views, lead(other), strict=True):
        print(f"{count:50d} views", "".join(f"{value:+8.2f}" for value in line.tolist()))
lowest = "; ".join(f"{line.min():+.1f} dB at {factor:g}" for line, factor in zip(lead("tv").T, factors, strict=True))
outcome("09-map", f"at four times the noise. Ours minus TV, the least over views: {lowest} times the noise.")

# %%
pictures.strip([lead("tv"), lead("unet")], ["ours minus TV, dB", "ours minus U-Net, dB"], ["signed", "signed"])

# %% [markdown]
# Up to twice the noise of its training the critic leads TV, or is level with it, without an image to tune on. The
# U-Net leads by more than half a dB at the noise of its training with 30 views or more, and at twice that with 60.
# With 10 views, which neither has seen, the critic is ahead of the U-Net by about 4 dB, and of TV by half to one. (With
# 10 views and a quarter of the noise two of the four runs were ended by their limit of 300 steps.) So far the claim
# holds.
#
# At four times the noise it fails: TV leads by more than 1 dB with 10 views, by more than 3 with 30 and by about 5
# with more. What has gone wrong? Not the slope, and not the direction at $A^\dagger y$.

# %%
for factor in (1, 4):
    problem = ar.Problem(ct.A, sigma=0.02 * factor)
    print(f"{factor} times the noise:", training.diagnose(free, problem, x_chest, pairs=4))
    weight = ar.weight_from_noise(problem)
    *_, it = ar.reconstruct(problem, problem.measure(x_chest[:1], seed(1)), free, weight, steps=120)
    left = it.data_term.item() / (problem.sigma**2 * ct.A.measured_count)
    print(f"    at the end of the run ‖Ax − y‖² is {left:.2f} of what the noise alone would leave")

# %% [markdown]
# Both are as they were. But at the end of a run a share of the noise stays in the image, since the slope of this
# critic is below 1 where the run ends (notebook 05, section 8). The share is the same at both levels. At four times
# the noise it is four times as large, and the truth no longer hides it. TV escapes, because its weight was chosen
# with the truth. That is a reading of two numbers, not a proof.
#
# The same for photographs, with the critic and the U-Net for $\sigma = 0.1$:

# %%
photo = {row["factor"]: row for row in rows if row["name"] == "photos"}
factors = sorted(photo)
lines = {
    name: [photo[factor][key] for factor in factors]
    for name, key in (("ours", "ours"), ("TV at its best λ", "tv"), ("U-Net", "unet"), ("noisy", "naive"))
}
for name, values in lines.items():
    print(f"{name:17s}", "".join(f"{value:8.2f}" for value in values))
charts.curves({"PSNR, dB": lines}, x=factors, axis="noise / noise of the training", log_x=True, height=260)

# %% [markdown]
# The U-Net is ahead at its own noise alone. It gains nothing from less noise: at half of it and at a quarter it is
# behind TV. At twice its noise it falls below TV by more than 4 dB. The critic leads the U-Net at every noise but the
# U-Net's own, and TV from a quarter to twice. It loses to TV at four times, as in CT. **So the claim of the paper holds
# within a factor of two above the noise of the training, and of four below.**
#
# Would a new training repair the corners of the map? The next cell sets two critics of one recipe beside each other, on
# the chests of the map: one was trained for $\sigma=0.02$ and 30 views and is carried by $\lambda$, the other was
# trained where it is used. The recipe is `ct-minute` (`extensions retraining`).

# %%
for row in sorted(extensions.kept("retraining"), key=lambda row: (row["angles"], row["factor"])):
    gains, here = torch.tensor(row["gains"]), (row["angles"], row["factor"])
    print(
        f"noise x {here[1]:4g}, {here[0]:3d} views   carried {row['once']:.2f}   trained there {row['here']:.2f}   "
        f"gain {gains.mean():+.2f} ± {gains.std() / len(gains) ** 0.5:.2f} dB   TV {ct_rows[here]['tv']:.2f}"
    )

# %% [markdown]
# At twice the noise, and with more views than in the training, a new training changes 0.2 to 0.3 dB, hardly more than
# another seed (0.15 dB, `data/study/networks.md`). There $\lambda$ is enough. At four times the noise a new training
# gains 1.8 dB, and is still behind TV. With 10 views, and with half of the noise or less, the new critic is worse than
# the one that was carried there.
#
# Why worse? With 10 views the direction of the new critic at $A^\dagger y$ is the better one, a cosine of 0.91 against
# 0.80, and its run passes 23.7 dB on the way to 22.2 (data/study/settings.md). So it fails near its minimum, where a
# critic that was shown pairs alone has learned little (section 4). To train at a setting is no safe cure. This small
# critic leads TV by little where it leads at all, so its gains are not those of `ct-thorax`.
#
# ## 8 How sure?
#
# A reconstruction comes without an error bar. A common cure is to repeat it, with other noise, from other starts, or
# with critics of other seeds, and to look at the spread. What does the spread know of the error?
#
# Let $x_1,\dots,x_K$ be repetitions. At each pixel the mean squared error splits exactly:
#
# $$ \frac1K\sum_k (x_k-x)^2 = \underbrace{(\bar x-x)^2}_{\text{bias}^2} +
#    \underbrace{\frac1K\sum_k (x_k-\bar x)^2}_{\text{spread}^2}. $$

# %% [markdown] exercise="09d"
# **Exercise 09d.** Compute the two parts. `repeated` has the shape (K, C, H, W), `truth` (C, H, W). Return the root
# mean square of the bias and that of the spread, over all pixels, so that their squares add up to the mean squared
# error.


# %% exercise="09d"
def bias_and_spread(repeated, truth):
    ### BEGIN SOLUTION
    rms = lambda u: u.square().mean().sqrt()
    return rms(repeated.mean(0) - truth), rms(repeated.std(0, correction=0))
    ### END SOLUTION


# %% exercise="09d" points=2
### BEGIN HIDDEN TESTS
check("09d", bias_and_spread, seed=1).require()
### END HIDDEN TESTS
check("09d", bias_and_spread)

# %% [markdown] exercise="09d" points=2
# **In your words.** A colleague trains ten critics with ten seeds on the same images, reconstructs one scan with
# each, and shows the spread as error bars. What do these bars contain, what do they leave out, and what could a
# doctor conclude wrongly? Give a number from the pictures below.
#
# <!-- BEGIN SOLUTION -->
# They contain what differs from seed to seed: the first weights and the order of the batches.
# They leave out what all ten share: the training images, the recipe, the noise of this one scan, and everything that
# the scanner does not see. Where a vessel is missing from all ten images the bars are short, and a doctor could take
# its absence for certain. In the tenth of the pixels where three critics agree best, the error is several times the
# spread.
# <!-- END SOLUTION -->

# %% [markdown]
# The same phantom is scanned four times, with 30 views and with 8.

# %%
predict("09-spread", "With 8 views in place of 30, which grows more?", ["the error", "the spread", "both alike"])

# %%
errors, rms = {}, lambda u: u.square().mean().sqrt().item()
for count in (30, 8):
    problem = ar.Problem(ar.RayTransform(128, count), sigma=0.02)
    y = problem.measure(x_chest[:1].expand(4, -1, -1, -1), seed(7))
    repeated = torch.cat([ended(problem, one, free, method="accelerated", tolerance=0.02) for one in y.split(1)])
    error, spread = (repeated - x_chest[0]).square().mean(0).sqrt(), repeated.std(0, correction=0)
    errors[count] = rms(error), rms(spread)
    print(f"{count:2d} views: error {rms(error):.4f}, of which spread {rms(spread):.4f}")
    display(pictures.strip([x_chest[0], error, spread], ["truth", "error", "spread"], ["image", *["magnitude"] * 2]))
grown = [few / many for few, many in zip(errors[8], errors[30], strict=True)]
outcome("09-spread", f"the error grows by {grown[0]:.1f}, the spread by {grown[1]:.1f}.")

# %% [markdown]
# With few views the error is in what the scan does not see, and all four repetitions lack it alike.
#
# Sort all pixels by their spread into ten groups of the same size. If the spread were an error bar, both curves would
# be one (`extensions spread`).

# %%
rows = {(row["angles"], row["kind"]): row for row in extensions.kept("spread")}
for count in (30, 8):
    panels = {
        f"{kind}, {count} views": dict(zip(("spread", "error"), zip(*row["bins"], strict=True), strict=True))
        for (angles, kind), row in rows.items()
        if angles == count
    }
    log = list(panels)
    display(charts.curves(panels, log=log, x=range(1, 11), axis="tenth of the pixels, by spread", height=230))

# %%
for (count, kind), row in rows.items():
    print(f"{count:2d} views, {kind:22s} error {row['error']:.4f}, spread {row['spread']:.4f}, bias {row['bias']:.4f}")

# %% [markdown]
# The order is right: the error grows with the spread, nearly everywhere. The size is not. In the tenth of the pixels
# where they agree best, the error is several times what the spread says. An extreme case is the last panel of the
# first row: three critics of other seeds (small ones, of half the recipe `ct-minute`) agree to within 0.01, and all
# three are wrong by five times that. They were trained on the same phantoms in the same way, and share their bias.
# **Agreement between models that were made alike says little about the truth.** Starts tell nothing about noise, and
# noise draws nothing about the critic. With 8 views the starts have the largest spread, since $J$ has several minima
# there (section 5).
#
# ## 9 Transfer
#
# A critic is trained with one operator and noise, and knows only images. May it regularise another operator? The
# table has five of the critics that ship in five scenes, four images each (`extensions transfer`, two minutes): how
# far each is ahead of TV, which has its best $\lambda$ for these very images. A critic for colour sees a gray image in
# three equal channels; one for gray images sees the channels of a photograph one by one.

# %%
choices = ["that of the denoising critic for photographs", "that of the MRI critic for chests", "neither's"]
predict("09-transfer", "A chest is scanned. Whose lead over TV is positive?", choices)

# %%
table = {}
for row in extensions.kept("transfer"):
    table.setdefault(row["scene"], {"A†y": row["naive"]})[row["critic"]] = row["psnr"]
for scene, found in table.items():
    tv = found["TV"]
    print(f"{scene}: TV {tv:.2f} dB")
    print("   ", "   ".join(f"{name} {value - tv:+.2f}" for name, value in found.items() if name != "TV"))
scanned = table["CT of chests, σ = 0.02"]
leads = {name: scanned[name] - scanned["TV"] for name in ("photos-color", "mri-thorax")}
outcome("09-transfer", ", ".join(f"{name} {value:+.1f} dB" for name, value in leads.items()) + ".")

# %%
borrowed = transfer.for_channels(ar.load_critic("photos-color"), 1)
ends = {"ct-thorax": ended(ct, y_chest[:1], free), "photos-color": ended(ct, y_chest[:1], borrowed)}
titles = [f"{name}, {quality(x, x_chest[:1]):.1f} dB" for name, x in ends.items()]
pictures.strip([x_chest[0], *(x[0] for x in ends.values())], ["truth", *titles])

# %% [markdown]
# On chests `ct-thorax` and `mri-thorax` are ahead of TV in every problem, by one to two dB, whichever of them was
# trained for it. To be trained for the problem at hand is worth another dB in CT and half a dB in MRI. Both critics of
# photographs are behind TV on chests, whatever is measured, and the critics of chests are behind TV on photographs. In
# the picture the borrowed critic draws edges and speckle that no chest has. So what counts is *what is in the images*,
# more than the operator. For inpainting only the critics of photographs are ahead of the harmonic filling, and
# neither of the two has ever seen a hole (section 6).
#
# ## 10 From the paper as written to what ships
#
# The paper's recipe is short: its network, Eq. 6 with independent draws, Adam, $\lambda$ by the formula, gradient
# descent. `python -m advreg_edu ladder 1` and `ladder 2` climb from there to what ships, one change at a time, with a
# training for each rung, and have a row for the authors' code. The rungs, in small: images of 64 by 64 pixels, 1000
# steps of training for each rung, 16 images. The photographs are of BSDS500, with $\sigma=0.1$; the CT is of phantoms
# (`ladder 1 --images BSDS500 --side 64 --steps 1000`, `ladder 2 --quick --side 64 --steps 1000`; half an hour of one
# processor each, read from data/extensions).

# %%
photographs, ct = ({row["rung"]: row["psnr"] for row in extensions.kept(name)} for name in ("ladder1", "ladder2"))
print("PSNR, dB: photographs, CT")
for row in [*baselines("2"), *rungs("2", images=None)]:
    print(f"{photographs[row.name]:.2f} {ct[row.name]:.2f}  {row.name:20s} {row.why}")

# %% [markdown]
# After 1000 steps the recipe as written is behind a total variation that has converged, in denoising by 1.8 dB, and the
# recipe that ships is ahead by 1.3 dB in both. (The reasons are worded for CT: photographs keep two fifths of their
# noise, and their authors' row has no data steps.) The largest step by far is that the real images keep a share of
# their noise. The network and the slopes gain in one problem what they lose in the other, and the authors' row is no
# rung: it changes several things at once.
#
# The authors' TV is another one. It adds the differences along rows and along columns in place of the length of the
# gradient (*anisotropic*), takes the image to be black beyond its border, and stops after 200 steps. Here it is one to
# four tenths of a dB below ours, each with its best $\lambda$ on other images. Their RED descends along
# $A^*(Ax-y)+\lambda(x-D(x))$, without the 2 in front of $A^*$, so their $\lambda$ is half of ours, and the fixed point
# is the same. Their SSIM looks at the first channel and takes a data range of 2; the command prints it beside the PSNR.
#
# What each step brought at full size, on held-back images, stands in the log (data/STUDY.md, "What moved the numbers").
# The gains do not add up exactly.
#
# | step | why | gain, dB |
# |---|---|---|
# | pairs, not independent draws | as in the authors' code | 0.2 |
# | real images keep a part of their noise | the last of it is texture | CT 1.0, photographs 1.5 |
# | 6000 steps, not 1000, and more of the noise | | 0.5 |
# | phantoms beside the few real slices | more images | 0.3 |
# | $D$ averaged over left and right | chests have no side | 0.2 |
# | sharp poses, and iterates | what the critic meets in use | 0.3 |
# | found steps, to $\|\nabla J\|\le 0.01\,\lambda$ | no second regulariser | none, but true tables |
#
# ## Recap
#
# - A critic of local features learns from one photograph and runs at any size: $\lambda$ follows from
#   $2\,\mathbb E\|A^*e\|$, and how $\Psi$ is pooled decides whether its pull is even.
# - A convex critic ends in one place from everywhere, and pays for it with its lead over TV.
# - One critic serves many noises, up to twice that of its training, and other numbers of views.
# - Repetitions that agree can be wrong together: the spread does not see the bias.
#
# **Next:** [10 Your own data](10_your_own_data.ipynb) takes all of this to images of yours.
