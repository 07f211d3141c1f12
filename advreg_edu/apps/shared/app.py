"""What every app has: it shows itself when it ends a cell, stops, and frees its widgets."""

import weakref

import ipywidgets as W
from IPython import get_ipython
from IPython.display import display

from .controls import close
from .runner import ONE_AT_A_TIME

_shown: dict = {}  # cell of the notebook -> (number of its execution, the apps that this showed)


class App:
    """A subclass makes `widget`, and says in `halt` how to end what it computes."""

    widget: W.DOMWidget

    def halt(self) -> None:
        """End what is being computed."""

    def close(self) -> None:
        """Stop, and free the widgets."""
        with ONE_AT_A_TIME:
            self.halt()
            close(self.widget)

    def _ipython_display_(self) -> None:
        _note(self)
        self.widget.add_class("advreg-app")
        display(self.widget)


def _note(app: App) -> None:
    """Remember that the cell in execution shows `app`, and close what its last execution showed: a cell that is run
    again leaks nothing."""
    cell, execution = _cell()
    if cell is None:
        return
    before, apps = _shown.get(cell, (execution, ()))
    if before != execution:
        for old in (reference() for reference in apps):
            if old is not None and old is not app:
                old.close()
        apps = ()
    _shown[cell] = execution, (*apps, weakref.ref(app))


def _cell() -> tuple[str | None, int | None]:
    """The identifier of the cell in execution and the number of its execution; None where the front end gives none."""
    shell = get_ipython()
    parent: dict = getattr(shell, "get_parent", dict)()
    return parent.get("metadata", {}).get("cellId"), getattr(shell, "execution_count", None)
