"""All exercises, one module for each notebook."""

from ..exercise import Exercise
from . import (
    extensions,
    inverse_problems,
    lambda_from_noise,
    reconstruction_lab,
    stability,
    start_here,
    training_a_critic,
    variational_regularisation,
    what_the_critic_learns,
    who_is_better,
    your_own_data,
)

NOTEBOOKS = {
    "00": "Start here",
    "01": "Inverse problems",
    "02": "Variational regularisation",
    "03": "Training a critic",
    "04": "What the critic learns",
    "05": "λ from the noise",
    "06": "Reconstruction lab",
    "07": "Who is better?",
    "08": "Stability",
    "09": "Extensions",
    "10": "Your own data",
}
_MODULES = (
    start_here,
    inverse_problems,
    variational_regularisation,
    training_a_critic,
    what_the_critic_learns,
    lambda_from_noise,
    reconstruction_lab,
    who_is_better,
    stability,
    extensions,
    your_own_data,
)
EXERCISES: dict[str, Exercise] = {exercise.name: exercise for module in _MODULES for exercise in module.EXERCISES}
