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
# # 10 Your own data
#
# Until now the images were ready and the scanner was given. This notebook begins with a folder of files as a hospital
# sends it, and ends with a table, a card, and a scanner of your own. Wherever a path stands in a cell, put yours in
# its place.
#
# **You will be able to**
#
# - *look* at a data set before training on it, and say what was left out and why;
# - *split* it by patient, train a critic on it, and report the result so that it can be trusted;
# - *describe* your own scanner in ten lines, and test that the description is right.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebooks 03, 05 and 07 | Sections 2.1, 5.1 and 5.3 | 25 min | 30 min | 40 s |

# %%
import tempfile
from pathlib import Path

import advreg_edu as ar
import numpy as np
import torch
from advreg_edu import training
from advreg_edu.course import check, hint, outcome, predict, solution
from advreg_edu.drawing import charts, pictures
from advreg_edu.experiments import own_data, poses
from advreg_edu.experiments.own_data import examples
from advreg_edu.operators import FanBeam
from advreg_edu.operators.normal import conjugate_gradients

place = tempfile.TemporaryDirectory()  # it goes when the kernel stops
seed = lambda number: torch.Generator().manual_seed(number)

# %% [markdown]
# ## 1 A folder as it comes
#
# The next cell writes a folder of CT slices in the format of hospitals, DICOM, so that the notebook runs anywhere. The
# patients are phantoms. Each has four slices that resemble each other, as neighbouring slices do. If you have a folder
# of your own, give its path instead: `folder = "C:/scans/lungs"`. If you have none,
# `python -m advreg_edu data lidc --patients 8` fetches chest CT from The Cancer Imaging Archive, and `data bsds500` the
# photographs of the paper from their authors.
#
# The letter that came with the folder speaks of 40 patients.

# %%
folder = examples.dicom_folder(Path(place.name, "scans"))
files = sum(path.is_file() for path in Path(folder).rglob("*"))
predict("10-files", f"The folder holds {files} files. How many of them are slices that can be used?", unit="")

# %% [markdown]
# `own_data.inspect` reads every file once. In a terminal the same report, with the pictures below, comes from
# `python -m advreg_edu data inspect PATH`.

# %%
report = own_data.inspect(folder)
usable = len(report.entries) - sum(len(names) - 1 for names in report.twins)
outcome("10-files", f"{usable} different slices; {len(report.patients)} patients by the names in the files.")
print(report)

# %% [markdown]
# The report names five files that would do harm. Four are left out, each with its reason. The fifth is a slice like
# any other, but its pixels are those of another file, and it claims to be of another patient. The names are 41 and the
# patients 40. No program can know which name is right; it can only show you that there is a question.
#
# ## 2 Look before you train
#
# A **contact sheet** shows one slice of each patient, here of the first 36. Two minutes of looking at it save hours of
# training: slices that stand on their head, a test object of the service technician, the wrong part of the body, text
# burnt into the image.

# %%
report.sheet()

# %% [markdown]
# The patients differ in size, and some show the liver where others show the lungs. All of them lie on a table, which
# belongs to the truth as much as the lungs do: a critic learns it too.
#
# The **histogram** shows which numbers are in the files. CT slices are in Hounsfield units: air has −1000, water 0.

# %%
report.histogram()

# %% [markdown]
# From left to right: air, the lungs near −850, two peaks close together for fat and for soft tissue, and then bone.
# What lies far to the right is metal. The upright lines are the **window** of this course: its low end becomes black,
# 0, its high end white, 1, and what lies beyond is clipped. A second peak of air, or one at 1000, would say that some
# files were converted wrongly.
#
# Files keep neither gray values nor Hounsfield units, but *stored* numbers $s$, with a slope $a$ and an intercept $b$
# such that $h = a s + b$ is in Hounsfield units.

