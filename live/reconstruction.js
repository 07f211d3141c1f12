// The reconstruction lab: the wiring of its controls, pictures and curves. Iterates come from worker.js.

import { Curve } from "./charts.js";
import { button, Checkbox, Choice, element, group, Slider } from "./controls.js";
import { busiest, number, rgb, rgbSigned, roundUp, Tile } from "./pictures.js";
import { channelsOf, FILE, PHANTOM, PHOTO, SLICE, theCatalog, CT, DENOISING, INPAINTING, MRI } from "./scene.js";
import { AUTO, METHODS } from "./solver.js";
import { fromAddress, matters, toAddress, toPython } from "./state.js";
import { STOPS } from "./stopping.js";
import { meanOfChannels, subtract } from "./vectors.js";

const ERROR_LIMIT = 0.3; // the same scale of errors in every run, so that runs can be compared
const CURVES = {
  "objective J": (it) => it.objective,
  "data term ‖Ax − y‖²": (it) => it.data,
  "λΨ(x)": (it, weight) => weight * it.psi,
  "gradient ‖∇J‖": (it) => it.gradientNorm,
  "PSNR in dB": (it) => it.quality.psnr,
  SSIM: (it) => it.quality.ssim,
};
const byId = (id) => document.getElementById(id);

class ReconstructionLab {
  run = null; // {id, settings, channels, truth, y, naive, weight, iterates}
  id = 0;
  file = null;
  hidden = [];
  follow = true;

  constructor(catalog) {
    this.catalog = catalog;
    byId("credits").textContent = `Photographs: ${catalog.credits.join(", ")}.`;
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => data.id === this.id && this.#heard(data);
    this.worker.onerror = (error) => this.#notice(`The computation did not start: ${error.message ?? "reload the page"}.`, true);
    this.#makeControls();
    this.#makeViews();
    addEventListener("hashchange", () => location.hash !== this.address && this.open(location.hash));
    this.open(location.hash);
  }

