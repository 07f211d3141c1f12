"""Networks that ship with the course: load, verify, save. Weights are safetensors files, a model card beside each."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from ._checks import check_choice
from ._files import as_path, check_file_name, write
from ._networks import check_network
from .critics import LocalCritic, PaperCritic
from .unet import UNet

CRITICS = {"LocalCritic": LocalCritic, "PaperCritic": PaperCritic}


def folder():
    """`data/`: beside the package in a checkout, inside it in an installed wheel."""
    for candidate in (Path(__file__).parent.parent / "data", Path(__file__).parent / "data"):
        if (candidate / "weights.json").exists():
            return candidate
    raise FileNotFoundError("data/weights.json: expected in a checkout or an installed wheel. Reinstall advreg-edu.")


def names():
    """The critics that ship, sorted."""
    return sorted(name for name, entry in _index().items() if entry["class"] in CRITICS)


def unet_names():
    """The U-Nets that ship, sorted: the supervised networks of Tables 1 and 2."""
    return sorted(name for name, entry in _index().items() if entry["class"] == "UNet")


def card(name):
    """The model card as text: data, seed, command, minutes, measured numbers."""
    _entry(name, sorted(_index()))
    return (folder() / f"{name}.md").read_text(encoding="utf-8")


def load_critic(name):
    """A trained critic, ready to use: `load_critic("ct-thorax")`.

    Args: name, one of `pretrained.names()`, or the path of a file that `save_network` wrote.
    Raises: ValueError for an unknown name (lists those there are) and for a file whose SHA-256 is not the recorded one.
    """
    return _load(name, names(), CRITICS)


def load_unet(name):
    """A trained U-Net, ready to use, as `load_critic`: one of `pretrained.unet_names()`, or a path."""
    return _load(name, unet_names(), {"UNet": UNet})


def save_network(network, path):
    """Write weights and architecture of a critic or U-Net to a safetensors file; return its SHA-256.

    Raises ValueError or TypeError for what could not be loaded again, OSError where nothing can be written.
    """
    path = as_path(path, "path")
    check_can_be_saved(network, path)
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    made = {"class": type(network).__name__, "arguments": network.arguments}
    write(path, save(tensors, {"network": json.dumps(made)}))  # one key: safetensors writes several in random order
    return _sha256(path)


def check_can_be_saved(network, path):
    """Raise unless `load_critic` or `load_unet` could load what `save_network` would write."""
    if path.suffix != ".safetensors":
        got = f"the ending {path.suffix}" if path.suffix else "no ending"
        raise ValueError(f"{path}: expected a file that ends in .safetensors, got {got}. Rename it.")
    check_file_name(path)
    if type(network) not in (*CRITICS.values(), UNet):
        inside = next((n for n in ("module", "_orig_mod") if hasattr(network, n)), None)  # DataParallel, torch.compile
        fix = f"Save what is inside: network.{inside}." if inside else "Save others with safetensors.torch.save_file."
        raise TypeError(f"network: expected a LocalCritic, PaperCritic or UNet, got {type(network).__name__}. {fix}")
    check_network(network, "network")


def _load(name, shipped, classes):
    if Path(name).suffix == ".safetensors":
        return _build(Path(name), shipped, classes)
    path = folder() / f"{name}.safetensors"
    expected, got = _entry(name, shipped)["sha256"], _sha256(path)
    if expected != got:
        raise ValueError(
            f"{path.name}: expected SHA-256 {expected[:12]}..., got {got[:12]}... "
            "The file is damaged or was replaced; get it again from the project."
        )
    return _build(path, shipped, classes)


def _build(path, shipped, classes):
    if not path.exists():
        raise ValueError(f"{path}: expected a weights file, got none. Those that ship: {', '.join(shipped)}.")
    try:
        with safe_open(path, "pt") as file:
            meta = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path}: expected a safetensors file, got a damaged one ({error}). Copy it again.") from None
    label = meta.get("network", "")
    made = json.loads(label) if label.startswith("{") else {}
    if made.get("class") not in classes:
        expected = " or ".join(classes)
        raise ValueError(f"{path}: expected weights of a {expected}, written by save_network, got {label!r}.")
    network = classes[made["class"]](**made["arguments"])
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: expected the weights of a {made['class']}, got others. {error}") from None
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # a quarter faster on CPUs


def _index():
    return json.loads((folder() / "weights.json").read_text(encoding="utf-8"))


def _entry(name, choices):
    return _index()[check_choice(name, "name", choices)]


def _sha256(path):
    if not path.exists():
        raise ValueError(f"{path.name}: expected in {path.parent.name}/, got nothing. Reinstall advreg-edu.")
    return hashlib.sha256(path.read_bytes()).hexdigest()
