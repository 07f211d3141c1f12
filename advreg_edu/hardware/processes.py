"""Several processes that train one network, each on its share of every batch. Not in the paper.

Lightning Fabric starts them, or joins those that torchrun or SLURM has started, and tells each its device. What they
then exchange are sums. A wrapper of the network that adds up gradients, such as torch's DDP, does so in `backward()`
alone; here the gradient of Eq. 6 is taken by `autograd.grad`, through the gradient of its penalty.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


def count() -> int:
    """How many processes train together: 1 where nobody has started more.

    >>> count()
    1
    """
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes files and speaks.

    >>> is_first()
    True
    """
    return count() == 1 or dist.get_rank() == 0


def share(*batches: Tensor) -> tuple[Tensor, ...]:
    """This process's part of each batch (B, ...); the shares of all processes make the batch.

    >>> share(torch.arange(3))
    (tensor([0, 1, 2]),)
    """
    return batches if count() == 1 else tuple(batch.tensor_split(count())[dist.get_rank()] for batch in batches)


def summed(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The sum over all processes of each tensor; every process gets the same bits.

    >>> summed([torch.ones(2)])
    [tensor([1., 1.])]
    """
    if count() == 1:
        return list(tensors)
    flat = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(flat)
    parts = flat.split([t.numel() for t in tensors])
    return [part.view_as(t).to(t.dtype) for part, t in zip(parts, tensors, strict=True)]


def shared(function: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """function(batch), like the batch, of which each process computes its share.

    >>> shared(torch.neg, torch.ones(2))
    tensor([-1., -1.])
    """
    if count() == 1 or len(batch) < count():
        return function(batch)
    parts = [torch.zeros_like(part) for part in batch.tensor_split(count())]
    parts[dist.get_rank()] = function(*share(batch))
    return summed([torch.cat(parts)])[0]


def meet() -> None:
    """Wait until all processes are here.

    >>> meet()
    """
    if count() > 1:
        dist.barrier()


@contextmanager
def together(device: str, devices: int = 1, nodes: int = 1) -> Iterator[str]:
    """Within it `nodes` times `devices` processes train together; gives the device of this one.

    Under torchrun or srun their numbers are taken. Else Fabric starts the command again for every further device.
    Raises ModuleNotFoundError where there are to be several, and lightning-fabric is not installed.

    >>> with together("cpu") as device:
    ...     device
    'cpu'
    """
    devices, nodes = _started() or (devices, nodes)
    if devices * nodes == 1:
        yield device
        return
    try:
        from lightning_fabric import Fabric
    except ModuleNotFoundError:
        fix = "Several processes need it: pip install lightning-fabric."
        raise ModuleNotFoundError(f"devices: expected the package lightning-fabric, got none. {fix}") from None
    fabric = Fabric(accelerator=torch.device(device).type, strategy="ddp", devices=devices, num_nodes=nodes)
    fabric.launch()
    try:
        yield str(fabric.device)
    finally:  # the others must not wait for one that an error has ended
        dist.destroy_process_group()


def _started() -> tuple[int, int] | None:
    """(processes on each node, nodes) as torchrun or SLURM has started them, None where neither has."""
    env = os.environ
    if "TORCHELASTIC_RUN_ID" in env:
        each = int(env["LOCAL_WORLD_SIZE"])
        return each, int(env["WORLD_SIZE"]) // each
    if "SLURM_PROCID" in env and "SLURM_STEP_ID" in env:  # within srun, and not in the shell of an allocation
        nodes = int(env["SLURM_NNODES"])
        return int(env["SLURM_NTASKS"]) // nodes, nodes
    return None
