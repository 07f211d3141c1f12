// The critic lab: the wiring of its controls, maps and curves. Everything is computed here, between two pictures.

import { ONE, Training, TWO } from "./algorithm_1.js";
import { transport } from "./assignment.js";
import { button, Checkbox, Choice, element, group, Slider, Text } from "./controls.js";
import { asCode, pairTable, theorems, verdict } from "./critic_words.js";
import { LineChart } from "./lines.js";
import { Pad } from "./pad.js";
import { number } from "./pictures.js";
import { lattice, onGrid, PlaneMap, range } from "./plane.js";
import { theCatalog } from "./scene.js";
import { fromAddress, toAddress } from "./state.js";
import * as theory from "./theory.js";
import { OWN, simplified, worldOf, WORLDS } from "./worlds.js";

const FAST = "as fast as it goes", SLOW = "one step a picture";
const DEFAULTS = {
  world: "circle", drawing: "0.15 0.3; 0.35 0.75; 0.6 0.3; 0.85 0.7", sigma: 0.05, along: 0, seed: 1,
  penalty: 60, sides: ONE, rate: 0.01, steps: 300, eta: 0,
  weight: null, // by formula
  pace: FAST,
}; // prettier-ignore
const AFRESH = ["world", "drawing", "sigma", "along"], KNOBS = ["penalty", "sides", "rate"];
const byId = (id) => document.getElementById(id);

function isDrawing(text) {
  try {
    return Boolean(worldOf(OWN, text));
  } catch {
    return false;
  }
}

class CriticLab {
  running = false;
  memory = {}; // {name: [key, value]}: what need not be computed again
  drawing = 16; // milliseconds that the newest pictures took
  moved = null; // the step before which a knob was moved last

  constructor(catalog) {
    this.#makeControls();
    this.#makeViews(catalog);
    addEventListener("hashchange", () => location.hash !== this.address && this.open(location.hash));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#ask());
    this.open(location.hash);
  }

