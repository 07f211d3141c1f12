"""The situations of notebook 05, to choose in the λ lab: what differs from the defaults."""

from typing import Any

from .model import THORAX

SITUATIONS: dict[str, dict[str, Any]] = {
    "photograph, the right σ": {},
    "told a quarter of the noise": dict(claimed="σ / 4"),
    "told four times the noise": dict(claimed="4 σ"),
    "photograph, three times the noise": dict(sigma=0.3),
    "CT, the right σ": dict(problem=THORAX, sigma=0.02),
    "CT, told half of the noise": dict(problem=THORAX, sigma=0.02, claimed="σ / 2"),
    "CT, told twice the noise": dict(problem=THORAX, sigma=0.02, claimed="2 σ"),
}
