"""The whole way on the cohort of one prefecture, as `mchdb demo` walks it: what must hold at its end."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.conduct import audit_file, release_from
from pipelines.demo import Places
from pipelines.release.errors import LedgerError
from pipelines.warehouse.database import opened
from pipelines.warehouse.keyring import warehouse_key

pytestmark = pytest.mark.alone

SAMPLE = 1000


def test_it_tells_the_reach_of_both_policies_and_where_the_time_went(walked: tuple[Places, str]) -> None:
    for word in ("到達度 standard", "到達度 official_parity", "合計 / total"):
        assert word in walked[1]


def written_back(published: Path, to: Path, sql: str) -> Path:
    shutil.copy(published, to)
    connection = duckdb.connect(str(to))
    connection.execute(sql)
    connection.close()
    return to


def test_the_release_is_safe_to_an_outsider(places: Places) -> None:
    assert audit_file(places.out / "published.duckdb", places.out / "ledger" / "ledger.jsonl").findings == []


def test_a_small_hidden_cell_written_back_by_hand_is_found(places: Places, tmp_path: Path) -> None:
    cell = "SELECT rowid FROM count_cell WHERE status = 'suppressed' AND breakdown_id = 'all' ORDER BY ALL LIMIT 1"
    sql = f"UPDATE count_cell SET value = 3, status = 'observed' WHERE rowid = ({cell})"
    assert audit_file(written_back(places.out / "published.duckdb", tmp_path / "p.duckdb", sql), None).findings


def test_a_value_beside_a_status_that_is_not_shown_is_found(places: Places, tmp_path: Path) -> None:
    cell = "SELECT rowid FROM observation WHERE status = 'suppressed' ORDER BY ALL LIMIT 1"
    sql = f"UPDATE observation SET value = 95.0 WHERE rowid = ({cell})"
    assert audit_file(written_back(places.out / "published.duckdb", tmp_path / "p.duckdb", sql), None).findings


def test_no_true_name_number_or_birth_date_is_in_any_byte(places: Places) -> None:
    """A raw search of parcels, warehouse, spill, ledger, receipts and release for 1,000 people (promise 1)."""
    persons = pl.read_parquet(places.out / "cohort" / "truth" / "persons.parquet").sort("entity_id")
    moves = pl.read_parquet(places.out / "cohort" / "truth" / "moves.parquet")
    people = persons.gather_every(max(1, persons.height // SAMPLE)).head(SAMPLE)
    numbers = moves.join(people.select("entity_id"), on="entity_id")["person_local"].drop_nulls().unique()
    whole = {*numbers, *(f"{d:%Y-%m-%d}" for d in people["birth_date"] if d.day != 1)}
    for column in ("name", "phone", "alphabet_name"):
        whole |= {v for v in people[column].drop_nulls() if len(v) >= 5}
    parts = {v for c in ("kana_surname", "kana_given_name") for v in people[c].drop_nulls() if len(v) >= 3}
    assert len(whole) > SAMPLE
    for place in ("parcels", "warehouse", "receipts", "ledger", "edge"):
        assert holding(places.out / place, whole | parts) == []
    assert holding(places.out / "published.duckdb", whole) == []  # its labels are Japanese words, kana among them


def holding(place: Path, wanted: set[str]) -> list[str]:
    """Files under `place` that hold any of the texts, in one of three encodings; one character stands for one byte."""
    encoded = {text.encode(e) for text in wanted for e in ("utf-8", "cp932", "utf-16-le") if _fits(text, e)}
    needles = [n.decode("latin-1") for n in encoded if len(n) > 4]
    contents = ((f.name, pl.Series([f.read_bytes().decode("latin-1")])) for f in _files(place))
    return [name for name, text in contents if text.str.contains_any(needles).item()]


def test_the_search_for_identifiers_finds_one(tmp_path: Path) -> None:
    (tmp_path / "leak").write_bytes(b"\x00\x01" + "山田　花子".encode("cp932") + b"\x02")
    assert holding(tmp_path, {"山田　花子", "佐藤　太郎"}) == ["leak"]


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else [f for f in place.rglob("*") if f.is_file()]


def test_the_births_of_the_release_are_those_of_the_truth_but_for_refused_and_protected_ones(places: Places) -> None:
    released = duckdb.connect(str(places.out / "published.duckdb"), read_only=True)
    births = released.sql("SELECT value FROM count_cell WHERE count_id = 'live_births' AND area_code = '000000' "
                          "AND period = '2022-2024' AND breakdown_id = 'all'").fetchone()  # fmt: skip
    children = pl.read_parquet(places.out / "cohort" / "truth" / "children.parquet").filter(
        ~pl.col("is_stillborn"),
        pl.col("birth_date").is_between(date(2022, 4, 1), date(2025, 3, 31)),
        pl.col("residence_municipality_code").str.starts_with("31"),
    )
    assert births is not None and births[0] is not None
    assert 0.98 * children.height <= births[0] <= children.height


# Share of births alone in their group, in per cent: coarsening lowers it and does not make rows anonymous (hole 15).
STATED_UNIQUENESS = {
    "municipality_code, birth_month, sex_code": 5,
    "municipality_code, birth_month, sex_code, birth_weight_g_class": 35,
    "municipality_code, birth_month, sex_code, birth_weight_g_class, gestation_weeks_class, mother_age_class": 90,
}


@pytest.mark.parametrize(("columns", "stated"), STATED_UNIQUENESS.items())
def test_uniqueness_in_the_warehouse_stays_below_what_is_stated(places: Places, columns: str, stated: int) -> None:
    key = warehouse_key([places.keys("warehouse")])
    with opened(places.out / "warehouse", key) as connection:
        groups = f"SELECT count(*) AS n FROM core.birth GROUP BY {columns}"
        share = connection.sql(f"SELECT 100.0 * count(*) FILTER (WHERE n = 1) / sum(n) FROM ({groups})").fetchone()
    assert share is not None
    assert 0 < share[0] <= stated


@pytest.fixture
def copied(places: Places, tmp_path: Path) -> Places:
    shutil.copytree(places.out, tmp_path / "copy")
    return Places(tmp_path / "copy")


def release_again(places: Places, out: str, status: str, ledger: str = "ledger", folder: str = "warehouse") -> None:
    keys = [places.keys("warehouse")]
    ledger_file = places.out / ledger / "ledger.jsonl"
    release_from(
        places.out / folder, keys, ledger_file, places.out / out, status, "standard", (2022, 2024), date(2026, 11, 1)
    )


def test_the_same_release_twice_changes_nothing(copied: Places) -> None:
    before = tables(copied.out / "published.duckdb")
    release_again(copied, "again.duckdb", "final")
    after = tables(copied.out / "again.duckdb")
    assert before.keys() == after.keys()
    for name in set(before) - {"release"}:
        assert before[name].equals(after[name]), name


def test_provisional_shows_nation_and_prefecture_and_then_final_follows(places: Places, tmp_path: Path) -> None:
    shutil.copytree(places.out, tmp_path / "copy", ignore=shutil.ignore_patterns("cohort"))
    fresh = Places(tmp_path / "copy")
    (fresh.out / "warehouse" / "ledger_head").unlink()
    from pipelines.release.ledger import Ledger

    (fresh.out / "second").mkdir()
    Ledger.create(fresh.out / "second" / "ledger.jsonl", fresh.out / "warehouse" / "ledger_head")
    release_again(fresh, "first.duckdb", "provisional", ledger="second")
    first = duckdb.connect(str(fresh.out / "first.duckdb"), read_only=True)
    levels = first.sql(
        "SELECT DISTINCT level FROM count_cell JOIN area USING (area_code) WHERE value IS NOT NULL"
    ).fetchall()
    assert {level for (level,) in levels} == {"nation", "prefecture"}
    assert first.sql("SELECT DISTINCT status FROM count_cell WHERE value IS NOT NULL").fetchall() == [("provisional",)]
    release_again(fresh, "final.duckdb", "final", ledger="second")
    assert audit_file(fresh.out / "final.duckdb", fresh.out / "second" / "ledger.jsonl").findings == []


def test_without_its_ledger_nothing_is_released(copied: Places) -> None:
    shutil.rmtree(copied.out / "ledger")
    with pytest.raises(LedgerError):
        release_again(copied, "again.duckdb", "final")
    assert not (copied.out / "again.duckdb").exists()


def tables(path: Path) -> dict[str, pl.DataFrame]:
    connection = duckdb.connect(str(path), read_only=True)
    names = [n for (n,) in connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()]
    return {n: connection.sql(f"SELECT * FROM {n} ORDER BY ALL").pl() for n in names}
