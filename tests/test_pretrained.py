"""Weights: what is saved is what is loaded, nothing damaged or foreign is, and the shipped ones keep their promises."""

import hashlib
import json
import shutil
import struct
import subprocess
import sys
from functools import partial

import advreg_edu as ar
import pytest
import torch
from advreg_edu import pretrained
from advreg_edu.experiments import recipes
from safetensors.torch import save_file


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


CRITICS = {
    "LocalCritic": (lambda: ar.LocalCritic(channels=1), (1, 24, 24)),
    "LocalCritic, colour": (lambda: ar.LocalCritic(channels=3), (3, 17, 20)),
    "PaperCritic": (lambda: ar.PaperCritic(channels=2, size=20), (2, 20, 20)),
}


def shaken(critic):
    """Weights away from their start, where zeros would hide that they were not loaded."""
    with torch.no_grad():
        for p in critic.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=seeded(1)))
    return critic


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of our own in place of data/, with one critic called `tiny`."""
    digest = pretrained.save_network(shaken(ar.PaperCritic(channels=1, size=8)), tmp_path / "tiny.safetensors")
    (tmp_path / "tiny.md").write_text("# tiny\n\nseed 0", encoding="utf-8")
    entries = {
        "tiny": {"class": "PaperCritic", "sha256": digest},
        "absent": {"class": "LocalCritic", "sha256": "0" * 64},
    }
    (tmp_path / "weights.json").write_text(json.dumps(entries))
    monkeypatch.setattr(pretrained, "folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CRITICS)
def test_round_trip(tmp_path, name):
    """load(save(Psi)) = Psi: the same class, the same numbers, ready to use and frozen."""
    make, shape = CRITICS[name]
    critic, x = shaken(make()), torch.rand(3, *shape, generator=seeded())
    path = tmp_path / "new" / "folder" / "critic.safetensors"
    digest = pretrained.save_network(critic, path)
    loaded = ar.load_critic(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert type(loaded) is type(critic) and loaded(x).abs().max() > 0
    assert all(torch.equal(loaded.state_dict()[key], value) for key, value in critic.state_dict().items())
    torch.testing.assert_close(loaded(x), critic(x))  # not bit by bit: the memory layout differs
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert torch.equal(ar.load_critic(str(path))(x), loaded(x))


def test_same_weights_same_hash(tmp_path):
    """The file depends on the critic alone: the hash of a retrained critic can be compared."""
    critic = ar.PaperCritic(channels=1, size=8)
    hashes = {pretrained.save_network(critic, tmp_path / f"{i}.safetensors") for i in range(8)}
    assert len(hashes) == 1 and pretrained.save_network(shaken(critic), tmp_path / "c.safetensors") not in hashes


def test_weights_of_another_architecture(tmp_path):
    """A label that does not fit its weights is refused with the file's name."""
    path, critic = tmp_path / "a.safetensors", ar.LocalCritic(channels=1, widths=(8, 12))
    critic.arguments = dict(channels=1, widths=[8, 16], smoothing=0.01)
    pretrained.save_network(critic, path)
    with pytest.raises(ValueError, match=r"a\.safetensors: expected the weights of a LocalCritic, got others"):
        ar.load_critic(path)


def test_by_name(shelf):
    loaded = ar.load_critic("tiny")
    assert pretrained.names() == ["absent", "tiny"] and pretrained.card("tiny").startswith("# tiny")
    x = torch.rand(2, 1, 8, 8, generator=seeded())
    assert torch.equal(loaded(x), ar.load_critic(shelf / "tiny.safetensors")(x))


@pytest.mark.parametrize("call", [ar.load_critic, pretrained.card])
def test_unknown_name_lists_the_known(shelf, call):
    with pytest.raises(ValueError, match=r"name: expected one of absent, tiny, got 'ct-throax'"):
        call("ct-throax")


@pytest.mark.parametrize("where", [0, 100, -1])
def test_altered_file_is_refused(shelf, where):
    """One bit flipped anywhere: the hash does not match, and nothing is loaded."""
    path = shelf / "tiny.safetensors"
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"tiny\.safetensors: expected SHA-256 \w{12}\.\.\., got \w{12}\.\.\..*again"):
        ar.load_critic("tiny")


@pytest.mark.parametrize("name", [5, None, True, ["ct-thorax"], b"ct-thorax", torch.zeros(2)], ids=repr)
def test_what_is_no_name_is_refused_with_a_fix(name):
    for load in (ar.load_critic, pretrained.load_unet):
        with pytest.raises(TypeError, match=r"^name: expected the name of a network, got .+\. Pass one of .*-.*, or"):
            load(name)


