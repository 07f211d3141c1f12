"""The controls of the reconstruction lab: what can be set, what they say, and which of them matter now."""

import ipywidgets as W

from ..apps import scenes
from ..reconstruction import METHODS
from .layout import heading, row
from .parts import Knob, choice
from .reconstruction_run import AUTO, OWN, STARTS, STOPS, Settings

STEP_SIZE = {scenes.CT: 0.5, scenes.DENOISING: 0.05, scenes.INPAINTING: 0.2, scenes.MRI: 0.3}  # stable at formula's λ
WEIGHT_LIMIT = {scenes.CT: 3.0}  # elsewhere 150: λ grows with the noise that A* lets through
FILES = ".png,.jpg,.jpeg,.dcm,.npy"
RESTART = "image number sigma angles share critic weight by_formula step_size find_step steps method begin stop".split()
VIEWS = "More views help little here: with ‖A‖ = 1 and a fixed σ per ray they carry hardly more signal."


class Controls:
    """All that a run depends on. `file`, `noise` and `size` have no control that shows them."""

    def __init__(self, s, critic):
        self.file, self.noise, self.size = s.file, s.noise, s.size
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
        self.angles = Knob("number of angles", s.angles, 10, 90, 10, f"Views of the scanner in half a turn. {VIEWS}")
        self.share = Knob("measured, %", s.share, 10, 90, 10, "Pixels seen, or lines of k-space taken")
        limit = max(s.sigma, scenes.SIGMA[s.operator][1])
        self.sigma = Knob("noise σ", s.sigma, 0.0, limit, 0.001, "Standard deviation of the noise; the draw stays")
        self.new_noise = W.Button(description="new noise", tooltip="Other noise of the same strength", layout=small)
        self.critic = choice("critic Ψ", [critic], critic, "The regulariser: those that fit the image")
        self.weight = Knob("weight λ", s.reg_weight or 0.0, 0.0, 150.0, 0.01, "Of the regulariser Ψ")
        formula = dict(description="by formula", tooltip="λ = 2 E‖A*e‖ (§5.1)", indent=False)
        self.by_formula = W.Checkbox(s.reg_weight is None, **formula, layout=small)
        self.method = choice("method", METHODS, s.method, "How the objective is minimised")
        step = STEP_SIZE[s.operator] if s.step_size == AUTO else s.step_size
        stable = "Of Algorithm 2, for all steps; for the data term alone stable below 1/‖A‖² = 1"
        self.step_size = Knob("step size ε", step, 0.01, 1.5, 0.01, stable)
        found = dict(description="find step size", tooltip="The solver finds it on the way, so that J never rises")
        wide = W.Layout(width="124px", flex="0 0 auto", margin="0 2px 0 8px")
        self.find_step = W.Checkbox(s.step_size == AUTO, **found, indent=False, layout=wide)
        self.steps = Knob("steps", s.steps, 10, 600, 10, "Iterations of Algorithm 2 at most")
        rule = next(name for name, stop in STOPS.items() if stop == s.stop)
        self.begin = choice("start x₀", STARTS, s.start, "Where Algorithm 2 begins")
        self.stop = choice("stop", list(STOPS), rule, "When to end; no rule sees the truth")

    def groups(self):
        """As they stand on the page: measurement, reconstruction."""
        measured = [self.image, row([self.number, self.upload]), self.operator, self.angles, self.share]
        measured += [row([self.sigma, self.new_noise])]
        solved = [self.critic, row([self.weight, self.by_formula]), self.method]
        solved += [row([self.step_size, self.find_step]), self.steps, self.begin, self.stop]
        return [[heading("Measurement y = Ax + e"), *measured], [heading("Reconstruction"), *solved]]

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
            step_size=AUTO if self.find_step.value else self.step_size.value,
            steps=self.steps.value,
            method=self.method.value,
            start=self.begin.value,
            stop=STOPS[self.stop.value],
            noise=self.noise,
            size=self.size,
        )

    def fit(self, own):
        """Show those that matter, and offer the critics that fit the image; `own` is the user's critic or None."""
        image, operator = self.image.value, self.operator.value
        self.number.enable(image in (scenes.PHANTOM, scenes.PHOTO))
        self.weight.enable(not self.by_formula.value)
        self.step_size.enable(not self.find_step.value)
        self.angles.show(operator in (scenes.CT, scenes.DENOISING))
        self.angles.enable(operator == scenes.CT)
        self.share.show(operator in (scenes.INPAINTING, scenes.MRI))
        count = scenes.channels(self.settings)
        fitting = scenes.critic_names(count, self.size)
        if own is not None and getattr(own, "channels", count) == count:
            fitting = [OWN, *fitting]
        if not fitting:
            raise ValueError(f"critic: expected one for {count} channels, but none ships. Choose another image.")
        value = self.critic.value if self.critic.value in fitting else fitting[0]
        if tuple(self.critic.options) != tuple(fitting):
            self.critic.options = fitting
        self.critic.value = value

    def other_operator(self):
        """Another operator measures on another scale: begin with its own noise and step size."""
        sigma, limit = scenes.SIGMA[self.operator.value]
        self.sigma.range(0.0, limit)
        self.sigma.value, self.step_size.value = sigma, STEP_SIZE[self.operator.value]

    def open(self):
        """The uploaded file becomes the image."""
        file = self.upload.value[0]
        self.file = (file["name"], bytes(file["content"]))
        self.image.value = scenes.FILE

    def show_weight(self, reg_weight):
        """The weight that the formula gave."""
        self.weight.max = max(WEIGHT_LIMIT.get(self.operator.value, 150.0), round(reg_weight, 3))
        self.weight.value = round(reg_weight, 3)
