"""Trainings from the command line that are killed, doubled, or have no room: what is finished or kept is never lost.

`KILLS=20 python -m pytest tests/test_killed.py` kills as often with each signal; by default 2 times.
"""

import errno
import hashlib
import io
import multiprocessing
import os
import random
import re
import signal
import stat
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import advreg_edu as ar
import pytest
import torch
from advreg_edu.__main__ import main
from advreg_edu._input import files as _files
from advreg_edu.experiments import recipes
from advreg_edu.hardware import cores
from advreg_edu.training import Eq6, default_gp_weight

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")
KILLS = int(os.environ.get("KILLS", 2))
STEPS = 30


def small(steps=STEPS, images=None):
    """A recipe of a second, under the name of a real one."""
    recipes.RECIPES["ct-minute"] = recipes.Recipe(
        problem=lambda: ar.Problem(ar.Identity((1, 16, 16)), sigma=0.1),
        images=images or (lambda path, generator: torch.rand(8, 1, 16, 16, generator=generator)),
        network=lambda: ar.LocalCritic(channels=1, widths=(4, 4)),
        loss=lambda pairs, seed: Eq6(default_gp_weight(pairs, seed)),
        steps=steps,
        batch_size=2,
        settings=dict(checkpoint_every=5),
    )


def train(folder, arguments, report, prepare=None, steps=STEPS):
    """In a process of its own: the command in `folder`; its status and words into the file `report`."""
    os.chdir(folder)
    small(steps)
    if prepare:
        prepare()
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["train", "ct-minute", *arguments])
    report.write_text(f"{status}\n{out.getvalue()}\n{err.getvalue()}")


@pytest.fixture(scope="module")
def processes():
    """Processes that start in a hundredth of a second, from one that has imported everything and computed nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["advreg_edu.experiments.train", "advreg_edu.__main__", "pytest", "tqdm"])
    return context


@pytest.fixture
def start(processes, tmp_path):
    """start(*arguments of the command): the process. Ends those that are left."""
    started = []

    def begin(*arguments, **options):
        report = tmp_path / f"report{len(started)}"
        process = processes.Process(target=train, args=(tmp_path, arguments, report), kwargs=options)
        process.start()
        process.report = report
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.join()


def said(process):
    """Exit status and words of a process that has ended."""
    process.join(60)
    assert process.exitcode == 0, "the command itself must end, with a status"
    status, _, words = process.report.read_text().partition("\n")
    return int(status), words


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The SHA-256 of the same training without any trouble."""
    folder, before = tmp_path_factory.mktemp("whole"), os.getcwd()
    with pytest.MonkeyPatch.context() as patch, cores.one_thread():
        patch.setitem(recipes.RECIPES, "ct-minute", None)
        try:
            train(folder, [], folder / "report")
        finally:
            os.chdir(before)
    return digest(folder / "runs" / "ct-minute.safetensors")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_killed_training_goes_on_to_the_same_weights(start, tmp_path, uninterrupted, number):
    """At random moments; the same command, with --resume where a checkpoint is there, until it ends by itself."""
    luck, runs = random.Random(int(number)), tmp_path / "runs"
    out, checkpoint = runs / "ct-minute.safetensors", runs / "ct-minute.checkpoint"
    for kill in range(KILLS + 1):
        resume = ["--resume"] if checkpoint.exists() else []
        process = start(*resume)
        if kill == KILLS:
            assert said(process)[0] == 0
            break
        wait_for(lambda: (runs / "ct-minute.checkpoint.lock").exists() or not process.is_alive())  # noqa: B023
        time.sleep(luck.uniform(0, 1.0 / KILLS))
        os.kill(process.pid, number)
        process.join()
        if number != signal.SIGKILL and process.exitcode == 0:  # else it came before `main` or after it
            status, words = int(process.report.read_text().split("\n")[0]), process.report.read_text()
            assert status in (0, 130) and (status == 0 or "Stopped" in words)
        if out.exists():
            break
    assert digest(out) == uninterrupted
    left = {p.name for p in runs.iterdir()} - {"ct-minute.safetensors"}
    assert number == signal.SIGKILL or not left
    assert left <= {"ct-minute.checkpoint", "ct-minute.checkpoint.lock"}