def test_another_critic_under_the_name_is_refused(shelf):
    pretrained.save_network(ar.PaperCritic(channels=1, size=8), shelf / "tiny.safetensors")
    with pytest.raises(ValueError, match="expected SHA-256"):
        ar.load_critic("tiny")


def test_missing_file(shelf):
    with pytest.raises(ValueError, match=r"absent\.safetensors: expected in .*, got nothing\. Reinstall"):
        ar.load_critic("absent")
    with pytest.raises(ValueError, match=r"mine\.safetensors: expected a weights file, got none.*absent, tiny"):
        ar.load_critic(shelf / "mine.safetensors")


def test_foreign_files(tmp_path):
    """Weights without our label, and files that are no safetensors at all."""
    foreign, garbage, empty = (tmp_path / f"{name}.safetensors" for name in ("foreign", "garbage", "empty"))
    save_file({"w": torch.zeros(3)}, foreign, {"network": "ResNet"})
    with pytest.raises(
        ValueError,
        match=r"foreign\.safetensors: expected weights of a ConvexCritic or LocalCritic or PaperCritic.*'ResNet'",
    ):
        ar.load_critic(foreign)
    torch.save({"w": torch.zeros(3)}, garbage)
    empty.touch()
    for path in (garbage, empty):
        with pytest.raises(ValueError, match=rf"{path.name}: expected a safetensors file, got a damaged one"):
            ar.load_critic(path)


def test_no_folder_no_silence(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "__file__", str(tmp_path / "advreg_edu" / "pretrained.py"))
    with pytest.raises(FileNotFoundError, match=r"data/weights\.json: expected .*Reinstall"):
        pretrained.names()


def test_found_beside_and_inside_the_package(tmp_path, monkeypatch):
    """A checkout has data/ beside the package, a wheel inside it."""
    for place in (tmp_path / "checkout", tmp_path / "wheel" / "advreg_edu"):
        shutil.copytree(pretrained.folder(), place / "data")
    for root in ("checkout", "wheel"):
        monkeypatch.setattr(pretrained, "__file__", str(tmp_path / root / "advreg_edu" / "pretrained.py"))
        assert tmp_path in pretrained.folder().parents and pretrained.names()


SHIPPED, UNETS = pretrained.names(), pretrained.unet_names()


def test_what_ships():
    assert SHIPPED == [
        "ct-chest-high",
        "ct-chest-low",
        "ct-thorax",
        "ct-thorax-convex",
        "mri-thorax",
        "photos-color",
        "photos-color-fine",
        "photos-gray",
        "photos-inpainting",
    ]
    assert sorted(f"{name}-unet" for name in SHIPPED if not name.endswith("-convex")) == UNETS


def like_training(name, network, count, problem):
    """Images of the kind that the network was trained on."""
    make = partial(ar.images.photos, channels=network.channels) if name.startswith("photos") else ar.images.thorax
    return make(count, problem.A.domain_shape[-1], seeded())


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_critic(name):
    """At most 1 M parameters and 4 MB, and it reconstructs better than an untrained one, whose D is a blur."""
    critic = ar.load_critic(name)
    assert sum(p.numel() for p in critic.parameters()) <= 1_000_000
    assert (pretrained.folder() / f"{name}.safetensors").stat().st_size <= 4_000_000
    problem = recipes.RECIPES[name].problem()
    denoising = isinstance(problem.A, ar.Identity)
    x = like_training(name, critic, 2, problem)
    y = problem.measure(x, seeded(1))
    solver = dict(step_size=0.03, steps=60) if denoising else dict(step_size=0.5, steps=80)
    solver = dict(step_size="auto", steps=80) if isinstance(problem.A, ar.Inpainting) else solver

    def quality(critic):
        *_, last = ar.reconstruct(problem, y, critic, ar.weight_from_noise(problem), **solver)
        return ar.psnr(last.x.clamp(0, 1), x)

    untrained = ar.LocalCritic(critic.channels).requires_grad_(False)
    # the harmonic fill is hard to beat, convexity costs 2 dB, and of the gray photographs half are textures
    gain = {"photos-inpainting": 0.1, "ct-thorax-convex": 0.5, "photos-gray": 0.5}.get(name, 1.5)
    assert (quality(critic) > quality(untrained) + gain).all()


