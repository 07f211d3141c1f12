// <Ax, y> = <x, A*y>, A A† y = y where that holds, and the transforms that operators are made of. Run: npm test
import assert from "node:assert/strict";
import { test } from "node:test";

import { fourier2d } from "../fourier.js";
import { FourierSampling, Identity, Inpainting } from "../masked.js";
import { psnr, ssim } from "../metrics.js";
import { normal, uniform } from "../random.js";
import { detectorCount, RayTransform } from "../ray_transform.js";
import { AUTO, iterates, METHODS } from "../solver.js";
import { STOPS, stoppingRule } from "../stopping.js";
import { inner, norm, subtract } from "../vectors.js";

const size = 16;
const mask = Uint8Array.from({ length: size ** 2 }, (_, i) => (i * 7) % 5 < 2);
const rows = Uint8Array.from({ length: size ** 2 }, (_, i) => [0, 1, 2, 15, 6].includes(Math.floor(i / size)));
const OPERATORS = {
  "ray transform": new RayTransform(size, 7, 10),
  denoising: new Identity(size, 3),
  inpainting: new Inpainting(mask, 3, "harmonic"),
  "Fourier sampling": new FourierSampling(rows, 2, "exact"),
};
const near = (a, b, tolerance = 1e-5) => assert.ok(norm(subtract(a, b)) <= tolerance * norm(b), `${norm(subtract(a, b)) / norm(b)}`);

for (const [name, A] of Object.entries(OPERATORS)) {
  const x = normal(A.channels * size ** 2, 1), y = normal(A.measured, 2);
  test(`${name}: A* is the transpose of A`, () => {
    const [left, right] = [inner(A.forward(x), y), inner(x, A.adjoint(y))];
    assert.ok(Math.abs(left - right) <= 1e-6 * norm(A.forward(x)) * norm(y));
  });
  test(`${name}: A is linear`, () => near(A.forward(x.map((u) => 3 * u)), A.forward(x).map((u) => 3 * u)));
}

test("A A† A = A for inpainting and Fourier sampling", () => {
  for (const A of [OPERATORS.inpainting, OPERATORS["Fourier sampling"]]) {
    const y = A.forward(normal(A.channels * size ** 2, 3));
    near(A.forward(A.pinv(y)), y);
  }
});

test("a filled hole is the mean of its neighbours", () => {
  const hole = new Uint8Array(size ** 2).fill(1);
  hole[5 * size + 5] = 0;
  const x = normal(size ** 2, 4), filled = new Inpainting(hole, 1, "harmonic").pinv(x);
  const mean = [-1, 1, -size, size].reduce((sum, step) => sum + x[5 * size + 5 + step] / 4, 0);
  assert.ok(Math.abs(filled[5 * size + 5] - mean) < 1e-6);
});

test("the Fourier transform keeps lengths, and comes back", () => {
  const x = normal(size ** 2, 5), re = Float64Array.from(x), im = new Float64Array(size ** 2);
  fourier2d(re, im, size, -1);
  assert.ok(Math.abs(inner(re, re) + inner(im, im) - inner(x, x)) < 1e-9 * inner(x, x));
  fourier2d(re, im, size, 1);
  near(re, x, 1e-7);
});

test("a wave has one frequency", () => {
  const re = Float64Array.from({ length: size ** 2 }, (_, i) => Math.cos((2 * Math.PI * 3 * (i % size)) / size)), im = new Float64Array(size ** 2);
  fourier2d(re, im, size, -1);
  const loud = [...re.keys()].filter((i) => Math.hypot(re[i], im[i]) > 1e-9);
  assert.deepEqual(loud, [3, size - 3]);
});

test("a detector sees every pixel, in each view the whole mass", () => {
  const A = new RayTransform(size, 5, 1), y = A.forward(new Float32Array(size ** 2).fill(1)), width = (size * Math.SQRT2) / detectorCount(size);
  for (let view = 0; view < 5; view++) {
    const mass = y.subarray(view * A.detectors, (view + 1) * A.detectors).reduce((a, b) => a + b, 0) * width;
    assert.ok(Math.abs(mass - size ** 2) < 0.02 * size ** 2, `${mass}`);
  }
});

