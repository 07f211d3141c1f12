"""How fast the apps answer in JupyterLab in headless Chromium: python benchmarks/apps_in_browser.py.

Medians over MOVES moves, measured in the page: from the release of the mouse, or the key, to the animation frame after
the new picture came into the page. `--busy` measures beside one endless loop for each core. Instead, `--axe` takes
axe.min.js of the npm package axe-core (npm install axe-core) and checks the accessibility of every app, and
`--pictures` writes a picture of every app into a folder.
"""

import argparse
import contextlib
import io
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import nbformat
from PIL import Image, ImageChops
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from server import jupyterlab  # noqa: E402
from shared import busy_loops  # noqa: E402

MOVES = 20
SHOWN = 800  # pixels: the width of a picture in a notebook
APPS = {  # and what the status line says when there is something to see
    "measurement_lab": "PSNR",
    "descent_lab": "PSNR",
    "training_monitor": "Step 0",
    "weight_lab": "PSNR",
    "reconstruction_lab": "PSNR",
    "theory_worlds": "of 320 steps",
    "method_viewer": "PSNR",
}
CODE = """import torch
from advreg_edu import images
from advreg_edu.apps import {name}
{name}({arguments})"""
ARGUMENTS = {
    "method_viewer": """(x := images.thorax(2, generator=torch.Generator().manual_seed(3))),
    {"darker": 0.9 * x, "blurred": torch.nn.functional.avg_pool2d(x, 3, 1, 1)}"""
}
WATCH = """() => {
  window.seen = {shown: [], moved: null, last: null};
  for (const name of ['pointerup', 'keydown'])
    document.addEventListener(name, () => { window.seen.moved = performance.now(); }, true);
  const look = () => {
    const image = document.querySelectorAll('.advreg-app figure')[2]?.querySelector('img');
    if (!image || image.src === window.seen.last) return;
    window.seen.last = image.src;
    requestAnimationFrame(() => window.seen.shown.push({time: performance.now(), alt: image.alt}));
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true});
  look();
}"""


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--axe", type=Path, help="axe.min.js of the npm package axe-core")
    options.add_argument("--pictures", type=Path, help="folder, such as notebooks/pictures")
    options.add_argument("--busy", action="store_true", help="measure beside one endless loop for each core")
    options = options.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    load = busy_loops if options.busy else contextlib.nullcontext
    with tempfile.TemporaryDirectory() as home, jupyterlab(Path(home), ROOT) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in APPS if options.axe or options.pictures else MEASURED:
            sharp = 2 if options.pictures else 1
            page = browser.new_page(viewport={"width": 1280, "height": 1000}, device_scale_factor=sharp)
            app = opened(page, server, name)
            if options.axe:
                accessibility(page, options.axe, name)
            elif options.pictures:
                picture(page, app, options.pictures / f"{name}.png")
            else:
                with load():
                    report(name, MEASURED[name](page, app))
            page.close()
        browser.close()


def opened(page, server, name):
    """The app in a notebook of one cell."""
    address, served = server
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(CODE.format(name=name, arguments=ARGUMENTS.get(name, "")))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), served / f"{name}.ipynb")
    page.set_default_timeout(60_000)
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset")
    page.get_by_text(re.compile(r"\| Idle")).wait_for()
    page.keyboard.press("Control+b")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    app = page.locator(".advreg-app").first
    app.get_by_role("status").filter(has_text=APPS[name]).first.wait_for()
    quiet(page, app)
    page.evaluate(WATCH)
    return app


def quiet(page, app):
    """Wait until nothing moves any more."""
    before = None
    while (now := app.get_by_role("status").first.inner_text()) != before:
        page.wait_for_timeout(600)
        before = now


def handle(page, app, name):
    return app.get_by_role("slider", name=name, exact=True)


def drag(page, app, name, by):
    """Move the handle of a slider by so many pixels and let go."""
    knob = handle(page, app, name)
    knob.scroll_into_view_if_needed()
    box = knob.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=3)
    page.evaluate("window.seen.shown.length = 0")
    page.mouse.up()