@pytest.mark.parametrize("name", SHIPPED + UNETS)
def test_shipped_file_is_safetensors(name):
    """Eight bytes of length, JSON, numbers: nothing in it is a pickle, nothing can run."""
    content = (pretrained.folder() / f"{name}.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    made = json.loads(header.pop("__metadata__")["network"])
    assert made["class"] in ("ConvexCritic", "LocalCritic", "PaperCritic", "UNet") and made["arguments"]
    ends = [entry["data_offsets"][1] for entry in header.values()]
    assert max(ends) == len(content) - 8 - length


@pytest.mark.parametrize("name", SHIPPED + UNETS)
def test_shipped_card(name):
    """Data, seed, command, minutes and measured numbers."""
    card = pretrained.card(name)
    missing = [word for word in ("data", "seed", "python -m advreg_edu train", "minutes", "dB") if word not in card]
    assert not missing


@pytest.mark.parametrize("name", UNETS)
def test_shipped_unet(name):
    """At most 1 M parameters and 4 MB, a card, and it brings noisy images of its kind nearer to the truth."""
    net = pretrained.load_unet(name)
    assert sum(p.numel() for p in net.parameters()) <= 1_000_000
    assert (pretrained.folder() / f"{name}.safetensors").stat().st_size <= 4_000_000
    assert "python -m advreg_edu train" in pretrained.card(name) and "dB" in pretrained.card(name)
    recipe = recipes.RECIPES[name]
    problem = recipe.problem()
    x = like_training(name, net, 4, problem)
    y = problem.measure(x, seeded(1))
    gain = ar.psnr(ar.post_process(problem, y, net).clamp(0, 1), x) - ar.psnr(problem.naive(y).clamp(0, 1), x)
    assert gain.min() > (0.2 if isinstance(problem.A, ar.Inpainting) else 2)


def test_a_unet_is_no_critic(tmp_path):
    net = ar.UNet(1, widths=(4, 4))
    pretrained.save_network(net, tmp_path / "net.safetensors")
    assert torch.equal(
        pretrained.load_unet(tmp_path / "net.safetensors")(torch.ones(1, 1, 8, 8)), torch.ones(1, 1, 8, 8)
    )
    with pytest.raises(ValueError, match="expected weights of a ConvexCritic or LocalCritic or PaperCritic"):
        ar.load_critic(tmp_path / "net.safetensors")


class Child(ar.LocalCritic):
    pass


class Mislabelled(torch.nn.Linear):
    def __init__(self, width, said=None):
        super().__init__(width, 1)
        self.arguments = dict(width=said)


def test_a_critic_of_ones_own_is_saved_and_loaded_by_its_class(tmp_path):
    critic, file = Child(1, (4, 4)), tmp_path / "child.safetensors"
    pretrained.save_network(critic, file)
    again = ar.load_critic(file, kind=Child)
    assert type(again) is Child and all(
        torch.equal(a, b) for a, b in zip(again.parameters(), critic.parameters(), strict=True)
    )
    for other in (None, ar.UNet):
        with pytest.raises(ValueError, match=r"expected weights of a .*kind=ItsClass"):
            ar.load_critic(file, kind=other)


class Compiled(torch.nn.Module):
    """What `torch.compile` gives, without the seconds that it takes to import."""

    def __init__(self, network):
        super().__init__()
        self._orig_mod = network


def spoiled():
    critic = ar.LocalCritic(1, (4, 4)).requires_grad_(False)
    critic.unet.first.bias[0] = torch.nan
    return critic


NOT_SAVED = {
    "another ending": (
        lambda: ar.LocalCritic(1, (4, 4)),
        "mine.pt",
        ValueError,
        "safetensors, got the ending",
    ),
    "no ending": (lambda: ar.LocalCritic(1, (4, 4)), "mine", ValueError, "safetensors, got no ending"),
    "wrapped": (lambda: torch.nn.DataParallel(ar.LocalCritic(1, (4, 4))), "a.safetensors", TypeError, "network.module"),
    "compiled": (lambda: Compiled(ar.LocalCritic(1, (4, 4))), "a.safetensors", TypeError, "network._orig_mod"),
    "another's arguments": (lambda: Mislabelled(2, 4), "a.safetensors", TypeError, "those of another one"),
    "no arguments": (lambda: Mislabelled(2, {1}), "a.safetensors", TypeError, "others .Object of type set"),
    "another": (lambda: torch.nn.Linear(1, 1), "a.safetensors", TypeError, "got Linear"),
    "a name": (lambda: "ct-thorax", "a.safetensors", TypeError, "got str"),
    "NaN": (spoiled, "a.safetensors", ValueError, "finite weights"),
}


@pytest.mark.parametrize("name", NOT_SAVED)
def test_what_could_not_be_loaded_is_not_saved(tmp_path, name):
    make, file, kind, message = NOT_SAVED[name]
    with pytest.raises(kind, match=message):
        pretrained.save_network(make(), tmp_path / file)
    assert not list(tmp_path.iterdir())


def test_loading_imports_no_compiler():
    """torch's, with SymPy, takes 60 MB and a second: half of what a kernel with a lab has of its own otherwise."""
    code = """
import sys
from advreg_edu import pretrained
for name in pretrained.names():
    pretrained.load_critic(name)
for name in pretrained.unet_names():
    pretrained.load_unet(name)
print({"torch._dynamo", "sympy"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
