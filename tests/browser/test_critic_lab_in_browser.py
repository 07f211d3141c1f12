"""The critic lab without a kernel, in Chromium: it computes what the package computes, and shows what is set.

Screenshots: SCREENSHOTS=folder. More random moves: MOVES=500.
"""

import json
import os
import random
import re

import advreg_edu as ar
import numpy as np
import pytest
import torch
from advreg_edu import theory, training
from advreg_edu.drawing.looks import colour_table
from advreg_edu.theory import worlds
from moves import SHOTS
from server import files, nothing_wrong

pytestmark = pytest.mark.browser
MOVES = int(os.environ.get("MOVES", "8"))
DRAWING = "0.15 0.3; 0.35 0.75; 0.6 0.3; 0.85 0.7"
WORLDS = {
    "circle": worlds.circle,
    "segment": worlds.segment,
    "two points": worlds.points,
    "ellipse": worlds.ellipse,
    "spiral": worlds.spiral,
    "your own": lambda: worlds.polyline([[float(u) for u in pair.split()] for pair in DRAWING.split(";")]),
}
STATUS = re.compile(r"Step (\d+) of (\d+): gap (-?[\d.]+), exact ([\d.]+), slope (-?[\d.]+)")
KEYS = ("ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End")
PIXELS = "() => [...document.querySelectorAll('canvas')].map(c => c.toDataURL())"
OURS = "(c => ({weights: [...c.weights], samples: lab.samples, state: lab.state}))(lab.training.averaged)"


@pytest.fixture(scope="module")
def address(root, tmp_path_factory):
    """A plain server of the pages, with what the build adds for this lab."""
    out = tmp_path_factory.mktemp("critic")
    for page in (root / "live").glob("*.[hcj]*"):
        (out / page.name).write_bytes(page.read_bytes())
    (out / "data").mkdir()
    (out / "data" / "catalog.json").write_text(json.dumps({"magnitudes": colour_table("viridis").tolist()}))
    (out / "data" / "files.json").write_text(json.dumps([page.name for page in out.glob("*.*")]))
    with files(out) as running:
        yield running


@pytest.fixture
def lab(page, address):
    """Opens the critic lab at an address. In the end nothing was wrong, and no request had left the host."""
    page.set_default_timeout(120_000)

    def opened(settings=""):
        page.goto("about:blank")
        page.goto(f"{address}/critic.html{settings}")
        page.wait_for_function("globalThis.lab?.state || document.querySelector('#notice.warning')")
        return page

    with nothing_wrong(page, address):
        yield opened


def trained(page):
    """Wait until the training is over; the numbers of the status line."""
    page.wait_for_function("!lab.running && lab.state.step >= lab.total && !lab.asked")
    found = STATUS.fullmatch(page.inner_text("#status"))
    assert found
    return [float(text) for text in found.groups()]


def paused(page):
    page.get_by_role("button", name="pause", exact=True).click()
    page.wait_for_function("!lab.running && !lab.asked")
    return page.evaluate("lab.training.done")


def typed(page, name, value):
    field = page.get_by_role("spinbutton", name=name, exact=True)
    field.fill(value)
    field.press("Enter")


def point(numbers):
    """x, y, x, y, ... as points (N, 1, 1, 2)."""
    return torch.tensor(list(numbers.values()) if isinstance(numbers, dict) else numbers).reshape(-1, 1, 1, 2).double()


def with_weights(weights):
    """The critic of the package with the weights of the page."""
    critic = theory.DistanceCritic().double()
    torch.nn.utils.vector_to_parameters(torch.tensor(weights, dtype=torch.float64), critic.parameters())
    return critic


@pytest.mark.parametrize("name", WORLDS)
def test_worlds_are_those_of_the_package(page, address, name):
    x, t = torch.rand(100, 2, generator=torch.Generator().manual_seed(0)).double(), torch.linspace(0.01, 0.99, 40)
    page.goto(f"{address}/index.html")
    code = """async ({name, drawing, x, t}) => {
      const { worldOf } = await import("./worlds.js"), world = worldOf(name, drawing);
      const distance = x.map((p) => world.distance(...p));
      return { distance, curve: t.map(world.curve), tangent: t.map(world.tangent) }; }"""
    got = page.evaluate(code, dict(name=name, drawing=DRAWING, x=x.tolist(), t=t.tolist()))
    world, t = WORLDS[name](), t.double()
    assert np.allclose(got["distance"], world.distance(x[:, None, None]), atol=2e-5)
    assert np.allclose(got["curve"], world.curve(t), atol=1e-6)
    assert np.allclose(got["tangent"], torch.nn.functional.normalize(world.velocity(t), dim=-1), atol=1e-6)