# %% [markdown] exercise="10a"
# **Exercise 10a.** Write the way from stored numbers to gray values in $[0, 1]$. `stored` has the shape (batch, 1,
# rows, columns), the other arguments are numbers, and the window `low` to `high` is in Hounsfield units.


# %% exercise="10a"
def window(stored, slope, intercept, low, high):
    ### BEGIN SOLUTION
    hu = slope * stored + intercept
    return ((hu - low) / (high - low)).clamp(0, 1)
    ### END SOLUTION


# %% exercise="10a" points=1
### BEGIN HIDDEN TESTS
check("10a", window, seed=1).require()
### END HIDDEN TESTS
check("10a", window)

# %% [markdown]
# > **Paper and authors' code differ.** The paper does not say how its slices were scaled. The authors' code takes each
# > slice from its own minimum to its own maximum, so that a piece of metal darkens the whole slice, and the same tissue
# > has another gray value in the next one. The `ct-chest` critics of this course follow the code, to compare with the
# > paper's table. For your own data take one window for all slices.
#
# ## 3 A method that only remembers
#
# Before we train anything, here is a method that learns nothing. It keeps all training slices, and answers with the
# one whose data fit best. It cannot reconstruct a patient whom it has never seen.
#
# We test it twice, on a quarter of the slices each time. The first time the slices are dealt out at random, the second
# time the patients.

# %%
predict(
    "10-leak",
    "The method that only remembers: how much higher is its PSNR when slices, not patients, are dealt out at random?",
    ["not higher", "about 1 dB", "more than 3 dB"],
)

# %%
file = Path(place.name, "mine.npz")
split = own_data.pack(folder, file, size=64, val=0.25, seed=0)  # by patient
data = np.load(file)
x, patients = ar.images.from_hounsfield(data["hu"]), data["patient_id"]
problem = ar.Problem(ar.RayTransform(size=64, angles=30), sigma=0.02)
y = problem.measure(x, generator=seed(1))


def remembered(train, test):
    """For each test slice the training slice whose data are nearest."""
    ways = torch.cdist(y[test].flatten(1), problem.A(x[train]).flatten(1))
    return x[train][ways.argmin(1)]


# %%
by_slice = np.random.default_rng(0).permutation(split)  # as many of each, but dealt out slice by slice
scores = {}
for name, parts in (("slices", by_slice), ("patients", split)):
    train, test = torch.from_numpy(parts == "train"), torch.from_numpy(parts == "val")
    scores[name] = ar.psnr(remembered(train, test), x[test]).mean().item()
    both = np.intersect1d(patients[train], patients[test])
    print(f"{name:9s} dealt out: {len(both):2d} patients are in both parts, PSNR {scores[name]:.1f} dB")
outcome("10-leak", f"{scores['slices'] - scores['patients']:.1f} dB higher when slices are dealt out.")

# %% [markdown]
# The first number does not measure how well the method reconstructs. It measures how well it knows its patients.
# Nothing in that experiment looks wrong: no slice is in both parts. But a slice has neighbours that resemble it. With
# 643 real slices of 55 patients the same cell gave 28.9 and 14.0 dB (data/study/patients.md).
#
# A network can remember too, less openly, and its table then reports its memory. So split by patient, or by
# photograph, or by whatever else makes images resemble each other.

# %% [markdown] exercise="10b"
# **Exercise 10b.** Write the split. `patients` is a tensor with the number of the patient of each image, `val` the
# share of the *patients* to report on, `seed` a number. Return the places (0, 1, 2, ...) of the images to train on and
# of those to report on.


# %% exercise="10b"
def split_places(patients, val, seed):
    ### BEGIN SOLUTION
    names = patients.unique()
    mixed = names[torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))]
    chosen = torch.isin(patients, mixed[: max(1, round(val * len(names)))])
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()
    ### END SOLUTION


# %% exercise="10b" points=2
### BEGIN HIDDEN TESTS
check("10b", split_places, seed=1).require()
### END HIDDEN TESTS
check("10b", split_places)

