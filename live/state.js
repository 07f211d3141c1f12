// The settings, and the address that carries them: a link is an exercise.

import { CT, FILE, INPAINTING, MRI, PHANTOM } from "./scene.js";
import { AUTO } from "./solver.js";

export const DEFAULTS = {
  image: PHANTOM, number: 0, operator: CT, angles: 30, share: 50, sigma: 0.02, noise: 0, critic: "ct-thorax",
  weight: null, // by formula
  method: "gradient-descent", step: AUTO, steps: 400, start: "A†y", stop: "gradient",
}; // prettier-ignore

/** The address of settings: what is as it was at the beginning is left out. Kept: `hide`. */
export function toAddress(settings, hidden, defaults = DEFAULTS) {
  const said = Object.entries(settings).filter(([key, value]) => value !== defaults[key]);
  const parameters = new URLSearchParams(said);
  if (hidden.length) parameters.set("hide", hidden.join());
  return `#${parameters}`;
}

/** The settings of an address, the controls that it hides, and what it says that nothing here understands. */
export function fromAddress(hash, defaults = DEFAULTS) {
  const parameters = new URLSearchParams(hash.slice(1)), settings = { ...defaults }, strange = [];
  const hidden = parameters.get("hide")?.split(",") ?? [];
  parameters.delete("hide");
  for (const [key, text] of parameters) {
    const numeric = typeof defaults[key] === "number" || key === "weight" || (key === "step" && text !== AUTO);
    if (!Object.hasOwn(defaults, key) || (numeric && (text.trim() === "" || !Number.isFinite(Number(text))))) strange.push(`${key}=${text}`);
    else settings[key] = numeric ? Number(text) : text;
  }
  return { settings, hidden, strange };
}

const PYTHON = { weight: "reg_weight", step: "step_size" };
const python = (value) => (typeof value === "string" ? JSON.stringify(value) : String(value));

/** The lines that open JupyterLab's lab with these settings, on the same noise; `file`, the name of one's own. */
export function toPython(settings, file) {
  const said = Object.entries(settings).filter(([key, value]) => value !== DEFAULTS[key]);
  const pairs = said.map(([key, value]) => {
    if (key === "stop") return ["stop", { none: "None", discrepancy: '"discrepancy"' }[value] ?? value];
    return [PYTHON[key] ?? key, python(value)];
  });
  if (settings.image === FILE) pairs.push(["file", `(${python(file ?? "yours.png")}, None)`]); // beside the notebook
  const given = pairs.map(([key, value]) => `    ${python(key)}: ${value},\n`).join("");
  return `from advreg_edu.apps import reconstruction_lab\n\nreconstruction_lab(${given && `settings={\n${given}}`})\n`;
}

/** Which of the controls matter for these settings. */
export const matters = ({ image, operator }) => ({
  number: ![FILE, "CT slice"].includes(image),
  angles: operator === CT,
  share: operator === INPAINTING || operator === MRI,
});
