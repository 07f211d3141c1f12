// How far an image is from the truth. Nothing but what is shown depends on it.

/** Peak signal-to-noise ratio in dB, data range 1. */
export function psnr(x, truth) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] - truth[i]) ** 2;
  return -10 * Math.log10(sum / x.length);
}

/** Structural similarity, the mean over channels and all 7x7 windows (Wang et al. 2004). */
export function ssim(x, truth, size) {
  const n = size ** 2, window = 7, inside = size - window + 1;
  const unbiased = window ** 2 / (window ** 2 - 1), [c1, c2] = [0.01 ** 2, 0.03 ** 2];
  let sum = 0;
  for (let c = 0; c < x.length; c += n) {
    const means = (f) => windowMeans((i) => f(x[c + i], truth[c + i]), size, window);
    const [mx, mt] = [means((a) => a), means((a, b) => b)];
    const [mxx, mtt, mxt] = [means((a) => a * a), means((a, b) => b * b), means((a, b) => a * b)];
    for (let i = 0; i < inside ** 2; i++) {
      const vx = unbiased * (mxx[i] - mx[i] ** 2), vt = unbiased * (mtt[i] - mt[i] ** 2);
      const covariance = unbiased * (mxt[i] - mx[i] * mt[i]);
      const likeness = (2 * mx[i] * mt[i] + c1) * (2 * covariance + c2);
      sum += likeness / ((mx[i] ** 2 + mt[i] ** 2 + c1) * (vx + vt + c2));
    }
  }
  return sum / ((x.length / n) * inside ** 2);
}

/** Means over windows of an image given by its numbers f(i): rows, then columns. */
function windowMeans(f, size, window) {
  const inside = size - window + 1, rows = new Float64Array(size * inside), means = new Float64Array(inside ** 2);
  for (let r = 0; r < size; r++)
    for (let c = 0; c < inside; c++) for (let k = 0; k < window; k++) rows[r * inside + c] += f(r * size + c + k) / window;
  for (let r = 0; r < inside; r++)
    for (let c = 0; c < inside; c++) for (let k = 0; k < window; k++) means[r * inside + c] += rows[(r + k) * inside + c] / window;
  return means;
}
