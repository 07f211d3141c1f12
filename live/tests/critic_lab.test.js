// Derivatives are limits of differences, plans are the best of all, points lie where they should. Run: npm test
import assert from "node:assert/strict";
import { test } from "node:test";

import { eq6, ONE, Training, TWO } from "../algorithm_1.js";
import { transport } from "../assignment.js";
import { asCode } from "../critic_words.js";
import { DistanceCritic } from "../distance_critic.js";
import { CELLS, contour, onGrid } from "../plane.js";
import { uniform } from "../random.js";
import { decay, judged, measures, weightByFormula } from "../theory.js";
import { cornersOf, OWN, simplified, worldOf, WORLDS } from "../worlds.js";

const DRAWING = "0.1 0.2; 0.5 0.8; 0.9 0.3";
const close = (a, b, tolerance = 1e-7) => assert.ok(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)), `${a} is not ${b}`);
const points = (count, seed) => Float64Array.from({ length: 2 * count }, uniform(seed));

/** The derivative of f(critic) by each weight, as a difference. */
function differences(critic, f, h = 1e-6) {
  return critic.weights.map((w, k) => {
    const [above, below] = [w + h, w - h].map((moved) => {
      critic.weights[k] = moved;
      return f(critic);
    });
    critic.weights[k] = w;
    return (above - below) / (2 * h);
  });
}

test("grad Psi is the derivative of Psi", () => {
  const critic = new DistanceCritic(1), h = 1e-6;
  for (const [x, y] of [[0.3, 0.7], [0.9, 0.1], [0.5, 0.5]]) {
    critic.value(x, y);
    const [gx, gy] = critic.gradient();
    close((critic.value(x + h, y) - critic.value(x - h, y)) / (2 * h), gx);
    close((critic.value(x, y + h) - critic.value(x, y - h)) / (2 * h), gy);
  }
}); // prettier-ignore

for (const sides of [ONE, TWO]) {
  test(`the gradient of Eq. 6 by every weight, ${sides}, with the double backward`, () => {
    const critic = new DistanceCritic(2, 6);
    critic.weights.forEach((w, k) => (critic.weights[k] = 3 * w)); // slopes above and below 1
    const pairs = [0, 1, 2, 3].map((k) => ({ real: [0.1 + 0.2 * k, 0.4], noisy: [0.3, 0.9 - 0.2 * k], mix: 0.2 + 0.2 * k }));
    const slopes = pairs.map((pair) => eq6(pair, critic, 3, sides).slope);
    assert.ok(Math.max(...slopes) > 1 && Math.min(...slopes) < 1, `${slopes}`);
    const sum = new Float64Array(critic.weights.length);
    for (const pair of pairs) eq6(pair, critic, 3, sides, sum, 1 / pairs.length);
    const expected = differences(critic, (critic) => pairs.reduce((mean, pair) => mean + eq6(pair, critic, 3, sides).loss / pairs.length, 0));
    sum.forEach((derivative, k) => close(derivative, expected[k], 1e-6));
  });
}

test("a plan is the best of all orders, whatever prices it begins with", () => {
  const orders = (left) => (left.length ? left.flatMap((j) => orders(left.filter((k) => k !== j)).map((rest) => [j, ...rest])) : [[]]);
  for (let seed = 0; seed < 5; seed++) {
    const [real, noisy] = [points(6, 2 * seed), points(6, 2 * seed + 1)];
    const way = (i, j) => Math.hypot(noisy[2 * i] - real[2 * j], noisy[2 * i + 1] - real[2 * j + 1]);
    const least = Math.min(...orders([0, 1, 2, 3, 4, 5]).map((order) => order.reduce((sum, j, i) => sum + way(i, j) / 6, 0)));
    for (const prices of [undefined, points(3, 9), transport(real, points(6, 8)).prices]) {
      const { distance, targets } = transport(real, noisy, prices);
      close(distance, least, 1e-12);
      assert.deepEqual([...targets].sort(), [0, 1, 2, 3, 4, 5]);
    }
  }
});

for (const name of WORLDS) {
  test(`${name}: samples lie on M, noise goes across, and P_M leads back`, () => {
    const world = worldOf(name, DRAWING), next = uniform(3);
    for (let k = 0; k < 50; k++) {
      const t = next(), [x, y] = world.curve(t), [tx, ty] = world.tangent(t);
      assert.ok(world.distance(x, y) < 1e-5 && x > 0 && x < 1 && y > 0 && y < 1);
      if (world.isolated) continue;
      close(Math.hypot(tx, ty), 1);
      const { real, noisy } = world.pair(next, 0.01, 0);
      const length = Math.hypot(noisy[0] - real[0], noisy[1] - real[1]);
      if (name !== OWN) assert.ok(Math.abs(world.distance(...noisy) - length) < 1e-4); // a corner is nearer to points inside it
    }
  });
}

test("the distance to a circle, an ellipse and two points", () => {
  close(worldOf("circle").distance(1, 0.5), 0.2, 1e-5);
  close(worldOf("ellipse").distance(0.5, 0.9), 0.16, 1e-5);
  close(worldOf("two points").distance(0.4, 0.7), Math.hypot(0.15, 0.2));
});

