"""What this process may use: cores, memory, and the number format that the processor multiplies fastest."""

import os
from collections.abc import Iterator
from pathlib import Path

import torch

CONTROL_GROUPS = Path("/sys/fs/cgroup")


def cpu_limit() -> float:
    """Cores this process may use, perhaps a fraction: the least of Binder's CPU_LIMIT, the quotas of its control
    groups, and the cores there are.

    >>> 0 < cpu_limit() <= os.cpu_count()
    True
    """
    limits: list[float] = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    if os.environ.get("CPU_LIMIT"):
        limits.append(float(os.environ["CPU_LIMIT"]))
    for group in _control_groups():
        if "cpu.max" in (names := os.listdir(group)):  # version 2
            quota, _, period = _read(group / "cpu.max").partition(" ")
        elif "cpu.cfs_quota_us" in names:  # version 1
            quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
        else:
            continue
        if quota.isdigit():  # else "max" or -1: no limit
            limits.append(int(quota) / int(period))
    return min(limits)


def _control_groups() -> Iterator[Path]:
    """The folders that may limit the cores of this process: its control group and those that this is in."""
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = CONTROL_GROUPS / controllers
        for folder in (Path(path), *Path(path).parents):  # in a container the path may be one of the host
            if (mount / str(folder).lstrip("/")).is_dir():
                yield mount / str(folder).lstrip("/")


def memory_limit() -> int | None:
    """Bytes this process may use, by Binder, container or machine; None where none of them says.

    >>> memory_limit() is None or memory_limit() > 0
    True
    """
    texts = [os.environ.get("MEM_LIMIT"), _read("/sys/fs/cgroup/memory.max")]
    texts += [_read("/sys/fs/cgroup/memory/memory.limit_in_bytes")]
    numbers = [int(s) for s in texts if s and s.isdigit()]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        numbers.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(numbers, default=None)


def fast_precision(device: torch.device | str = "cpu") -> str:
    """The number format for convolutions: bfloat16 where `device` has instructions for it, else float32.

    On CPUs that is AMX or AVX-512 BF16; without them bfloat16 is slower. On GPUs compute capability 8.0.

    >>> fast_precision() in ("bfloat16", "float32")
    True
    """
    device = torch.device(device)
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float32"
    supported = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # private, so perhaps not in every torch
    fast = device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in supported)
    return "bfloat16" if fast else "float32"


def _read(path: Path | str) -> str:
    """The text of a file; none where it cannot be read."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
