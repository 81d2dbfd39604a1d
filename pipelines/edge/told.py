"""What a town's own rows say, with their days: last versions, under the register's numbers. Stays in memory.

Deaths and losses count wherever they are told, in rows that the check refused too: nobody is written to about a child
who died because a cell of the row was wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from pipelines.edge.at_home import AtHome
from pipelines.edge.check import Checked
from pipelines.edge.own_rows import own_rows, residents
from pipelines.edge.pseudonymize import local_token
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS

DEATH, REMOVED_BY_DEATH = "4", "2"  # code lists mchdb-L7, mchdb-L24
STILLBORN_OR_DIED = ("1", "3")  # code list 019-230
STILLBIRTH_AMONG = ("2", "3")  # code list mchdb-L14: stillbirth, mixed


@dataclass(frozen=True)
class Known:
    """deceased: local_number. lost: local_number (of the mother), pregnancy_no. Numbers of the register."""

    deceased: pl.DataFrame
    lost: pl.DataFrame


def reachable(home: AtHome) -> pl.DataFrame:
    """`feed, person_local, local_number`: everybody who may stand on a list, with the register's number.

    Protected people are not among them (what a parcel leaves out is left out here), nor is anybody of whom the town's
    own register knows nothing.
    """
    rows = own_rows(home.departure)
    people = _people(home).join(residents(home.departure, rows), on=["feed", "resident_key"])
    registers = [feed.name for feed in FEEDS.values() if feed.is_register]
    own = (
        people.filter(pl.col("feed").is_in(registers))
        .group_by("resident_id")
        .agg(local_number=pl.col("person_local").min())
    )
    return people.join(own, on="resident_id").select("feed", "person_local", "local_number")


def told_rows(home: AtHome, people: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Record -> last versions of its accepted rows with `local_number` and `is_register`; every record is there.

    people: as `reachable`. A number of the register stands for itself, protected or not: who may be listed is decided
    at the end, and what is known of the others (a mother, a stillborn child) still stops a list.
    """
    told: dict[str, list[pl.DataFrame]] = {name: [] for name in RECORDS}
    for file in _of_people(home):
        told[file.arrived.record.name].append(_with_numbers(file, people))
    empty = {n: _typed(n).clear() for n in RECORDS}
    return {name: pl.concat([empty[name], *rows], how="diagonal_relaxed") for name, rows in told.items()}


def known(home: AtHome) -> Known:
    """Deaths and losses in all rows of the register, refused ones included."""
    births = _any_row(home, "birth", ("special_finding_code", "mother_local", "pregnancy_no"))
    died = births.filter(pl.col("special_finding_code").is_in(STILLBORN_OR_DIED))
    left = _any_row(home, "residency_spell", ("out_reason_code",)).filter(pl.col("out_reason_code") == DEATH)
    removed = _any_row(home, "child_checkup_target", ("removed_reason_code",)).filter(
        pl.col("removed_reason_code") == REMOVED_BY_DEATH
    )
    lost = _any_row(home, "delivery", ("outcome_code", "pregnancy_no")).filter(
        pl.col("outcome_code").is_in(STILLBIRTH_AMONG)
    )
    pregnancies = [
        lost.select("person_local", "pregnancy_no"),
        died.select(person_local="mother_local", pregnancy_no="pregnancy_no"),
    ]
    return Known(
        pl.concat([f.select(local_number="person_local") for f in (died, left, removed)]).drop_nulls().unique(),
        pl.concat(pregnancies).drop_nulls().unique().rename({"person_local": "local_number"}),
    )


def _of_people(home: AtHome) -> list[Checked]:
    """The files whose rows are about somebody."""
    return [f for f in home.folder.records if f.arrived.record.is_of_person]


def _people(home: AtHome) -> pl.DataFrame:
    """`feed, person_local, resident_key`: every number in accepted rows with its token of this run."""
    numbers = [
        pl.DataFrame({"person_local": f.rows["person_local"].unique()}).with_columns(feed=pl.lit(f.arrived.feed.name))
        for f in _of_people(home)
    ]
    found = pl.concat(numbers).unique()
    tokens = [
        rows.with_columns(
            local_token(rows, "local_person", "person_local", FEEDS[str(name)].local_namespace, home.keys).alias(
                "resident_key"
            )
        )
        for (name,), rows in found.partition_by("feed", as_dict=True).items()
    ]
    return pl.concat(tokens)


def _with_numbers(file: Checked, people: pl.DataFrame) -> pl.DataFrame:
    feed = file.arrived.feed
    own = people.filter(pl.col("feed") == feed.name).drop("feed")
    rows = _last_versions(file).join(own, on="person_local", how="left")
    number = pl.coalesce("local_number", "person_local") if feed.is_register else pl.col("local_number")
    return rows.with_columns(local_number=number, is_register=pl.lit(feed.is_register))


def _last_versions(file: Checked) -> pl.DataFrame:
    """A cancelled row takes every version of its row with it."""
    key = list(file.arrived.record.key)
    gone = file.rows.filter(pl.col("is_cancelled").fill_null(False)).select(key)
    kept = file.rows.join(gone, on=key, how="anti").sort(pl.col("revision_no").fill_null(0), descending=True)
    return kept.unique(key, keep="first", maintain_order=True)


def _any_row(home: AtHome, record: str, columns: Iterable[str]) -> pl.DataFrame:
    """`person_local` and text columns of the register's rows: last versions of the accepted, and all refused ones."""
    wanted = ["person_local", *columns]
    found = [pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))]
    for file in home.folder.files:
        if file.arrived.record.name == record and file.arrived.feed.is_register:
            refused = file.arrived.rows.join(file.rows.select("line"), on="line", how="anti")
            found += [_last_versions(file).select(wanted), refused.select(wanted)]
    return pl.concat(found)


def _typed(record: str) -> pl.DataFrame:
    """No rows, with the columns that SQL may ask for."""
    types = {str: pl.String, int: pl.Int32, float: pl.Float64, bool: pl.Boolean}
    columns = {n: types.get(f.type, pl.Date) for n, f in RECORDS[record].arriving.items()}
    return pl.DataFrame(schema={**columns, "local_number": pl.String, "is_register": pl.Boolean})
