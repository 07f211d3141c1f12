"""The command line: help, doctor, train with its errors, Ctrl-C and resume, notebooks."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu import images, pretrained
from advreg_edu.__main__ import main
from advreg_edu.course import doctor, notebooks, site
from advreg_edu.experiments import recipes, train, training_images
from advreg_edu.hardware import cores, limits
from advreg_edu.training import Eq6, MeasuredElsewhere, default_gp_weight


@pytest.fixture
def small(monkeypatch):
    """A recipe that trains in a second, under the name of a real one."""
    recipe = recipes.Recipe(
        problem=lambda: ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1),
        images=lambda path, generator: torch.rand(8, 1, 16, 16, generator=generator),
        network=lambda: ar.LocalCritic(channels=1, widths=(4, 4)),
        loss=lambda pairs, seed: Eq6(default_gp_weight(pairs, seed)),
        steps=6,
        batch_size=2,
        settings=dict(checkpoint_every=2),
    )
    monkeypatch.setitem(recipes.RECIPES, "ct-thorax", recipe)
    return recipe


def interrupt_after(monkeypatch, count):
    """Ctrl-C when `count` steps have been shown."""
    watch = train._watch

    def interrupted(steps, total, title):
        for _ in zip(range(count), steps, strict=False):
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "_watch", interrupted)
    return lambda: monkeypatch.setattr(train, "_watch", watch)


def same(file, other):
    """Do two files hold the same weights, bit by bit?"""
    a, b = (ar.load_critic(f).state_dict() for f in (file, other))
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_help_lists_the_commands():
    shown = subprocess.run([sys.executable, "-m", "advreg_edu", "--help"], capture_output=True, text=True, check=True)
    assert all(command in shown.stdout for command in ("doctor", "train", "notebooks"))


@pytest.mark.parametrize("command", ["site", "slides"])
def test_an_unknown_notebook_is_one_line(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(site, "_runtime", lambda root: tmp_path)
    assert main([command, "99", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: NOTEBOOK: expected some of 00, 01") and said.endswith(", got 99.\n")
    assert not (tmp_path / "out").exists()


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and ar.__version__ in capsys.readouterr().out


def test_an_unknown_critic_lists_those_there_are(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "ct-abdomen"])
    assert stop.value.code == 2
    assert "ct-thorax" in capsys.readouterr().err


def test_every_network_that_ships_has_a_recipe_and_every_recipe_ships_but_those_of_a_minute_and_of_the_study():
    lasting = [name for name in recipes.RECIPES if not name.endswith(("-minute", "-apart", "-unpaired"))]
    assert sorted(lasting) == sorted(pretrained.names() + pretrained.unet_names())


def test_a_shipped_network_is_built_as_its_recipe_says():
    for name in recipes.RECIPES.keys() & {*pretrained.names(), *pretrained.unet_names()}:
        load = pretrained.load_unet if name.endswith("-unet") else ar.load_critic
        shipped, made = load(name), recipes.RECIPES[name].network()
        assert type(shipped) is type(made) and shipped.arguments == made.arguments, name


def test_an_unpaired_training_sees_of_the_others_their_measurements_alone(small, tmp_path, monkeypatch):
    seen = []

    def watched(source):
        seen.append(source)
        return source

    others = lambda path, generator: torch.full((5, 1, 16, 16), 0.5)
    monkeypatch.setitem(recipes.RECIPES, "ct-thorax", replace(small, pairs=watched, measured=others))
    assert main(["train", "ct-thorax", "--out", str(tmp_path / "critic.safetensors")]) == 0
    (source,) = seen
    assert type(source) is MeasuredElsewhere
    tensors = {name: tuple(value.shape) for name, value in vars(source).items() if isinstance(value, torch.Tensor)}
    assert tensors == dict(x_real=(8, 1, 16, 16), measurements=(5, 1, 16, 16))
    assert 0.05 < (source.measurements - 0.5).std() < 0.15  # y = x + e of the others, sigma 0.1


def test_half_of_the_patients_give_images_and_the_others_measurements(tmp_path, monkeypatch):
    """Slices of patient k have gray level k / 20, but for two pixels that fix the scale; 0 and 8 are held back."""
    hu = np.stack([np.full((128, 128), 50 * k) for k in range(16)]).astype(np.int16)
    hu[:, 0, 0], hu[:, 0, 1] = 0, 1000
    names, file = np.array([f"{k:02d}" for k in range(16)]), tmp_path / "slices.npz"
    np.savez(file, hu=hu, patient_id=names, split=np.array(["train"] * 16))
    monkeypatch.setattr(images, "thorax", lambda n, size, generator: torch.empty(0, 1, size, size))
    recipe = recipes.RECIPES["ct-chest-high-apart"]
    halves = []
    for make in (recipe.images, recipe.measured):
        x = make(file, torch.Generator().manual_seed(0))
        halves.append({round(20 * float(level)) for level in x[:, 0, 64, 64]})
    assert not halves[0] & halves[1] and halves[0] | halves[1] == set(range(16)) - {0, 8}


def test_each_patient_gives_as_many_poses(tmp_path, monkeypatch):
    """Patient 1 has one slice, patient 2 thirty; their gray levels say whose a pose is. Patient 0 is held back."""
    counts = {0: 1, 1: 1, 2: 30}
    hu = np.concatenate([np.full((n, 128, 128), 50 + 100 * k) for k, n in counts.items()]).astype(np.int16)
    hu[:, 0, 0], hu[:, 0, 1] = 0, 1000
    whose = np.repeat([str(k) for k in counts], list(counts.values()))
    np.savez(tmp_path / "slices.npz", hu=hu, patient_id=whose, split=np.array(["train"] * len(hu)))
    monkeypatch.setattr(images, "thorax", lambda n, size, generator: torch.empty(0, 1, size, size))
    x = training_images.slices(half=1, even=True)(tmp_path / "slices.npz", torch.Generator().manual_seed(0))
    assert len(x) == 2 * 30 * 6 and x[:, 0, 64, 64].min() > 0.2, "the poses are of the half's own patients"
    for even, expected in ((False, 1 / 31), (True, 1 / 2)):
        x = training_images.slices(even=even)(tmp_path / "slices.npz", torch.Generator().manual_seed(0))
        poses = x[2 * 31 :, 0, 64, 64]
        assert len(poses) == 5 * 2 * 31
        assert (poses < 0.2).float().mean().item() == pytest.approx(expected, abs=0.08)


def test_phantoms_in_windows_show_flesh_dark_and_bright(monkeypatch):
    """Water is 0.29 in a window up to 2400 HU and 0.63 in one up to 600; metal beyond the window is white."""
    flesh = torch.zeros(200, 1, 16, 16)
    flesh[:, :, 0, 0], flesh[:, :, 0, 1] = -1024, 3071
    monkeypatch.setattr(images, "thorax_hu", lambda n, size, generator: flesh)
    make = recipes.RECIPES["ct-thorax"].images
    x = make(None, torch.Generator().manual_seed(0))
    level = x[:, 0, 8, 8]
    assert 1000 / 3400 <= level.min() < 0.31 and 0.6 < level.max() <= 1000 / 1600
    assert (x[:, 0, 0, 0] == 0).all() and (x[:, 0, 0, 1] == 1).all()
    assert torch.equal(x, make(None, torch.Generator().manual_seed(0)))


def test_train_saves_a_critic_and_prints_its_hash(small, tmp_path, capsys):
    out = tmp_path / "made" / "critic.safetensors"
    assert main(["train", "ct-thorax", "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert hashlib.sha256(out.read_bytes()).hexdigest() in shown.out
    assert "minutes" in shown.out and "wasserstein" in shown.err and "gradient norm" in shown.err
    assert ar.load_critic(out).arguments == small.network().arguments
    assert not out.with_suffix(".checkpoint").exists()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small, tmp_path):
    files = [tmp_path / f"{k}.safetensors" for k in range(3)]
    for out, seed in zip(files, "001", strict=True):
        assert main(["train", "ct-thorax", "--out", str(out), "--seed", seed]) == 0
    assert same(files[0], files[1]) and not same(files[0], files[2])


def test_training_leaves_the_global_generator_alone(small, tmp_path):
    before = torch.get_rng_state()
    main(["train", "ct-thorax", "--out", str(tmp_path / "a.safetensors")])
    assert torch.equal(torch.get_rng_state(), before)


def test_ctrl_c_says_how_to_resume_and_resuming_gives_the_uninterrupted_result(small, tmp_path, monkeypatch, capsys):
    whole, halved = tmp_path / "whole.safetensors", tmp_path / "halved.safetensors"
    main(["train", "ct-thorax", "--out", str(whole)])
    undo = interrupt_after(monkeypatch, 3)
    assert main(["train", "ct-thorax", "--out", str(halved)]) == 130
    assert "--resume" in capsys.readouterr().err
    assert not halved.exists()
    undo()
    assert main(["train", "ct-thorax", "--out", str(halved)]) == 2, "a checkpoint must not be overwritten unasked"
    assert "--resume" in capsys.readouterr().err
    assert main(["train", "ct-thorax", "--out", str(halved), "--resume"]) == 0
    assert same(halved, whole)
    assert main(["train", "ct-thorax", "--out", str(halved), "--seed", "1"]) == 2
    assert "finished training" in capsys.readouterr().err and same(halved, whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ct-thorax", "--resume"], "expected a checkpoint file"),
        (["ct-thorax", "--steps", "0"], "--steps: expected"),
        (["ct-thorax", "--batch-size", "-1"], "--batch-size: expected"),
        (["ct-thorax", "--device", "toaster"], "--device: expected a device that torch can use"),
        (["ct-thorax", "--device", "meta"], "--device: expected a device that torch can use"),
        (["ct-thorax", "--seed", "9" * 30], "--seed: expected at most"),
        (["ct-thorax", "--seed", "-1"], "--seed: expected at least 0"),
        (["ct-thorax", "--steps", "9" * 400], "--steps: expected at most"),
        (["ct-thorax", "--batch-size", "9" * 12], "--batch-size: expected at most"),
        (["ct-minute", "--images", "photographs"], "--images: expected none"),
        (["photos-color"], "--images: expected a folder of photographs"),
        (["photos-color", "--images", "no-such-folder"], "no-such-folder"),
    ],
)
def test_bad_arguments_are_refused_with_a_fix(small, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("*")), "nothing may be written before the arguments are known to be good"


def test_an_output_of_another_type_is_refused(small, tmp_path, capsys):
    assert main(["train", "ct-thorax", "--out", str(tmp_path / "critic.pt")]) == 2
    assert "ends in .safetensors" in capsys.readouterr().err


def test_an_output_below_a_file_is_refused(small, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["train", "ct-thorax", "--out", str(tmp_path / "file" / "critic.safetensors")]) == 2
    assert "error:" in capsys.readouterr().err


def test_doctor_finds_nothing_broken_here(capsys):
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert all(what in shown for what in ("Python", "torch", "threads", "memory", "weights", "ASTRA", "browser"))
    assert "Ready." in shown and "BROKEN" not in shown


def test_doctor_fails_with_a_fix_for_damaged_weights(monkeypatch, tmp_path, capsys):
    for file in pretrained.folder().iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    damaged = tmp_path / "ct-thorax.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(pretrained, "folder", lambda: tmp_path)
    assert main(["doctor"]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("BROKEN"))
    assert "SHA-256" in line and "Fix: git checkout -- data/ct-thorax.safetensors" in line


def test_doctor_goes_on_after_a_check_that_raises(monkeypatch):
    def _weights():
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(doctor, "_weights", _weights)
    findings = doctor.examine()
    assert [f.what for f in findings if f.broken] == ["weights"]
    assert findings[-1].what == "browser"


def test_doctor_says_which_version_is_wanted(monkeypatch):
    from packaging.requirements import Requirement

    monkeypatch.setattr(doctor, "requirements", lambda: [Requirement("torch>=99"), Requirement("no-such-thing>=1")])
    lines = [str(f) for f in doctor.examine() if f.broken]
    assert 'Fix: pip install "torch>=99"' in lines[0]
    assert 'not installed. Fix: pip install "no-such-thing>=1"' in lines[1]


def test_limits_of_a_container_are_those_binder_states(monkeypatch):
    monkeypatch.setenv("CPU_LIMIT", "0.5")
    monkeypatch.setenv("MEM_LIMIT", str(2**20))
    assert limits.cpu_limit() == 0.5
    assert limits.memory_limit() == 2**20
    notes = {f.what: str(f) for f in doctor.examine() if f.fix}
    assert "2 GB" in notes["memory"]


def test_doctor_says_threads_policy_and_whether_the_cores_are_free(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    monkeypatch.setattr(limits, "cpu_limit", lambda: 2)
    monkeypatch.setattr(cores, "measure_share", lambda: 0.25)
    found = {f.what: str(f) for f in doctor.examine()}
    assert found["threads"].startswith("note") and "at most 3 for 2 cores" in found["threads"]
    assert "GOMP_SPINCOUNT=7" in found["threads"]
    assert found["cores"].startswith("note") and "25%" in found["cores"] and "4.0 times" in found["cores"]
    monkeypatch.setattr(cores, "measure_share", lambda: 0.95)
    assert {f.what: str(f) for f in doctor.examine()}["cores"].startswith("ok")


SOURCE = """# ---
# jupyter:
#   kernelspec: {display_name: Another, language: python, name: another}
# ---