  #makeControls() {
    const c = (this.controls = {
      world: new Choice("manifold M", "Where the true points lie", WORLDS),
      drawing: new Text("points of M", "Corners of your own line, x y; x y; ... between 0 and 1"),
      sigma: new Slider("noise σ", "Standard deviation of the noise across M; the draw stays", 0.01, 0.2, 0.01, true),
      along: new Slider("along M", "Share of the noise along M; 0 obeys Assumption 2", 0, 1, 0.1, true),
      penalty: new Slider("penalty μ/σ", "Weight of the fine in Eq. 6, in units of the noise; moves while it trains", 0, 200, 1),
      sides: new Choice("fine", "One-sided as in Eq. 6: slopes below 1 cost nothing. Two-sided: every slope but 1 is fined", [ONE, TWO]),
      rate: new Slider("learning rate", "Of Adam, at its peak; moves while it trains", 0.001, 0.05, 0.001),
      steps: new Slider("steps n", "Of Algorithm 1, 128 pairs each; more of them continue a training", 20, 2000, 20),
      eta: new Slider("step η", "Length of a step against ∇Ψ (Eq. 8)", 0, theory.ETAS.at(-1), 0.01, true),
      weight: new Slider("weight λ", "Of Ψ in ‖x − y‖² + λΨ(x)", 0, 0.8, 0.001, true),
      byFormula: new Checkbox("λ by formula", "λ = 2 E‖A*e‖ (§5.1), here with A = I"),
      pace: new Choice("pace", "How many steps between two pictures", [FAST, SLOW]),
    });
    const row = (...parts) => element("div", { className: "row" }, ...parts), of = (...keys) => keys.map((key) => c[key].element);
    this.pencil = button("draw M", "Then draw on the first map, with the mouse or a finger", () => this.#arm(!this.armed));
    const another = button("new draw", "Other samples, other first weights", () => this.#fresh({ seed: this.seed + 1 }));
    const copy = button("copy link", "The address of these settings", () => this.#copy());
    const reset = button("reset", "All settings as at the beginning", () => this.open(""));
    byId("controls").append(
      group("Points: on M, and with noise", ...of("world", "drawing", "sigma", "along"), row(this.pencil, another)),
      group("Algorithm 1", ...of("penalty", "sides", "rate", "steps", "pace")),
      group("What Ψ is good for", ...of("eta", "weight", "byFormula"), row(copy, reset)),
    );
    this.go = button("pause", "Pause the training, or go on", () => this.#go());
    this.one = button("one step", "One step of Algorithm 1", () => this.#oneStep());
    const restart = button("restart", "A fresh critic", () => this.#fresh());
    byId("training").append(this.go, this.one, restart);
    for (const [key, control] of Object.entries(c)) control.listen(() => this.#changed(key));
  }

  #makeViews({ magnitudes }) {
    this.maps = Object.fromEntries(["samples", "critic", "truth", "descent"].map((name) => [name, new PlaneMap(magnitudes)]));
    byId("pictures").append(...Object.values(this.maps).map((map) => map.element));
    this.charts = {
      decay: new LineChart("Wass(P_r, P_η)", "η"),
      gap: new LineChart("gap of each batch", "step"),
      slope: new LineChart("slope ‖∇Ψ‖ on the lines", "step"),
      weight: new LineChart("mean distance to M", "λ"),
    };
    byId("curves").append(...Object.values(this.charts).map((chart) => chart.element));
    // A finger, which also scrolls, draws once “draw M” is pressed
    const allowed = ({ pointerType }) => !this.hidden.includes("drawing") && (this.armed || pointerType !== "touch");
    this.pad = new Pad(this.maps.samples.canvas, { allowed, moved: () => this.#ask(), ended: (stroke) => this.#drawn(stroke) });
  }

  /** A stroke on the first map is a manifold. */
  #drawn(stroke) {
    this.#arm(false);
    this.#ask();
    if (!stroke) return;
    try {
      this.controls.drawing.value = simplified(stroke);
    } catch (error) {
      return this.#notice(error.message, true);
    }
    this.controls.world.value = OWN;
    this.#fresh();
  }

  #arm(on) {
    this.armed = on;
    this.pencil.ariaPressed = String(on);
    this.maps.samples.canvas.classList.toggle("armed", on);
  }

  /** What the controls say now. */
  get settings() {
    const { byFormula, ...others } = this.controls, said = Object.fromEntries(Object.entries(others).map(([key, c]) => [key, c.value]));
    return { ...said, weight: byFormula.value ? null : said.weight, seed: this.seed };
  }

  /** What is shown: a drawing that is none starts no training, and the one before goes on. */
  get now() {
    return { ...this.settings, ...this.shown };
  }

  /** Show the settings of an address, and train. */
  open(hash) {
    const { settings, hidden, strange } = fromAddress(hash, DEFAULTS), { weight, seed, ...others } = settings, c = this.controls;
    if (!isDrawing(others.drawing)) others.drawing = DEFAULTS.drawing;
    this.hidden = hidden;
    c.byFormula.value = weight === null;
    for (const [key, value] of Object.entries(others)) c[key].value = value;
    if (weight !== null) c.weight.value = weight;
    const whole = Number.isInteger(seed) && seed >= 0;
    this.#fresh({ seed: whole ? seed : DEFAULTS.seed });
    const refused = Object.entries(settings).filter(([key, value]) => value !== this.settings[key]).map(([key, value]) => `${key}=${value}`);
    const unread = [...new Set([...strange, ...refused])];
    if (unread.length) this.#notice(`The address says what this page has not: ${unread.join(", ")}.`, true);
  }

  /** A fresh critic for the points that the controls ask for. */
  #fresh({ seed = this.seed } = {}) {
    this.seed = seed;
    const { world, drawing } = this.controls;
    if (world.value !== OWN && !isDrawing(drawing.value)) drawing.value = this.shown.drawing; // it is not seen, and would be in the link
    const { settings } = this;
    for (const [key, control] of Object.entries(this.controls)) control.show(!this.hidden.includes(key));
    this.pencil.hidden = this.hidden.includes("drawing");
    this.controls.drawing.show(settings.world === OWN && !this.hidden.includes("drawing"));
    this.#notice("");
    try {
      const key = [settings.world, settings.world === OWN && settings.drawing].join();
      this.world = this.#kept("world", key, () => worldOf(settings.world, settings.drawing));
    } catch (error) {
      this.#ask();
      return this.#notice(error.message, true); // the training that is shown goes on
    }
    this.shown = Object.fromEntries([...AFRESH, "seed"].map((key) => [key, settings[key]]));
    this.samples = theory.judged(this.world, settings);
    this.training = new Training(this.world, settings);
    this.moved = null;
    this.#run(true);
  }

  #changed(key) {
    const { training, settings } = this, over = training.done >= this.total;
    this.#notice("");
    if (AFRESH.includes(key)) return this.#fresh();
    if (key === "steps" ? settings.steps < training.done : KNOBS.includes(key) && over) return this.#fresh();
    if (key === "steps" && over) return this.#run(true); // the training is continued
    if (KNOBS.includes(key) && training.done) this.moved = training.done;
    this.#ask();
  }

  /** Train, or pause. */
  #run(on) {
    this.#notice("");
    this.running = on;
    this.total = this.controls.steps.value;
    this.#ask();
  }

  #go() {
    if (this.training.done >= this.total) this.#fresh();
    else this.#run(!this.running);
  }

  #oneStep() {
    this.#run(false);
    this.#step();
    this.#ask();
  }

