"""Every page in both languages, without a browser: what it says, what it keeps, what it survives."""

from collections.abc import Callable
from pathlib import Path
from shutil import copy
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dashboards.published import Release
from dashboards.words import LANGUAGES, PAGE_NAMES, WORDS, Words
from tests.dashboards.made_release import make_release
from tests.dashboards.pages import elements, run_page, text_of

NAHA, KUNIGAMI, OKINAWA = "472018", "473014", "470007"
Page = Callable[..., AppTest]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", PAGE_NAMES)
def test_every_page_shows_its_frame_in_both_languages(page: Page, name: str, lang: str) -> None:
    app = page(name, lang=lang)
    says, words = text_of(app), Words(lang)
    assert not app.exception and not app.error
    assert len(app.title) == 1
    assert words("synthetic") in says and "2025-final-01" in says and words("release_final") in says
    assert words("policy_standard") in says and words("footer_note") in says


def test_the_banner_is_only_there_for_synthetic_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_release(tmp_path / "published.duckdb", is_synthetic=False)
    monkeypatch.setenv("MCHDB_PUBLISHED", str(path))
    assert WORDS["synthetic"][0] not in text_of(run_page("overview"))


def test_the_nation_is_titled_as_the_sum_of_the_registered(page: Page) -> None:
    app = page("overview")
    assert "登録された都道府県の合計" in app.title[0].value
    assert "全国ではありません" in text_of(app) and "79" in text_of(app) and "1,741" in text_of(app)


def test_a_card_says_value_interval_parts_period_direction_and_comparators(page: Page) -> None:
    says = text_of(page("overview", area=NAHA))
    assert "出生数" in says and "÷" in says and "95 %区間" in says
    assert "2022～2024年度(3年計)" in says and "低いほど望ましい" in says and "高低を判断しない" in says
    assert "沖縄県" in says and "登録された都道府県の合計" in says


def test_a_suppressed_card_says_why_and_offers_the_nearest_number(page: Page) -> None:
    app = page("overview", area=KUNIGAMI)
    says = text_of(app)
    assert "秘匿" in says and WORDS["why_suppressed"][0] in says and WORDS["nearest"][0] in says
    links = [e.proto for e in _links(app) if "この値を表示" in e.proto.label]
    assert links
    assert all("area=" in link.query_string and "period=" in link.query_string for link in links)


def _links(app: AppTest) -> list[Any]:
    return [e for e in elements(app) if getattr(e, "type", "") == "page_link"]


def test_the_map_says_how_many_are_shown(page: Page, release: Release) -> None:
    app = page("map", indicator="low_birth_weight_rate")
    shown = release.of_level("low_birth_weight_rate", "2022-2024", "municipality")["value"].count()
    assert f"全国1,741市区町村のうち登録79市区町村、値を表示できるのは{shown}" in text_of(app)
    assert "2022～2024年度(3年計)" in app.title[0].value  # municipalities are pooled, unless the reader chooses


def test_the_ranking_puts_suppressed_areas_last_by_code_and_without_a_rank(page: Page) -> None:
    table = page("map", indicator="low_birth_weight_rate").dataframe[0].value
    shown, hidden = table[table["value"].notna()], table[table["value"].isna()]
    assert len(hidden) > 5
    assert list(table.index[table["value"].isna()]) == list(range(len(shown), len(table)))
    assert hidden["area_code"].is_monotonic_increasing and hidden["rank"].isna().all()
    assert shown["value"].is_monotonic_decreasing and set(hidden["symbol"]) == {"x"}


def test_a_level_without_a_value_says_what_there_is(page: Page) -> None:
    app = page("map", indicator="very_low_birth_weight_rate", level="municipality")
    assert "極低出生体重児割合は、この段階・期間では公表できる値がありません。" in app.info[0].value
    assert "都道府県" in app.info[0].value and not app.exception


@pytest.mark.parametrize("level", ["municipality", "medical_area", "prefecture"])
def test_every_level_has_a_map_and_a_table(page: Page, level: str) -> None:
    app = page("map", level=level, indicator="preterm_birth_rate")
    assert not app.exception and len(app.dataframe) == 1


def test_a_trend_compares_the_area_with_those_around_it(page: Page) -> None:
    table = page("trend", area=NAHA, indicator="preterm_birth_rate").dataframe[0].value
    assert list(dict.fromkeys(table["line"])) == ["那覇市", "沖縄県", "登録された都道府県の合計"]


