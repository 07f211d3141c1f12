"""The pages without a kernel, in Chromium from a plain server of files: what they compute is what the package computes.

They need Node.js's packages: npm ci --prefix live. Without these the tests skip.
"""

import random
import re
import shutil
import subprocess

import advreg_edu as ar
import pytest
import torch
from advreg_edu import pretrained
from advreg_edu.apps.reconstruction.model import Settings, compute
from advreg_edu.apps.shared import scenes
from advreg_edu.apps.shared.scenes import Scene
from advreg_edu.course import site as pages
from advreg_edu.reconstruction.objective import gradient
from moves import SHOTS
from server import files, nothing_wrong
from site_moves import move, stale

pytestmark = pytest.mark.browser
SIZE = scenes.SIZE
SHIPPED = [name for name in pretrained.names() if isinstance(ar.load_critic(name), ar.LocalCritic)]
OPERATORS = [Scene(operator=name) for name in scenes.OPERATORS] + [
    Scene(angles=90),
    Scene(operator="inpainting", image="photo", share=20),
    Scene(operator="MRI", share=30),
]


def seed(number):
    return torch.Generator().manual_seed(number)


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    if not (root / "live" / "node_modules").is_dir():
        pytest.skip("live/node_modules is absent: npm ci --prefix live installs what the pages need")
    out = tmp_path_factory.mktemp("site")
    pages.build(out, root, names=None)
    return out


@pytest.fixture(scope="module")
def address(folder):
    """A plain server of the site's files."""
    with files(folder) as running:
        yield running


@pytest.fixture
def lab(page, address):
    """Opens the reconstruction lab at an address. In the end nothing was wrong, and no request had left the host."""
    page.set_default_timeout(240_000)

    def opened(settings=""):
        page.goto("about:blank")
        page.goto(f"{address}/reconstruction.html{settings}")
        page.wait_for_function("globalThis.lab?.run || document.querySelector('#notice.warning')")
        return page

    with nothing_wrong(page, address):
        yield opened


def status(page, words):
    """Wait for the status line; return it."""
    page.locator("#status").filter(has_text=words).wait_for()
    return page.inner_text("#status")


def computed(page, code, **given):
    """What an async function (given) of the page's modules returns, as tensors."""
    return {name: torch.tensor(numbers) for name, numbers in page.evaluate(code, given).items()}


def near(numbers, expected, tolerance=1e-5):
    assert (numbers.reshape(-1) - expected.reshape(-1)).norm() <= tolerance * expected.norm()


def named(page, name):
    return page.get_by_role("spinbutton", name=name, exact=True)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_gradient_of_each_critic_is_torchs(page, address, name):
    critic = ar.load_critic(name)
    x = torch.rand(1, critic.channels, SIZE, SIZE, generator=seed(0))
    page.goto(f"{address}/index.html")
    code = """async ({name, channels, size, x}) => {
      const { loadCritic } = await import("./critic.js"), critic = await loadCritic(name, channels, size);
      const { psi, gradient } = await critic(Float32Array.from(x));
      return { psi: [psi], gradient: [...gradient] }; }"""
    got = computed(page, code, name=name, channels=critic.channels, size=SIZE, x=x.flatten().tolist())
    psi, grad = gradient(critic, x)
    near(got["psi"], psi)
    near(got["gradient"], grad)


@pytest.mark.parametrize("scene", OPERATORS, ids=lambda s: f"{s.operator}-{s.image}-{s.angles}-{s.share}")
def test_operators_are_those_of_the_package(page, address, scene):
    A = scenes.operator(scene)
    x = torch.rand(1, *A.domain_shape, generator=seed(0))
    y = A.random_measurement(1, seed(1))
    flat = lambda u: (torch.view_as_real(u) if u.is_complex() else u).flatten()
    page.goto(f"{address}/index.html")
    code = """async ({settings, x, y}) => {
      const { operatorOf, weightOf } = await import("./scene.js"), A = await operatorOf(settings);
      const applied = { forward: A.forward(Float32Array.from(x)), adjoint: A.adjoint(Float32Array.from(y)) };
      const numbers = { norm: [A.norm], weight: [await weightOf(settings)] };
      const all = { ...applied, pinv: A.pinv(Float32Array.from(y)), ...numbers };
      return Object.fromEntries(Object.entries(all).map(([name, u]) => [name, [...u]])); }"""
    settings = dict(operator=scene.operator, image=scene.image, angles=scene.angles, share=scene.share, sigma=0.03)
    got = computed(page, code, settings=settings, x=x.flatten().tolist(), y=flat(y).tolist())
    near(got["forward"], flat(A(x)))
    near(got["adjoint"], A.T(y))
    near(got["pinv"], A.pinv(y))
    assert got["norm"] == pytest.approx(A.norm)
    assert got["weight"].item() == pytest.approx(ar.weight_from_noise(ar.Problem(A, 0.03)).item(), rel=1e-4)


