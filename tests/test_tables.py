"""Tables 1 and 2: protocol, averages, oracles that are called so, and the command that writes them."""

import csv
import math
import sys
import warnings
from dataclasses import replace
from types import SimpleNamespace

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu import pretrained
from advreg_edu.__main__ import main
from advreg_edu.baselines import TVMinimum
from advreg_edu.experiments import evaluation, extensions, ladder, methods, recipes, report, tables
from advreg_edu.experiments.evaluation import BATCH, Row, Sample, evaluate
from advreg_edu.experiments.methods import OVER_SLOPE, compare
from advreg_edu.experiments.recipes import as_written, baselines_as_written
from advreg_edu.training import Eq6, default_gp_weight


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def total_length(x):
    """A smooth relative of TV, as a critic."""
    return ((x.diff(dim=2) ** 2).flatten(1).sum(1) + (x.diff(dim=3) ** 2).flatten(1).sum(1) + 1e-6).sqrt()


def run(experiment, sample, draws=1, critic=total_length, slope=1.0):
    """The evaluation with a "U-Net" that changes nothing."""
    return evaluate(experiment, critic, lambda x: x, slope, sample, draws)


@pytest.fixture(autouse=True)
def without_bm3d(monkeypatch):
    """The tables as everybody has them, also where the package is installed."""
    monkeypatch.setattr(methods, "bm3d_version", lambda: None)


@pytest.fixture
def experiment():
    """Table 1 in small."""
    problem = lambda: ar.Problem(ar.Identity((3, 40, 40)), sigma=0.1)
    return replace(tables.EXPERIMENTS["1"][0], problem=problem, tv_weights=(0.05, 0.15))


@pytest.fixture
def sample():
    x = ar.images.photos(5, 40, seeded())
    return Sample(x[:3], np.array(["a", "b", "a"]), x[3:])


def test_every_method_has_a_row_and_the_papers_number(experiment, sample):
    found = run(experiment, sample, draws=2)
    rows, pictures = found.rows, found.pictures
    names = [row.method for row in rows]
    assert names[:5] == ["noisy", "TV", "U-Net", "ours", OVER_SLOPE]
    assert len(names) == 7 and all("(oracle)" in name for name in names[5:])
    assert [row.paper_psnr for row in rows[:4]] == [20.3, 26.3, 28.8, 28.2]
    assert list(pictures) == ["truth", *names[:5]] and pictures["TV"].shape == (3, 40, 40)
    noisy, unet = rows[0], rows[2]
    assert noisy.psnr == pytest.approx(20.2, abs=0.4) and unet.psnr == pytest.approx(noisy.psnr)
    assert unet.ssim < unet.authors_ssim  # a larger data range hides errors


def test_bm3d_is_a_row_where_it_is_installed(experiment, sample, monkeypatch):
    """With a stand-in for the package: one image at a time, channels last, sigma as it is, its version in the name."""
    calls = []

    def bm3d_rgb(image, sigma):
        calls.append((image.shape, sigma))
        return image / 2

    monkeypatch.setitem(sys.modules, "bm3d", SimpleNamespace(bm3d_rgb=bm3d_rgb))
    monkeypatch.setattr(methods, "bm3d_version", lambda: "4.0.3")
    found = run(experiment, sample, draws=2)
    assert [row.method for row in found.rows][:3] == ["noisy", "BM3D (4.0.3)", "TV"]
    assert calls == [((40, 40, 3), 0.1)] * 3  # slow: on one noise draw
    torch.testing.assert_close(found.pictures["BM3D (4.0.3)"], found.pictures["noisy"] / 2)
    assert not any("BM3D" in name for name in report.figure(found.pictures).alt.split(","))


def test_a_critic_of_another_scale_gives_the_same_with_the_weight_over_its_slope(experiment, sample):
    """Ours by the formula assumes slope 1; divided by the slope, lambda Psi does not change with the scale of Psi."""
    half = lambda x: total_length(x) / 2
    rows = [run(experiment, sample, 1, psi, slope).rows for psi, slope in ((total_length, 2.0), (half, 1.0))]
    whole, scaled = ({row.method: row.psnr for row in part} for part in rows)
    assert whole[OVER_SLOPE] == pytest.approx(scaled[OVER_SLOPE], abs=0.01)  # the rule is relative to lambda
    assert abs(whole["ours"] - scaled["ours"]) > 0.05


