"""Networks that ship with the course: load, verify, save. Weights are safetensors files, a model card beside each."""

import hashlib
import json
import math
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from ._input.arguments import check_choice, check_path
from ._input.files import as_path, check_file_name, write
from ._input.messages import describe, refused
from ._input.networks import check_network
from ._input.signature import check_instance
from ._input.tensors import open_tensors, read_finite, read_object, shapes
from .critics import ConvexCritic, LocalCritic, PaperCritic, UNet

Shapes = dict[str, tuple[int, ...]]
Classes = dict[str, type]
CRITICS: Classes = {"ConvexCritic": ConvexCritic, "LocalCritic": LocalCritic, "PaperCritic": PaperCritic}


def folder() -> Path:
    """`data/`: beside the package in a checkout, inside it in an installed wheel.

    >>> (folder() / "weights.json").exists()
    True
    """
    for candidate in (Path(__file__).parent.parent / "data", Path(__file__).parent / "data"):
        if (candidate / "weights.json").exists():
            return candidate
    raise FileNotFoundError("data/weights.json: expected in a checkout or an installed wheel. Reinstall advreg-edu.")


def names() -> list[str]:
    """The critics that ship, sorted.

    >>> "ct-thorax" in names()
    True
    """
    return sorted(name for name, entry in _index().items() if entry["class"] in CRITICS)


def unet_names() -> list[str]:
    """The U-Nets that ship, sorted: the supervised networks of Tables 1 and 2.

    >>> "ct-thorax-unet" in unet_names()
    True
    """
    return sorted(name for name, entry in _index().items() if entry["class"] == "UNet")


def card(name: str) -> str:
    """The model card as text: data, seed, command, minutes, measured numbers.

    >>> card("ct-thorax").startswith("#")
    True
    """
    _entry(name, sorted(_index()))
    return (folder() / f"{name}.md").read_text(encoding="utf-8")


def load_critic(name: Path | str, *, kind: type[torch.nn.Module] | None = None) -> Any:
    """A trained critic, ready to use.

    Args:
        name: one of `pretrained.names()`, or the path of a file that `save_network` wrote.
        kind: the class of a critic of one's own, which the file's arguments build; None: those of the package.
    Raises: ValueError for an unknown name (lists those there are) and for a file whose SHA-256 is not the recorded one.

    >>> critic = load_critic("ct-thorax")
    >>> tuple(critic(torch.zeros(2, 1, 128, 128)).shape)
    (2,)
    """
    if kind is not None:
        check_instance(kind, "kind", type)
    return _load(name, names(), CRITICS if kind is None else {kind.__name__: kind})


def load_unet(name: Path | str) -> UNet:
    """A trained U-Net, ready to use, as `load_critic`: one of `pretrained.unet_names()`, or a path.

    >>> net = load_unet("ct-thorax-unet")
    >>> tuple(net(torch.zeros(1, 1, 32, 32)).shape)
    (1, 1, 32, 32)
    """
    return _load(name, unet_names(), {"UNet": UNet})


def save_network(network: torch.nn.Module, path: Path | str) -> str:
    """Write weights and architecture of a critic or U-Net to a safetensors file; return its SHA-256.

    Raises ValueError or TypeError for what could not be loaded again, OSError where nothing can be written.

    >>> from tempfile import TemporaryDirectory
    >>> critic, x = LocalCritic(channels=1, widths=(4, 8)), torch.rand(2, 1, 16, 16)
    >>> with TemporaryDirectory() as folder:
    ...     sha256 = save_network(critic, f"{folder}/mine.safetensors")
    ...     loaded = load_critic(f"{folder}/mine.safetensors")
    >>> len(sha256), torch.allclose(loaded(x), critic(x), atol=1e-6)
    (64, True)
    """
    path = check_can_be_saved(network, path)
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    made = {"class": type(network).__name__, "arguments": network.arguments}
    write(path, save(tensors, {"network": json.dumps(made)}))  # one key: safetensors writes several in random order
    return _sha256(path)


def check_can_be_saved(network: torch.nn.Module, path: Path | str) -> Path:
    """Raise unless `load_critic` or `load_unet` could load what `save_network` would write; return the path.

    >>> check_can_be_saved(LocalCritic(channels=1), "mine.safetensors").name
    'mine.safetensors'
    """
    path = as_path(path, "path")
    if path.suffix != ".safetensors":
        got = f"the ending {path.suffix}" if path.suffix else "no ending"
        raise ValueError(f"{path}: expected a file that ends in .safetensors, got {got}. Rename it.")
    check_file_name(path)
    if type(network) not in (*CRITICS.values(), UNet):
        _check_builds_again(network)
    check_network(network, "network")
    return path