def test_sixty_accelerated_iterates_are_those_of_the_package(lab):
    page = lab("#number=3&noise=5&method=accelerated&step=0.5&steps=60&stop=none")
    said = status(page, "Iterate 60 of 60: PSNR")
    code = """() => { const { truth, y, iterates, weight } = lab.run;
      return { truth: [...truth], y: [...y], x: [...iterates[60].x], weight: [weight] }; }"""
    got = computed(page, code)
    truth, x = (got[name].reshape(1, 1, SIZE, SIZE) for name in ("truth", "x"))
    assert (truth - ar.images.thorax(1, size=SIZE, generator=seed(3))).abs().max() <= 0.501 / 255
    problem = ar.Problem(ar.RayTransform(SIZE, 30), 0.02)
    y = got["y"].reshape(1, *problem.A.range_shape)
    near(y, problem.measure(truth, seed(5)))  # the noise that torch draws
    run = ar.reconstruct(
        problem, y, ar.load_critic("ct-thorax"), got["weight"].item(), step_size=0.5, steps=60, method="accelerated"
    )
    *_, last = run
    assert (last.x - x).abs().max() <= 1e-3
    quality = ar.psnr(last.x.clamp(0, 1), truth).item()
    assert abs(float(re.search(r"PSNR (\S+) dB", said)[1]) - quality) <= 0.02


@pytest.mark.parametrize(
    "settings",
    [
        "",
        "#number=2&noise=3&method=accelerated&sigma=0.03&angles=60",
        "#operator=denoising&image=photo&critic=photos-color&sigma=0.1&stop=discrepancy",
        "#operator=MRI&share=25&critic=mri-thorax&weight=0.1&start=zero&steps=600",
    ],
)
def test_the_lines_for_jupyter_open_the_same_run(lab, settings):
    """And by the step sizes and the rule of the package: its run ends where the page's does.

    The step sizes that are found amplify rounding, so that the ways differ; the minimum is the same.
    """
    page = lab(settings)
    page.wait_for_function("lab.run?.iterates.at(-1)?.done")
    page.locator("#in-jupyter > summary").click()
    called = []
    code = page.inner_text("#code").replace("from advreg_edu.apps import", "#")
    exec(code, {"reconstruction_lab": lambda settings=None: called.append(Settings(**settings or {}))})
    theirs = compute(called[0], ar.load_critic(called[0].critic))
    status(page, "Iterate")
    ours = page.evaluate("(({ quality, stopped }) => [quality.psnr, stopped])(lab.run.iterates.at(-1))")
    assert ours[1] and theirs.iterates[-1].stopped
    assert abs(ours[0] - theirs.psnr[-1]) <= 0.02


def test_a_link_is_an_exercise(lab):
    """Every setting is in the address; what a link hides is not there; what it cannot mean is said."""
    page = lab("#operator=MRI&share=30&sigma=0.05&steps=10&hide=weight,byFormula")
    status(page, "Iterate 10 of 10: PSNR")
    assert named(page, "measured, %").input_value() == "30" and named(page, "noise σ").input_value() == "0.05"
    assert not named(page, "weight λ").is_visible() and not named(page, "number of angles").is_visible()
    named(page, "noise σ").fill("0.1")
    named(page, "noise σ").press("Enter")
    page.wait_for_function("location.hash.includes('sigma=0.1')")
    assert "hide=weight" in page.url and "share=30" in page.url
    page = lab("#operator=sonar&colour=red&steps=10")
    notice = page.locator("#notice.warning")
    assert "operator=sonar" in notice.inner_text() and "colour=red" in notice.inner_text()


def test_controls_start_runs_that_end_as_they_say(lab):
    page = lab("#steps=10")
    status(page, "Iterate 10 of 10: PSNR")
    before = page.evaluate("[...lab.run.y]")
    page.get_by_role("button", name="new noise").click()
    page.wait_for_function("lab.run.id === lab.id && lab.run.settings.noise === 1")
    assert page.evaluate("[...lab.run.y]") != before
    slider = page.get_by_role("slider", name="noise σ")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("lab.run.settings.sigma === 0.021")
    page.get_by_role("combobox", name="operator A").select_option("denoising")
    page.get_by_role("combobox", name="image").select_option("photo")
    page.wait_for_function("lab.run?.channels === 3 && lab.run.iterates.length === 11")
    assert page.get_by_role("combobox", name="critic Ψ").input_value() == "photos-color"
    scrubber = page.get_by_role("slider", name="iterate")
    scrubber.focus()
    page.keyboard.press("Home")
    status(page, "Iterate 0 of 10: PSNR")
    naive = page.evaluate("lab.run.quality.psnr")
    assert f"{naive:.2f}" in page.inner_text("#status")
    page.get_by_role("button", name="reset").click()
    page.wait_for_function("lab.run?.settings.operator === 'CT' && location.hash === ''")