# %% [markdown]
# ## 4 Freeze the protocol
#
# `own_data.pack` has written one file: the slices, averaged down to 64x64 pixels, their patients, and the split. From
# now on nobody splits again. `python -m advreg_edu data pack PATH --out mine.npz` does it in a terminal, and the
# commands `train ct-chest-high --images mine.npz` and `tables 2 --images mine.npz` read that file. They read a folder
# as well, where it holds the patients as `train/PATIENT` and `val/PATIENT`. If its slices do not fit into memory,
# `train ... --stream` leaves them on disk, and the weights are the same.
#
# There is a third part. The weight of total variation has to be chosen somewhere, and on the patients that we report
# on it must not be. So a few training patients are held back for choices, and the critic does not see them.

# %%
names = np.unique(patients[split == "train"])
part = np.where(np.isin(patients, names[:4]), "choose", split)
x_train, x_choose, x_report = (x[part == name] for name in ("train", "choose", "val"))
for name in ("train", "choose", "val"):
    print(f"{name:7s}{(part == name).sum():4d} slices of {len(np.unique(patients[part == name])):2d} patients")

# %% [markdown]
# A hundred slices are few. **Augmentation** makes more of them: each is mirrored, turned a little, scaled and shifted.
# This is done after the split, and only to the part that is trained on.

# %%
x_more = poses.augment_pose(torch.cat([x_train, x_train.flip(-1)]), 3, seed(2), sharp=True)
print(f"{len(x_train)} slices became {len(x_more)}")
pictures.strip([x_more[k * 2 * len(x_train)] for k in range(4)], ["as it is", "turned", "and again", "and again"])

# %% [markdown]
# ## 5 A pilot
#
# Do not begin with a night of training. A **pilot** of half a minute shows whether the setting is right. The cell
# below is Algorithm 1 as in notebook 03. The noisy images keep three tenths of the noise on their real partners
# (`NoiseLeft`), which the study of this course found to help.

# %%
torch.manual_seed(0)
critic = ar.LocalCritic(channels=1, widths=(16, 32, 64), blocks_down=False)
pairs = training.NoiseLeft(training.Paired(problem, x_more), 0.3)
loss = training.Eq6BySlopes(training.default_gp_weight(pairs))
before = training.diagnose(critic, problem, x_choose)
steps = list(
    training.algorithm_1(critic, pairs, loss, steps=450, batch_size=4, learning_rate=3e-3, averaging=0.99, seed=0)
)
after = training.diagnose(critic, problem, x_choose)
curves = {"Wasserstein estimate": [s.wasserstein for s in steps], "slope": [s.gradient_norm for s in steps]}
charts.curves(curves, axis="step of the training")

# %%
print(f"before training, other patients:\n  {before}\nafter, other patients:\n  {after}")
print(f"after, patients trained on:\n  {training.diagnose(critic, problem, x_train)}")

# %% [markdown]
# Four numbers say go or stop. All but the last come from patients on whom the critic was *not* trained.
#
# | Number | Go | Stop, and look for |
# |---|---|---|
# | Wasserstein estimate | has grown, is below the mean distance | images and noise in different units |
# | slope | near 1, on the lines and at the noisy images | a penalty too weak or too strong |
# | cosine of $\nabla\Psi$ and the noise | above its value before training | real and noisy images changed over |
# | estimate on patients trained on | about that of the others | far higher: too few patients |
#
# The cosine is high before the first step already: a blur is built into `LocalCritic`, and the difference between an
# image and its blur points along the noise. So do not take a high cosine for a trained critic; compare with the first
# line.
#
# ## 6 The table
#
# Every run ends at its minimum, and the critic's $\lambda$ comes from the formula. That of total variation is chosen on
# the patients held back. The paper writes such a choice as two problems, one inside the other, (3) and (4): among
# functionals $f\in\mathcal F$ find
#
# $$ \min_{f\in\mathcal F}\; \sum_j \|\tilde x_j - x_j\|_2 \quad\text{where}\quad
#    \tilde x_j \in \arg\min_x \|Ax - y_j\|_2^2 + f(x). \tag{Eq. 4} $$
#
# Here $\mathcal F$ holds five multiples of TV. For each of them every image is reconstructed to the end.

