// Images as tiles: a title, a canvas with one pixel per number, a scale, and words computed from the numbers.

import { element } from "./controls.js";
import { meanOfChannels } from "./vectors.js";

/** Three digits. */
export function number(value) {
  if (!Number.isFinite(value)) return String(value);
  return Number(value.toPrecision(3)).toString().replace("-", "−");
}

/** The smallest of 1, 2, 5 times a power of ten that is no smaller. */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= value * (1 - 1e-9));
}

export class Tile {
  constructor(size, colours) {
    Object.assign(this, { size, colours });
    this.title = element("figcaption");
    this.canvas = element("canvas", { width: size, height: size, role: "img" });
    this.context = this.canvas.getContext("2d");
    this.bar = element("div", { className: "bar" });
    this.scale = element("div", { className: "scale" });
    this.frame = element("div", { className: "frame", hidden: true });
    const shown = element("div", { className: "shown" }, this.canvas, this.frame);
    this.element = element("figure", {}, this.title, shown, this.bar, this.scale);
  }

  /** An image in [0, 1], gray or in colour. */
  image(x, channels, title, numbers = "") {
    this.#paint(rgb(x, channels));
    this.#words(title, x, 0, 1, "linear-gradient(to right,#000,#fff)", numbers);
  }

  /** A signed image, in colours centred at 0; the mean of its channels. */
  signed(x, channels, title, limit, numbers = "") {
    const u = meanOfChannels(x, channels);
    this.#paint(rgbSigned(u, limit, this.colours));
    const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((level) => `rgb(${this.colours[level]})`);
    this.#words(title, u, -limit, limit, `linear-gradient(to right,${stops})`, numbers);
  }

  /** The same square of four pictures, each of `rgb` or `rgbSigned`. */
  mosaic(pictures, row, column, title, words) {
    const side = this.size / 2, full = Math.sqrt(pictures[0].length / 4), joined = new Uint8ClampedArray(4 * this.size ** 2);
    pictures.forEach((picture, k) => {
      for (let r = 0; r < side; r++) {
        const from = 4 * ((row + r) * full + column), to = 4 * ((Math.floor(k / 2) * side + r) * this.size + (k % 2) * side);
        joined.set(picture.subarray(from, from + 4 * side), to);
      }
    });
    this.#paint(joined);
    this.title.textContent = title;
    this.bar.style.visibility = "hidden"; // it has two scales
    this.canvas.ariaLabel = words;
  }

  /** A frame around rows and columns from there on, `side` of them. */
  mark(row, column, side) {
    const share = (length) => `${(100 * length) / this.size}%`;
    this.frame.hidden = false;
    Object.assign(this.frame.style, { top: share(row), left: share(column), width: share(side), height: share(side) });
  }

  #paint(pixels) {
    this.context.putImageData(new ImageData(pixels, this.size, this.size), 0, 0);
  }

  clear(title) {
    this.context.clearRect(0, 0, this.size, this.size);
    this.title.textContent = title;
    this.scale.replaceChildren();
    this.bar.style.background = "none";
    this.canvas.ariaLabel = `${title}: nothing yet.`;
  }

  #words(title, u, low, high, gradient, numbers) {
    let [sum, least, most] = [0, Infinity, -Infinity];
    for (const value of u) [sum, least, most] = [sum + value, Math.min(least, value), Math.max(most, value)];
    this.title.textContent = title;
    this.bar.style.background = gradient;
    const ends = low < 0 ? [low, 0, high] : [low, high];
    this.scale.replaceChildren(...ends.map((end) => element("span", { textContent: number(end) })));
    const range = `mean ${number(sum / u.length)}, values ${number(least)} to ${number(most)}, shown from ${number(low)} to ${number(high)}`;
    this.canvas.ariaLabel = `${title} (${range})${numbers && `, ${numbers}`}.`;
  }
}

/** The pixels of an image in [0, 1]. */
export function rgb(x, channels) {
  const n = x.length / channels, pixels = new Uint8ClampedArray(4 * n).fill(255);
  for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) pixels[4 * i + c] = 255 * x[(channels === 3 ? c * n : 0) + i];
  return pixels;
}

/** The pixels of a signed image, by a table of 256 colours. */
export function rgbSigned(u, limit, colours) {
  const pixels = new Uint8ClampedArray(4 * u.length).fill(255);
  for (let i = 0; i < u.length; i++) {
    const level = Math.floor(Math.min(255, Math.max(0, (u[i] / limit + 1) * 127.5)) + 0.5);
    pixels.set(colours[level], 4 * i);
  }
  return pixels;
}

/** Row and column of the square with most to see: where neighbours differ most. */
export function busiest(x, channels, side) {
  const u = meanOfChannels(x, channels), size = Math.sqrt(u.length), every = Math.max(1, side >> 2);
  let best = { most: -1, row: 0, column: 0 };
  for (let row = 0; row + side <= size; row += every)
    for (let column = 0; column + side <= size; column += every) {
      let sum = 0;
      for (let r = row; r < row + side - 1; r++)
        for (let i = r * size + column; i < r * size + column + side - 1; i++) sum += Math.abs(u[i] - u[i + 1]) + Math.abs(u[i] - u[i + size]);
      if (sum > best.most) best = { most: sum, row, column };
    }
  return best;
}
