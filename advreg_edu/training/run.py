"""What every training shares: Adam, the learning rate, averaged weights, checkpoints that resume exactly."""

import json
import math
from contextlib import nullcontext
from weakref import WeakValueDictionary

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from .._input.arguments import shown
from .._input.files import as_path, remove_partial, reserved, write
from .._input.networks import derivatives
from ..hardware.cores import in_parts, one_thread
from .fingerprint import differences

_writers = WeakValueDictionary()  # of each path, the last run that began: a run that was left writes no more


def run_steps(run, draw, evaluate, start, steps, seed, checkpoint_every):
    """The loop: draw a batch, evaluate its loss, update, report. Yields what `evaluate` reports of each step.

    Args: draw(generator=) gives (x_real, x_noisy); evaluate(k, x_real, x_noisy, generator) gives (loss, gradients of
        the weights, report). Each step computes with one thread, or in parts with several (`cores.in_parts`), so that
        the weights do not depend on the number of cores.
    """
    generator = torch.Generator()
    with run.reserved():
        try:
            run.keep()
            run.save()  # from now on there is something to resume
            for k in range(start, steps):
                generator.manual_seed(seed * 1_000_003 + k)  # a step depends on its index alone: resuming is exact
                with one_thread(), derivatives():
                    loss, gradients, report = evaluate(k, *draw(generator=generator), generator)
                    _check_loss(loss, k)
                    run.update(gradients, k, steps)
                if (k + 1) % checkpoint_every == 0:
                    run.save()
                yield report
        finally:
            try:
                run.save()
            finally:
                run.finish()


def _check_loss(loss, k):
    if not torch.isfinite(loss):
        raise ValueError(
            f"Training broke down at step {k}: expected a finite loss, got {loss.item()}. "
            "Lower learning_rate; for a critic, raise gp_weight."
        )


def room_for(network):
    """Bytes that the checkpoints of a network take: four numbers for each weight, in the new file and in the old."""
    return 2 * 4 * sum(p.numel() * p.element_size() for p in network.parameters())


