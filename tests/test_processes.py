"""Several processes train one network to the parameters of one: gradient penalty, iterates, checkpoints, the command.

Run as a script, this file is one of two processes. A stand-in for Lightning Fabric, which is no dependency, lets them
meet; the rest of what Fabric does was tried by hand: CONTRIBUTING.md.
"""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import advreg_edu as ar
import pytest
import torch
import torch.distributed as dist
from advreg_edu.__main__ import main
from advreg_edu.experiments.recipes import RECIPES
from advreg_edu.experiments.recipes.parts import given
from advreg_edu.experiments.recipes.recipe import Recipe
from advreg_edu.hardware import processes
from advreg_edu.training import Balanced, Eq6, Eq6BySlopes, NoiseLeft, OwnLines, Paired, Unpaired, WithIterates
from safetensors.torch import load_file

PROBLEM = ar.Problem(ar.Identity((1, 16, 16)), 0.1)
SOURCES = {
    "Algorithm 1": (lambda x: Paired(PROBLEM, x), Eq6(5.0)),
    "with iterates": (
        lambda x: NoiseLeft(WithIterates(Paired(PROBLEM, x), start=2, steps=6, step_size=0.1), 0.2),
        Eq6BySlopes(5.0),
    ),
    "a loss of the whole batch": (lambda x: OwnLines(Unpaired(PROBLEM, x)), Balanced(5.0)),
}


def images(path=None, generator=None):
    return ar.images.ellipses(8, 16, torch.Generator().manual_seed(0))


def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ar.LocalCritic(widths=(4, 8))


def weights(critic):
    return torch.cat([p.detach().flatten() for p in critic.parameters()])


def trained(name, **changes):
    """Twelve steps with batches of 5, which two processes share unequally."""
    make, loss = SOURCES[name]
    critic = network()
    list(ar.training.algorithm_1(critic, make(images()), loss, 12, 5, precision="float32", **changes))
    return weights(critic)


def left_half_way(path):
    make, loss = SOURCES["with iterates"]
    steps = ar.training.algorithm_1(network(), make(images()), loss, 12, 5, precision="float32", checkpoint=path)
    for _ in range(7):
        next(steps)
    steps.close()


