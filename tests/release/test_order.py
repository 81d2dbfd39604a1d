"""What is settled before anything is counted: here, that no version change has split people (privacy, hole 20)."""

from datetime import date

import duckdb
import polars as pl
import pytest

from pipelines.release.assemble import COHORTS, Source
from pipelines.release.errors import UnsafeError
from pipelines.release.order import ordered

NOTHING = pl.DataFrame()


def settled(*cohorts: tuple[int, int, int, int]) -> str:
    """The id of an order after a version change: fiscal year, persons before, persons now, those left behind."""
    told = pl.DataFrame(cohorts, schema=COHORTS, orient="row")
    source = Source(duckdb.connect(), b"s", "w", ["313254"], (2022, 2023), NOTHING, NOTHING, {}, True, 1, told)
    return ordered(source, "final", "standard", None, date(2026, 11, 1)).order.release_id


def test_a_closed_cohort_may_grow_by_two_per_cent_and_shrink() -> None:
    assert settled() == settled((2022, 98, 100, 100), (2023, 100, 50, 50), (2021, 0, 0, 0))


def test_who_came_late_to_a_year_opened_again_stops_nothing_where_few_are_left_behind() -> None:
    assert settled() == settled((2022, 900, 1000, 20), (2023, 0, 50, 1))


@pytest.mark.parametrize(
    "cohorts", [((2022, 979, 1000, 21), (2023, 50, 50, 50)), ((2022, 0, 1, 1),), ((2022, 900, 1000, 21),)]
)
def test_more_than_two_per_cent_new_stop_the_release(cohorts: tuple[tuple[int, int, int, int], ...]) -> None:
    with pytest.raises(UnsafeError, match="birth cohorts 2022 are new") as stopped:
        settled(*cohorts)
    assert stopped.value.exit_code == 3
    assert not {"979", "1000", "21"} & set(stopped.value.sentence_en.split())
