"""What every training shares: Adam, the learning rate, averaged weights, checkpoints that resume exactly."""

import json
import math
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .cores import in_parts, one_thread


def run_steps(run, draw, evaluate, start, steps, seed, checkpoint_every):
    """The loop: draw a batch, evaluate its loss, update, report. Yields what `evaluate` reports of each step.

    Args: draw(generator=) gives (x_real, x_noisy); evaluate(k, x_real, x_noisy, generator) gives (loss, gradients of
        the weights, report). Each step computes with one thread, or in parts with several (`cores.in_parts`), so that
        the weights do not depend on the number of cores.
    """
    generator = torch.Generator()
    run.keep()
    run.save()  # from now on there is something to resume
    try:
        for k in range(start, steps):
            generator.manual_seed(seed * 1_000_003 + k)  # a step depends on its index alone: resuming is exact
            with one_thread():
                loss, gradients, report = evaluate(k, *draw(generator=generator), generator)
                _check_loss(loss, k)
                run.update(gradients, k, steps)
            if (k + 1) % checkpoint_every == 0:
                run.save()
            yield report
    finally:
        run.save()
        run.finish()


def _check_loss(loss, k):
    if not torch.isfinite(loss):
        raise ValueError(
            f"Training broke down at step {k}: expected a finite loss, got {loss.item()}. "
            "Lower learning_rate; for a critic, raise gp_weight."
        )


class TrainingRun:
    """The state of a training that a checkpoint holds: weights, their average, Adam's moments, the step count."""

    def __init__(self, network, learning_rate, averaging, settings, checkpoint):
        self.mode = network.training
        if not any(p.requires_grad for p in network.parameters()):  # a network as `load_critic` gives it
            network.requires_grad_(True)
        self.network = network.train().to(memory_format=torch.channels_last)  # faster on CPUs, same numbers
        self.averaging, self.learning_rate = averaging, learning_rate
        self.settings, self.path = settings, Path(checkpoint) if checkpoint else None
        self.adam = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.999))
        self.device = next(network.parameters()).device
        self.average = [p.detach().clone() for p in network.parameters()]
        self.done, self.whole = 0, True
        self.state, self.kept = {}, {}  # tensors that a training changes beside the weights, and after the last update

    def gradients(self, loss_of, *batches, parts=None):
        """(values of `loss_of`, gradients of its first value in the weights), each the mean over the batch.

        Args: loss_of(part of each batch) gives scalars that are means over the part; parts, see `in_parts`.
        """
        weights = list(self.network.parameters())

        def part(*batches):
            values = loss_of(*batches)
            gradients = torch.autograd.grad(values[0], weights, allow_unused=True, materialize_grads=True)
            return torch.stack([v.detach() for v in values]), gradients, len(batches[0]) / size

        size = len(batches[0])
        values, gradients, shares = zip(*in_parts(part, *batches, parts=parts), strict=True)
        means = [torch._foreach_mul(list(g), share) for g, share in zip(gradients, shares, strict=True)]
        for more in means[1:]:
            torch._foreach_add_(means[0], more)
        return sum(v * share for v, share in zip(values, shares, strict=True)), means[0]

    def update(self, gradients, k, steps):
        """One Adam step; the rate rises over 50 steps, then falls to 0 along a cosine."""
        for p, gradient in zip(self.network.parameters(), gradients, strict=True):
            p.grad = gradient
        for group in self.adam.param_groups:
            group["lr"] = self.learning_rate * min(1, (k + 1) / 50) * 0.5 * (1 + math.cos(math.pi * k / steps))
        self.whole = False  # an interrupt between here and the last line leaves half an update: not to be saved
        self.adam.step()
        decay = min(self.averaging, (k + 1) / (k + 10))  # short memory at first
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.network.parameters()), 1 - decay)
        self.keep()
        self.done, self.whole = k + 1, True

    def keep(self):
        """Remember the state: the next step changes it, and may be cut off."""
        self.kept = {key: value.clone() for key, value in self.state.items()}

    def finish(self):
        """Put the averaged weights into the network."""
        self.network.train(self.mode)
        with torch.no_grad():
            for p, average in zip(self.network.parameters(), self.average, strict=True):
                p.copy_(average)

    def save(self):
        """Write the checkpoint, unless an update was cut in two."""
        if self.path is None or not self.whole:
            return
        tensors = {}
        for i, p in enumerate(self.network.parameters()):
            first, second = (self.adam.state[p].get(key, torch.zeros_like(p)) for key in ("exp_avg", "exp_avg_sq"))
            parts = dict(weight=p, average=self.average[i], first=first, second=second)
            tensors |= {f"{i}.{name}": part.detach().cpu().contiguous() for name, part in parts.items()}
        tensors |= {f"state.{key}": value.cpu() for key, value in self.kept.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        save_file(tensors, partial, {"done": str(self.done), "settings": json.dumps(self.settings, sort_keys=True)})
        os.replace(partial, self.path)  # a killed process never leaves half a file

    def load(self):
        """Restore the checkpoint; return the number of steps already done."""
        if self.path is None or not self.path.exists():
            raise ValueError(f"resume: expected a checkpoint file, got {self.path}. Start without resume=True.")
        try:
            with safe_open(self.path, "pt") as file:
                meta, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}
        except SafetensorError as error:
            raise ValueError(f"{self.path}: expected a checkpoint, got a damaged file ({error}). Delete it.") from None
        if "settings" not in (meta or {}):
            raise ValueError(f"{self.path}: expected a checkpoint, got another safetensors file. Name the right one.")
        saved = json.loads(meta["settings"])
        different = [f"{k}: {saved.get(k)} then, {v} now" for k, v in self.settings.items() if saved.get(k) != v]
        if different:
            raise ValueError(f"{self.path}: expected the same settings, got {'; '.join(different)}. Change them back.")
        self._restore(tensors, int(meta["done"]))
        return self.done

    def _restore(self, tensors, done):
        parameters = list(self.network.parameters())
        expected, got = (
            [tuple(p.shape) for p in parameters],
            [tuple(t.shape) for k, t in tensors.items() if "weight" in k],
        )
        if sorted(expected) != sorted(got):
            raise ValueError(
                f"{self.path}: expected weights of shapes {expected}, got {got}. "
                "The checkpoint belongs to another network: build the one that it was made for."
            )
        with torch.no_grad():
            for i, p in enumerate(parameters):
                weight, average, first, second = (tensors[f"{i}.{n}"] for n in ("weight", "average", "first", "second"))
                p.copy_(weight)
                self.average[i].copy_(average)
                moments = dict(exp_avg=first.to(p), exp_avg_sq=second.to(p), step=torch.tensor(float(done)))
                self.adam.state[p] = moments
        for key, value in self.state.items():
            value.copy_(tensors[f"state.{key}"])
        self.done = done