def test_an_oracle_is_never_below_what_it_is_the_oracle_of(experiment, sample):
    rows = {row.method: row for row in run(experiment, sample, draws=1).rows}
    for name in ("TV", "ours"):
        (oracle,) = [row for method, row in rows.items() if method.startswith(f"{name}, best")]
        assert oracle.psnr >= rows[name].psnr - 1e-4 and math.isnan(oracle.ssim)


def test_averages_are_per_patient(experiment, sample):
    """Patient a has two slices, b one: the mean is over patients, the authors' batch PSNR over slices."""
    rows = run(experiment, sample, draws=1).rows
    y = experiment.problem().measure(sample.x, seeded(0)).clamp(0, 1)
    a1, b, a2 = ar.psnr(y, sample.x).tolist()
    means = np.array([(a1 + a2) / 2, b])
    assert rows[0].psnr == pytest.approx(means.mean(), abs=1e-4)
    assert rows[0].psnr_error == pytest.approx(means.std(ddof=1) / 2**0.5, abs=1e-4)
    batch = -10 * math.log10((y - sample.x).square().mean())
    assert rows[0].batch_psnr == pytest.approx(batch, abs=1e-4)


def test_of_a_single_patient_there_is_no_standard_error(experiment, sample):
    rows = run(experiment, replace(sample, groups=np.array(["a"] * len(sample.x))), draws=1).rows
    assert all(math.isnan(row.psnr_error) and "nan" not in str(row) and "±" not in str(row) for row in rows)


def test_the_weight_of_tv_is_chosen_on_training_images_alone(experiment, sample):
    """The grid holds a weight that only suits flat images: flat training images choose it, against the reported."""
    experiment = replace(experiment, tv_weights=(0.1, 2.0))
    same, flat = (replace(sample, train=train) for train in (sample.x, torch.full((2, 3, 40, 40), 0.5)))
    tv = lambda sample: run(experiment, sample, draws=1).rows[1]
    assert tv(flat).psnr < tv(same).psnr - 1


def test_slow_methods_see_one_noise_draw_and_the_others_all(experiment, sample, monkeypatch):
    seen = []

    def counted(problem, y, weight, gap):
        seen.append(len(y))
        return TVMinimum(y, torch.full((len(y),), gap), 0)

    monkeypatch.setattr("advreg_edu.experiments.methods.minimise_tv", counted)
    rows = run(experiment, sample, draws=3).rows
    assert seen == [2, 2, 3, 3]  # both weights on the training images, then on the reported ones, once
    noisy, tv = rows[:2]  # what this "TV" returns is y: of one draw, and of three
    assert tv.psnr == pytest.approx(noisy.psnr, abs=0.1) and tv.psnr != noisy.psnr