# %%
y_choose, y_report = (problem.measure(part, seed(3)) for part in (x_choose, x_report))
score = lambda image, truth: ar.psnr(image.clamp(0, 1), truth)
grid = (0.002, 0.003, 0.004, 0.006, 0.009)
means = [score(ar.total_variation(problem, y_choose[::2], w), x_choose[::2]).mean().item() for w in grid]
tv_weight = grid[int(np.argmax(means))]
reg_weight = ar.weight_from_noise(problem).item()
weights = sum(parameter.numel() for parameter in critic.parameters())
print(f"TV: λ = {tv_weight}, after {len(grid) * len(x_choose[::2])} reconstructions; critic: λ = {reg_weight:.3f}")
print(f"the critic has {weights} weights")

# %% [markdown]
# One number of $f$ took forty reconstructions. The critic has a hundred thousand such numbers, and each step of its
# training would need reconstructions of its own. This is the paper's reason for another way: to tell two sets of
# images apart needs no reconstruction at all.

# %%
predict("10-lead", "By how many dB is the critic of this pilot ahead of total variation?", unit="dB")

# %%
tv = ar.total_variation(problem, y_report, tv_weight)
*_, last = ar.reconstruct(problem, y_report, critic, reg_weight, step_size="auto", steps=400, stop="gradient")
results = {"A†y": problem.naive(y_report), "TV": tv, "ours": last.x}
who = patients[split == "val"]
of_patient = lambda values: np.array([values[who == name].mean() for name in np.unique(who)])
table = {name: of_patient(score(image, x_report).numpy()) for name, image in results.items()}
print("method   mean   standard error   (PSNR in dB, over patients)")
for name, values in table.items():
    print(f"{name:6s} {values.mean():6.2f}   {values.std(ddof=1) / len(values) ** 0.5:6.2f}")
lead = table["ours"] - table["TV"]
error = lead.std(ddof=1) / len(lead) ** 0.5
outcome("10-lead", f"{lead.mean():.2f} ± {error:.2f} dB, ahead for {(lead > 0).sum()} of {len(lead)} patients.")

# %%
worst = int((score(last.x, x_report) - score(tv, x_report)).argmin())
pictures.strip(
    [x_report[worst], *(image[worst] for image in results.values())],
    ["truth", *(f"{name}, {score(image, x_report)[worst]:.1f} dB" for name, image in results.items())],
)

# %% [markdown]
# The errors of the methods are larger than the error of their difference, since some patients are hard for all
# methods. The difference is what you may report. The picture shows the slice on which our lead is smallest, not the
# one on which it is largest: a reader looks for the bad case, so show it first.
#
# Compare with section 3. With its slices dealt out at random, the method that only remembers had a higher PSNR than
# this critic. A table alone does not show who reconstructs.
#
# ## 7 The card
#
# Weights without a card are worthless in a year. A card says on what the network was trained, by which command, and
# what was measured, on whom. This cell writes it from the numbers above, so that it cannot say anything else.

# %%
sha256 = ar.pretrained.save_network(critic, Path(place.name, "mine.safetensors"))
card = f"""\
# mine: a critic for CT

| | |
|---|---|
| Data | {len(x_train)} slices of {len(np.unique(patients[part == "train"]))} patients (phantoms, computed) |
| Left out | {len(report.left_out)} files and {len(report.twins)} copy, see the report |
| Problem | {problem} |
| Training | Algorithm 1, {len(steps)} steps of 4 slices, seed 0; SHA-256 {sha256[:12]} |
| Measured | ours − TV = {lead.mean():.2f} ± {error:.2f} dB, {len(lead)} patients of `val`, one noise draw |
| Slope | {after.slope_noisy:.2f} on A†y of patients not trained on |
| Limits | one geometry, one noise level, one training; not for diagnosis |"""
print(card)

