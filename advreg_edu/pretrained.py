"""Critics that ship with the course: load, verify, save. Weights are safetensors files, a model card beside each."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from . import critics
from ._checks import check_choice


def folder():
    """`data/`: beside the package in a checkout, inside it in an installed wheel."""
    for candidate in (Path(__file__).parent.parent / "data", Path(__file__).parent / "data"):
        if (candidate / "critics.json").exists():
            return candidate
    raise FileNotFoundError("data/critics.json: expected in a checkout or an installed wheel. Reinstall advreg-edu.")


def names():
    """The critics that ship, sorted."""
    return sorted(_index())


def card(name):
    """The model card as text: data, seed, command, minutes, measured numbers."""
    _entry(name)
    return (folder() / f"{name}.md").read_text(encoding="utf-8")


def load_critic(name):
    """A trained critic, ready to use: `load_critic("ct-thorax")`.

    Args: name, one of `pretrained.names()`, or the path of a file that `save_critic` wrote.
    Raises: ValueError for an unknown name (lists those there are) and for a file whose SHA-256 is not the recorded one.
    """
    if Path(name).suffix == ".safetensors":
        return _build(Path(name))
    path = folder() / f"{name}.safetensors"
    expected, got = _entry(name)["sha256"], _sha256(path)
    if expected != got:
        raise ValueError(
            f"{path.name}: expected SHA-256 {expected[:12]}..., got {got[:12]}... "
            "The file is damaged or was replaced; get it again from the project."
        )
    return _build(path)


def save_critic(critic, path):
    """Write weights and architecture to a safetensors file; return its SHA-256."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.detach().cpu().contiguous() for key, value in critic.state_dict().items()}
    made = {"class": type(critic).__name__, "arguments": critic.arguments}
    save_file(tensors, path, {"critic": json.dumps(made)})  # one key: safetensors writes several in random order
    return _sha256(path)


def _build(path):
    if not path.exists():
        raise ValueError(f"{path}: expected a weights file, got none. Shipped critics: {', '.join(names())}.")
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path}: expected a safetensors file, got a damaged one ({error}). Copy it again.") from None
    label = meta.get("critic", "")
    made = json.loads(label) if label.startswith("{") else {}
    kinds = {"LocalCritic": critics.LocalCritic, "PaperCritic": critics.PaperCritic}
    if made.get("class") not in kinds:
        raise ValueError(f"{path}: expected weights written by save_critic, got critic {label!r}.")
    critic = kinds[made["class"]](**made["arguments"])
    try:
        critic.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: expected the weights of a {made['class']}, got others. {error}") from None
    return critic.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # a quarter faster on CPUs


def _index():
    return json.loads((folder() / "critics.json").read_text(encoding="utf-8"))


def _entry(name):
    index = _index()
    return index[check_choice(name, "critic", sorted(index))]


def _sha256(path):
    if not path.exists():
        raise ValueError(f"{path.name}: expected in {path.parent.name}/, got nothing. Reinstall advreg-edu.")
    return hashlib.sha256(path.read_bytes()).hexdigest()
