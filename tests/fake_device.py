"""A device with numbers, without a GPU: what fails or waits on CUDA fails or is counted here.

Its tensors lie on the CPU and say `cuda:0`. An operation that mixes them with tensors of the CPU raises, as does a
generator of another device than the draw's, and `numpy()`. `waits` counts what makes a program wait for a GPU.
"""

import contextlib

import torch
from torch.overrides import TorchFunctionMode

CUDA = torch.device("cuda", 0)
WAITS = {"item", "__bool__", "__float__", "__int__", "tolist", "cpu", "nonzero", "equal", "allclose"}
READS = {"__get__", "size", "dim", "stride", "__repr__", "__len__", "is_complex", "numel", "ndimension"}
INDEXING = {"__getitem__", "__setitem__", "index_select"}


class Far(torch.Tensor):
    """A tensor on the fake device."""


class FarGenerator(torch.Generator):
    """A generator of the fake device."""

    device = CUDA


def is_far(u):
    return isinstance(u, Far)


def map_tensors(function, tree):
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_tensors(function, u) for u in tree))
    if isinstance(tree, (tuple, list)):
        return type(tree)(map_tensors(function, u) for u in tree)
    if isinstance(tree, dict):
        return {key: map_tensors(function, u) for key, u in tree.items()}
    return function(tree) if isinstance(tree, torch.Tensor) else tree


def leaves(tree):
    if isinstance(tree, (tuple, list)):
        return [leaf for u in tree for leaf in leaves(u)]
    if isinstance(tree, dict):
        return leaves(list(tree.values()))
    return [tree] if isinstance(tree, torch.Tensor) else []


def near(tree):
    return map_tensors(lambda u: u.as_subclass(torch.Tensor) if is_far(u) else u, tree)


def far(tree):
    wrap = lambda u: u if is_far(u) or u.layout != torch.strided else u.as_subclass(Far)  # sparse ones are everywhere
    return map_tensors(wrap, tree)


class FakeDevice(TorchFunctionMode):
    """Within it `.to("cuda")` and `device="cuda"` lead to the fake device."""

    def __init__(self):
        super().__init__()
        self.waits, self.pinned = 0, 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
        tensors = leaves([args, kwargs])
        here = any(is_far(u) for u in tensors)
        with torch._C.DisableTorchFunctionSubclass():
            if func == torch.Tensor.device.__get__:
                return CUDA if here else func(*args)
            if func == torch.Tensor.is_cuda.__get__:
                return here
            if here and name in WAITS:
                self.waits += 1
                return func(*near(args), **near(kwargs))
            if here and name == "numpy":
                raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")
            if name == "pin_memory":
                self.pinned += 1
                return args[0].clone()
            if name == "to":
                return self.moved(func, args, kwargs, here)
            return self.compute(func, name, args, kwargs, tensors, here)

    def moved(self, func, args, kwargs, here):
        u, *rest = args
        goal = here
        if rest and is_far(rest[0]):
            goal, rest = True, [near(rest[0]), *rest[1:]]
        elif rest and isinstance(rest[0], torch.Tensor):
            goal = False
        devices = [d for d in (*rest, kwargs.get("device")) if isinstance(d, (str, torch.device))]
        if devices:
            goal = torch.device(devices[0]).type == "cuda"
            rest = [r for r in rest if not isinstance(r, (str, torch.device))]
            kwargs.pop("device", None)
        waiting = not kwargs.pop("non_blocking", False)
        self.waits += here != goal and waiting
        out = func(near(u), *rest, **kwargs) if rest or kwargs else near(u)
        out = out.clone() if here != goal else out
        return far(out) if goal else out

    def compute(self, func, name, args, kwargs, tensors, here):
        plain = [u for u in tensors if not is_far(u) and u.layout == torch.strided and u.dim() > 0]
        if here and plain and not (name in INDEXING and is_far(args[0])) and name not in READS:
            raise RuntimeError(f"Expected all tensors to be on the same device, got cuda:0 and cpu in {name}")
        device = kwargs.get("device")
        goal = here if device is None else torch.device(device).type == "cuda"
        if device is not None and goal:
            kwargs["device"] = "cpu"
        generator = kwargs.get("generator")
        if generator is not None:
            if (torch.device(generator.device).type == "cuda") != (goal and device is not None):
                raise RuntimeError(f"Expected the generator of the device of the draw, got {generator.device}")
        out = func(*args, **kwargs)
        return far(out) if goal else out


@contextlib.contextmanager
def fake_device():
    with FakeDevice() as mode:
        yield mode
