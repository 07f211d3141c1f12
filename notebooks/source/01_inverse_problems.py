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
# # 01 Inverse problems
#
# A camera, an MRI scanner and a CT scanner all multiply an image by a matrix. Only the matrices differ. The trouble
# starts when we want to undo the multiplication.
#
# **You will be able to**
#
# - *write* denoising, inpainting, MRI and CT as $y = Ax + e$ and invert each of them naively;
# - *measure* by how much the noise is amplified, and what missing angles cost;
# - *explain* the amplification by singular values, and say what no method can recover from the data alone.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebook 00, singular values | Section 2.1, Eq. 1 | 15 min | 20 min | 15 s |
#
# <img src="pictures/measurement_lab.png" width="800" alt="The measurement lab of section 8: truth, sinogram and
# A†y; the error, its part that is noise, and a singular pattern; singular values below">

# %%
import advreg_edu as ar
import pydicom.data
import torch
from advreg_edu.apps import measurement_lab
from advreg_edu.course import check, hint, outcome, predict, solution
from advreg_edu.drawing import pictures

seed = lambda number: torch.Generator().manual_seed(number)
psnr = lambda image, truth: ar.psnr(image.clamp(0, 1), truth).item()  # of the image as it is shown

# %% [markdown]
# ## 1 Two measurements that look the same
#
# We simulate two scans of one real CT slice: one with an ideal detector, one with a detector that adds noise.

# %%
x_slice = ar.images.from_dicom(pydicom.data.get_testdata_file("CT_small.dcm"))  # (1, 1, 128, 128) in [0, 1]
A = ar.RayTransform(size=128, angles=30)
problem = ar.Problem(A, sigma=0.02)
y_ideal = A(x_slice)
y = problem.measure(x_slice, generator=seed(1))
print(f"relative difference of the two measurements: {(y - y_ideal).norm() / y_ideal.norm():.1%}")
pictures.strip([y_ideal[0], y[0]], ["without noise", "with noise"], kinds=["sinogram", "sinogram"])

# %% [markdown]
# A picture like this is a *sinogram*: one row for each view, one column for each detector cell. The two differ by a
# few percent, and the eye can hardly tell them apart. Both now go through the same filtered back-projection.

# %%
predict("01-apart", "Will you be able to tell the two images apart?", ["hardly, like the data", "at once"])

# %%
apart = (A.pinv(y) - A.pinv(y_ideal)).norm() / A.pinv(y_ideal).norm()
outcome("01-apart", f"at once. The images differ by {apart:.0%}.")
pictures.strip([x_slice[0], A.pinv(y_ideal)[0], A.pinv(y)[0]], ["truth", "without noise", "with noise"])

# %% [markdown]
# Two different things went wrong. The middle image has no noise in it, yet it has streaks, since 30 views are too few.
# The right image has grain as well, and the grain is far stronger than the noise in the data. The rest of this
# notebook takes the two apart.
#
# > **Where the images come from.** The slice is `CT_small.dcm`, one of the test files inside the pydicom
# > wheel: a thoracic vertebra with a piece of lung on either side, 128 × 128 pixels. Its README names the
# > origin as `CT1_UNC` of the DICOM committee's sample images (NEMA, WG04) and says of all the test files, "I
# > believe there is no restriction on using any of these files in this manner". The photographs below lie
# > inside the scikit-image wheel. Those we use are public domain (NASA, SpaceX) or CC0, as stated there. The
# > chest slices are drawn by the course.

# %% [markdown]
# ## 2 One equation, four operators
#
# Everything in this course has the form
#
# $$ y = A x + e, \qquad e \sim \mathcal N(0, \sigma^2 I). \tag{Eq. 1} $$
#
# `ar.Problem` holds $A$ and $\sigma$. Its method `measure` computes Eq. 1. We check that by writing it ourselves.

# %%
noise = problem.noise(1, generator=seed(1))
print("same as measure:", torch.equal(A(x_slice) + noise, y))
print(f"standard deviation of the noise: {noise.std():.4f}, sigma: {problem.sigma}")

# %% [markdown]
# **Denoising.** Here $A$ is the identity: all of the image is measured, with noise on top. $A^\dagger$ is the identity
# too, so the naive inverse returns the data unchanged.