def _check_builds_again(network: torch.nn.Module) -> None:
    """Raise unless a network of one's own says by `arguments` how its class builds it."""
    inside = next((n for n in ("module", "_orig_mod") if hasattr(network, n)), None)  # DataParallel, torch.compile
    arguments, kind = getattr(network, "arguments", None), type(network)
    if inside or not isinstance(network, torch.nn.Module) or not isinstance(arguments, dict):
        fix = f"Save what is inside: network.{inside}." if inside else "Set self.arguments = dict(...) in its __init__."
        expected = "a network of this package, or one whose `arguments` are those of its class"
        raise TypeError(f"network: expected {expected}, got {kind.__name__}. {fix}")
    try:
        with torch.device("meta"):
            again = kind(**json.loads(json.dumps(arguments))).state_dict()
    except (TypeError, ValueError) as error:
        raise TypeError(f"network: expected arguments that build a {kind.__name__}, got others ({error}).") from None
    if {k: t.shape for k, t in again.items()} != {k: t.shape for k, t in network.state_dict().items()}:
        raise TypeError(f"network: expected arguments that build this {kind.__name__}, got those of another one.")


def _load(name: object, shipped: list[str], classes: Classes) -> Any:
    fix = f"Pass one of {', '.join(shipped)}, or the path of a .safetensors file."
    if not isinstance(name, str | os.PathLike):
        loaded = isinstance(name, torch.nn.Module)
        got = f"a {type(name).__name__}. It is loaded already." if loaded else f"{describe(name)}. {fix}"
        raise TypeError(f"name: expected the name of a network, got {got}")
    if (path := check_path(name, "name", fix)).suffix == ".safetensors":
        return _build(path, shipped, classes)
    path = folder() / f"{name}.safetensors"
    expected, got = _entry(str(name), shipped)["sha256"], _sha256(path)
    if expected != got:
        fix = "The file is damaged or was replaced; get it again from the project."
        raise ValueError(f"{path.name}: expected SHA-256 {expected[:12]}..., got {got[:12]}... {fix}")
    return _build(path, shipped, classes)


def _build(path: Path, shipped: list[str], classes: Classes) -> torch.nn.Module:
    """The network that a file describes. Its metadata are not believed: what they ask for is built without memory first
    (on torch's "meta" device), and has to have the tensors that the file holds."""
    what, fix = f"weights of a {' or '.join(classes)}, written by save_network", "Copy it again."
    if not path.exists():
        raise refused(path, "a weights file", "none", f"Those that ship: {', '.join(shipped)}.")
    with open_tensors(path, "a safetensors file") as file:
        label = (file.metadata() or {}).get("network", "")
        made = read_object(label, path, what, fix) if label.startswith("{") else {}
        kind, arguments = made.get("class"), made.get("arguments")
        if not isinstance(kind, str) or kind not in classes or not isinstance(arguments, dict):
            own = "Copy it again. If the network is of a class of your own: load_critic(path, kind=ItsClass)."
            raise refused(path, what, repr(label), own)
        held = shapes(file)
        if classes[kind] in (*CRITICS.values(), UNet):
            _check_sizes(arguments, held, path, kind)
        try:
            with torch.device("meta"):
                expected = {key: tuple(t.shape) for key, t in classes[kind](**arguments).state_dict().items()}
        except (TypeError, ValueError, LookupError, RuntimeError, OverflowError) as error:
            raise refused(path, f"the arguments of a {kind}", f"others ({error})", fix) from None
        if expected != held:
            other = sorted(key for key in expected.keys() | held.keys() if expected.get(key) != held.get(key))[0]
            got = f"others: {other} is {held.get(other, 'missing')}, not {expected.get(other, 'there')}"
            raise refused(path, f"the weights of a {kind}", got, fix)
        network = classes[kind](**arguments)
        network.load_state_dict(read_finite(file, path))
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # a quarter faster on CPUs


def _check_sizes(arguments: dict[str, Any], held: Shapes, path: Path, kind: str) -> None:
    """Raise if a number or a list is larger than the weights: the network that it asks for would be, too."""
    weights, long = sum(math.prod(shape) for shape in held.values()), len(held)
    for name, value in arguments.items():
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) > long or any(isinstance(n, int | float) and not abs(n) <= max(weights, 1) for n in numbers):
            got = f"{name} {str(value)[:40]} for {weights} weights"
            raise refused(path, f"the arguments of a {kind}", got, "Copy it again.")


def _index() -> dict[str, dict[str, str]]:
    path, what, fix = folder() / "weights.json", "an index of the weights that ship", "Reinstall advreg-edu."
    index = read_object(path.read_bytes(), path.name, what, fix)
    complete = lambda e: isinstance(e, dict) and all(isinstance(e.get(key), str) for key in ("class", "sha256"))
    if wrong := [name for name, entry in index.items() if not complete(entry)]:
        raise refused(path.name, what, f"no class or sha256 of {wrong[0]}", fix)
    return index


def _entry(name: object, choices: Collection[str]) -> dict[str, str]:
    return _index()[check_choice(name, "name", choices, "Or pass the path of a .safetensors file.")]


def _sha256(path: Path) -> str:
    if not path.exists():
        raise ValueError(f"{path.name}: expected in {path.parent.name}/, got nothing. Reinstall advreg-edu.")
    return hashlib.sha256(path.read_bytes()).hexdigest()