def test_five_steps_of_algorithm_1_are_those_of_the_package(page, address):
    """From the same weights, on the same batches: Eq. 6 and its gradient, Adam, the learning rate, the average."""
    torch.manual_seed(3)
    critic, steps, sigma = theory.DistanceCritic().double(), 5, 0.05
    start = torch.nn.utils.parameters_to_vector(critic.parameters()).tolist()
    circle = worlds.circle()
    pairs = training.Unpaired(worlds.corruption(circle, sigma), circle.sample(500).double())
    batches = []
    for k in range(steps):  # as algorithm_1 draws them
        generator = torch.Generator().manual_seed(k)
        batch = pairs.draw(128, generator, k)
        drawn = (batch.x_real, batch.x_noisy, training.draw_mix(batch.x_real, generator))
        batches.append([u.reshape(128, -1).tolist() for u in drawn])
    code = """async ({start, batches, steps, gpWeight}) => {
      const { Training } = await import("./algorithm_1.js");
      let real, noisy, mix, i = 0;
      const world = { pair: (next, sigma) => (sigma ? { noisy: noisy[i] } : { real: real[i] }) };
      const training = new Training(world, { sigma: 1, along: 0, seed: 0 });
      training.next = () => mix[i++][0];
      for (const critic of [training.critic, training.averaged]) critic.weights.set(start);
      for ([real, noisy, mix] of batches) {
        i = 0;
        training.step({ gpWeight, sides: "one-sided", rate: 0.01, steps });
      }
      return { weights: [...training.averaged.weights], gap: training.wasserstein, slope: training.slope }; }"""
    page.goto(f"{address}/index.html")
    got = page.evaluate(code, dict(start=start, batches=batches, steps=steps, gpWeight=0.3))
    told = list(training.algorithm_1(critic, pairs, training.Eq6(0.3), steps, **theory.TRAINING))
    assert got["gap"] == pytest.approx([step.wasserstein.item() for step in told], rel=1e-6)
    assert got["slope"] == pytest.approx([step.gradient_norm.item() for step in told], rel=1e-6)
    assert got["weights"] == pytest.approx(torch.nn.utils.parameters_to_vector(critic.parameters()).tolist(), abs=1e-6)


def test_the_circle_is_learned_and_the_numbers_are_those_of_the_package(lab):
    page = lab("#eta=0.03&weight=0.06")
    step, total, gap, exact, slope = trained(page)
    assert step == total == 300 and slope <= -0.95
    ours = page.evaluate(OURS)
    x_real, x_noisy = (point(ours["samples"][which]) for which in ("real", "noisy"))
    critic, circle = with_weights(ours["weights"]), worlds.circle()
    assert theory.distance_error(critic, circle, x_noisy) <= 0.05 * 0.05
    assert ours["state"]["error"] == pytest.approx(theory.distance_error(critic, circle, x_noisy), abs=1e-5)
    assert exact == pytest.approx(theory.wasserstein(x_real, x_noisy), abs=1e-4)
    assert gap == pytest.approx(theory.gap(critic, x_real, x_noisy), abs=1e-4)
    assert slope == pytest.approx(theory.slope_at_zero(critic, x_real, x_noisy), abs=1e-3)
    etas = page.evaluate("import('./theory.js').then(({ ETAS }) => ETAS)")
    assert page.evaluate("lab.lookedAt.decay") == pytest.approx(theory.decay(critic, x_real, x_noisy, etas), abs=1e-6)
    after = theory.wasserstein(x_real, theory.flow(critic, x_noisy, 0.03))
    assert f"A step of η = 0.03 leaves {after:.4f} of {exact:.4f}." in page.inner_text("#numbers")
    plane = ar.Problem(ar.Identity((1, 1, 2)), sigma=0.05)
    *_, last = ar.reconstruct(plane, x_noisy, critic, 0.06, step_size=0.03, steps=60)
    assert page.evaluate("lab.lookedAt.left") == pytest.approx(circle.distance(last.x).mean().item(), abs=1e-4)


def test_one_pair_adds_up(lab):
    page = lab("#steps=60")
    trained(page)
    terms = page.evaluate("lab.training.pair.before")
    assert terms["loss"] == pytest.approx(
        terms["psiReal"] - terms["psiNoisy"] + terms["gpWeight"] * max(terms["slope"] - 1, 0) ** 2
    )
    said = page.get_by_role("table", name="Eq. 6 for the first pair of step 60").inner_text()
    assert f"{terms['psiNoisy']:.3g}" in said and f"{terms['slope']:.3g}" in said


