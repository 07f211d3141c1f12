"""A critic as an ONNX file: x to Psi(x) and grad Psi(x), written out as one ordinary graph. Not in the paper.

python -m advreg_edu export ct-thorax
"""

import math
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn

from .._input.arguments import check_count
from .._input.files import as_path, check_file_name, write
from .._input.signature import check_instance
from ..critics import LocalCritic, UNet
from ..critics.networks import window_means
from ..critics.unet import GAIN
from ..pretrained import load_critic
from .onnx_graph import Graph


def export(name: Path | str, out: Path | str | None = None, size: int = 128) -> Path:
    """Write the critic's value and gradient for images (1, C, size, size) to an ONNX file; return its path.

    Its input is `x`, its outputs are `psi` of shape (1,) and `grad`, which has the shape of x.

    Args: name, of a critic that ships, or the path of a file of `save_network`; out, default runs/NAME.onnx; size, the
        pixels along each side.
    Raises: ValueError for an unknown name and for a critic that is no `LocalCritic`, ModuleNotFoundError without onnx.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = export("ct-thorax", f"{folder}/critic.onnx")
    ...     round(path.stat().st_size / 1e6, 1)  # megabytes: each weight is there once
    1.1
    """
    critic = load_critic(name)
    out = Path("runs", f"{Path(name).stem}.onnx") if out is None else as_path(out, "out")
    check_file_name(out)
    written = onnx_bytes(critic, size, Path(name).stem)
    out.parent.mkdir(parents=True, exist_ok=True)
    write(out, written)
    return out


def onnx_bytes(critic: LocalCritic, size: int = 128, name: str = "critic") -> bytes:
    """Return the file that `export` writes.

    The value and the first step back are Psi = sqrt(||d||^2 + f^2) - f and d / sqrt(||d||^2 + f^2), with d = x - D(x),
    or, of a critic with a window, the same in each window.

    >>> len(onnx_bytes(LocalCritic(channels=1, widths=(4, 8)), size=16)) > 1000
    True
    """
    if not isinstance(critic, LocalCritic):
        raise ValueError(f"name: expected the name of a LocalCritic, got {type(critic).__name__}. Train a LocalCritic.")
    size = check_count(size, "size", 2)
    check_instance(name, "name", str)
    graph, x, shape = Graph(), "x", [1, critic.channels, size, size]
    clean = graph.add(_blurred(graph, critic, x, size), _correction(graph, critic.unet, x, size))
    d = graph.add(x, graph.scale(clean, -1.0))
    psi, seed = (_norm if critic.window is None or size <= critic.window else _norms)(graph, critic, d, size)
    grad = graph.gradient(d, by=x, seed=seed)
    return graph.serialized({x: shape}, {"psi": (psi, [1]), "grad": (grad, shape)}, {"critic": name})


def _norm(graph: Graph, critic: LocalCritic, d: str, size: int) -> tuple[str, str]:
    """Psi and its gradient by d."""
    floor = critic.smoothing * (critic.channels * size**2) ** 0.5
    rows = graph.op("ReduceSumSquare", d, axes=[3], keepdims=0)  # row by row: one long float32 sum would round more
    squared = graph.op("ReduceSum", rows, graph.constant("axes", torch.tensor([1, 2])), keepdims=0)
    root = graph.op("Sqrt", graph.op("Add", squared, graph.constant("floor_squared", floor**2)))
    return graph.op("Sub", root, graph.constant("floor", floor)), graph.op("Div", d, root)


def _norms(graph: Graph, critic: LocalCritic, d: str, size: int) -> tuple[str, str]:
    """The same in windows: r = sqrt(M mean_c(d^2) M^T + s^2) in each, with M of `window_means`."""
    M = window_means(size, cast(int, critic.window))
    squares = graph.op("ReduceMean", graph.op("Mul", d, d), axes=[1], keepdims=1)
    pooled = graph.linear(squares, graph.constant("windows", M))
    root = graph.op("Sqrt", graph.op("Add", pooled, graph.constant("smoothing_squared", critic.smoothing**2)))
    mean = graph.op("ReduceMean", root, axes=[1, 2, 3], keepdims=0)
    scale = (critic.channels * size**2) ** 0.5
    psi = graph.scale(graph.op("Sub", mean, graph.constant("smoothing", critic.smoothing)), scale)
    share = graph.constant("share", scale / (critic.channels * len(M) ** 2))
    weights = graph.gradient(pooled, by=squares, seed=graph.op("Div", share, root))
    return psi, graph.op("Mul", d, weights)


