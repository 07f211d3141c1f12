"""The reconstruction lab: Algorithm 2 with every knob. Paper: §3.1 (Alg. 2), §5.1 (lambda), §5.2, §5.3.

Only the wiring is here; what is computed is in `reconstruction_run`, what is shown in `reconstruction_view`.
"""

import time

import ipywidgets as W

from ..pictures import busiest
from ..reconstruction import METHODS
from . import scenes
from .app import App
from .layout import frame, heading, row
from .parts import Gallery, Knob, Notice, Panel, Quiet, Status, choice, code_box, guarded, toggle
from .reconstruction_run import CRITIC, OWN, STARTS, STOPS, Settings, as_code, results
from .reconstruction_view import chart, picture, sentence
from .runs import Run

HINT = "Move a control: the run starts again. Data term alone: steps below 1/‖A‖² = 1 are stable."
STEP_SIZE = {scenes.CT: 0.5, scenes.DENOISING: 0.05, scenes.INPAINTING: 0.2, scenes.MRI: 0.3}  # stable at formula's λ
WEIGHT_LIMIT = {scenes.CT: 3.0}  # elsewhere 150: λ grows with the noise that A* lets through
TIDY = 0.2  # seconds between two drawings of the curves while a run computes
FILES = ".png,.jpg,.jpeg,.dcm,.npy"
RESTART = "image number sigma angles share critic weight by_formula step_size steps method begin stop".split()


