// [[TeX, whether it is set apart], ...] from the standard input to their HTML, which needs fonts and no script.

import { readFileSync } from "node:fs";
import katex from "katex";

const formulas = JSON.parse(readFileSync(0, "utf8"));
const html = ([tex, displayMode]) => katex.renderToString(tex, { displayMode, strict: "error" });
process.stdout.write(JSON.stringify(formulas.map(html)));
