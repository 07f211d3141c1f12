// The orthonormal Fourier transform of square images whose side is a power of two.

/** In place, on `size` numbers from `start` on, `stride` apart; sign -1 forward, +1 back; not yet scaled. */
function transform(re, im, start, stride, size, sign) {
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const p = start + i * stride, q = start + j * stride;
      [re[p], re[q]] = [re[q], re[p]];
      [im[p], im[q]] = [im[q], im[p]];
    }
  }
  for (let length = 2; length <= size; length *= 2) {
    const half = length / 2;
    for (let k = 0; k < half; k++) {
      const angle = (sign * 2 * Math.PI * k) / length, c = Math.cos(angle), s = Math.sin(angle);
      for (let block = k; block < size; block += length) {
        const p = start + block * stride, q = p + half * stride;
        const r = re[q] * c - im[q] * s, i = re[q] * s + im[q] * c;
        [re[q], im[q]] = [re[p] - r, im[p] - i];
        [re[p], im[p]] = [re[p] + r, im[p] + i];
      }
    }
  }
}

/** Both parts of the transform of `re + i im`, in place, divided by `size`. */
export function fourier2d(re, im, size, sign) {
  for (let k = 0; k < size; k++) transform(re, im, k * size, 1, size, sign);
  for (let k = 0; k < size; k++) transform(re, im, k, size, size, sign);
  for (let i = 0; i < re.length; i++) {
    re[i] /= size;
    im[i] /= size;
  }
}
