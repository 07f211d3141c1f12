"""Threads: how many are allowed and free, and that what is computed in parts does not depend on them."""

import os
import subprocess
import sys
from collections import namedtuple

import advreg_edu as ar
import pytest
import torch
from advreg_edu.hardware import cores, limits
from advreg_edu.training import Eq6, Paired, WithIterates, algorithm_1, default_gp_weight
from advreg_edu.training.run import TrainingRun

Times = namedtuple("Times", "user idle iowait")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def machine(monkeypatch):
    """Sets (cores that we may use, cores there are, cores that others use); torch's threads are put back."""
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(cores, "_torch", {"set here": None, "of the user": None})
    torch.set_num_threads(64)
    yield lambda *use: monkeypatch.setattr(cores._use, "now", lambda: use)
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("may", "there", "others", "expected"),
    [(2, 2, 0.0, 2), (2, 2, 0.2, 2), (2, 2, 0.5, 1), (2, 2, 2.0, 1), (2, 64, 40.0, 2), (8, 8, 3.0, 5), (1, 64, 0.0, 1)],
)
def test_threads_are_the_cores_that_others_leave(machine, may, there, others, expected):
    machine(may, there, others)
    assert cores.free() == expected
    cores.use_free()
    assert torch.get_num_threads() == expected


def test_threads_follow_what_others_do(machine):
    machine(4, 4, 3.0)
    cores.use_free()
    assert torch.get_num_threads() == 1
    machine(4, 4, 0.0)
    cores.use_free()
    assert torch.get_num_threads() == 4


def test_what_the_user_has_set_is_respected(machine, monkeypatch):
    machine(8, 8, 0.0)
    torch.set_num_threads(3)
    assert cores.free() == 3
    with cores.one_thread():
        assert torch.get_num_threads() == 1 and cores.allowed() == 3
    assert torch.get_num_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    machine(8, 8, 7.5)
    assert cores.free() == 2


def test_others_are_what_is_neither_idle_nor_ours(monkeypatch):
    """Two cores for one second: ours 0.5, idle 0.9, so that others have 0.6."""
    looks = iter([(10.0, 3.0, [5.0, 7.0]), (11.0, 3.5, [5.4, 7.5])])
    use = cores._Use()
    for _ in range(2):
        now, own, idle = next(looks)
        monkeypatch.setattr(cores.time, "monotonic", lambda now=now: now)
        monkeypatch.setattr(cores.time, "process_time", lambda own=own: own)
        monkeypatch.setattr(cores.psutil, "cpu_times", lambda percpu, idle=idle: [Times(0, i, 0.0) for i in idle])
        monkeypatch.setattr(cores.psutil.Process, "cpu_affinity", lambda self: [0, 1], raising=False)
        found = use.now()
    assert found[1] == 2 and found[2] == pytest.approx(0.6)


@pytest.mark.parametrize(
    "size", [(1, 1, 128, 128), (2, 1, 128, 128), (16, 1, 128, 128), (500, 2, 1, 1), (64, 3, 48, 48)]
)
def test_a_batch_is_cut_by_its_size_alone(size, machine):
    counts = set()
    for allowed in (1, 2, 16):
        machine(allowed, allowed, 0.0)
        counts.add(cores.count_parts(torch.zeros(size)))
    assert counts == {
        {(1, 1, 128, 128): 1, (2, 1, 128, 128): 2, (16, 1, 128, 128): 4}.get(size, 1 if 500 in size else 6)
    }


def test_each_keeps_the_order_and_raises_what_a_call_raises(machine):
    machine(4, 4, 0.0)
    assert cores.each(lambda a, b: 10 * a + b, range(20), range(20)) == [11 * k for k in range(20)]
    with pytest.raises(ZeroDivisionError):
        cores.each(lambda a: 1 / (a - 7), range(20))
    assert torch.get_num_threads() == 64


def test_parts_of_parts_do_not_wait_for_each_other(machine):
    machine(8, 8, 0.0)
    inner = lambda a: sum(cores.each(lambda b: a * b, range(10)))
    assert cores.each(inner, range(40)) == [45 * a for a in range(40)]