class ReconstructionLab(App):
    """Controls, pictures, curves. A moved control starts a run; the scrubber only looks at its iterates."""

    def __init__(self, critic=CRITIC, settings=None):
        settings = settings or Settings()
        self.own = None if isinstance(critic, str) else critic
        self.size, self.file, self.noise = settings.size, settings.file, settings.noise
        self.result, self.held, self.quiet, self._scene = None, None, Quiet(), None
        self._controls(settings, critic if isinstance(critic, str) else OWN)
        self._views()
        self._run = Run(self._show, self._fail, pause=0.02)
        for name in RESTART:
            getattr(self, name).observe(self.start, "value")
        self.operator.observe(self._other_operator, "value")
        self.upload.observe(self._opened, "value")
        self.new_noise.on_click(self._draw_noise)
        self.compare.observe(self._hold, "value")
        self.as_code.observe(self._show_code, "value")
        for knob in (self.scrubber, self.row, self.column):
            knob.observe(self._scrub, "value")
        self.start()

    def _controls(self, s, critic):
        small = W.Layout(width="104px", flex="0 0 auto", margin="0 2px 0 8px")
        self.image = choice("image", scenes.IMAGES, s.image, "What is measured")
        self.number = Knob("image number", s.number, 0, 99, 1, "Another number is another patient or photograph")
        self.upload = W.FileUpload(
            description="your file",
            accept=FILES,
            tooltip="PNG, JPEG, DICOM or .npy, up to 10 MB",
            layout=small,
        )
        self.operator = choice("operator A", scenes.OPERATORS, s.operator, "How it is measured")
        self.angles = Knob("number of angles", s.angles, 10, 90, 10, "Views of the scanner in half a turn")
        self.share = Knob("measured, %", s.share, 10, 90, 10, "Pixels seen, or lines of k-space taken")
        limit = max(s.sigma, scenes.SIGMA[s.operator][1])
        self.sigma = Knob("noise σ", s.sigma, 0.0, limit, 0.001, "Standard deviation of the noise; the draw stays")
        self.new_noise = W.Button(description="new noise", tooltip="Other noise of the same strength", layout=small)
        self.critic = choice("critic Ψ", [critic], critic, "The regulariser: those that fit the image")
        self.weight = Knob("weight λ", s.reg_weight or 0.0, 0.0, 150.0, 0.01, "Of the regulariser Ψ")
        formula = dict(description="by formula", tooltip="λ = 2 E‖A*e‖ (§5.1)", indent=False)
        self.by_formula = W.Checkbox(s.reg_weight is None, **formula, layout=small)
        self.method = choice("method", METHODS, s.method, "How the objective is minimised")
        self.step_size = Knob("step size ε", s.step_size, 0.01, 1.5, 0.01, "Of Algorithm 2; stable below 1/‖A‖² = 1")
        self.steps = Knob("steps", s.steps, 10, 300, 10, "Iterations of Algorithm 2")
        rule = next(name for name, stop in STOPS.items() if stop == s.stop)
        self.begin = choice("start x₀", STARTS, s.start, "Where Algorithm 2 begins")
        self.stop = choice("stop", list(STOPS), rule, "When to end before the last step; no rule sees the truth")
        self.scrubber = Knob("iterate", 0, 0, s.steps, 1, "Look at any iterate; nothing is computed again", live=True)
        self.play = W.Play(min=0, max=s.steps, interval=80, show_repeat=False, tooltip="Play the iterates")
        W.link((self.play, "value"), (self.scrubber.slider, "value"))
        last = s.size - max(1, s.size // 4)
        self.row = Knob("detail: row", 0, 0, last, 1, "First row of the magnified square", live=True)
        self.column = Knob("detail: column", 0, 0, last, 1, "First column of the magnified square", live=True)
        self.compare = toggle("hold this run to compare", "The next runs appear beside it", "columns")
        self.as_code = toggle("copy as code", "Python that computes the same without the app", "code")

    def _views(self):
        self.notice, self.status = Notice(), Status()
        self.pictures, self.curves, self.code = Gallery(still=2), Panel(), W.HTML()
        measured = [self.image, row([self.number, self.upload]), self.operator, self.angles, self.share]
        measured += [row([self.sigma, self.new_noise])]
        solved = [self.critic, row([self.weight, self.by_formula]), self.method, self.step_size, self.steps]
        solved += [self.begin, self.stop]
        groups = [[heading("Measurement y = Ax + e"), *measured], [heading("Reconstruction"), *solved]]
        buttons = row([self.compare, self.as_code])
        details = [row([self.play, self.scrubber]), row([self.row, self.column])]
        pictures = [self.pictures, *details, self.status]
        self.widget = frame([groups, self.notice], pictures, [self.curves, buttons, self.code])

    @property
    def settings(self):
        """What the controls say now."""
        return Settings(
            image=self.image.value,
            number=self.number.value,
            file=self.file,
            operator=self.operator.value,
            sigma=self.sigma.value,
            angles=self.angles.value,
            share=self.share.value,
            critic=self.critic.value,
            reg_weight=None if self.by_formula.value else self.weight.value,
            step_size=self.step_size.value,
            steps=self.steps.value,
            method=self.method.value,
            start=self.begin.value,
            stop=STOPS[self.stop.value],
            noise=self.noise,
            size=self.size,
        )

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
            self._fit_controls()
            self.follow, self.play.playing, self._tidied = True, False, 0.0
            self.notice.say(HINT)
            self._show_code()
            go(results(self.settings, self._network()))
        except Exception as error:
            self._fail(error)

    def _network(self):
        return self.own if self.critic.value == OWN else scenes.critic(self.critic.value)

    def _fit_controls(self):
        """Show the controls that matter here, and offer the critics that fit the image."""
        image, operator = self.image.value, self.operator.value
        self.number.enable(image in (scenes.PHANTOM, scenes.PHOTO))
        self.weight.enable(not self.by_formula.value)
        self.angles.show(operator in (scenes.CT, scenes.DENOISING))
        self.angles.enable(operator == scenes.CT)
        self.share.show(operator in (scenes.INPAINTING, scenes.MRI))
        count = scenes.channels(self.settings)
        fitting = scenes.critic_names(count, self.size)
        if self.own is not None and getattr(self.own, "channels", count) == count:
            fitting = [OWN, *fitting]
        if not fitting:
            raise ValueError(f"critic: expected one for {count} channels, but none ships. Choose another image.")
        with self.quiet:
            value = self.critic.value if self.critic.value in fitting else fitting[0]
            if tuple(self.critic.options) != tuple(fitting):
                self.critic.options = fitting
            self.critic.value = value
        self._look_where_there_is_something()

    def _look_where_there_is_something(self):
        """For another image, put the magnified square where there is most to see."""
        s = self.settings
        scene = (s.image, s.number, s.file)
        if scene != self._scene:
            with self.quiet:
                self.row.value, self.column.value = busiest(scenes.truth(s)[0], max(1, self.size // 4))
            self._scene = scene

    @guarded
    def _other_operator(self, change):
        """Another operator measures on another scale: begin with its own noise and step size."""
        if self.quiet:
            return
        sigma, limit = scenes.SIGMA[self.operator.value]
        with self.quiet:
            self.sigma.range(0.0, limit)
            self.sigma.value, self.step_size.value = sigma, STEP_SIZE[self.operator.value]
        self.start()

    @guarded
    def _opened(self, change):
        """A file came: measure it."""
        if not self.upload.value:
            return
        file = self.upload.value[0]
        self.file = (file["name"], bytes(file["content"]))
        with self.quiet:
            self.image.value = scenes.FILE
        self.start()

    def halt(self):
        self._run.cancel()

    def _draw_noise(self, button):
        self.noise += 1
        self.start()

    @guarded
    def _hold(self, change):
        self.held = self.result if self.compare.value else None
        self._chart = chart(self.result, self.held) if self.result else None
        self._draw()

    @guarded
    def _show_code(self, change=None):
        self.code.value = code_box(as_code(self.settings)) if self.as_code.value else ""

    def _scrub(self, change):
        if not self.quiet:
            self.follow = self.follow and change["owner"] is not self.scrubber.slider
            self._draw()

    def _show(self, result, done):
        """A frame of the run: pictures of the newest iterate, unless the user is looking at another; now and then, and
        at the end, curves and controls too, which cost a browser more than pictures do."""
        self.result = result
        if done or time.monotonic() - self._tidied > TIDY:
            self._tidy(result, done)
            self._chart = chart(result, self.held)
            self.curves.show(self._chart.at(self._looked_at()))
            self._tidied = time.monotonic()
        self._draw_pictures(busy=not done)

    def _tidy(self, result, done):
        """Bring the controls to where the run is."""
        if result.trouble:
            self.notice.say(result.trouble, "warning")
        with self.quiet:
            end = result.last if done else result.settings.steps
            if self.scrubber.max != end:
                self.scrubber.max = self.play.max = end
            self.weight.max = max(WEIGHT_LIMIT.get(result.settings.operator, 150.0), round(result.reg_weight, 3))
            self.weight.value = round(result.reg_weight, 3)
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
        self.curves.value = self.code.value = ""

    @guarded
    def _draw(self):
        """Pictures, curves and text of the iterate at the scrubber, from what is stored."""
        if self.result is not None:
            self.curves.show(self._chart.at(self._looked_at()))
            self._draw_pictures(busy=self._run.busy)

    def _draw_pictures(self, busy):
        k, corner = self._looked_at(), (self.row.value, self.column.value)
        self.pictures.show(picture(self.result, k, corner, self.held))
        self.status.say(sentence(self.result, k, self.held), busy, lines=3)


def reconstruction_lab(critic=CRITIC, settings=None):
    """The app, shown when it ends a cell.

    Args: critic, a shipped name or any network (1, C, H, W) to (1,); settings, the `Settings` to begin with.
    """
    return ReconstructionLab(critic, settings)