def test_a_file_of_ones_own(lab, tmp_path):
    page = lab("#operator=denoising&steps=10")
    red = torch.zeros(3, 60, 100)
    red[0] = 1.0
    from PIL import Image

    Image.fromarray((255 * red.permute(1, 2, 0)).byte().numpy()).save(tmp_path / "red.png")
    (tmp_path / "words.png").write_text("no picture")
    page.set_input_files("#file", tmp_path / "red.png")
    page.wait_for_function("lab.run?.settings.image === 'your file' && lab.run.iterates.length > 0")
    truth = torch.tensor(page.evaluate("[...lab.run.truth]"), dtype=torch.float32).reshape(3, -1)
    assert truth.mean(1).tolist() == pytest.approx([1.0, 0.0, 0.0], abs=0.01)
    page.set_input_files("#file", tmp_path / "words.png")
    page.locator("#notice.warning").filter(has_text="words.png: expected a photograph").wait_for()
    page = lab("#image=your+file")
    page.locator("#notice.warning").filter(has_text="Choose one with the button").wait_for()


def test_a_step_that_is_too_large_is_said_to_diverge(lab):
    page = lab("#step=1.5&method=gradient-descent&steps=200&weight=0")
    page.locator("#notice.warning").filter(has_text="The run diverged").wait_for()


@pytest.mark.parametrize("width, scheme", [(360, "dark"), (1280, "light"), (1600, "light")])
def test_it_fits_and_everything_has_a_name(lab, root, width, scheme):
    page = lab("#steps=20")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    status(page, "Iterate 20 of 20: PSNR")
    page.locator("#parts-of-step > summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    nameless = """() => [...document.querySelectorAll('input, select, button, canvas, [role=img]')].filter(node =>
      !(node.ariaLabel || node.textContent.trim() || [...node.labels ?? []].some(label => label.textContent.trim())))"""
    assert page.evaluate(f"({nameless})().map(node => node.outerHTML)") == []
    words = page.evaluate("[...document.querySelectorAll('canvas')].map(canvas => canvas.ariaLabel)")
    assert any(re.match(r"iterate 20: \S+ dB \(mean ", alt) for alt in words)
    page.add_script_tag(path=root / "live" / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate(
        "axe.run().then(({ violations }) => violations.map(({ id, impact, help }) => [impact, id, help]))"
    )
    assert not [violation for violation in found if violation[0] in ("serious", "critical")]
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/site-{width}-{scheme}.png", full_page=True)


def test_it_works_offline_after_the_first_visit(lab):
    page = lab("#steps=10")
    status(page, "Iterate 10 of 10: PSNR")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page = lab("#steps=10&operator=denoising&image=photo&critic=photos-color")
    status(page, "Iterate 10 of 10: PSNR")
    page.context.set_offline(False)


def test_a_second_visit_computes_with_threads_where_there_are_cores(lab):
    page = lab("#steps=10&stop=none")
    said = status(page, "Iterate 10 of 10: PSNR")
    page.locator("summary", has_text="all numbers").click()
    assert "by one thread" in page.inner_text("#numbers")
    page.wait_for_function("navigator.serviceWorker.controller")
    cores = {"hardwareConcurrency": 4}
    page.context.new_cdp_session(page).send("Emulation.setHardwareConcurrencyOverride", cores)
    page = lab("#steps=10&stop=none")
    assert status(page, "Iterate 10 of 10: PSNR") == said
    assert page.evaluate("crossOriginIsolated")
    assert page.evaluate("lab.run.threads") == 3


def test_random_moves_leave_nothing_stale(lab):
    page, randomly = lab("#steps=10"), random.Random(0)
    for _ in range(4):
        for _ in range(8):
            move(page, randomly)
        if page.evaluate("lab.controls.steps.value") > 10:
            page.evaluate("lab.open('#steps=10')")
        assert stale(page) == []


def test_the_index_leads_to_the_critic_lab(page, address):
    page.goto(f"{address}/index.html")
    page.get_by_role("link", name="Critic lab").click()
    page.locator("#status").filter(has_text=re.compile(r"Step \d+ of 300: gap \S+, exact \S+, slope \S+")).wait_for()


def test_the_site_is_small(folder):
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size <= 20e6
    first = [*folder.glob("*.*"), folder / "critics/ct-thorax.onnx", folder / "data/catalog.json"]
    assert sum(path.stat().st_size for path in first) <= 6e6


def test_another_folder_is_not_cleared(tmp_path, root, folder):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds other things"):
        pages.build(tmp_path, root, names=None)
    assert (tmp_path / "mine.txt").exists()


def test_its_scripts_pass_their_own_tests(root):
    if not shutil.which("node"):
        pytest.skip("live/node_modules is absent, and so is node")
    done = subprocess.run(["node", "--test"], cwd=root / "live", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
