"""The theory app: train a critic in the plane and watch Theorems 1 and 2 (notebook 04). Paper: §3.2, §3.3.

Only the wiring is here; what is computed and drawn is in `theory_run`.
"""

import ipywidgets as W

from .app import App
from .layout import frame, heading, row
from .parts import Knob, Notice, Panel, Quiet, Status, choice, details, guarded
from .runs import Run
from .theory_run import DRAWN, ETAS, FRAMES, WORLDS, Settings, as_code, chart, picture, places, results, sentence

HINT = 'Move a control: a new critic is trained. "Your own" M is drawn by its corners, and takes more steps to learn.'


class TheoryWorlds(App):
    """Controls above maps above a graph. A moved control starts a training; scrubber and eta only look at it."""

    def __init__(self, settings=None):
        self.result, self.follow, self.quiet = None, True, Quiet()
        self._controls(settings or Settings())
        self._views()
        self._run = Run(self._show, self._fail)
        for control in (self.world, self.sigma, self.along, self.steps, self.drawing):
            control.observe(self.start, "value")
        for control in (self.scrubber, self.eta):
            control.observe(self._look)
        self.corner.observe(self._pick)
        for control in (self.x, self.y):
            control.observe(self._drag)
        self.add.on_click(self._add)
        self.remove.on_click(self._remove)
        self.start()

    def _controls(self, s):
        self.world = choice("world", [*WORLDS, DRAWN], s.world, "The manifold M of good points")
        self.sigma = Knob("noise σ", s.sigma, 0.01, 0.2, 0.01, "Standard deviation of the noise across M")
        self.along = Knob("along M", s.along, 0.0, 1.0, 0.1, "Share of the noise along M; 0 obeys Assumption 2")
        self.steps = Knob("steps", s.steps, 32, 960, 32, "Steps of the training")
        self.drawing = W.Text(
            s.drawing,
            description="points of M",
            tooltip="Corners of your own line, x y; x y; ... between 0 and 1",
            continuous_update=False,
            style=dict(description_width="124px"),
            layout=W.Layout(width="auto"),
        )
        count = len(places(s.drawing))
        self.corner = Knob("point", 1, 1, count, 1, "Which point of your own line to move")
        self.x = Knob("point: x", 0.5, 0.0, 1.0, 0.01, "Its first coordinate, to the right")
        self.y = Knob("point: y", 0.5, 0.0, 1.0, 0.01, "Its second coordinate, upwards")
        small = W.Layout(width="104px", flex="0 0 auto", margin="0 2px 0 8px")
        self.add = W.Button(description="add point", tooltip="Add a point behind this one", layout=small)
        self.remove = W.Button(description="remove", tooltip="Remove this point", layout=small)
        self.scrubber = Knob("training", FRAMES, 0, FRAMES, 1, "Look back at the training", live=True)
        self.play = self.scrubber.player(250, "Play the training")
        self.eta = Knob("step η", 0.0, 0.0, float(ETAS[-1]), 0.01, "Length of one step against ∇Ψ, Eq. 8", live=True)

    def _views(self):
        self.notice, self.status = Notice(), Status()
        self.pictures, self.curve, self.code = Panel(), Panel(), W.HTML()
        left = [heading("World and noise"), self.world, self.sigma, self.along, self.steps]
        right = [heading("Your own M"), self.drawing, row([self.corner, self.add]), row([self.x, self.remove]), self.y]
        pictures = [self.pictures, row([self.play, self.scrubber]), self.eta.widget, self.status]
        self.widget = frame([[left, right], self.notice], pictures, [self.curve, self.code])

    @property
    def settings(self):
        """What the controls say now."""
        values = dict(sigma=self.sigma.value, along=self.along.value, steps=self.steps.value)
        return Settings(world=self.world.value, drawing=self.drawing.value, **values)

    @guarded
    def start(self, change=None):
        """Begin the training that the controls ask for, in place of the one in flight."""
        if self.quiet:
            return
        settings = self.settings
        drawn = settings.world == DRAWN
        self.drawing.disabled = self.add.disabled = self.remove.disabled = not drawn
        for knob in (self.corner, self.x, self.y):
            knob.enable(drawn)
        self.follow, self.play.playing = True, False
        self.notice.say(HINT)
        if drawn:
            self._pick()
        self.code.value = details("The same in code", as_code(settings))
        self._run.start(results(settings))

    def run(self):
        """Train now, to the end; returns the Result."""
        self._run.finish(results(self.settings))
        return self.result

    def halt(self):
        self._run.cancel()

    @guarded
    def _pick(self, change=None):
        """Show the coordinates of the chosen point."""
        if self.quiet:
            return
        corners = places(self.drawing.value)
        self.remove.disabled = len(corners) <= 2
        with self.quiet:
            self.corner.max = len(corners)
            self.x.value, self.y.value = corners[self.corner.value - 1]

    @guarded
    def _drag(self, change=None):
        if not self.quiet:
            corners = places(self.drawing.value)
            corners[self.corner.value - 1] = (self.x.value, self.y.value)
            self._draw_line(corners)

    @guarded
    def _add(self, button):
        """A new point half-way to the next one, or to the right edge behind the last."""
        corners, k = places(self.drawing.value), self.corner.value
        (x, y), (u, v) = corners[k - 1], (*corners, (1.0, 0.5))[k]
        corners.insert(k, (round((x + u) / 2, 2), round((y + v) / 2, 2)))
        self._draw_line(corners)

    @guarded
    def _remove(self, button):
        corners = places(self.drawing.value)
        del corners[self.corner.value - 1]
        with self.quiet:
            self.corner.value = max(1, self.corner.value - 1)
        self._draw_line(corners)

    def _draw_line(self, corners):
        self.drawing.value = "; ".join(f"{x:g} {y:g}" for x, y in corners)  # which starts a training

    @guarded
    def _look(self, change=None):
        if not self.quiet:
            self.follow = False
            self._draw(complete=True)

    def _show(self, result, done):
        """A frame of the training: the newest, unless the user is looking at another."""
        self.result = result
        with self.quiet:
            self.scrubber.max = self.play.max = result.last if done else FRAMES
            if self.follow:
                self.scrubber.value = result.last
        self._draw(complete=done or not self.curve.value, busy=not done)

    def _fail(self, error):
        """Say what went wrong, and show nothing that could be taken for an answer."""
        self.result = None
        self.notice.error(error)
        self.status.say("Nothing to show: the message above says why.")
        self.pictures.value = self.curve.value = ""

    def _draw(self, complete, busy=None):
        """Maps and text of the frame at the scrubber; the graph too if `complete`, it takes a tenth of a second."""
        if self.result is not None:
            shown = self.result, min(self.scrubber.value, self.result.last), self.eta.value
            self.pictures.show(picture(*shown))
            self.status.say(sentence(*shown), self._run.busy if busy is None else busy)
            if complete:
                self.curve.show(chart(*shown))


def theory_worlds(settings=None):
    """The app, shown when it ends a cell. Args: settings, the `Settings` to begin with."""
    return TheoryWorlds(settings)
