// What the theorems talk about, as numbers, on samples of P_r and P_n. Points are x, y, x, y, ... . Paper: §3.2, §3.3, §5.1.

import { transport } from "./assignment.js";
import { uniform } from "./random.js";

export const SAMPLES = 160;
export const ETAS = Array.from({ length: 9 }, (_, k) => 0.02 * k);
const STEP_SIZE = 0.03, DESCENT = 60; // of Algorithm 2 in the plane

/** Points of P_r, each with noise in `noisy`, and the true distances there. The draw stays when sigma moves. */
export function judged(world, { sigma, along, seed }) {
  const next = uniform(2 * seed), pairs = Array.from({ length: SAMPLES }, () => world.pair(next, sigma, along));
  const [real, noisy] = ["real", "noisy"].map((which) => Float64Array.from(pairs.flatMap((pair) => pair[which])));
  return { world, real, noisy, distances: each(noisy, (x, y) => world.distance(x, y)), ...transport(real, noisy) };
}

const each = (points, f) => Float64Array.from({ length: points.length / 2 }, (_, i) => f(points[2 * i], points[2 * i + 1]));
const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
const median = (numbers) => Float64Array.from(numbers).sort()[(numbers.length - 1) >> 1];

/** grad Psi at every point. */
export function gradients(critic, points) {
  const found = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 2) {
    critic.value(points[i], points[i + 1]);
    found.set(critic.gradient(), i);
  }
  return found;
}

/** One step of length eta against grad Psi (Eq. 8). */
export const flow = (points, direction, eta) => points.map((x, i) => x - eta * direction[i]);

/** Wass(P_r, P_eta) at each eta, exact for the samples; a plan begins with the prices of the one before. */
export function decay({ real, noisy, prices }, direction, etas = ETAS) {
  return etas.map((eta) => {
    const plan = transport(real, flow(noisy, direction, eta), prices);
    prices = plan.prices;
    return plan.distance;
  });
}

/** gap, error and slopes of a critic.
 *
 * `slope` is d/d eta Wass(P_r, P_eta) at 0: by the envelope theorem (Eq. 9) the plan stays as it is. `error` is the least of
 * E |Psi - d_M - c| over c, since Eq. 18 leaves a constant free. `square` is E ‖grad Psi‖², minus the slope by Theorem 1.
 */
export function measures(critic, { real, noisy, targets, distances }, direction) {
  const psiNoisy = each(noisy, (x, y) => critic.value(x, y)), psiReal = each(real, (x, y) => critic.value(x, y));
  const difference = psiNoisy.map((psi, i) => psi - distances[i]), c = median(difference);
  let slope = 0, square = 0;
  for (let i = 0; i < psiNoisy.length; i++) {
    const [gx, gy] = direction.subarray(2 * i, 2 * i + 2), j = targets[i];
    const [ax, ay] = [noisy[2 * i] - real[2 * j], noisy[2 * i + 1] - real[2 * j + 1]];
    slope -= (ax * gx + ay * gy) / (Math.hypot(ax, ay) || 1) / psiNoisy.length;
    square += (gx * gx + gy * gy) / psiNoisy.length;
  }
  return { gap: mean(psiNoisy) - mean(psiReal), error: mean(difference.map((d) => Math.abs(d - c))), slope, square };
}

/** λ = 2 E‖A*e‖ (§5.1) for A = I and noise of deviation sigma across M, along * sigma along it. */
export function weightByFormula({ isolated }, { sigma, along }) {
  const share = isolated ? 1 : along, angles = Array.from({ length: 256 }, (_, k) => ((k + 0.5) * Math.PI) / 256);
  return 2 * sigma * Math.sqrt(Math.PI / 2) * mean(angles.map((a) => Math.hypot(Math.cos(a), share * Math.sin(a)))); // in polar coordinates
}

/** Algorithm 2 from y for ‖x - y‖² + λ Psi(x). */
export function descended(critic, y, weight) {
  let x = y;
  for (let k = 0; k < DESCENT; k++) {
    const g = gradients(critic, x);
    x = x.map((u, i) => u - STEP_SIZE * (2 * (u - y[i]) + weight * g[i])); // Alg. 2, line 3
  }
  return x;
}

/** Mean distance to M after Algorithm 2 if Psi were d_M: a point moves by λ / 2, or arrives. */
export const closedForm = (distances, weight) => mean(distances.map((d) => Math.max(0, d - weight / 2)));

export const meanDistance = (world, points) => mean(each(points, (x, y) => world.distance(x, y)));

/** Lines [x, y, u, v] from each point to its target. */
export const lines = (from, to, targets) =>
  Array.from({ length: from.length / 2 }, (_, i) => [from[2 * i], from[2 * i + 1], ...to.subarray(2 * (targets?.[i] ?? i), 2 * (targets?.[i] ?? i) + 2)]);