def test_weights_do_not_depend_on_the_number_of_cores(machine):
    """Algorithm 1, iterates of Algorithm 2 among its images, bit for bit."""
    problem = ar.Problem(ar.RayTransform(128, 4), sigma=0.05)
    x = ar.images.ellipses(6, 128, seeded(1))
    found = []
    for allowed in (1, 3):
        machine(allowed, allowed, 0.0)
        torch.set_num_threads(allowed)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            critic = ar.LocalCritic(widths=(4, 8))
        pairs = WithIterates(Paired(problem, x), start=1)
        *_, step = algorithm_1(critic, pairs, Eq6(default_gp_weight(pairs)), steps=3, batch_size=4)
        found.append([*critic.parameters(), step.loss, step.wasserstein, step.gradient_norm])
    assert all(torch.equal(one, three) for one, three in zip(*found, strict=True))


def test_rounded_weights_do_not_depend_on_the_pace_of_other_parts(machine):
    """Eq. 6 evaluates the critic twice: in bfloat16 each part rounds its weights twice, whatever the others do."""
    machine(4, 4, 0.0)
    problem, x = ar.Problem(ar.Identity((1, 128, 128)), 0.1), torch.rand(8, 1, 128, 128, generator=seeded())
    ends = []
    for _ in range(3):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            critic = ar.LocalCritic(1, widths=(8, 8))
        list(ar.train_critic(critic, problem, x, steps=6, batch_size=8, learning_rate=0.03, precision="bfloat16"))
        ends.append(torch.cat([p.detach().flatten() for p in critic.parameters()]))
    assert all(torch.equal(ends[0], end) for end in ends[1:])


def test_the_gradient_in_parts_is_that_of_the_whole_batch(machine):
    machine(2, 2, 0.0)
    network = torch.nn.Linear(3, 1).double()
    run = TrainingRun(network, 1, 0, 1e-3, 0.9, "float32", {}, checkpoint=None, checkpoint_every=1)
    x = torch.randn(7, 3, generator=seeded(), dtype=torch.float64)
    loss_of = lambda x: (network(x).square().mean(), network(x).mean())
    (loss, mean), gradients = run.gradients(loss_of, x, parts=3)
    expected = torch.autograd.grad(loss_of(x)[0], list(network.parameters()))
    torch.testing.assert_close(gradients, list(expected))
    torch.testing.assert_close(torch.stack([loss, mean]), torch.stack(loss_of(x)).detach())


def test_the_share_is_one_at_most_and_more_than_nothing(machine):
    machine(1, 1, 0.0)
    assert 0 < cores.measure_share(0.1) <= 1


PROGRAM = "import {first}, os, {second}; print(os.environ.get('GOMP_SPINCOUNT'), os.environ.get('OMP_WAIT_POLICY'))"


@pytest.mark.parametrize(
    ("variables", "printed"),
    [({}, "50000 None"), ({"GOMP_SPINCOUNT": "7"}, "7 None"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None ACTIVE")],
)
def test_a_waiting_thread_sleeps_soon_unless_the_user_says_otherwise(variables, printed):
    environment = {key: value for key, value in os.environ.items() if key not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    program = PROGRAM.format(first="advreg_edu", second="torch")
    done = subprocess.run([sys.executable, "-c", program], env=environment | variables, capture_output=True, text=True)
    assert done.stdout.strip() == printed, done.stderr


def groups(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/a/b\n", {"cpu.max": "max 100000", "a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, 1.5),
        ("0::/gone\n", {"cpu.max": "50000 100000"}, 0.5),
        (
            "3:cpu,cpuacct:/x\n",
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "25000", "cpu,cpuacct/x/cpu.cfs_period_us": "50000"},
            0.5,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ("", {}, 4),
    ],
)
def test_the_quota_of_a_control_group_limits_the_cores(own, files, expected, tmp_path, monkeypatch):
    groups(tmp_path, files)
    read = limits._read
    monkeypatch.setattr(limits, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(limits, "_read", lambda path: own if path == "/proc/self/cgroup" else read(path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.delenv("CPU_LIMIT", raising=False)
    assert limits.cpu_limit() == expected
