"""The controls of the reconstruction lab: what can be set, what they say, and which of them matter now."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as W

from ..._input.messages import describe
from ...reconstruction import METHODS
from ..shared import scenes
from ..shared.controls import NAME_WIDTH, Slider, checkbox, choice, sharing, values
from ..shared.page import group, row
from .model import AUTO, OWN, STARTS, STOPS, Settings

STEP_SIZE = {scenes.CT: 0.5, scenes.DENOISING: 0.05, scenes.INPAINTING: 0.2, scenes.MRI: 0.3}  # stable at formula's λ
WEIGHT_LIMIT = {scenes.CT: 3.0}  # elsewhere 150: λ grows with the noise that A* lets through
VIEWS = "More views help little here: with ‖A‖ = 1 and a fixed σ per ray they carry hardly more signal."


class Controls:
    """All that a run depends on. `file` and `size` have no control that shows them."""

    def __init__(self, s: Settings, new_noise: W.Button) -> None:
        self._given, self.new_noise = s, new_noise
        self._measurement(s)
        self._reconstruction(s)

    def _measurement(self, s: Settings) -> None:
        self.image = choice("image", scenes.IMAGES, s.image, "What is measured")
        self.number = Slider("image number", s.number, 0, 99, 1, "Another number is another patient or photograph")
        tooltip = "A photograph, a DICOM slice or a .npy file: up to 50 MB in a course opened by make lab, else 9 MB"
        self.upload = W.FileUpload(description="your file", tooltip=tooltip, layout=sharing())
        self.path = W.Text(
            description="or its path",
            placeholder="~/slices/IM-0001, then Enter",
            tooltip="A file of any size on the machine where this notebook computes",
            continuous_update=False,
            style=dict(description_width=NAME_WIDTH),
            layout=W.Layout(width="auto"),
        )
        self.operator = choice("operator A", scenes.OPERATORS, s.operator, "How it is measured")
        self.angles = Slider("number of angles", s.angles, 10, 90, 10, f"Views of the scanner in half a turn. {VIEWS}")
        self.share = Slider("measured, %", s.share, 10, 90, 5, "Pixels seen, or lines of k-space taken")
        limit = max(s.sigma, scenes.SIGMA[s.operator][1])
        self.sigma = Slider("noise σ", s.sigma, 0.0, limit, 0.001, "Standard deviation of the noise; the draw stays")

    def _reconstruction(self, s: Settings) -> None:
        self.critic = choice("critic Ψ", [s.critic], s.critic, "Those that fit the image, first those trained for A")
        self.reg_weight = Slider("weight λ", s.reg_weight or 0.0, 0.0, 150.0, 0.01, "Of the regulariser Ψ")
        self.by_formula = checkbox("λ by formula", s.reg_weight is None, "λ = 2 E‖A*e‖ (§5.1)")
        self.method = choice("method", METHODS, s.method, "How the objective is minimised")
        step = STEP_SIZE[s.operator] if s.step_size == AUTO else float(s.step_size)
        stable = "Of Algorithm 2, for all steps; for the data term alone stable below 1/‖A‖² = 1"
        self.step_size = Slider("step size ε", step, 0.01, 1.5, 0.01, stable)
        found = "The solver finds it on the way, so that J never rises"
        self.find_step = checkbox("find step size", s.step_size == AUTO, found)
        self.steps = Slider("steps", s.steps, 10, 600, 10, "Iterations of Algorithm 2 at most")
        self.start = choice("start x₀", STARTS, s.start, "Where Algorithm 2 begins")
        self.stop = choice("stop", list(STOPS), _rule(s.stop), "When to end; no rule sees the truth")

    def groups(self) -> list[W.VBox]:
        """As they stand on the page: measurement, reconstruction."""
        measured = [self.image, self.number, self.operator, self.angles, self.share, self.sigma]
        solved = [self.critic, self.reg_weight, self.method, self.step_size, row(self.by_formula, self.find_step)]
        return [
            group("Measurement y = Ax + e", *measured, row(self.new_noise, self.upload), self.path),
            group("Reconstruction", *solved, self.steps, self.start, self.stop),
        ]

    @property
    def restarting(self) -> list:
        """Those that start a run when they are moved, and do nothing else."""
        measured = [self.image, self.number, self.sigma, self.angles, self.share]
        solved = [self.critic, self.reg_weight, self.by_formula, self.step_size, self.find_step, self.steps]
        return [*measured, *solved, self.method, self.start, self.stop]

    @property
    def settings(self) -> Settings:
        """What the controls say now."""
        return replace(self._given, **values(self._given, vars(self)) | self.said())

    def said(self) -> dict[str, Any]:
        """{field: what several controls say of it, or one that shows it by another name}."""
        return dict(
            file=self._given.file,
            reg_weight=None if self.by_formula.value else self.reg_weight.value,
            step_size=AUTO if self.find_step.value else self.step_size.value,
            stop=STOPS[self.stop.value],
        )

    def shown(self, wanted: Settings) -> dict[str, Any]:
        """{name of a control: what it is to show}, the opposite of `said`."""
        return dict(
            critic=None,  # `fit` chooses among those that fit
            step_size=STEP_SIZE[wanted.operator] if wanted.step_size == AUTO else wanted.step_size,
            stop=_rule(wanted.stop),
        )

    def ready(self, wanted: Settings, own: Callable | None) -> None:
        """Set what the controls of `shown` depend on."""
        self._given = wanted
        if wanted.critic != OWN:
            scenes.critic(wanted.critic)  # raises for an unknown name
        self.critic.options, self.critic.value = [wanted.critic], wanted.critic
        self.by_formula.value, self.find_step.value = wanted.reg_weight is None, wanted.step_size == AUTO
        self.reg_weight.max = max(self.reg_weight.max, wanted.reg_weight or 0.0)
        self.sigma.range(0.0, max(wanted.sigma, scenes.SIGMA[wanted.operator][1]))

    def fit(self, own: Callable | None) -> None:
        """Show those that matter, and offer the critics that fit the image; `own` is the user's critic or None."""
        image, operator = self.image.value, self.operator.value
        self.number.enable(image in (scenes.PHANTOM, scenes.PHOTO))
        self.reg_weight.enable(not self.by_formula.value)
        self.step_size.enable(not self.find_step.value)
        scenes.fit_sampling(operator, self.angles, self.share)
        count = scenes.channels(self.settings)
        fitting = scenes.critic_names(count, self._given.size, operator)
        if own is not None and getattr(own, "channels", count) == count:
            fitting = [OWN, *fitting]
        if not fitting:
            raise ValueError(f"critic: expected one for {count} channels, but none ships. Choose another image.")
        trained = scenes.CRITIC[operator]
        value = next((name for name in (self.critic.value, trained) if name in fitting), fitting[0])
        if tuple(self.critic.options) != tuple(fitting):
            self.critic.options = fitting
        self.critic.value = value

    def remarks(self) -> list[str]:
        """What there is to know of the critic and of the angles."""
        critic, operator = self.critic.value, self.operator.value
        trained = operator if critic == OWN else scenes.trained_for(critic)
        transfers = [] if trained == operator else [f"{critic} was trained for {trained}, not for {operator}."]
        return [*transfers, VIEWS] if operator == scenes.CT else transfers

    def other_operator(self) -> None:
        """Another operator measures on another scale: begin with its own noise, share, step size and critic."""
        operator = self.operator.value
        sigma, limit = scenes.SIGMA[operator]
        self.sigma.range(0.0, limit)
        self.sigma.value, self.step_size.value = sigma, STEP_SIZE[operator]
        self.share.value = scenes.SHARE.get(operator, self.share.value)
        if self.critic.value != OWN and scenes.CRITIC[operator] in self.critic.options:
            self.critic.value = scenes.CRITIC[operator]

    def open(self, given: W.Widget) -> bool:
        """The uploaded file, whose name the button then has, or the file at the path becomes the image; if there is
        one."""
        if given is self.upload and self.upload.value:
            file = self.upload.value[0]
            self.upload.description = describe(file["name"]).strip("'")
            return self._open(file["name"], bytes(file["content"]))
        path = self.path.value.strip()
        return given is self.path and bool(path) and self._open(str(Path(path).expanduser()), None)

    def _open(self, name: str, content: bytes | None) -> bool:
        self._given = replace(self._given, file=(name, content))
        self.image.value = scenes.FILE
        return True

    def show_weight(self, reg_weight: float) -> None:
        """The weight that the formula gave."""
        if not self.by_formula.value:
            return
        self.reg_weight.max = max(WEIGHT_LIMIT.get(self.operator.value, 150.0), round(reg_weight, 3))
        self.reg_weight.value = round(reg_weight, 3)


def _rule(stop: float | str | None) -> str:
    """The words for a rule."""
    for name, rule in STOPS.items():
        if rule == stop:
            return name
    raise ValueError(f"stop: expected one of {', '.join(map(repr, STOPS.values()))}, got {describe(stop)}.")
