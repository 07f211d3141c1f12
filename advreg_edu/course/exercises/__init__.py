"""All exercises, one module for each notebook."""

from ..exercise import Exercise
from . import inverse_problems, start_here, training_a_critic, variational_regularisation

NOTEBOOKS = {
    "00": "Start here",
    "01": "Inverse problems",
    "02": "Variational regularisation",
    "03": "Training a critic",
}
_MODULES = (start_here, inverse_problems, variational_regularisation, training_a_critic)
EXERCISES: dict[str, Exercise] = {exercise.name: exercise for module in _MODULES for exercise in module.EXERCISES}
