// A critic in the plane, Psi(x) = sqrt(|u|^2 + s^2) - s with u = net(8 (x - 1/2)) / 8, a net of two hidden layers with SiLU, as
// `theory.DistanceCritic`. The derivatives that Algorithm 1 needs are written out, no library. Paper: §3.1, Eq. 6; Theorem 2.

import { uniform } from "./random.js";

const ZOOM = 8, ZOOM2 = ZOOM ** 2, SMOOTHING = 1e-3;

/** What is known of a hidden layer at the newest point, W numbers each. */
class Layer {
  constructor(width) {
    for (const name of ["value", "slope", "bend", "back", "in", "along", "out", "turned"]) this[name] = new Float64Array(width);
  }
  /** SiLU of the input, a / (1 + exp(-a)), with its first and second derivative. */
  activate(i, a) {
    const s = 1 / (1 + Math.exp(-a)), rest = s * (1 - s);
    this.value[i] = a * s;
    this.slope[i] = s + a * rest;
    this.bend[i] = rest * (2 + a * (1 - 2 * s));
  }
}

export class DistanceCritic {
  /** With first weights as torch's: uniform, up to 1 / sqrt(inputs). `weights` are in the order of torch's parameters. */
  constructor(seed = 0, width = 32) {
    const W = (this.width = width), next = uniform(seed);
    this.w2 = 3 * W; // where the second matrix begins, its bias, the third matrix, its bias
    this.b2 = this.w2 + W * W;
    this.w3 = this.b2 + W;
    this.b3 = this.w3 + 2 * W;
    this.weights = Float64Array.from({ length: this.b3 + 2 }, (_, i) => (2 * next() - 1) / Math.sqrt(i < this.w2 ? 2 : W));
    this.one = new Layer(W);
    this.two = new Layer(W);
  }

  /** Psi at (x, y). */
  value(x, y) {
    const { width: W, weights: w, one, two, w2, b2, w3, b3 } = this, zx = ZOOM * (x - 0.5), zy = ZOOM * (y - 0.5);
    for (let i = 0; i < W; i++) one.activate(i, w[2 * i] * zx + w[2 * i + 1] * zy + w[2 * W + i]);
    let ux = w[b3], uy = w[b3 + 1];
    for (let i = 0, at = w2; i < W; i++) {
      let sum = w[b2 + i];
      for (let j = 0; j < W; j++) sum += w[at++] * one.value[j];
      two.activate(i, sum);
      ux += w[w3 + i] * two.value[i];
      uy += w[w3 + W + i] * two.value[i];
    }
    const length = Math.sqrt((ux * ux + uy * uy) / ZOOM2 + SMOOTHING ** 2);
    this.zx = zx;
    this.zy = zy;
    this.ux = ux;
    this.uy = uy;
    this.length = length;
    this.px = ux / (ZOOM2 * length); // dPsi / d(net)
    this.py = uy / (ZOOM2 * length);
    return length - SMOOTHING;
  }

  /** grad Psi at the point of the newest `value`, [gx, gy]: backwards through the layers.
   *
   * Of each layer, `back` is the derivative of Psi by its values, and `in` by what goes into its SiLU.
   */
  gradient() {
    const { width: W, weights: w, one, two, px, py, w2, w3 } = this;
    one.back.fill(0);
    for (let i = 0, at = w2; i < W; i++) {
      two.back[i] = w[w3 + i] * px + w[w3 + W + i] * py;
      const b = (two.in[i] = two.back[i] * two.slope[i]);
      for (let j = 0; j < W; j++) one.back[j] += w[at++] * b;
    }
    let gx = 0, gy = 0;
    for (let j = 0; j < W; j++) {
      const b = (one.in[j] = one.back[j] * one.slope[j]);
      gx += w[2 * j] * b;
      gy += w[2 * j + 1] * b;
    }
    return [ZOOM * gx, ZOOM * gy];
  }

  /** sum += factor * dPsi / d(weights), at the point of the newest `gradient`. */
  addValue(sum, factor) {
    const { width: W, one, two, px, py, zx, zy, w2, b2 } = this;
    this.#addLast(sum, two.value, factor * px, factor * py, factor * px, factor * py);
    for (let i = 0, at = w2; i < W; i++) {
      const b = factor * two.in[i];
      sum[b2 + i] += b;
      for (let j = 0; j < W; j++) sum[at++] += b * one.value[j];
    }
    for (let j = 0; j < W; j++) {
      const b = factor * one.in[j];
      sum[2 * j] += b * zx;
      sum[2 * j + 1] += b * zy;
      sum[2 * W + j] += b;
    }
  }

  /** sum += d<v, grad Psi> / d(weights) with v held fixed, at the point of the newest `gradient`: the double backward of Eq. 6.
   *
   * <v, grad Psi> is the derivative of Psi along v. Forwards: of each layer, `along` and `out` are the derivatives along v before
   * and after SiLU. Then backwards, by the product rule: they are met by `in`, which `gradient` has found, and the values by
   * `turned`, the derivative of `in` along v.
   */
  addSlope(sum, vx, vy) {
    const { width: W, weights: w, one, two, ux, uy, px, py, zx, zy, length, w2, b2, w3 } = this, tx = ZOOM * vx, ty = ZOOM * vy;
    for (let i = 0; i < W; i++) one.out[i] = one.slope[i] * (one.along[i] = w[2 * i] * tx + w[2 * i + 1] * ty);
    let ox = 0, oy = 0; // the net along v
    for (let i = 0, at = w2; i < W; i++) {
      let along = 0;
      for (let j = 0; j < W; j++) along += w[at++] * one.out[j];
      two.out[i] = two.slope[i] * (two.along[i] = along);
      ox += w[w3 + i] * two.out[i];
      oy += w[w3 + W + i] * two.out[i];
    }
    const share = (ux * ox + uy * oy) / (ZOOM2 * length ** 2);
    const qx = (ox - share * ux) / (ZOOM2 * length), qy = (oy - share * uy) / (ZOOM2 * length); // p along v
    this.#addLast(sum, two.out, px, py, qx, qy);
    this.#addLast(sum, two.value, qx, qy, 0, 0);
    one.turned.fill(0); // first of `back`, then of `in`
    for (let i = 0, at = w2; i < W; i++) {
      const back = w[w3 + i] * qx + w[w3 + W + i] * qy, b = two.in[i];
      const turned = two.slope[i] * back + two.bend[i] * two.along[i] * two.back[i];
      sum[b2 + i] += turned;
      for (let j = 0; j < W; j++, at++) {
        sum[at] += turned * one.value[j] + b * one.out[j];
        one.turned[j] += w[at] * turned;
      }
    }
    for (let j = 0; j < W; j++) {
      const b = one.in[j], turned = one.slope[j] * one.turned[j] + one.bend[j] * one.along[j] * one.back[j];
      sum[2 * j] += turned * zx + b * tx;
      sum[2 * j + 1] += turned * zy + b * ty;
      sum[2 * W + j] += turned;
    }
  }

  /** Of the last matrix and its bias. */
  #addLast(sum, values, px, py, biasx, biasy) {
    const { width: W, w3, b3 } = this;
    for (let i = 0; i < W; i++) {
      sum[w3 + i] += px * values[i];
      sum[w3 + W + i] += py * values[i];
    }
    sum[b3] += biasx;
    sum[b3 + 1] += biasy;
  }
}
