"""The situations of notebook 01, to choose in the measurement lab: what differs from the defaults."""

from typing import Any

from ..shared.scenes import DENOISING, INPAINTING, MRI, PHOTO, SLICE

SITUATIONS: dict[str, dict[str, Any]] = {
    "CT, 30 angles": {},
    "CT, 10 angles": dict(angles=10),
    "CT, a real slice": dict(image=SLICE),
    "CT, the worst patterns": dict(pattern=90),
    "denoising: A hides nothing": dict(operator=DENOISING, image=PHOTO, sigma=0.1),
    "inpainting: pixels without a trace": dict(operator=INPAINTING, image=PHOTO, pattern=90),
    "MRI: half of a pair, s = √½": dict(operator=MRI, image=SLICE, pattern=30),
}
