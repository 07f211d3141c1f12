"""Algorithm 1: what the critic is shown, how it is scored, the loop. Paper: §3.1."""

from .algorithm import GAPS, PRECISIONS, critic_loss, draw_mix, train_critic, wasserstein_and_slopes
from .pairs import draw_batch

__all__ = ["GAPS", "PRECISIONS", "critic_loss", "draw_batch", "draw_mix", "train_critic", "wasserstein_and_slopes"]
