"""The situations of notebook 02, to choose in the descent lab: what differs from the defaults."""

from typing import Any

from .model import INPAINTING, TIKHONOV, TWO

SITUATIONS: dict[str, dict[str, Any]] = {
    "smoothed TV at half of its limit": {},
    "smoothed TV at three times its limit": dict(step_size=0.0732),
    "smoothed TV, the L-curve": dict(swept=True),
    "inpainting, the L-curve": dict(problem=INPAINTING, swept=True),
    "Tikhonov blurs": dict(cost=TIKHONOV, reg_weight=1.0, step_size=0.0556),
    "two unknowns: creeps": dict(cost=TWO, reg_weight=0.05, step_size=0.05),
    "two unknowns: zigzags": dict(cost=TWO, reg_weight=0.05, step_size=0.9),
    "two unknowns: diverges": dict(cost=TWO, reg_weight=0.05, step_size=1.0),
}