# %%
x_photo = ar.images.photos(1, size=128, generator=seed(28))
denoising = ar.Problem(ar.Identity((3, 128, 128)), sigma=0.1)
y_photo = denoising.measure(x_photo, generator=seed(3))
score = psnr(denoising.naive(y_photo), x_photo)
pictures.strip([x_photo[0], y_photo[0]], ["photograph", f"A†y, {score:.1f} dB"])

# %% [markdown]
# **Inpainting.** $A$ keeps some pixels and drops the others. What is dropped is lost, and $A^\dagger$ has to put
# something in its place. Ours puts there the smoothest continuation, in which each hidden pixel is the mean of its
# neighbours. (The PSNR in the titles is that of notebook 00: in decibels, after clipping to $[0, 1]$.)

# %%
seen = (torch.rand(128, 128, generator=seed(4)) > 0.5).float()  # 1 = seen
seen[50:70, 30:100] = 0  # and a hole
inpainting = ar.Problem(ar.Inpainting(seen, channels=3), sigma=0.02)
y_holes = inpainting.measure(x_photo, generator=seed(3))
score = psnr(inpainting.naive(y_holes), x_photo)
pictures.strip([x_photo[0], seen, inpainting.naive(y_holes)[0]], ["photograph", "mask", f"A†y, {score:.1f} dB"])

# %% [markdown]
# **MRI.** $A$ takes the Fourier transform of the image and keeps some lines of it, since every line costs scan time.
# The measurements are complex numbers. The middle panel shows which frequencies were kept, the lowest in the centre.

# %%
x_chest = ar.images.thorax(1, size=128, generator=seed(5))
mask = ar.cartesian_mask(128, fraction=0.3, generator=seed(6))
mri = ar.Problem(ar.FourierSampling(mask), sigma=0.02)
y_mri = mri.measure(x_chest, generator=seed(3))
kept = torch.fft.fftshift(mask)
score = psnr(mri.naive(y_mri), x_chest)
pictures.strip([x_chest[0], kept, mri.naive(y_mri)[0]], ["chest phantom", "lines kept", f"A†y, {score:.1f} dB"])

# %% [markdown]
# The missing lines do not make the image noisy. They blur it, and lay shifted copies of it over each other, in the
# direction in which lines were skipped. This error has a structure of its own, unlike the grain of denoising. A critic
# for MRI has to learn it from examples.
#
# There are two ways back. *Zero filling* puts 0 where nothing was measured, transforms back and keeps the real part.
# This is the adjoint $A^*$ of section 3. Where $f$ was measured and $-f$ was not, it halves the amplitude. But a real
# image has conjugate values at $f$ and $-f$, so that one tells the other, and $A^\dagger$ gives such an $f$ its full
# amplitude.

# %%
unit = mri.noise(1, generator=seed(3)) / mri.sigma  # one draw, rescaled by sigma
print("   σ   zero filling A*y   exact A†y")
for sigma in (0.0, 0.02, 0.05, 0.1):
    data = mri.A(x_chest) + sigma * unit
    filled, exact = mri.A.T(data), mri.A.pinv(data)
    print(f"{sigma:4.2f}  {psnr(filled, x_chest):14.1f} dB  {psnr(exact, x_chest):7.1f} dB")
filled, exact = mri.A.T(y_mri), mri.A.pinv(y_mri)
titles = ["chest phantom", f"A*y, {psnr(filled, x_chest):.1f} dB", f"A†y, {psnr(exact, x_chest):.1f} dB"]
pictures.strip([x_chest[0], filled[0], exact[0]], titles)

# %% [markdown]
# The exact inverse is sharper, and with little noise ahead by more than one decibel. Relative to zero filling it
# doubles the noise at these frequencies too, so with much noise zero filling is ahead.
#
# **CT.** $A$ integrates the image along straight lines, as in section 1.

# %% [markdown]
# ## 3 The adjoint, and the inverse that is not one
#
# Two maps lead from data back to images, and they are easily confused.
#
# - The **adjoint** $A^*$ is defined by $\langle Ax, y\rangle = \langle x, A^*y\rangle$ for all $x$ and $y$.
#   Gradients need it: $\nabla_x \|Ax-y\|^2 = 2A^*(Ax-y)$.
# - The **pseudo-inverse** $A^\dagger$ tries to undo $A$. For CT it is filtered back-projection (FBP).
#
# The definition is also a test. Draw $x$ and $y$ at random and compare the two inner products.

