"""The questions a view may ask, and what happens to them while a release is replaced."""

import time
from pathlib import Path

import duckdb
import polars as pl
import pytest

from dashboards.published import NATION, NotARelease, NotPublished, Published, Release
from tests.dashboards.made_release import make_release

NAHA, KUNIGAMI, OKINAWA = "472018", "473014", "470007"


def test_the_registry_is_79_of_1741(release: Release) -> None:
    assert (release.n_registered(), release.n_municipalities()) == (79, 1741)


def test_pooled_years_come_first_then_the_latest(release: Release) -> None:
    assert release.periods() == ["2022-2024", "2024", "2023", "2022"]


def test_a_level_has_a_row_for_every_area_and_a_status_for_every_row(release: Release) -> None:
    rows = release.of_level("low_birth_weight_rate", "2022-2024", "municipality")
    assert rows.height == 1741
    assert rows["status"].null_count() == 0
    assert rows.filter(pl.col("status") == "not_collected").height == 1741 - 79
    assert rows.filter(pl.col("value").is_null() != (pl.col("status") != "observed")).is_empty()


def test_a_cell_without_a_row_is_not_published_where_registered_and_not_collected_elsewhere(release: Release) -> None:
    rows = release.of_level("low_birth_weight_rate", "2019", "prefecture").rows_by_key(
        "area_code", named=True, unique=True
    )
    assert rows[OKINAWA]["status"] == "not_published"
    assert rows["130001"]["status"] == "not_collected"


def test_the_nearest_number_widens_step_by_step(tmp_path: Path) -> None:
    """Pooled years of the area itself, then its medical area, its prefecture, the nation."""
    path = make_release(tmp_path / "published.duckdb")
    steps = [(KUNIGAMI, "2022-2024"), (f"47M0{_medical_area(path)[-1]}", "2024"), (OKINAWA, "2024"), (NATION, "2024")]
    with duckdb.connect(str(path)) as db:
        db.execute(
            "UPDATE observation SET status = 'suppressed', value = NULL WHERE indicator_id = 'preterm_birth_rate'"
        )
        for area, period in steps:
            db.execute(
                "UPDATE observation SET status = 'observed', value = 5.0 WHERE indicator_id = 'preterm_birth_rate' "
                "AND breakdown_id = 'all' AND area_code = ? AND period = ?",
                [area, period],
            )
    for area, period in steps:
        near = Release(path).nearest("preterm_birth_rate", KUNIGAMI, "2024")
        assert near is not None and (near["area_code"], near["period"]) == (area, period)
        with duckdb.connect(str(path)) as db:
            db.execute(
                "UPDATE observation SET status = 'suppressed' WHERE area_code = ? AND indicator_id = 'preterm_birth_rate'",
                [area],
            )
    assert Release(path).nearest("preterm_birth_rate", KUNIGAMI, "2024") is None


def _medical_area(path: Path) -> str:
    return str(Release(path).area(KUNIGAMI)["medical_area_code"])


def test_the_nearest_number_of_a_pooled_value_is_the_same_years_of_a_wider_area(release: Release) -> None:
    near = release.nearest("very_low_birth_weight_rate", NAHA, "2022-2024")
    assert near is not None
    assert (near["level"], near["period"]) == ("medical_area", "2022-2024")


def test_a_series_keeps_the_order_of_the_areas_asked_for(release: Release) -> None:
    series = release.series("low_birth_weight_rate", (NAHA, OKINAWA, NATION))
    assert series["area_code"].unique(maintain_order=True).to_list() == [NAHA, OKINAWA, NATION]
    assert series.filter(pl.col("area_code") == NAHA)["period"].to_list() == ["2022", "2023", "2024"]


def test_a_breakdown_comes_in_the_order_of_its_categories(release: Release) -> None:
    series = release.series("low_birth_weight_rate", (OKINAWA,), "sex")
    assert series["category_ja"].unique(maintain_order=True).to_list() == ["男", "女", "不詳"]


def test_a_release_renamed_into_place_is_read_at_the_next_look_and_the_old_one_stays_whole(tmp_path: Path) -> None:
    path = make_release(tmp_path / "published.duckdb", "first")
    published = Published(path)
    first = published.current()
    assert published.current() is first
    make_release(tmp_path / "next.duckdb", "second").replace(path)
    assert published.current().info.release_id == "second"
    assert first.info.release_id == "first"
    assert first.areas().height == published.current().areas().height


def test_the_last_release_stays_while_the_file_is_away_or_broken(tmp_path: Path) -> None:
    path = make_release(tmp_path / "published.duckdb", "first")
    published = Published(path)
    published.current()
    path.unlink()
    assert published.current().info.release_id == "first"
    path.write_bytes(b"no release")
    assert published.current().info.release_id == "first"


@pytest.mark.parametrize("content", [None, b"", b"no database at all", "other"])
def test_a_file_that_is_no_release_is_refused_in_one_sentence(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "published.duckdb"
    if content == "other":
        with duckdb.connect(str(path)) as db:
            db.execute("CREATE TABLE something (name VARCHAR)")
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(NotARelease) as refused:
        Published(path).current()
    says = str(refused.value)
    assert "A release" in says and "mchdb release" in says and "\n" not in says
    assert not any(word in says for word in ("duckdb.duckdb", "IOException", "Catalog", "Traceback", str(tmp_path)))


def test_a_release_without_a_table_says_that_it_is_not_published(tmp_path: Path) -> None:
    path = make_release(tmp_path / "published.duckdb")
    with duckdb.connect(str(path)) as db:
        db.execute("DROP TABLE policy")
    with pytest.raises(NotPublished):
        Release(path).policy()


def test_a_release_of_real_size_answers_in_milliseconds(published: Path) -> None:
    fresh = Release(published)  # about 95,000 observations
    fresh.areas()
    began = time.perf_counter()
    for year in ("2022", "2023", "2024", "2022-2024"):
        fresh.of_level("preterm_birth_rate", year, "municipality")
        fresh.of_area(NAHA, year)
    assert (time.perf_counter() - began) / 8 < 0.15  # about 0.01 s; both cores may be taken
