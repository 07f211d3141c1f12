"""How fast the reconstruction lab of the site is in headless Chromium: python benchmarks/site_in_browser.py.

It builds the labs, serves them as plain files from this machine, and prints a table: what, measured, wanted. `--site`
takes a site that is built already, with its notebooks; `--moves` sets how many random moves are made (500).
"""

import argparse
import contextlib
import functools
import gzip
import http.server
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from advreg_edu.course import site  # noqa: E402
from site_moves import move, stale  # noqa: E402

FIRST = "globalThis.lab?.run && lab.frame === null ? performance.now() : 0"
SLIDE = """(sigma) => new Promise((done) => {  // milliseconds from the release of a slider to the picture of iterate 1
  const { slider } = lab.controls.sigma, start = performance.now();
  slider.value = sigma;
  for (const event of ["input", "change"]) slider.dispatchEvent(new Event(event));
  const there = () => lab.run?.id === lab.id && lab.run.iterates.length > 1;
  const look = () => there() ? done(performance.now() - start) : requestAnimationFrame(look);
  look();
})"""
RATE = """() => new Promise((done) => {  // iterates per second, from the first to the last
  let start, first;
  lab.start();
  const look = () => {
    const count = lab.run?.id === lab.id ? lab.run.iterates.length : 0;
    if (count > 1) [start, first] = [start ?? performance.now(), first ?? count];
    if (count && lab.run.iterates.at(-1).done) done((count - first) / (performance.now() - start) * 1000);
    else requestAnimationFrame(look);
  };
  look();
})"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that says nothing."""

    isolated = False

    def log_message(self, *said):
        pass

    def end_headers(self):
        if self.isolated:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def copyfile(self, source, out):
        with contextlib.suppress(BrokenPipeError):  # a page that is left asks for nothing any more
            super().copyfile(source, out)


@contextlib.contextmanager
def served(folder, isolated=False):
    """The address of the files."""
    handler = type("Handler", (Quiet,), {"isolated": isolated})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def row(what, measured, wanted):
    """A line of the table."""
    print(f"| {what} | {measured} | {wanted} |", flush=True)


def opened(browser, address, settings=""):
    """A page on the lab in a profile of its own, once its first picture is there; its console; milliseconds."""
    page, wrong = browser.new_context(viewport={"width": 1280, "height": 800}).new_page(), []
    page.set_default_timeout(300_000)
    page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}/reconstruction.html{settings}", wait_until="commit")
    return page, wrong, page.wait_for_function(FIRST, polling="raf").json_value()


def sizes(folder):
    """Megabytes of the site, and of what the lab asks for before its first iterate, beside the runtime."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "pictures"]
    row("site without the notebooks' pictures", f"{sum(f.stat().st_size for f in files) / 1e6:.1f} MB", "20 MB")


def first_load(browser, address, folder):
    """What is asked for until the run has ended, compressed as a server would."""
    page = browser.new_context(service_workers="block").new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(address).lstrip("/").split("#")[0]))
    page.goto(f"{address}/reconstruction.html#steps=10")
    page.wait_for_function("lab.run?.iterates.at(-1)?.done", timeout=300_000)
    paths = [folder / name for name in dict.fromkeys(asked) if (folder / name).is_file()]
    size = lambda runtime: sum(len(gzip.compress(p.read_bytes())) for p in paths if ("vendor" in p.parts) == runtime)
    row(
        "first load of the lab, compressed", f"{size(False) / 1e6:.2f} MB and {size(True) / 1e6:.1f} MB runtime", "6 MB"
    )
    page.context.close()


def speed(browser, address, threads):
    """First picture, moves of a slider, iterates per second."""
    times = []
    for _ in range(3):
        page, _, milliseconds = opened(browser, address)
        times.append(milliseconds / 1e3)
        page.context.close()
    row(f"first picture, {threads}, median of 3", f"{statistics.median(times):.2f} s", "3 s")
    page, *_ = opened(browser, address)
    page.wait_for_function("lab.run?.iterates.at(-1)?.done")
    times = []
    for k in range(20):
        times.append(page.evaluate(SLIDE, 0.01 + 0.002 * k))
        page.wait_for_timeout(500)
    low, high = statistics.median(times), max(times)
    row(f"iterate 1 after a slider, {threads}, of 20", f"median {low:.0f}, largest {high:.0f} ms", "300 ms")
    page.context.close()
    for method, step in (("gradient-descent", "auto"), ("accelerated", "0.5")):
        page, *_ = opened(browser, address, f"#method={method}&step={step}&stop=none&steps=100")
        page.wait_for_function("lab.run?.iterates.at(-1)?.done")
        before, rate = processor_time(), page.evaluate(RATE)
        each = (processor_time() - before) / 100
        row(
            f"iterates per second, {method}, step {step}, {threads}",
            f"{rate:.1f}; {1e3 * each:.0f} ms of CPU each",
            "8",
        )
        page.context.close()


def moves(browser, address, count, seed=0):
    """Random moves: errors, stale pictures, memory of the browser's processes."""
    page, wrong, _ = opened(browser, address, "#steps=20")
    randomly, found, memory = random.Random(seed), [], []
    for k in range(1, count + 1):
        move(page, randomly)
        page.wait_for_timeout(randomly.choice([0, 20, 200]))
        if k % 20 == 0:
            if page.evaluate("lab.controls.steps.value") > 20:  # a reset makes 400 of them
                page.evaluate("lab.open('#steps=20')")
            found += [(k, what) for what in stale(page)]
        if k % (count // 5) == 0:
            page.context.new_cdp_session(page).send("HeapProfiler.collectGarbage")
            memory.append(resident())
    row(f"{count} random moves: console, stale pictures", f"{len(wrong)}, {len(found)}", "0, 0")
    row("memory of the browser after each fifth", " ".join(f"{m:.0f}" for m in memory) + " MB", "steady")
    for line in [*wrong, *found]:
        print(line)
    page.context.close()


def renderers():
    """The processes of pages that this process has started."""
    return [p for p in psutil.Process().children(recursive=True) if "--type=renderer" in " ".join(p.cmdline())]


def resident():
    """Their megabytes."""
    return sum(p.memory_info().rss for p in renderers()) / 1e6


def processor_time():
    """The seconds that they have computed for: what other programs take does not count."""
    return sum(sum(p.cpu_times()[:2]) for p in renderers())


def offline(browser, address):
    """Whether the lab computes without a network after the first visit."""
    page, *_ = opened(browser, address, "#steps=10")
    page.wait_for_function("lab.run?.iterates.at(-1)?.done")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page.goto("about:blank")
    page.goto(f"{address}/reconstruction.html#steps=10&operator=denoising&image=photo&critic=photos-color")
    page.wait_for_function("lab.run?.iterates.at(-1)?.done")
    threads = page.evaluate("lab.run.threads")
    row("offline after the first visit", f"yes, {threads} thread(s): offline.js isolates the page", "yes")
    page.context.close()


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path)
    parser.add_argument("--moves", type=int, default=500)
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n\n| what | measured | wanted |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = given.site or Path(temporary, "site")
        if given.site is None:
            site.build(folder, ROOT, names=None)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        sizes(folder)
        with served(folder) as address:
            first_load(browser, address, folder)
            speed(browser, address, "1 thread")
            offline(browser, address)
            moves(browser, address, given.moves)
        with served(folder, isolated=True) as address:
            speed(browser, address, "isolated")
        browser.close()
    print(f"\nload {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
