"""The package as others get it: one version, pins, a wheel that carries everything it needs, a README that is true."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import advreg_edu
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def sdist(root, tmp_path_factory):
    """The source distribution of a copy of the checkout, so that no build folder stays behind; without network."""
    folder = tmp_path_factory.mktemp("sdist")
    copy = folder / "checkout"
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("advreg_edu", "data"):
        shutil.copytree(root / name, copy / name, ignore=skipped)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy)
    program = f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=copy, check=True, capture_output=True)
    (path,) = folder.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(sdist):
    """The wheel that pip builds from the source distribution, as for who has no wheel; without network."""
    command = "pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir"
    subprocess.run([sys.executable, "-m", *command.split(), str(sdist.parent), str(sdist)], check=True)
    (path,) = sdist.parent.glob("*.whl")
    return path


def pins(path):
    """{name: [requirements]} of a requirements file."""
    lines = [line.partition(" #")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = {}
    for requirement in (Requirement(line) for line in lines if line and not line.startswith(("#", "-"))):
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def test_the_version_is_one(root, project):
    cited = re.search(r"^version: (\S+)$", (root / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert project["version"] == advreg_edu.__version__ == cited[1]


def test_every_dependency_is_pinned_within_its_bounds(root, project):
    pinned = pins(root / "requirements.txt")
    for line in project["dependencies"]:
        bound = Requirement(line)
        (pin,) = pinned[canonicalize_name(bound.name)]
        (exact,) = pin.specifier
        assert exact.operator == "==" and bound.specifier.contains(exact.version), line
        assert str(pin.marker) == str(bound.marker), line


def test_binder_has_the_same_pins(root):
    """Voilà is with the slides: JupyterLab does not need it."""
    pinned, binder = (pins(root / name) for name in ("requirements.txt", "binder/requirements.txt"))
    pinned |= {name: pin for name, pin in pins(root / "requirements-slides.txt").items() if name not in pinned}
    for name, (requirement,) in binder.items():
        assert str(requirement.specifier).removesuffix("+cpu") in {str(r.specifier) for r in pinned[name]}, name


def test_the_wheel_carries_every_module_and_all_data(root, wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    modules = {p.relative_to(root).as_posix() for p in (root / "advreg_edu").rglob("*.py")}
    assert modules - inside == set(), "add the folder to [tool.setuptools] packages in pyproject.toml"
    data = [p for p in (root / "data").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert {f"advreg_edu/{p.relative_to(root).as_posix()}" for p in data} - inside == set()


def test_the_unpacked_wheel_finds_its_weights(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        "import advreg_edu as ar; print(ar.__file__); print(ar.pretrained.folder())\n"
        "for name in ar.pretrained.names(): ar.load_critic(name); print(name)"
    )
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n{program}"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert shown[0].startswith(str(tmp_path)) and shown[1].startswith(str(tmp_path))
    assert shown[2:] == advreg_edu.pretrained.names() != []


def test_the_readme_and_the_study_link_to_files_that_exist(root):
    for page in (root / "README.md", root / "data" / "STUDY.md", *(root / "data" / "study").glob("*.md")):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        assert links and [link for link in links if not (page.parent / link).exists()] == [], page


def test_the_readmes_example_prints_what_it_says(root, capsys):
    readme = (root / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    said = re.findall(r"\d+\.\d", example.rsplit("#", 1)[1])
    exec(compile(example, "README.md", "exec"), {})
    printed = re.findall(r"\d+\.\d", capsys.readouterr().out)
    assert [float(n) for n in said] == pytest.approx([float(n) for n in printed], abs=0.3)
