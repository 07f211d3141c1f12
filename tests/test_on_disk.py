"""Images on disk: the same training as from memory, in memory that does not grow with the file."""

import os
import subprocess
import sys

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu.training import Eq6, OnDisk, Paired, WithIterates, algorithm_1, save_batches

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
