"""The reconstruction lab: Algorithm 2 with every knob. Paper: §3.1 (Alg. 2), §5.1 (lambda), §5.2, §5.3.

Only the wiring is here; what is computed is in `reconstruction_run`, what is shown in `reconstruction_view`.
"""

import time
from functools import lru_cache

import ipywidgets as W

from ..apps import scenes
from ..drawing.pictures import busiest
from .app import App
from .layout import frame, row
from .parts import Curves, Gallery, Knob, Notice, Quiet, Status, code_box, guarded, toggle
from .reconstruction_controls import RESTART, VIEWS, Controls
from .reconstruction_run import CRITIC, OWN, Settings, as_code, results
from .reconstruction_view import chart, ending, picture, sentence
from .runs import FRAME, Run

HINT = "Move a control: the run starts again."
TIDY = 0.3  # seconds between two drawings of the curves while a run computes


class ReconstructionLab(App):
    """Controls, pictures, curves. A moved control starts a run; the scrubber only looks at its iterates."""

    def __init__(self, critic=CRITIC, settings=None):
        settings = settings or Settings()
        self.own = None if isinstance(critic, str) else critic
        self.controls = Controls(settings, critic if isinstance(critic, str) else OWN)
        self.result, self.held, self.quiet, self._scene = None, None, Quiet(), None
        self._views(settings)
        self._run = Run(self._show, self._fail, pause=FRAME)
        for name in RESTART:
            getattr(self.controls, name).observe(self.start, "value")
        self.controls.operator.observe(self._other_operator, "value")
        self.controls.upload.observe(self._opened, "value")
        self.controls.new_noise.on_click(self._draw_noise)
        self.compare.observe(self._hold, "value")
        self.as_code.observe(self._show_code, "value")
        for knob in (self.scrubber, self.row, self.column):
            knob.observe(self._scrub, "value")
        self.start()

    def _views(self, s):
        self.scrubber = Knob("iterate", 0, 0, s.steps, 1, "Look at any iterate; nothing is computed again", live=True)
        self.play = self.scrubber.player(80, "Play the iterates")
        last = s.size - max(1, s.size // 4)
        self.row = Knob("detail: row", 0, 0, last, 1, "First row of the magnified square", live=True)
        self.column = Knob("detail: column", 0, 0, last, 1, "First column of the magnified square", live=True)
        self.compare = toggle("hold this run to compare", "The next runs appear beside it", "columns")
        self.as_code = toggle("copy as code", "Python that computes the same without the app", "code")

        self.notice, self.status = Notice(), Status()
        self.pictures, self.curves, self.code = Gallery(still=2), Curves(), W.HTML()
        buttons = row([self.compare, self.as_code])
        details = [row([self.play, self.scrubber]), row([self.row, self.column])]
        pictures = [self.pictures, *details, self.status]
        self.widget = frame([self.controls.groups(), self.notice], pictures, [self.curves, buttons, self.code])

    @property
    def settings(self):
        """What the controls say now."""
        return self.controls.settings

    @guarded
    def start(self, change=None):
        """Begin the run that the controls ask for, in place of the one in flight."""
        if not self.quiet:
            self._run.cancel()
            self._begin(lambda results: self._run.start(results))

    def run(self):
        """Compute now, to the end; returns the Result."""
        self._begin(lambda results: self._run.finish(results))
        return self.result

    def _begin(self, go):
        try:
            with self.quiet:
                self.controls.fit(self.own)
                self._look_where_there_is_something()
            self.follow, self.play.playing, self._tidied = True, False, 0.0
            self._forget()
            self.notice.say(self._hint(HINT))
            self._show_code()
            go(results(self.settings, self._network()))
        except Exception as error:
            self._fail(error)

    def _hint(self, words):
        """With what belongs to the slider of the angles, where that can be moved."""
        return f"{words} {VIEWS}" if self.settings.operator == scenes.CT else words

    def _forget(self):
        """Pictures are kept until another run begins or is held, so that scrubbing draws nothing twice. `run` tells the
        iterates of one run from those of the next: anything that each run has of its own."""
        self._picture = lru_cache(maxsize=200)(lambda run, k, *corner: picture(self.result, k, corner, self.held))

    def _network(self):
        return self.own if self.settings.critic == OWN else scenes.critic(self.settings.critic)

    def _look_where_there_is_something(self):
        """For another image, put the magnified square where there is most to see."""
        s = self.settings
        scene = (s.image, s.number, s.file)
        if scene != self._scene:
            self.row.value, self.column.value = busiest(scenes.truth(s)[0], max(1, s.size // 4))
            self._scene = scene

    @guarded
    def _other_operator(self, change):
        if self.quiet:
            return
        with self.quiet:
            self.controls.other_operator()
        self.start()

    @guarded
    def _opened(self, change):
        """A file came: measure it."""
        if self.controls.upload.value:
            with self.quiet:
                self.controls.open()
            self.start()

    def halt(self):
        self._run.cancel()

    @guarded
    def _draw_noise(self, button):
        self.controls.noise += 1
        self.start()

    @guarded
    def _hold(self, change):
        self.held = self.result if self.compare.value else None
        self._forget()
        self._chart = chart(self.result, self.held) if self.result else None
        self._draw()

    @guarded
    def _show_code(self, change=None):
        self.code.value = code_box(as_code(self.settings)) if self.as_code.value else ""

    @guarded
    def _scrub(self, change):
        if not self.quiet:
            self.follow = self.follow and change["owner"] is not self.scrubber.slider
            self._draw()

    def _show(self, result, done):
        """A frame of the run: pictures of the newest iterate, unless the user is looking at another; now and then, and
        at the end, curves, words and controls too, which cost a browser more than pictures do."""
        self.result = result
        if done or time.monotonic() - self._tidied > TIDY:
            self._tidy(result, done)
            self._chart = chart(result, self.held)
            self._draw(busy=not done)
            self._tidied = time.monotonic()
        else:
            self._draw_pictures()

    def _tidy(self, result, done):
        """Bring the controls to where the run is."""
        if result.trouble:
            self.notice.say(result.trouble, "warning")
        elif done:
            self.notice.say(*((ending(result), "warning") if result.missed else (self._hint(ending(result)),)))
        with self.quiet:
            self.scrubber.max = self.play.max = max(1, result.last)  # a slider in a browser needs two ends
            self.controls.show_weight(result.reg_weight)
            if self.follow:
                self.scrubber.value = result.last

    def _looked_at(self):
        return self.result.last if self.follow else min(self.scrubber.value, self.result.last)

    def _fail(self, error):
        """Say what went wrong, and show nothing that could be taken for an answer."""
        self.result = None
        self.notice.error(error)
        self.status.say("Nothing to show: the message above says why.", lines=3)
        self.pictures.clear()
        self.curves.clear()
        self.code.value = ""

    @guarded
    def _draw(self, busy=None):
        """Pictures, curves and text of the iterate at the scrubber, from what is stored."""
        if self.result is not None:
            self._draw_pictures()
            self.curves.show(self._chart, self._looked_at())
            busy = self._run.busy if busy is None else busy
            self.status.say(sentence(self.result, self._looked_at(), self.held), busy, lines=3)

    def _draw_pictures(self):
        self.pictures.show(self._picture(self.result.naive, self._looked_at(), self.row.value, self.column.value))


def reconstruction_lab(critic=CRITIC, settings=None):
    """The app, shown when it ends a cell.

    Args: critic, a shipped name or any network (1, C, H, W) to (1,); settings, the `Settings` to begin with.
    """
    return ReconstructionLab(critic, settings)
