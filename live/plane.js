// Maps of the unit square: values as colours with level lines, a manifold, points, ways and arrows, and words computed from them.

import { element } from "./controls.js";
import { said, subscripts } from "./critic_words.js";
import { number, roundUp } from "./pictures.js";

export const CELLS = 64; // of the values on a side
const SIDE = 480, LATTICE = 14, SPACING = 0.05, LINES = 24; // pixels; arrows on a side; between level lines, and how many at most
const ARROW = 0.05, LONGEST = 0.12; // of a gradient of length 1; drawn at most

const ticks = (cells) => Array.from({ length: cells }, (_, k) => (k + 0.5) / cells);
/** Where arrows begin: x, y, x, y, ... . */
export const lattice = Float64Array.from(ticks(LATTICE).flatMap((x) => ticks(LATTICE).flatMap((y) => [x, y])));
/** Values of f(x, y) at the cells; rows are y, upwards. */
export const onGrid = (f) => Float64Array.from(ticks(CELLS).flatMap((y) => ticks(CELLS).map((x) => f(x, y))));

const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
export const range = (...grids) => [Math.min(...grids.map(least)), Math.max(...grids.map(most))];

export class PlaneMap {
  constructor(colours) {
    this.colours = colours;
    this.title = element("figcaption");
    this.canvas = element("canvas", { className: "plane", width: SIDE, height: SIDE, role: "img" });
    this.pen = this.canvas.getContext("2d");
    this.small = element("canvas", { width: CELLS, height: CELLS });
    this.bar = element("div", { className: "bar" });
    this.scale = element("div", { className: "scale" });
    this.element = element("figure", {}, this.title, element("div", { className: "shown" }, this.canvas), this.bar, this.scale);
  }

  /** What is left out is not drawn.
   *
   * heat, limits: values `onGrid` and the ends of their colours; ways: [from, to] of lines; dots: [points, kind] of `style`;
   * field: gradients on the `lattice`, drawn downhill; pair: the {real, between, noisy, gradient} of one line of Eq. 6.
   */
  draw({ title, world, heat, limits, ways, dots = [], field, pair, words = "" }) {
    const { pen } = this, { color } = getComputedStyle(this.canvas), ink = { main: color, edge: heat ? "#fff" : color };
    pen.clearRect(0, 0, SIDE, SIDE);
    pen.lineJoin = pen.lineCap = "round";
    const spacing = heat && Math.max(SPACING, roundUp((limits[1] - limits[0]) / LINES));
    if (heat) this.#heat(heat, limits, spacing);
    if (ways) this.#lines(ways, "#808080", 1.5);
    this.#manifold(world);
    for (const [points, kind] of dots) this.#dots(points, kind, ink);
    if (field) this.#arrows(lattice, field);
    if (pair) this.#pair(pair);
    this.title.innerHTML = subscripts(title);
    this.#words(title, heat, limits, spacing, `M: ${world.name}${words && `; ${words}`}`);
  }

