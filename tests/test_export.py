"""Critics as ONNX files: the value and the gradient of another runtime are torch's."""

import advreg_edu as ar
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from advreg_edu import pretrained
from advreg_edu.__main__ import main
from advreg_edu.experiments.export import export, onnx_bytes
from advreg_edu.reconstruction.objective import gradient

SHIPPED = [name for name in pretrained.names() if isinstance(ar.load_critic(name), ar.LocalCritic)]


def seed(number):
    return torch.Generator().manual_seed(number)


def evaluated(file, x):
    psi, grad = onnxruntime.InferenceSession(file).run(["psi", "grad"], {"x": x.numpy()})
    return torch.from_numpy(psi), torch.from_numpy(grad)


def as_in_torch(critic, file, x):
    psi, grad = evaluated(file, x)
    expected_psi, expected_grad = gradient(critic, x)
    assert psi.shape == expected_psi.shape and grad.shape == expected_grad.shape
    assert (psi - expected_psi).abs() <= 1e-5 * expected_psi.abs()
    assert (grad - expected_grad).norm() <= 1e-5 * expected_grad.norm()
    assert (grad - expected_grad).abs().max() <= 1e-5 * expected_grad.abs().max()


@pytest.mark.parametrize("name", SHIPPED)
def test_value_and_gradient_are_those_of_torch(name):
    critic = ar.load_critic(name)
    file = onnx_bytes(critic)
    x = ar.images.thorax(1, size=128, generator=seed(0)).expand(1, critic.channels, -1, -1).contiguous()
    noise = torch.randn(x.shape, generator=seed(1))
    for image in (x, x + 0.02 * noise, x + 0.2 * noise, noise):
        as_in_torch(critic, file, image)


@pytest.mark.parametrize("window", [None, 16])
@pytest.mark.parametrize("mirrored, fold", [(False, 2), (True, 2), (False, 1), (False, 3)])
@pytest.mark.parametrize("channels, widths, blocks_down", [(1, (4, 8), True), (3, (4, 6, 8), False), (2, (5,), True)])
def test_any_local_critic_at_any_size(channels, widths, blocks_down, mirrored, fold, window):
    """Sizes that no multiple of the levels is: the border goes in and comes out again."""
    critic = ar.LocalCritic(channels, widths, 0.01, blocks_down, mirrored, fold, window).eval()
    with torch.no_grad():
        for p in critic.parameters():  # what is zero before training hides what is behind it
            p.copy_(0.2 * torch.randn(p.shape, generator=seed(p.numel())))
    for size in (16, 21):
        as_in_torch(critic, onnx_bytes(critic, size), torch.rand(1, channels, size, size, generator=seed(2)))


def test_the_file_is_a_valid_graph_of_ordinary_operations(tmp_path):
    model = onnx.load(export("ct-thorax", tmp_path / "critic.onnx"))
    onnx.checker.check_model(model, full_check=True)
    elementwise, sums = {"Add", "Sub", "Mul", "Div", "Sqrt", "Sigmoid"}, {"ReduceSumSquare", "ReduceSum"}
    linear = {"Conv", "ConvTranspose", "MatMul", "Transpose", "Tile", "Identity"}
    assert {node.op_type for node in model.graph.node} == elementwise | sums | linear
    assert {p.key: p.value for p in model.metadata_props} == {"critic": "ct-thorax"}
    weights = sum(p.numel() for p in ar.load_critic("ct-thorax").parameters())
    assert sum(np.prod(t.dims) for t in model.graph.initializer) < 1.1 * weights  # each once, and the blur


def test_the_command(tmp_path, capsys):
    assert main(["export", "ct-thorax", "--out", str(tmp_path / "new" / "a.onnx"), "--size", "32"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "new" / "a.onnx")
    x = torch.rand(1, 1, 32, 32, generator=seed(0))
    as_in_torch(ar.load_critic("ct-thorax"), tmp_path / "new" / "a.onnx", x)


def test_the_command_takes_a_file_and_names_its_result(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pretrained.save_network(ar.LocalCritic(channels=1, widths=(4,)), "mine.safetensors")
    assert main(["export", "mine.safetensors", "--size", "16"]) == 0
    assert onnx.load("runs/mine.onnx").metadata_props[0].value == "mine"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["no-such"], "ct-thorax"),
        (["ct-thorax", "--size", "0"], "size: expected"),
        (["paper.safetensors"], "LocalCritic, got PaperCritic"),
    ],
)
def test_what_cannot_be_exported_is_refused(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pretrained.save_network(ar.PaperCritic(size=16), "paper.safetensors")
    assert main(["export", *arguments]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "runs").exists()


def test_a_folder_is_refused_before_work(tmp_path, capsys):
    assert main(["export", "ct-thorax", "--out", str(tmp_path)]) == 2
    assert "got a folder" in capsys.readouterr().err


def test_without_onnx_the_error_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    assert main(["export", "ct-thorax"]) == 2
    assert "pip install onnx" in capsys.readouterr().err
