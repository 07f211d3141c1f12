"""What the reconstruction lab computes and shows, without a widget. Paper: §3.1 (Alg. 2), §5.1 (lambda), §5.3 (CT).

Model: `results(settings, critic)`. View: `picture`, `chart` and `sentence` of iterate k, and `as_code`.
"""

import warnings
from dataclasses import dataclass, replace
from functools import lru_cache

import pydicom.data
import torch

from .. import images
from ..charts import curves
from ..metrics import psnr
from ..pictures import strip
from ..problem import Problem
from ..ray_transform import RayTransform
from ..reconstruction import Diverged, reconstruct
from ..reg_weight import weight_from_noise

SIZE, ERROR_LIMIT = 128, 0.3  # pixels; the same scale of errors in every run, so that runs can be compared
CRITIC, PHANTOM, SLICE = "ct-thorax", "thorax phantom", "CT slice"


@dataclass(frozen=True)
class Settings:
    """What the controls say. `reg_weight` None means the formula of §5.1; `noise` is the seed of the draw."""

    image: str = PHANTOM
    number: int = 0
    sigma: float = 0.02
    angles: int = 30
    reg_weight: float | None = None
    step_size: float = 0.5
    steps: int = 150
    method: str = "gradient-descent"
    noise: int = 0


@dataclass(frozen=True)
class Result:
    """The run so far: truth and start (1, 1, H, W), lambda, the iterates with their PSNR in dB, and what went wrong."""

    settings: Settings
    truth: torch.Tensor
    naive: torch.Tensor
    reg_weight: float
    iterates: tuple
    psnr: tuple
    trouble: str = ""
    diverged: bool = False

    @property
    def last(self):
        return len(self.iterates) - 1


@lru_cache(maxsize=4)  # 0.5 MB and 15 ms per angle
def ray_transform(angles):
    return RayTransform(SIZE, angles)


@lru_cache(maxsize=16)
def ground_truth(image, number):
    """(1, 1, 128, 128) in [0, 1]: the phantom of that number, or the CT slice that comes with pydicom."""
    if image == SLICE:
        return images.from_dicom(pydicom.data.get_testdata_file("CT_small.dcm"))
    return images.thorax(1, size=SIZE, generator=torch.Generator().manual_seed(number))


def results(settings, critic):
    """Run Algorithm 2; yields a Result for the start and after every iteration, each containing those before."""
    problem = Problem(ray_transform(settings.angles), settings.sigma)
    truth = ground_truth(settings.image, settings.number)
    y = problem.measure(truth, torch.Generator().manual_seed(settings.noise))  # the same draw for every sigma
    weight = float(weight_from_noise(problem)) if settings.reg_weight is None else settings.reg_weight
    run = reconstruct(problem, y, critic, weight, settings.step_size, settings.steps, settings.method)
    with warnings.catch_warnings(record=True) as caught:  # a step size that is too large is announced at the start
        warnings.simplefilter("always")
        first = next(run)
    result = Result(settings, truth, first.x, weight, (), (), " ".join(str(w.message) for w in caught))
    yield (result := _longer(result, first))
    try:
        for it in run:
            yield (result := _longer(result, it))
    except Diverged:
        yield replace(result, trouble=_explained(result), diverged=True)


def compute(settings, critic):
    """The Result of the whole run."""
    *_, result = results(settings, critic)
    return result


def _explained(result):
    first, last = (float(result.iterates[k].data_term) for k in (0, -1))
    return (
        f"The run diverged: the data term went from {first:.3g} to {last:.3g} in {result.last} steps and then blew up. "
        f"Lower the step size ε (now {result.settings.step_size:g}) below 1/‖A‖² = 1, or lower λ. "
        f"Iterates 0 to {result.last} can still be looked at."
    )


def _longer(result, it):
    quality = float(psnr(it.x.clamp(0, 1), result.truth))
    return replace(result, iterates=(*result.iterates, it), psnr=(*result.psnr, quality))


def picture(result, k):
    """Truth, start, iterate k and its error side by side."""
    x, truth, naive = result.iterates[k].x[0], result.truth[0], result.naive[0]
    titles = [
        "ground truth",
        f"A†y: {result.psnr[0]:.1f} dB",
        f"iterate {k}: {result.psnr[k]:.1f} dB",
        "error x − truth",
    ]
    return strip([truth, naive, x, x - truth], titles, ["image"] * 3 + ["signed"], signed_limit=ERROR_LIMIT)


def chart(result):
    """The objective, its parts and the PSNR against the iterate. A term that changes a hundredfold gets a log axis."""
    its = result.iterates
    terms = {
        "objective": [float(it.objective) for it in its],
        "data term ‖Ax − y‖²": [float(it.data_term) for it in its],
        "regulariser Ψ(x)": [float(it.regularizer) for it in its],
    }
    wide = [values for values in terms.values() if 0 < 100 * min(values) < max(values)]
    titles = {f"{name}, log" if values in wide else name: values for name, values in terms.items()}
    log = [title for title in titles if title.endswith(", log")]
    return curves({**titles, "PSNR in dB": result.psnr}, log, None if result.diverged else result.settings.steps)


def sentence(result, k):
    """What picture and chart show at iterate k, in words and numbers."""
    it, best = result.iterates[k], max(range(len(result.psnr)), key=result.psnr.__getitem__)
    total = result.last if result.diverged else result.settings.steps
    return (
        f"Iterate {k} of {total}: PSNR {result.psnr[k]:.1f} dB (A†y {result.psnr[0]:.1f} dB, "
        f"best {result.psnr[best]:.1f} dB at iterate {best}). Objective {float(it.objective):.4g} = data term "
        f"{float(it.data_term):.4g} + λ\u00a0{result.reg_weight:.3g} × Ψ\u00a0{float(it.regularizer):.4g}. "
        f"Gradient norm {float(it.gradient_norm):.3g}."
    )


def as_code(settings):
    """Python that computes the same iterates without the app; the last is `it`."""
    s = settings
    phantom = f"ar.images.thorax(1, generator=torch.Generator().manual_seed({s.number}))"
    slice_ = 'ar.images.from_dicom(pydicom.data.get_testdata_file("CT_small.dcm"))'
    weight = "ar.weight_from_noise(problem)" if s.reg_weight is None else f"{s.reg_weight:g}"
    return f"""\
import advreg_edu as ar, pydicom.data, torch
problem = ar.Problem(ar.RayTransform(size={SIZE}, angles={s.angles}), sigma={s.sigma:g})
x = {slice_ if s.image == SLICE else phantom}
y = problem.measure(x, torch.Generator().manual_seed({s.noise}))
critic, weight = ar.load_critic("{CRITIC}"), {weight}
for it in ar.reconstruct(problem, y, critic, weight, step_size={s.step_size:g}, steps={s.steps}, method="{s.method}"):
    print(it.step, ar.psnr(it.x.clamp(0, 1), x).item())"""
