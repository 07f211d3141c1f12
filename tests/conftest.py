"""What all tests share. With NO_SKIPS=1 in the environment a skip is a failure, but for those that name ../shared."""

import os
from pathlib import Path

import pytest
import torch
from advreg_edu.hardware import limits

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_configure(config):
    """The processes of pytest-xdist share the cores, and pass their number on to those that tests start."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    if workers > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, int(limits.cpu_limit()) // workers)))
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared():
    """../shared, where real slices and photographs lie that the repository does not carry."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent: it holds real data that the repository does not carry")
    return SHARED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _without_skips((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _without_skips((yield))


def _without_skips(report):
    """`report`, failed where it is a skip that NO_SKIPS=1 forbids."""
    if os.environ.get("NO_SKIPS") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(name in reason for name in ("../shared", str(SHARED))):
            report.outcome = "failed"
            report.longrepr = f"NO_SKIPS=1: expected a test that runs, got a skip. {reason}"
    return report
