"""What this process may use: cores, memory, and the number format that the processor multiplies fastest."""

import os
from pathlib import Path

import torch


def cpu_limit():
    """Cores this process may use: Binder's CPU_LIMIT, else the container's quota, else the cores there are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if os.environ.get("CPU_LIMIT"):
        return min(float(os.environ["CPU_LIMIT"]), cores)
    quota, period = (_read("/sys/fs/cgroup/cpu.max") or "max 100000").split()  # control groups, version 2
    if quota == "max":
        quota = _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") or "-1"  # version 1
        period = _read("/sys/fs/cgroup/cpu/cpu.cfs_period_us") or "100000"
    return cores if int(quota) <= 0 else min(int(quota) / int(period), cores)


def memory_limit():
    """Bytes this process may use, by Binder, container or machine; None where none of them says."""
    said = [os.environ.get("MEM_LIMIT"), _read("/sys/fs/cgroup/memory.max")]
    said += [_read("/sys/fs/cgroup/memory/memory.limit_in_bytes")]
    numbers = [int(s) for s in said if s and s.isdigit()]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        numbers.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(numbers, default=None)


def use_the_cores_there_are():
    """Give torch as many threads as the container has cores, unless OMP_NUM_THREADS says otherwise.

    A container's torch counts the cores of its host, and threads that wait for a core are slow.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, int(cpu_limit())))


def fast_precision(device="cpu"):
    """The number format for convolutions: bfloat16 where `device` has instructions for it, else float32.

    On CPUs that is AMX or AVX-512 BF16; without them bfloat16 is slower. On GPUs compute capability 8.0.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float32"
    supported = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # private, so perhaps not in every torch
    fast = device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in supported)
    return "bfloat16" if fast else "float32"


def _read(path):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None