test("a stroke becomes a line of few corners that passes it by little", () => {
  const stroke = Array.from({ length: 200 }, (_, k) => [0.2 + 0.003 * k, 0.5 + 0.3 * Math.sin(k / 20)]);
  const drawing = simplified(stroke), line = worldOf(OWN, drawing);
  assert.ok(cornersOf(drawing).length <= 24);
  assert.ok(Math.max(...stroke.map(([x, y]) => line.distance(x, y))) < 0.03);
  const around = cornersOf(simplified(Array.from({ length: 60 }, (_, k) => [0.5 + 0.3 * Math.cos(k / 9.4), 0.5 + 0.3 * Math.sin(k / 9.4)])));
  assert.deepEqual(around[0], around.at(-1));
  assert.equal(simplified([[0.1, 0.1], [0.2, 0.101], [0.3, 0.1], [0.3, 0.5]]), "0.1 0.1; 0.3 0.1; 0.3 0.5"); // prettier-ignore
  assert.throws(() => simplified([[0.5, 0.5], [0.501, 0.5]]), /expected a line, got a dot/); // prettier-ignore
});

test("what is no drawing is refused", () => {
  for (const text of ["", "0.1 0.2", "0.1 0.2; 0.1 0.2", "0.1; 0.2", "0 0; 2 1", "a b; c d", "0.1 0.2 0.3; 0.4 0.5 0.6"]) {
    assert.throws(() => cornersOf(text), /points of M: expected two points or more/, text);
  }
  assert.deepEqual(cornersOf(" 0.1 0.2 ;0.1 0.2; 0.3,0.4;"), [[0.1, 0.2], [0.3, 0.4]]); // prettier-ignore
});

test("however a drawing is written, Python reads the lines", () => {
  for (const drawing of ["0.1 0.2; 0.5 0.8", " 0.1,0.2 ; 0.5, 0.8;"]) {
    assert.match(asCode({ world: OWN, drawing }), /worlds\.polyline\(\[\(0\.1, 0\.2\), \(0\.5, 0\.8\)\]\)\n/);
  }
});

test("the line of a level is where the values are that level", () => {
  const f = (x, y) => x + 2 * y, pieces = contour(onGrid(f), 1.03);
  assert.ok(pieces.length > CELLS / 2);
  for (const [ax, ay, bx, by] of pieces) for (const value of [f(ax, ay), f(bx, by)]) close(value, 1.03, 1e-12);
  assert.deepEqual(contour(onGrid(() => 1), 0.5), []);
});

test("the weight by formula is twice the mean length of the noise", () => {
  for (const [name, along] of [["circle", 0], ["circle", 0.5], ["segment", 1], ["two points", 0]]) {
    const world = worldOf(name), next = uniform(5), count = 20000;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const { real, noisy } = world.pair(next, 0.1, along);
      sum += (2 * Math.hypot(noisy[0] - real[0], noisy[1] - real[1])) / count;
    }
    close(weightByFormula(world, { sigma: 0.1, along }), sum, 0.01);
  }
}); // prettier-ignore

test("against d_M itself the distance falls at full speed", () => {
  const world = worldOf("circle"), samples = judged(world, { sigma: 0.05, along: 0, seed: 1 }), { noisy } = samples;
  const away = noisy.map((_, i) => {
    const [x, y] = [noisy[i - (i % 2)] - 0.5, noisy[i - (i % 2) + 1] - 0.5], r = Math.hypot(x, y);
    return ((i % 2 ? y : x) / r) * Math.sign(r - 0.3);
  });
  const shortest = Math.min(...samples.distances), [before, after] = decay(samples, away, [0, shortest]);
  close(before - after, shortest, 1e-9);
  const critic = { value: (x, y) => world.distance(x, y) + 7 }, found = measures(critic, samples, away);
  close(found.slope, -1, 1e-3);
  close(found.square, 1, 1e-9);
  close(found.error, 0, 1e-9);
  close(found.gap, samples.distance, 1e-3);
});

test("a training is its settings and its seed; its knobs may move", () => {
  const knobs = { gpWeight: 3, sides: ONE, rate: 0.01, steps: 20 }, settings = { sigma: 0.05, along: 0, seed: 4 };
  const train = (later) => {
    const training = new Training(worldOf("segment"), settings);
    for (let k = 0; k < 6; k++) training.step({ ...knobs, ...(k > 2 && later) });
    return training;
  };
  assert.deepEqual(train().critic.weights, train().critic.weights);
  const moved = train({ gpWeight: 50, sides: TWO });
  assert.equal(moved.done, 6);
  assert.deepEqual(moved.wasserstein.slice(0, 4), train().wasserstein.slice(0, 4)); // what a step sees is as before
  assert.notDeepEqual(moved.critic.weights, train().critic.weights);
  assert.throws(() => train({ rate: Infinity }), /Training broke down at step/);
});
