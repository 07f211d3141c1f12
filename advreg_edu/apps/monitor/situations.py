"""The situations of notebook 03, to choose in the training monitor: what differs from the defaults."""

from typing import Any

from .model import ELLIPSES, LOCAL

SITUATIONS: dict[str, dict[str, Any]] = {
    "a critic that knows nothing": {},
    "ours, with a blur built in": dict(network=LOCAL),
    "a fine that is too cheap": dict(gp_weight=0.1, learning_rate=0.01),
    "a fine that is too dear": dict(gp_weight=200.0),
    "ellipses in place of chests": dict(images=ELLIPSES),
    "a third of the noise": dict(sigma=0.03),
}
