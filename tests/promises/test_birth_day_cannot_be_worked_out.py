"""Promise 4: a birth day cannot be worked out from anything that leaves.

Two proofs: whatever days are chosen within the months, what leaves is the same (metamorphic); and an attacker who
tries every day against every stored column thinks at least 14 days possible for everybody.
"""

import csv
import json
import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.edge import depart as depart_module
from pipelines.edge.depart import Departure
from pipelines.edge.window import Windowed
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from pipelines.records.parcel import LAG_TABLE, TOKENS_TABLE, record_schema
from pipelines.records.pregnancy import NOTIFICATION
from tests.edge.conftest import centre, town  # noqa: F401  fixtures of the edge's tests
from tests.edge.made_feeds import CHILD, FIXED_KEYS, MOTHER, OF_MOTHER, TOWN, Folder, Town, departed, row

SMALLEST_WINDOW = 14  # days; the promise, not the code's constant
CLASSES = {"-11": (0, 11), "12-19": (12, 19), "20-27": (20, 27), "28-35": (28, 35), "36-": (36, 45)}
STAGES = {"1": (0, 11), "2": (12, 19), "3": (20, 27), "4": (28, 45)}
AFTER_BIRTH = {"1": (10, 20), "2": (21, 42)}  # days: the 2-week and the 1-month visit


def day_of(month: str, day: int, lag: int = 8) -> dict[str, str]:
    chosen = date.fromisoformat(f"{month}-{day:02d}")
    return {"date": chosen.isoformat(), "recorded_date": (chosen + timedelta(days=lag)).isoformat()}


def put_family(town: Town, born: int, mother: int, visit: int) -> None:  # noqa: F811
    """The family with its days chosen within fixed months."""
    child = CHILD | {"birth_date": day_of("2022-11", born)["date"]}
    her = MOTHER | {"birth_date": day_of("1992-07", mother)["date"]}

    def put(record: str, month: str, person: dict[str, str], field: str, **more: Any) -> None:
        told = day_of(month, visit)
        town.feeds.put(
            record, row(record, **person, **{field: told["date"], "recorded_date": told["recorded_date"]}, **more)
        )

    put("pregnancy_notification", "2022-04", her, "notified_date")
    put("antenatal_visit", "2022-05", her, "visit_date", gestation_weeks_at_visit="9")
    put("postpartum_visit", "2022-12", her, "visit_date")
    put("child_checkup", "2024-05", child, "visit_date", height_cm="74.2", weight_kg="8.4")
    put("child_checkup_target", "2024-05", child, "scheduled_date")
    put("child_questionnaire", "2024-06", child, "answered_date")
    born_told = day_of("2022-11", born)
    town.feeds.put(
        "delivery", row("delivery", **her, delivery_date=born_told["date"], recorded_date=born_told["recorded_date"])
    )
    town.feeds.put("birth", row("birth", **child, recorded_date=born_told["recorded_date"]))


def without_keys(left: Departure) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: sorted(table.drop("record_key", strict=False).rows(), key=repr) for name, table in left.records.items()
    }


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(born=st.integers(1, 30), mother=st.integers(1, 31), visit=st.integers(1, 28))
def test_any_day_of_the_months_leaves_the_same_rows(town: Town, born: int, mother: int, visit: int) -> None:  # noqa: F811
    put_family(town, 15, 15, 15)
    expected = without_keys(departed(town.feeds))
    put_family(town, born, mother, visit)
    assert without_keys(departed(town.feeds)) == expected


def test_moved_event_days_leave_identical_tables_with_the_same_parcel_key(town: Town) -> None:  # noqa: F811
    tables = []
    for visit in (1, 28):
        put_family(town, 15, 15, visit)
        left = departed(town.feeds)
        tables.append(left.records | left.tokens)
    assert all(table.equals(tables[1][name]) for name, table in tables[0].items())


def put_every_record(town: Town, born: int, mother: int, event: int) -> None:  # noqa: F811
    """A row in every record: each date of a record in a month of its own, in the order declared, its day chosen."""
    for record in RECORDS.values():
        person = MOTHER | {"birth_date": day_of("1992-07", mother)["date"]}
        if record.name not in OF_MOTHER:
            person = CHILD | {"birth_date": day_of("2022-11", born)["date"]}
        dates = [n for n, f in record.arriving.items() if f.type is date and n not in ("birth_date", "recorded_date")]
        days = (event, 29 - event)  # two dates of a row move against each other
        told = {name: day_of(f"2023-{month:02d}", days[month % 2])["date"] for month, name in enumerate(dates, start=3)}
        own = person | told
        recorded = (date.fromisoformat(own[record.event]) + timedelta(days=8)).isoformat()
        town.feeds.put(record.name, row(record.name, **own, recorded_date=recorded))


