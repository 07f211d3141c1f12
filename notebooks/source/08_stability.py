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
# # 08 Stability
#
# Measurements are never exact. This notebook changes them slightly, strongly and adversarially, and looks at what the
# reconstruction does.
#
# **You will be able to**
#
# - *say* what Theorem 3 promises, and what it does not;
# - *compute* all minimisers of a variational problem in the plane, and watch them jump;
# - *find* a perturbation that harms a method much more than noise does, and compare methods by it.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebooks 04, 05 and 06 | Section 4, Theorem 3; Section 5.1 | 20 min | 20 min | 35 s |

# %%
import advreg_edu as ar
import torch
from advreg_edu import theory, training
from advreg_edu.course import check, hint, outcome, predict, solution
from advreg_edu.drawing import charts, maps, pictures
from advreg_edu.experiments import extensions
from advreg_edu.theory import stability, worlds

seed = lambda number: torch.Generator().manual_seed(number)
point = lambda x, y: torch.tensor([[[[x, y]]]])

# %% [markdown]
# ## 1 A small change with a large answer
#
# In this plane only two points are true images. We measure a point directly, $y = x + e$, and minimise
# $\|x-y\|^2+\lambda\Psi(x)$, where $\Psi$ is the distance to the two points, with its kinks rounded a little.

# %%
predict("08-jump", "We move the measurement by 0.002 to the right. How far does the minimiser move?", unit="")

# %%
plane = ar.Problem(ar.Identity((1, 1, 2)), sigma=0.05)
two = worlds.points()
rounded = lambda world: lambda x: (world.distance(x) ** 2 + 1.6e-5).sqrt()
psi = rounded(two)
places = []
for y in (point(0.499, 0.6), point(0.501, 0.6)):
    for x in stability.minimisers(plane, y, psi, 0.2, maps.lattice(4)):
        places.append(x)
        print(f"y = ({y[..., 0].item():.3f}, 0.6)  ->  x = ({x[0, 0, 0]:.3f}, {x[0, 0, 1]:.3f})")
outcome("08-jump", f"by {(places[1] - places[0]).norm():.3f}.")

# %% [markdown]
# The minimiser moves about a hundred times as far as the measurement. The computation is right: the function to be
# minimised has two valleys, and a tiny change of the measurement decides which one is deeper. So the answer need not
# depend continuously on the data if the regulariser is not convex, and a learned one usually is not. What can we expect
# instead?
#
# ## 2 Theorem 3
#
# > **Theorem 3.** Under Assumption 3 of the paper's appendix: let $y_n \to y$, and let $x_n$ be minimisers of
# > $\|Ax-y_n\|^2+\lambda f(x)$. Then $x_n$ has a (weakly) convergent *subsequence*, and its limit *is a minimiser* of
# > $\|Ax-y\|^2+\lambda f(x)$.
#
# Compare this with what we would like to read. It does not say that $x_n$ converges. It does not say which minimiser is
# reached, nor how fast.
#
# The usual theory asks for an $f$ that is bounded from below, such as $f\ge0$. The paper replaces this by a slope of at
# most 1. It has to: a network trained by Eq. 6 may go to $-\infty$ far from all images, and adding a constant does not
# help against that. But a slope of at most 1 alone is not enough either. Something has to keep the minimisers from
# running away, and section 7 shows what happens where nothing does.
#
# Let $y_n \to y = (0.5, 0.6)$, alternating between left and right. We compute *all* minimisers, from 16
# starts each.

# %%
limit = point(0.5, 0.6)
known = stability.minimisers(plane, limit, psi, 0.2, maps.lattice(4))
print("minimisers for the limit y:", *(f"({x[0, 0, 0]:.3f}, {x[0, 0, 1]:.3f})" for x in known))
data, answers = [], []
for n in range(1, 7):
    shift = 0.2 * (-0.5) ** n
    data.append(limit + point(shift, 0.0))
    found = stability.minimisers(plane, data[-1], psi, 0.2, maps.lattice(4))
    answers.append(found[:1])
    place = ", ".join(f"{u:.3f}" for u in found[0].flatten())
    print(f"n = {n}  ||y_n - y|| = {abs(shift):.4f}  x_n = ({place})  to the set: {stability.excess(found, known):.4f}")

# %% [markdown]
# The sequence $x_n$ jumps for ever and does not converge. Its odd members converge to one minimiser and its even
# members to the other: two convergent subsequences, as the theorem says. The last column shows what does converge to 0,
# the distance of $x_n$ to the **set** of minimisers.
#
# The converse fails. For every $n$ there is one minimiser, for the limit there are two. If all $y_n$ come from one
# side, one of the two is never approached. Limits of minimisers are minimisers, but not every minimiser is such a
# limit.