# %% [markdown]
# # A title with Ψ

# %% tags=["app"]
x = 1

# %%
x = 1
# %%
x = 1
"""


@pytest.fixture
def course(tmp_path):
    (tmp_path / notebooks.SOURCE).mkdir(parents=True)
    (tmp_path / notebooks.SOURCE / "00_a.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_a_generated_notebook_is_clean_and_always_the_same(course):
    path, whole = notebooks.write(course)
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert path == course / "notebooks" / "00_a.ipynb" and whole == course / "notebooks" / "solutions" / "00_a.ipynb"
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code", "code", "code"]
    assert "Ψ" in text and notebook["cells"][1]["metadata"] == {"tags": ["app"]}
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in notebook["cells"][1:])
    assert len({cell["id"] for cell in notebook["cells"]}) == 4
    assert notebooks.generate(course / notebooks.SOURCE / "00_a.py") == text


def test_ids_of_other_cells_stay_when_a_cell_is_added(course):
    source = course / notebooks.SOURCE / "00_a.py"
    before = [cell["id"] for cell in json.loads(notebooks.generate(source))["cells"]]
    source.write_text(SOURCE.replace("# %% tags", "# %%\ny = 2\n\n# %% tags"), encoding="utf-8")
    after = [cell["id"] for cell in json.loads(notebooks.generate(source))["cells"]]
    assert [before[0], *after[2:]] == before


def test_stale_notebooks_are_those_changed_missing_or_without_a_source(course):
    assert [path.name for path in notebooks.stale(course)] == [
        "00_a.ipynb",
        "00_a.ipynb",
    ]  # missing, with solutions too
    path, _ = notebooks.write(course)
    assert notebooks.stale(course) == []
    path.write_text(path.read_text(encoding="utf-8").replace("x = 1", "x = 2"), encoding="utf-8")
    (course / "notebooks" / "old.ipynb").write_text("{}", encoding="utf-8")
    assert [path.name for path in notebooks.stale(course)] == ["00_a.ipynb", "old.ipynb"]


def test_without_sources_the_message_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="notebooks/source/: expected in a checkout"):
        notebooks.targets(tmp_path)


def test_a_training_that_broke_down_warns_once(small, tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "ct-thorax", replace(small, learning_rate=30.0))
    with pytest.warns(RuntimeWarning, match="Training broke down by step .*: expected a slope") as seen:
        assert main(["train", "ct-thorax", "--out", str(tmp_path / "broken.safetensors")]) == 0
    assert len(seen) == 1
