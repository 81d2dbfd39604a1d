"""Every page in both languages, wide and narrow, in a real browser."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboards.words import LANGUAGES, PAGE_NAMES, WORDS, Words

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000  # for a machine that does other work beside; a page that is whole is never waited for
expect.set_options(timeout=PATIENCE_MS)
WIDTHS = (1440, 390)
NAHA, KUNIGAMI, KANAZAWA = "472018", "473014", "172014"
ADDRESSES = {
    "overview": f"area={NAHA}",
    "map": f"area={NAHA}&indicator=low_birth_weight_rate",
    "trend": f"area={NAHA}&indicator=low_birth_weight_rate",
    "definitions": "indicator=epds_high_rate",
}


@dataclass
class Seen:
    """A page and what its browser complained of or asked of other hosts."""

    page: Page
    server: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.server}/{path}")
        _wait_until_whole(self.page)
        return self.page


def _wait_until_whole(page: Page) -> None:
    """The script has ended, and every part has come.

    Streamlit's browser part loads the code of each kind of widget by itself: a part stands as a skeleton until its code
    is there, and parts come in no fixed order. Until then the first box found need not be the first of the page, and a
    part that comes late moves those below it; a scroll closes an open menu.
    """
    page.locator("footer").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)


@pytest.fixture
def at(browser: Browser, server: str) -> Iterator[Callable[[int], Seen]]:
    contexts = []

    def opened(width: int) -> Seen:
        context = browser.new_context(viewport={"width": width, "height": 900}, has_touch=width < 500)
        contexts.append(context)
        seen = Seen(context.new_page(), server)
        seen.page.set_default_timeout(PATIENCE_MS)
        seen.page.on("console", lambda m: seen.complaints.append(m.text) if m.type in ("error", "warning") else None)
        seen.page.on("pageerror", lambda e: seen.complaints.append(str(e)))
        own = (server, server.replace("http", "ws"), "data:", "blob:")
        seen.page.on("request", lambda r: seen.complaints.append(r.url) if not r.url.startswith(own) else None)
        return seen

    yield opened
    for context in contexts:
        context.close()


def _wait_for_map(page: Page) -> None:
    page.locator(".map[data-drawn]").wait_for()
    page.wait_for_timeout(150)


def _colours(page: Page) -> int:
    """Different colours on the canvas of the map."""
    script = """c => { const g = c.getContext('2d'), d = g.getImageData(0, 0, c.width, c.height).data, s = new Set();
        for (let i = 0; i < d.length; i += 4) s.add(d[i] << 16 | d[i+1] << 8 | d[i+2]); return s.size; }"""
    return int(page.locator(".map canvas").evaluate(script))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", PAGE_NAMES)
def test_a_page_is_whole(at: Callable[[int], Seen], name: str, lang: str, width: int) -> None:
    seen = at(width)
    page = seen.open(f"{'' if name == PAGE_NAMES[0] else name}?{ADDRESSES[name]}&lang={lang}")
    if name == "map":
        _wait_for_map(page)
    if name in ("map", "trend"):
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.wait_for_timeout(300)
    expect(page.locator("h1")).to_have_count(1)
    page.wait_for_function("lang => document.documentElement.lang === lang", arg=lang)
    expect(page).to_have_title(re.compile(re.escape(Words(lang)(name))))
    assert page.evaluate(
        "[document.documentElement, document.querySelector('.stMain')].every(e => e.scrollWidth <= innerWidth)"
    )
    assert page.locator("[data-testid=stException]").count() == 0
    assert seen.complaints == []


def test_the_first_page_is_found_by_its_name(at: Callable[[int], Seen], server: str) -> None:
    page = at(1440).open(f"{PAGE_NAMES[0]}?area={NAHA}")
    expect(page).to_have_url(re.compile(rf"^{re.escape(server)}/\?.*area={NAHA}"))
    expect(page.locator("h1")).to_have_count(1)
    assert page.get_by_role("dialog").count() == 0, "Streamlit's own 'Page not found'"


def test_the_page_is_japanese_before_anything_is_loaded(at: Callable[[int], Seen], server: str) -> None:
    answer = at(1440).page.request.get(f"{server}/map")
    assert '<html lang="ja">' in answer.text()
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_map_draws_all_looks(at: Callable[[int], Seen], width: int) -> None:
    page = at(width).open("map?indicator=low_birth_weight_rate")
    _wait_for_map(page)
    assert page.locator(".map").get_attribute("data-drawn") == "1741"
    assert _colours(page) > 50
    legend = page.locator("ul.legend").inner_text()
    assert "秘匿" in legend and "未収集" in legend and "未満" in legend


def _enlarge_kanazawa(page: Page) -> tuple[float, float]:
    """Enlarges Ishikawa; where the canvas is clicked to choose the town in its middle column, above the chosen one."""
    page.locator(".map .back").click()
    page.wait_for_timeout(200)
    box = page.locator(".map canvas").bounding_box()
    assert box is not None
    return box["width"] * 0.5, box["height"] * 0.42


@pytest.mark.parametrize("width", WIDTHS)
def test_a_click_on_the_map_chooses_an_area_and_the_address_follows(at: Callable[[int], Seen], width: int) -> None:
    seen = at(width)
    page = seen.open(f"map?indicator=low_birth_weight_rate&area={KANAZAWA}")
    _wait_for_map(page)
    x, y = _enlarge_kanazawa(page)
    page.locator(".map canvas").click(position={"x": x, "y": y})
    page.wait_for_url(lambda url: "area=17" in url and f"area={KANAZAWA}" not in url)
    assert seen.complaints == []


def test_a_narrow_map_first_enlarges_a_prefecture(at: Callable[[int], Seen]) -> None:
    page = at(390).open("map?indicator=low_birth_weight_rate")
    _wait_for_map(page)
    page.locator(".map canvas").click(position={"x": 300, "y": 60})
    expect(page.locator(".map .back")).to_have_text(WORDS["map_back"][0])
    assert "area=" not in page.url


def test_the_tip_names_the_area_and_its_value(at: Callable[[int], Seen]) -> None:
    page = at(1440).open(f"map?indicator=low_birth_weight_rate&area={KANAZAWA}")
    _wait_for_map(page)
    x, y = _enlarge_kanazawa(page)
    page.locator(".map canvas").hover(position={"x": x, "y": y})
    tip = page.locator(".map .tip")
    expect(tip).to_be_visible()
    assert tip.inner_text().startswith("石川県 ") and ("%" in tip.inner_text() or "秘匿" in tip.inner_text())


def test_the_address_reproduces_the_view(at: Callable[[int], Seen]) -> None:
    page = at(1440).open("map")
    page.get_by_role("combobox", name=WORDS["indicator"][0], exact=True).click()
    page.get_by_role("option", name="早産率", exact=True).click()
    page.locator("h1", has_text="早産率").wait_for()
    page.get_by_text("English", exact=True).click()
    page.locator("h1", has_text="Preterm birth").wait_for()
    page.wait_for_url("**lang=en**")
    again = at(1440)
    again.open(page.url.removeprefix(again.server + "/"))
    assert again.page.locator("h1").inner_text() == page.locator("h1").inner_text()


def test_the_choice_goes_along_to_the_next_page(at: Callable[[int], Seen]) -> None:
    page = at(1440).open(f"?area={NAHA}&lang=en")
    page.locator(".st-key-pages").get_by_text("Trend", exact=True).click()
    page.wait_for_url(lambda url: "/trend?" in url and f"area={NAHA}" in url and "lang=en" in url)
    expect(page.locator("h1")).to_contain_text("trend")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_suppressed_number_is_explained_and_its_neighbour_is_one_click_away(
    at: Callable[[int], Seen], width: int
) -> None:
    page = at(width).open(f"?area={KUNIGAMI}&period=2024")
    expect(page.get_by_text(WORDS["why_suppressed"][0]).first).to_be_visible()
    link = page.locator("[data-testid=stPageLink-NavLink]", has_text="この値を表示").first
    link.scroll_into_view_if_needed()
    link.click()
    page.wait_for_url(lambda url: f"area={KUNIGAMI}&period=2024" not in url)
    _wait_until_whole(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_text_is_large_enough(at: Callable[[int], Seen], lang: str) -> None:
    """At least 11 px, in pages and in figures."""
    page = at(390).open(f"map?indicator=low_birth_weight_rate&area={NAHA}&lang={lang}")
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    script = """() => { const w = document.createTreeWalker(document.querySelector('.stMain'), NodeFilter.SHOW_TEXT), small = [];
        while (w.nextNode()) { const e = w.currentNode.parentElement, t = w.currentNode.textContent.trim();
            if (t && e.getClientRects().length && parseFloat(getComputedStyle(e).fontSize) < 11) small.push(t); } return small; }"""
    assert page.evaluate(script) == []