# %%
y_n, x_n = torch.cat(data), torch.cat(answers)
panels = [
    maps.Plane("from y_n to x_n", None, two, y_n, x_n - y_n),
    maps.Plane("objective at y", lambda x: (x - limit).square().flatten(1).sum(1) + 0.2 * psi(x), two, known),
]
maps.plane(panels, spacing=0.02, limits=(0.03, 0.25))

# %% [markdown]
# ## 3 Where the answer is unique
#
# If $\mathcal M$ is convex, so is the distance to it. If also $A$ is injective, so that no image but 0 is mapped to 0,
# then $\|Ax-y\|^2$ is strictly convex. Then there is exactly one minimiser, and it cannot jump. Both conditions are
# needed: with $\lambda\Psi$ convex and an $A$ that does not see some patterns, there may be many minimisers.
#
# Here is the segment with $A = I$, and a critic trained on it. $y_n\to y$ along a straight line, once from far away and
# once from a point so near to the segment that the minimiser lies on it.

# %%
segment, sigma = worlds.segment(), 0.05
torch.manual_seed(0)
critic = theory.DistanceCritic(smoothing=4e-3)
noise = worlds.corruption(segment, sigma)
train_on = segment.sample(4096, seed(0))
pairs = training.Unpaired(noise, train_on)
*_, last = training.algorithm_1(critic, pairs, training.Eq6(gp_weight=60 * sigma), steps=350, **theory.TRAINING)

# %%
print("               ‖y_n − y‖   ‖x_n − x‖, Ψ = d_M   Ψ trained")
for name, goal in (("far", limit), ("near", point(0.5, 0.53))):
    at = {f: stability.minimisers(plane, goal, f, 0.1, goal, steps=300)[0] for f in (rounded(segment), critic)}
    for n in range(1, 4):
        y_n = goal + point(0.05, 0.05) * 0.4**n
        moves_by = [(stability.minimisers(plane, y_n, f, 0.1, y_n, steps=300)[0] - x).norm() for f, x in at.items()]
        print("{:12s}{:12.4f}  {:19.4f}  {:9.4f}".format(name, (y_n - goal).norm(), *moves_by))

# %% [markdown]
# In each row the answer moves by no more than the data, up to the accuracy of the descent. For a convex functional and
# $A=I$ this is always so. Far from the segment the answer moves exactly as the data do. Near it the part across the
# segment is removed, and the answer moves less. For a trained network nothing is guaranteed; this one behaves like the
# distance, here.
#
# ## 4 What λ does in the plane
#
# For $A=I$ and a functional of slope 1 the minimiser satisfies $2(x-y)+\lambda\nabla\Psi(x)=0$. Take norms:
#
# $$ \|x-y\| = \lambda/2 . \tag{discrepancy} $$
#
# The point moves towards $\mathcal M$ by exactly $\lambda/2$, and stops if it arrives earlier (notebook 05, section 2).
# So its distance to $\mathcal M$ is $(d_{\mathcal M}(y)-\lambda/2)_+$.

# %% [markdown] exercise="08a"
# **Exercise 08a.** How far does the point move? `distance` holds $d_{\mathcal M}(y)$ of several points; return
# $\|x-y\|$ of each, for $\Psi = d_{\mathcal M}$ and $A = I$.


# %% exercise="08a"
def moves(distance, reg_weight):
    ### BEGIN SOLUTION
    return distance.clamp(max=reg_weight / 2)
    ### END SOLUTION


# %% exercise="08a" points=1
### BEGIN HIDDEN TESTS
check("08a", moves, seed=1).require()
### END HIDDEN TESTS
check("08a", moves)

# %% [markdown]
# The formula of notebook 05 sets $\lambda = 2\,\mathbb E\|e\|$.

# %%
predict("08-arrive", "With this λ, how many noisy points in ten stop short of M?", unit="of ten")

# %%
x_real = segment.sample(200, seed(1))
y = noise.naive(noise.measure(x_real, seed(2)))
formula = 2 * (y - x_real).flatten(1).norm(dim=1).mean().item()
weights = torch.linspace(0, 0.24, 9)
left, moved = [], []
for weight in weights:
    *_, it = ar.reconstruct(plane, y, critic, weight.item(), step_size=0.01, steps=300)
    left.append(segment.distance(it.x).mean().item())
    moved.append((it.x - y).flatten(1).norm(dim=1))