def _blurred(graph: Graph, critic: LocalCritic, x: str, size: int) -> str:
    """The blur of D: M x M^T, where M blurs columns and takes its border for what lies beyond."""
    binomial = critic.blur[0, 0].sum(0)
    columns = F.pad(torch.eye(size)[:, None], (2, 2), mode="replicate")
    return graph.linear(x, graph.constant("blur", F.conv1d(columns, binomial[None, None])[:, 0].T))


def _correction(graph: Graph, net: UNet, x: str, size: int) -> str:
    """`UNet.correction` of a network in use."""
    own = _one_correction(graph, net, x, size)
    if not net.mirrored:
        return own
    return graph.scale(graph.add(own, graph.mirror(_one_correction(graph, net, graph.mirror(x), size))), 0.5)


def _one_correction(graph: Graph, net: UNet, x: str, size: int) -> str:
    """`UNet._correction`."""
    multiple = net.fold * 2 ** (len(net.widths) - 1)
    padded = math.ceil(size / multiple) * multiple
    eye, constant = torch.eye(size), graph.constant
    if padded > size:
        x = graph.linear(x, constant("border", eye[torch.arange(padded).clamp(max=size - 1)]))
    h, skips = _first(graph, net, graph.scale(graph.shift(x, constant("-1/2", -0.5)), GAIN)), []
    for k, shrink in enumerate(net.shrink):
        skips.append(_block(graph, net.down[k], f"down.{k}", h))
        h = graph.convolve(skips[-1], _weights(graph, f"shrink.{k}", shrink), stride=2, padding=0)
    h = _block(graph, net.bottom, "bottom", h)
    for k in reversed(range(len(net.grow))):
        grown = graph.convolve_transposed(h, _weights(graph, f"grow.{k}", net.grow[k]), stride=2, padding=0)
        h = _block(graph, net.up[k], f"up.{k}", graph.add(grown, skips.pop()))
    correction = graph.scale(_last(graph, net, h, padded), 1 / GAIN)
    return graph.linear(correction, constant("inside", torch.eye(size, padded))) if padded > size else correction


def _first(graph: Graph, net: UNet, x: str) -> str:
    """3x3 on blocks of 2x2 pixels as channels is a convolution of 6x6 pixels with stride 2, and so for any block."""
    weights = _weights(graph, "first", net.first, F.pixel_shuffle(net.first.weight, net.fold))
    return graph.convolve(x, weights, stride=net.fold, padding=net.fold)


def _last(graph: Graph, net: UNet, h: str, size: int) -> str:
    """The way back to pixels, the same transposed; each pixel of a block has a bias of its own."""
    last, fold = cast(Any, net.last), net.fold
    flipped = last.weight.flip(2, 3).transpose(0, 1)
    weight = graph.constant("last.weight", F.pixel_shuffle(flipped, fold))
    block = graph.constant("last.bias", F.pixel_shuffle(last.bias.reshape(1, -1, 1, 1), fold))
    bias = graph.op("Tile", block, graph.constant("blocks", torch.tensor([1, 1, size // fold, size // fold])))
    return graph.shift(graph.convolve_transposed(h, (weight,), stride=fold, padding=fold), bias)


def _block(graph: Graph, block: Any, name: str, h: str) -> str:
    """`_Block`: h + conv(silu(conv(silu(h)))), or h itself."""
    if isinstance(block, nn.Identity):
        return h
    inner = h
    for part in ("conv1", "conv2"):
        weights = _weights(graph, f"{name}.{part}", getattr(block, part))
        inner = graph.convolve(graph.silu(inner), weights, stride=1, padding=1)
    return graph.add(h, inner)


def _weights(graph: Graph, name: str, layer: Any, weight: torch.Tensor | None = None) -> tuple[str, str]:
    """Weight and bias of a layer as constants; another weight in the place of its own, if given."""
    weight = layer.weight if weight is None else weight
    return graph.constant(f"{name}.weight", weight), graph.constant(f"{name}.bias", layer.bias)
