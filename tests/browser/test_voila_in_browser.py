"""The reconstruction lab alone through Voilà, as the README's link opens it on Binder."""

import re
import shutil

import pytest
from server import jupyterlab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def voila(root, tmp_path_factory):
    """The address of the page, in the server that Binder starts: Voilà is an extension of it."""
    pytest.importorskip("voila", reason="needs Voilà: pip install --no-deps -r requirements-slides.txt")
    with jupyterlab(tmp_path_factory.mktemp("voila"), root) as (address, folder):
        shutil.copy(root / "binder" / "reconstruction_lab.ipynb", folder)
        yield f"{address}/voila/render/reconstruction_lab.ipynb"


def test_the_lab_is_alone_on_the_page_and_answers_a_slider(voila, page):
    page.goto(voila, timeout=300_000)
    app = page.locator(".advreg-app").first
    app.wait_for()
    app.get_by_text(re.compile(r"Iterate (\d+) of \1: PSNR")).wait_for(timeout=300_000)  # the run has ended
    assert not page.locator("h1:visible, .jp-InputArea:visible").count()
    naive = re.search(r"A†y [\d.]+ dB", app.inner_text())[0]
    app.get_by_role("slider", name="noise σ").press("ArrowRight")
    page.wait_for_function(
        "naive => !document.querySelector('.advreg-app').innerText.includes(naive)", arg=naive, timeout=300_000
    )