def wait_for(page, condition):
    """Asked twenty times a second; Playwright's own way asks with every frame and slows the page down."""
    page.evaluate(f"""new Promise(done => {{
        const clock = setInterval(() => {{ if ({condition}) {{ clearInterval(clock); done(); }} }}, 50);
    }})""")


def first_picture(page):
    """Milliseconds from the last move to the first picture after it."""
    wait_for(page, "seen.shown.some(shot => shot.time > seen.moved)")
    return page.evaluate("window.seen.shown.find(shot => shot.time > window.seen.moved).time - window.seen.moved")


def released(page, app, name, rest):
    """Times to the first picture over MOVES drags to and fro."""
    times = []
    for move in range(MOVES):
        drag(page, app, name, 12 if move % 2 == 0 else -12)
        times.append(first_picture(page))
        page.wait_for_timeout(rest)
    return times


def scrubbed(page, app, name):
    """Times of single steps by key."""
    handle(page, app, name).focus()
    times = []
    for _ in range(MOVES):
        page.evaluate("window.seen.shown.length = 0")
        page.keyboard.press("ArrowLeft")
        times.append(first_picture(page))
    return times


def measurement(page, app):
    return {"slider released to picture, ms": released(page, app, "noise σ", 150)}


def reconstruction(page, app):
    found = {"slider released to first iterate, ms": released(page, app, "noise σ", 400)}
    steps = app.get_by_role("spinbutton", name="steps", exact=True)
    steps.fill("100")
    steps.press("Enter")
    quiet(page, app)
    rates, whole = [], []
    for move in range(5):
        drag(page, app, "noise σ", 12 if move % 2 == 0 else -12)
        wait_for(page, "seen.shown.some(shot => shot.alt.startsWith('iterate 100'))")
        shown, moved = page.evaluate("[window.seen.shown, window.seen.moved]")
        shown = [shot["time"] for shot in shown if shot["time"] > moved]
        rates.append((len(shown) - 1) / (shown[-1] - shown[0]) * 1000)
        whole.append((shown[-1] - moved) / 1000)
    quiet(page, app)
    found |= {"displayed iterates per second": rates, "100 iterates with display, s": whole}
    found["scrubbing by key to picture, ms"] = scrubbed(page, app, "iterate")
    return found


MEASURED = {"measurement_lab": measurement, "reconstruction_lab": reconstruction}


def report(name, found):
    for what, values in found.items():
        low, high = min(values), max(values)
        print(
            f"{name}: {what}: median {statistics.median(values):.3g} of {len(values)} ({low:.3g} to {high:.3g})",
            flush=True,
        )


def picture(page, app, file):
    """The app alone, as wide as the notebooks show the picture, so that its letters have their own size there; two
    pixels for one."""
    margins = page.viewport_size["width"] - app.bounding_box()["width"]
    page.set_viewport_size({"width": round(SHOWN + margins), "height": 1600})
    while app.locator("[role=status][aria-busy=true]").count():
        page.wait_for_timeout(500)
    page.wait_for_timeout(1500)
    image = Image.open(io.BytesIO(app.screenshot())).convert("RGB")
    image = image.crop(ImageChops.invert(image).convert("L").point(lambda level: 255 * (level > 8)).getbbox())
    file.parent.mkdir(parents=True, exist_ok=True)
    image = image.quantize(256)  # a third of the file; dithered, so that colour bars stay smooth
    image.save(file, optimize=True)
    print(f"{file}, {image.width}x{image.height}, {file.stat().st_size // 1000} kB")


def accessibility(page, axe, name):
    """Violations that axe-core finds inside the app, worst first."""
    page.add_script_tag(path=axe)
    found = page.evaluate("axe.run('.advreg-app')")["violations"]
    for violation in found:
        nodes = [node["html"][:100] for node in violation["nodes"]]
        print(f"  axe {violation['impact']}: {violation['id']}, {len(nodes)} times, as in {nodes[0]}")
    print(f"{name}: axe-core finds {len(found)} violations", flush=True)


if __name__ == "__main__":
    main()
