"""A sweep: its jobs, each done once by whichever task, and its table."""

import json

import advreg_edu as ar
import pytest
import torch
from advreg_edu.__main__ import main
from advreg_edu.experiments import sweep
from advreg_edu.experiments.recipes import RECIPES
from advreg_edu.experiments.recipes.parts import by_slopes
from advreg_edu.experiments.recipes.recipe import Recipe


@pytest.fixture
def tiny(monkeypatch):
    """Recipes that train in a moment: for CT and for denoising."""
    for name, A in (("ct-minute", ar.RayTransform(16, 6, "hann")), ("photos-minute", ar.Identity((1, 16, 16)))):
        recipe = Recipe(
            problem=lambda A=A: ar.Problem(A, 0.1),
            images=lambda path, generator: ar.images.ellipses(8, 16, generator),
            network=lambda: ar.LocalCritic(widths=(4, 4)),
            loss=by_slopes,
            steps=3,
            batch_size=2,
        )
        monkeypatch.setitem(RECIPES, name, recipe)
    monkeypatch.setattr(sweep, "STEPS", 5)
    monkeypatch.setattr(sweep, "COUNT", 2)


def command(folder, *more):
    return main(["sweep", "ct-minute", "--seeds", "0", "1", "--sigmas", "0.1", "0.05", "--out", str(folder), *more])


@pytest.mark.parametrize("n", [1, 2, 3, 5, 12, 20])
def test_tasks_share_the_jobs(n):
    """Each job is in one task, and tasks differ by one job at most."""
    jobs = sweep.jobs_of("ct-minute", range(3), [0.01, 0.02], [30, 60])
    parts = [sweep.part_of(jobs, f"{i}/{n}") for i in range(1, n + 1)]
    assert sorted(job.stem for part in parts for job in part) == sorted(job.stem for job in jobs)
    assert len({job.stem for job in jobs}) == 12
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_job_is_its_recipe_with_another_scan(tiny):
    """Noise level and angles are the job's, the filter and all else the recipe's; None leaves the recipe as it is."""
    recipe = sweep.Job("ct-minute", 4, 0.03, 9).recipe()
    assert recipe.problem().A.range_shape[1] == 9 and recipe.problem().A.filter == "hann"
    assert recipe.problem().sigma == 0.03 and recipe.steps == RECIPES["ct-minute"].steps
    same = sweep.Job("ct-minute", 4, None, None).recipe().problem()
    assert same == RECIPES["ct-minute"].problem()


def test_a_sweep_in_two_tasks_is_a_sweep_in_one(tiny, tmp_path, capsys):
    """The same weights and the same table, but for the minutes; what is not there yet is named."""
    two, one = tmp_path / "two", tmp_path / "one"
    assert command(two, "--task", "1/2") == 0
    assert main(["gather", str(two)]) == 0
    table = capsys.readouterr().out
    assert "Not there yet: ct-minute-seed-0-sigma-0.05, ct-minute-seed-1-sigma-0.05\n" in table
    assert command(two, "--task", "2/2") == 0 and command(one) == 0
    assert sorted(f.name for f in two.iterdir()) == sorted(f.name for f in one.iterdir())
    for file in one.glob("*.safetensors"):
        assert file.read_bytes() == (two / file.name).read_bytes()
    rows = [sweep.gather(folder).splitlines() for folder in (one, two)]
    assert [row.split("|")[:9] for row in rows[0]] == [row.split("|")[:9] for row in rows[1]]
    assert len(rows[0]) == 4 and rows[0][2].startswith("| ct-minute | 0.05 | 6 | 2 |") and "±" in rows[0][2]


def test_a_sweep_goes_on_where_it_was(tiny, tmp_path, monkeypatch, capsys):
    """After Ctrl-C in a training, and after a training that was not measured yet; what is done is left alone."""
    watch = sweep.train_recipe
    seen = []

    def interrupted(recipe, title, *more, **changes):
        seen.append(title)
        return 130 if len(seen) == 2 else watch(recipe, title, *more, **changes)

    monkeypatch.setattr(sweep, "train_recipe", interrupted)
    assert command(tmp_path) == 130
    (tmp_path / f"{seen[0]}.json").unlink()
    assert command(tmp_path) == 0
    names = [job.stem for job in sweep.jobs_of("ct-minute", [0, 1], [0.1, 0.05])]
    assert seen == [names[0], names[1], *names[1:]]
    assert main(["sweep", "ct-minute", "--seeds", "7", "--steps", "4", "--out", str(tmp_path)]) == 2
    assert "expected trainings with {'steps': 4}, got one with {}, ct-minute-seed-0" in capsys.readouterr().err


def test_it_measures_on_images_that_no_training_has_seen(tiny, tmp_path, monkeypatch):
    """Phantoms of another seed, or the part held back; the result says what it measured."""
    asked = []
    chest = lambda path, part: asked.append(part) or (torch.rand(5, 1, 16, 16), None)
    monkeypatch.setattr(sweep.datasets, "chest", chest)
    problem = RECIPES["ct-minute"].problem()
    assert sweep.held_back(problem, "slices.npz").shape == (2, 1, 16, 16) and asked == ["dev"]
    assert torch.equal(sweep.held_back(problem, None), sweep.held_back(problem, None))
    assert main(["sweep", "photos-minute", "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "photos-minute-seed-0.json").read_text())
    assert found["angles"] is None and found["sigma"] == 0.1 and 0 < found["psnr"] < 60 and found["iterates"] <= 5


def test_minutes_that_nobody_counted_are_not_reported(tiny, tmp_path, monkeypatch):
    """A job that was interrupted counts for every mean but that of the minutes."""
    alone = ["sweep", "ct-minute", "--seeds", "0", "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "load_critic", lambda file: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            main(alone)
    assert main(alone) == 0 and sweep.gather(tmp_path).splitlines()[2].endswith("|  |")
    assert main([*alone[:3], "1", *alone[4:]]) == 0
    row = sweep.gather(tmp_path).splitlines()[2].split("|")
    assert row[4].strip() == "2" and "±" in row[6] and float(row[9]) >= 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["sweep", "ct-minute", "--task", "0/2"],
            "error: --task: expected i/n with i from 1 to n, such as 2/8",
        ),
        (["sweep", "ct-minute", "--task", "2"], "error: --task: expected i/n"),
        (["sweep", "ct-minute", "--sigmas", "-1"], "error: --sigmas: expected a finite number above 0, got -1"),
        (["sweep", "ct-minute", "--sigmas", "0.1", "0"], "--sigmas: expected a finite number above 0, got 0. Without"),
        (
            ["sweep", "photos-minute", "--angles", "30"],
            "error: --angles: expected a recipe for CT, got",
        ),
        (["sweep", "ct-thorax-unet"], "error: NAME: expected a recipe of a critic, got ct-thorax-unet"),
        (["sweep", "ct-minute", "--seeds", "-1"], "error: --seeds: expected at least 0, got -1"),
        (["sweep", "ct-minute", "--device", "nowhere"], "error: --device: expected a device that torch can use"),
        (["gather", "nowhere"], "error: FOLDER: expected the results of a sweep, *.json, got none in nowhere"),
    ],
)
def test_what_is_no_sweep(tiny, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.safetensors"))
