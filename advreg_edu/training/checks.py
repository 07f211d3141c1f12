"""What every training asks of its arguments. Every message says what was expected, what came, and how to fix it."""

import math

import torch
from torch import Tensor, nn

from .._input.arguments import check_choice, check_count, check_images, check_number, check_seed
from .._input.networks import check_trainable, in_eval_mode
from ..hardware.limits import fast_precision, memory_limit
from ..hardware.processes import count
from ..problem import Problem, check_problem
from ..reconstruction import gradient
from .loss import Eq6
from .pairs import Pairs, check_pairs

PRECISIONS = ("float32", "bfloat16")


def check_critic(critic: nn.Module, problem: Problem, x_real: Tensor) -> None:
    """Raise unless there is a critic to train, and a problem and images to train it on."""
    check_trainable(critic)
    check_problem(problem)
    check_images(x_real, "x_real", problem.A.domain_shape)


def check_source(critic: nn.Module, pairs: Pairs, loss: Eq6) -> None:
    """Raise unless `loss` can score what `pairs` draws by the values of `critic` and their derivatives."""
    check_trainable(critic)
    check_pairs(pairs)
    if not isinstance(loss, Eq6):
        raise TypeError(f"loss: expected Eq6(gp_weight) or a child of it, got {type(loss).__name__}. Build one.")
    loss.check(pairs)
    window = pairs.draw(1, torch.Generator().manual_seed(0), step=-1).x_real
    dtype = next(critic.parameters()).dtype
    with in_eval_mode(critic):
        gradient(critic, window.to(device_of(critic), torch.promote_types(dtype, torch.float32)))


def check_training(
    x_real: Tensor,
    steps: int,
    batch_size: int,
    seed: int,
    learning_rate: float,
    averaging: float,
    checkpoint_every: int,
) -> None:
    """Raise for numbers that no training can go on with."""
    check_count(steps, "steps")
    check_count(batch_size, "batch_size", count(), "Each process takes its share of a batch." if count() > 1 else "")
    needed, limit = 2 * batch_size * x_real[0].numel() * 4, memory_limit() or math.inf  # x_real and x_noisy alone
    if needed > limit:
        raise ValueError(
            f"batch_size: expected a batch that fits into {limit / 1e9:.1f} GB, got {batch_size}, which takes "
            f"{needed / 1e9:.1f} GB. Lower it."
        )
    check_seed(seed)
    check_count(checkpoint_every, "checkpoint_every")
    check_number(learning_rate, "learning_rate", low=0, above=True)
    check_number(averaging, "averaging", low=0, high=1)


def device_of(network: nn.Module) -> torch.device:
    """Where the weights are."""
    return next(network.parameters()).device


def checked_precision(precision: str | None, network: nn.Module) -> str:
    """`precision`, or where it is None the fast one on the device of the network."""
    fast = fast_precision(device_of(network)) if precision is None else precision
    return check_choice(fast, "precision", PRECISIONS)
