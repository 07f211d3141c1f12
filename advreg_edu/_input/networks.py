"""How numbers meet a network: it computes in the type of its weights, and what comes back has the type that went in.

So float64 from NumPy goes into a float32 critic, float32 into a float64 one. Algorithms 1 and 2 compute in the type of
the weights, at least float32, and return the type of their input. Not in the paper.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import check_batch, check_float, check_tensor

Network = Callable[[Tensor], Tensor]  # (B, C, H, W) to (B,) for critics, to (B, C, H, W) for others


def in_type_of_weights(forward: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Tensor], Tensor]:
    """Decorates the `forward` of our networks: x of any float type, the result in the type of x.

    >>> class Half(nn.Linear):
    ...     forward = in_type_of_weights(nn.Linear.forward)
    >>> Half(2, 1)(torch.zeros(1, 2, dtype=torch.float64)).dtype
    torch.float64
    """

    @functools.wraps(forward)
    def cast(self: Any, x: Tensor) -> Tensor:
        check_batch(x, "x")
        check_float(x, "x")
        return forward(self, as_input(self, x)).to(x.dtype)

    return cast


def evaluate(network: Network, x: Tensor) -> Tensor:
    """network(x), computed in the type of its weights and returned in the type of x.

    >>> evaluate(nn.Linear(2, 1), torch.zeros(1, 2, dtype=torch.float64)).dtype
    torch.float64
    """
    if isinstance(network, type) or not callable(network):
        check_network(network)
    return network(as_input(network, x)).to(x.dtype)


def as_input(network: object, x: Tensor) -> Tensor:
    """x in the type of the network's weights. Raises where they are on another device.

    >>> as_input(nn.Linear(2, 1), torch.zeros(1, 2, dtype=torch.float64)).dtype
    torch.float32
    """
    device = next((p.device for p in network.parameters()), x.device) if isinstance(network, nn.Module) else x.device
    if device != x.device:
        got = f"weights on {device} and images on {x.device}"
        raise ValueError(f"{type(network).__name__}: expected both on one device, got {got}. Move it: .to(x.device).")
    return x.to(type_of(network, x.dtype))


def type_of(network: object, otherwise: torch.dtype) -> torch.dtype:
    """The float type of a network's weights; `otherwise` where it has none.

    >>> type_of(nn.Linear(2, 1), torch.float64), type_of(torch.sum, torch.float64)
    (torch.float32, torch.float64)
    """
    if isinstance(network, nn.Module):
        for p in network.parameters():
            if p.is_floating_point():
                return p.dtype
    return otherwise


def computing_type(network: object, x: Tensor) -> torch.dtype:
    """The type in which an algorithm with this network and the tensor x computes: at least float32.

    >>> computing_type(torch.sum, torch.zeros(2, dtype=torch.float16))
    torch.float32
    """
    return torch.promote_types(type_of(network, x.real.dtype if x.is_complex() else x.dtype), torch.float32)


def to_float_type(u: Tensor, dtype: torch.dtype) -> Tensor:
    """`u` with the float type, or with complex numbers of two such.

    >>> to_float_type(torch.zeros(1, dtype=torch.complex64), torch.float64).dtype
    torch.complex128
    """
    return u.to(dtype.to_complex() if u.is_complex() else dtype)


def check_network(network: object, name: str = "critic", to: str = "(B,)") -> None:
    """Raise unless `network` is a function, and its weights, if it has any, are finite numbers to compute with.

    >>> check_network("ct-thorax")
    Traceback (most recent call last):
    TypeError: critic: expected a network or function (B, C, H, W) to (B,), got the text 'ct-thorax'. ...
    """
    expected = f"{name}: expected a network or function (B, C, H, W) to {to}"
    if isinstance(network, type) or not callable(network):
        load = "pretrained.load_unet" if name == "net" else "load_critic"
        fix = f"Load it: {load}({network!r})." if isinstance(network, str) else "Build or load one."
        got = f"the text {network!r}" if isinstance(network, str) else getattr(network, "__name__", None)
        raise TypeError(f"{expected}, got {got or type(network).__name__}. {fix}")
    for p in network.parameters() if isinstance(network, nn.Module) else ():
        if p.device.type == "meta":
            raise ValueError(f"{expected}, got weights on the meta device, without numbers. Build it on the cpu.")
        if p.is_inference():
            fix = "Load or build it outside of torch.inference_mode()."
            raise ValueError(f"{expected} that can be differentiated, got weights made in inference mode. {fix}")
        if not torch.isfinite(p.detach()).all():
            raise ValueError(f"{expected} with finite weights, got NaN or infinity. Load or train it again.")


def check_trainable(network: object, name: str = "critic", to: str = "(B,)") -> None:
    """Raise unless `network` is a module with weights.

    >>> check_trainable(torch.sum)
    Traceback (most recent call last):
    TypeError: critic: expected a torch.nn.Module with weights to train, got builtin_function_or_method, ...
    """
    check_network(network, name, to)
    if not isinstance(network, nn.Module) or not any(True for _ in network.parameters()):
        got = type(network).__name__
        raise TypeError(f"{name}: expected a torch.nn.Module with weights to train, got {got}, which has none.")


@contextmanager
def derivatives() -> Iterator[None]:
    """Within it derivatives can be taken, whatever the caller has switched off (no_grad, inference_mode).

    >>> with torch.no_grad(), derivatives():
    ...     torch.is_grad_enabled()
    True
    """
    with torch.inference_mode(False), torch.enable_grad():
        yield


def variable(x: Tensor) -> Tensor:
    """x as a variable to differentiate by.

    >>> variable(torch.zeros(2)).requires_grad
    True
    """
    check_tensor(x, "x")
    check_float(x, "x")
    return (x.clone() if x.is_inference() else x.detach()).requires_grad_()


def gradient_by(psi: Tensor, x: Tensor, **options: Any) -> Tensor:
    """grad of sum(psi) by the variable x. Raises where psi does not come from x by differentiable operations.

    >>> x = variable(torch.tensor([[1.0, 2.0]]))
    >>> gradient_by(x.square().sum(1), x)
    tensor([[2., 4.]])
    """
    grad = torch.autograd.grad(psi.sum(), x, allow_unused=True, **options)[0] if psi.requires_grad else None
    if grad is None:
        raise ValueError(
            "critic(x): expected values that torch can differentiate by x, got some that do not depend on it. "
            "In its forward, leave out detach(), item(), numpy() and torch.no_grad()."
        )
    return grad


@contextmanager
def in_eval_mode(network: nn.Module) -> Iterator[None]:
    """Within it the network is as in use, so that trying it leaves its running statistics alone.

    >>> network = nn.BatchNorm1d(2)
    >>> with in_eval_mode(network):
    ...     network.training
    False
    """
    mode = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(mode)


def check_values(psi: Tensor, x: Tensor, name: str = "critic(x)") -> None:
    """Raise unless psi holds one number per image of x.

    >>> check_values(torch.zeros(2), torch.zeros(2, 1, 8, 8))
    """
    check_batch(psi, name, (), "one number per image")
    if len(psi) != len(x):
        raise ValueError(f"{name}: expected one number per image, {len(x)}, got {len(psi)}. Keep the batch axis.")
