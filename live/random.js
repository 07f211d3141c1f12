// The random numbers of torch, so that a seed gives the same noise in the page as in Jupyter.

/** A function that gives 32 random bits: the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded as torch does. */
export function twister(seed) {
  const n = 624, m = 397, state = new Uint32Array(n);
  state[0] = seed;
  for (let i = 1; i < n; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let next = n;
  const renew = () => {
    for (let i = 0; i < n; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % n] & 0x7fffffff);
      state[i] = state[(i + m) % n] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    next = 0;
  };
  return () => {
    if (next === n) renew();
    let y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

/** A function that gives uniform numbers in [0, 1) as torch.rand does: multiples of 2^-24. */
export function uniform(seed) {
  const bits = twister(seed);
  return () => (bits() & 0xffffff) / 2 ** 24;
}

/** `count` >= 16 standard normal numbers as torch.randn gives them on a CPU: Box and Muller, 16 at a time. */
export function normal(count, seed) {
  const next = uniform(seed), numbers = Float64Array.from({ length: count }, next);
  const transform = (start) => {
    for (let k = start; k < start + 8; k++) {
      const radius = Math.sqrt(-2 * Math.log(1 - numbers[k])), angle = 2 * Math.PI * numbers[k + 8];
      [numbers[k], numbers[k + 8]] = [radius * Math.cos(angle), radius * Math.sin(angle)];
    }
  };
  for (let start = 0; start + 16 <= count; start += 16) transform(start);
  if (count % 16) { // the last 16 are drawn again
    for (let k = count - 16; k < count; k++) numbers[k] = next();
    transform(count - 16);
  }
  return Float32Array.from(numbers);
}