  #makeControls() {
    const { images, operators } = this.catalog;
    this.controls = {
      image: new Choice("image", "What is measured", [PHANTOM, PHOTO, SLICE, FILE]),
      number: new Slider("image number", "Another number is another patient or photograph", 0, images - 1, 1),
      operator: new Choice("operator A", "How it is measured", [CT, DENOISING, INPAINTING, MRI]),
      angles: new Slider("number of angles", "Views of the scanner in half a turn", 10, 90, 10),
      share: new Slider("measured, %", "Pixels seen, or lines of k-space taken", 10, 90, operators[MRI].shareStep),
      sigma: new Slider("noise σ", "Standard deviation of the noise; the draw stays", 0, 0.3, 0.001),
      critic: new Choice("critic Ψ", "The regulariser: those that fit the image", []),
      weight: new Slider("weight λ", "Of the regulariser Ψ", 0, 150, 0.01),
      byFormula: new Checkbox("λ by formula", "λ = 2 E‖A*e‖ (§5.1)"),
      method: new Choice("method", "How the objective is minimised", METHODS),
      step: new Slider("step size ε", "Of Algorithm 2; for the data term alone stable below 1/‖A‖²", 0.01, 1.5, 0.01),
      findStep: new Checkbox("find step size", "The solver finds it on the way, so that J never rises"),
      steps: new Slider("steps", "Iterations of Algorithm 2 at most", 10, 600, 10),
      start: new Choice("start x₀", "Where Algorithm 2 begins", ["A†y", "zero"]),
      stop: new Choice("stop", "When to end; no rule sees the truth", Object.keys(STOPS)),
    };
    const c = this.controls;
    this.upload = element("input", { type: "file", accept: "image/*", id: "file", ariaLabel: "your file: a photograph, which stays on this machine" });
    this.upload.addEventListener("change", () => this.#opened());
    const newNoise = button("new noise", "Another draw of e", () => this.start({ noise: this.settings.noise + 1 }));
    const copy = button("copy link", "The address of these settings", () => this.#copy());
    const reset = button("reset", "All settings as at the beginning", () => this.open(""));
    byId("controls").append(
      group("Measurement y = Ax + e", ...["image", "number", "operator", "angles", "share", "sigma"].map((key) => c[key].element),
        element("div", { className: "row" }, newNoise, element("label", { className: "button", htmlFor: "file", textContent: "your file" }), this.upload)),
      group("Reconstruction", ...["critic", "weight", "byFormula", "method", "step", "findStep", "steps", "start", "stop"].map((key) => c[key].element),
        element("div", { className: "row" }, copy, reset)),
    ); // prettier-ignore
    for (const [key, control] of Object.entries(c)) control.listen(() => (key === "operator" ? this.#otherOperator() : this.start()));
  }

  #makeViews() {
    const { size, colours } = this.catalog;
    const tile = (where, side = size) => {
      const made = new Tile(side, colours);
      byId(where).append(made.element);
      return made;
    };
    const [truth, naive, iterate, error, change] = Array.from({ length: 5 }, () => tile("pictures"));
    this.tiles = { truth, naive, iterate, error, change, detail: tile("pictures", size / 2), byData: tile("parts"), byCritic: tile("parts") };
    this.curves = Object.keys(CURVES).map((name) => new Curve(name));
    byId("curves").append(...this.curves.map((curve) => curve.element));
    const last = size - size / 4;
    this.scrubber = new Slider("iterate", "Look at any iterate; nothing is computed again", 0, 0, 1, true);
    this.row = new Slider("detail: row", "First row of the magnified square", 0, last, 1, true);
    this.column = new Slider("detail: column", "First column of the magnified square", 0, last, 1, true);
    this.play = button("play", "Play the iterates", () => this.#play(!this.playing));
    byId("scrubber").append(this.play, this.scrubber.element);
    byId("detail").append(this.row.element, this.column.element);
    this.scrubber.listen(() => {
      this.#play(false);
      this.#look();
    });
    this.row.listen(() => this.#redraw());
    this.column.listen(() => this.#redraw());
    byId("parts-of-step").addEventListener("toggle", () => this.#redraw());
  }

  /** What the controls say now. */
  get settings() {
    const { byFormula, findStep, ...others } = this.controls, said = Object.fromEntries(Object.entries(others).map(([key, c]) => [key, c.value]));
    const found = { weight: byFormula.value ? null : said.weight, step: findStep.value ? AUTO : said.step, stop: STOPS[said.stop] };
    return { ...said, ...found, noise: this.noise };
  }

  /** Show the settings of an address, and run. */
  open(hash) {
    const { settings, hidden, strange } = fromAddress(hash);
    this.hidden = hidden;
    this.noise = settings.noise;
    const { weight, noise, step, stop, ...others } = settings, c = this.controls;
    c.sigma.range(0, this.catalog.operators[others.operator]?.limit ?? 0.3);
    [c.byFormula.value, c.findStep.value] = [weight === null, step === AUTO];
    c.step.value = step === AUTO ? (this.catalog.operators[others.operator]?.step ?? 0.5) : step;
    c.stop.value = Object.keys(STOPS).find((words) => STOPS[words] === stop) ?? c.stop.options[0];
    this.#fit(others.image, others.operator);
    for (const [key, value] of Object.entries(others)) c[key].value = value;
    if (weight !== null) this.#showWeight(weight);
    const refused = Object.entries(settings).filter(([key, value]) => value !== this.settings[key]).map(([key, value]) => `${key}=${value}`);
    this.start();
    const unread = [...new Set([...strange, ...refused])];
    if (unread.length) this.#notice(`The address says what this page has not: ${unread.join(", ")}.`, true);
  }

  /** Measure and reconstruct what the controls say, with some `changes`. */
  start(changes = {}) {
    this.noise = changes.noise ?? this.noise;
    const { image, operator } = this.controls;
    this.#fit(image.value, operator.value);
    this.#notice("");
    this.#play(false);
    this.follow = true;
    const { settings } = this;
    this.address = toAddress(settings, this.hidden);
    byId("code").textContent = toPython(settings, this.upload.files[0]?.name);
    history.replaceState(null, "", this.address === "#" ? location.pathname + location.search : this.address);
    this.id += 1;
    this.pending = { id: this.id, settings, channels: channelsOf(settings), iterates: [] };
    byId("status").ariaBusy = "true";
    const file = settings.image === FILE ? this.file : null, cores = navigator.hardwareConcurrency;
    this.worker.postMessage({ id: this.id, settings, file, cores });
  }

  /** Show the controls that matter, and offer the critics that fit. */
  #fit(image, operator) {
    const c = this.controls, shown = matters({ image, operator }), channels = channelsOf({ image, operator });
    for (const [key, control] of Object.entries(c)) control.show((shown[key] ?? true) && !this.hidden.includes(key));
    c.weight.enable(!c.byFormula.value);
    c.step.enable(!c.findStep.value);
    const fitting = this.catalog.critics.filter((critic) => critic.channels === channels).map((critic) => critic.name);
    const own = this.catalog.operators[operator]?.critic;
    if (c.critic.options.join() === fitting.join()) return;
    const before = c.critic.value;
    c.critic.offer(fitting);
    c.critic.value = [before, own, fitting[0]].find((name) => fitting.includes(name));
  }

  /** Another operator measures on another scale: begin with its own noise, share, step size and critic. */
  #otherOperator() {
    const c = this.controls, { sigma, limit, step, share, critic } = this.catalog.operators[c.operator.value];
    c.sigma.range(0, limit);
    [c.sigma.value, c.step.value, c.share.value] = [sigma, step, share];
    this.#fit(c.image.value, c.operator.value);
    c.critic.value = critic;
    this.start();
  }

  #showWeight(weight) {
    const { weight: slider, operator } = this.controls;
    slider.range(0, Math.max(operator.value === CT ? 3 : 150, Math.ceil(weight)));
    slider.value = weight;
  }

  /** What the worker says of the newest run. */
  #heard({ kind, ...content }) {
    if (kind === "failed") return this.#failed(content.message);
    if (kind === "measured") {
      this.run = Object.assign(this.pending, content);
      this.#measured();
    } else if (kind === "iterate") {
      this.run.iterates.push(content);
      if (content.done) this.#ended(this.#lastWords(content));
    } else if (kind === "runtime") {
      Object.assign(this.run, content);
    } else if (kind === "diverged") {
      this.#ended(`The run diverged at iterate ${content.k}: lower the step size ε or λ. Iterates before it can still be looked at.`, true);
    }
    this.#redraw();
  }

  #lastWords({ k, stopped, gradientNorm }) {
    const rest = `‖∇J‖ is ${this.#share(gradientNorm)}`;
    if (stopped) return `The rule ended the run at iterate ${k}: ${rest}.`;
    const { stop } = this.run.settings, missed = stop === "none" ? "" : " before the rule was met: raise “steps”, or let the solver find its step";
    return `All ${k} steps are taken${missed}. ${rest}.`;
  }

  #share = (slope) => (this.run.weight > 0 ? `${number(slope / this.run.weight)} λ` : number(slope));

  #measured() {
    const { settings, channels, truth, weight } = this.run, scene = [settings.image, settings.number, channels].join();
    if (settings.weight === null) this.#showWeight(weight);
    if (scene !== this.scene || settings.image === FILE) {
      const place = busiest(truth, channels, this.catalog.size / 4);
      [this.row.value, this.column.value, this.scene] = [place.row, place.column, scene];
    }
  }