@pytest.mark.parametrize(("born", "mother", "event"), [(1, 31, 28), (30, 1, 1), (1, 1, 1), (30, 31, 28)])
def test_no_record_tells_a_day(town: Town, born: int, mother: int, event: int) -> None:  # noqa: F811
    """Walks the declarations: a new record is in here without a line."""
    put_every_record(town, 15, 15, 15)
    expected = without_keys(departed(town.feeds))
    assert set(expected) == {*RECORDS, LAG_TABLE}
    put_every_record(town, born, mother, event)
    moved = without_keys(departed(town.feeds))
    assert [name for name in expected if moved[name] != expected[name]] == []


NEAR_BIRTH = [
    ("newborn_screening", "test_date", {}, ("2022-11-30", "2022-12-01")),
    ("claim", "service_date", {}, ("2022-11-30", "2022-12-01")),
    *(("claim", "claimed_date", {"service_date": "2022-11-20", "paid_date": None, "programme_code": p}, ("2022-12-01", "2023-01-01"))
      for p in ("20", "21", "30", "40")),
    ("child_checkup", "visit_date", {"programme_code": "30"}, ("2022-11-30", "2023-01-02")),
    ("own_measure", "held_date", {"programme_code": "30"}, ("2022-11-30", "2023-01-02")),
    *(("detailed_exam", "referred_date", {"programme_code": p, "examined_date": None}, ("2022-11-30", "2023-01-02"))
      for p in ("20", "21", "30")),
]  # fmt: skip


@pytest.mark.parametrize(("record", "field", "changes", "days"), NEAR_BIRTH)
def test_what_follows_a_birth_by_days_tells_no_month(
    town: Town,  # noqa: F811
    record: str,
    field: str,
    changes: dict[str, Any],
    days: tuple[str, str],
) -> None:
    """A hearing test is made within three days: a test of the next month would tell a birth on the last three."""
    left = []
    for day in days:
        town.feeds.put(record, row(record, **CHILD, **changes, **{field: day}))
        left.append(without_keys(departed(town.feeds))[record])
    assert left[0] == left[1]


