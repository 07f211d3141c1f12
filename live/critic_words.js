// What the critic lab says: Eq. 6 for one pair in numbers, a verdict, the same in Python.

import { TWO } from "./algorithm_1.js";
import { number } from "./pictures.js";
import { cornersOf, OWN } from "./worlds.js";

/** x_r as it is written, in HTML, and as it is spoken. For words of our own: nothing is escaped. */
export const subscripts = (words) => words.replace(/_(\p{L})/gu, "<sub>$1</sub>");
export const said = (words) => words.replaceAll("_", " ");

/** The theorems with the numbers of this critic. */
export function theorems({ gap, exact, error, slope, square, after, left, ideal, formula, weight }, { sigma, eta }) {
  const share = ((100 * error) / sigma).toFixed(1), four = (value) => value.toFixed(4), minus = (value) => value.toFixed(3).replace("-", "−");
  return [
    ["Eq. 7", `E Ψ(x_n) − E Ψ(x_r) = ${four(gap)} is at most the least way of the earth, ${four(exact)}, if no slope exceeds 1.`],
    ["Theorem 2", `A perfect Ψ is d_M. The mean of |Ψ − d_M − c| is ${share} % of the noise σ.`],
    ["Theorem 1", `Wass(P_r, P_η) falls with slope ${minus(slope)} at η = 0, and −E‖∇Ψ‖² is ${minus(-square)}.${eta ? ` A step of η = ${eta} leaves ${four(after)} of ${four(exact)}.` : ""}`],
    ["§5.1", `λ = 2 E‖A*e‖ = ${four(formula)}. With λ = ${four(weight)} Algorithm 2 stops ${four(left)} from M in the mean; with d_M in the place of Ψ, ${four(ideal)}.`],
  ].map(([name, words]) => `<p><b>${name}</b> ${subscripts(words)}</p>`).join(""); // prettier-ignore
}

/** The first pair of the newest step, and Eq. 6 in numbers before and after it. */
export function pairTable({ pair, done }, sides) {
  if (!pair) return "<p>One pair of points in numbers appears here with each step.</p>";
  const { real, noisy, mix, before, after } = pair, place = ([x, y]) => `(${x.toFixed(3)}, ${y.toFixed(3)})`;
  const over = sides === TWO ? "(‖∇Ψ(x_i)‖ − 1)²" : "(‖∇Ψ(x_i)‖ − 1)₊²";
  const rows = [["Ψ(x_r)", "psiReal"], ["Ψ(x_n)", "psiNoisy"], ["‖∇Ψ(x_i)‖", "slope"], [over, "fine"], ["Eq. 6", "loss"]]; // prettier-ignore
  const cell = ([name, key]) => `<tr><th scope="row">${name}</th><td>${number(before[key])}</td><td>${number(after[key])}</td></tr>`;
  const points = [["x_r, true", place(real)], ["x_n, noisy", place(noisy)], ["ε, drawn from [0, 1]", mix.toFixed(3)], ["x_i = ε x_r + (1 − ε) x_n", place(before.between)]]; // prettier-ignore
  const sum = `${number(before.psiReal)} − ${number(before.psiNoisy)} + ${number(before.gpWeight)} × ${number(before.fine)} = ${number(before.loss)}`;
  return subscripts(`<table><caption>Eq. 6 for the first pair of step ${done}</caption><thead><tr><td></td><th scope="col">before</th><th scope="col">after</th></tr></thead>
    <tbody>${rows.map(cell).join("")}</tbody></table>
    <div><table><caption>The pair (Algorithm 1, lines 3 to 5)</caption><tbody class="plain">${points.map(([a, b]) => `<tr><th scope="row">${a}</th><td>${b}</td></tr>`).join("")}</tbody></table>
    <p>Before, with μ = ${number(before.gpWeight)}: Ψ(x_r) − Ψ(x_n) + μ ${over} = ${sum}. The step is taken on the mean of 128 pairs, so one pair may lose by it.</p></div>`);
}

/** What deserves a word. */
export function verdict({ step, total, gap, exact, error, slope }, { running, sides, sigma }) {
  if (running) return "Training. The penalty, its sides and the learning rate may be moved meanwhile: the training goes on.";
  if (step < total) return step ? "Paused. “go on” continues here, “one step” takes a single step." : "“train” begins; “one step” takes a single step.";
  const share = `${Math.max(0, (100 * gap) / exact).toFixed(0)} %`; // prettier-ignore
  if (gap > 1.1 * exact) return `Ψ is too steep: its gap is ${share} of the exact distance, which no function of slope 1 exceeds. Raise the penalty μ.`;
  if (gap < 0.85 * exact && sides === TWO)
    return `Ψ reaches ${share} of the exact distance. A flat start is fined on both sides: it took any direction to reach slope 1, and would have to become flatter to turn.`;
  if (gap < 0.85 * exact) return `Ψ reaches ${share} of the exact distance. Raise “steps n”, which continues this training, or press “new draw”: from some first weights the way is longer.`;
  return `Trained: Ψ is the distance to M to within ${((100 * error) / sigma).toFixed(1)} % of the noise (Theorem 2), and a short step against ∇Ψ brings the points nearer by ${(-slope).toFixed(2)} of its length (Theorem 1).`;
}

/** Python that trains the like with the package. */
export function asCode({ world, drawing, sigma, along, seed, penalty, sides, rate, steps }) {
  const corners = () => cornersOf(drawing).map((corner) => `(${corner.join(", ")})`).join(", ");
  const made = world === OWN ? `polyline([${corners()}])` : `${world === "two points" ? "points" : world}()`;
  const note = sides === TWO ? "  # one-sided: notebook 04 has the two-sided fine" : "";
  return `import torch
from advreg_edu import theory, training
from advreg_edu.drawing import maps
from advreg_edu.theory import worlds
world = worlds.${made}
problem = worlds.corruption(world, sigma=${sigma}, along=${along})
x_train = world.sample(4096, torch.Generator().manual_seed(${seed}))
torch.manual_seed(${seed})
critic = theory.DistanceCritic()
pairs, loss = training.Unpaired(problem, x_train), training.Eq6(gp_weight=${penalty} * ${sigma})${note}
settings = theory.TRAINING | dict(learning_rate=${rate})
for step in training.algorithm_1(critic, pairs, loss, steps=${steps}, **settings):
    pass
maps.plane([maps.Plane("Psi", critic, world), maps.Plane("true distance", world.distance, world)])`;
}
