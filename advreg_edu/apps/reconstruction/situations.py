"""The situations of notebooks 00 and 06, to choose in the reconstruction lab: what differs from the defaults."""

from typing import Any

from ..shared.scenes import DENOISING, MRI, PHOTO, SLICE

SITUATIONS: dict[str, dict[str, Any]] = {
    "CT, 30 angles": {},
    "twice the noise, λ by formula": dict(sigma=0.04),
    "10 angles": dict(angles=10),
    "90 angles": dict(angles=90),
    "a quarter of the noise": dict(sigma=0.005),
    "ten times the weight": dict(reg_weight=4.0),
    "a step size by hand": dict(step_size=1.02, steps=100, stop=None),
    "a real slice": dict(image=SLICE),
    "photograph, denoising": dict(image=PHOTO, operator=DENOISING, sigma=0.1, critic="photos-color", number=24),
    "MRI, half of the lines": dict(operator=MRI),
}
