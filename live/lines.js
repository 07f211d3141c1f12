// Several lines in one graph, as SVG in the colours of the page: told apart by dashes and marks besides colour.

import { dot, evenly } from "./charts.js";
import { element } from "./controls.js";
import { said, subscripts } from "./critic_words.js";
import { number } from "./pictures.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [300, 176, 48, 10, 8, 34];

export class LineChart {
  constructor(title, axis) {
    Object.assign(this, { name: title, axis });
    this.sheet = element("div", { className: "sheet", role: "img" });
    this.key = element("div", { className: "key" });
    this.element = element("figure", { className: "curve" }, element("figcaption", { innerHTML: subscripts(title) }), this.sheet, this.key);
  }

  /** lines: {name: [[x, y], ...]}, the second of them dashed; span: of x; marks: {name: x}; dots: {name: [x, y]}. */
  draw({ lines, span, marks = {}, dots = {} }) {
    const heights = [...Object.values(lines).flat(), ...Object.values(dots)].map(([, y]) => y);
    let [bottom, top] = [Math.min(0, ...heights), Math.max(...heights, 1e-3)];
    const x = (at) => LEFT + ((WIDTH - LEFT - RIGHT) * (at - span[0])) / (span[1] - span[0] || 1);
    const y = (at) => TOP + ((HEIGHT - TOP - BOTTOM) * (top - at)) / (top - bottom);
    const grid = evenly(bottom, top).map((at) => `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(at)}" y2="${y(at)}"/>
      <text text-anchor="end" x="${LEFT - 6}" y="${y(at) + 4}">${number(at)}</text>`);
    const below = evenly(...span).map((at) => `<text text-anchor="middle" x="${x(at)}" y="${HEIGHT - 19}">${number(at)}</text>`);
    const path = (points) => points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");
    const drawn = Object.values(lines).map((points, k) => `<polyline class="line${k ? " second" : ""}" points="${path(points)}"/>`);
    const cursors = Object.values(marks).map((at) => `<line class="cursor" x1="${x(at)}" x2="${x(at)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>`);
    const marked = Object.values(dots).map(([a, b]) => dot("here", x(a), y(b)));
    this.sheet.innerHTML = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">${grid.join("")}${below.join("")}
      <text text-anchor="middle" x="${(LEFT + WIDTH) / 2}" y="${HEIGHT - 4}">${this.axis}</text>${drawn.reverse().join("")}${cursors.join("")}${marked.join("")}</svg>`;
    const signs = [...Object.keys(lines).map((name, k) => [k ? "┄" : "─", name]), ...Object.keys(marks).map((name) => ["│", name])];
    for (const name of Object.keys(dots)) signs.push(["●", name]);
    this.key.innerHTML = signs.map(([sign, name]) => `<span>${sign} ${subscripts(name)}</span>`).join("");
    const words = Object.entries(lines).filter(([, points]) => points.length).map(([name, points]) => `${name} ${number(points[0][1])} to ${number(points.at(-1)[1])}`); // prettier-ignore
    for (const [name, at] of Object.entries(marks)) words.push(`${name} at ${number(at)}`);
    for (const [name, [a, b]] of Object.entries(dots)) words.push(`${name} ${number(b)} at ${number(a)}`);
    this.sheet.ariaLabel = said(`${this.name} against ${this.axis}: ${words.join("; ")}.`);
  }
}
