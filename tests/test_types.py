"""Every public signature is typed. mypy checks that the types are right; this test that there are some."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

PACKAGES = (
    "advreg_edu.__main__",
    "advreg_edu._input",
    "advreg_edu.course",
    "advreg_edu.experiments.datasets",
    "advreg_edu.experiments.evaluation",
    "advreg_edu.experiments.methods",
    "advreg_edu.experiments.moving_picture",
    "advreg_edu.experiments.own_data",
    "advreg_edu.experiments.report",
    "advreg_edu.experiments.tables",
    "advreg_edu.hardware",
    "advreg_edu.images",
    "advreg_edu.pretrained",
)
SPECIAL = ("__init__", "__call__", "__str__", "__repr__")  # methods that count as public


def modules(package):
    """The module, or the package and all in it."""
    module = importlib.import_module(package)
    inside = pkgutil.walk_packages(getattr(module, "__path__", ()), f"{package}.")
    return [module, *(importlib.import_module(found.name) for found in inside)]


def functions(scope):
    """(name, function) of what is public in a module or a class, and was written there."""
    home = scope.__name__ if isinstance(scope, ModuleType) else scope.__module__
    for name, value in vars(scope).items():
        if name.startswith("_") and name not in SPECIAL:
            continue
        value = inspect.unwrap(value.fget if isinstance(value, property) else getattr(value, "__func__", value))
        generated = getattr(getattr(value, "__code__", None), "co_filename", "") == "<string>"  # by dataclass
        if inspect.isfunction(value) and value.__module__ == home and value.__name__ == name and not generated:
            yield f"{home}.{value.__qualname__}", value
        elif inspect.isclass(value) and value.__module__ == home:
            yield from functions(value)


def missing(function):
    """The parameters without a type, and "return"."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    untyped = [p.name for p in parameters if p.annotation is p.empty]
    return untyped + ["return"] * (signature.return_annotation is signature.empty)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_signature_is_typed(package):
    found = [(name, function) for module in modules(package) for name, function in functions(module)]
    untyped = {name: names for name, function in found if (names := missing(function))}
    assert found and not untyped


def test_what_lacks_a_type_is_found():
    class Example:
        def method(self, x: int, y): ...

        @property
        def size(self): ...

    found = {name.split(".")[-1]: missing(function) for name, function in functions(Example)}
    assert found == {"method": ["y", "return"], "size": ["return"]}
