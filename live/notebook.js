// Formulas of a notebook's page.

import render from "./vendor/katex/contrib/auto-render.mjs";

const delimiters = [
  { left: "$$", right: "$$", display: true },
  { left: "\\[", right: "\\]", display: true },
  { left: "$", right: "$", display: false },
];
for (const cell of document.querySelectorAll(".text_cell_render, .jp-RenderedMarkdown, .output_html")) render(cell, { delimiters, throwOnError: false });