# %%
for operator in (denoising.A, inpainting.A, mri.A, A):
    print(f"{operator!s:60s} dot test {ar.dot_test(operator, seed(0)):.1e}")
u, v = torch.randn(1, 1, 128, 128, generator=seed(8)), torch.randn(y.shape, generator=seed(9))
print(f"by hand, CT: <Au, v> = {(A(u) * v).sum():.4f}   <u, A*v> = {(u * A.T(v)).sum():.4f}")

# %% [markdown] exercise="01a"
# **Exercise 01a.** Find an adjoint with pencil and paper. Let $D$ take the differences of a row of $n$ pixels,
# $(Dx)_k = x_{k+1} - x_k$, with $(Dx)_n = 0$ at the right end, where there is no neighbour. Write $D^*u$ for a
# tensor `u` of shape $(n,)$. Total variation in notebook 02 needs it. (`hint("01a")` helps.)


# %% exercise="01a"
def adjoint(u):
    ### BEGIN SOLUTION
    before = torch.cat([u.new_zeros(1), u[:-1]])
    here = torch.cat([u[:-1], u.new_zeros(1)])
    return before - here
    ### END SOLUTION


# %% exercise="01a" points=1
### BEGIN HIDDEN TESTS
check("01a", adjoint, seed=1).require()
### END HIDDEN TESTS
check("01a", adjoint)

# %% [markdown]
# For denoising $A^\dagger$ is equal to $A^*$. For CT it is not.

# %%
predict("01-adjoint", "What does A*y look like for the CT data with noise?", ["sharp", "blurred", "noisy"])

# %%
back_projection = A.T(y)
back_projection = back_projection / back_projection.max()  # its scale has no meaning
rough = lambda image: (image.diff(dim=3).norm() / image.norm()).item()  # from pixel to pixel
words = f"blurred. From pixel to pixel it changes by {rough(back_projection):.1%} of its size"
outcome("01-adjoint", f"{words}, the truth by {rough(x_slice):.1%}, A†y by {rough(A.pinv(y)):.1%}.")
pictures.strip([x_slice[0], back_projection[0], A.pinv(y)[0]], ["truth", "A*y, rescaled", "A†y"])

# %% [markdown]
# $A^*$ smears every measured value back along its line. This adds up the low frequencies of the image from all views,
# but each high frequency from few of them, so the result is a blur. Filtered back-projection therefore multiplies each
# view by $|f|$, where $f$ is the frequency, before it smears. This filter is called the *ramp*, or Ram-Lak after
# Ramachandran and Lakshminarayanan. It repairs the blur, and it amplifies the noise: the highest frequencies, where
# there is mostly noise, are multiplied by the largest number.

# %% [markdown]
# ## 4 How much is the noise amplified?
#
# Filtered back-projection (FBP) is linear. Hence $A^\dagger y - x = (A^\dagger A x - x) + A^\dagger e$: the error of
# the image is an error from the missing angles plus an error from the noise.

# %%
predict("01-double", "We double σ from 0.01 to 0.02. By what factor does the error of the image grow?", unit="times")

# %%
unit = torch.randn(A.range_shape, generator=seed(1))[None]  # one draw, rescaled by sigma
bias = (A.pinv(y_ideal) - x_slice).norm()
print("     σ   data error   image error   of which noise")
errors = {}
for sigma in (0.0, 0.0025, 0.005, 0.01, 0.02, 0.04):
    errors[sigma] = error = (A.pinv(y_ideal + sigma * unit) - x_slice).norm()
    print(f"{sigma:6.4f}  {sigma * unit.norm():9.2f}  {error:11.2f}  {A.pinv(sigma * unit).norm():12.2f}")
print(f"amplification ‖A†e‖ / ‖e‖ = {A.pinv(unit).norm() / unit.norm():.1f}; the angles alone cost {bias:.2f}")
outcome("01-double", f"by {errors[0.02] / errors[0.01]:.2f}, from {errors[0.01]:.2f} to {errors[0.02]:.2f}.")

