"""An ONNX graph that is written operation by operation, and then backwards: its gradient is more of the same graph.

What a network computes and what autograd does with it become plain convolutions, products and sums in one file, which
any runtime can evaluate, in a browser too. Not in the paper. `export` writes critics with it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

OPSET = 17
Pull = Callable[[str], str]  # from the gradient by a result to the gradient by what it was made of


class Graph:
    """Operations on names of tensors. Each remembers how a gradient goes back through it, which `gradient` asks for.

    >>> graph = Graph()
    >>> y = graph.silu("x")
    >>> grad = graph.gradient(y, by="x", seed="g")
    >>> [node.op_type for node in graph.nodes]  # SiLU, then g silu'(x) = g (s + y (1 - s)) with s = sigmoid(x)
    ['Sigmoid', 'Mul', 'Sub', 'Mul', 'Add', 'Mul']
    """

    def __init__(self) -> None:
        self._helper, self._numpy = _onnx()
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self._back: list[tuple[str, str, Pull]] = []

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of that kind; return the name of its result."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, name: str, value: torch.Tensor | float) -> str:
        """A constant, stored once whatever uses it; return its name."""
        array = np.ascontiguousarray(value.detach() if torch.is_tensor(value) else np.float32(value))
        self.constants[name] = self._numpy.from_array(array, name)
        return name

    def add(self, a: str, b: str) -> str:
        """a + b."""
        return self._made(self.op("Add", a, b), (a, lambda g: g), (b, lambda g: g))

    def scale(self, a: str, factor: float) -> str:
        """factor a."""
        times = lambda u: self.op("Mul", u, self.constant(f"times_{factor:g}", factor))
        return self._made(times(a), (a, times))

    def shift(self, a: str, by: str) -> str:
        """a + the constant `by`."""
        return self._made(self.op("Add", a, by), (a, lambda g: g))

    def silu(self, a: str) -> str:
        """a sigmoid(a)."""
        one, s = self.constant("one", 1.0), self.op("Sigmoid", a)
        y = self.op("Mul", a, s)
        slope = lambda: self.op("Add", s, self.op("Mul", y, self.op("Sub", one, s)))
        return self._made(y, (a, lambda g: self.op("Mul", g, slope())))

    def linear(self, a: str, matrix: str) -> str:
        """M a M^T for each image and channel: a blur, a border, or what lies inside one."""
        transposed = lambda: self.op("Transpose", matrix, perm=[1, 0])
        forth = self.op("MatMul", self.op("MatMul", matrix, a), transposed())
        return self._made(forth, (a, lambda g: self.op("MatMul", self.op("MatMul", transposed(), g), matrix)))

    def mirror(self, a: str) -> str:
        """a with its columns in the other order."""
        ends = [self.constant(f"mirror_{n}", torch.tensor([n])) for n in (-1, -(2**31), 3)]
        flip = lambda u: self.op("Slice", u, *ends, ends[0])  # starts, ends, axes, steps
        return self._made(flip(a), (a, flip))

    def convolve(self, a: str, weights: tuple[str, ...], stride: int, padding: int) -> str:
        """The convolution of torch.nn.Conv2d by weight and bias. Backwards the transposed one, same weights."""
        options = dict(strides=[stride] * 2, pads=[padding] * 4)
        back = lambda g: self.op("ConvTranspose", g, weights[0], **options)
        return self._made(self.op("Conv", a, *weights, **options), (a, back))

    def convolve_transposed(self, a: str, weights: tuple[str, ...], stride: int, padding: int) -> str:
        """The convolution of torch.nn.ConvTranspose2d. Backwards it is the plain one, by the same weights."""
        options = dict(strides=[stride] * 2, pads=[padding] * 4)
        back = lambda g: self.op("Conv", g, weights[0], **options)
        return self._made(self.op("ConvTranspose", a, *weights, **options), (a, back))

    def gradient(self, of: str, by: str, seed: str) -> str:
        """Write the way back from the tensor `of`, where the gradient is `seed`, to `by`; return its name there."""
        gradients = {of: seed}
        for result, source, pull in reversed(self._back):
            if result in gradients:
                g = pull(gradients[result])
                gradients[source] = self.op("Add", gradients[source], g) if source in gradients else g
        return gradients[by]

    def _made(self, result: str, *ways_back: tuple[str, Pull]) -> str:
        self._back += [(result, source, pull) for source, pull in ways_back]
        return result

    def serialized(self, inputs: dict[str, list], outputs: dict[str, tuple[str, list]], about: dict[str, str]) -> bytes:
        """The file: inputs {name: shape}, outputs {name: (tensor, shape)}, and what a reader is told about it."""
        h = self._helper
        typed = lambda name, shape: h.make_tensor_value_info(name, 1, shape)  # 1: float32
        named = [h.make_node("Identity", [tensor], [name]) for name, (tensor, _) in outputs.items()]
        ends = [typed(n, s) for n, s in inputs.items()], [typed(n, s) for n, (_, s) in outputs.items()]
        graph = h.make_graph(self.nodes + named, "gradient", *ends, list(self.constants.values()))
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", OPSET)], ir_version=8, producer_name="advreg_edu")
        h.set_model_props(model, about)
        return model.SerializeToString()


def _onnx() -> tuple[Any, Any]:
    """The two modules of the optional package `onnx` that write a graph."""
    try:
        from onnx import helper, numpy_helper
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "export: expected the package onnx, got none. Install it: pip install onnx."
        ) from None
    return helper, numpy_helper
