// A critic in the browser: Ψ and ∇Ψ by ONNX Runtime, from the file that `python -m advreg_edu export NAME` wrote.

import { fetched } from "./files.js";
import * as ort from "./vendor/ort.wasm.min.mjs";

const RUNTIME = new URL("./vendor/", import.meta.url);
let runtime;

/** The runtime, once. It lies there compressed, so that a server that compresses nothing sends 4 MB and not 14. */
async function started(cores) {
  const packed = await fetched(new URL("ort-wasm-simd-threaded.wasm.packed", RUNTIME));
  const unpacked = packed.body.pipeThrough(new DecompressionStream("gzip"));
  ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
  ort.env.wasm.wasmPaths = { mjs: new URL("ort-wasm-simd-threaded.mjs", RUNTIME).href };
  ort.env.wasm.numThreads = threads(cores);
}

/** How many threads compute: one, unless the server, or offline.js after the first visit, isolates the page from other
 * origins. WebGPU is not used: its runtime has another 6.7 MB, compressed, and is worth that for larger networks. */
export const threads = (cores) => (globalThis.crossOriginIsolated ? Math.max(1, Math.min(4, cores - 1)) : 1);

/** The function x -> {psi, gradient} of a critic for images (channels, size, size); `cores` of the machine. */
export async function loadCritic(name, channels, size, cores = navigator.hardwareConcurrency) {
  await (runtime ??= started(cores));
  const file = await (await fetched(new URL(`./critics/${name}.onnx`, import.meta.url))).arrayBuffer();
  const session = await ort.InferenceSession.create(file);
  return async (x) => {
    const { psi, grad } = await session.run({ x: new ort.Tensor("float32", x, [1, channels, size, size]) });
    return { psi: psi.data[0], gradient: grad.data };
  };
}
