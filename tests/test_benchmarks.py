"""The benchmark's own arithmetic, and that every timing it makes is of the thing it names."""

import importlib.util
import sys
import time
from types import SimpleNamespace

import nbformat
import pytest


def loaded(root, name):
    spec = importlib.util.spec_from_file_location(name, root / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bench(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    yield loaded(root, "bench")
    sys.modules.pop("plain", None)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_slope_of_a_power_is_its_exponent(bench, power):
    assert bench.slope([(n, 3e-3 * n**power) for n in (1, 4, 16, 64)]) == pytest.approx(power)


def test_a_peer_that_takes_four_times_as_long_has_the_ratio_4(bench, monkeypatch, capsys):
    monkeypatch.setattr(bench, "SECONDS", 0.1)
    bench.row("sleep", lambda: time.sleep(0.01), lambda: time.sleep(0.04), floor=0.01)
    name, ours, peer, ratio, floor = (cell.strip() for cell in capsys.readouterr().out.strip(" |\n").split("|"))
    assert name == "sleep" and ours.endswith(" ms") and peer.endswith(" ms")
    assert 3.0 <= float(ratio.split("**")[1]) <= 4.2
    assert 0.9 <= float(floor) <= 1.5


def test_an_error_leaves_no_kernel_of_a_class(root, monkeypatch):
    classroom, left = loaded(root, "classroom"), []

    def start():
        if len(left) == 3:
            raise RuntimeError("no memory")
        left.append(len(left))
        shut = SimpleNamespace(shutdown_kernel=lambda now: left.remove(left[-1]))
        return shut, SimpleNamespace(stop_channels=lambda: None)

    monkeypatch.setattr(classroom, "start_new_kernel", start)
    with pytest.raises(RuntimeError, match="no memory"):
        classroom.main("5", "2")
    assert not left


def test_import_loads_no_heavy_library(bench, capsys):
    """matplotlib, ODL, ASTRA, ipywidgets and SciPy wait until they are needed."""
    bench.importing()
    assert "loaded: none." in capsys.readouterr().out


@pytest.mark.notebook
def test_a_notebook_is_measured_without_network(root, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(root / "tests" / "notebooks"))
    held = (
        "import os, socket\nheld = bytearray(os.urandom(1)) * 300_000_000\nassert os.environ['OMP_NUM_THREADS'] == '1'"
    )
    call = "    socket.create_connection(('192.0.2.1', 80), timeout=1)"
    blocked = f"try:\n{call}\nexcept OSError as error:\n    assert 'blocked' in str(error)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in (held, blocked)])
    nbformat.write(notebook, tmp_path / "one.ipynb")
    seconds, processor, memory = loaded(root, "notebooks").measured(tmp_path / "one.ipynb")
    assert 300e6 / 2**20 < memory < 1000 and 0 < processor and 0 < seconds