def test_knobs_move_while_it_trains(lab):
    page = lab("#steps=2000&pace=one+step+a+picture")
    page.wait_for_function("lab.training.done > 3")
    training = page.evaluate_handle("lab.training")
    typed(page, "penalty μ/σ", "5")
    typed(page, "learning rate", "0.02")
    page.get_by_role("combobox", name="fine", exact=True).select_option("two-sided")
    page.wait_for_function("(training) => lab.training === training && training.done > lab.moved + 3", arg=training)
    done = paused(page)
    page.get_by_role("button", name="one step").click()
    page.wait_for_function("(done) => lab.state.step === done + 1", arg=done)
    assert page.evaluate("lab.training.pair.before.gpWeight") == 0.25
    assert page.evaluate("(training) => lab.training === training", training)
    typed(page, "steps n", str(20 * (done // 20 + 2)))  # the training is not lost: it goes on to there
    page.get_by_role("combobox", name="pace", exact=True).select_option("as fast as it goes")
    page.get_by_role("button", name="go on").click()
    trained(page)
    typed(page, "steps n", "2000")
    page.wait_for_function("(training) => lab.training === training && lab.running", arg=training)
    typed(page, "noise σ", "0.1")  # other points: another training
    page.wait_for_function("(training) => lab.training !== training && lab.training.sigma === 0.1", arg=training)


def test_a_manifold_is_drawn_by_mouse_or_typed(lab):
    page = lab("#steps=20")
    trained(page)
    box = page.locator("canvas").first.bounding_box()
    at = lambda x, y: (box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"])
    page.mouse.move(*at(0.2, 0.2))
    page.mouse.down()
    for share in range(1, 21):
        page.mouse.move(*at(0.2 + 0.03 * share, 0.2 + 0.025 * share))
    page.mouse.up()
    page.wait_for_function("lab.world.name === 'your own'")
    trained(page)
    ends = page.evaluate("[lab.world.path[0], lab.world.path.at(-1)]")
    assert np.allclose(ends, [[0.2, 0.2], [0.8, 0.7]], atol=0.01)
    field = page.get_by_role("textbox", name="points of M")
    field.fill("0.2 0.3; 0.8")
    field.press("Enter")
    page.locator("#notice.warning").filter(has_text="points of M: expected two points or more").wait_for()
    assert np.allclose(page.evaluate("[lab.world.path[0], lab.world.path.at(-1)]"), ends)  # what is shown stays
    field.fill("0.2 0.3; 0.8 0.3")
    field.press("Enter")
    page.wait_for_function("lab.world.path.length === 2")
    trained(page)
    page.wait_for_function("decodeURIComponent(location.hash).includes('drawing=0.2+0.3;+0.8+0.3')")
    python = {}
    exec(page.text_content("#code"), python)  # the same in Jupyter
    assert isinstance(python["critic"], theory.DistanceCritic) and python["step"].index == 19
    assert torch.allclose(
        python["world"].curve(torch.tensor([0.0, 1.0]).double())[:, 0], torch.tensor([0.2, 0.8]).double()
    )


def test_a_finger_draws_once_it_is_allowed(chromium, address):
    page = chromium.new_context(has_touch=True, viewport={"width": 360, "height": 780}).new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{address}/critic.html#steps=20")
    page.wait_for_function("globalThis.lab?.state")
    draw = """() => { const canvas = document.querySelector('canvas'), box = canvas.getBoundingClientRect();
      canvas.setPointerCapture = () => {};
      ['pointerdown', ...Array(9).fill('pointermove'), 'pointerup'].forEach((kind, k) => {
        const [clientX, clientY] = [box.left + (0.1 + 0.08 * k) * box.width, box.top + 0.5 * box.height];
        canvas.dispatchEvent(new PointerEvent(kind, { pointerType: 'touch', isPrimary: true, clientX, clientY }));
      }); }"""
    page.evaluate(draw)
    assert page.evaluate("lab.world.name") == "circle"
    page.get_by_role("button", name="draw M").click()
    page.evaluate(draw)
    page.wait_for_function("lab.world.name === 'your own' && lab.world.path.length === 2")
    page.context.close()


def test_a_link_is_an_exercise(lab):
    page = lab("#world=segment&sigma=0.08&seed=3&steps=40&hide=weight,byFormula,drawing")
    first = trained(page)
    assert page.evaluate("lab.world.name") == "segment" and not page.get_by_role("button", name="draw M").is_visible()
    assert not page.get_by_role("spinbutton", name="weight λ").is_visible()
    page = lab("#world=segment&sigma=0.08&seed=3&steps=40")
    assert trained(page) == first  # the same training, number for number
    page.get_by_role("button", name="new draw").click()
    page.wait_for_function("lab.seed === 4 && location.hash.includes('seed=4')")
    assert trained(page) != first
    page = lab("#world=sphere&colour=red&sigma=9&seed=-1&drawing=1&steps=20")
    words = page.locator("#notice.warning").inner_text()
    assert all(text in words for text in ("world=sphere", "colour=red", "sigma=9", "seed=-1", "drawing=1"))
    page.get_by_role("button", name="reset").click()
    page.wait_for_function("location.hash === '' && lab.total === 300")


def test_the_eta_slider_by_keyboard(lab):
    page = lab("#steps=20&world=two+points")
    trained(page)
    slider = page.get_by_role("slider", name="step η")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("location.hash.includes('eta=0.03')")
    assert "after a step of η = 0.03" in page.locator("canvas").first.get_attribute("aria-label")


@pytest.mark.parametrize("width, scheme", [(360, "dark"), (1280, "light"), (1600, "light")])
def test_it_fits_and_everything_has_a_name(lab, root, width, scheme):
    if not (root / "live" / "node_modules").is_dir():
        pytest.skip("live/node_modules is absent: npm ci --prefix live installs axe-core")
    page = lab("#steps=100")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    trained(page)
    page.locator("#same > summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    nameless = """() => [...document.querySelectorAll('input, select, button, canvas, [role=img]')].filter(node =>
      !(node.ariaLabel || node.textContent.trim() || [...node.labels ?? []].some(label => label.textContent.trim())))"""
    assert page.evaluate(f"({nameless})().map(node => node.outerHTML)") == []
    words = page.evaluate("[...document.querySelectorAll('[role=img]')].map(picture => picture.ariaLabel)")
    assert re.search(r"Ψ and −∇Ψ, step 100 \(values \S+ to \S+, shown from", words[1])
    page.add_script_tag(path=root / "live" / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate(
        "axe.run().then(({ violations }) => violations.map(({ id, impact, help }) => [impact, id, help]))"
    )
    assert not [violation for violation in found if violation[0] in ("serious", "critical")]
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/critic-{width}-{scheme}.png", full_page=True)


def test_random_moves(lab):
    """Nothing fails, and what is seen in the end is what is set: drawing again changes no pixel and no word."""
    page, dice = lab(), random.Random(0)
    before = None
    for k in range(MOVES):
        move(page, dice)
        if k == MOVES // 3:
            before = heap(page)
        if k % 10 == 9:
            is_current(page)
    is_current(page)
    assert heap(page) - before < 5e6


def move(page, dice):
    """One control, by keyboard or mouse, and a short while or none at all."""
    controls = page.locator("#controls :is(input, select, button):visible:enabled, #training button:enabled, canvas")
    control = dice.choice(controls.element_handles())
    kind = control.evaluate("c => c.type ?? c.tagName")
    if kind == "CANVAS":
        scribble(page, control, dice)
    elif kind == "select-one":
        control.select_option(index=dice.randrange(control.evaluate("c => c.options.length")))
    elif kind == "text":
        control.fill(dice.choice(("0.1 0.1; 0.9 0.9", "0.1", "0.2 0.2; 0.8 0.2; 0.5 0.9; 0.2 0.2", "")))
        control.press("Enter")
    elif control.evaluate("c => { c.focus(); return document.activeElement === c; }"):
        keys = {"range": KEYS, "number": ("ArrowUp", "ArrowDown")}.get(kind, ("Space",))
        for _ in range(dice.choice((1, 1, 3))):
            page.keyboard.press(dice.choice(keys))
    page.wait_for_timeout(dice.choice((0, 20, 100, 200)))


def scribble(page, canvas, dice):
    box = canvas.bounding_box()
    if not box:
        return
    place = lambda: (box["x"] + dice.random() * box["width"], box["y"] + dice.random() * box["height"])
    page.mouse.move(*place())
    page.mouse.down()
    for _ in range(dice.randrange(6)):
        page.mouse.move(*place(), steps=3)
    page.mouse.up()


def is_current(page):
    page.evaluate("() => { if (lab.running) lab.go.click(); }")  # at once: it may be over soon
    page.wait_for_function("!lab.running && !lab.asked")
    seen = page.evaluate(PIXELS), page.inner_text("body")
    page.evaluate("() => { lab.memory = {}; lab.lookedAt = null; lab.draw(); }")
    assert (page.evaluate(PIXELS), page.inner_text("body")) == seen
    step, total, *_ = STATUS.fullmatch(page.inner_text("#status")).groups()
    assert int(step) == page.evaluate("lab.training.done") and int(total) == page.evaluate("lab.controls.steps.value")
    shown = page.evaluate("lab.now")
    assert page.evaluate("[lab.training.sigma, lab.training.along]") == [shown["sigma"], shown["along"]]
    assert page.evaluate("lab.world.name") == shown["world"]


def heap(page):
    """Bytes that are still held once the rubbish is out."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"]