def test_runs_end_by_the_rule_or_are_counted_at_the_limit(experiment, sample, monkeypatch):
    """Every run of ours is counted, those of both draws; with no steps to take none arrives, and nothing is warned."""
    methods = run(experiment, sample, draws=2).methods
    assert [len(torch.cat(method.endings.by_rule)) for method in (methods.ours, methods.over_slope)] == [6, 3]
    assert str(methods.ours.endings).startswith("6 of 6 runs ended by the rule, 0 at the limit, ")
    assert 0 < methods.tv.largest_gap <= 1e-4
    monkeypatch.setattr("advreg_edu.experiments.methods.STEPS", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        methods = run(experiment, sample).methods
    assert str(methods.ours.endings) == "0 of 3 runs ended by the rule, 3 at the limit, after 1 iterates in the mean"


def test_a_batch_gives_what_each_image_gives_alone(experiment, sample, monkeypatch):
    """Images that need different numbers of iterates: one that has arrived waits."""
    noise = 0.1 * torch.randn(1, 3, 40, 40, generator=seeded(1))  # the same for all: else it depends on the batch
    monkeypatch.setattr(ar.Problem, "measure", lambda problem, x, generator: x + noise)
    x = torch.cat([sample.x[:1], sample.x[:1] * 0.2, torch.full_like(sample.x[:1], 0.5)])
    together = run(experiment, replace(sample, x=x))
    alone = [run(experiment, Sample(one[None], np.array(["a"]), sample.train)) for one in x]
    steps_of = lambda part: torch.cat(part.methods.ours.endings.steps)
    steps = steps_of(together).tolist()
    assert steps == [int(steps_of(part)) for part in alone] and len(set(steps)) > 1
    score = lambda part: next(row.ssim for row in part.rows if row.method == "ours")
    mean = np.mean([score(part) for part in alone])
    assert score(run(experiment, replace(sample, x=x, groups=np.arange(3)))) == pytest.approx(mean, abs=1e-5)


def test_red_has_a_row_and_its_ends_are_counted(sample):
    """Table 2 in small."""
    problem = lambda: ar.Problem(ar.RayTransform(24, 12), sigma=0.02)
    small = replace(tables.EXPERIMENTS["2"][0], problem=problem, tv_weights=(0.003,), red_weights=(0.1, 0.3))
    x = ar.images.ellipses(4, 24, seeded())
    blur = lambda x: torch.nn.functional.avg_pool2d(x, 3, 1, 1)
    found = evaluate(small, total_length, blur, 1.0, Sample(x[:2], np.arange(2), x[2:]), 1)
    assert [row.method for row in found.rows][:5] == ["FBP", "FBP, Hann", "TV", "post-processing", "RED"]
    red = found.methods.red
    assert str(red.endings).startswith("2 of 2 runs ended by the rule") and red.weight in (0.1, 0.3)


def test_draws_must_be_a_count(capsys):
    assert main(["tables", "1", "--quick", "--draws", "0"]) == 2
    assert "draws: expected" in capsys.readouterr().err


def test_a_row_as_text_leaves_out_what_it_lacks():
    assert str(Row("TV (oracle)", 26.5, 0.31)) == "| TV (oracle) | 26.50 ± 0.31 |  |  |  |  |  |"
    full = Row("TV", 26.5, 0.31, 26.1, 0.731, 0.012, 0.84, 26.3, 0.836)
    assert str(full) == "| TV | 26.50 ± 0.31 | 26.10 | 0.731 ± 0.012 | 0.840 | 26.3 | 0.836 |"


@pytest.fixture
def tiny_recipes(monkeypatch, experiment):
    """The networks of the small Table 1, trained in a second, and none that ship."""
    problem = lambda: ar.Problem(ar.Identity((3, 16, 16)), sigma=0.1)
    images = lambda path, generator: ar.images.photos(8, 16, generator)
    loss = lambda pairs, seed: Eq6(default_gp_weight(pairs, seed))
    shared = dict(problem=problem, images=images, steps=3, batch_size=2)
    critic = recipes.Recipe(network=lambda: ar.LocalCritic(3, widths=(4, 4)), loss=loss, **shared)
    unet = recipes.Recipe(network=lambda: ar.UNet(3, widths=(4, 4)), **shared)
    monkeypatch.setitem(recipes.RECIPES, "photos-color", critic)
    monkeypatch.setitem(recipes.RECIPES, "photos-color-unet", unet)
    monkeypatch.setitem(tables.QUICK, "1", (experiment,))
    monkeypatch.setattr(tables, "_quick_sample", lambda number: Sample(*_small()))


def _small():
    x = ar.images.photos(4, 40, seeded())
    return x[:2], np.arange(2), x[2:]


def test_the_command_trains_what_is_missing_and_writes_table_and_picture(tiny_recipes, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pretrained, "names", list)
    monkeypatch.setattr(pretrained, "unet_names", list)
    assert main(["tables", "1", "--quick", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "28.2" in printed and "| ours |" in printed and "cos(∇Ψ, e)" in printed
    assert "runs ended by the rule" in printed and "relative duality gap at most" in printed
    assert 'Rows with one noise draw: "TV", "ours, λ / slope".' in printed
    names = {f"photos-color{which}-seed-0.safetensors" for which in ("", "-unet")}
    assert names <= {f.name for f in tmp_path.iterdir()}
    with (tmp_path / "table1-photos-color.csv").open(encoding="utf-8") as file:
        assert [line["method"] for line in csv.DictReader(file)][:4] == ["noisy", "TV", "U-Net", "ours"]
    assert (tmp_path / "table1-photos-color.png").read_bytes().startswith(b"\x89PNG")
    assert "paper: PSNR" in (tmp_path / "table1.md").read_text(encoding="utf-8")
    trained = {name: (tmp_path / name).stat().st_mtime_ns for name in names}
    assert main(["tables", "1", "--quick", "--out", str(tmp_path)]) == 0  # trained before: loaded now
    assert trained == {name: (tmp_path / name).stat().st_mtime_ns for name in names}


def test_retrain_with_another_seed_trains_other_networks(tiny_recipes, tmp_path, capsys):
    for seed in ("0", "1"):
        assert main(["tables", "1", "--quick", "--retrain", "--seed", seed, "--out", str(tmp_path)]) == 0
    first, second = (ar.load_critic(tmp_path / f"photos-color-seed-{seed}.safetensors") for seed in "01")
    x = ar.images.photos(1, 16, seeded())
    assert first(x) != second(x)


def test_without_images_the_command_says_what_it_needs(capsys):
    for number, word in (("1", "BSDS500"), ("2", "CT slices"), ("inpainting", "BSDS500"), ("bsd68", "BSDS500")):
        assert main(["tables", number]) == 2
        assert "--images: expected a" in (message := capsys.readouterr().err) and word in message


def test_published_numbers_stand_below_the_table_of_the_same_images_alone():
    full, quick = tables.EXPERIMENTS["bsd68"][0], tables.QUICK["bsd68"][0]
    assert "BM3D 28.57" in full.published and full.problem().A.domain_shape == (1, 321, 481)
    assert not quick.published and not tables.EXPERIMENTS["1"][0].published
    x = tables._quick_sample("bsd68").x
    assert x.shape == (BATCH, *quick.problem().A.domain_shape) and quick.problem().sigma == full.problem().sigma


def test_large_images_come_in_smaller_batches(experiment, sample, monkeypatch):
    """With what each image gives alone; the noise of a batch depends on where it begins."""
    sizes = []
    direct = lambda y: sizes.append(len(y)) or y
    monkeypatch.setattr(evaluation, "LARGEST", sample.x[0].numel() // 8)
    evaluate(experiment, total_length, direct, 1.0, sample, draws=1)
    assert sizes == [2, 1]


def test_phantoms_of_mri_are_made_and_no_images_taken(capsys, tmp_path):
    sample = tables._sample("mri", None)
    assert sample.x.shape == (32, 1, 128, 128) and sample.train.shape == (BATCH, 1, 128, 128)
    assert not any(torch.equal(x, other) for x in sample.x for other in sample.train)
    assert main(["tables", "mri", "--images", str(tmp_path)]) == 2
    assert "expected none for a recipe that makes its own images" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["inpainting", "mri"])
def test_what_the_naive_row_of_a_mask_is_called(number):
    problem = tables.EXPERIMENTS[number][0].problem()
    assert isinstance(problem.A, ar.Inpainting if number == "inpainting" else ar.FourierSampling)
    x = torch.rand(1, *problem.A.domain_shape, generator=seeded())
    rows = compare(problem, total_length, lambda x: x, 1.0, x, 1.0, (0.02,)).direct
    assert [row.name for row in rows] == (["harmonic fill"] if number == "inpainting" else ["A†y", "zero filling"])
    assert ar.psnr(rows[0].function(problem.measure(x, seeded())), x) > 0


@pytest.mark.parametrize("number", ["1", "2"])
def test_real_images_come_in_two_parts(number, shared):
    path = shared / "data" / ("bsds500" if number == "1" else "chest_ct_128.npz")
    sample = tables._sample(number, path)
    count = len(np.unique(sample.groups))
    assert sample.x.shape[1:] == ((3, 128, 128) if number == "1" else (1, 128, 128))
    assert count == (100 if number == "1" else 7) and len(sample.train) == BATCH


@pytest.mark.parametrize("number", ["1", "2"])
def test_the_ladder_has_a_row_for_each_change(number, tmp_path, capsys, monkeypatch):
    """By one command, in small; the critics are kept, and the last rung runs that of the one before by the rule."""
    monkeypatch.setattr(as_written, "BATCH_SIZE", 2)
    monkeypatch.setattr(ladder, "CHOSEN_ON", 2)
    monkeypatch.setattr(baselines_as_written, "TV_STEPS", 2)
    command = ["ladder", number, "--quick", "--steps", "2", "--side", "16", "--count", "2", "--out", str(tmp_path)]
    assert main(command) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    names = [line.split(" | ")[0][2:] for line in lines]
    before = ["TV", "the authors' TV"]
    assert names == [*before, *(rung.name for rung in as_written.rungs(number, None))]
    assert len(names) == len(set(names)) == 11 and len(list(tmp_path.glob("*.safetensors"))) == 8
    changes = {name: line.split(" | ")[3].strip() for name, line in zip(names, lines, strict=True)}
    psnrs = {name: float(line.split(" | ")[2]) for name, line in zip(names, lines, strict=True)}
    without = {name for name, change in changes.items() if not change}
    assert without == {*before, "the paper as written", "the authors' code"}
    gained = psnrs["pairs"] - psnrs["the paper as written"]  # against the paper, not the authors' row
    assert float(changes["pairs"]) == pytest.approx(gained, abs=0.016)
    assert (tmp_path / f"ladder{number}.md").read_text().count("\n| ") == len(names) + 1
    rows = extensions.kept(f"ladder{number}", tmp_path / f"ladder{number}.json")
    assert {row["rung"]: round(row["psnr"], 2) for row in rows} == psnrs and [row["rung"] for row in rows] == names
    monkeypatch.setattr(ladder, "reached", None)  # nothing is computed twice
    assert main(command) == 0 and capsys.readouterr().out.count("\n| ") == len(names) + 1


def test_the_authors_tv_is_the_anisotropic_one_with_a_black_boundary():
    """Nothing near x has a lower value of that functional, nor has the minimiser of ours."""
    problem, y = ar.Problem(ar.Identity((1, 12, 12)), 0.1), 0.5 + 0.3 * torch.rand(2, 1, 12, 12, generator=seeded())
    beyond = lambda x, dim: torch.cat([x, torch.zeros_like(x.narrow(dim, 0, 1))], dim)
    length = lambda x: sum(beyond(x, dim).diff(dim=dim).abs().sum() for dim in (2, 3))
    value = lambda x: (x - y).square().sum() + 0.2 * length(x)
    x = baselines_as_written.authors_tv(problem, y, 0.2, steps=3000)
    lowest = value(x).item()
    for k in range(20):
        assert lowest <= value(x + 0.02 * torch.randn(x.shape, generator=seeded(k))).item()
    assert lowest < value(ar.total_variation(problem, y, 0.2)).item()  # another functional


def test_every_question_of_the_extensions_is_answered():
    for name, (questions, _) in extensions.STUDIES.items():
        rows = extensions.kept(name)
        assert all(any(question.items() <= row.items() for row in rows) for question in questions())


def test_the_authors_red_is_ours_with_twice_the_weight():
    """Their descent, without the factor 2 in front of A*(Ax - y), ends in our fixed point for 2 lambda."""
    problem = ar.Problem(ar.RayTransform(16, 8), 0.02)
    y, darker = problem.measure(ar.images.thorax(1, 16, seeded()), seeded(1)), lambda x: x / 2
    x = problem.naive(y)
    for _ in range(3000):
        x = x - 0.5 * (problem.A.T(problem.A(x) - y) + 0.3 * (x - darker(x)))
    ours = ar.red(problem, y, darker, 2 * 0.3, tolerance=1e-5)
    assert torch.allclose(ours, x, atol=1e-4)


def test_the_paper_as_written_is_plain_adam_on_independent_draws():
    """Two steps of the recipe are Algorithm 1: a constant rate, no averaging, x_real and x_noisy of other images."""
    rung = as_written.rungs("1", lambda path, generator: ar.images.photos(6, 16, seeded()), 16)[0]
    recipe = replace(rung.recipe, steps=2, batch_size=3)
    ours, plain = recipe.network().double(), recipe.network().double()
    plain.load_state_dict(ours.state_dict())
    list(recipe.start(ours, None, seed=0, precision="float32"))
    x, problem = ar.images.photos(6, 16, seeded()).double(), recipe.problem()
    adam = torch.optim.Adam(plain.parameters(), lr=1e-4)
    for k in range(2):
        generator = seeded(k)
        x_real, other = (x[torch.randint(6, (3,), generator=generator)] for _ in range(2))
        x_noisy = other + problem.noise(3, generator, dtype=torch.float64)
        mix = torch.rand(3, 1, 1, 1, generator=generator)
        x_i = (mix * x_real + (1 - mix) * x_noisy).requires_grad_()
        (grad,) = torch.autograd.grad(plain(x_i).sum(), x_i, create_graph=True)
        penalty = (grad.flatten(1).norm(dim=1) - 1).relu().square().mean()
        adam.zero_grad()
        (plain(x_real).mean() - plain(x_noisy).mean() + 20 * penalty).backward()
        adam.step()
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-8)  # in double precision: Adam makes much of rounding


def test_rmsprop_is_adam_without_its_first_moment():
    """The authors' optimiser: the first steps apart, whose moments Adam corrects, the updates agree."""
    w = torch.nn.Parameter(torch.zeros(5)), torch.nn.Parameter(torch.zeros(5))
    adam = torch.optim.Adam(w[:1], lr=1e-2, betas=as_written.RMSPROP)
    rms = torch.optim.RMSprop(w[1:], lr=1e-2, alpha=as_written.RMSPROP[1])
    for _ in range(300):
        gradient, before = torch.randn(5, generator=seeded(_)), [p.detach().clone() for p in w]
        for p, optimiser in zip(w, (adam, rms), strict=True):
            p.grad = gradient
            optimiser.step()
    assert torch.allclose(w[0] - before[0], w[1] - before[1], rtol=1e-4)
