"""Promise 7, privacy hole 14: no digest in the product can be recomputed from what was not published.

An insider who lacks one small cell tries 1 to 9 and compares. So every hash of the true cube, of its cells and of the
parcels is worked out, and none may stand in the release, a receipt, the ledger, a log or the name of a file.
"""

import hashlib
import hmac
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.demo import Places
from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.records.parcel import MANIFEST, SEALED_RECORDS
from pipelines.release.areas import registered_tree
from pipelines.release.codebook import codebook
from pipelines.release.export import export
from pipelines.release.measure import CELL, measure
from pipelines.release.policy import load_policy
from pipelines.release.vintage import levels_for
from pipelines.warehouse.database import opened
from pipelines.warehouse.keyring import warehouse_key
from tests.edge.opened_parcel import opened as opened_parcel

pytestmark = pytest.mark.alone

SHORTEST = 10  # hexadecimal digits: the keyed part of a release id
HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{10,}")
ALGORITHMS = ("md5", "sha1", "sha256", "sha512", "blake2b")
YEARS, LEVELS = (2022, 2023, 2024), levels_for("final")


def digests(content: bytes) -> Iterator[str]:
    """Hexadecimal beginnings, as long as the shortest digest that the product shows."""
    yield from (hashlib.new(a, content).hexdigest()[:SHORTEST] for a in ALGORITHMS)
    yield f"{zlib.crc32(content):08x}"


def shown_digests(texts: Iterable[bytes]) -> set[str]:
    """Whatever looks like a digest, cut to the same length."""
    return {found.decode().lower()[:SHORTEST] for text in texts for found in HEXADECIMAL.findall(text)}


def of_the_cube(places: Places) -> Iterator[bytes]:
    """The true cube as a whole and every cell of it, as somebody would write them down to be hashed."""
    areas = registered_tree(places.submitters)
    with opened(places.out / "warehouse", warehouse_key([places.keys("warehouse")])) as connection:
        measured = measure(connection, COUNTS, SUMS, INDICATORS, areas, YEARS, LEVELS, load_policy("standard"))
        core = [
            t
            for (t,) in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'core'"
            ).fetchall()
        ]
        tables = [connection.execute(f"SELECT * FROM core.{t} ORDER BY ALL").pl() for t in sorted(core)]
    cells = measured.cells.sort(pl.all())
    for frame in (cells, measured.cells, cells.select("value"), measured.sums, *tables):
        yield from _written(frame)
    rows = cells.select(pl.concat_str(["count_id", *CELL, "value"], separator=s).alias(s) for s in "|,\x1f")
    yield from (text.encode() for column in rows for text in column)
    yield from (text.encode() for text in cells["value"].unique().cast(pl.String))


def _written(frame: pl.DataFrame) -> Iterator[bytes]:
    binary = [c for c, kind in frame.schema.items() if kind == pl.Binary]
    plain = frame.with_columns(pl.col(binary).bin.encode("hex"))
    parquet = io.BytesIO()
    frame.write_parquet(parquet)
    yield from (plain.write_csv().encode(), plain.write_json().encode(), parquet.getvalue())
    if "value" in frame.columns:
        yield json.dumps(frame["value"].to_list()).encode()


def of_the_parcels(places: Places) -> Iterator[bytes]:
    """Each parcel as it is, its opened members, manifests, signatures and tables."""
    for parcel in sorted((places.out / "parcels").glob("*.parcel")):
        yield parcel.read_bytes()
        inside = opened_parcel(parcel, places.out / "keys")
        yield from (content for member in inside.members.values() for content in member.values())
        for table in inside.tables.values():
            yield from _written(table)


@pytest.fixture(scope="module")
def told(places: Places, walked: tuple[Places, str], tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Everything that leaves or lies open: release, exports, receipts, ledger, what was printed, names of files."""
    to = tmp_path_factory.mktemp("handed")
    published = places.out / "published.duckdb"
    files = [*export(published, to, formats=("csv",)), *codebook(published, to / "book")]
    files += [f for d in ("receipts", "ledger") for f in (places.out / d).rglob("*") if f.suffix in (".json", ".jsonl")]
    files.append(places.out / "warehouse" / "ledger_head")
    names = "\n".join(str(f.relative_to(places.out)) for f in places.out.rglob("*"))
    return [walked[1].encode(), names.encode(), *_texts(published), *(f.read_bytes() for f in files)]


def _texts(published: Path) -> Iterator[bytes]:
    with duckdb.connect(str(published), read_only=True) as connection:
        for (table,) in connection.sql("SELECT table_name FROM duckdb_tables()").fetchall():
            rows = connection.sql(f"SELECT * FROM {table}").pl()
            yield from (text.encode() for c in rows.select(pl.col(pl.String)) for text in c.drop_nulls().unique())


def test_no_digest_can_be_recomputed(places: Places, told: list[bytes]) -> None:
    shown = shown_digests(told)
    assert len(shown) > 20
    tried = 0
    for content in (*of_the_cube(places), *of_the_parcels(places)):
        found = set(digests(content)) & shown
        assert not found
        tried += 1
    assert tried > 20_000


def test_the_release_id_and_the_name_of_its_batches_need_the_key(places: Places, told: list[bytes]) -> None:
    """They are among what is shown; digests of the same words without a key are not."""
    with duckdb.connect(str(places.out / "published.duckdb"), read_only=True) as connection:
        about: dict[str, Any] = connection.sql("SELECT * FROM release").pl().row(0, named=True)
    shown, own_part = shown_digests(told), about["release_id"].rsplit("-", 1)[-1]
    assert {own_part, about["last_batch_id"][:SHORTEST]} <= shown
    says = (about["last_batch_id"], about["status"], about["policy_id"], YEARS, sorted(COUNTS), about["software_version"],
            about["schema_version"])  # fmt: skip
    for said in ("|".join(map(str, says)).encode(), _batches(places)):
        empty_keys = {
            hmac.new(key, said, "sha256").hexdigest()[:SHORTEST] for key in (b"", b"batches", b"mchdb release")
        }
        assert not ({*digests(said)} | empty_keys) & shown


def _batches(places: Places) -> bytes:
    """What names everything that was loaded: sender, number and manifest of every parcel."""
    manifests = []
    for parcel in (places.out / "parcels").glob("*.parcel"):
        inside = opened_parcel(parcel, places.out / "keys")
        content = hashlib.sha256(inside.members[SEALED_RECORDS][MANIFEST]).digest()
        manifests.append((inside.manifest["submitter"], inside.manifest["sequence"], content))
    return b"".join(f"{submitter}|{sequence}|".encode() + content for submitter, sequence, content in sorted(manifests))


@pytest.mark.parametrize(
    "text", [b"value 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", b"9F86D08188.csv"]
)
def test_the_search_finds_a_digest_of_what_was_hidden(text: bytes) -> None:
    assert shown_digests([text]) & set(digests(b"test"))
