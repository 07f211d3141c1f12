"""binder/rehearse in its short form: no installation, one notebook."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.notebook
@pytest.mark.skipif(sys.platform != "linux", reason="binder/rehearse needs taskset and /proc")
def test_notebook_00_in_a_server_as_binder_starts_it(root):
    command = [sys.executable, root / "binder" / "rehearse", "--environment", Path(sys.prefix), "00"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"from start to a notebook that answers: [\d.]+ s", done.stdout)
    (peak,) = re.findall(r"\| 00_start_here \| [\d.]+ \| (\d+) \| none \|", done.stdout)
    assert 100 < int(peak) < 1000
    if importlib.util.find_spec("voila"):
        (peak,) = re.findall(r"\| reconstruction_lab, Voilà \| [\d.]+ \| (\d+) \| none \|", done.stdout)
        assert 100 < int(peak) < 1000
    else:
        assert "the lab alone was left out: this environment has no Voilà" in done.stdout


def test_an_unknown_notebook_is_refused(root):
    command = [sys.executable, root / "binder" / "rehearse", "--environment", Path(sys.prefix), "77"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "Expected notebooks of this course, 00 to 10, got 77." in done.stderr
