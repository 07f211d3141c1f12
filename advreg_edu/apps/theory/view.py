"""What the theory app shows of frame k at eta: maps, a graph, a sentence, code. Paper: Eq. 8, Theorems 1 and 2."""

from ... import theory
from ...drawing import maps
from ...drawing.charts import Drawing, curves
from ...drawing.pictures import Picture, number
from .model import DRAWN, ETAS, PENALTY, Result, Settings, line, stepped, targets

DUALITY = """<div class="advreg-duality" style="font-size:14px;line-height:1.5">
<b>Wass</b>(P<sub>r</sub>, P<sub>n</sub>) = min<sub>π</sub> Σ π<sub>ij</sub> ‖x<sub>i</sub> − x<sub>j</sub>‖ =
{exact}{after}: earth times way, along the gray lines of the first map;
= max of E Ψ(x<sub>n</sub>) − E Ψ(x<sub>r</sub>) over slopes ≤ 1 (Eq. 7): this Ψ reaches {gap}.</div>"""


def picture(result: Result, k: int, eta: float) -> Picture:
    """The samples after a step of eta and the ways of an optimal plan, the critic with its downhill directions, and the
    true distance."""
    frame, x = result.frames[k], stepped(result, k, eta)
    samples = maps.Plane(f"earth to move, η = {eta:.2f}", None, result.world, x, ends=targets(result, x))
    critic = maps.Plane(f"Ψ and −∇Ψ, step {frame.step}", frame.heat, result.world, maps.lattice(), -0.05 * frame.field)
    return maps.plane([samples, critic, maps.Plane("true distance", result.distance, result.world)])


def duality(result: Result, k: int, eta: float) -> str:
    """Eq. 7 and its dual side in HTML, with the numbers of the first map."""
    moved = theory.wasserstein(result.x_real, stepped(result, k, eta))
    after = f"; {number(moved)} after the step" if eta else ""
    return DUALITY.format(exact=number(result.exact), after=after, gap=number(result.frames[k].gap))


def chart(result: Result, k: int, eta: float) -> Drawing:
    """Wass(P_r, P_eta) against eta for the critic of frame k, beside the straight line of slope -1."""
    decay = result.frames[k].decay
    straight = [decay[0] - float(step) for step in ETAS if step <= decay[0]]
    lines = {"exact, by POT": decay, "slope −1: a perfect critic": straight}
    return curves(
        {"Wass(P_r, P_η)": lines}, x=ETAS, axis="η", marks={"now": eta} if eta else None, width=300, height=200
    ).at()


def sentence(result: Result, k: int, eta: float) -> str:
    """What the pictures show, in words and numbers."""
    frame, s = result.frames[k], result.settings
    there = theory.wasserstein(result.x_real, stepped(result, k, eta))
    square = frame.direction.square().flatten(1).sum(1).mean()
    return (
        f"After {frame.step} of {s.steps} steps: gap {frame.gap:.4f}, exact Wasserstein distance {result.exact:.4f}. "
        f"E‖∇Ψ‖² = {square:.3f} on noisy points; mean |Ψ − d_M − c| is {frame.error / s.sigma:.1%} of the noise level. "
        f"One step of η = {eta:.2f} leaves a distance of {there:.4f}."
    )


def as_code(settings: Settings) -> str:
    """Python that trains the same critic without the app."""
    s = settings
    name = "points" if s.world == "two points" else s.world
    world = f"worlds.polyline({line(s.drawing)})" if s.world == DRAWN else f"worlds.{name}()"
    return f"""\
import advreg_edu as ar, torch
from advreg_edu import theory, training
from advreg_edu.drawing import maps
from advreg_edu.theory import worlds
world = {world}
problem = worlds.corruption(world, sigma={s.sigma:g}, along={s.along:g})
x_train = world.sample(4096, torch.Generator().manual_seed(0))
torch.manual_seed(0)
critic = theory.DistanceCritic()
pairs, loss = training.Unpaired(problem, x_train), training.Eq6(gp_weight={PENALTY} * {s.sigma:g})
for step in training.algorithm_1(critic, pairs, loss, steps={s.steps}, **theory.TRAINING):
    pass
maps.plane([maps.Plane("Psi", critic, world), maps.Plane("true distance", world.distance, world)])"""
