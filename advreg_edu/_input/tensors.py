"""Reading safetensors files and JSON that others wrote: what is damaged is a ValueError that names the file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from .messages import refused


@contextmanager
def open_tensors(path: Path, what: str, fix: str = "Copy it again.") -> Iterator[safe_open]:
    """An open safetensors file, of which nothing but the header is read yet; `what` says what was expected.

    >>> from safetensors.torch import save_file
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_file({"weight": torch.zeros(2, 3)}, f"{folder}/a.safetensors")
    ...     with open_tensors(Path(folder, "a.safetensors"), "weights") as file:
    ...         shapes(file)
    {'weight': (2, 3)}
    """
    try:
        if not path.is_file():
            raise refused(path, what, "a folder" if path.is_dir() else "none", fix)
        with safe_open(path, "pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise refused(path, what, f"a damaged one ({error})", fix) from None


def shapes(file: safe_open) -> dict[str, tuple[int, ...]]:
    """{name: shape} of an open file.

    >>> from safetensors.torch import save_file
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_file({"bias": torch.zeros(4)}, f"{folder}/a.safetensors")
    ...     with open_tensors(Path(folder, "a.safetensors"), "weights") as file:
    ...         shapes(file)
    {'bias': (4,)}
    """
    return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}


def read_finite(file: safe_open, path: Path, fix: str = "Copy it again.") -> dict[str, torch.Tensor]:
    """{name: tensor} of an open file; raises ValueError for a NaN or an infinity and for what is no float.

    >>> from safetensors.torch import save_file
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_file({"bias": torch.ones(2)}, path := Path(folder, "a.safetensors"))
    ...     with open_tensors(path, "weights") as file:
    ...         read_finite(file, path)
    {'bias': tensor([1., 1.])}
    """
    tensors = {}
    for key in file.keys():
        tensor = file.get_tensor(key)
        if not tensor.is_floating_point():
            raise refused(path, "floating-point weights", f"{tensor.dtype} in {key}", fix)
        if not torch.isfinite(tensor.float()).all():
            raise refused(path, "finite weights", f"a NaN or an infinity in {key}", fix)
        tensors[key] = tensor
    return tensors


def read_object(text: str | bytes, path: Path | str, what: str, fix: str = "Copy it again.") -> dict[str, Any]:
    """The dictionary that a text in JSON holds; raises ValueError for anything else.

    >>> read_object('{"steps": 800}', "a.json", "settings")
    {'steps': 800}
    """
    try:
        made = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refused(path, what, f"broken JSON ({error})", fix) from None
    if not isinstance(made, dict):
        raise refused(path, what, f"a {type(made).__name__}", fix)
    return made
