"""Widget applications, one folder each: the model computes, the view draws, the app wires; core ipywidgets only.

A new application is a new folder beside `shared`, whose `__init__` names the function that opens it in its `__all__`.
Nothing else lists it.
"""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

_found: dict[str, Callable[..., Any]] = {}
for _folder in iter_modules(__path__):
    if _folder.ispkg and _folder.name != "shared":
        _module = import_module(f"{__name__}.{_folder.name}")
        _found.update({name: getattr(_module, name) for name in _module.__all__})
globals().update(_found)
__all__ = sorted(_found)

if TYPE_CHECKING:  # a type checker does not look into folders

    def __getattr__(name: str) -> Callable[..., Any]: ...
