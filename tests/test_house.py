"""The house: an import points down, rooms are few, modules and functions short."""

import ast
import inspect
import itertools
import statistics
from pathlib import Path

import advreg_edu as ar
import pytest
from advreg_edu.training import algorithm_1, train_critic

PACKAGE = Path(ar.__file__).parent
# From the ground up: a room imports from rooms of lower floors alone. Rooms of one floor do not know each other.
FLOORS = [
    ["hardware", "_input"],
    ["operators", "images", "metrics", "critics", "drawing"],
    ["problem", "pretrained"],
    ["reg_weight"],
    ["reconstruction"],
    ["training"],
    ["baselines", "theory"],
    ["experiments"],
    ["apps"],
    ["course"],
    ["__main__"],
]
METHOD = ("operators", "problem", "critics", "training", "reg_weight", "reconstruction")  # Eq. 6, Alg. 1 and 2, lambda
FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(file):
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(file, inside=True):
    """The modules of the package that a file imports, as tuples of names below the package; also inside functions."""
    here = module_of(file) if file.name == "__init__.py" else module_of(file)[:-1]
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree) if inside else tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1] + tuple((node.module or "").split(".") if node.module else ())
            for alias in node.names:
                full = (*base, alias.name)
                yield (
                    full
                    if PACKAGE.joinpath(*full).is_dir() or PACKAGE.joinpath(*full).with_suffix(".py").exists()
                    else base
                )


def rooms():
    """{room: the rooms that it imports from}; the contents of the package's __init__ are the contract and no room."""
    arrows = {}
    for file in FILES:
        if module_of(file):
            found = {target[0] for target in imports(file) if target}
            arrows.setdefault(module_of(file)[0], set()).update(found - {module_of(file)[0]})
    return arrows


def test_an_import_points_down():
    floor = {room: i for i, names in enumerate(FLOORS) for room in names}
    arrows = rooms()
    assert arrows.keys() == floor.keys()
    assert not [f"{room} -> {other}" for room in arrows for other in arrows[room] if floor[other] >= floor[room]]


def test_the_method_knows_neither_pictures_nor_experiments():
    reached, todo, arrows = set(), list(METHOD), rooms()
    while todo:
        reached.add(room := todo.pop())
        todo += arrows[room] - reached
    assert not reached & {"drawing", "experiments", "apps", "course", "baselines", "theory"}


def test_modules_of_a_room_make_no_circle():
    graph = {
        module_of(file): set(imports(file, inside=False)) - {module_of(file)}
        for file in FILES
        if file.name != "__init__.py"
    }
    done = set()

    def visit(module, path):
        assert module not in path, " -> ".join(".".join(m) for m in (*path, module))
        if module in graph and module not in done:
            for other in graph[module]:
                visit(other, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_rooms_are_few():
    assert len([p for p in PACKAGE.iterdir() if p.name != "__pycache__" and p.name != "data"]) <= 20


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_modules_are_short(file):
    assert len(file.read_text().splitlines()) <= 220


def functions():
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                yield f"{file.relative_to(PACKAGE)}:{node.name}", lines


def test_functions_are_short():
    lengths = dict(itertools.chain(functions()))
    assert not {name: n for name, n in lengths.items() if n > 40}
    assert statistics.median(lengths.values()) <= 5


def test_algorithm_1_takes_few_arguments():
    assert all(len(inspect.signature(f).parameters) <= 14 for f in (train_critic, algorithm_1))
