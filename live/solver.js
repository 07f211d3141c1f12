// Algorithm 2: from x to the next iterate by the gradient of J(x) = ||Ax - y||^2 + λ Ψ(x). Paper: §3.1.

import { inner, map, norm, subtract } from "./vectors.js";

export const METHODS = ["gradient-descent", "accelerated"];
export const AUTO = "auto"; // the solver finds the step size
const ROUNDING = 8 * 2 ** -23; // of J, a sum of two terms in single precision

/** J and its parts at x: one product with A and A*, one evaluation of the critic. */
async function at(x, { A, y, critic, weight }) {
  const residual = subtract(A.forward(x), y);
  const { psi, gradient: gradPsi } = await critic(x);
  const gradData = A.adjoint(residual);
  const data = inner(residual, residual), gradient = map((a, b) => 2 * a + weight * b, gradData, gradPsi);
  return { x, data, psi, objective: data + weight * psi, gradient, gradData, gradPsi };
}

/** The start and every iterate of the run `{A, y, critic, weight, method, stepSize, x0}`, for ever: whoever asks stops.
 *
 * `byData` and `byCritic` are the two parts of the step that led to x, which line 3 adds up; `moved`, whether x is not
 * the x before; `stepSize`, the ε of the next step.
 */
export async function* iterates(run) {
  let point = await at(run.x0, run), told = { moved: false };
  const stepper = run.stepSize === AUTO ? new FoundStep(run, point) : new GivenStep(run, point);
  for (let k = 0; ; k++) {
    yield { k, ...point, gradientNorm: norm(point.gradient), stepSize: stepper.stepSize, ...told };
    ({ point, ...told } = await stepper.step(point));
  }
}

/** The two parts of a step of size ε by the gradients of both terms. */
const partsOf = (stepSize, weight, gradData, gradPsi) => ({
  byData: gradData.map((g) => -2 * stepSize * g),
  byCritic: gradPsi.map((g) => -stepSize * weight * g),
});

/** One step size for all steps. "accelerated" takes the gradient at z = x + β (x - the x before), and forgets its
 * momentum where that points uphill. */
class GivenStep {
  age = 0;
  constructor(run, start) {
    Object.assign(this, { run, stepSize: run.stepSize, before: start.x });
  }
  async step(point) {
    const { run, stepSize, before, age } = this, { x } = point, beta = run.method === "accelerated" ? age / (age + 3) : 0;
    const z = beta ? map((now, then) => now + beta * (now - then), x, before) : x;
    const here = beta ? await at(z, run) : point;
    const next = map((u, g) => u - stepSize * g, z, here.gradient); // Alg. 2, line 3
    this.age = inner(here.gradient, subtract(next, x)) > 0 ? 0 : age + 1;
    this.before = x;
    return { point: await at(next, run), moved: true, ...partsOf(stepSize, run.weight, here.gradData, here.gradPsi) };
  }
}

/** A step size found on the way, with which J never rises: `FoundStep` of the package's reconstruction/step_sizes.py.
 *
 * x moves if that makes J fall; else it stays for this iterate and loses its momentum, or halves its step. After a move
 * s that changed the gradient by v the next step is <s, v> / ||v||^2 (Barzilai and Borwein 1988). "accelerated"
 * extrapolates the gradient to z from the last two, and lets the step grow by a tenth at most.
 */
class FoundStep {
  age = 0;
  constructor(run, start) {
    Object.assign(this, { run, before: start, stepSize: 0.5 / run.A.norm ** 2, accelerated: run.method === "accelerated" });
  }
  async step(point) {
    const { run, stepSize, before, age } = this, beta = age / (age + 3);
    const ahead = (u, then) => (beta ? map((a, b) => a + beta * (a - b), u, then) : u);
    const [z, gradData, gradPsi] = ["x", "gradData", "gradPsi"].map((name) => ahead(point[name], before[name]));
    const next = map((u, a, b) => u - stepSize * (2 * a + run.weight * b), z, gradData, gradPsi); // Alg. 2, line 3
    const tried = await at(next, run), moved = this.#fell(point, tried);
    this.#learn(point, tried, moved);
    if (!moved) return { point, moved };
    return { point: tried, moved, ...partsOf(stepSize, run.weight, gradData, gradPsi) };
  }

  /** Whether J fell by a share of what such a step promises (Armijo); below its rounding the slopes at both ends tell. */
  #fell(point, tried) {
    const s = subtract(tried.x, point.x), fall = point.objective - tried.objective, least = (1e-4 * inner(s, s)) / this.stepSize;
    const bySlopes = -(inner(point.gradient, s) + inner(tried.gradient, s)) / 2;
    const rounding = ROUNDING * (point.data + this.run.weight * Math.abs(point.psi));
    return fall >= least || (fall >= -rounding && bySlopes >= least);
  }

  #learn(point, tried, moved) {
    const s = subtract(tried.x, point.x), v = subtract(tried.gradient, point.gradient), curvature = inner(s, v);
    if (moved) {
      const found = curvature > 0 ? curvature / inner(v, v) : 2 * this.stepSize;
      this.stepSize = this.accelerated ? Math.min(found, 1.1 * this.stepSize) : found;
    } else if (this.age === 0) this.stepSize /= 2;
    if (!this.accelerated) return;
    this.age = moved && inner(tried.gradient, s) < 0 ? this.age + 1 : 0;
    this.before = point;
  }
}
