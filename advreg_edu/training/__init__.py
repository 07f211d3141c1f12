"""Algorithm 1: what the critic is shown, how it is scored, the loop. Paper: §3.1."""

from .algorithm import Step, algorithm_1, default_gp_weight, train_critic
from .diagnosis import Diagnosis, diagnose
from .iterates import WithIterates
from .loss import Balanced, Eq6, Eq6BySlopes, Quadratic, Score, critic_loss, draw_mix, gradient_on_lines
from .on_disk import OnDisk, mapped, save_batches
from .pairs import Batch, MeasuredElsewhere, Paired, Pairs, Unpaired
from .reflow import Reflow
from .wrappers import EqualLines, NoiseLeft, OwnLines, WhiteNoise, Windows

__all__ = [
    "Balanced",
    "Batch",
    "Diagnosis",
    "Eq6",
    "Eq6BySlopes",
    "EqualLines",
    "MeasuredElsewhere",
    "NoiseLeft",
    "OnDisk",
    "OwnLines",
    "Paired",
    "Pairs",
    "Quadratic",
    "Reflow",
    "Score",
    "Step",
    "Unpaired",
    "WhiteNoise",
    "Windows",
    "WithIterates",
    "algorithm_1",
    "critic_loss",
    "default_gp_weight",
    "diagnose",
    "draw_mix",
    "gradient_on_lines",
    "mapped",
    "save_batches",
    "train_critic",
]
