"""What the theory app computes: a critic trained in the plane. Paper: Eq. 6 and 8, Theorems 1 and 2."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

import torch

from ... import theory
from ...drawing import maps
from ...reconstruction import gradient
from ...theory import worlds
from ...training import Eq6, Unpaired, algorithm_1

DRAWN = "your own"
WORLDS: dict[str, Callable[..., worlds.World]] = {
    "circle": worlds.circle,
    "segment": worlds.segment,
    "two points": worlds.points,
    "ellipse": worlds.ellipse,
    "spiral": worlds.spiral,
}
ETAS = torch.linspace(0, 0.16, 9)
SAMPLES, FRAMES, PENALTY = 160, 16, 60  # noisy points, pictures of a training, gp_weight / sigma


@dataclass(frozen=True)
class Settings:
    """What the controls say. `along` is the share of the noise along M; `drawing` the corners of your own line."""

    world: str = "circle"
    sigma: float = 0.05
    along: float = 0.0
    steps: int = 320
    drawing: str = "0.15 0.3; 0.35 0.75; 0.6 0.3; 0.85 0.7"
    looked_at: int | None = field(default=None, compare=False)  # these train nothing: a frame, None is the newest
    eta: float = field(default=0.0, compare=False)  # length of the step of Eq. 8
    corner: int = field(default=1, compare=False)  # of the drawing, to move it


@dataclass(frozen=True)
class Frame:
    """The critic after `step` steps: its values on the grid of `maps`, gradients, gap, and Wass(P_r, P_eta) at ETAS."""

    step: int
    heat: torch.Tensor
    field: torch.Tensor  # gradient on the lattice of `maps`
    direction: torch.Tensor  # gradient at x_noisy
    gap: float
    error: float  # mean |Psi - d_M - c| at x_noisy
    decay: tuple


@dataclass(frozen=True)
class Result:
    """The training so far, the samples on which it is judged, and the truth."""

    settings: Settings
    world: worlds.World
    x_real: torch.Tensor
    x_noisy: torch.Tensor
    distance: torch.Tensor  # d_M on the grid of `maps`
    frames: tuple

    @property
    def last(self) -> int:
        """The number of the newest frame."""
        return len(self.frames) - 1

    @property
    def exact(self) -> float:
        """Wass(P_r, P_n) of the samples."""
        return self.frames[0].decay[0]


def corners(drawing: str) -> list[tuple[float, ...]]:
    """The corners in "x y; x y; ...": [(x, y)]. Raises ValueError for what is not pairs of numbers."""
    try:
        return [tuple(float(number) for number in pair.split()) for pair in drawing.split(";") if pair.strip()]
    except ValueError:
        raise ValueError(f"points: expected pairs of numbers, got {drawing!r}. Write 0.2 0.3; 0.6 0.8") from None


def world_of(settings: Settings) -> worlds.World:
    """The `World` that the settings name."""
    if settings.world != DRAWN:
        return WORLDS[settings.world]()
    places = line(settings.drawing)
    if any(len(place) != 2 for place in places):
        raise ValueError(f"points: expected two numbers for each, got {settings.drawing!r}. Write 0.2 0.3; 0.6 0.8")
    return worlds.polyline(places)


def line(drawing: str) -> list[tuple[float, ...]]:
    """The corners of a drawing; a point dragged onto its neighbour is one with it."""
    return [corner for corner, _ in groupby(corners(drawing))]


def results(settings: Settings) -> Iterator[Result]:
    """Train a critic; yields a Result for the start and as the training goes on, each with the frames before."""
    world = world_of(settings)
    problem = worlds.corruption(world, settings.sigma, settings.along)
    generator = torch.Generator().manual_seed(1)
    x_real = world.sample(SAMPLES, generator)
    x_noisy = problem.naive(problem.measure(x_real, generator))
    result = Result(settings, world, x_real, x_noisy, maps.on_grid(world.distance), ())
    critic = fresh_critic()
    x_train = world.sample(4096, torch.Generator().manual_seed(0))
    loss = Eq6(gp_weight=PENALTY * settings.sigma)
    run = algorithm_1(critic, Unpaired(problem, x_train), loss, settings.steps, **theory.TRAINING)
    yield (result := _longer(result, critic, 0))
    for step in run:
        if step.index and step.index % (settings.steps // FRAMES) == 0:
            yield (result := _longer(result, critic, step.index))
    yield _longer(result, critic, settings.steps)  # with the averaged weights


def fresh_critic() -> theory.DistanceCritic:
    """Always the same weights; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return theory.DistanceCritic()


def compute(settings: Settings) -> Result:
    """The Result of the whole training."""
    *_, result = results(settings)
    return result


def _longer(result: Result, critic: Callable, step: int) -> Result:
    direction = gradient(critic, result.x_noisy)[1]
    decay = [theory.wasserstein(result.x_real, result.x_noisy - float(eta) * direction) for eta in ETAS]
    gap = theory.gap(critic, result.x_real, result.x_noisy)
    error = theory.distance_error(critic, result.world, result.x_noisy)
    field = gradient(critic, maps.lattice())[1]
    frame = Frame(step, maps.on_grid(critic), field, direction, gap, error, tuple(decay))
    return replace(result, frames=(*result.frames, frame))


def stepped(result: Result, k: int, eta: float) -> torch.Tensor:
    """The noisy points after one step of length eta against the critic of frame k (Eq. 8)."""
    return result.x_noisy - eta * result.frames[k].direction


def targets(result: Result, x: torch.Tensor) -> torch.Tensor:
    """Where an optimal plan carries each of x: the two samples are of one size, so that no point is divided."""
    return result.x_real[theory.transport(result.x_real, x).plan.argmax(1)]
