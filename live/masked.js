// Denoising, inpainting and MRI. Images have `channels` * size * size numbers; those of MRI's measurements are pairs.

import { fourier2d } from "./fourier.js";
import { inner } from "./vectors.js";

/** A = I. */
export class Identity {
  constructor(size, channels) {
    Object.assign(this, { size, channels, norm: 1, measured: channels * size ** 2 });
  }
  forward = (x) => x.slice();
  adjoint = this.forward;
  pinv = this.forward;
}

/** A x = mask * x; mask has size * size zeros and ones. `inverse`, of pinv: "harmonic" or "adjoint". */
export class Inpainting {
  constructor(mask, channels, inverse) {
    Object.assign(this, { mask, channels, inverse, size: Math.sqrt(mask.length), norm: 1 });
    this.measured = channels * mask.length;
  }
  forward = (x) => x.map((value, i) => value * this.mask[i % this.mask.length]);
  adjoint = this.forward;
  where = this.forward; // zeros where nothing is measured

  pinv(y) {
    if (this.inverse === "adjoint") return this.adjoint(y);
    const filled = new Float32Array(y.length), n = this.mask.length;
    for (let c = 0; c < this.channels; c++) filled.set(harmonicFill(this.mask, y.subarray(c * n, (c + 1) * n)), c * n);
    return filled;
  }
}

/** The image that is y where the mask is 1, and elsewhere the mean of its neighbours: conjugate gradients. */
function harmonicFill(mask, y) {
  const size = Math.sqrt(mask.length), hidden = (u) => u.map((value, i) => (mask[i] ? 0 : value));
  const laplacian = (u) => {
    const sum = new Float64Array(u.length);
    for (let i = 0; i < u.length; i++) {
      if (i % size < size - 1) [sum[i], sum[i + 1]] = [sum[i] + u[i] - u[i + 1], sum[i + 1] + u[i + 1] - u[i]];
      if (i + size < u.length) [sum[i], sum[i + size]] = [sum[i] + u[i] - u[i + size], sum[i + size] + u[i + size] - u[i]];
    }
    return sum;
  };
  const x = Float64Array.from(y, (value, i) => value * mask[i]);
  const r = hidden(laplacian(x).map((value) => -value)), p = r.slice();
  let rr = inner(r, r);
  const enough = 1e-18 * rr;
  while (rr > enough) {
    const q = hidden(laplacian(p)), alpha = rr / inner(p, q);
    for (let i = 0; i < x.length; i++) [x[i], r[i]] = [x[i] + alpha * p[i], r[i] - alpha * q[i]];
    const before = rr;
    rr = inner(r, r);
    for (let i = 0; i < x.length; i++) p[i] = r[i] + (rr / before) * p[i];
  }
  return x;
}

/** A x = mask * F x, zero frequency first. A measurement holds real and imaginary parts in turn.
 * `inverse`, of pinv: "exact" on real images, or "adjoint". */
export class FourierSampling {
  constructor(mask, channels, inverse) {
    Object.assign(this, { mask, channels, inverse, size: Math.sqrt(mask.length) });
    const { size } = this, twin = (i) => mask[((size - Math.floor(i / size)) % size) * size + ((size - (i % size)) % size)];
    this.twins = mask.map((_, i) => twin(i)); // 1 where -f is measured
    this.norm = mask.some((m, i) => m && twin(i)) ? 1 : Math.SQRT1_2;
    this.measured = 2 * channels * mask.length;
  }
  where = (y) => y.map((value, i) => value * this.mask[(i >> 1) % this.mask.length]);

  forward(x) {
    const n = this.mask.length, y = new Float32Array(2 * x.length);
    for (let c = 0; c < x.length; c += n) {
      const re = Float64Array.from(x.subarray(c, c + n)), im = new Float64Array(n);
      fourier2d(re, im, this.size, -1);
      for (let i = 0; i < n; i++) [y[2 * (c + i)], y[2 * (c + i) + 1]] = [re[i], im[i]];
    }
    return this.where(y);
  }

  adjoint(y) {
    const n = this.mask.length, x = new Float32Array(y.length / 2), [re, im] = [new Float64Array(n), new Float64Array(n)];
    for (let c = 0; c < x.length; c += n) {
      for (let i = 0; i < n; i++) {
        [re[i], im[i]] = [this.mask[i] * y[2 * (c + i)], this.mask[i] * y[2 * (c + i) + 1]];
      }
      fourier2d(re, im, this.size, 1);
      x.set(re, c);
    }
    return x;
  }

  pinv(y) {
    if (this.inverse === "adjoint") return this.adjoint(y);
    return this.adjoint(y.map((value, i) => (2 * value) / (1 + this.twins[(i >> 1) % this.twins.length])));
  }
}