  #ended(words, warning = false) {
    this.kept ??= navigator.serviceWorker?.register("offline.js"); // 11 MB more, once nobody waits; by https or from this machine
    byId("status").ariaBusy = "false";
    this.#notice(words, warning);
  }

  #failed(message) {
    this.run = null;
    for (const [name, tile] of Object.entries(this.tiles)) tile.clear(name);
    this.curves.forEach((curve) => curve.clear());
    byId("status").textContent = "No iterate.";
    this.#ended(message, true);
  }

  #notice(words, warning = false) {
    byId("notice").textContent = words;
    byId("notice").className = warning ? "warning" : "";
  }

  #look() {
    this.follow = false;
    this.#redraw();
  }

  #redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (this.run?.id === this.id) this.#draw();
    });
  }

  /** Pictures, curves and words of the iterate at the scrubber. */
  #draw() {
    const { run, tiles, catalog } = this, { channels, truth, naive, quality, iterates } = run, side = catalog.size / 4;
    tiles.truth.image(truth, channels, "ground truth x*");
    tiles.naive.image(naive, channels, `A†y: ${quality.psnr.toFixed(1)} dB`, `PSNR ${quality.psnr.toFixed(2)} dB`);
    for (const name of ["truth", "naive", "iterate"]) tiles[name].mark(this.row.value, this.column.value, side);
    if (!iterates.length) return this.#drawNothing();
    const last = iterates.length - 1;
    this.scrubber.range(0, Math.max(1, last));
    if (this.follow) this.scrubber.value = last;
    const k = Math.min(this.scrubber.value, last), it = iterates[k];
    this.#drawIterate(it, k);
    const whole = iterates[last].done ? last : run.settings.steps;
    this.curves.forEach((curve) => curve.draw(iterates.map((it) => CURVES[curve.name](it, run.weight)), whole, k));
    byId("status").textContent = `Iterate ${k} of ${whole}: PSNR ${it.quality.psnr.toFixed(2)} dB`;
    byId("numbers").textContent = this.#numbers(it);
  }

  #drawNothing() {
    for (const name of ["iterate", "error", "change", "detail", "byData", "byCritic"]) this.tiles[name].clear("no iterate yet");
    this.curves.forEach((curve) => curve.clear());
    byId("status").textContent = "The critic is on its way.";
    byId("numbers").textContent = "";
  }

  #drawIterate(it, k) {
    const { run, tiles, catalog } = this, { channels, truth, naive, iterates } = run, side = catalog.size / 4;
    const { psnr, ssim } = it.quality, error = subtract(it.x, truth);
    tiles.iterate.image(it.x, channels, `iterate ${k}: ${psnr.toFixed(1)} dB`, `PSNR ${psnr.toFixed(2)} dB, SSIM ${ssim.toFixed(3)}`);
    tiles.error.signed(error, channels, "error x − x*", ERROR_LIMIT);
    const parts = { change: subtract(it.x, iterates[Math.max(k - 1, 0)].x), byData: it.byData, byCritic: it.byCritic };
    const largest = Math.max(...Object.values(parts).filter(Boolean).map((u) => meanOfChannels(u, channels).reduce((a, b) => Math.max(a, Math.abs(b)), 0)));
    const titles = { change: `change from iterate ${k - 1}`, byData: "−ε · 2A*(Ax − y)", byCritic: "−ε · λ∇Ψ(x)" };
    for (const [name, part] of Object.entries(parts)) {
      if (k && part) tiles[name].signed(part, channels, titles[name], roundUp(largest));
      else tiles[name].clear("no change yet");
    }
    const u = meanOfChannels(error, channels), pictures = [truth, naive, it.x].map((image) => rgb(image, channels));
    const [row, column] = [this.row.value, this.column.value];
    const words = `Detail, rows ${row} to ${row + side - 1}, columns ${column} to ${column + side - 1}, of x*, A†y, x and error.`;
    tiles.detail.mosaic([...pictures, rgbSigned(u, ERROR_LIMIT, catalog.colours)], row, column, "detail: x*, A†y, x, error", words);
  }

  #numbers(it) {
    const { weight, quality, iterates, threads } = this.run, best = iterates.reduce((a, b) => (b.quality.psnr > a.quality.psnr ? b : a));
    return `SSIM ${it.quality.ssim.toFixed(3)} (A†y ${quality.psnr.toFixed(1)} dB, best ${best.quality.psnr.toFixed(1)} dB at iterate ${best.k}).
      Objective ${number(it.objective)} = data term ${number(it.data)} + λ ${number(weight)} × Ψ ${number(it.psi)}.
      Gradient norm ${number(it.gradientNorm)}. Step size ε ${number(it.stepSize)}${it.k && !it.moved ? ", halved: x stayed where J would rise" : ""}.
      Computed in this page by ${threads === 1 ? "one thread" : `${threads} threads`}.`;
  }

  #play(on) {
    clearInterval(this.playing);
    this.playing = on ? setInterval(() => this.#turn(), 80) : null;
    this.play.textContent = on ? "pause" : "play";
    if (on && this.run && this.scrubber.value >= this.run.iterates.length - 1) this.scrubber.value = 0;
  }

  #turn() {
    if (this.scrubber.value >= (this.run?.iterates.length ?? 0) - 1) return this.#play(false);
    this.scrubber.value += 1;
    this.#look();
  }

  /** A file came: its middle, as `size` x `size` pixels in colour. It never leaves the page. */
  async #opened() {
    const [file] = this.upload.files;
    if (!file) return;
    try {
      this.file = await decoded(file, this.catalog.size);
    } catch {
      return this.#notice(`${file.name}: expected a photograph that this browser can show, such as PNG or JPEG. Convert it.`, true);
    } finally {
      this.upload.value = ""; // the same file can be chosen again
    }
    this.controls.image.value = FILE;
    this.start();
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(location.href);
      this.#notice("The link is copied.");
    } catch {
      this.#notice(`This browser does not let a page copy. The link: ${location.href}`);
    }
  }
}

async function decoded(file, size) {
  const bitmap = await createImageBitmap(file), side = Math.min(bitmap.width, bitmap.height);
  const context = element("canvas", { width: size, height: size }).getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // what is transparent is laid on white
  context.fillRect(0, 0, size, size);
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, size, size);
  const { data } = context.getImageData(0, 0, size, size), n = size ** 2;
  return Float32Array.from({ length: 3 * n }, (_, i) => data[4 * (i % n) + Math.floor(i / n)] / 255);
}

globalThis.lab = new ReconstructionLab(await theCatalog()); // in the console: lab.run has all iterates
