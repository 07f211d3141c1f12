"""The training monitor: Algorithm 1 live, to start, pause, resume and stop. Paper: §3.1, Eq. 6."""

from .app import training_monitor

__all__ = ["training_monitor"]
