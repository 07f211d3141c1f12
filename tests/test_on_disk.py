"""Images on disk: the same training as from memory, in memory that does not grow with the file."""

import os
import subprocess
import sys
from dataclasses import replace

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu.__main__ import main
from advreg_edu.experiments import recipes, training_images
from advreg_edu.experiments.own_data import examples
from advreg_edu.training import Eq6, OnDisk, Paired, WithIterates, algorithm_1, mapped, save_batches

PROBLEM = ar.Problem(ar.Identity((1, 16, 16)), 0.1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return ar.images.ellipses(50, 16, seeded())


@pytest.fixture
def file(tmp_path, images):
    save_batches(tmp_path / "a.npy", 50, images.split(7))
    return tmp_path / "a.npy"


def trained(pairs, **changes):
    torch.manual_seed(0)
    critic = ar.LocalCritic(widths=(4, 8))
    list(algorithm_1(critic, pairs, Eq6(5.0), 6, 4, precision="float32", **changes))
    return torch.cat([p.detach().flatten() for p in critic.parameters()])


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: WithIterates(p, start=2, steps=4, step_size=0.1)])
def test_the_training_is_that_from_memory(file, images, wrap):
    """Bit for bit."""
    assert np.array_equal(np.load(file), images.numpy())
    assert torch.equal(trained(wrap(OnDisk.of(PROBLEM, file))), trained(wrap(Paired(PROBLEM, images))))


def test_it_resumes_and_tells_its_data_from_others(file, tmp_path, images):
    pairs = OnDisk.of(PROBLEM, file)
    steps = algorithm_1(ar.LocalCritic(widths=(4, 8)), pairs, Eq6(5.0), 6, 4, checkpoint=tmp_path / "a.checkpoint")
    next(steps)
    steps.close()
    save_batches(tmp_path / "b.npy", 50, [images.flip(-1)])
    with pytest.raises(ValueError, match="x_real: another one"):
        trained(OnDisk.of(PROBLEM, tmp_path / "b.npy"), checkpoint=tmp_path / "a.checkpoint", resume=True)


