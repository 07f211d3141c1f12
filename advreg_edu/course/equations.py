"""Every numbered thing of the paper: what it says, the function that is it, and where the course teaches it.

A place is "04#7", section 7 of notebook 04, or "04#Remark 1", the heading there that begins so; `says` is what the
section has to contain, so that a section that was moved or rewritten is noticed. `equation_index` makes the page.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One number of the paper: `functions` below advreg_edu, `places` in the notebooks, the first the main one."""

    label: str
    what: str
    functions: tuple[str, ...]
    places: tuple[str, ...]
    says: str = ""  # found in every place; by default the label

    @property
    def key(self) -> str:
        """What every section named has to contain."""
        return self.says or self.label


def _entry(label: str, what: str, functions: str, places: str, says: str = "") -> Entry:
    split = lambda text: tuple(part.strip() for part in text.split(","))
    return Entry(label, what, split(functions), split(places), says)


ENTRIES = (
    _entry("Eq. 1", "y = Ax + e, the measurement", "problem.Problem.measure", "01#2, 00#1"),
    _entry("Eq. 2", "fit the data, and keep a functional f small", "total_variation", "02#1, 02#3"),
    _entry("Eq. 3", "the same, with an f that is to be learned", "reconstruct", "10#6", "(3)"),
    _entry(
        "Eq. 4",
        "learn f so that the minima are near the truth: two problems, one inside the other",
        "experiments.methods.TotalVariation.choose",
        "10#6",
    ),
    _entry("Eq. 5", "the same, with a trained network Ψ", "reconstruct", "00#3", "Eq. 5"),
    _entry("Eq. 6", "the loss of the critic", "critic_loss, training.Eq6", "03#4"),
    _entry("Eq. 7", "the Wasserstein distance as a supremum", "theory.wasserstein, theory.gap", "03#3, 04#2"),
    _entry("Algorithm 1", "training", "train_critic, training.algorithm_1", "03#5"),
    _entry("Algorithm 2", "reconstruction by gradient descent", "reconstruct", "06#2"),
    _entry("Eq. 8", "one step of descent on Ψ alone", "theory.flow", "04#4, 03#7"),
    _entry(
        "Theorem 1", "how fast that step brings the two laws together", "theory.slope_at_zero, theory.decay", "04#4"
    ),
    _entry("Eq. 9", "envelope theorem: Ψ may be held fixed", "theory.decay", "04#The proof", "**(9)**"),
    _entry(
        "Eq. 10", "the rate along the step is at most 1", "reconstruction.gradient", "04#The proof", "**(10), (11)**"
    ),
    _entry("Eq. 11", "so is the difference quotient", "theory.flow", "04#The proof", "**(10), (11)**"),
    _entry("Eq. 12", "limit and mean may be exchanged", "theory.decay", "04#The proof", "**(12)**"),
    _entry("Eq. 13", "the limit is −‖∇Ψ‖²", "theory.squared_slope", "04#The proof", "**(13)**"),
    _entry(
        "Remark 1", "a perfect critic has slope 1 where the noisy images are", "theory.squared_slope", "04#Remark 1"
    ),
    _entry(
        "Eq. 14", "the distance then falls at the rate 1", "theory.slope_at_zero", "04#Remark 1", "the slope is $-1$"
    ),
    _entry("Corollary 1", "no other functional of slope 1 is faster", "theory.slope_at_zero", "04#5, 04#9"),
    _entry("Eq. 15", "its inequality", "theory.slope_at_zero", "04#5", "\\ge -1"),
    _entry("Assumption 1", "real images lie on a set M", "theory.worlds.circle, theory.world.World.sample", "04#3"),
    _entry("Eq. 16", "the projection onto M", "theory.world.World.project", "04#3", "P_{\\mathcal M}"),
    _entry(
        "Assumption 2", "noisy images, projected onto M, are real ones", "theory.corruption.corruption", "04#7, 04#3"
    ),
    _entry("Eq. 17", "its formula", "theory.world.World.project", "04#7", "projected noisy points"),
    _entry("Theorem 2", "then the distance to M is a best critic", "theory.distance_error", "04#3"),
    _entry("Eq. 18", "what a critic maximises", "theory.gap", "04#2", "what the critic maximises"),
    _entry("Eq. 19", "the distance to M", "theory.world.World.distance", "04#1", "\\min_{y\\in\\mathcal M}"),
    _entry("Eq. 20", "by Assumption 2 the gap is one mean", "theory.gap", "04#3", "(20)"),
    _entry("Eq. 21", "which the slope bounds by the distance", "theory.world.World.distance", "04#3", "(21)"),
    _entry("Remark 2", "there may be other best critics", "theory.PlaneCritic", "04#6"),
    _entry(
        "Theorem 3",
        "minimisers for converging data have a limit that is a minimiser",
        "theory.stability.minimisers, theory.stability.excess",
        "08#2",
    ),
    _entry(
        "Assumption 3",
        "what Theorem 3 asks of A and f; the paper states it in its Appendix A",
        "training.diagnose",
        "08#2",
        "appendix",
    ),
    _entry("Section 5.1", "λ = 2 E‖A*e‖, the weight from the noise", "weight_from_noise", "05#2, 05#3", "A^*"),
    _entry("Table 1", "denoising", "experiments.tables.run", "07#3"),
    _entry("Table 2", "computed tomography", "experiments.tables.run", "07#4"),
    _entry(
        "Local Regularizers",
        "a mean over windows of the image",
        "critics.LocalCritic, training.Windows",
        "09#1, 03#9",
        "ocal",
    ),
    _entry(
        "Recursive Training", "learning from one's own iterates", "training.WithIterates", "09#4, 03#9", "WithIterates"
    ),
)
