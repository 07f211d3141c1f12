"""What the labs share: settings that follow the controls, a run that a moved control starts again, noise, errors."""

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as W

from .controls import Slider, button
from .messages import NOTHING, Status, callback
from .runner import FRAME, Runner
from .settings import Settable


class Lab(Settable):
    """A subclass makes its controls, each named like the field of its Settings; gives `results`; and draws in `draw`.

    Args: settings, to begin with; a field without a control stays as it is there. pause, seconds between two pictures.
    """

    hint = ""
    result: Any

    def __init__(self, settings: Any, pause: float = FRAME) -> None:
        super().__init__(settings)
        self.noise, self.result, self.status = getattr(settings, "noise", 0), None, Status()
        self.runner = Runner(self._show, self._fail, pause)

    def results(self) -> Iterable:
        """The growing results that the controls ask for."""
        raise NotImplementedError

    def draw(self, busy: bool) -> None:
        """Show `self.result`; busy: the run goes on."""
        raise NotImplementedError

    def clear(self) -> None:
        """Show nothing that could be taken for an answer."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Whatever has to be done before a run."""
        self.notice.say(self.hint)

    def watch(self, call: Callable, *controls: Any) -> None:
        """Call when one of these controls is moved. A slider says in the notice why it does not take a typed number."""
        for control in controls:
            control.observe(call, "value")
            if isinstance(control, Slider):
                control.on_refused = self.notice.refuse

    def noise_button(self) -> W.Button:
        """The button that draws other noise."""
        new_noise = button("new noise", "Other noise of the same strength")
        new_noise.on_click(self._draw_noise)
        return new_noise

    def said(self) -> dict[str, Any]:
        """{field: what its control says}, and the draw of the noise where there is one."""
        return super().said() | (dict(noise=self.noise) if hasattr(self._given, "noise") else {})

    def take(self, wanted: Any) -> None:
        """Move the controls, and take this draw of the noise."""
        super().take(wanted)
        self.noise = getattr(wanted, "noise", 0)

    @callback
    def start(self, change: Any = None) -> None:
        """Begin the run that the controls ask for, in place of the one in flight."""
        if not self.muted:
            self.moved()
            self.runner.cancel()
            self._launch(self.runner.start)

    def run(self) -> Any:
        """Compute now, to the end; returns the Result."""
        self._launch(self.runner.finish)
        return self.result

    def _launch(self, go: Callable[[Iterable], None]) -> None:
        try:
            self.prepare()
            go(self.results())
        except Exception as error:
            self._fail(error)

    def halt(self) -> None:
        """Cancel the run."""
        self.runner.cancel()

    def _show(self, result: Any, done: bool) -> None:
        self.result = result
        self.draw(busy=not done)

    @callback
    def redraw(self, change: Any = None) -> None:
        """Show the result once more, as a control asks that computes nothing."""
        if self.result is not None and not self.muted:
            self.moved()
            self.draw(self.runner.busy)

    @callback
    def _draw_noise(self, change: Any) -> None:
        self.noise += 1
        self.start()

    def _fail(self, error: Exception) -> None:
        """Say what went wrong, and show nothing that could be taken for an answer."""
        self.result = None
        self.notice.error(error)
        self.status.say(NOTHING)
        self.clear()


class WatchedLab(Lab):
    """A lab whose run is looked at with a scrubber: it follows the newest result until a hand moves the scrubber.

    A subclass makes `scrubber` and `play`. Its Settings have the field `looked_at`, None for the newest.
    """

    scrubber: Slider
    play: W.Play

    def __init__(self, settings: Any, pause: float = FRAME) -> None:
        super().__init__(settings, pause)
        self.looked, self._look_next = None, settings.looked_at

    def prepare(self) -> None:
        """Begin to follow the new run, or look where the settings say."""
        super().prepare()
        self.looked, self._look_next = self._look_next, None
        self.play.playing = False

    def follow(self, last: int, end: int) -> None:
        """Bring the scrubber to the newest result, unless the user is looking at another; `end` of its axis."""
        with self.muted:
            if self.scrubber.max != end:
                self.scrubber.max = self.play.max = end
            self.scrubber.value = last if self.looked is None else min(self.looked, last)

    def said(self) -> dict[str, Any]:
        """Also where one looks."""
        return super().said() | dict(looked_at=self.looked)

    def take(self, wanted: Any) -> None:
        """The run that begins is looked at there."""
        super().take(wanted)
        self._look_next = wanted.looked_at

    @callback
    def _scrub(self, change: Any) -> None:
        if not self.muted:
            self.looked = self.scrubber.value
            self.redraw()
