"""install.py: which PyTorch, and what it says where nothing answers."""

import importlib.util
import sys

import pytest


@pytest.fixture
def install(root):
    spec = importlib.util.spec_from_file_location("install", root / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def machine(install, monkeypatch):
    """A Linux laptop whose network answers; `machine(gpu)` says whether it has an NVIDIA GPU."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("TORCH", raising=False)

    class Answer:
        close = staticmethod(lambda: None)

    monkeypatch.setattr(install.urllib.request, "urlopen", lambda *args, **kwargs: Answer)
    return lambda gpu: monkeypatch.setattr(install.os.path, "exists", lambda path: gpu and path == "/dev/nvidiactl")


@pytest.mark.parametrize("gpu, wish, cuda", [(0, "", 0), (1, "", 1), (1, "cpu", 0), (0, "cuda", 1)])
def test_cuda_only_where_a_gpu_is_or_where_it_is_asked_for(install, machine, monkeypatch, capsys, gpu, wish, cuda):
    machine(gpu)
    monkeypatch.setenv("TORCH", wish)
    assert install.torch_arguments(None) == ([] if cuda else ["--extra-index-url", install.CPU_BUILDS])
    assert install.torch_arguments("uv") == ([] if cuda else ["--torch-backend", "cpu"])
    said = capsys.readouterr().out
    assert ("with CUDA" in said) == bool(cuda) and len(said.splitlines()) == 2


def test_an_unknown_torch_is_refused(install, machine, monkeypatch):
    machine(False)
    monkeypatch.setenv("TORCH", "rocm")
    with pytest.raises(SystemExit, match="expected cpu or cuda, got rocm"):
        install.torch_arguments(None)


def test_where_the_builds_without_cuda_cannot_be_reached_the_index_decides(install, machine, monkeypatch, capsys):
    machine(False)

    def nobody(*args, **kwargs):
        raise OSError("Temporary failure in name resolution")

    monkeypatch.setattr(install.urllib.request, "urlopen", nobody)
    assert install.torch_arguments(None) == []
    assert "cannot be reached" in capsys.readouterr().out


FAILS = "import sys; print('Collecting torch'); print({said!r}); sys.exit(1)"


@pytest.mark.parametrize(
    "said, told", [("Temporary failure in name resolution", "needs a network"), ("No space left on device", "4 GB")]
)
def test_a_failure_is_told_in_one_sentence(install, tmp_path, said, told):
    with (tmp_path / "install.log").open("w") as log, pytest.raises(SystemExit, match=told):
        install.call([sys.executable, "-c", FAILS.format(said=said)], log, 1)
    assert said in (tmp_path / "install.log").read_text()
