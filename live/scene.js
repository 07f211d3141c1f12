// What is measured and how: images, operators, noise, each by the name that its control shows.

import { fetched } from "./files.js";
import { FourierSampling, Identity, Inpainting } from "./masked.js";
import { normal } from "./random.js";
import { RayTransform } from "./ray_transform.js";
import { map, meanOfChannels } from "./vectors.js";

export const [CT, DENOISING, INPAINTING, MRI] = ["CT", "denoising", "inpainting", "MRI"];
export const [PHANTOM, PHOTO, SLICE, FILE] = ["thorax phantom", "photo", "CT slice", "your file"];

let catalog;
/** What the package says of images, critics, operators and colours. */
export const theCatalog = () => (catalog ??= fetched(new URL("./data/catalog.json", import.meta.url)).then((r) => r.json()));

const files = new Map();
async function bytes(name) {
  if (!files.has(name)) {
    files.set(name, new Uint8Array(await (await fetched(new URL(`./data/${name}.bin`, import.meta.url))).arrayBuffer()));
  }
  return files.get(name);
}

/** 3 where a photograph or a file in colour is denoised or inpainted, else 1: CT and MRI have no colours. */
export function channelsOf({ image, operator }) {
  return [CT, MRI].includes(operator) || [PHANTOM, SLICE].includes(image) ? 1 : 3;
}

/** x in [0, 1]; `file` has three channels. */
export async function truthOf(settings, file) {
  const channels = channelsOf(settings);
  if (settings.image === FILE) {
    if (!file) throw new Error("image: expected a file, got none. Choose one with the button “your file”.");
    return channels === 3 ? file : meanOfChannels(file, 3);
  }
  const number = [PHANTOM, PHOTO].includes(settings.image) ? settings.number : 0;
  return Float32Array.from(await bytes(`${settings.image.replace(" ", "-")}-${channels}-${number}`), (level) => level / 255);
}

let last = {}; // the newest operator: most runs measure as the run before did
/** A. */
export async function operatorOf(settings) {
  const { size, operators } = await theCatalog(), { operator, angles, share } = settings, channels = channelsOf(settings);
  const key = [operator, channels, operator === CT ? angles : share].join();
  if (last.key === key) return last.A;
  last = { key, A: await made() };
  return last.A;

  async function made() {
    if (operator === CT) return new RayTransform(size, angles, operators[CT].norms[angles]);
    if (operator === DENOISING) return new Identity(size, channels);
    const mask = (await bytes(operator)).map((least) => (least <= share ? 1 : 0)); // percent from which on it is measured
    return new (operator === MRI ? FourierSampling : Inpainting)(mask, channels, operators[operator].inverse);
  }
}

/** λ = 2 E‖A*e‖ of §5.1, as the package has found it; it grows with σ. */
export async function weightOf({ operator, angles, share, sigma, image }) {
  const table = (await theCatalog()).operators[operator].weights;
  return sigma * table[`${channelsOf({ image, operator })}/${{ [CT]: angles, [DENOISING]: 0 }[operator] ?? share}`];
}

/** Truth, operator, y = Ax + e, A†y and the weight by formula. The draw stays when σ moves. */
export async function measured(settings, file) {
  const [truth, A] = await Promise.all([truthOf(settings, file), operatorOf(settings)]);
  const e = normal(A.measured, settings.noise), noise = A.where ? A.where(e) : e;
  const y = map((clean, e) => clean + settings.sigma * e, A.forward(truth), noise);
  return { truth, A, y, naive: A.pinv(y), formula: await weightOf(settings) };
}
