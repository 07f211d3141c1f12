// Random numbers that follow from a seed, so that a link gives the same noise everywhere.

/** A function that gives uniform numbers in [0, 1), 32 bits each (sfc32 by Chris Doty-Humphrey). */
export function uniform(seed) {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, seed | 0];
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let k = 0; k < 15; k++) next();
  return next;
}

/** `count` standard normal numbers (Box and Muller). */
export function normal(count, seed) {
  const next = uniform(seed), numbers = new Float32Array(count);
  for (let k = 0; k < count; k += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - next())), angle = 2 * Math.PI * next();
    numbers[k] = radius * Math.cos(angle);
    if (k + 1 < count) numbers[k + 1] = radius * Math.sin(angle);
  }
  return numbers;
}