MEASURE = """
import sys
import advreg_edu as ar, psutil, torch
from advreg_edu.training import OnDisk
pairs = OnDisk.of(ar.Problem(ar.Identity((1, 256, 256)), 0.1), sys.argv[1])
for k in range(60):
    pairs.draw(8, torch.Generator().manual_seed(k))
print(psutil.Process().memory_info().rss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    """480 images drawn of 96 and of 960: the larger file has 227 MB more, the process at most a third of that."""
    used = []
    for count in (96, 960):
        x = torch.rand(96, 1, 256, 256, generator=seeded())
        save_batches(tmp_path / f"{count}.npy", count, (x for _ in range(count // 96)))
        env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        command = [sys.executable, "-c", MEASURE, tmp_path / f"{count}.npy"]
        used.append(int(subprocess.run(command, env=env, capture_output=True, check=True).stdout) / 1e6)
    assert used[1] < used[0] + 227 / 3


@pytest.mark.parametrize(
    "array, message",
    [
        (
            np.zeros((3, 1, 8, 8), np.float32),
            r"expected float32 images of shape \(N, 1, 16, 16\), got float32",
        ),
        (np.zeros((3, 1, 16, 16)), r"expected float32 images .* got float64 of shape \(3, 1, 16, 16\)"),
        (np.asfortranarray(np.zeros((3, 1, 16, 16), np.float32)), "expected float32 images .* column first"),
        (np.zeros((0, 1, 16, 16), np.float32), r"got float32 of shape \(0, 1, 16, 16\)"),
        ("no numbers", "expected an .npy file of images, got none that can be read"),
        ("", "expected an .npy file of images, got none that can be read"),
    ],
)
def test_files_that_are_none(tmp_path, array, message):
    path = tmp_path / "a.npy"
    if isinstance(array, str):
        path.write_text(array)
    else:
        np.save(path, array)
    with pytest.raises(ValueError, match=message):
        OnDisk.of(PROBLEM, path)


@pytest.mark.parametrize("damage", ["bright", "nan", "cut", "gone"])
def test_an_image_that_is_met_later_is_refused_by_its_file(tmp_path, damage):
    """Of 100 images 32 are looked at when the source is made: the second, or a file that changes, is met in a step."""
    array = np.full((100, 1, 16, 16), 0.5, np.float32)
    array[1] = dict(bright=7.0, nan=np.nan).get(damage, 0.5)
    path = tmp_path / "a.npy"
    np.save(path, array)
    pairs = OnDisk.of(PROBLEM, path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-2000])
    if damage == "gone":
        path.unlink()
    words = {"bright": "7 to 7 in image 1", "nan": "nan to nan in image 1"}.get(damage, "none that can be read")
    with pytest.raises(ValueError, match=rf"a\.npy: expected .*got {words}"):
        for k in range(100):
            pairs.draw(8, seeded(k))


def test_what_cannot_be_saved(tmp_path, images):
    with pytest.raises(ValueError, match="count: expected 50 images, as many as came, got 51"):
        save_batches(tmp_path / "a.npy", 51, [images])
    with pytest.raises(ValueError, match=r"batches: expected images \(B, C, H, W\) of shape \(B, 1, 16, 16\)"):
        save_batches(tmp_path / "a.npy", 100, [images, images[..., :8]])
    assert not list(tmp_path.iterdir())
    save_batches(tmp_path / "a.npy", 50, [images])
    with pytest.raises(FileExistsError, match=r"a\.npy: expected no such file, got one"):
        save_batches(tmp_path / "a.npy", 50, [images])
    with pytest.raises(ValueError, match=r"batches: expected intensities in \[0, 1\]"):
        save_batches(tmp_path / "b.npy", 50, [2 * images])


def test_mapped_images_are_those_that_came_and_leave_no_file(tmp_path, images):
    x = mapped(images.split(7), tmp_path / "new")
    assert torch.equal(x, images) and not list((tmp_path / "new").iterdir())
    with pytest.raises(ValueError, match="batches: expected at least one, got none"):
        mapped([], tmp_path)
    with pytest.raises(ValueError, match=r"batches: expected images \(B, C, H, W\) of shape \(B, 1, 16, 16\)"):
        mapped([images, images[..., :8]], tmp_path)


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """A folder of CT slices as archives deliver it; of the phantoms that come with real slices only four, 2 at once."""
    examples.dicom_folder(tmp_path / "scans" / "train", patients=6, slices=3, size=128)
    monkeypatch.setattr(training_images, "PHANTOMS", 4)
    monkeypatch.setattr(training_images, "FEW", 2)
    return tmp_path / "scans"


def test_phantoms_a_few_at_a_time_are_those_of_one_call():
    few, generator = training_images.FEW, seeded()
    parts = [ar.images.thorax(n, 16, generator) for n in (few, few, 5)]
    assert torch.equal(torch.cat(parts), ar.images.thorax(2 * few + 5, 16, seeded()))


@pytest.mark.filterwarnings("ignore:.*left out")  # of the folder, on purpose
@pytest.mark.parametrize("name", ["ct-chest-high", "ct-chest-low-unet"])
def test_the_command_streams_to_the_same_weights(name, scans, tmp_path, monkeypatch):
    asked, sizes = [], []

    def kept(few, folder):
        asked.append(folder)
        return mapped((sizes.append(len(x)) or x for x in few), folder)

    monkeypatch.setattr(recipes.recipe, "mapped", kept)
    network = (lambda: ar.UNet(1, (4, 4))) if name.endswith("unet") else lambda: ar.LocalCritic(1, (4, 4))
    monkeypatch.setitem(recipes.RECIPES, name, replace(recipes.RECIPES[name], network=network))
    out = [tmp_path / "runs" / f"{k}.safetensors" for k in "ab"]
    command = ["train", name, "--images", str(scans), "--steps", "3", "--batch-size", "2", "--out"]
    assert main([*command, str(out[0])]) == 0 and not asked
    assert main([*command, str(out[1]), "--stream"]) == 0
    assert sizes[-2:] == [2, 2]  # the phantoms
    assert asked == [tmp_path / "runs"] * 3 and out[0].read_bytes() == out[1].read_bytes()
    assert sorted(file.name for file in (tmp_path / "runs").iterdir()) == ["a.safetensors", "b.safetensors"]


def test_recipes_whose_memory_is_fixed_refuse_to_stream(tmp_path, capsys):
    for name in ("photos-color", "ct-thorax", "ct-chest-high-apart"):
        assert main(["train", name, "--stream", "--out", str(tmp_path / "a.safetensors")]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: --stream: expected one of ct-chest-high, ") and f"got {name}, whose" in said


LARGE = """
import resource
import advreg_edu as ar, torch
from advreg_edu.experiments.recipes.parts import chest_critic
from advreg_edu.training import Eq6BySlopes, NoiseLeft, Paired, algorithm_1
problem = ar.Problem(ar.RayTransform(512, 60), 0.02)
pairs = NoiseLeft(Paired(problem, torch.rand(8, 1, 512, 512)), 0.3)
list(algorithm_1(chest_critic(blocks_down=True), pairs, Eq6BySlopes(74.0), steps=1, batch_size=8))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs")
def test_512x512_trains_in_less_than_4_gb():
    """The critic of the tables, 8 images a step, 60 views: the matrix alone takes 0.5 GB."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", LARGE], capture_output=True, check=True)
    assert 0.5e6 < int(done.stdout) < 3.9e6


OWN = """
import sys
import advreg_edu as ar, torch
from advreg_edu.experiments import poses
from advreg_edu.training import Paired, mapped
few = lambda: (torch.rand(64, 1, 128, 128) for _ in range(int(sys.argv[1])))
x = mapped(poses.poses(mapped(few(), sys.argv[2]), 2, None, sharp=True), sys.argv[2])
pairs = Paired(ar.Problem(ar.Identity((1, 128, 128)), 0.1), x)
for k in range(60):
    pairs.draw(8, torch.Generator().manual_seed(k))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("RssAnon")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_its_own_does_not_grow_with_the_mapped_images(tmp_path):
    """25 and 252 MB, in three poses each: the process may hold a tenth of the difference."""
    free_at_once = {"MALLOC_MMAP_THRESHOLD_": "1000000"}  # else up to 100 MB of what was freed stay with the process
    used = []
    for count in ("2", "20"):
        env = (
            os.environ
            | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
            | free_at_once
        )
        done = subprocess.run([sys.executable, "-c", OWN, count, tmp_path], env=env, capture_output=True, check=True)
        used.append(int(done.stdout) / 1000)
    assert used[1] < used[0] + 23
