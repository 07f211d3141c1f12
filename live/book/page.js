// The search of the pages, and what keeps them for a visit without a network. A classic script: it runs from file: too.

const root = new URL("..", document.currentScript.src), found = document.querySelector("#found");
const form = document.querySelector("form[role=search]"), field = document.querySelector("#search");
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

document.querySelector("#contents details").open = matchMedia("(min-width: 1000px)").matches;
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
field.addEventListener("focus", loadIndex, { once: true });
field.addEventListener("input", look);
field.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  field.value = "";
  look();
});

/** `SECTIONS`, [file, anchor, title of the page, heading, text] of each, by a script: from file: no page may fetch. */
function loadIndex() {
  const script = document.createElement("script");
  script.src = new URL("book/sections.js", root);
  script.addEventListener("load", look);
  document.head.append(script);
}

/** Sections that have every word that is asked for; those with more of them in the heading first. */
function search(sections, asked) {
  const words = plain(asked).split(/\s+/).filter(Boolean);
  const rank = ([, , , heading, text]) => {
    const [short, long] = [plain(heading), plain(`${heading} ${text}`)];
    return words.every((word) => long.includes(word)) ? words.filter((word) => short.includes(word)).length : -1;
  };
  if (!words.length) return [];
  const ranked = sections.map((section) => [rank(section), section]).filter(([rank]) => rank >= 0);
  return ranked.sort(([a], [b]) => b - a).map(([, section]) => section);
}

function look() {
  if (!globalThis.SECTIONS) return;
  const hits = search(SECTIONS, field.value), shown = hits.slice(0, 20);
  found.hidden = !field.value.trim();
  found.querySelector("p").textContent = `${hits.length} ${hits.length === 1 ? "section" : "sections"} found${hits.length > 20 ? ", the first 20:" : "."}`;
  found.querySelector("ol").replaceChildren(...shown.map(place));
}

function place([file, anchor, title, heading, text]) {
  const item = document.createElement("li"), link = document.createElement("a"), line = document.createElement("span");
  link.href = new URL(`${file}#${anchor}`, root);
  link.textContent = heading === title ? title : `${title}: ${heading}`;
  const at = Math.max(0, plain(text).indexOf(plain(field.value.trim().split(/\s+/)[0])) - 60);
  line.textContent = `${at ? "… " : ""}${text.slice(at, at + 160)} …`;
  item.append(link, line);
  return item;
}

/** What is wider than the page is moved by keys as well. */
function letScroll() {
  for (const part of document.querySelectorAll("pre, table, .katex-display")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}
addEventListener("load", letScroll);
addEventListener("resize", letScroll);

// The labs, once nobody waits, and this page with its pictures: by https or from this machine, and where data is not dear.
addEventListener("load", async () => {
  if (!navigator.serviceWorker || !location.protocol.startsWith("http") || navigator.connection?.saveData) return;
  await navigator.serviceWorker.register(new URL("offline.js", root));
  const seen = performance.getEntriesByType("resource").map((entry) => entry.name);
  const own = [location.href.split("#")[0], ...seen].filter((address) => address.startsWith(root));
  await (await caches.open("advreg-edu")).addAll(new Set(own));
});
