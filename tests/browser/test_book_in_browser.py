"""The notebooks as pages of the site: all is shown, nothing is raw, links lead somewhere, other hosts are not asked."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from advreg_edu.course import book, book_text, site
from moves import SHOTS
from nbformat import v4
from server import files, nothing_wrong

pytestmark = pytest.mark.browser
NOTEBOOKS = ["00"]
VISIBLE = """() => {
  const copy = document.querySelector('main').cloneNode(true);
  copy.querySelectorAll('pre, code, .katex').forEach(node => node.remove());
  return copy.textContent; }"""


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    if not (root / "live" / "node_modules").is_dir():
        pytest.skip("live/node_modules is absent: npm ci --prefix live installs what the pages need")
    out = tmp_path_factory.mktemp("site")
    site.build(out, root, NOTEBOOKS)
    return out


@pytest.fixture(scope="module")
def address(folder):
    with files(folder) as running:
        yield running


@pytest.fixture
def opened(chromium, address):
    """Opens a page of the course. In the end nothing was wrong, and no request had left the host."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(120_000)

    def open_(file):
        page.goto(file if ":" in file else f"{address}/{file}")
        return page

    with nothing_wrong(page, address):
        yield open_
        context.close()


class Parts(HTMLParser):
    """Ids, links and pictures of a page, and the addresses of what it loads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loaded, self.pictures = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids.add(given.get("id"))
        self.links += [given[key] for key in ("href",) if key in given and tag == "a"]
        self.loaded += [given[key] for key in ("src", "href") if key in given and tag != "a"]
        self.pictures += [given] * (tag == "img")


@pytest.fixture(scope="module")
def parts(folder):
    """{file: its parts}."""
    return {path.relative_to(folder).as_posix(): Parts(path.read_text("utf-8")) for path in folder.rglob("*.html")}


def leads_somewhere(link, file, parts, folder):
    to = urlsplit(link)
    if to.scheme:
        return to.scheme == "https"  # a reader may leave, by a click
    target = (folder / file).parent.joinpath(to.path).resolve() if to.path else (folder / file).resolve()
    found = parts.get(target.relative_to(folder.resolve()).as_posix())
    return target.is_file() and (not to.fragment or bool({to.fragment, unquote(to.fragment)} & found.ids))


def test_every_link_leads_somewhere(parts, folder):
    links = [(file, link) for file, found in parts.items() for link in found.links]
    assert len(links) > 100
    assert [(file, link) for file, link in links if not leads_somewhere(link, file, parts, folder)] == []


def test_nothing_is_loaded_from_elsewhere_and_every_picture_has_words(parts, folder):
    for file, found in parts.items():
        for address in found.loaded:
            assert address.startswith("data:") or ((folder / file).parent / address).is_file(), (file, address)
        assert all("alt" in picture for picture in found.pictures), file
    words = [picture["alt"] for picture in parts["00_start_here.html"].pictures]
    assert any(alt.startswith("Side by side: truth x (mean") for alt in words)


def test_no_solution_and_no_widget_is_in_the_pages(folder):
    page = (folder / "00_start_here.html").read_text("utf-8")
    assert "00a, not attempted" in page and "fit = lambda x" not in page and "SOLUTION" not in page
    assert "widget-view" not in page and "No prediction was made" not in page
    assert page.count('class="app"') == 2 and '<a href="reconstruction.html">Open it live</a>' in page
    assert "TEACHING" not in (folder / "book" / "sections.js").read_text("utf-8")  # the answers are not searched
    assert not re.search(r"ipykernel|/home/|/tmp/", page)


@pytest.mark.parametrize("file", ["index.html", "00_start_here.html", "EQUATIONS.html", "TEACHING.html"])
@pytest.mark.parametrize("width, scheme", [(360, "dark"), (1280, "light")])
def test_a_page_fits_and_shows_formulas_and_pictures(opened, root, file, width, scheme):
    page = opened(file)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not re.search(r"\$|\\[a-z]{2,}|[\ue000\ue001]", page.evaluate(VISIBLE))
    assert page.locator(".katex-error").count() == 0
    missing = "[...document.images].filter(image => !image.complete || !image.naturalWidth).map(image => image.src)"
    assert page.evaluate(missing) == []
    page.add_script_tag(path=root / "live" / "node_modules" / "axe-core" / "axe.min.js")
    code = "axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => [impact, id, nodes[0].html]))"
    assert [found for found in page.evaluate(code) if found[0] in ("serious", "critical")] == []
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{file}-{width}-{scheme}.png", full_page=True)


def test_formulas_are_set_and_read(opened):
    page = opened("00_start_here.html")
    equation = page.locator(".katex-display").first
    assert equation.bounding_box()["width"] > 200 and equation.locator("math").count() == 1
    assert "KaTeX_Main" in page.evaluate(
        "[...document.fonts].filter(font => font.status === 'loaded').map(f => f.family)"
    )


def search(page, words):
    page.get_by_role("searchbox", name="Search the course").fill(words)
    page.locator("#found [role=status]").filter(has_text="found").wait_for()


def test_the_search_finds_sections_and_keys_suffice(opened):
    page = opened("00_start_here.html")
    search(page, "filtered streaks")
    assert page.locator("#found li").count() >= 1
    search(page, "zebra")
    assert page.inner_text("#found [role=status]") == "0 sections found."
    search(page, "harmless")
    page.keyboard.press("Escape")
    assert page.locator("#found").is_hidden()
    search(page, "small error becomes")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/00_start_here.html#1-A-small-error-becomes-a-large-one")


def test_pages_lead_to_each_other(opened):
    page = opened("index.html")
    page.get_by_role("link", name="00 Start here").click()
    page.locator("#turn a[rel=next]").click()
    assert page.title() == "Where is it? The paper's equations in the code and in the course"
    assert page.locator("#contents [aria-current=page]").inner_text() == page.title()
    assert page.locator("#turn a[rel=prev]").get_attribute("href") == "00_start_here.html"


def test_it_opens_from_a_folder(opened, folder):
    page = opened((folder / "00_start_here.html").as_uri())
    search(page, "critic")
    assert page.locator("#found li").count() >= 1
    assert page.locator(".katex").count() > 10


def test_it_works_offline_after_the_first_visit(chromium, address):
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{address}/00_start_here.html")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    kept = """async (file) => (await (await caches.open('advreg-edu')).keys()).some(({ url }) => url.endsWith(file))"""
    page.wait_for_function(kept, arg=page.locator("main img").first.get_attribute("src"))
    context.set_offline(True)
    page.reload()
    assert page.locator("main img").first.evaluate("image => image.naturalWidth") > 0
    page.goto(f"{address}/EQUATIONS.html")
    assert page.locator("td").count() > 20
    context.close()


def test_tex_that_cannot_be_set_is_refused(root):
    page = book.Page("a.html", book_text.of_text(r"$\nosuchthing{x}$"))
    with pytest.raises(ValueError, match="TeX that KaTeX knows"):
        book.html(page, [page], root)


def test_outputs_that_print_in_a_loop_are_one_and_warnings_name_no_file():
    said = [v4.new_output("stream", name="stderr", text=f"/x/ipykernel_7/123.py:4: UserWarning: {k}\n") for k in (1, 2)]
    shown, _ = book_text.prepared(v4.new_notebook(cells=[v4.new_code_cell("...", outputs=said)]), set())
    assert [output.text for output in shown.cells[0].outputs] == ["UserWarning: 1\n", "UserWarning: 2\n"]
    page = book.html(book.Page("a.html", shown), [])
    assert page.count("UserWarning") == 2 and page.count('class="output_area"') == 1
