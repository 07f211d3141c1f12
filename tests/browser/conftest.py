"""A JupyterLab of its own and a Chromium to look at it.

Without a browser these tests skip, and fail where REQUIRE_BROWSER=1 is set.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from server import jupyterlab


def _absent(what):
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"REQUIRE_BROWSER=1: expected {what}, found none.")
    pytest.skip(f"needs {what}")


@pytest.fixture(scope="module")  # while Playwright runs, asyncio finds its loop, and apps of other tests would use it
def chromium():
    """A Chromium or Chrome of the system, driven by Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _absent('Playwright for Python (pip install -e ".[dev]")')
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        _absent("chromium, chromium-browser or google-chrome on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page of the size of a small laptop."""
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(60_000)
    yield page
    page.close()


@pytest.fixture(scope="session")
def jupyter(root, tmp_path_factory):
    """(address, folder that it serves). Settings, workspaces and logs stay in a temporary folder."""
    with jupyterlab(tmp_path_factory.mktemp("jupyter"), root) as running:
        yield running
