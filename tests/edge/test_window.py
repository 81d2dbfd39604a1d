"""The 14-day rule on small pregnancies with their answer."""

from datetime import date

import polars as pl
import pytest

from pipelines.edge.accepted import Accepted
from pipelines.edge.window import hide_narrow_windows, possible_days, stage_bounds, visit_bounds
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from tests.edge.made_feeds import MOTHER, TOWN, Town, departed, row

BORN = date(2024, 9, 1)  # 39 weeks and 0 days after 2023-12-03


def births(weeks: int | None = 39) -> pl.DataFrame:
    return pl.DataFrame(
        {"pregnancy": ["p"], "birth_date": [BORN], "gestation_weeks": pl.Series([weeks], dtype=pl.Int32)}
    )


def visits(*told: tuple[date, int]) -> pl.DataFrame:
    rows = pl.DataFrame({"pregnancy": "p", "d": [d for d, _ in told], "w": [w for _, w in told]})
    return rows.select("pregnancy", *visit_bounds("d", "w"))


def days(bounds: pl.DataFrame, weeks: int | None = 39) -> int:
    return int(possible_days(births(weeks), bounds)["days"][0])


def test_one_visit_leaves_a_month_and_two_classes_in_neighbouring_months_narrow_it() -> None:
    assert days(visits((date(2024, 2, 20), 11))) == 30
    # 11 weeks in February, 12 in February: the 84th day lies in February, so birth (+189..195 days) from 2024-08-08
    assert (
        days(visits((date(2024, 2, 1), 11), (date(2024, 2, 26), 12))) == (date(2024, 9, 11) - date(2024, 9, 1)).days + 1
    )


def test_weeks_unknown_or_in_an_open_class_widen_the_window() -> None:
    told = visits((date(2024, 2, 1), 11), (date(2024, 2, 26), 12))
    assert days(told, None) == 30
    assert days(told, 32) == 0  # told weeks that contradict the visits are no proof of safety


def test_a_notification_bounds_by_its_stage() -> None:
    rows = pl.DataFrame({"pregnancy": ["p"], "d": [date(2024, 2, 9)], "s": ["2"]})
    assert days(rows.select("pregnancy", *stage_bounds("d", "s"))) == 11


def put_pregnancy(town: Town, feed: str = "municipal", person: str = MOTHER["person_local"]) -> None:
    told = [("1", "2024-02-25", "11"), ("2", "2024-02-26", "12")]
    rows = [
        row("antenatal_visit", person_local=person, visit_no=n, visit_date=d, gestation_weeks_at_visit=w)
        for n, d, w in told
    ]
    town.feeds.put("antenatal_visit", *rows, feed=feed)
    town.feeds.put("delivery", row("delivery", delivery_date=BORN.isoformat()))


def test_a_narrow_pregnancy_loses_its_visit_months_and_nothing_else(town: Town) -> None:
    put_pregnancy(town)
    town.feeds.put(
        "pregnancy_notification",
        row("pregnancy_notification", notified_date="2024-01-20", gestation_weeks_at_notification="6"),
    )
    left = departed(town.feeds)
    assert left.windowed == 1
    assert left.records["antenatal_visit"]["visit_month"].to_list() == [None, None]
    assert set(left.records["antenatal_visit"]["gestation_class"]) == {"-11", "12-19"}
    assert left.records["pregnancy_notification"]["notified_month"].to_list() == [date(2024, 1, 1)]
    assert "antenatal_visit" not in set(left.records["arrival_lag"]["record"])


def test_the_notification_month_goes_where_the_visits_are_not_enough(town: Town) -> None:
    put_pregnancy(town)
    town.feeds.put("pregnancy_notification", row(
        "pregnancy_notification", notified_date="2024-02-28", notification_stage_code="2", gestation_weeks_at_notification="12"))  # fmt: skip
    assert departed(town.feeds).records["pregnancy_notification"]["notified_month"].to_list() == [None]


def test_visits_of_another_system_count_with_the_register(town: Town) -> None:
    put_pregnancy(town, "pmh", "PMH-77")
    left = departed(town.feeds)
    assert left.windowed == 1
    assert left.records["antenatal_visit"]["visit_month"].to_list() == [None, None]