def test_a_second_start_is_refused_with_the_number_of_the_first_and_a_lock_dies_with_its_process(start, tmp_path):
    first = start(steps=10**6)
    wait_for(lambda: (tmp_path / "runs" / "ct-minute.checkpoint").exists())
    for arguments in ([], ["--resume"]):
        status, words = said(start(*arguments))
        assert status == 2 and f"process {first.pid} writes" in words and words.count("\n") <= 2
    assert said(start("--seed", "1"))[0] == 0, "another seed has another default name"
    assert (tmp_path / "runs" / "ct-minute-seed-1.safetensors").exists()
    first.kill()
    first.join()
    status, words = said(start())
    assert status == 2 and "Add --resume" in words


def test_the_output_is_reserved_before_the_first_image_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(recipes.RECIPES, "ct-minute", None)
    small(images=lambda path, generator: pytest.fail("an image was made"))
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.safetensors").mkdir()
    for out, words in [
        ("file/critic.safetensors", "Not a directory|File exists"),
        ("folder.safetensors", "got a folder"),
        ("critic.pt", "ends in .safetensors"),
    ]:
        assert main(["train", "ct-minute", "--out", out]) == 2
        assert one_line(capsys.readouterr().err, words)
    monkeypatch.setattr(_files.shutil, "disk_usage", lambda path: SimpleNamespace(free=5000))
    assert main(["train", "ct-minute"]) == 2
    assert one_line(capsys.readouterr().err, "0.0 MB of free space, .* needed")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.safetensors"]


def one_line(words, expected):
    return words.count("\n") == 1 and re.search(f"^error: .*expected.*({expected})", words)


def test_a_folder_without_the_right_to_write_is_refused(tmp_path, monkeypatch, capsys):
    """Root may write everywhere: what the system would say is said in its place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(recipes.RECIPES, "ct-minute", None)
    small(images=lambda path, generator: pytest.fail("an image was made"))

    def refuse(path, *args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(_files.FileLock, "acquire", lambda lock: refuse(lock.lock_file))
    assert main(["train", "ct-minute"]) == 2
    assert one_line(capsys.readouterr().err, "Read-only file system")
    assert not list(tmp_path.iterdir())


@contextmanager
def largest_file(size):
    """Within it no file can grow beyond `size` bytes, which fails as a full disk does."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill_the_disk():
    """From the second checkpoint on."""
    write, count = _files.write, []

    def limited(path, data):
        count.append(path)
        with largest_file(10**9 if len(count) < 2 else 100):
            write(path, data)

    from advreg_edu import pretrained
    from advreg_edu.training import checkpoints

    checkpoints.write = pretrained.write = limited


def test_a_full_disk_ends_in_one_line_and_the_last_good_checkpoint_goes_on_to_the_same_weights(
    start, tmp_path, uninterrupted
):
    status, words = said(start(prepare=fill_the_disk))
    error = [line for line in words.splitlines() if line.startswith("error: ")]
    assert status == 2 and len(error) == 1 and "Traceback" not in words
    assert "File too large" in error[0] and "is kept" in error[0] and "--resume" in error[0]
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["ct-minute.checkpoint"]
    assert said(start("--resume"))[0] == 0
    assert digest(tmp_path / "runs" / "ct-minute.safetensors") == uninterrupted


def fill_the_disk_at_the_end():
    from advreg_edu import pretrained

    write = pretrained.write

    def limited(path, data):
        with largest_file(100):
            write(path, data)

    pretrained.write = limited


def test_no_room_for_the_result_keeps_the_whole_training(start, tmp_path, uninterrupted):
    status, words = said(start(prepare=fill_the_disk_at_the_end))
    assert status == 2 and "holds the training" in words
    assert said(start("--resume"))[0] == 0
    assert digest(tmp_path / "runs" / "ct-minute.safetensors") == uninterrupted


@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_have_the_mode_of_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        ar.pretrained.save_network(ar.LocalCritic(1, widths=(4, 4)), tmp_path / "a.safetensors")
        problem, x = ar.Problem(ar.Identity((1, 16, 16)), 0.1), torch.rand(4, 1, 16, 16)
        steps = ar.train_critic(ar.LocalCritic(1, (4, 4)), problem, x, 2, 2, checkpoint=tmp_path / "a.checkpoint")
        next(steps)
    finally:
        os.umask(before)
    for file in Path(tmp_path).iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == mode or file.suffix == ".lock"
