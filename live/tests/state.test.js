// A link gives the settings back, and says what it does not understand.
import assert from "node:assert/strict";
import { test } from "node:test";

import { DEFAULTS, fromAddress, matters, toAddress, toPython } from "../state.js";

test("an address gives its settings back", () => {
  const settings = { ...DEFAULTS, image: "photo", operator: "denoising", sigma: 0.125, weight: 3.5, start: "zero", noise: 12, step: 0.25, stop: "none" };
  const address = toAddress(settings, ["critic"]);
  assert.deepEqual(fromAddress(address), { settings, hidden: ["critic"], strange: [] });
});

test("what is as at the beginning is left out", () => {
  assert.equal(toAddress(DEFAULTS, []), "#");
  assert.deepEqual(fromAddress("").settings, DEFAULTS);
});

test("what is no setting, or no number, is named", () => {
  const { settings, strange } = fromAddress("#angles=many&colour=red&steps=20&sigma=");
  assert.deepEqual(strange, ["angles=many", "colour=red", "sigma="]);
  assert.deepEqual(settings, { ...DEFAULTS, steps: 20 });
});

test("angles matter in CT, the share in inpainting and MRI", () => {
  assert.deepEqual(matters({ image: "photo", operator: "MRI" }), { number: true, angles: false, share: true });
  assert.deepEqual(matters({ image: "your file", operator: "CT" }), { number: false, angles: true, share: false });
});

test("lines for Jupyter say what differs", () => {
  assert.equal(toPython(DEFAULTS), "from advreg_edu.apps import reconstruction_lab\n\nreconstruction_lab()\n");
  const code = toPython({ ...DEFAULTS, weight: 3.5, step: 0.25, stop: "none", image: "your file" }, 'a "b".png');
  const lines = ['"image": "your file"', '"reg_weight": 3.5', '"step_size": 0.25', '"stop": None', '"file": ("a \\"b\\".png", None)'];
  assert.deepEqual(code.split("\n").filter((line) => line.startsWith("    ")), lines.map((line) => `    ${line},`));
});
