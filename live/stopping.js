// When Algorithm 2 ends: "Stopping criterion S" of the paper, which leaves it open. No rule sees the truth.

import { norm, subtract } from "./vectors.js";

const TOLERANCE = 0.01;

/** The words of the control, and what an address says. */
export const STOPS = {
  "at a minimum: ‖∇J‖ ≤ 1 % of λ": "gradient",
  "change below 1 %": "0.01",
  "change below 0.1 %": "0.001",
  "change below 0.01 %": "0.0001",
  "discrepancy principle": "discrepancy",
  "after all steps": "none",
};

/** A function that says of an iterate, and the x before it, whether the run ends there. `formula`: λ of §5.1. */
export function stoppingRule(stop, { A, y, sigma, weight, formula }) {
  const scale = weight || formula || 2 * norm(A.adjoint(y));
  const small = (it, share) => it.gradientNorm <= share * scale;
  if (stop === "gradient") return (it) => small(it, TOLERANCE);
  if (stop === "discrepancy") {
    const expected = sigma ** 2 * measuredCount(A); // E ||e||^2
    return (it) => small(it, TOLERANCE) || (small(it, 5 * TOLERANCE) && it.data <= expected);
  }
  if (stop === "none") return () => false;
  return (it, before) => it.moved && norm(subtract(it.x, before)) <= Number(stop) * norm(before);
}

/** How many numbers of a measurement carry noise. */
const measuredCount = (A) => (A.where ? A.where(new Float32Array(A.measured).fill(1)).reduce((a, b) => a + b, 0) : A.measured);