def as_one_of_two(rank, folder):
    """What each of the two processes does."""
    os.environ |= dict(TORCHELASTIC_RUN_ID="a", WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", RANK=str(rank))
    asked = []

    class Fabric:
        device = torch.device("cpu")

        def __init__(self, **options):
            asked.append(options)

        def launch(self):
            dist.init_process_group("gloo", f"file://{folder}/meeting-{len(asked)}", rank=rank, world_size=2)

    sys.modules["lightning_fabric"] = types.ModuleType("lightning_fabric")
    sys.modules["lightning_fabric"].Fabric = Fabric
    RECIPES["tiny"] = Recipe(lambda: PROBLEM, images, network, steps=4, batch_size=5, loss=given(Eq6(5.0)))
    status = main(["train", "tiny", "--out", f"{folder}/tiny.safetensors", "--precision", "float32"])
    found = {"status": torch.tensor(status)}
    with processes.together("cpu") as device:
        assert device == "cpu" and processes.count() == 2 and processes.is_first() == (rank == 0)
        found |= {name: trained(name) for name in SOURCES}
        left_half_way(f"{folder}/two.checkpoint")
        processes.meet()
        again = trained("with iterates", checkpoint=f"{folder}/two.checkpoint", resume=True)
        found["resumed"] = again
        critic = network()
        with pytest.raises(ValueError, match=r"batch_size: expected at least 2, got 1\. Each process"):
            ar.train_critic(critic, PROBLEM, images(), batch_size=1)
    torch.save(found, f"{folder}/{rank}.pt")
    Path(folder, f"{rank}.json").write_text(json.dumps(asked))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The folder of a run by two processes, and what each found."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "one").mkdir()
    left_half_way(folder / "one.checkpoint")
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    options = dict(env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    running = [subprocess.Popen([sys.executable, __file__, str(rank), folder], **options) for rank in (0, 1)]
    said = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], "\n".join(said)
    return folder, [torch.load(folder / f"{rank}.pt") for rank in (0, 1)], said


@pytest.mark.parametrize("name", SOURCES)
def test_two_processes_give_the_parameters_of_one(two, name):
    """To 1e-5, through the gradient of the penalty, and both hold the same bits."""
    _, found, _ = two
    assert torch.equal(found[0][name], found[1][name])
    assert (found[0][name] - trained(name)).abs().max() <= 1e-5 < (found[0][name] - weights(network())).abs().max()


def test_a_checkpoint_goes_on_with_any_number_of_processes(two, tmp_path):
    """Left and resumed by two, left by one, both end where one that was never left does."""
    folder, found, _ = two
    assert (found[0]["resumed"] - trained("with iterates")).abs().max() <= 1e-5
    assert (load_file(folder / "two.checkpoint")["0.weight"] - found[0]["resumed"][:1]).isfinite().all()
    ours = trained("with iterates", checkpoint=folder / "one.checkpoint", resume=True)
    assert (found[0]["resumed"] - ours).abs().max() <= 1e-5


def test_the_command_writes_once(two):
    """One file, one line of its SHA-256, no lock and no checkpoint left; the weights of one process."""
    folder, found, said = two
    assert [int(f["status"]) for f in found] == [0, 0]
    assert "SHA-256" in said[0] and "SHA-256" not in said[1] and "tiny" not in said[1]
    assert not list(folder.glob("*.lock")) and not (folder / "tiny.checkpoint").exists()
    critic = network()
    list(
        ar.training.algorithm_1(critic, Paired(PROBLEM, images()), Eq6(5.0), 4, 5, averaging=0.99, precision="float32")
    )
    alone = ar.load_critic(folder / "tiny.safetensors")
    assert (weights(alone) - weights(critic)).abs().max() <= 1e-5


def test_fabric_is_asked_for_what_torchrun_started(two):
    folder, _, _ = two
    for rank in (0, 1):
        for options in json.loads((folder / f"{rank}.json").read_text()):
            assert options == dict(accelerator="cpu", strategy="ddp", devices=2, num_nodes=1)


@pytest.mark.parametrize(
    "env, expected",
    [
        ({}, (3, 2)),
        (dict(TORCHELASTIC_RUN_ID="a", LOCAL_WORLD_SIZE="4", WORLD_SIZE="8"), (4, 2)),
        (dict(SLURM_PROCID="3", SLURM_STEP_ID="0", SLURM_NTASKS="16", SLURM_NNODES="2"), (8, 2)),
        (dict(SLURM_PROCID="0", SLURM_NTASKS="16", SLURM_NNODES="2"), (3, 2)),  # in the shell of an allocation
    ],
)
def test_who_started_the_processes(env, expected, monkeypatch):
    """torchrun and srun say how many there are, else the command does."""
    for name in [name for name in os.environ if name.startswith(("SLURM", "TORCHELASTIC"))]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    asked = []

    class Fabric:
        device = "cuda:1"
        launch = staticmethod(lambda: None)

        def __init__(self, **options):
            asked.append(options)

    monkeypatch.setitem(sys.modules, "lightning_fabric", types.SimpleNamespace(Fabric=Fabric))
    ended = []
    monkeypatch.setattr(dist, "destroy_process_group", lambda: ended.append(1))
    with processes.together("cuda", 3, 2) as device:
        assert device == "cuda:1"
    with pytest.raises(ValueError, match="broke down"), processes.together("cuda", 3, 2):
        raise ValueError("broke down")
    assert ended == [1, 1], "also an error ends the group"
    asked = asked[:1]
    assert asked == [dict(accelerator="cuda", strategy="ddp", devices=expected[0], num_nodes=expected[1])]


def test_one_process_needs_no_fabric(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with processes.together("cpu") as device:
        assert device == "cpu"
    assert main(["train", "photos-minute", "--devices", "2", "--out", str(tmp_path / "a.safetensors")]) == 2
    assert "error: --devices: expected the package lightning-fabric, got none." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


if __name__ == "__main__":
    as_one_of_two(int(sys.argv[1]), sys.argv[2])
