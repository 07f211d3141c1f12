"""Is this machine ready for the course? One line for each thing looked at, and a fix for each problem."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..hardware import cores, limits

if TYPE_CHECKING:
    from packaging.requirements import Requirement

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Finding:
    """One line of the report. With a fix it is a problem; a broken one makes the course fail, others slow it down.

    >>> print(Finding("memory", "1.0 GB.", "close other notebooks."))
    note   memory         1.0 GB. Fix: close other notebooks.
    """

    what: str
    seen: str
    fix: str = ""
    broken: bool = False

    def __str__(self) -> str:
        state = "BROKEN" if self.broken else "note" if self.fix else "ok"
        return f"{state:7}{self.what:15}{self.seen}" + (f" Fix: {self.fix}" if self.fix else "")


Check = Callable[[], Iterator[Finding]]


def report() -> int:
    """Print every finding; return 1 if something is broken, else 0: python -m advreg_edu doctor.

    >>> status = report()  # doctest: +ELLIPSIS
    ok     Python         3...
    >>> status in (0, 1)
    True
    """
    findings = examine()
    for finding in findings:
        print(finding)
    broken = sum(finding.broken for finding in findings)
    print("Ready." if not broken else f"Not ready: {broken} broken.")
    return 1 if broken else 0


def examine() -> list[Finding]:
    """All findings, in the order of the report.

    >>> [finding.what for finding in examine()][:2]
    ['Python', 'advreg_edu']
    """
    checks = (_python, _package, *[_library(r) for r in requirements()], _threads, _cores, _memory, _weights, _widgets)
    return [finding for check in (*checks, _projector, _cuda, _browser) for finding in _safely(check)]


def requirements() -> "list[Requirement]":
    """What the package depends on: from the installed package, else from pyproject.toml.

    >>> "torch" in [requirement.name for requirement in requirements()]
    True
    """
    from packaging.requirements import Requirement

    try:
        lines = importlib.metadata.requires("advreg-edu") or []
    except importlib.metadata.PackageNotFoundError:
        pyproject = Path(__file__).parent.parent.parent / "pyproject.toml"
        lines = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    wanted = [Requirement(line) for line in lines]
    return [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]


def _python() -> Iterator[Finding]:
    version = ".".join(str(n) for n in sys.version_info[:3])
    old = sys.version_info < (3, 11)
    yield Finding("Python", f"{version}, {sys.prefix}", "install Python 3.11 or newer." if old else "", old)


def _package() -> Iterator[Finding]:
    from .. import __version__

    yield Finding("advreg_edu", f"{__version__}, {Path(__file__).parent.parent}")


def _library(requirement: "Requirement") -> Check:
    """A check of one dependency's version."""
    wanted = f'"{requirement.name}{requirement.specifier}"'

    def check() -> Iterator[Finding]:
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(requirement.name, "not installed.", f"pip install {wanted}", True)
            return
        wrong = not requirement.specifier.contains(version, prereleases=True)
        yield Finding(requirement.name, version, f"pip install {wanted}" if wrong else "", wrong)

    check.__name__ = requirement.name
    return check


def _threads() -> Iterator[Finding]:
    limit, most = limits.cpu_limit(), cores.allowed()
    fix = f"set OMP_NUM_THREADS={max(1, int(limit))} or leave it out; more threads than cores are slow."
    names = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    policy = ", ".join(f"{name}={os.environ[name]}" for name in names if name in os.environ)
    yield Finding("threads", f"at most {most} for {limit:g} cores; {policy}.", fix if most > max(1, limit) else "")


def _cores() -> Iterator[Finding]:
    share, limit, most = cores.measure_share(), limits.cpu_limit(), cores.allowed()
    busy = share < 0.8 * min(1, limit / most)
    fix = f"close what else computes here, or expect to wait {1 / share:.1f} times as long." if busy else ""
    yield Finding("cores", f"a thread got {share:.0%} of its core for two seconds.", fix)


def _memory() -> Iterator[Finding]:
    limit = limits.memory_limit()
    if limit is None:
        yield Finding("memory", "limit unknown.")
    else:
        fix = "give the machine or container 2 GB; run one notebook at a time until then."
        yield Finding("memory", f"{limit / 2**30:.1f} GB.", fix if limit < 1.9 * 2**30 else "")


def _weights() -> Iterator[Finding]:
    from .. import pretrained

    for name in pretrained.names():
        try:
            count = sum(p.numel() for p in pretrained.load_critic(name).parameters())
        except ValueError as error:
            fix = f"git checkout -- data/{name}.safetensors, or install the package again."
            yield Finding("weights", str(error), fix, True)
        else:
            yield Finding("weights", f"{name}: SHA-256 is right, {count:,} parameters.")


def _widgets() -> Iterator[Finding]:
    from jupyter_core.paths import jupyter_path

    name = "labextensions/@jupyter-widgets/jupyterlab-manager"
    there = any((Path(folder) / name).exists() for folder in jupyter_path())
    fix = "" if there else "pip install --force-reinstall jupyterlab-widgets, then reload JupyterLab's page."
    yield Finding("widgets", f"JupyterLab's part is {'there' if there else 'missing'}.", fix, not there)


def _projector() -> Iterator[Finding]:
    if sys.platform == "darwin" and not _installed("astra"):
        yield Finding("ASTRA", "not installed.", "conda install -c astra-toolbox astra-toolbox; only CT needs it.")
        return
    from ..operators import RayTransform, dot_test

    error = float(dot_test(RayTransform(32, 6)))
    wrong = not error < 1e-4
    fix = "reinstall astra-toolbox and odl." if wrong else ""
    yield Finding("ASTRA", f"CT works, its adjoint is exact to {error:.0e}.", fix, wrong)


def _cuda() -> Iterator[Finding]:
    import torch

    if not torch.cuda.is_available():
        yield Finding("CUDA", "none; the course does not need it.")
        return
    import astra

    yield Finding("CUDA", f"{torch.cuda.get_device_name()}; ASTRA {'uses it' if astra.use_cuda() else 'does not'}.")


def _browser() -> Iterator[Finding]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    yield Finding("browser", found or "no Chromium; only the tests drive one.")


def _safely(check: Check) -> Iterator[Finding]:
    """The findings of a check; an exception becomes a broken one, so that the rest is still looked at."""
    try:
        yield from check()
    except Exception as error:
        fix = "run make lab again (or pip install -r requirements.txt)."
        yield Finding(check.__name__.lstrip("_"), f"{type(error).__name__}: {error}", fix, True)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
