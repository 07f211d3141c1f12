"""Pictures of the apps in the place of the apps: for slides, where no kernel answers."""

import html
import threading
from typing import Any

from IPython.display import HTML, display

from ..apps.shared.app import App
from ..apps.shared.panels import Curves, Gallery, Panel
from .predictions import Form


def instead_of_widgets(kind: type[App] = App) -> None:
    """From now on an app (of this kind) that ends a cell shows the pictures that it draws, once it has computed.

    >>> class Small(App):
    ...     pass
    >>> instead_of_widgets(Small)
    >>> Small._ipython_display_ is App._ipython_display_
    False
    """

    def shown(app: App) -> None:
        display(HTML(still(app)), metadata={"app": type(app).__name__})  # what a page then says under it

    kind._ipython_display_ = shown  # type: ignore[method-assign, assignment]


def still(app: Any) -> str:
    """HTML of what an app draws when it has computed to its end: its panels, without a control. Of a form the question.

    >>> from advreg_edu.apps import measurement_lab
    >>> "<img" in still(measurement_lab())
    True
    """
    if isinstance(app, Form):
        options = "".join(f"<li>{html.escape(option)}</li>" for option in getattr(app.field, "options", ()))
        return f"<p><strong>{html.escape(app.question)}</strong></p><ul>{options}</ul>"
    compute = app.go.click if hasattr(app, "go") else getattr(app, "run", None)
    if compute is not None:
        thread = threading.Thread(target=compute)  # where no event loop runs, an app computes at once
        thread.start()
        thread.join()
    if 'role="alert"' in app.notice.value:
        raise RuntimeError(app.notice.value)
    kind = lambda panel: ' class="layers"' if isinstance(panel, Curves) else ""
    shown = "".join(f"<div{kind(panel)}>{panel.value}</div>" for panel in _panels(app.widget) if panel.value)
    return f'<div class="still">{shown}</div>' if shown else ""


def _panels(widget: Any) -> list[Any]:
    """What shows pictures and charts, in the order of the page."""
    if isinstance(widget, Panel | Gallery | Curves):
        return [widget]
    return [panel for child in getattr(widget, "children", ()) for panel in _panels(child)]
