"""How the convex critic that ships was trained: as `ct-thorax`, with fewer phantoms and steps. Paper: Algorithm 1.

Why it is as it is: data/study/convex.md.
"""

from ...critics import ConvexCritic
from ...training import Eq6BySlopes, EqualLines, NoiseLeft, WithIterates
from ..training_images import phantoms_in_windows
from .parts import given, scan
from .recipe import Recipe

CRITICS = {
    "ct-thorax-convex": Recipe(
        scan,
        phantoms_in_windows(2000),
        lambda: ConvexCritic(1, (48, 64)),
        pairs=lambda source: EqualLines(
            NoiseLeft(WithIterates(source, start=500, steps=160), 0.3, of_iterates=0.9), distance=4.5
        ),
        loss=given(Eq6BySlopes(74.0)),
        steps=1800,
        batch_size=8,
        learning_rate=6e-3,
    ),
}