def put_pregnancies(town: Town, count: int, seed: int, of_ehr: bool = False) -> None:  # noqa: F811
    """Pregnancies with the official visits, born on every kind of day, a part of the visits through PMH as well, and each
    visit's voucher claimed in the month after it, a part of them under the numbers of the vouchers alone.

    of_ehr: all of it through hospitals' records alone, without a register and its notifications.
    """
    draw = random.Random(seed)
    rows: dict[str, list[dict[str, str | None]]] = {
        "antenatal_visit": [],
        "delivery": [],
        "pregnancy_notification": [],
        "postpartum_visit": [],
        "pmh": [],
        "claim": [],
        "claims": [],
    }
    for i in range(count):
        who = MOTHER | {
            "person_local": f"{i:06d}",
            "kana_given_name": "ハ" * (i % 30 + 1),
            "kana_surname": "カ" * (i // 30 + 1),
            "insured_number": f"{i:07d}",
            "phone": f"0857-56-{i:04d}",
        }
        first = date(2022, 1, 1) + timedelta(days=draw.randrange(500))
        born = first + timedelta(days=7 * 36 + draw.randrange(40))
        told = first + timedelta(days=42 + draw.randrange(60))
        rows["delivery"].append(
            row("delivery", **who, delivery_date=f"{born}", gestation_weeks=f"{(born - first).days // 7}")
        )
        rows["pregnancy_notification"].append(row(
            "pregnancy_notification", **who, notified_date=f"{told}", gestation_weeks_at_notification=f"{(told - first).days // 7}",
            notification_stage_code="1" if (told - first).days < 84 else "2"))  # fmt: skip
        for kind, day in (("1", 11 + draw.randrange(9)), ("2", 26 + draw.randrange(16))):
            seen = born + timedelta(days=day)
            rows["postpartum_visit"].append(
                row("postpartum_visit", **who, branch=kind, visit_kind_code=kind, visit_date=f"{seen}")
            )
        for n, week in enumerate((8, 12, 16, 20, 24, 26, 28, 30, 32, 34, 36, 37, 38, 39), start=1):
            seen = first + timedelta(days=7 * week + draw.randrange(7))
            if seen < born:
                weeks = f"{(seen - first).days // 7}"
                rows["antenatal_visit"].append(
                    row("antenatal_visit", **who, visit_no=f"{n}", visit_date=f"{seen}", gestation_weeks_at_visit=weeks)
                )
                bill = row("claim", **who, claim_line_no=f"C-{i}-{n}", programme_code="10", visit_no=f"{n}",
                           service_date=f"{seen}", claimed_date=f"{month_after(seen, 1)}", paid_date=None)  # fmt: skip
                rows["claim"].append(bill)
                if i % 3 == 1:
                    rows["claims"].append(bill | {"person_local": f"V{i:06d}", "pregnancy_no": None})
                if i % 3 == 0:
                    rows["pmh"].append(
                        rows["antenatal_visit"][-1] | {"person_local": f"P{i:06d}", "pregnancy_no": f"P{i}"}
                    )
    for name in ("antenatal_visit", "delivery", "postpartum_visit"):
        town.feeds.put(name, *rows[name], feed="ehr" if of_ehr else "municipal")
    if of_ehr:
        return
    town.feeds.put("pregnancy_notification", *rows["pregnancy_notification"])
    town.feeds.put("antenatal_visit", *rows["pmh"], feed="pmh")
    town.feeds.put("claim", *rows["claim"])
    town.feeds.put("claim", *rows["claims"], feed="claims")


def month_after(day: date, months: int) -> date:
    """First day of the month so many after that of the day."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def possible_birth_days(left: Departure) -> list[int]:
    """The attacker: every birth day of the month and every first day of the pregnancy, against every stored row.

    Rows find their pregnancy as the centre links them: by the local pregnancy, and PMH's by the mother's name token. The
    number of a visit ties a month to the class of weeks that another row tells; its claim is made in the month after.
    """
    tokens = left.tokens["tokens"]
    pregnancy = tokens.filter(pl.col("rule") == "local_pregnancy").select("record_key", mother="token")
    person = tokens.filter(pl.col("rule") == "local_person").select("record_key", person="token")
    names = person.join(tokens.filter(pl.col("rule") == "name").select("record_key", name="token"), on="record_key")
    of_name = (
        person.join(pregnancy, on="record_key")
        .join(names.select("person", "name"), on="person")
        .select("name", "mother", "record_key")
    )
    births = left.records["delivery"].join(pregnancy, on="record_key")
    mine = of_name.join(births.select("mother"), on="mother", how="semi").select("name", own="mother").unique()
    through = (
        person.join(names.select("person", "name").unique(), on="person")
        .join(mine, on="name")
        .select("record_key", mother="own")
    )
    link = pl.concat([pregnancy.join(births.select("mother"), on="mother", how="semi"), through]).unique()
    seen_at = left.records["antenatal_visit"].join(link, on="record_key")
    classes = seen_at.select("mother", "visit_no", "gestation_class").drop_nulls().unique()
    dated = [seen_at.select("mother", "visit_no", "visit_month")]
    if "claim" in left.records:
        billed = left.records["claim"].join(link, on="record_key")
        dated += [
            billed.select("mother", "visit_no", pl.col("claimed_month").dt.offset_by("-1mo").alias("visit_month"))
        ]
    visits = pl.concat(dated).drop_nulls().join(classes, on=["mother", "visit_no"])
    visits = visits.select("mother", "visit_month", "gestation_class").unique()
    notified = left.records.get("pregnancy_notification", pl.DataFrame(schema=record_schema(NOTIFICATION)))
    told = (
        notified.join(link, on="record_key").select("mother", "notified_month", "notification_stage_code").drop_nulls()
    )
    limits: dict[bytes, list[tuple[date, tuple[int, int]]]] = {}
    for mother, month, weeks in visits.iter_rows():
        limits.setdefault(mother, []).append((month, CLASSES[weeks]))
    for mother, month, stage in told.iter_rows():
        limits.setdefault(mother, []).append((month, STAGES[stage]))
    seen = left.records["postpartum_visit"].join(link, on="record_key").drop_nulls("visit_month")
    after: dict[bytes, list[tuple[date, tuple[int, int]]]] = {}
    for mother, month, kind in seen.select("mother", "visit_month", "visit_kind_code").iter_rows():
        after.setdefault(mother, []).append((month, AFTER_BIRTH[kind]))
    return [
        _days(month, weeks, limits.get(mother, []), after.get(mother, []))
        for mother, month, weeks in births.select("mother", "delivery_month", "gestation_weeks_class").iter_rows()
    ]


Limits = list[tuple[date, tuple[int, int]]]


def _days(birth_month: date, weeks: int, limits: Limits, after: Limits) -> int:
    firsts = [birth_month - timedelta(days=d) for d in range(-31, 330)]
    firsts = [f for f in firsts if all(_can_be(f, month, low, high) for month, (low, high) in limits)]
    most = 45 if weeks == 42 else weeks
    births = [b for b in _month(birth_month) if all(_seen_in(b, month, low, high) for month, (low, high) in after)]
    return sum(any(7 * weeks <= (birth - f).days <= 7 * most + 6 for f in firsts) for birth in births)


def _month(month: date) -> list[date]:
    return [d for d in (month + timedelta(days=i) for i in range(31)) if d.month == month.month]


def _seen_in(birth: date, month: date, low: int, high: int) -> bool:
    """So many days after the birth, some day lies in the month."""
    return any((day - birth).days in range(low, high + 1) for day in _month(month))


def _can_be(first: date, month: date, low: int, high: int) -> bool:
    """Some day of the month lies in the class of completed weeks."""
    return (month - first).days <= 7 * high + 6 and (_month(month)[-1] - first).days >= 7 * low


@pytest.mark.parametrize(("count", "of_ehr"), [(300, False), (100, True)])
def test_the_interval_attacker_finds_nobody_under_14_days(town: Town, count: int, of_ehr: bool) -> None:  # noqa: F811
    put_pregnancies(town, count, seed=5, of_ehr=of_ehr)
    left = departed(town.feeds)
    days = possible_birth_days(left)
    assert len(days) == count
    assert min(days) >= SMALLEST_WINDOW
    assert 0 < left.windowed < count / 2, "the rule must act, and must not take everybody's months"


def through_an_agent(town: Town, submitter: str) -> Departure:  # noqa: F811
    """What two parcels tell together: the town's, and that of an agent which tells of the same visits and their claims."""
    rows = {"antenatal_visit": text(town, "municipal", "antenatal_visit"), "claim": text(town, "claims", "claim")}
    for feed in ("municipal", "claims"):
        (town.feeds.path / feed / "claim.csv").unlink()
    own = departed(town.feeds)
    agent = Folder(town.home / "agent" / submitter)
    for record, told in rows.items():
        agent.put(record, *told, feed="claims")
    note = {"delivery": "delta", "municipalities": [town.code]}
    (agent.path / "claims" / "delivery.json").write_text(json.dumps(note), "utf-8")
    theirs = departed(agent, keys=replace(FIXED_KEYS, submitter=submitter))
    records = {n: pl.concat([t, theirs.records[n]]) if n in theirs.records else t for n, t in own.records.items()}
    tokens = {TOKENS_TABLE: pl.concat([own.tokens[TOKENS_TABLE], theirs.tokens[TOKENS_TABLE]])}
    return replace(own, records={**theirs.records, **records}, tokens=tokens)


def text(town: Town, feed: str, record: str) -> list[dict[str, str | None]]:  # noqa: F811
    """Rows of a file of the town by field."""
    path = town.feeds.path / feed / f"{record}.csv"
    names = {c.header: c.field for c in FEEDS[feed].columns(RECORDS[record])}
    fields = dict.fromkeys(RECORDS[record].arriving)
    return [
        {**fields, **{names[h]: cell or None for h, cell in line.items()}}
        for line in csv.DictReader(path.read_text("utf-8").splitlines())
    ]


@pytest.mark.parametrize(("submitter", "is_found"), [("310000", False), (TOWN, True)])
def test_an_agents_parcel_beside_the_towns_gives_no_day_away(town: Town, submitter: str, is_found: bool) -> None:  # noqa: F811
    """Each hides what it sees; the agent sees no birth. Taken for the town's own, its months would narrow the window."""
    put_pregnancies(town, 100, seed=5)
    days = possible_birth_days(through_an_agent(town, submitter))
    assert len(days) == 100
    assert (min(days) < SMALLEST_WINDOW) == is_found


@pytest.mark.parametrize(("count", "of_ehr"), [(300, False), (100, True)])
def test_the_attacker_finds_days_where_the_rule_is_off(
    town: Town,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    of_ehr: bool,
) -> None:
    """An attacker who never finds anybody proves nothing."""
    put_pregnancies(town, count, seed=5, of_ehr=of_ehr)
    monkeypatch.setattr(depart_module, "hide_narrow_windows", lambda rows, *_: Windowed(rows, 0))
    days = possible_birth_days(departed(town.feeds))
    assert sum(d < SMALLEST_WINDOW for d in days) > count / 30
    assert min(days) >= 1