@pytest.mark.parametrize("number", ["2022-0042", None])
def test_where_the_months_of_visits_stay_behind_so_do_those_of_their_claims(town: Town, number: str | None) -> None:
    """A claim follows in the month after; of a child's, long after the birth, the month says nothing new."""
    put_pregnancy(town)
    visit = {"programme_code": "10", "service_date": "2024-02-25", "claimed_date": "2024-03-01", "paid_date": None}
    later = {"programme_code": "34", "service_date": "2026-03-25", "claimed_date": "2026-04-01", "paid_date": None}
    bills = [row("claim", claim_line_no="1", pregnancy_no=number, **visit), row("claim", claim_line_no="2", **later)]
    town.feeds.put("claim", *bills)
    told = departed(town.feeds).records["claim"]
    assert dict(told.select("programme_code", "claimed_month").iter_rows()) == {"10": None, "34": date(2026, 4, 1)}
    (town.feeds.path / "municipal" / "delivery.csv").unlink()
    assert departed(town.feeds).records["claim"]["claimed_month"].null_count() == 0


def test_an_open_pregnancy_keeps_its_months(town: Town) -> None:
    put_pregnancy(town)
    (town.feeds.path / "municipal" / "delivery.csv").unlink()
    assert departed(town.feeds).records["antenatal_visit"]["visit_month"].null_count() == 0


@pytest.mark.parametrize(
    ("kind", "seen", "month"),
    [("2", "2024-09-29", None), ("2", "2024-10-02", date(2024, 10, 1)), ("1", "2024-09-14", date(2024, 9, 1)),
     ("3", "2024-09-29", date(2024, 9, 1))],
)  # fmt: skip
def test_a_one_month_visit_in_the_month_of_birth_loses_its_month(
    town: Town, kind: str, seen: str, month: date | None
) -> None:
    """Within the same month it was a birth of the first nine days; a 2-week visit there leaves twenty."""
    town.feeds.put("delivery", row("delivery", delivery_date=BORN.isoformat()))
    town.feeds.put("postpartum_visit", row("postpartum_visit", visit_kind_code=kind, visit_date=seen))
    left = departed(town.feeds)
    assert left.records["postpartum_visit"]["visit_month"].to_list() == [month]
    assert left.windowed == (month is None)


def test_a_birth_that_only_another_system_tells_has_its_window_too() -> None:
    """Whoever holds visits and birth of a feed sees the narrow window, whether or not the register knows the woman."""
    told = [("1", "2024-02-25", "11"), ("2", "2024-02-26", "12")]
    rows = [antenatal(n, d, w) for n, d, w in told]
    parts = [
        Accepted(FEEDS["ehr"], RECORDS["antenatal_visit"], typed(rows)),
        Accepted(FEEDS["ehr"], RECORDS["delivery"], born()),
    ]
    nobody = pl.DataFrame(schema={"feed": pl.String, "person_local": pl.String, "mother": pl.String})
    assert hide_narrow_windows(parts, nobody, TOWN).pregnancies == 1
    known = pl.DataFrame({"feed": ["ehr"], "person_local": ["E-1"], "mother": ["900"]})
    register = Accepted(FEEDS["municipal"], RECORDS["delivery"], born("900", "R-1"))
    visits_apart = [Accepted(FEEDS["municipal"], RECORDS["antenatal_visit"], typed([antenatal("1", "2024-02-25", "11", "900", "R-1")])),
                    Accepted(FEEDS["ehr"], RECORDS["antenatal_visit"], typed([antenatal("2", "2024-02-26", "12")]))]  # fmt: skip
    together = hide_narrow_windows([register, parts[1], *visits_apart], known, TOWN)
    assert together.pregnancies == 1, "each feed alone leaves a wide window, both together do not"
    assert all(a.rows["visit_date"].is_null().all() for a in together.rows if a.record.name == "antenatal_visit")


def antenatal(number: str, day: str, weeks: str, person: str = "E-1", pregnancy: str = "P-1") -> dict[str, object]:
    return {"record_key": f"{person}/{number}".encode(), "person_local": person, "pregnancy_no": pregnancy,
            "visit_date": date.fromisoformat(day), "gestation_weeks_at_visit": int(weeks),
            "residence_municipality_code": TOWN}  # fmt: skip


def typed(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema_overrides={"gestation_weeks_at_visit": pl.Int32})


def born(person: str = "E-1", pregnancy: str = "P-1") -> pl.DataFrame:
    row = {"record_key": [b"b"], "person_local": [person], "pregnancy_no": [pregnancy], "delivery_date": [BORN],
           "gestation_weeks": [39]}  # fmt: skip
    return pl.DataFrame(row, schema_overrides={"gestation_weeks": pl.Int32})
