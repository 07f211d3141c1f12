// Manifolds M in the unit square with their distance and samples, as `theory.worlds`. Paper: §3.3, Assumptions 1 and 2.

export const OWN = "your own";
export const WORLDS = ["circle", "segment", "two points", "ellipse", "spiral", OWN];
const TURN = 2 * Math.PI;
const TOLERANCE = 0.012, CORNERS = 24; // of a drawing: how far the line may pass by the stroke; at most

/** M: `curve(t)` and `tangent(t)` for t in [0, 1], under which P_r is uniform, and corners `path` of the same line.
 *
 * The distance is that to the line through the corners, nearer than 1e-5 to the curve.
 */
class World {
  constructor(name, curve, tangent, path) {
    Object.assign(this, { name, curve, tangent, path });
    this.isolated = name === "two points";
  }

  /** d_M(x) = min ‖x − y‖ over y on M (Eq. 19). */
  distance(x, y) {
    let least = Infinity;
    const { path, isolated } = this;
    for (let k = 0; k + 1 < path.length || (isolated && k < path.length); k++) {
      const [ax, ay] = path[k], [bx, by] = isolated ? path[k] : path[k + 1], dx = bx - ax, dy = by - ay;
      const share = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
      least = Math.min(least, (x - ax - share * dx) ** 2 + (y - ay - share * dy) ** 2);
    }
    return Math.sqrt(least);
  }

  /** x_r ~ P_r and x_n = x_r + noise of deviation `sigma`, of which only the share `along` goes along M; `next` is uniform. */
  pair(next, sigma, along) {
    const t = next(), [x, y] = this.curve(t), [tx, ty] = this.tangent(t);
    const radius = sigma * Math.sqrt(-2 * Math.log(1 - next())), angle = TURN * next();
    const ex = radius * Math.cos(angle), ey = radius * Math.sin(angle), taken = (along - 1) * (ex * tx + ey * ty);
    return { real: [x, y], noisy: [x + ex + taken * tx, y + ey + taken * ty] };
  }
}

/** The manifold of that name; `drawing` is that of your own, "x y; x y; ...". */
export function worldOf(name, drawing) {
  if (name === "circle") return around(name, 0.3, 0.3);
  if (name === "ellipse") return around(name, 0.38, 0.24);
  if (name === "spiral") return spiral();
  if (name === "two points") return new World(name, (t) => [t < 0.5 ? 0.25 : 0.75, 0.5], () => [0, 0], [[0.25, 0.5], [0.75, 0.5]]); // prettier-ignore
  return polyline(name, name === "segment" ? [[0.2, 0.5], [0.8, 0.5]] : cornersOf(drawing)); // prettier-ignore
}

const unit = (x, y) => [x / Math.hypot(x, y), y / Math.hypot(x, y)];
const sampled = (curve, pieces = 512) => Array.from({ length: pieces + 1 }, (_, k) => curve(k / pieces));

/** An ellipse with half axes a and b; P_r is uniform in the angle. */
function around(name, a, b) {
  const curve = (t) => [0.5 + a * Math.cos(TURN * t), 0.5 + b * Math.sin(TURN * t)];
  return new World(name, curve, (t) => unit(-a * Math.sin(TURN * t), b * Math.cos(TURN * t)), sampled(curve));
}

/** Radius proportional to the angle; P_r is nearly uniform in length. */
function spiral(turns = 1.75, inner = 0.06, outer = 0.42) {
  const start = (inner / outer) ** 2, share = (t) => Math.sqrt(start + (1 - start) * t), angle = (t) => TURN * turns * share(t);
  const curve = (t) => [0.5 + outer * share(t) * Math.cos(angle(t)), 0.5 + outer * share(t) * Math.sin(angle(t))];
  const tangent = (t) => {
    const [c, s] = [Math.cos(angle(t)), Math.sin(angle(t))];
    return unit(c - angle(t) * s, s + angle(t) * c); // the derivative by `share`, divided by `outer`
  };
  return new World("spiral", curve, tangent, sampled(curve, 2048));
}

/** Straight pieces from corner to corner; P_r is uniform in length. */
function polyline(name, path) {
  const lengths = path.slice(1).map(([x, y], k) => Math.hypot(x - path[k][0], y - path[k][1]));
  const total = lengths.reduce((a, b) => a + b);
  const piece = (t) => {
    let k = 0, left = t * total;
    while (k < lengths.length - 1 && left > lengths[k]) left -= lengths[k++];
    return [k, left / lengths[k]];
  };
  const curve = (t) => {
    const [k, share] = piece(t);
    return [0, 1].map((axis) => path[k][axis] + share * (path[k + 1][axis] - path[k][axis]));
  };
  const tangent = (t) => {
    const [k] = piece(t);
    return unit(path[k + 1][0] - path[k][0], path[k + 1][1] - path[k][1]);
  };
  return new World(name, curve, tangent, path);
}

/** The corners in "x y; x y; ..."; a point on its neighbour is one with it. */
export function cornersOf(drawing) {
  const given = drawing.split(";").filter((pair) => pair.trim()).map((pair) => pair.trim().split(/[\s,]+/).map(Number)); // prettier-ignore
  const path = given.filter((corner, k) => k === 0 || corner.join() !== given[k - 1].join());
  const legal = ([x, y, ...more]) => x >= 0 && x <= 1 && y >= 0 && y <= 1 && more.length === 0;
  if (path.length < 2 || !path.every(legal)) {
    throw new Error(`points of M: expected two points or more with numbers from 0 to 1, got “${drawing}”. Write 0.2 0.3; 0.6 0.8`);
  }
  return path;
}

/** The drawing of a stroke [[x, y], ...]: a line of few corners that passes it by little (Douglas and Peucker).
 *
 * A stroke that ends where it began is closed, and of a mere dot nothing comes.
 */
export function simplified(stroke) {
  const size = Math.max(...[0, 1].map((axis) => Math.max(...stroke.map((p) => p[axis])) - Math.min(...stroke.map((p) => p[axis]))));
  if (size < 2 * TOLERANCE) throw new Error("M: expected a line, got a dot. Press on the first map, move, and let go.");
  const [first, end] = [stroke[0], stroke.at(-1)];
  if (stroke.length > 3 && Math.hypot(first[0] - end[0], first[1] - end[1]) < 3 * TOLERANCE) stroke = [...stroke.slice(0, -1), first];
  let corners = stroke;
  for (let tolerance = TOLERANCE; corners === stroke || corners.length > CORNERS; tolerance *= 1.3) corners = thinned(stroke, tolerance);
  return corners.map(([x, y]) => `${Number(x.toFixed(3))} ${Number(y.toFixed(3))}`).join("; ");
}

function thinned(points, tolerance) {
  const first = points[0], last = points.at(-1);
  const chord = new World("", null, null, [first, last]), ways = points.map(([x, y]) => chord.distance(x, y));
  const far = ways.reduce((best, way, k) => (way > ways[best] ? k : best), 0);
  if (!(ways[far] > tolerance)) return points.length > 1 ? [first, last] : points;
  return [...thinned(points.slice(0, far + 1), tolerance), ...thinned(points.slice(far), tolerance).slice(1)];
}
