"""The situations of notebook 04, to choose in the theory worlds: what differs from the defaults."""

from typing import Any

from .model import DRAWN

SITUATIONS: dict[str, dict[str, Any]] = {
    "circle: Ψ learns the distance": {},
    "one step moves the earth nearer": dict(eta=0.04),
    "a step that is too long": dict(eta=0.16),
    "circle, twice the noise": dict(sigma=0.1),
    "segment, noise along M too": dict(world="segment", along=1.0),
    "two points: a ridge between them": dict(world="two points", sigma=0.1),
    "ellipse, noise along M too": dict(world="ellipse", along=0.5),
    "spiral: more steps": dict(world="spiral", sigma=0.03, steps=960),
    "your own": dict(world=DRAWN, steps=640),
}
