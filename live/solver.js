// Algorithm 2: from x to the next iterate by the gradient of J(x) = ||Ax - y||^2 + λ Ψ(x). Paper: §3.1.

import { inner, map, norm, subtract } from "./vectors.js";

export const METHODS = ["gradient-descent", "accelerated"];

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
 * `byData` and `byCritic` are the two parts of the step that led to x, which line 3 adds up. "accelerated" takes the
 * gradient at z = x + beta (x - the x before), and forgets its momentum where that points uphill.
 */
export async function* iterates(run) {
  const { method, stepSize, weight, x0 } = run;
  let point = await at(x0, run), before = x0, age = 0, parts = {};
  for (let k = 0; ; k++) {
    yield { k, ...point, gradientNorm: norm(point.gradient), ...parts };
    const { x } = point, accelerated = method === "accelerated", beta = accelerated ? age / (age + 3) : 0;
    const z = beta ? map((now, then) => now + beta * (now - then), x, before) : x;
    const here = beta ? await at(z, run) : point;
    const next = map((u, g) => u - stepSize * g, z, here.gradient); // Alg. 2, line 3
    parts = { byData: here.gradData.map((g) => -2 * stepSize * g), byCritic: here.gradPsi.map((g) => -stepSize * weight * g) };
    age = inner(here.gradient, subtract(next, x)) > 0 ? 0 : age + 1;
    before = x;
    point = await at(next, run);
  }
}
