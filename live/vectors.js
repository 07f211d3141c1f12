// Sums over the numbers of an image, in double precision.

export const inner = (u, v) => {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += u[i] * v[i];
  return sum;
};

export const norm = (u) => Math.sqrt(inner(u, u));

/** The array of f(u[i], v[i], ...). */
export const map = (f, u, ...others) => {
  const result = new Float32Array(u.length);
  if (others.length === 0) for (let i = 0; i < u.length; i++) result[i] = f(u[i]);
  else if (others.length === 1) for (let i = 0; i < u.length; i++) result[i] = f(u[i], others[0][i]);
  else for (let i = 0; i < u.length; i++) result[i] = f(u[i], others[0][i], others[1][i]);
  return result;
};

export const subtract = (u, v) => map((a, b) => a - b, u, v);
export const clamp = (u) => map((a) => Math.min(1, Math.max(0, a)), u);

/** The mean of the channels of an image: what is shown of signed images in colour. */
export function meanOfChannels(u, channels) {
  const size = u.length / channels, mean = new Float32Array(size);
  for (let i = 0; i < u.length; i++) mean[i % size] += u[i] / channels;
  return mean;
}
