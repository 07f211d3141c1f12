"""What the reconstruction lab computes, without a widget. Paper: §3.1 (Alg. 2), §5.1 (lambda), §5.2, §5.3.

`results(settings, critic)` runs Algorithm 2; `as_code` writes the same run as a script.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch

from ..._input.arguments import check_number
from ...metrics import psnr, ssim
from ...problem import Problem
from ...reconstruction import Diverged, Iterate, NotConverged, reconstruct
from ...reconstruction.stopping import check_stop
from ...reg_weight import weight_from_noise
from ..shared.scenes import Scene, image_code, operator, operator_code, seed, truth

CRITIC, OWN = "ct-thorax", "your critic"
STARTS = NAIVE, ZERO = ("A†y", "zero")
AUTO = "auto"  # the solver finds the step size
STOPS = {
    "at a minimum: ‖∇J‖ ≤ 1 % of λ": "gradient",
    "change below 1 %": 1e-2,
    "change below 0.1 %": 1e-3,
    "change below 0.01 %": 1e-4,
    "discrepancy principle": "discrepancy",
    "after all steps": None,
}


@dataclass(frozen=True, kw_only=True)
class Settings(Scene):
    """What the controls say. `reg_weight` None means the formula of §5.1; `noise` is the seed of the draw."""

    sigma: float = 0.02
    critic: str = CRITIC
    reg_weight: float | None = None
    step_size: float | str = AUTO
    steps: int = 400  # at most
    method: str = "gradient-descent"
    start: str = NAIVE
    stop: float | str | None = "gradient"
    noise: int = 0
    looked_at: int | None = field(default=None, compare=False)  # these compute nothing: an iterate, None is the newest
    row: int | None = field(default=None, compare=False)  # of the magnified square, None: where there is most to see
    column: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.step_size != AUTO:
            check_number(self.step_size, "step_size", fix=f'Or give "{AUTO}".')
        check_stop(self.stop, 0.01)


@dataclass(frozen=True)
class Result:
    """The run so far: truth and A†y (1, C, H, W), lambda, iterates with PSNR in dB and SSIM, and what went wrong."""

    settings: Settings
    truth: torch.Tensor
    naive: torch.Tensor
    naive_psnr: float
    reg_weight: float
    iterates: tuple = ()
    psnr: tuple = ()
    ssim: tuple = ()
    trouble: str = ""
    diverged: bool = False

    @property
    def last(self) -> int:
        """The number of the newest iterate."""
        return len(self.iterates) - 1

    @property
    def ended(self) -> bool:
        """Whether no iterate follows."""
        return self.diverged or self.iterates[-1].stopped or self.last == self.settings.steps

    @property
    def missed(self) -> bool:
        """Whether the steps ran out before the rule was met."""
        return self.ended and not (self.diverged or self.iterates[-1].stopped or self.settings.stop is None)


def results(settings: Settings, critic: Callable) -> Iterator[Result]:
    """Run Algorithm 2; yields a Result for the start and after every iteration, each containing those before."""
    problem = Problem(operator(settings), settings.sigma)
    x_true = truth(settings)
    y = problem.measure(x_true, seed(settings.noise))  # the same draw for every sigma
    weight = float(weight_from_noise(problem)) if settings.reg_weight is None else settings.reg_weight
    naive = problem.naive(y)
    start = float(psnr(naive.clamp(0, 1), x_true))
    x0 = torch.zeros_like(naive) if settings.start == ZERO else None
    options = settings.step_size, settings.steps, settings.method, settings.stop, x0
    # a step size that is too large is announced at the start
    run, trouble = _listened(lambda: reconstruct(problem, y, critic, weight, *options))
    first = next(run)
    yield (result := _longer(Result(settings, x_true, naive, start, weight, trouble=trouble), first))
    try:
        while True:
            it, said = _listened(lambda: next(run, None))
            if it is None:
                break
            yield (result := _longer(result, it))
        if said and not trouble:  # that the objective has climbed is seen at the end
            yield replace(result, trouble=said)
    except Diverged:
        yield replace(result, trouble=_explained(result), diverged=True)


def _listened(call: Callable) -> tuple:
    """What a call gives, and what was warned of meanwhile; that the steps ran out is in `Result.missed`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", NotConverged)
        given = call()
    return given, " ".join(str(warning.message) for warning in caught)


def compute(settings: Settings, critic: Callable) -> Result:
    """The Result of the whole run."""
    *_, result = results(settings, critic)
    return result


def _explained(result: Result) -> str:
    first, last = (float(result.iterates[k].data_term) for k in (0, -1))
    step_size = result.settings.step_size
    if step_size == AUTO:
        fix = "J has no minimum here: lower λ, or take another critic."
    else:
        fix = f"Lower the step size ε (now {step_size:g}) below 1/‖A‖² = 1, let it be found, or lower λ."
    return (
        f"The run diverged: the data term went from {first:.3g} to {last:.3g} in {result.last} steps and then blew up. "
        f"{fix} Iterates 0 to {result.last} can still be looked at."
    )


def _longer(result: Result, it: Iterate) -> Result:
    x = it.x.clamp(0, 1)
    quality = (*result.psnr, float(psnr(x, result.truth))), (*result.ssim, float(ssim(x, result.truth)))
    return replace(result, iterates=(*result.iterates, it), psnr=quality[0], ssim=quality[1])


def as_code(settings: Settings) -> str:
    """Python that computes the same iterates without the app; the last is `it`."""
    s = settings
    weight = "ar.weight_from_noise(problem)" if s.reg_weight is None else f"{s.reg_weight:g}"
    own = "critic = your_critic  # the network that you gave to reconstruction_lab"
    start = ["x0 = torch.zeros(1, *A.domain_shape)"] if s.start == ZERO else []
    step_size = '"auto"' if s.step_size == AUTO else f"{s.step_size:g}"
    options = [f'step_size={step_size}, steps={s.steps}, method="{s.method}"']
    options += [f"stop={s.stop!r}"] if s.stop else []
    options += ["x0=x0"] if s.start == ZERO else []
    return "\n".join(
        [
            "import advreg_edu as ar, pydicom.data, torch",
            "seed = lambda number: torch.Generator().manual_seed(number)",
            image_code(s),
            operator_code(s),
            f"problem = ar.Problem(A, sigma={s.sigma:g})",
            f"y = problem.measure(x, seed({s.noise}))",
            own if s.critic == OWN else f'critic = ar.load_critic("{s.critic}")',
            f"weight = {weight}",
            *start,
            f"for it in ar.reconstruct(problem, y, critic, weight, {', '.join(options)}):",
            "    print(it.step, ar.psnr(it.x.clamp(0, 1), x).item())",
        ]
    )
