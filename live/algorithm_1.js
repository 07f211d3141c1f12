// Algorithm 1 in the plane: Adam on Eq. 6, with the settings of `theory.TRAINING`. Paper: §3.1.
// Its lines are counted from `while` (1) to `end while` (9).

import { DistanceCritic } from "./distance_critic.js";
import { uniform } from "./random.js";

export const BATCH = 128, AVERAGING = 0.97, [BETA1, BETA2, TINY] = [0.9, 0.999, 1e-8];
export const [ONE, TWO] = ["one-sided", "two-sided"];

/** How far a slope is fined: (slope − 1)₊, of which Eq. 6 takes the square; two-sided without the ₊ (Gulrajani et al. 2017). */
export const excess = (slope, sides) => (sides === TWO ? slope - 1 : Math.max(slope - 1, 0));

/** Eq. 6 for one pair {real, noisy, mix}, and its parts. Adds its gradient by the weights, times `share`, to `sum` if there is one. */
export function eq6({ real, noisy, mix }, critic, gpWeight, sides, sum, share) {
  const between = real.map((x, axis) => mix * x + (1 - mix) * noisy[axis]); // line 5
  const [psiReal, psiNoisy] = [[real, share], [noisy, -share]].map(([x, factor]) => {
    const psi = critic.value(...x);
    if (sum) {
      critic.gradient();
      critic.addValue(sum, factor);
    }
    return psi;
  }); // prettier-ignore
  critic.value(...between);
  const gradient = critic.gradient(), slope = Math.hypot(...gradient), over = excess(slope, sides);
  if (sum && over && slope > 0) {
    const factor = (share * gpWeight * 2 * over) / slope; // d(fine) / d(gradient) is this times the gradient
    critic.addSlope(sum, factor * gradient[0], factor * gradient[1]);
  }
  const fine = over ** 2, loss = psiReal - psiNoisy + gpWeight * fine; // line 6
  return { between, psiReal, psiNoisy, gradient, slope, fine, gpWeight, loss };
}

/** A critic in training on x_r and x_n of independent draws. What `step` is told may change from step to step. */
export class Training {
  done = 0;
  wasserstein = []; // of each step's batch: mean Psi(x_n) - Psi(x_r), and the mean slope on the lines
  slope = [];
  pair = null; // the first pair of the newest batch, with Eq. 6 before and after the step

  constructor(world, { sigma, along, seed }) {
    Object.assign(this, { world, sigma, along, next: uniform(2 * seed + 1) });
    this.critic = new DistanceCritic(seed);
    this.averaged = new DistanceCritic(seed); // the same weights at first, then their running average
    const numbers = () => new Float64Array(this.critic.weights.length);
    Object.assign(this, { sum: numbers(), first: numbers(), second: numbers() });
  }

  /** The loop of Algorithm 1, once. Of `steps` depends the learning rate: it rises over 50 steps, then falls to 0. */
  step({ gpWeight, sides, rate, steps }) {
    const { critic, world, next, sigma, along, sum } = this;
    let wasserstein = 0, slope = 0, first;
    sum.fill(0);
    for (let i = 0; i < BATCH; i++) {
      const real = world.pair(next, 0, 0).real, { noisy } = world.pair(next, sigma, along); // lines 3 and 4
      const pair = { real, noisy, mix: next() }, terms = eq6(pair, critic, gpWeight, sides, sum, 1 / BATCH);
      first ??= { ...pair, before: terms };
      wasserstein += (terms.psiNoisy - terms.psiReal) / BATCH;
      slope += terms.slope / BATCH;
    }
    if (!sum.every(Number.isFinite)) throw new Error(`Training broke down at step ${this.done}: lower the learning rate or raise μ, and press “restart”.`);
    this.#adam(rate * Math.min(1, (this.done + 1) / 50) * 0.5 * (1 + Math.cos((Math.PI * this.done) / steps))); // line 8
    this.done += 1;
    this.wasserstein.push(wasserstein);
    this.slope.push(slope);
    this.pair = { ...first, after: eq6(first, critic, gpWeight, sides) };
  }

  #adam(rate) {
    const { sum, first, second, done } = this, w = this.critic.weights, average = this.averaged.weights;
    const [one, two] = [1 - BETA1 ** (done + 1), 1 - BETA2 ** (done + 1)];
    const keep = Math.min(AVERAGING, (done + 1) / (done + 10)); // short memory at first
    for (let k = 0; k < w.length; k++) {
      first[k] += (1 - BETA1) * (sum[k] - first[k]);
      second[k] += (1 - BETA2) * (sum[k] ** 2 - second[k]);
      w[k] -= (rate * (first[k] / one)) / (Math.sqrt(second[k] / two) + TINY);
      average[k] += (1 - keep) * (w[k] - average[k]);
    }
  }
}
