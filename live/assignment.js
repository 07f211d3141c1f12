// The exact Wasserstein distance between two samples of one size: an optimal plan divides no point. Paper: Eq. 7, its dual side.

/** `targets[i]` is the point of `real` to which point i of `noisy` goes, with the least sum of ways; `distance` is their mean.
 *
 * Points are x, y, x, y, ... . Kuhn's Hungarian method with the shortest augmenting paths of Jonker and Volgenant (1987): one more
 * point is assigned at a time, and prices u, v keep every way at least as long as u + v, and those taken no longer. `prices`, the v
 * of a plan for points nearby, spare most of the search; any will do.
 */
export function transport(real, noisy, prices) {
  const n = noisy.length / 2, far = n; // a column that is not there: the root of each search
  const u = new Float64Array(n), v = new Float64Array(n + 1), row = new Int32Array(n + 1).fill(-1), waiting = [];
  const before = new Int32Array(n), least = new Float64Array(n), done = new Uint8Array(n + 1);
  const costs = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; i++)
    for (let j = 0; j < n; j++) costs[at++] = Math.sqrt((noisy[2 * i] - real[2 * j]) ** 2 + (noisy[2 * i + 1] - real[2 * j + 1]) ** 2);
  if (prices) v.set(prices);
  for (let i = 0; i < n; i++) {
    let cheapest = 0;
    for (let j = 1; j < n; j++) if (costs[i * n + j] - v[j] < costs[i * n + cheapest] - v[cheapest]) cheapest = j;
    u[i] = costs[i * n + cheapest] - v[cheapest];
    if (row[cheapest] < 0) row[cheapest] = i;
    else waiting.push(i);
  }
  for (const start of waiting) {
    v[far] = 0;
    least.fill(Infinity);
    done.fill(0);
    let column = far;
    row[far] = start;
    while (row[column] >= 0) {
      const i = row[column];
      let next = -1, step = Infinity;
      done[column] = 1;
      for (let j = 0, at = i * n; j < n; j++, at++) {
        if (done[j]) continue;
        const slack = costs[at] - u[i] - v[j];
        if (slack < least[j]) {
          least[j] = slack;
          before[j] = column;
        }
        if (least[j] < step) {
          step = least[j];
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (done[j]) {
          u[row[j]] += step;
          v[j] -= step;
        } else least[j] -= step;
      }
      column = next;
    }
    for (; column !== far; column = before[column]) row[column] = row[before[column]];
  }
  const targets = new Int32Array(n);
  for (let j = 0; j < n; j++) targets[row[j]] = j;
  let sum = 0;
  targets.forEach((j, i) => (sum += costs[i * n + j]));
  return { targets, distance: sum / n, prices: v };
}
