"""What came of the towns' lists, at the centre: counts of a rule and a quarter, told once, by the register's keeper alone."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.records.parcel import MOST_LISTED, OUTREACH_SCHEMA, OUTREACH_TABLE
from pipelines.warehouse.database import opened
from pipelines.warehouse.init import init
from pipelines.warehouse.keyring import warehouse_key
from pipelines.warehouse.load import load_parcels
from pipelines.warehouse.period import close_year, open_year
from tests.warehouse.parcels import ANAMIZU, SUZU, Centre, Town
from tests.warehouse.shelf import birth

pytestmark = pytest.mark.usefixtures("linkage_in_a_thread")
SUMMER = date(2023, 7, 1)


def counts(*rows: tuple[str, date, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=OUTREACH_SCHEMA, orient="row")


def loaded(centre: Centre, town: Town, told: pl.DataFrame) -> str | None:
    """Why the town's next parcel with these counts was refused, None where it was taken."""
    out = centre.root / f"{town.code}-{town.sequence + 1}"
    town.send([birth("c1", "m1/1")], out, also={OUTREACH_TABLE: told})
    return load_parcels(out, centre.folder, centre.load_keys).outcomes[0].reason


def core(centre: Centre) -> list[tuple[str, int, str, int, int]]:
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        return connection.execute(
            "SELECT municipality_code, fiscal_year, rule_id, count(*), count(*) FILTER (WHERE is_reached) "
            "FROM core.outreach GROUP BY ALL ORDER BY ALL"
        ).fetchall()


def test_a_line_of_a_list_is_a_row_without_anybody_in_it(centre: Centre, town: Town) -> None:
    assert loaded(centre, town, counts(("infant_visit_due", SUMMER, 5, 3), ("epds_followup", SUMMER, 0, 0))) is None
    assert core(centre) == [(SUZU, 2023, "infant_visit_due", 5, 3)]
    with opened(centre.folder, warehouse_key(centre.warehouse_keys)) as connection:
        columns = {c for (c,) in connection.execute("SELECT column_name FROM (DESCRIBE core.outreach)").fetchall()}
        made = connection.execute("SELECT rows FROM core.arrival WHERE record = 'outreach'").fetchall()
    assert columns == {"municipality_code", "fiscal_year", "rule_id", "is_reached"}
    assert made == [(2,)]  # lists, whoever stood on them


def test_january_belongs_to_the_year_before(centre: Centre, town: Town) -> None:
    loaded(centre, town, counts(("infant_visit_due", date(2024, 1, 1), 2, 0)))
    assert core(centre) == [(SUZU, 2023, "infant_visit_due", 2, 0)]


def test_what_is_told_again_of_a_quarter_takes_its_place(centre: Centre, town: Town) -> None:
    """A state that was brought back from a copy counts a quarter anew: nothing is doubled."""
    for listed in (5, 6):
        assert loaded(centre, town, counts(("infant_visit_due", SUMMER, listed, 3))) is None
    assert core(centre) == [(SUZU, 2023, "infant_visit_due", 6, 3)]


def test_counts_of_a_closed_year_wait_until_it_opens(centre: Centre, town: Town) -> None:
    loaded(centre, town, counts(("infant_visit_due", SUMMER, 5, 3)))
    close_year(2023, centre.folder, centre.warehouse_keys)
    other = centre_town(centre)
    loaded(centre, other, counts(("infant_visit_due", SUMMER, 9, 1), ("infant_visit_due", date(2024, 4, 1), 1, 1)))
    now = [(SUZU, 2023, "infant_visit_due", 5, 3), (ANAMIZU, 2024, "infant_visit_due", 1, 1)]
    assert core(centre) == now
    open_year(2023, centre.folder, centre.warehouse_keys)
    assert core(centre) == sorted([*now, (ANAMIZU, 2023, "infant_visit_due", 9, 1)])


def centre_town(centre: Centre) -> Town:
    return Town(ANAMIZU, centre.keys / ANAMIZU)


def test_a_year_that_the_registry_does_not_give_is_not_counted(centre: Centre, town: Town) -> None:
    assert loaded(centre, town, counts(("infant_visit_due", date(2026, 4, 1), 5, 3))) is None
    assert core(centre) == []


@pytest.mark.parametrize(
    "told",
    [
        counts(("due_date_passed", SUMMER, 5, 3)),  # a list that may hold a loss
        counts(("加賀見花子", SUMMER, 5, 3)),
        counts(("infant_visit_due", date(2023, 8, 1), 5, 3)),
        counts(("infant_visit_due", SUMMER, 3, 5)),
        counts(("infant_visit_due", SUMMER, -1, -1)),
        counts(("infant_visit_due", SUMMER, MOST_LISTED, 0), ("epds_followup", SUMMER, 1, 0)),
        counts(("infant_visit_due", SUMMER, 5, 3), ("infant_visit_due", SUMMER, 5, 3)),
        counts(("infant_visit_due", SUMMER, 5, 3)).with_columns(reached=pl.lit(None, pl.Int32)),
        counts(("infant_visit_due", SUMMER, 5, 3)).with_columns(person_local=pl.lit("1")),
    ],
    ids=[
        "loss",
        "no rule",
        "a month",
        "more than listed",
        "below none",
        "too many",
        "twice",
        "unknown",
        "a column more",
    ],
)
def test_anything_else_than_counts_is_refused(centre: Centre, town: Town, told: pl.DataFrame) -> None:
    assert loaded(centre, town, told) == "malformed_table"


def test_an_agent_keeps_no_list(centre: Centre, tmp_path: Path) -> None:
    agent = centre.town("310000", SUZU)
    init(centre.folder, centre.warehouse_keys, centre.registry(agent))
    assert loaded(centre, agent, counts(("infant_visit_due", SUMMER, 5, 3))) == "out_of_scope_municipality"