class TrainingRun:
    """The state of a training that a checkpoint holds: weights, their average, Adam's moments, the step count, and
    what the network counts as it computes (the buffers of batch normalisation)."""

    def __init__(self, network, learning_rate, averaging, settings, checkpoint):
        self.mode = network.training
        if not any(p.requires_grad for p in network.parameters()):  # a network as `load_critic` gives it
            network.requires_grad_(True)
        self.network = network.train().to(memory_format=torch.channels_last)  # faster on CPUs, same numbers
        self.averaging, self.learning_rate = averaging, learning_rate
        named = dict(network=type(network).__name__, arguments=getattr(network, "arguments", None))
        self.settings = json.loads(json.dumps(settings | named))  # as a file gives it back
        self.path = None if checkpoint is None else as_path(checkpoint, "checkpoint")
        self.adam = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.999))
        self.device = next(network.parameters()).device
        self.trained = [p for p in network.parameters() if p.requires_grad]
        self.average = [p.detach().clone() for p in network.parameters()]
        self.done, self.whole, self.saved = 0, True, None
        weights = {key for key, _ in network.named_parameters(remove_duplicate=False)}
        self.buffers = {key: value for key, value in network.state_dict().items() if key not in weights}
        self.state, self.kept = {}, {}  # tensors that a training changes beside the weights, and after the last update

    def gradients(self, loss_of, *batches, parts=None):
        """(values of `loss_of`, gradients of its first value in the weights), each the mean over the batch.

        Args: loss_of(part of each batch) gives scalars that are means over the part; parts, see `in_parts`.
        """
        weights = self.trained
        if self.buffers:  # parts at the same time would count in any order
            parts = 1

        def part(*batches):
            with derivatives():  # each thread has a switch of its own
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
        for p, gradient in zip(self.trained, gradients, strict=True):
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
        self.kept = {f"state.{key}": value.clone() for key, value in self.state.items()}
        self.kept |= {f"buffer.{key}": value.clone() for key, value in self.buffers.items()}

    def finish(self):
        """Put the averaged weights into the network."""
        self.network.train(self.mode)
        with torch.no_grad():
            for p, average in zip(self.network.parameters(), self.average, strict=True):
                p.copy_(average)

    def reserved(self):
        """The checkpoint is written by this process and this run alone, see `_files.reserved`."""
        if self.path is None:
            return nullcontext()
        _writers[self.path.resolve()] = self
        return reserved(self.path, room=room_for(self.network))

    def save(self):
        """Write the checkpoint, unless an update was cut in two, or it is written."""
        if self.path is None or not self.whole or self.saved == self.done:
            return
        if _writers.get(self.path.resolve()) is not self:
            return
        tensors = {}
        for i, p in enumerate(self.network.parameters()):
            first, second = (self.adam.state[p].get(key, torch.zeros_like(p)) for key in ("exp_avg", "exp_avg_sq"))
            parts = dict(weight=p, average=self.average[i], first=first, second=second)
            tensors |= {f"{i}.{name}": part.detach().cpu().contiguous() for name, part in parts.items()}
        tensors |= {key: value.cpu().contiguous() for key, value in self.kept.items()}
        meta = {"done": str(self.done), "settings": json.dumps(self.settings, sort_keys=True)}
        write(self.path, save(tensors, meta))
        self.saved = self.done

    def start(self, resume):
        """The step to begin with: 0, or where the checkpoint ends. Raises where the checkpoint cannot be used."""
        if self.path is None and not resume:
            return 0
        if resume and (self.path is None or not self.path.exists()):
            raise ValueError(f"resume: expected a checkpoint file, got {self.path}. Start without resume=True.")
        if not resume and self.path.exists():
            raise ValueError(
                f"{self.path}: expected no file, got one that is there already. Add resume=True to go on with it, "
                "delete it to start again, or name another."
            )
        with self.reserved():
            remove_partial(self.path)
            return self._load() if resume else 0

    def _load(self):
        """Restore the checkpoint; return the number of steps already done."""
        try:
            with safe_open(self.path, "pt") as file:
                meta, tensors = file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}
        except (SafetensorError, IsADirectoryError) as error:
            raise self._damaged(error) from None
        if "settings" not in meta:
            raise ValueError(f"{self.path}: expected a checkpoint, got another safetensors file. Name the right one.")
        try:
            saved, done = json.loads(meta["settings"]), int(meta.get("done", ""))
        except (ValueError, RecursionError) as error:
            raise self._damaged(error) from None
        if not isinstance(saved, dict) or not 0 <= done <= saved.get("steps", -1):
            raise self._damaged(f"{done} steps done of {shown(saved)}")
        self.keep()
        places = self._places()
        self._check_fit(tensors, places)
        if different := differences(saved, self.settings):
            raise ValueError(f"{self.path}: expected the same settings, got {'; '.join(different)}. Change them back.")
        with torch.no_grad():
            for key, place in places.items():
                place.copy_(tensors[key])
        for p in self.network.parameters():
            self.adam.state[p]["step"] = torch.tensor(float(done))
        self.keep()
        self.done = self.saved = done
        return done

    def _places(self):
        """{key in the checkpoint: the tensor of this training that it is copied to}."""
        places = {f"state.{key}": value for key, value in self.state.items()}
        places |= {f"buffer.{key}": value for key, value in self.buffers.items()}
        for i, p in enumerate(self.network.parameters()):
            moments = dict(exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
            self.adam.state[p] = moments
            first, second = moments.values()
            places |= {f"{i}.weight": p, f"{i}.average": self.average[i], f"{i}.first": first, f"{i}.second": second}
        return places

    def _check_fit(self, tensors, places):
        expected, got = ({k: tuple(t.shape) for k, t in both.items()} for both in (places, tensors))
        if expected != got:
            wrong = sorted(k for k in expected.keys() | got.keys() if expected.get(k) != got.get(k))[0]
            raise ValueError(
                f"{self.path}: expected {wrong} of shape {expected.get(wrong)}, got {got.get(wrong)}. The checkpoint "
                "belongs to another network or other settings: build the one that it was made for."
            )
        for key, tensor in tensors.items():
            if tensor.dtype != places[key].dtype or not torch.isfinite(tensor).all():
                raise self._damaged(f"{key} holds {tensor.dtype} numbers, or some that are not finite")

    def _damaged(self, why):
        return ValueError(f"{self.path}: expected a checkpoint, got a damaged file ({shown(str(why))}). Delete it.")