# %% [markdown]
# ## 8 Photographs, and arrays
#
# The same report works on a folder of photographs. Nothing in the file says whose they are, so each counts as its own
# patient. If several of yours show the same scene, put them into the same part by hand.

# %%
album = own_data.inspect(examples.photo_folder(Path(place.name, "photos")))
print(album)
album.sheet()

# %% [markdown]
# `ar.images.from_folder(path, n=16, size=48)` cuts random crops from the photographs of a folder. Split the *files*
# first and then cut: two crops of one photograph in both parts are the same mistake as two slices of one patient.
# `python -m advreg_edu train photos-minute --images PATH` trains on a folder, and holds back every eighth photograph
# for choices.
#
# Data that are in neither format come through NumPy. Save an array `hu` of the shape (n, rows, columns) in Hounsfield
# units and the list `patient_id` with `numpy.savez("mine.npz", hu=hu, patient_id=names)`. `inspect` and `pack` read it
# as they read a folder:

# %%
print(own_data.inspect(file))

# %% [markdown]
# ## 9 Your own scanner
#
# Any linear map will do. The course asks for two functions on batches, the map $A$ and its adjoint $A^*$, and for the
# shapes. Here is a scanner that cannot turn all the way round: it takes 60 of 90 views, an arc of 120 degrees.

# %%
full, views = ar.RayTransform(size=64, angles=90), 60
others_zero = lambda y: torch.nn.functional.pad(y, (0, 0, 0, 90 - views))  # no data at the other views


def some_views(x):
    return full(x)[:, :, :views].contiguous()


adjoint, inverse = lambda y: full.T(others_zero(y)), lambda y: full.pinv(others_zero(y))
limited = ar.LinearOperator(some_views, adjoint, (1, 64, 64), (1, views, full.range_shape[-1]), pinv=inverse)
weight = ar.weight_from_noise(ar.Problem(limited, sigma=0.02)).item()
print(f"dot test {ar.dot_test(limited):.1e}, norm {limited.norm:.3f}, λ {weight:.3f}")

# %% [markdown]
# The **dot test** draws a random $x$ and $y$ and compares $\langle Ax, y\rangle$ with $\langle x, A^*y\rangle$. It is
# zero, up to rounding, for the true adjoint. Without that, line 3 of Algorithm 2 is not a gradient, and the formula for
# $\lambda$ speaks of another scanner. `pinv` is $A^\dagger$, where Algorithm 2 starts and what the critic is shown. The
# paper asks for no more than some regularised inverse. If you give none, $A^*$ is taken.
#
# This scanner is in the course, too: `ar.RayTransform(64, 60, arc=math.radians(120))`. Its geometry comes from ODL and
# its rays from ASTRA. So do those of a **fan beam**, where the rays of one view come from a point.

# %%
fan = FanBeam(size=64, angles=60)
solved = lambda y: conjugate_gradients(lambda u: fan.T(fan(u)) + 1e-3 * u, fan.T(y))
y_fan = ar.Problem(fan, sigma=0.02).measure(x_report[:1], generator=seed(4))
print(f"a fan of {np.degrees(fan.fan_angle):.0f} degrees, dot test {ar.dot_test(fan):.1e}, norm {fan.norm:.3f}")
for name, image in (("filtered back-projection", fan.pinv(y_fan)), ("conjugate gradients", solved(y_fan))):
    print(f"{name}: {score(image, x_report[:1]).item():.1f} dB")

# %% [markdown]
# The filtered back-projection of a fan weighs each pixel by its distance from the source. Where nobody has found such a
# formula, $A^\dagger$ can still solve $(A^*A + \delta I)\,x = A^*y$ by conjugate gradients, as in the last line; that
# works for every operator.
#
# Operators of other libraries will do as well: `operators.from_deepinv(physics, shape)` takes a `LinearPhysics` of
# deepinv, and `A.as_deepinv()` and `A.as_odl()` lead the other way.