exact = [(segment.distance(y) - weight / 2).clamp_min(0).mean().item() for weight in weights]
lines = {"trained critic": left, "closed form, d_M": exact}
charts.curves({"mean distance to M": lines}, x=weights, axis="λ", marks={"2 E‖e‖": formula}, height=330)

# %%
far = segment.distance(y) > 0.08
print("   λ/2    ‖x − y‖ of the points more than 0.08 from M")
for weight, way in list(zip(weights, moved, strict=True))[1:6]:
    print(f"{weight / 2:6.3f}    {way[far].mean():.4f}")
short = 10 * (segment.distance(y) > formula / 2).float().mean().item()
outcome("08-arrive", f"{short:.1f} of ten, by the closed form.")

# %% [markdown]
# With the formula the *average* noise is removed. Points with less noise than that arrive on $\mathcal M$, points with
# more stop short of it. In the plane the length of the noise varies a lot, so many stop short. In images it hardly
# varies (notebook 05), and the same $\lambda$ suits nearly all of them. The table shows the equation (discrepancy):
# points far from $\mathcal M$ move by $\lambda/2$.
#
# ## 5 Images: adversarial perturbations
#
# Now CT, with 30 angles. How much does a reconstruction $R$ change per unit of perturbation,
#
# $$ \frac{\|R(y+\delta)-R(y)\|}{\|\delta\|}\,? $$
#
# For random noise $\delta$ we simply compute it. To find a bad $\delta$ of the same length we use gradient *ascent*: we
# differentiate $\|R(y+\delta)-R(y)\|^2$ with respect to $\delta$, go uphill, and scale $\delta$ back to its length.
# Such a perturbation is called *adversarial*. FBP is differentiated automatically. A minimiser is differentiated
# through the equation that it solves, $2A^*(Ax-y)+\lambda\nabla f(x)=0$.

# %% [markdown] exercise="08b"
# **Exercise 08b.** For a method that is nearly linear around $y$ this ascent is a power iteration. `J` is a linear map,
# from a perturbation to the change of the answer, and `Jt` its adjoint. Go `steps` rounds from `start`, and return the
# perturbation of length 1 that is amplified most.


# %% exercise="08b"
def worst(J, Jt, start, steps):
    ### BEGIN SOLUTION
    delta = start
    for _ in range(steps):
        delta = Jt(J(delta))
        delta = delta / delta.norm()
    return delta
    ### END SOLUTION


# %% exercise="08b" points=2
### BEGIN HIDDEN TESTS
check("08b", worst, seed=1).require()
### END HIDDEN TESTS
check("08b", worst)

# %%
predict(
    "08-worst",
    "Whose ratio, adversarial to random, is the largest?",
    [
        "FBP",
        "total variation",
        "the learned regulariser",
        "the U-Net",
    ],
)

# %%
problem = ar.Problem(ar.RayTransform(size=128, angles=30), sigma=0.02)
x_true = ar.images.thorax(1, size=128, generator=seed(2022))
noise_ct = problem.noise(1, generator=seed(1))
y_ct = problem.A(x_true) + noise_ct
network, weight_ct = ar.load_critic("ct-thorax"), ar.weight_from_noise(problem).item()


def variation(x):
    """Total variation, rounded at 0 so that it has a derivative."""
    down, right = x.diff(dim=2)[..., :-1], x.diff(dim=3)[..., :-1, :]
    return (down**2 + right**2 + 1e-3).sqrt().flatten(1).sum(1)


# %%
def minimiser(f, weight):
    """R(y) = argmin ||Ax - y||^2 + lambda f(x), at a minimum, and its pullback."""

    def method(y):
        *_, it = ar.reconstruct(problem, y, f, weight, step_size="auto", steps=400, stop="gradient")
        return it.x

    return method, stability.implicitly(problem, f, weight, method, steps=20)


# %%
methods = {
    "FBP": (problem.naive, stability.by_autograd(problem.naive)),
    "TV": minimiser(variation, 0.004),
    "ours": minimiser(network, weight_ct),
}
if "ct-thorax-unet" in ar.pretrained.unet_names():
    unet = ar.pretrained.load_unet("ct-thorax-unet")
    post = lambda y: unet(problem.naive(y))
    methods["U-Net"] = post, stability.by_autograd(post)
else:
    print("This copy of the course ships no U-Net for CT, so its line is left out.")

# %%
size = noise_ct.norm().item()
worst, gains = {}, {}
for name, (method, pullback) in methods.items():
    with torch.no_grad():
        worst[name] = stability.worst_perturbation(method, pullback, y_ct, size, steps=2, generator=seed(3))
        chance = stability.amplification(method, y_ct, problem.noise(1, generator=seed(4))).item()
        gains[name] = chance, stability.amplification(method, y_ct, worst[name]).item()
