"""The codebook: whole pages that need nothing but themselves."""

from html.parser import HTMLParser
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.release.codebook import codebook
from pipelines.release.errors import UsageError
from tests.release.small_release import CHOSEN, NUMBERS, RELEASE_ID

PAGES = ["index", "records", "counts", "indicators", "policies", "codes", "symbols"]


class Reader(HTMLParser):
    """What a page links to, its anchors, its texts, and whether every element is closed."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            if name == "id":
                self.anchors.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def small_release_pages(small_release: Path, tmp_path: Path) -> dict[str, Reader]:
    codebook(small_release, tmp_path / "book")
    return {name: Reader((tmp_path / "book" / f"{name}.html").read_text("utf-8")) for name in PAGES}


def test_all_pages_and_the_csv_are_written(small_release: Path, tmp_path: Path) -> None:
    written = codebook(small_release, tmp_path / "book")
    assert [p.name for p in written] == [*(f"{name}.html" for name in PAGES), "codebook.csv"]
    assert all(p.is_file() for p in written)


def test_pages_are_whole_and_need_nothing_from_elsewhere(small_release_pages: dict[str, Reader]) -> None:
    for name, page in small_release_pages.items():
        assert not page.open, name
        assert page.tags.count("h1") == 1
        assert not {"script", "img", "link", "iframe"} & set(page.tags)
        assert not [link for link in page.links if "//" in link]


def test_every_link_leads_somewhere(small_release_pages: dict[str, Reader]) -> None:
    for page in small_release_pages.values():
        for link in page.links:
            target, _, anchor = link.partition("#")
            assert target.removesuffix(".html") in small_release_pages
            assert not anchor or anchor in small_release_pages[target.removesuffix(".html")].anchors, link


def test_every_declared_thing_has_its_place(small_release_pages: dict[str, Reader]) -> None:
    assert set(CHOSEN) <= small_release_pages["indicators"].anchors
    assert set(NUMBERS) <= small_release_pages["counts"].anchors
    assert "birth" in small_release_pages["records"].anchors
    assert "C0001" in small_release_pages["codes"].anchors
    said = "".join(small_release_pages["indicators"].words)
    for words in ("低出生体重児割合", "Low birth weight", "2032: 9 %", "判断しない", "低いほど望ましい"):
        assert words in said
    assert "秘匿" in "".join(small_release_pages["symbols"].words)


def test_text_is_text(small_release_pages: dict[str, Reader]) -> None:
    assert "性別 <i>男・女</i>" in "".join(small_release_pages["records"].words)


def test_every_page_says_which_release_and_that_it_is_synthetic(small_release_pages: dict[str, Reader]) -> None:
    for page in small_release_pages.values():
        said = "".join(page.words)
        assert RELEASE_ID in said and "合成データ" in said


def test_real_data_is_not_called_synthetic(small_release: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(small_release)) as connection:
        connection.execute("UPDATE release SET is_synthetic = false, seed = NULL")
    for path in codebook(small_release, tmp_path / "book"):
        assert "合成データ" not in path.read_text("utf-8")


def test_the_csv_holds_every_part(small_release: Path, tmp_path: Path) -> None:
    codebook(small_release, tmp_path)
    rows = pl.read_csv(tmp_path / "codebook.csv", infer_schema=False)
    assert set(rows["part"]) == {"record", "field", "count", "indicator", "category", "policy", "code", "symbol"}
    assert rows.select("part", "of", "id").is_duplicated().sum() == 0
    assert (tmp_path / "codebook.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_same_release_gives_the_same_pages(small_release: Path, tmp_path: Path) -> None:
    first, second = codebook(small_release, tmp_path / "a"), codebook(small_release, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_what_is_not_a_release_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mchdb release"):
        codebook(tmp_path / "missing.duckdb", tmp_path / "book")
    assert not (tmp_path / "book").exists()
