"""The whole way on the cohort of one prefecture, as `mchdb demo` walks it: what must hold at its end."""

import re
import shutil
from collections.abc import Iterable, Iterator
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
from tests.edge.opened_parcel import opened as opened_parcel

pytestmark = pytest.mark.alone

SAMPLE = 1000
DAY_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")
IN_PUBLIC_WORDS = re.compile(r"[\u3041-\u30ff]+|\d{1,9}")  # kana are in labels, short numbers in codes and populations
PSEUDONYM = re.compile(rb"[0-9a-f]{32,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHORTEST = {  # characters from which a text is nobody else's word or number
    "name": 4, "kana_surname": 3, "kana_given_name": 3, "alphabet_name": 6, "phone": 9, "insured_number": 7,
}  # fmt: skip


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


@pytest.fixture(scope="module")
def identifiers(places: Places) -> set[str]:
    """True names, numbers, phones and birth dates of 1,000 people, and of what their feeds say of them."""
    persons = pl.read_parquet(places.out / "cohort" / "truth" / "persons.parquet").sort("entity_id")
    moves = pl.read_parquet(places.out / "cohort" / "truth" / "moves.parquet")
    people = persons.gather_every(max(1, persons.height // SAMPLE)).head(SAMPLE)
    spells = moves.join(people.select("entity_id"), on="entity_id")
    found = {v for c in ("person_local", "pmh_key") for v in spells[c].drop_nulls()}
    for form in DAY_FORMS:
        found |= {f"{d:{form}}" for d in people["birth_date"] if d.day != 1}
    for column, shortest in SHORTEST.items():
        found |= {v for v in people[column].drop_nulls() if len(v) >= shortest}
    assert people.height == SAMPLE
    assert len(found) > 5 * SAMPLE
    return found


def test_no_true_name_number_or_birth_date_is_in_any_byte(places: Places, identifiers: set[str]) -> None:
    """A raw search of parcels, warehouse, spill, ledger, receipts, logs and release for 1,000 people (promise 1)."""
    for place in ("parcels", "warehouse", "receipts", "ledger", "edge", "logs"):
        assert holding(stored(places.out / place), identifiers) == []
    public = {text for text in identifiers if IN_PUBLIC_WORDS.fullmatch(text)}
    assert holding(stored(places.out / "published.duckdb"), identifiers - public) == []


def test_nor_inside_of_what_is_sealed_or_encrypted(places: Places, identifiers: set[str]) -> None:
    """The same search with every key in hand: opened members, tables out of their compression, and the database."""
    assert holding(unsealed(places), identifiers) == []
    assert holding(decrypted(places), identifiers) == []


def test_nor_in_what_was_printed(walked: tuple[Places, str], identifiers: set[str]) -> None:
    assert holding([("printed", walked[1].encode())], identifiers) == []


def stored(place: Path) -> Iterator[tuple[str, bytes]]:
    files = [place] if place.is_file() else [f for f in place.rglob("*") if f.is_file()]
    yield from ((f.name, f.read_bytes()) for f in files)


def unsealed(places: Places) -> Iterator[tuple[str, bytes]]:
    """Manifest, signature and tables of every parcel; a table as its values, and as it lay in the parcel."""
    parcels = sorted((places.out / "parcels").glob("*.parcel"))
    assert parcels
    for parcel in parcels:
        inside = opened_parcel(parcel, places.out / "keys")
        yield from ((name, content) for member in inside.members.values() for name, content in member.items())
        yield from ((name, as_bytes(table)) for name, table in inside.tables.items())


def decrypted(places: Places) -> Iterator[tuple[str, bytes]]:
    """Every table of the opened warehouse."""
    with opened(places.out / "warehouse", warehouse_key([places.keys("warehouse")])) as connection:
        named = connection.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
        assert len(named) > 20
        for schema, table in named:
            yield f"{schema}.{table}", as_bytes(connection.execute(f"SELECT * FROM {schema}.{table}").pl())


def as_bytes(table: pl.DataFrame) -> bytes:
    """Every value once: binary as it is, the rest as text without pseudonyms in hexadecimal or as UUID, which hold any digits."""
    distinct = [column.drop_nulls().unique().to_list() for column in table]
    values = (v if isinstance(v, bytes) else str(v).encode() for column in distinct for v in column)
    return b"\n".join(PSEUDONYM.sub(b"", v) for v in values)


def holding(contents: Iterable[tuple[str, bytes]], wanted: set[str]) -> list[str]:
    """Names of contents that hold any of the texts, in one of three encodings; one character stands for one byte.

    Six bytes or fewer (three kana in CP932) also come about in packed integers and random tokens.
    """
    encoded = {text.encode(e) for text in wanted for e in ("utf-8", "cp932", "utf-16-le") if _fits(text, e)}
    needles = [n.decode("latin-1") for n in encoded if len(n) > 6]
    found = pl.DataFrame(
        ((name, content.decode("latin-1")) for name, content in contents), schema=["name", "text"], orient="row"
    )
    return found.filter(pl.col("text").str.contains_any(needles))["name"].to_list()


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "utf-16-le"])
def test_the_search_for_identifiers_finds_one(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "leak").write_bytes(b"\x00\x01" + "山田　花子".encode(encoding) + b"\x02")
    assert holding(stored(tmp_path), {"山田　花子", "佐藤　太郎"}) == ["leak"]


def test_the_search_finds_a_number_in_a_table() -> None:
    table = pl.DataFrame({"key": [b"\x00" * 16], "note": ["tel 0857-55-0123"], "day": [date(2024, 6, 12)]})
    for wanted in ("0857-55-0123", "2024-06-12"):
        assert holding([("table", as_bytes(table))], {wanted}) == ["table"]


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


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
