// Measures and reconstructs beside the page, so that controls answer while iterates are computed.

import { loadCritic, threads } from "./critic.js";
import { psnr, ssim } from "./metrics.js";
import { channelsOf, measured, theCatalog } from "./scene.js";
import { iterates } from "./solver.js";
import { stoppingRule } from "./stopping.js";
import { clamp } from "./vectors.js";

const critics = new Map();
let newest = 0;

/** Lets a message in: a newer run ends this one. */
const breath = () => new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => (port1.close(), done());
  port2.postMessage(0);
});

function critic(name, channels, size, cores) {
  if (!critics.has(name)) critics.set(name, loadCritic(name, channels, size, cores));
  return critics.get(name);
}

async function run(id, settings, file, cores) {
  const say = (kind, content) => id === newest && postMessage({ id, kind, ...content });
  const { size } = await theCatalog();
  const { truth, A, y, naive, formula } = await measured(settings, file);
  const weight = settings.weight ?? formula, quality = (x) => ({ psnr: psnr(x, truth), ssim: ssim(x, truth, size) });
  say("measured", { truth, y, naive, weight, quality: quality(clamp(naive)) });
  const x0 = settings.start === "zero" ? new Float32Array(naive.length) : naive;
  const psi = await critic(settings.critic, channelsOf(settings), size, cores);
  if (id !== newest) return;
  const ended = stoppingRule(settings.stop, { A, y, sigma: settings.sigma, weight, formula });
  let first, before;
  say("runtime", { threads: threads(cores) });
  for await (const it of iterates({ A, y, critic: psi, weight, method: settings.method, stepSize: settings.step, x0 })) {
    first ??= it.objective;
    if (!(it.objective < 1e3 * first + 1)) return say("diverged", { k: it.k });
    const { k, x, objective, data, gradientNorm, byData, byCritic, moved, stepSize } = it, stopped = ended(it, before), done = stopped || k >= settings.steps;
    const shown = { k, x, objective, data, psi: it.psi, gradientNorm, byData, byCritic, moved, stepSize, stopped, done };
    say("iterate", { ...shown, quality: quality(clamp(x)) });
    before = x;
    await breath();
    if (done || id !== newest) return;
  }
}

onmessage = ({ data: { id, settings, file, cores } }) => {
  newest = id;
  run(id, settings, file, cores).catch((error) => id === newest && postMessage({ id, kind: "failed", message: error.message }));
};