test("seeded numbers are normal, and the same again", () => {
  const e = normal(100001, 7), mean = e.reduce((a, b) => a + b, 0) / e.length;
  assert.ok(Math.abs(mean) < 0.02 && Math.abs(inner(e, e) / e.length - 1) < 0.02);
  assert.deepEqual(normal(32, 7), e.slice(0, 32).map((_, i) => normal(48, 7)[i]));
  assert.notEqual(uniform(1)(), uniform(2)());
});

const quadratic = async (x) => ({ psi: inner(x, x), gradient: x.map((u) => 2 * u) });
for (const method of METHODS) {
  for (const stepSize of [0.1, AUTO]) {
    test(`${method}, step ${stepSize}: iterates of a quadratic go to its minimum, and line 3 adds up`, async () => {
      const A = OPERATORS.denoising, y = normal(A.measured, 8);
      let before;
      for await (const it of iterates({ A, y, critic: quadratic, weight: 1, method, stepSize, x0: y })) {
        if (it.k === 1 && it.moved) near(it.byData.map((u, i) => u + it.byCritic[i]), subtract(it.x, before), 1e-4);
        before = it.x;
        if (it.k === 100) break;
      }
      near(before, y.map((u) => u / 2), 1e-4);
    });
  }
  test(`${method}: with a step that is found J never rises, and what is refused stays`, async () => {
    const A = OPERATORS.inpainting, y = A.forward(normal(A.measured, 9));
    const bumpy = async (x) => ({ psi: inner(x, x) + x.reduce((sum, u) => sum + Math.cos(9 * u), 0), gradient: x.map((u) => 2 * u - 9 * Math.sin(9 * u)) });
    let before, refused = 0;
    for await (const it of iterates({ A, y, critic: bumpy, weight: 0.5, method, stepSize: AUTO, x0: y })) {
      if (it.k) {
        assert.ok(it.objective <= before.objective + 1e-6 * Math.abs(before.objective));
        if (!it.moved) assert.equal(it.x, before.x, refused++);
      }
      before = it;
      if (it.k === 60) break;
    }
    assert.ok(refused > 0);
  });
}

test("rules end a run where they say, and none sees a truth", () => {
  const A = OPERATORS.inpainting, y = A.forward(normal(A.measured, 3)), x = normal(A.measured, 4);
  const run = { A, y, sigma: 0.1, weight: 2, formula: 1 }, count = 3 * mask.reduce((a, b) => a + b, 0);
  const ends = (stop, it, before) => stoppingRule(stop, run)({ moved: true, x, data: Infinity, ...it }, before);
  assert.deepEqual([0.019, 0.021].map((gradientNorm) => ends("gradient", { gradientNorm })), [true, false]);
  assert.deepEqual([0.99, 1.01].map((share) => ends("discrepancy", { gradientNorm: 0.09, data: share * 0.01 * count })), [true, false]);
  assert.equal(ends("discrepancy", { gradientNorm: 0.019 }), true);
  const near = x.map((u) => 1.0005 * u);
  assert.deepEqual(["0.001", "0.0001", "none"].map((stop) => ends(stop, {}, near)), [true, false, false]);
  assert.equal(ends("0.001", { moved: false }, near), false);
  assert.deepEqual(Object.values(STOPS).length, 6);
});

test("PSNR and SSIM", () => {
  const x = Float32Array.from({ length: size ** 2 }, (_, i) => (i % 7) / 7);
  assert.ok(Math.abs(psnr(x.map((u) => u + 0.1), x) - 20) < 1e-4);
  assert.ok(Math.abs(ssim(x, x, size) - 1) < 1e-12 && ssim(x.map((u) => 1 - u), x, size) < 0);
});