# %% [markdown]
# The part that is noise doubles exactly. The whole error does not, since the error from the missing angles remains even
# at $\sigma = 0$. The squares of the two add: $\text{error}^2 \approx \text{angles}^2 + \text{noise}^2$.
#
# ## 5 More angles, or more dose?
#
# More views should help. The next cell scans with 8 to 180 views, with and without noise.

# %%
x_test = x_slice
print("angles   error, no noise       error, σ = 0.02   norm before scaling")
for angles in (8, 15, 30, 60, 120, 180):
    scan = ar.Problem(ar.RayTransform(size=128, angles=angles), sigma=0.02)
    clean = scan.A(x_test)
    without, noisy = (scan.A.pinv(data) - x_test for data in (clean, clean + scan.noise(1, seed(1))))
    print(f"{angles:6d}  {without.norm():12.2f}  {noisy.norm():18.2f}  {scan.A.unscaled_norm:20.1f}")

# %% [markdown]
# Compare the two columns of errors. Without noise, more views remove the streaks. With noise, the gain soon stops.
#
# The last column explains it. Our operator is divided by its norm, so that $\|A\| = 1$ for any number of views. Before
# that division the norm grows like the square root of the number of views. With a fixed $\sigma$ the noise in each view
# therefore grows by the same factor, relative to its signal. This is how a scan behaves when the same total dose of
# X-rays is split among more views.
#
# > **Paper and authors' code differ: the scale of A.** The paper does not mention a scaling. The authors'
# > code divides the ray transform by its norm (`forward_models.py`, lines 67-71), and so do we. It matters
# > twice. A noise level such as "0.02" is meaningless without it, and $\|A\| = 1$ puts the stability limit of
# > gradient descent at a step size of 1 ([notebook 06](06_reconstruction_lab.ipynb)). The text also gives no
# > noise level for its denoising table. The code as it was in May 2018 has $\sigma = 0.1$.

# %% [markdown]
# ## 6 A gentler filter
#
# The ramp amplifies high frequencies. A *window* is a factor that reduces it there. The Hann window goes to zero at the
# highest frequency.

# %%
predict("01-window", "On which data does the Hann window raise the PSNR?", ["without noise", "with noise", "both"])

# %%
shown, titles, found = [], [], {}
for data, kind in ((y_ideal, "no noise"), (y, "noise")):
    for name in ("ram-lak", "hann"):
        image = A.pinv(data, filter=name)
        found[kind, name] = psnr(image, x_slice)
        shown.append(image[0])
        titles.append(f"{name}, {kind}, {found[kind, name]:.1f} dB")
gain = {kind: found[kind, "hann"] - found[kind, "ram-lak"] for kind in ("no noise", "noise")}
outcome("01-window", f"{gain['no noise']:+.1f} dB without noise, {gain['noise']:+.1f} dB with noise.")
pictures.strip(shown, titles)

# %% [markdown]
# It helps on both, and far more where there is noise. Without noise it still makes the streaks paler, since they
# consist of high frequencies too. With the grain it removes resolution: look at the edge of the vertebra. The window
# treats a frequency alike everywhere in the image. It cannot know that an edge is worth keeping and that grain is not.
# The next notebooks add that knowledge.

# %% [markdown]
# ## 7 Why: singular values
#
# On 24 × 24 pixels the ray transform is a small matrix, and we can compute its singular value decomposition
# $A = \sum_k s_k\, u_k v_k^{\mathsf T}$. The pattern $v_k$ comes out of the scanner multiplied by $s_k$. To undo that,
# we have to divide by $s_k$, and this divides the noise by $s_k$ too:
#
# $$ A^+ y = \sum_{s_k > 0} \frac{\langle u_k, y\rangle}{s_k} v_k, \qquad
#    \mathbb E\|A^+ e\|^2 = \sigma^2 \sum_{s_k > 0} \frac{1}{s_k^2}. $$

# %%
small = ar.RayTransform(size=24, angles=12)
pixels = torch.eye(24 * 24).reshape(-1, 1, 24, 24)
matrix = small(pixels).flatten(1).T.double()  # column j is the scan of pixel j
U, s, Vt = torch.linalg.svd(matrix)
s = torch.cat([s, s.new_zeros(len(Vt) - len(s))])
shown = [0, 10, 100, 250]
pictures.strip([Vt[k].reshape(24, 24) for k in shown], [f"v{k}: s = {s[k]:.3f}" for k in shown], kinds=["signed"] * 4)