def test_a_trend_by_breakdown_shows_the_parts_of_one_area(page: Page) -> None:
    app = page("trend", area=OKINAWA, indicator="low_birth_weight_rate", breakdown="sex", lang="en")
    assert list(dict.fromkeys(app.dataframe[0].value["line"])) == ["boys", "girls", "unknown"]
    assert "by boys, girls, unknown" in [app.selectbox(key="breakdown_box").format_func("sex")]


def test_the_definition_is_whole(page: Page) -> None:
    app = page("definitions", indicator="checkup_3y_rate_official")
    says = text_of(app)
    for part in (
        "3歳児健診の受診実人員 ÷ 対象人員",
        "率(分子は分母に含まれるとは限らない)",
        "95.0 %",
        "地域保健・健康増進事業報告",
        "男・女・不詳",
        "秘匿",
    ):
        assert part in says
    assert "programme_code = '36'" in "\n".join(c.value for c in app.code)


def test_a_choice_is_written_into_the_address(page: Page) -> None:
    app = page("map", indicator="preterm_birth_rate")
    app.selectbox(key="level_box").set_value("prefecture").run()
    assert (app.query_params["level"], app.query_params["indicator"]) == ("prefecture", "preterm_birth_rate")
    app.segmented_control(key="lang_box").set_value("en").run()
    assert app.query_params["lang"] == "en" and "Preterm birth: Prefectures" in app.title[0].value


@pytest.mark.parametrize(
    "address",
    [
        {"area": "999999"}, {"area": "' OR 1=1 --"}, {"indicator": "<script>"}, {"period": "1900"}, {"level": "ward"}, {"lang": "fr"},
        {"breakdown": "name"}, {"compared": "472018,nobody"}, {"compared": ",".join(["472018"] * 50)},
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_is_ignored_and_leaves_the_address(page: Page, address: dict[str, str]) -> None:
    (name, value) = next(iter(address.items()))
    app = page("trend" if name in ("breakdown", "compared") else "map", **address)
    assert not app.exception and len(app.title) == 1
    assert name not in app.query_params
    assert value not in text_of(app)


def test_a_new_release_shows_at_the_next_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_release(tmp_path / "published.duckdb", "first")
    monkeypatch.setenv("MCHDB_PUBLISHED", str(path))
    app = run_page("overview")
    assert "first" in text_of(app)
    make_release(tmp_path / "next.duckdb", "second").replace(path)
    assert "second" in text_of(app.run()) and not app.exception


@pytest.mark.parametrize("table", ["policy", "field_definition", "breakdown", "indicator_target"])
@pytest.mark.parametrize("name", PAGE_NAMES)
def test_a_missing_table_is_a_sentence_never_a_traceback(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, name: str
) -> None:
    path = Path(copy(published, tmp_path))
    with duckdb.connect(str(path)) as db:
        db.execute(f"DROP TABLE {table}")
    monkeypatch.setenv("MCHDB_PUBLISHED", str(path))
    app = run_page(name, area=NAHA)
    assert not app.exception and len(app.title) == 1
    needs = {
        ("policy", "definitions"),
        ("field_definition", "definitions"),
        ("breakdown", "trend"),
        ("breakdown", "definitions"),
        ("breakdown", "overview"),
    }
    needs |= {("indicator_target", "overview"), ("indicator_target", "definitions")}
    assert ((table, name) in needs) == (WORDS["part_missing"][0] in [i.value for i in app.info])


@pytest.mark.parametrize("content", [None, b"no release"])
def test_no_release_is_a_sentence_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "published.duckdb"
    if content:
        path.write_bytes(content)
    monkeypatch.setenv("MCHDB_PUBLISHED", str(path))
    app = run_page("overview")
    word = "not_a_release" if content else "no_release"
    assert all(says in app.warning[0].value for says in WORDS[word])


def test_an_empty_release_is_a_sentence(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(copy(published, tmp_path))
    with duckdb.connect(str(path)) as db:
        db.execute("DELETE FROM observation")
    monkeypatch.setenv("MCHDB_PUBLISHED", str(path))
    assert WORDS["part_missing"][0] in run_page("overview").warning[0].value
