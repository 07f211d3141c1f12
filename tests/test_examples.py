"""The examples in the docstrings of all modules run, and show what they say."""

import contextlib
import doctest
import importlib
import io
import pkgutil

import advreg_edu
import pytest
from test_types import functions, modules

MODULES = ["advreg_edu", *(found.name for found in pkgutil.walk_packages(advreg_edu.__path__, "advreg_edu."))]
WITH_EXAMPLES = (  # in the docstring of every public function
    "advreg_edu._input",
    "advreg_edu.course",
    "advreg_edu.experiments.datasets",
    "advreg_edu.experiments.own_data",
    "advreg_edu.hardware",
    "advreg_edu.pretrained",
)
SHOW = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples(module):
    """The examples in the docstrings of a module, those of its classes and functions too."""
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    runner, text = doctest.DocTestRunner(optionflags=SHOW, verbose=False), io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()):
        for test in examples(importlib.import_module(name)):
            runner.run(test, out=text.write)
    assert not runner.failures, text.getvalue()


@pytest.mark.parametrize("package", WITH_EXAMPLES)
def test_every_public_function_has_an_example(package):
    lacking = [
        name
        for module in modules(package)
        for name, function in functions(module)
        if "." not in function.__qualname__ and ">>> " not in (function.__doc__ or "")
    ]
    assert not lacking


def test_every_source_of_images_has_an_example():
    public = (getattr(advreg_edu.images, name) for name in advreg_edu.images.__all__)
    assert not [function for function in public if callable(function) and ">>> " not in function.__doc__]
