// A service worker: all files of the site are kept at the first visit, and used where the network is not there.

const KEPT = "advreg-edu";

addEventListener("install", (event) => event.waitUntil(keepAll().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

async function keepAll() {
  const files = await (await fetch("data/files.json")).json();
  await (await caches.open(KEPT)).addAll(files);
}

/** With these the page is isolated from other origins, and may compute with several threads. */
function isolated(response) {
  if (!response.ok || response.redirected) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(response.body, { status: response.status, headers });
}

/** The network's answer, which is kept for later; without a network the one that was kept. */
async function answer(request) {
  const kept = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) await kept.put(request, response.clone());
    return isolated(response);
  } catch (error) {
    const old = await kept.match(request, { ignoreSearch: true });
    if (!old) throw error;
    return isolated(old);
  }
}