# %%
shown, titles = [x_report[0]], ["truth"]
for name, operator in (("120 degrees", limited), ("fan beam", fan)):
    scanner = ar.Problem(operator, sigma=0.02)
    y_own = scanner.measure(x_report[:1], generator=seed(4))
    images = {"A†y": scanner.naive(y_own), "TV": ar.total_variation(scanner, y_own, tv_weight)}
    for method, image in images.items():
        shown.append(image[0])
        titles.append(f"{name}, {method}, {score(image, x_report[:1]).item():.1f} dB")
pictures.strip(shown, titles)

# %% [markdown]
# With 120 degrees the edges along some directions are lost, and total variation cannot know where they were. A
# critic for such a scanner has to be trained on its $A^\dagger y$: the one above has seen other artefacts.

# %% [markdown] exercise="10c"
# **Exercise 10c.** A coarse detector gives the mean over blocks of `factor` times `factor` pixels, and no more. Write
# it as an operator for images (1, `size`, `size`), where `factor` divides `size`, and test it with `ar.dot_test`
# before you hand it in.


# %% exercise="10c"
def operator(size, factor):
    ### BEGIN SOLUTION
    forward = lambda x: torch.nn.functional.avg_pool2d(x, factor)
    adjoint = lambda y: y.repeat_interleave(factor, -1).repeat_interleave(factor, -2) / factor**2
    return ar.LinearOperator(forward, adjoint, (1, size, size), (1, size // factor, size // factor))
    ### END SOLUTION


# %% exercise="10c" points=2
### BEGIN HIDDEN TESTS
check("10c", operator, seed=1).require()
### END HIDDEN TESTS
check("10c", operator)

# %% [markdown]
# ## 10 How noisy is it?
#
# The formula for $\lambda$ needs $\sigma$, and nobody tells you $\sigma$. Scan the same object twice without moving
# it. Here are two such scans, from a scanner whose noise is not printed.

# %%
hidden = 0.01 + 0.03 * torch.rand(1, generator=seed(77)).item()
twice = ar.Problem(problem.A, hidden)
first, second = (twice.measure(x_report[:1], generator=seed(number)) for number in (5, 6))
difference = (first - second)[0].repeat_interleave(3, dim=1)  # as high as it is wide
kinds = ["sinogram", "sinogram", "signed"]
pictures.strip([first[0], second[0], difference], ["first scan", "second scan", "difference"], kinds)

# %% [markdown] exercise="10d"
# **Exercise 10d.** Estimate $\sigma$ from two scans of the same object.


# %% exercise="10d"
def noise_level(first, second):
    ### BEGIN SOLUTION
    return (first - second).std() / 2**0.5
    ### END SOLUTION


# %% exercise="10d" points=1
### BEGIN HIDDEN TESTS
check("10d", noise_level, seed=1).require()
### END HIDDEN TESTS
check("10d", noise_level)

# %% [markdown] exercise="10d" points=2
# **In your words.** Give `noise_level(first, second)` for the two scans above, and the $\lambda$ that the formula makes
# of it. How large would $\lambda$ be if you had taken the spread of one scan, `first.std()`, for $\sigma$? What would
# the reconstruction look like?
#
# <!-- BEGIN SOLUTION -->
# The estimate is 0.0187, and the formula makes $\lambda = 0.263$ of it. One scan spreads by 0.132, nearly all of it the
# patient, and $\lambda$ would be 1.86, seven times as large. The critic would then outweigh the data: the image loses
# its details, and its PSNR falls from 28.4 to 26.3 dB.
# <!-- END SOLUTION -->

# %% [markdown]
# ## 11 Break it on purpose: an adjoint that is nearly right
#
# A counting mistake: the adjoint puts the data of each view to a later one. All shapes agree, so nothing complains.

# %%
y_own = limited(x_report[:1])
for shift in (0, 1, 5):
    moved = lambda y, shift=shift: full.T(torch.nn.functional.pad(y, (0, 0, shift, 90 - views - shift)))
    A = ar.LinearOperator(some_views, moved, limited.domain_shape, limited.range_shape, pinv=inverse)
    run = list(ar.reconstruct(ar.Problem(A, 0.02), y_own, critic, 0.01, step_size=0.5, steps=120))
    terms = " -> ".join(f"{run[k].data_term.item():.3f}" for k in (0, 40, 120))
    quality = " -> ".join(f"{score(run[k].x, x_report[:1]).item():.1f}" for k in (0, 40, 120))
    print(f"{shift} views off: dot test {ar.dot_test(A):.0e}, data term {terms}, PSNR {quality} dB")

# %% [markdown]
# With one view off, the run looks like the right one, and no picture would tell you. The dot test does. With five views
# off, the data term falls at first and then rises: what the run follows is no longer the gradient of an objective. The
# usual reaction, a smaller step, does not touch the cause. How far the dot test is from 0 says nothing about the harm.
# Anything above rounding is wrong.
#
# ## 12 From here to many GPUs
#
# What exists today, and no more:
#
# | You have | You run |
# |---|---|
# | a laptop | the cells above, or `python -m advreg_edu train ct-minute` |
# | CT slices | `data pack PATH --out mine.npz`, then `train ct-chest-high --images mine.npz` |
# | photographs | `train photos-color --images PATH` |
# | one GPU | the same with `--device cuda`; tensors and operators of your own move with `.to("cuda")` |
# | a queue that stops jobs | the same with `--resume`: a checkpoint is written on the way, and on SIGTERM |
# | several GPUs | one training on all: `--device cuda --devices 4`; or independent ones, the next line |
# | a cluster | `sweep ct-minute --seeds 0 1 2 --task 1/3`, 2/3 and 3/3 as jobs; then `gather runs/sweep` |
# | several machines | `torchrun` or `srun` before `python -m advreg_edu train NAME --device cuda` |
# | a table with everything | `tables 2 --images mine.npz` (on the CPU) |
#
# Several devices share every batch, and their gradients are added before each step: the weights are those of one
# device, up to rounding. `lightning-fabric` starts the processes (`pip install lightning-fabric`). Two processes on a
# CPU are tested; how much faster several GPUs are has not been measured.
#
# ## 13 Capstone
#
# Choose a reconstruction problem of your own: a scanner that the course does not have, or a new kind of image, best
# both. Train a critic for it in ten minutes at most. Give total variation and a supervised network their best chance,
# on training images. Before you look at the results, write down one prediction. Hand in a notebook that another student
# runs with one command.
#
# | Row | 4 points | 2 points | 0 points |
# |---|---|---|---|
# | **operator** ★ | dot test, norm, λ against $2\sigma\lVert A\rVert_F$ | dot test | none |
# | **protocol** ★ | split by patient, nothing tuned on what is reported | one leak, named | a leak not named |
# | **training** | slope, estimate against its bound, three seeds | one seed | only the loss |
# | **evidence** | paired differences with errors, ten images, $\lVert Ax-y\rVert$ | means only | one picture |
# | **limits** | other noise or anatomy, worst disturbance, an invented structure | one of them | none |
#
# Twenty points; twelve pass. No points in a row with a star fail: a wrong adjoint or a leak makes every other number
# worthless.

# %% [markdown]
# ## Recap
#
# - Look first: what is in the folder, whose it is, what is left out and why.
# - Split by patient, choose on a part of its own, report paired differences on patients never used, and write the card.
# - Any linear map is a scanner, once the dot test is zero; its noise comes from two scans of one object.
#
# **Next:** your own problem, and the [index of equations](EQUATIONS.md) when you look for a formula again.