print("        noise   worst found   ratio")
for name, (chance, malice) in gains.items():
    print(f"{name:6s} {chance:6.2f}  {malice:6.2f}  {malice / chance:12.1f}  " + "█" * round(malice))
ratios = {name: malice / chance for name, (chance, malice) in gains.items()}
outcome("08-worst", ", ".join(f"{name} {ratio:.1f}" for name, ratio in ratios.items()) + ".")

# %%
method = methods["ours"][0]
x_before, x_after = method(y_ct)[0], method(y_ct + worst["ours"])[0]
pictures.strip(
    [x_true[0], x_before, x_after, x_after - x_before],
    ["truth", "ours", "ours, worst δ", "difference"],
    ["image", "image", "image", "signed"],
)

# %% [markdown]
# FBP is changed most by both, several times as much as the others. The adversarial perturbation changes every method at
# least twice as much as noise of the same length. The U-Net is changed least by noise and has the largest ratio. What
# the perturbation draws looks to the method like something to be kept: in the lungs the learned regulariser shows
# bright vessels that are not there.
#
# Read the table with care. The second column is a *lower* bound of the worst case: two steps of ascent from one start,
# for one image, with perturbations as long as the noise. The numbers of ours and of the U-Net are too close to rank the
# two.
#
# ## 6 Where a learned regulariser fails
#
# Theorem 3 is about small changes of $y$. It says nothing about another noise level or other anatomy. The critic was
# trained on one distribution of real images $\mathbb P_r$ and one of reconstructions $\mathbb P_n$.

# %%
predict(
    "08-photo",
    "A photograph is scanned. Compared with TV, the critic for chests is ...",
    [
        "ahead, as on chests",
        "about level",
        "several dB behind",
    ],
)

# %%
photo = ar.images.photos(1, size=128, generator=seed(24)).mean(1, keepdim=True)
print("                       FBP      TV    ours    lead   (PSNR, dB)")
for name, image, level, tv_weight in (
    ("chest, its noise", x_true, 0.02, 0.004),
    ("chest, noise / 4", x_true, 0.005, 0.0006),
    ("chest, noise x 2", x_true, 0.04, 0.012),
    ("a photograph", photo, 0.02, 0.004),
):
    case = ar.Problem(problem.A, level)
    data, weight = case.measure(image, generator=seed(1)), ar.weight_from_noise(case).item()
    *_, it = ar.reconstruct(case, data, network, weight, step_size="auto", steps=400, stop="gradient")
    results = case.naive(data), ar.total_variation(case, data, tv_weight), it.x
    fbp, tv, ours = (ar.psnr(x.clamp(0, 1), image).item() for x in results)
    print(f"{name:18s}{fbp:8.2f}{tv:8.2f}{ours:8.2f}{ours - tv:+8.2f}")
outcome("08-photo", f"on the photograph {ours - tv:+.2f} dB.")

# %% [markdown]
# At each noise level TV has the weight that was best on eight other phantoms, and ours that of the formula. The last
# column says how much of the lead of ours is left. With the noise of its training, and with a quarter of it, ours
# leads by more than 1.5 dB. With twice the noise the lead is gone on this chest, and on the photograph TV is a few
# tenths of a dB ahead. What a critic learns from chests holds for chests. One image shows no more than that; notebook
# 09, section 7, has four chests at five noise levels. There ours is still ahead at twice the noise and behind at four
# times.
#
# Critic and U-Net were trained with 30 views. With others, at the noise of the training (the same four chests, PSNR in
# dB, TV with the $\lambda$ that is best for them):

# %%
for row in sorted(extensions.kept("settings"), key=lambda row: row.get("angles", 0)):
    if row["name"] == "ct" and row["factor"] == 1:
        print(f"{row['angles']:3d} views   ours {row['ours']:.2f}   U-Net {row['unet']:.2f}   TV {row['tv']:.2f}")

# %% [markdown]
# Ours is ahead of TV with every number of views. The U-Net is ahead of both with 30 and more, and falls far behind TV
# with 10, where FBP has streaks that it never saw.
#
# The critic was not trained anew for any of them. A small recipe that was (data/study/settings.md) gained nothing by it
# with 60 and 180 views, and with 10 its new critic was 2.1 dB worse than the one that $\lambda$ carried there.
#
# ## 7 Break it on purpose: no minimiser at all
#
# If $f$ is bounded from below, $\|Ax-y\|^2+\lambda f(x)$ cannot fall for ever. Is a slope of at most 1 enough instead?
# With $A=I$ it is: the data term grows like a square and outweighs $f$. Now let $A$ see only the first of our two
# pixels, and let $f(x) = -x_2$, whose slope is 1.