# %% [markdown]
# The scanner sees smooth patterns well and fine ones badly. The next cell counts them.

# %%
for low, high in ((0.3, 1.1), (0.1, 0.3), (0.03, 0.1), (1e-5, 0.03), (-1, 1e-5)):
    count = int(((s > low) & (s <= high)).sum())
    print(f"s in ({max(low, 0):7.5f}, {min(high, 1):7.5f}]  {count:4d} patterns  " + "█" * (count // 5))
for cut in (1e-5, 0.03, 0.1):
    kept = s[s > cut]
    factor = (kept.pow(-2).sum() / len(matrix)).sqrt()  # root mean square of ||A+e|| over that of ||e||
    print(f"invert all s > {cut:7.5f}: {len(kept)} of {len(s)} patterns, noise times {factor:.1f}")

# %% [markdown]
# The last lines show the dilemma. Whoever inverts everything multiplies the noise by several hundred. Whoever stops at
# $s = 0.1$ multiplies it by a small factor, but gives up half of the patterns. A linear method need not decide between
# keeping a pattern and dropping it. It can also give it a smaller weight, as the Hann window does with frequencies.

# %% [markdown] exercise="01b"
# **Exercise 01b.** A *regulariser* is a second term, added to the fit, that is small for images one believes in. The
# simplest is $\|x\|_2^2$, and it chooses the factors of the patterns. Minimise
#
# $$ \|Ax-y\|_2^2 + \lambda \|x\|_2^2 $$
#
# with the singular value decomposition of $A$. Each pattern $v_k$ gets a factor of its own, which depends on $s_k$
# and $\lambda$ alone. `U`, `s` and `Vt` are as above, without the zeros: `U` has the shape $(m, r)$, `s` the shape
# $(r,)$, `Vt` the shape $(r, n)$. From the data `y` of shape $(m,)$ return the image, of shape $(n,)$. The weight
# $\lambda$ is `reg_weight`.


# %% exercise="01b"
def tikhonov(U, s, Vt, y, reg_weight):
    ### BEGIN SOLUTION
    factors = s / (s**2 + reg_weight)
    return Vt.T @ (factors * (U.T @ y))
    ### END SOLUTION


# %% exercise="01b" points=2
### BEGIN HIDDEN TESTS
check("01b", tikhonov, seed=1).require()
### END HIDDEN TESTS
check("01b", tikhonov)

# %% [markdown]
# The patterns with $s = 0$ are worse than noisy. They leave **no trace at all** in the data. We add one of
# them to a chest.

# %%
x_small = ar.images.thorax(1, size=24, generator=seed(5)) * 0.6 + 0.2
ghost = Vt[-1].reshape(1, 1, 24, 24).float()
x_ghost = x_small + 0.2 * ghost / ghost.abs().max()
print(f"difference of the images {(x_ghost - x_small).norm():.3f}")
print(f"difference of the data   {(small(x_ghost) - small(x_small)).norm():.1e}")
pictures.strip(
    [x_small[0], x_ghost[0], small(x_small)[0], small(x_ghost)[0]],
    ["image 1", "image 2", "data 1", "data 2"],
    kinds=["image", "image", "sinogram", "sinogram"],
)

# %% [markdown]
# Two different images give the same measurement. No algorithm that looks at the data alone can choose between them. The
# choice needs knowledge of what images look like, and this is what a regulariser adds. It is also why a reconstruction
# can fit the data perfectly and still be wrong.

# %% [markdown] exercise="01c"
# **Exercise 01c.** How much of a nodule can hide from this scanner? Every image is the sum of a part that leaves a
# trace and a part that leaves none. Return the part without a trace of the image `nodule`, and its share of the
# energy, $\|\text{part}\|^2/\|\text{nodule}\|^2$. `s` and `Vt` are those of the cell above, zeros included; `nodule`
# has the shape $(n,)$. Take singular values below $10^{-5}$ as zero. All numbers are of double precision.


# %% exercise="01c"
def invisible(s, Vt, nodule):
    ### BEGIN SOLUTION
    hidden = Vt[s < 1e-5]
    part = hidden.T @ (hidden @ nodule)
    return part, part.square().sum() / nodule.square().sum()
    ### END SOLUTION


# %% exercise="01c" points=2
### BEGIN HIDDEN TESTS
check("01c", invisible, seed=1).require()
### END HIDDEN TESTS
check("01c", invisible)

# %% [markdown] exercise="01c" points=2
# **In your words.** Make a nodule of 24 × 24 pixels: a disc of radius 3, flattened, and in double precision as `Vt`
# is. Which share of its energy can hide, and which share of a single pixel's? What does a radiologist have to know to
# tell the rest of the nodule from noise?
#
# <!-- BEGIN SOLUTION -->
# Of the disc 8 to 10 % can hide if its centre is a pixel, 4 to 7 % if the centre lies between four; of a single pixel
# about a half, 32 to 60 % by its place. The smaller a structure, the more of it lies in patterns that 12 views do not
# see. The rest leaves a trace, but along patterns with small singular values, where the noise is as large. Only
# knowledge of what nodules look like tells the two apart.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 8 The measurement lab
#
# The lab has all four operators. The noise is one draw, rescaled as you move $\sigma$. Below the pictures stand the
# singular values of the operator, and the factor by which an inverse multiplies the noise along each pattern $v_k$. For
# some operators they are known in closed form. For the others they are computed on 24 × 24 pixels, with as many data
# per pixel as in the pictures.

# %%
predict("01-amplified", "In which setting does A† multiply the noise most?", ["denoising", "inpainting", "MRI", "CT"])

# %%
measurement_lab()

# %%
factors = {}
for setting in (denoising, inpainting, mri, problem):
    noise = setting.noise(20, generator=seed(0))
    share = setting.A.pinv(noise).flatten(1).norm(dim=1) / noise.flatten(1).norm(dim=1)
    factors[type(setting.A).__name__] = f"{share.mean():.2f}"
outcome("01-amplified", "‖A†e‖ / ‖e‖: " + ", ".join(f"{name} {value}" for name, value in factors.items()) + ".")

# %% [markdown]
# The factor is by far the largest for CT. Double $\sigma$ in the lab with the CT setting, and two panels behave as the
# table of section 4 says: the part of the error that is noise doubles, the whole error does not.
#
# Two more things can be found there. For MRI some patterns have $s = \sqrt{1/2}$. Of a pair of frequencies $f$ and $-f$
# only one was measured, and a real image has half of its energy in each. There an exact inverse divides by $s$, while
# the adjoint $A^*$ multiplies by it. For CT the curve of $A^\dagger$ leaves the curve of the exact inverse where $s$
# becomes small. This is what *regularised* means in "regularised pseudo-inverse".
#
# ## 9 Break it on purpose
#
# A common mistake with photographs is to forget that image files hold bytes from 0 to 255.

# %%
try:
    denoising.measure(255 * x_photo)
except ValueError as error:
    print(error)

# %% [markdown]
# Why is this refused? With $x$ in $[0, 255]$ a $\sigma$ of 0.1 would be next to no noise, and every number below would
# be wrong without any message.
#
# **Three questions.**
#
# 1. Section 4: what is the amplification for the Hann window? Change `A.pinv(unit)` to
#    `A.pinv(unit, filter="hann")`.
# 2. Section 5: set `x_test = x_chest`. From which number of views on does the error stop falling, for the phantom and
#    for the real slice?
# 3. Section 7: set `angles=24`. How many patterns with $s = 0$ are left, and what happens to the noise factor
#    of a full inversion?

# %% [markdown]
# ## Recap
#
# - Denoising, inpainting, MRI and CT are one equation, $y = Ax + e$, with four operators.
# - Dividing by small singular values amplifies noise. Patterns with singular value zero leave no trace in the data. A
#   linear filter reduces the noise at the price of resolution.
# - What the data do not contain must come from knowledge about images.
#
# **Next:** [02 Variational regularisation](02_variational_regularisation.ipynb) adds that knowledge by hand. You
# may go straight to [03 Training a critic](03_training_a_critic.ipynb), where a network learns it.
