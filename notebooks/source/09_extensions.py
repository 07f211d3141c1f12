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
from advreg_edu.course import check, hint, solution
from advreg_edu.drawing import charts, pictures
from advreg_edu.experiments import extensions

seed = lambda number: torch.Generator().manual_seed(number)

# %% [markdown]
# Some measurements take minutes. Their results lie in `data/extensions`, and each of them is repeated by the command
# `python -m advreg_edu extensions NAME`, with `recursion`, `settings`, `sizes`, `spread` or `transfer` as the name.
# Everything else is computed here.
#
# ## 1 One photograph is enough
#
# A critic pools local features (Section 6, "Local Regularizers"), so what it learns from is not an image but every
# window of it. One photograph of 256 × 256 pixels has 43 681 windows of 48 × 48. Is one photograph enough to train
# on?
#
# **Predict.** We train a small critic for a few seconds on windows of one photograph, a cup of coffee, and denoise
# two others with it. Will it be better than TV, whose weight was chosen on those very two?

# %%
as_image = lambda array: torch.from_numpy(array.copy()).permute(2, 0, 1)[None].float() / 255
coffee = as_image(skimage.data.coffee())[..., 100:356, 100:356]
astronaut, cat = as_image(skimage.data.astronaut()), as_image(skimage.data.chelsea())
x_test = torch.cat([photo[..., 50:178, 100:228] for photo in (astronaut, cat)])
denoising = ar.Problem(ar.Identity((3, 128, 128)), sigma=0.1)
y_test = denoising.measure(x_test, seed(1))


def trained_on(x, steps=120):
    """A critic from nothing, trained by Algorithm 1 on windows of the images x."""
    torch.manual_seed(0)
    critic = ar.LocalCritic(channels=3, widths=(16, 32), smoothing=0.004)
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


one = trained_on(coffee)
torch.manual_seed(0)
critics = {
    "untrained": ar.LocalCritic(channels=3, widths=(16, 32), smoothing=0.004),
    "of one chest phantom": trained_on(ar.images.thorax(1, 256, seed(0)).expand(-1, 3, -1, -1)),
    "of one photograph": one,
    "of 200 photographs, an hour": ar.load_critic("photos-color"),
}
found = {name: ended(denoising, y_test, critic) for name, critic in critics.items()}
tv = {weight: ar.total_variation(denoising, y_test, weight, gap=1e-4) for weight in (0.12, 0.14, 0.17)}
found["TV at its best"] = max(tv.values(), key=lambda x: quality(x, x_test))
for name, x in found.items():
    print(f"{name:28s} {quality(x, x_test):.2f} dB")

# %%
shown = ["untrained", "of one photograph", "TV at its best"]
pictures.strip([x_test[0], y_test[0], *(found[name][0] for name in shown)], ["truth", "noisy", *shown])

# %% [markdown]
# TEXT1
#
# ## 2 Any size
#
# The critics that ship take images of any size. Their weight follows from two facts, neither of which was fitted.
#
# **The noise.** $\lambda = 2\,\mathbb E\|A^*e\| \approx 2\sigma\|A\|_F$ (notebook 05). For denoising
# $\|A\|_F=\sqrt n$ with $n$ numbers in the image: twice the side, twice the weight. For the ray transform with a fixed
# number of views the weight grows with the root of the side only. To see why, let pixels and detectors have width
# $h$. Each pixel and each view meet in about one number of size $h$, so $\|A\|_F^2 \approx h^2 n$ times the number of
# views. The largest singular value belongs to a flat image, whose line integrals are of size $\sqrt n\,h$ in $\sqrt n$
# detectors: $\|A\|^2 \approx h^2 n\sqrt n / n$ times the number of views. We divide by $\|A\|$, which leaves
# $\|A\|_F^2/\|A\|^2 \approx \sqrt n$.
#
# **The slope.** What acts is $\lambda\|\nabla\Psi\|$. If $\Psi$ is a norm of local features, as in `LocalCritic`, the
# gradient is a vector divided by its own length: its length does not depend on the size of the image. For a *mean* over
# pixels, as the paper proposes for local regularisers, it falls as $1/\sqrt n$; for a *sum* it grows as $\sqrt n$.

# %%
critic, sides = ar.load_critic("photos-color"), (32, 64, 128, 256)
noisy = as_image(skimage.data.astronaut())[..., 100:356, 100:356]
noisy = noisy + 0.1 * torch.randn(noisy.shape, generator=seed(2))
for side in sides:
    flat, rays = ar.Identity((3, side, side)), ar.RayTransform(side, angles=30)
    photo, scan = (ar.weight_from_noise(ar.Problem(A, 0.1), samples=8) for A in (flat, rays))
    x = noisy[..., :side, :side].clone().requires_grad_()
    (grad,) = torch.autograd.grad(critic(x).sum(), x)
    print(f"{side:3d} pixels: λ denoising {photo:6.2f}   λ CT {scan:.3f}   slope {grad.norm():.3f}")

# %% [markdown]
# TEXT2 (over 8x in side: denoising 8, CT 2.9)
#
# So the formula needs no change. The next table denoises whole photographs of 512 × 512 pixels in tiles of four
# sizes, each with its own $\lambda$. The PSNR is that of the whole photograph (`extensions sizes`).
#
# **Predict.** How many dB does it cost to cut a photograph into 64 tiles?

# %%
rows = extensions.kept("sizes")
for name in dict.fromkeys(row["name"] for row in rows):
    cells = [f"{row['size']}: {row['psnr']:.2f} dB (λ = {row['weight']:g})" for row in rows if row["name"] == name]
    print(f"{name:10s}", "   ".join(cells))

# %% [markdown]
# TEXT2b

# %% [markdown] exercise="09c"
# **Exercise 09c.** A critic was trained on images of `pixels` pixels, for denoising, where `reg_weight` is the right
# weight. Return the weight for an image of `more_pixels`, for each of the three poolings `"norm"`, `"mean"`, `"sum"`.


# %% exercise="09c"
def weight_for(reg_weight, pixels, more_pixels, pooling):
    ### BEGIN SOLUTION
    power = {"norm": 0.5, "mean": 1.0, "sum": 0.0}[pooling]
    return reg_weight * (more_pixels / pixels) ** power
    ### END SOLUTION


# %% exercise="09c" points=2
### BEGIN HIDDEN TESTS
check("09c", weight_for, seed=1).require()
### END HIDDEN TESTS
check("09c", weight_for)

# %% [markdown]
# ## 3 Solvers
#
# TEXT3
#
# ## 4 Recursive training
#
# ## 5 Convex critics
#
# ## 6 Inpainting and MRI
#
# ## 7 One critic, many settings
#
# ## 8 How sure?
#
# ## 9 Transfer
#
# ## 10 From the paper as written to what ships
#
# ## Recap
