// The ray transform of computed tomography: the package's RayTransform, with the weights of ASTRA's 'linear' projector.

const single = Math.fround; // ASTRA walks along a ray in float32, and so do we, to round as it does

/** Parallel beams over half a turn. An image has size * size numbers, a measurement angles * detectors. */
export class RayTransform {
  constructor(size, angles, unscaledNorm) {
    Object.assign(this, { size, angles, unscaledNorm, channels: 1, norm: 1 });
    this.detectors = detectorCount(size);
    this.measured = angles * this.detectors;
    this.#addWeights();
  }

  forward(x) {
    const y = new Float32Array(this.measured), { starts, pixels, weights } = this;
    for (let ray = 0; ray < y.length; ray++) {
      let sum = 0;
      for (let k = starts[ray]; k < starts[ray + 1]; k++) sum += weights[k] * x[pixels[k]];
      y[ray] = sum;
    }
    return y;
  }

  adjoint(y) {
    const x = new Float64Array(this.size ** 2), { starts, pixels, weights } = this;
    for (let ray = 0; ray < y.length; ray++)
      for (let k = starts[ray]; k < starts[ray + 1]; k++) x[pixels[k]] += weights[k] * y[ray];
    return Float32Array.from(x);
  }

  /** Filtered back-projection pi/N c^2 A*(h * y) with the ramp h(0) = 1/4, h(odd k) = -1/(pi k)^2. */
  pinv(y) {
    const { detectors } = this, filtered = new Float32Array(y.length);
    const factor = (Math.PI / this.angles) * this.unscaledNorm ** 2;
    for (let ray = 0; ray < y.length; ray++) {
      const here = ray % detectors, first = ray - here;
      let sum = y[ray] / 4;
      for (let d = 1 - (here % 2); d < detectors; d += 2) sum -= y[first + d] / (Math.PI * (d - here)) ** 2;
      filtered[ray] = factor * sum;
    }
    return this.adjoint(filtered);
  }

  #addWeights() {
    const { size, angles, detectors } = this, most = 2 * size * this.measured;
    const [pixels, weights] = [new Uint16Array(most), new Float32Array(most)];
    this.starts = new Uint32Array(this.measured + 1);
    let count = 0;
    for (let ray = 0; ray < this.measured; ray++) {
      const { place, step, length, along } = course(size, angles, detectors, Math.floor(ray / detectors), ray % detectors);
      const across = along === 1 ? size : 1;
      const add = (line, at, weight) => {
        if (at < 0 || at >= size) return;
        pixels[count] = line * across + at * along;
        weights[count++] = weight / this.unscaledNorm;
      };
      for (let line = 0, at = place; line < size; line++, at = single(at + step)) {
        const left = Math.floor(at), share = single(at - left);
        add(line, left, single(length * single(1 - share)));
        add(line, left + 1, single(length * share));
      }
      this.starts[ray + 1] = count;
    }
    this.pixels = pixels.slice(0, count);
    this.weights = weights.slice(0, count);
  }
}

/** As many as ODL takes: one for each pixel on the diagonal, and two. */
export function detectorCount(size) {
  return 2 * Math.ceil((size * Math.SQRT2) / 2) + 1;
}

/** Where a ray crosses the first line of pixels, by how much it moves from line to line, and its length in each. */
function course(size, angles, detectors, angle, detector) {
  // ASTRA keeps angles in [0, 2 pi), by a pi of float32
  const turned = single(((angle + 0.5) * Math.PI) / angles - Math.PI / 2), theta = turned < 0 ? single(turned + 2 * single(Math.PI)) : turned;
  const [c, s] = [Math.cos(theta), Math.sin(theta)];
  const width = single((size * Math.SQRT2) / detectors), start = single(-0.5 * detectors * width);
  const [x, y] = [c, s].map((share) => single(single(start * share) + single((detector + 0.5) * single(width * share))));
  const [rx, ry] = [single(-s), single(c)], end = (size - 1) / 2;
  const steep = Math.abs(rx) < Math.abs(ry); // then lines are rows, else columns
  const slope = steep ? single(rx / ry) : single(ry / rx);
  const length = single(single(Math.hypot(rx, ry)) / Math.max(Math.abs(rx), Math.abs(ry)));
  const crossing = (u, v) => single(u + single(v * slope));
  const place = steep ? single(crossing(x, single(end - y)) + end) : -single(crossing(y, single(-end - x)) - end);
  return { place, step: -slope, length, along: steep ? 1 : size };
}