  /** One step of Algorithm 1 with the knobs as they are now. */
  #step() {
    const { penalty, sigma, sides, rate } = this.now;
    try {
      this.training.step({ gpWeight: penalty * sigma, sides, rate, steps: this.total });
    } catch (error) {
      this.running = false;
      this.#notice(error.message, true);
    }
    if (this.training.done >= this.total) this.running = false;
    if (!this.running) this.offline ??= navigator.serviceWorker?.register("offline.js"); // the whole site, once nobody waits
  }

  #ask() {
    this.asked ??= requestAnimationFrame(() => this.#frame());
  }

  /** Steps for as long as pictures take, then pictures. */
  #frame() {
    this.asked = null;
    this.total = this.controls.steps.value;
    const until = performance.now() + (this.controls.pace.value === FAST ? this.drawing : 0);
    if (this.running) do this.#step(); while (this.running && performance.now() < until); // prettier-ignore
    const before = performance.now();
    this.draw();
    this.drawing = performance.now() - before;
    if (this.running) this.#ask();
  }

  /** The value of `make()`, which depends on the key alone. */
  #kept(name, key, make) {
    if (this.memory[name]?.[0] !== key) this.memory[name] = [key, make()];
    return this.memory[name][1];
  }

  /** Everything that is seen, from what is known now. */
  draw() {
    const { training, samples, world, now: settings } = this, over = training.done >= this.total, critic = over ? training.averaged : training.critic;
    if (this.lookedAt?.training !== training || this.lookedAt.done !== training.done || this.lookedAt.over !== over) {
      const direction = theory.gradients(critic, samples.noisy);
      this.lookedAt = { training, done: training.done, over, direction, ...theory.measures(critic, samples, direction) };
      this.lookedAt.decay = theory.decay(samples, direction);
      this.lookedAt.heat = onGrid((x, y) => critic.value(x, y));
      this.lookedAt.field = theory.gradients(critic, lattice);
    }
    const truth = this.#kept("truth", world, () => onGrid((x, y) => world.distance(x, y))), look = this.lookedAt;
    const formula = theory.weightByFormula(world, settings), weight = settings.weight ?? formula;
    if (look.weight !== weight) Object.assign(look, { weight, x: theory.descended(critic, samples.noisy, weight) });
    this.#showWeight(weight);
    this.#drawMaps(look, truth);
    this.#drawCharts(look, formula);
    this.#say(look, formula);
    byId("pair").innerHTML = pairTable(training, settings.sides);
    this.#remember();
  }

  #showWeight(weight) {
    const { weight: slider, byFormula } = this.controls;
    slider.enable(!byFormula.value);
    if (byFormula.value) slider.value = weight;
  }

  #drawMaps(look, truth) {
    const { world, samples, training } = this, { stroke } = this.pad, { real, noisy } = samples, { eta } = this.settings;
    const moved = eta ? theory.flow(noisy, look.direction, eta) : noisy, plan = eta ? transport(real, moved, samples.prices) : samples;
    const limits = range(look.heat, truth), ways = theory.lines(moved, real, plan.targets);
    if (limits[0] < 0.05 * limits[1]) limits[0] = Math.min(0, limits[0]); // a distance begins at 0, though no cell lies on M
    look.after = plan.distance;
    const drawn = stroke ? { path: stroke, isolated: false, name: "the line that is being drawn" } : world;
    this.maps.samples.draw({ title: eta ? `earth to move after a step of η = ${eta}` : "earth to move: x_n to M", world: drawn, ways, dots: [[moved, "full"]],
      words: `${theory.SAMPLES} points, each carried along a line, ${number(plan.distance)} in the mean` }); // prettier-ignore
    this.maps.critic.draw({ title: `Ψ and −∇Ψ, step ${look.done}`, world, heat: look.heat, limits, field: look.field, pair: training.pair && { ...training.pair, ...training.pair.after },
      words: `${lattice.length / 2} arrows downhill${training.pair ? "; one pair x_r, x_n with x_i between them" : ""}` }); // prettier-ignore
    this.maps.truth.draw({ title: "true distance d_M", world, heat: truth, limits });
    look.left = theory.meanDistance(world, look.x);
    this.maps.descent.draw({ title: `Algorithm 2 from y, λ = ${number(look.weight)}`, world, ways: theory.lines(noisy, look.x), dots: [[noisy, "open"], [look.x, "full"]],
      words: `${theory.SAMPLES} points, mean distance to M ${number(look.left)}` }); // prettier-ignore
  }

  #drawCharts(look, formula) {
    const { training, samples, moved, total } = this, { eta } = this.settings, knob = moved === null ? {} : { "knob moved": moved };
    const along = (numbers) => numbers.map((y, k) => [k + 1, y]), flat = (y) => [[0, y], [total, y]]; // prettier-ignore
    const { distance } = samples, straight = theory.ETAS.filter((at) => at <= distance).map((at) => [at, distance - at]);
    this.charts.decay.draw({ lines: { exact: theory.ETAS.map((at, k) => [at, look.decay[k]]), "slope −1, a perfect critic": straight },
      span: [0, theory.ETAS.at(-1)], marks: eta ? { η: eta } : {}, dots: eta ? { "after the step": [eta, look.after] } : {} }); // prettier-ignore
    this.charts.gap.draw({ lines: { "Ψ(x_n) − Ψ(x_r)": along(training.wasserstein), "exact Wass(P_r, P_n)": flat(distance) }, span: [0, total], marks: knob });
    this.charts.slope.draw({ lines: { mean: along(training.slope), limit: flat(1) }, span: [0, total], marks: knob });
    const weights = Array.from({ length: 41 }, (_, k) => (k * Math.max(2.5 * formula, look.weight)) / 40);
    this.charts.weight.draw({ lines: { "if Ψ were d_M": weights.map((w) => [w, theory.closedForm(samples.distances, w)]) }, span: [0, weights.at(-1)],
      marks: { "2 E‖A*e‖": formula }, dots: { "with this Ψ": [look.weight, look.left] } }); // prettier-ignore
  }

  #say(look, formula) {
    const { training, samples, running, total } = this, { sigma, eta, sides } = this.settings, done = training.done >= total;
    const state = { step: training.done, total, gap: look.gap, exact: samples.distance, slope: look.slope, error: look.error };
    this.state = { ...state, running };
    byId("status").textContent = `Step ${state.step} of ${total}: gap ${look.gap.toFixed(4)}, exact ${samples.distance.toFixed(4)}, slope ${look.slope.toFixed(3)}`;
    byId("status").ariaBusy = String(running);
    const ideal = theory.closedForm(samples.distances, look.weight);
    byId("numbers").innerHTML = theorems({ ...look, exact: samples.distance, formula, ideal }, { sigma, eta });
    this.go.textContent = running ? "pause" : done ? "train again" : training.done ? "go on" : "train";
    this.one.disabled = done;
    if (!byId("notice").classList.contains("warning")) this.#notice(verdict(state, { running, sides, sigma }));
    byId("code").textContent = asCode(this.now);
  }

  #notice(words, warning = false) {
    if (byId("notice").textContent !== words) byId("notice").textContent = words;
    byId("notice").classList.toggle("warning", warning);
  }

  /** The address says what the controls say, a little later: a browser lets it be written so and so often. */
  #remember() {
    this.writing ??= setTimeout(() => this.#write(), 300);
  }

  #write() {
    clearTimeout(this.writing);
    this.writing = null;
    this.address = toAddress(this.now, this.hidden, DEFAULTS);
    if (location.hash !== this.address) history.replaceState(null, "", this.address === "#" ? location.pathname + location.search : this.address);
  }

  async #copy() {
    this.#write();
    try {
      await navigator.clipboard.writeText(location.href);
      this.#notice("The link is copied.", false);
    } catch {
      this.#notice(`This browser does not let a page copy. The link: ${location.href}`, true);
    }
  }
}

globalThis.lab = new CriticLab(await theCatalog()); // in the console: lab.state, lab.training
