// Numbers against the iterate, as SVG in the colours of the page.

import { element } from "./controls.js";
import { number } from "./pictures.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [280, 150, 48, 10, 8, 34];

/** A panel of one curve. What changes a hundredfold gets a logarithmic axis. */
export class Curve {
  constructor(name) {
    this.name = name;
    this.title = element("figcaption");
    this.sheet = element("div", { className: "sheet", role: "img" });
    this.element = element("figure", { className: "curve" }, this.title, this.sheet);
  }

  /** The numbers so far of `steps` iterates, with a cursor at the k-th. */
  draw(values, steps, k) {
    const log = Math.min(...values) > 0 && 100 * Math.min(...values) < Math.max(...values);
    this.title.textContent = log ? `${this.name}, log` : this.name;
    const heights = values.map((value) => (log ? Math.log10(value) : value));
    let [low, high] = [Math.min(...heights), Math.max(...heights)];
    if (!(high > low)) [low, high] = [low - 0.5, low + 0.5];
    const x = (k) => LEFT + ((WIDTH - LEFT - RIGHT) * k) / Math.max(1, steps);
    const y = (height) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - height)) / (high - low);
    const ticks = log ? decades(low, high) : evenly(low, high);
    const grid = ticks.map((at) => `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(at)}" y2="${y(at)}"/>
      <text text-anchor="end" x="${LEFT - 6}" y="${y(at) + 4}">${number(log ? 10 ** at : at)}</text>`);
    const below = evenly(0, Math.max(1, steps)).filter(Number.isInteger);
    const along = below.map((at) => `<text text-anchor="middle" x="${x(at)}" y="${HEIGHT - 19}">${at}</text>`);
    const points = heights.map((height, k) => `${x(k).toFixed(1)},${y(height).toFixed(1)}`);
    const dots = points.filter((_, k) => k % 10 === 0).map((p) => dot("dot", ...p.split(",")));
    const cursor = `<line class="cursor" x1="${x(k)}" x2="${x(k)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` + dot("here", x(k), y(heights[k]));
    this.sheet.innerHTML = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">${grid.join("")}${along.join("")}
      <text text-anchor="middle" x="${(LEFT + WIDTH) / 2}" y="${HEIGHT - 4}">iterate</text>
      <polyline class="line" points="${points.join(" ")}"/>${dots.join("")}${cursor}</svg>`;
    const last = values.length - 1;
    this.sheet.ariaLabel = `${this.name} goes from ${number(values[0])} to ${number(values[last])} in ${last} steps, ${number(values[k])} at iterate ${k}.`;
  }

  clear() {
    this.title.textContent = this.name;
    this.sheet.innerHTML = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true"></svg>`;
    this.sheet.ariaLabel = `${this.name}: nothing yet.`;
  }
}

export const dot = (kind, x, y) => `<circle class="${kind}" cx="${x}" cy="${y}" r="3.5"/>`;

export function evenly(low, high) {
  const power = 10 ** Math.floor(Math.log10((high - low) / 2));
  const step = power * ([5, 2].find((factor) => (high - low) / (factor * power) >= 2) ?? 1);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high * (1 + 1e-12); k++) ticks.push(Number((k * step).toPrecision(9)));
  return ticks.slice(0, 6);
}

function decades(low, high) {
  const every = Math.max(1, Math.ceil((high - low) / 4)), ticks = [];
  for (let k = Math.ceil(low); k <= high; k += every) ticks.push(k);
  return ticks;
}
