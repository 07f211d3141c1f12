"""The file that a training goes on from. Killed at any moment, it resumes to the same weights bit for bit."""

from __future__ import annotations

import json
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

import torch
from safetensors.torch import save
from torch import Tensor, nn

from .._input.files import as_path, remove_partial, reserved, write
from .._input.messages import refused
from .._input.signature import check_flag
from .._input.tensors import open_tensors, read_object
from ..hardware.processes import is_first
from .fingerprint import differences


class Training(Protocol):
    """What a checkpoint holds and restores: see `TrainingRun`."""

    network: nn.Module
    done: int  # whole steps
    whole: bool  # is no update under way
    settings: dict[str, Any]

    def tensors(self) -> dict[str, Tensor]: ...

    def places(self) -> dict[str, Tensor]: ...

    def count_from(self, done: int) -> None: ...


_writers: WeakValueDictionary[Path, Checkpoint] = WeakValueDictionary()  # the last of each path: others write no more


def room_for(network: nn.Module) -> int:
    """Bytes that the checkpoints of a network take: four numbers for each weight, in the new file and in the old."""
    return 2 * 4 * sum(p.numel() * p.element_size() for p in network.parameters())


class Checkpoint:
    """The file at `path`, or none. Within its context no other process and no older run of this one writes it.

    Of processes that train together the first writes it, and all go on from it.
    """

    def __init__(self, path: str | PathLike | None):
        self.path = None if path is None else as_path(path, "checkpoint")
        self.saved: int | None = None  # the step count in the file
        self.room, self._stack = 0, ExitStack()

    def __enter__(self) -> None:
        if self.path is not None and is_first():
            _writers[self.path.resolve()] = self
            self._stack.enter_context(reserved(self.path, room=self.room))

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start(self, run: Training, resume: bool) -> int:
        """The step to begin with: 0, or where the file ends. Raises where the file cannot be used, or would be lost."""
        resume = check_flag(resume, "resume")
        if self.path is None and not resume:
            return 0
        if self.path is None or (resume and not self.path.exists()):
            raise ValueError(f"resume: expected a checkpoint file, got {self.path}. Start without resume=True.")
        if not resume and self.path.exists():
            raise ValueError(
                f"{self.path}: expected no file, got one that is there already. Add resume=True to go on with it, "
                "delete it to start again, or name another."
            )
        self.room = room_for(run.network)
        with self:
            if is_first():
                remove_partial(self.path)
            return self._load(self.path, run) if resume else 0

    def save(self, run: Training) -> None:
        """Write the file, unless an update was cut in two, or it is written."""
        if self.path is None or not is_first() or not run.whole or self.saved == run.done:
            return
        if _writers.get(self.path.resolve()) is not self:
            return
        tensors = {key: value.detach().cpu().contiguous() for key, value in run.tensors().items()}
        if not all(torch.isfinite(t).all() for t in tensors.values()):
            return  # on an accelerator a training that broke down is noticed some steps later
        meta = {"done": str(run.done), "settings": json.dumps(run.settings, sort_keys=True)}
        write(self.path, save(tensors, meta))
        self.saved = run.done

    def _load(self, path: Path, run: Training) -> int:
        """Restore the training; return the number of steps already done."""
        meta, tensors = _read(path)
        if "settings" not in meta:
            raise ValueError(f"{self.path}: expected a checkpoint, got another safetensors file. Name the right one.")
        settings = read_object(meta["settings"], path, "a checkpoint", "Delete it.")
        total, count = settings.get("steps"), meta.get("done", "")
        done = int(count) if len(count) < 10 and count.isdecimal() else -1
        if not isinstance(total, int) or not 0 <= done <= total:
            raise self._damaged(f"{count[:20]} steps done of {total}")
        places = run.places()
        self._check_fit(tensors, places)
        if different := differences(settings, json.loads(json.dumps(run.settings))):  # as a file gives them back
            raise refused(path, "the same settings", "; ".join(different), "Change them back.", most=600)
        with torch.no_grad():
            for key, place in places.items():
                place.copy_(tensors[key])
        run.count_from(done)
        self.saved = done
        return done

    def _check_fit(self, tensors: dict[str, Tensor], places: dict[str, Tensor]) -> None:
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

    def _damaged(self, why: str) -> ValueError:
        return refused(self.path, "a checkpoint", f"a damaged one ({why})", "Delete it.")


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of the file."""
    with open_tensors(path, "a checkpoint", "Delete it.") as file:
        return file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}
