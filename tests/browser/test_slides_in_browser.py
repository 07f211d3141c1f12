"""Slides from a folder, in a browser without network: all is there, nothing is cut off, nothing is asked of others."""

import shutil

import pytest
from advreg_edu.course import slides
from nbformat import v4

pytest.importorskip("latex2mathml", reason="latex2mathml is absent: pip install --no-deps -r requirements-slides.txt")
pytestmark = pytest.mark.browser

TEXT = "## 1 A circle\n\nA sentence.\n\n$$ \\|Ax - y\\|_2^2 \\tag{Eq. 5} $$\n\n- a point\n\nA note for the speaker."
GRAY = "data:image/gif;base64,R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs="
PICTURE = f"<img alt='gray' src='{GRAY}' width='1400' height='900'>"
WALK = """() => Reveal.getSlides().map(slide => {
    const at = Reveal.getIndices(slide); Reveal.slide(at.h, at.v);
    return [slide.scrollHeight, slide.scrollWidth];
})"""


def test_they_open_without_network(chromium, tmp_path):
    shutil.copytree(slides._reveal(), tmp_path / "reveal")
    shown = v4.new_code_cell("...", outputs=[v4.new_output("display_data", data={"text/html": PICTURE})])
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(TEXT), shown])
    (tmp_path / "a.html").write_text(slides.html(notebook, "a"), encoding="utf-8")
    context = chromium.new_context(offline=True, viewport={"width": 1280, "height": 800})
    page, asked, failed = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto((tmp_path / "a.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    assert page.evaluate("Reveal.getTotalSlides()") == 2
    assert page.locator("math").bounding_box()["width"] > 50
    assert "A note for the speaker." in page.locator("aside.notes").first.text_content()
    assert all(height <= 700 and width <= 1120 for height, width in page.evaluate(WALK))
    assert failed == [] and all(address.startswith(("file:", "data:")) for address in asked)
    context.close()