  #heat(heat, [low, high], spacing) {
    const pixels = new Uint8ClampedArray(4 * CELLS ** 2).fill(255);
    heat.forEach((value, i) => {
      const level = Math.round(255 * Math.min(1, Math.max(0, (value - low) / (high - low || 1))));
      pixels.set(this.colours[level], 4 * (CELLS * (CELLS - 1 - Math.floor(i / CELLS)) + (i % CELLS)));
    });
    this.small.getContext("2d").putImageData(new ImageData(pixels, CELLS, CELLS), 0, 0);
    this.pen.imageSmoothingQuality = "high";
    this.pen.drawImage(this.small, 0, 0, SIDE, SIDE);
    const lines = [];
    for (let level = Math.ceil(low / spacing) * spacing; level <= high; level += spacing) lines.push(...contour(heat, level));
    this.#lines(lines, "#ffffffb0", 1.2);
  }

  #lines(lines, colour, width) {
    const { pen } = this;
    pen.beginPath();
    for (const [ax, ay, bx, by] of lines) {
      pen.moveTo(SIDE * ax, SIDE * (1 - ay));
      pen.lineTo(SIDE * bx, SIDE * (1 - by));
    }
    this.#stroke(colour, width);
  }

  #stroke(colour, width, dash = []) {
    Object.assign(this.pen, { strokeStyle: colour, lineWidth: width });
    this.pen.setLineDash(dash);
    this.pen.stroke();
    this.pen.setLineDash([]);
  }

  #manifold({ path, isolated }) {
    const { pen } = this, accent = "#d55e00"; // as in the package, seen on both grounds
    if (isolated) return path.forEach(([x, y]) => this.#disc(x, y, 7, accent, "#fff"));
    pen.beginPath();
    path.forEach(([x, y]) => pen.lineTo(SIDE * x, SIDE * (1 - y)));
    this.#stroke("#fff", 6);
    this.#stroke(accent, 3.5);
  }

  #disc(x, y, radius, fill, edge) {
    const { pen } = this;
    pen.beginPath();
    pen.arc(SIDE * x, SIDE * (1 - y), radius, 0, 2 * Math.PI);
    Object.assign(pen, { fillStyle: fill, strokeStyle: edge, lineWidth: 1.5 });
    pen.fill();
    pen.stroke();
  }

  #dots(points, kind, { main }) {
    for (let i = 0; i < points.length; i += 2) {
      if (kind === "full") this.#disc(points[i], points[i + 1], 3.6, "#56b4e9", "#123");
      else this.#disc(points[i], points[i + 1], 2.6, "transparent", main);
    }
  }

  #arrows(from, gradients) {
    const shafts = [], heads = [];
    for (let i = 0; i < from.length; i += 2) {
      const length = Math.hypot(gradients[i], gradients[i + 1]), drawn = Math.min(ARROW * length, LONGEST) / (length || 1);
      const [dx, dy] = [-drawn * gradients[i], -drawn * gradients[i + 1]], [x, y] = [from[i] + dx, from[i + 1] + dy];
      shafts.push([from[i], from[i + 1], x, y]);
      for (const side of [1, -1]) heads.push([x, y, x - 0.3 * dx + side * 0.2 * dy, y - 0.3 * dy - side * 0.2 * dx]);
    }
    for (const [colour, width] of [["#0009", 4], ["#fff", 1.8]]) this.#lines([...shafts, ...heads], colour, width); // prettier-ignore
  }

  #pair({ real, between, noisy, gradient }) {
    const { pen } = this, line = new Path2D();
    line.moveTo(SIDE * real[0], SIDE * (1 - real[1]));
    line.lineTo(SIDE * noisy[0], SIDE * (1 - noisy[1]));
    for (const [colour, width, dash] of [["#000", 5, []], ["#fff", 2.4, [7, 6]]]) {
      Object.assign(pen, { strokeStyle: colour, lineWidth: width });
      pen.setLineDash(dash);
      pen.stroke(line);
      pen.setLineDash([]);
    } // prettier-ignore
    const length = Math.hypot(...gradient), drawn = Math.min(2 * ARROW * length, LONGEST) / (length || 1);
    const [dx, dy] = gradient.map((g) => -drawn * g), [x, y] = [between[0] + dx, between[1] + dy];
    const head = [1, -1].map((side) => [x, y, x - 0.25 * dx + side * 0.16 * dy, y - 0.25 * dy - side * 0.16 * dx]);
    for (const [colour, width] of [["#000", 6.5], ["#ffb000", 3.5]]) this.#lines([[...between, x, y], ...head], colour, width); // prettier-ignore
    for (const [[x, y], index, fill] of [[real, "r", "#d55e00"], [noisy, "n", "#56b4e9"], [between, "i", "#fff"]]) this.#label(x, y, index, fill); // prettier-ignore
  }

  /** An italic x with an index, white on black. */
  #label(x, y, index, fill) {
    const { pen } = this, left = SIDE * x + (x > 0.9 ? -34 : 10), down = SIDE * (1 - y) + (y < 0.06 ? -8 : 18);
    this.#disc(x, y, 6, fill, "#000");
    Object.assign(pen, { strokeStyle: "#000", lineWidth: 4, fillStyle: "#fff" });
    for (const put of ["strokeText", "fillText"]) {
      pen.font = "italic 600 19px system-ui, sans-serif";
      pen[put]("x", left, down);
      pen.font = "italic 600 14px system-ui, sans-serif";
      pen[put](index, left + 11, down + 5);
    }
  }

  #words(title, heat, limits, spacing, rest) {
    this.bar.style.visibility = heat ? "visible" : "hidden";
    const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((level) => `rgb(${this.colours[level]})`);
    this.bar.style.background = `linear-gradient(to right,${stops})`;
    const [low, high] = limits ?? [0, 1], spans = heat ? [number(low), `level lines ${number(spacing)} apart`, number(high)] : [];
    this.scale.replaceChildren(...spans.map((textContent) => element("span", { textContent })));
    const values = heat ? `values ${number(least(heat))} to ${number(most(heat))}, shown from ${number(low)} to ${number(high)}; ` : "";
    this.canvas.ariaLabel = said(`The unit square, ${title} (${values}${rest}).`);
  }
}

/** The line of this level through values at the cells, as pieces [ax, ay, bx, by] (marching squares). */
export function contour(heat, level) {
  const pieces = [];
  for (let row = 0; row + 1 < CELLS; row++) {
    for (let column = 0, i = CELLS * row; column + 1 < CELLS; column++, i++) {
      const corners = [heat[i] - level, heat[i + 1] - level, heat[i + CELLS + 1] - level, heat[i + CELLS] - level], crossed = [];
      if (corners[0] > 0 === corners[1] > 0 && corners[1] > 0 === corners[2] > 0 && corners[2] > 0 === corners[3] > 0) continue;
      for (let k = 0; k < 4; k++) {
        const a = corners[k], b = corners[(k + 1) % 4], share = a / (a - b);
        if (a > 0 === b > 0) continue;
        const [x, y] = [[share, 0], [1, share], [1 - share, 1], [0, 1 - share]][k]; // prettier-ignore
        crossed.push((column + x + 0.5) / CELLS, (row + y + 0.5) / CELLS);
      }
      for (let k = 0; k < crossed.length; k += 4) pieces.push(crossed.slice(k, k + 4));
    }
  }
  return pieces;
}