# %%
predict(
    "08-runaway",
    "What will the iterates of gradient descent do?",
    [
        "converge",
        "oscillate",
        "go away without end",
    ],
)

# %%
half_blind = ar.Problem(ar.Inpainting(torch.tensor([[1.0, 0.0]])), sigma=0.05)
runaway = lambda x: -x.flatten(1)[:, 1]
for name, f in (("−x₂", runaway), ("distance to the circle", rounded(worlds.circle()))):
    run = list(ar.reconstruct(half_blind, point(0.4, 0.0), f, 0.2, step_size=0.02, steps=2000))
    ends = [f"({it.x[0, 0, 0, 0]:.2f}, {it.x[0, 0, 0, 1]:.2f})" for it in (run[0], run[1000], run[2000])]
    print(f"{name:23s}", " -> ".join(ends), f" objective {run[-1].objective.item():+.3f}")
    if f is runaway:
        outcome("08-runaway", f"from x = {ends[0]} they go to {ends[1]}, then to {ends[2]}.")

# %% [markdown]
# In the first run the second coordinate grows without end. Its objective has no minimum, so there is no $x_n$ for the
# theorem to speak of: what is missing is an assumption on $A$ and $f$ together. The distance to a *bounded* set has
# slope 1 as well, but far out it rises in every direction, and so it holds what $A$ does not see. The ideal critic of
# Theorem 2 is of this kind if the true images are bounded. A trained network need not be.

# %% [markdown] exercise="08c"
# **Exercise 08c.** When is there a minimum? Take $f(x) = \langle g, x\rangle$, of any slope, and a matrix $A$.
# Decide whether $\|Ax-y\|^2 + \lambda f(x)$ has a minimum (for one $y$ it has one if and only if it has one for
# all). Return `True` or `False`. The matrices of the check may have more columns than rows, or dependent columns.


# %% exercise="08c"
def has_minimum(A, g):
    ### BEGIN SOLUTION
    seen = torch.linalg.pinv(A) @ (A @ g)
    return bool((seen - g).norm() < 1e-6 * g.norm())
    ### END SOLUTION


# %% exercise="08c" points=2
### BEGIN HIDDEN TESTS
check("08c", has_minimum, seed=1).require()
### END HIDDEN TESTS
check("08c", has_minimum)

# %% [markdown] exercise="08c" points=2
# **In your words.** Mend section 7. Add $c\,\|x\|$ to $f(x) = -x_2$. From which $c$ on is there a minimum? Run the
# cell above with a clearly smaller and a clearly larger $c$ (round the norm a little, as `rounded` does). What does
# this say about a critic of slope at most 1 for CT with few angles?
#
# <!-- BEGIN SOLUTION -->
# From $c > 1$ on. Along the second coordinate, which $A$ does not see, $f$ changes by $-t + ct$ far out, and for $c
# < 1$ it falls for ever. At $c = 1$ it falls towards a value that it never reaches. With few angles CT does not see
# many patterns, so a slope of at most 1 alone is no guarantee of a minimum: the critic has to rise in the directions
# that the scanner does not see.
# <!-- END SOLUTION -->

# %% [markdown]
# > **Paper and authors' code differ.** Theorem 3 speaks of *minimisers*. Algorithm 2 runs gradient descent
# > for some steps, and the authors' code stops the run of the training log when the error to the truth starts
# > to grow (`Framework.py`, lines 239-255). What comes out is a point on the way, not a minimiser.
#
# **Three questions.**
#
# 1. Section 2: let $y_n \to y$ from one side only. Does $x_n$ converge now? To which minimiser?
# 2. Section 4: for the circle the closed form is the same for every $\lambda$. But for a point inside, from which
#    $\lambda$ on is the minimiser on the circle, and for which point is it not unique?
# 3. Section 5: double `size`. Which method's amplification stays the same, and why must it?

# %% [markdown]
# ## Recap
#
# - With a regulariser that is not convex a single minimiser may jump. Limits of minimisers are minimisers for the limit
#   of the data: this is what Theorem 3 says, if something keeps the minimisers from running away.
# - For denoising, a functional of slope 1 moves a noisy point by $\lambda/2$ towards the true ones.
# - Random noise, adversarial perturbations and other kinds of images are three different tests. A theorem about small
#   changes of the data says nothing about the third.
#
# **Next:** [09 Extensions](09_extensions.ipynb): local critics, recursive training, convex critics.
