"""What every training shares: Adam, the learning rate, averaged weights, steps that depend on their index alone."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from os import PathLike
from typing import Self

import torch
from torch import Generator, Tensor, nn

from .._input.networks import derivatives, in_eval_mode
from ..hardware import processes
from ..hardware.cores import in_parts, one_thread
from ..hardware.devices import exact_convolutions, is_time_to_look
from .checkpoints import Checkpoint
from .fingerprint import training_fingerprint
from .pairs import Pairs


class TrainingRun:
    """The state of a training: weights, their average, Adam's moments, the step count, and what the network counts as
    it computes (the buffers of batch normalisation). As a context it keeps the checkpoint, and at its end it puts the
    averaged weights into the network.
    """

    def __init__(
        self,
        network: nn.Module,
        steps: int,
        seed: int,
        learning_rate: float,
        averaging: float,
        precision: str,
        settings: dict,
        checkpoint: str | PathLike | None,
        checkpoint_every: int,
        betas: tuple[float, float] = (0.9, 0.999),
        schedule: str = "cosine",
    ):
        self.mode = network.training
        if not any(p.requires_grad for p in network.parameters()):  # a network as `load_critic` gives it
            network.requires_grad_(True)
        network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on CPUs, same numbers
        self.network = network
        self.total, self.seed, self.precision = steps, seed, precision
        self.learning_rate, self.averaging, self.constant = learning_rate, averaging, schedule == "constant"
        self.adam = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=betas)
        self.device = next(network.parameters()).device
        self.trained = [p for p in network.parameters() if p.requires_grad]
        self.average = [p.detach().clone() for p in network.parameters()]
        weights = {key for key, _ in network.named_parameters(remove_duplicate=False)}
        self.buffers = {key: value for key, value in network.state_dict().items() if key not in weights}
        self.draws = any(isinstance(layer, nn.modules.dropout._DropoutNd) for layer in network.modules())
        self.state: dict[str, Tensor] = {}  # tensors that a training changes beside the weights
        self.kept: dict[str, Tensor] = {}  # they and the buffers, after the last update
        self.done, self.whole = 0, True
        self.every, self.checkpoint = checkpoint_every, Checkpoint(checkpoint)
        self.settings = settings | dict(steps=steps, seed=seed, learning_rate=learning_rate)
        self.settings |= dict(averaging=averaging, precision=precision, betas=list(betas), schedule=schedule)
        self.settings |= dict(network=type(network).__name__, arguments=getattr(network, "arguments", None))

    def begin(self, pairs: Pairs, resume: bool) -> None:
        """Take up the checkpoint where `resume` asks for it. Raises where it cannot be used, or would be lost."""
        self.state = pairs.state
        if self.checkpoint.path is not None:
            self.settings |= training_fingerprint(pairs.innermost)
        self.keep()
        self.done = self.checkpoint.start(self, resume)
        self.keep()
        processes.meet()  # nobody writes the file before all have read it

    def __enter__(self) -> Self:
        self.checkpoint.__enter__()
        self.keep()
        self.checkpoint.save(self)  # from now on there is something to resume
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.checkpoint.save(self)
        finally:
            self.finish()
            self.checkpoint.__exit__(*error)

    def steps_to_do(self) -> Iterator[int]:
        """The indices of the steps that are left."""
        yield from range(self.done, self.total)

    @contextmanager
    def step(self, k: int) -> Iterator[Generator]:
        """Within it step k computes; gives its generator. A step depends on its index alone: resuming is exact.

        It computes with one thread, or in parts with several (`cores.in_parts`), so that the weights do not depend on
        the number of cores.
        """
        own = self.seed * 1_000_003 + k
        with one_thread(), derivatives(), exact_convolutions(), self._drawing(own):
            yield torch.Generator().manual_seed(own)
        if (k + 1) % self.every == 0:
            self.checkpoint.save(self)

    @contextmanager
    def _drawing(self, seed: int) -> Iterator[None]:
        """Within it a network that draws (dropout) draws by the seed; the global generators are left as they were."""
        if not self.draws:
            yield
            return
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield

    def autocast(self) -> AbstractContextManager:
        """Within it networks compute in the precision of the training; weights and sums stay as they are.

        Without torch's cache of rounded weights: all threads share it, and the first to end would empty it for the
        others, so that rounding depended on their pace.
        """
        on = self.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=on, cache_enabled=False)

    def without_counting(self) -> AbstractContextManager:
        """Within it a network with running statistics (batch normalisation) is as in use, and leaves them alone."""
        return in_eval_mode(self.network) if self.buffers or self.draws else nullcontext()

    def gradients(
        self, loss_of: Callable[..., tuple[Tensor, ...]], *batches: Tensor, parts: int | None = None
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """(values of `loss_of`, gradients of its first value in the weights), each the mean over the batch.

        Each process computes its share of the batch. What cannot be cut into parts each computes whole.
        Args: loss_of(part of each batch) gives scalars that are means over the part; parts, see `in_parts`.
        """
        size = len(batches[0])
        if self.buffers or self.draws:  # parts at the same time would count, and draw, in any order
            parts = 1
        mine = batches if parts == 1 else processes.share(*batches)

        def part(*batches: Tensor) -> tuple[Tensor, tuple[Tensor, ...], float]:
            with derivatives():  # each thread has a switch of its own
                with self.autocast():
                    values = loss_of(*batches)
                gradients = torch.autograd.grad(values[0], self.trained, allow_unused=True, materialize_grads=True)
            return torch.stack([v.detach() for v in values]), gradients, len(batches[0]) / size

        values, gradients, shares = zip(*in_parts(part, *mine, parts=parts), strict=True)
        means = [torch._foreach_mul(list(g), share) for g, share in zip(gradients, shares, strict=True)]
        for more in means[1:]:
            torch._foreach_add_(means[0], more)
        found = [sum(v * share for v, share in zip(values, shares, strict=True)), *means[0]]
        found = found if parts == 1 else processes.summed(found)
        return found[0], found[1:]

    def update(self, loss: Tensor, gradients: Sequence[Tensor]) -> None:
        """One Adam step. No number as a loss raises; on an accelerator up to nine steps later, within the run."""
        k = self.done
        if (is_time_to_look(k, loss) or k + 1 == self.total) and not torch.isfinite(loss):
            raise ValueError(
                f"Training broke down at step {k}: expected a finite loss, got {loss.item()}. "
                "Lower learning_rate; for a critic, raise gp_weight."
            )
        for p, gradient in zip(self.trained, gradients, strict=True):
            p.grad = gradient
        for group in self.adam.param_groups:
            group["lr"] = self.learning_rate * self.share_of_rate(k)
        self.whole = False  # an interrupt between here and the last line leaves half an update: not to be saved
        self.adam.step()
        decay = min(self.averaging, (k + 1) / (k + 10))  # short memory at first
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.network.parameters()), 1 - decay)
        self.keep()
        self.done, self.whole = k + 1, True

    def share_of_rate(self, k: int) -> float:
        """The rate rises over 50 steps, then falls to 0 along a cosine; or it is constant."""
        return 1.0 if self.constant else min(1, (k + 1) / 50) * 0.5 * (1 + math.cos(math.pi * k / self.total))

    def keep(self) -> None:
        """Remember the state: the next step changes it, and may be cut off."""
        self.kept = {f"state.{key}": value.clone() for key, value in self.state.items()}
        self.kept |= {f"buffer.{key}": value.clone() for key, value in self.buffers.items()}

    def finish(self) -> None:
        """Put the averaged weights into the network."""
        self.network.train(self.mode)
        with torch.no_grad():
            for p, average in zip(self.network.parameters(), self.average, strict=True):
                p.copy_(average)

    def tensors(self) -> dict[str, Tensor]:
        """{key in a checkpoint: what it holds}, after the last whole update."""
        tensors: dict[str, Tensor] = {}
        for i, p in enumerate(self.network.parameters()):
            first, second = (self.adam.state[p].get(key, torch.zeros_like(p)) for key in ("exp_avg", "exp_avg_sq"))
            tensors |= {f"{i}.weight": p, f"{i}.average": self.average[i], f"{i}.first": first, f"{i}.second": second}
        return tensors | self.kept

    def places(self) -> dict[str, Tensor]:
        """{key in a checkpoint: the tensor of this training that it is copied to}."""
        places = {f"state.{key}": value for key, value in self.state.items()}
        places |= {f"buffer.{key}": value for key, value in self.buffers.items()}
        for i, p in enumerate(self.network.parameters()):
            moments = dict(exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
            self.adam.state[p] = moments
            first, second = moments.values()
            places |= {f"{i}.weight": p, f"{i}.average": self.average[i], f"{i}.first": first, f"{i}.second": second}
        return places

    def count_from(self, done: int) -> None:
        """Adam has taken `done` steps."""
        for p in self.network.parameters():
            self.adam.state[p]["step"] = torch.tensor(float(done))
