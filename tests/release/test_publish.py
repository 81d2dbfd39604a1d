"""`published.duckdb` appears whole or not at all, explains itself, and never held what it does not show."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.indicators import COUNTS, INDICATORS
from pipelines.records import RECORDS
from pipelines.release.errors import DiskError
from pipelines.release.publish import draft_beside, write_draft
from pipelines.release.tables import breakdown_rows, count_definitions, field_rows, public_facts, record_rows
from pipelines.release.writing import place_file


def small_tables() -> dict[str, pl.DataFrame]:
    return {
        **public_facts(),
        "count_definition": count_definitions(COUNTS),
        "breakdown": breakdown_rows(INDICATORS),
        "record_definition": record_rows(RECORDS),
        "field_definition": field_rows(RECORDS),
    }


def test_every_table_and_column_explains_itself_and_has_a_key(tmp_path: Path) -> None:
    write_draft(small_tables(), tmp_path / "draft")
    connection = duckdb.connect(str(tmp_path / "draft"), read_only=True)
    bare = "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL OR NOT has_primary_key"
    assert connection.sql(bare).fetchall() == []
    assert (
        connection.sql("SELECT column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL").fetchall()
        == []
    )


def test_every_field_count_and_indicator_stands_in_its_table(tmp_path: Path) -> None:
    write_draft(small_tables(), tmp_path / "draft")
    connection = duckdb.connect(str(tmp_path / "draft"), read_only=True)
    declared = {(r.name, n) for r in RECORDS.values() for n in r.fields}
    assert set(connection.sql("SELECT record, field FROM field_definition").fetchall()) == declared
    assert {c for (c,) in connection.sql("SELECT count_id FROM count_definition").fetchall()} == set(COUNTS)


def test_a_failed_release_leaves_the_earlier_file_and_no_draft(tmp_path: Path) -> None:
    published = tmp_path / "published.duckdb"
    published.write_bytes(b"earlier")
    with pytest.raises(RuntimeError), draft_beside(published) as draft:
        write_draft(small_tables(), draft)
        raise RuntimeError
    assert published.read_bytes() == b"earlier"
    assert [f.name for f in tmp_path.iterdir()] == ["published.duckdb"]


def test_a_full_disk_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(DiskError) as caught, draft_beside(tmp_path / "published.duckdb"):
        raise OSError(28, "No space left on device")
    assert caught.value.exit_code == 74


def test_an_open_reader_keeps_its_file_and_a_new_one_sees_the_new(tmp_path: Path) -> None:
    published = tmp_path / "published.duckdb"
    for name in ("first", "second"):
        with draft_beside(published) as draft:
            write_draft({"symbol": pl.DataFrame({"status": [name]})}, draft)
            place_file(draft, published)
        if name == "first":
            reader = duckdb.connect()
            reader.execute(f"ATTACH '{published}' AS old (READ_ONLY)")
    assert reader.sql("SELECT status FROM old.symbol").fetchall() == [("first",)]
    newer = duckdb.connect()
    newer.execute(f"ATTACH '{published}' AS new (READ_ONLY)")
    assert newer.sql("SELECT status FROM new.symbol").fetchall() == [("second",)]
