"""The 14-day rule: where what would leave narrows a birth day to fewer than 14 days, event months stay behind.

Months of antenatal visits and of the notification, with their classes of weeks, bound the first day of the pregnancy;
the completed weeks at birth then bound the birth day within its month (privacy, hole 8). Such a pregnancy loses the
months of its visits, and the month of its notification where that is not enough. The visits of the weeks after a birth
bound the birth day itself; where they do, or do together with the others, they lose their months.

A claim follows a visit by a month or two: where the months of a pregnancy's visits stay behind, so do those of its claims.
An agent sees a part of what is told of its people: of the rows of another municipality no such month leaves at all.
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipelines.edge.accepted import Accepted
from pipelines.records.delivery import WEEKS
from pipelines.records.programmes import ANTENATAL

SMALLEST_WINDOW_DAYS = 14
LONGEST_PREGNANCY_DAYS = 315
WEEKS_AT_VISIT = ((0, 11), (12, 19), (20, 27), (28, 35), (36, 45))  # records.months.gestation_class
WEEKS_AT_STAGE = {"1": (0, 11), "2": (12, 19), "3": (20, 27), "4": (28, 45)}  # code list 019-090
DAYS_AFTER = {"1": (10, 20), "2": (21, 42)}  # code list 019-221: 2 weeks, 1 month; what an attacker takes for granted
LATE_VISIT_DAYS = 100
MONTHS = {  # what dates the rows that bound a birth
    "antenatal_visit": "visit_date", "pregnancy_notification": "notified_date", "postpartum_visit": "visit_date",
    "claim": "claimed_date",
}  # fmt: skip
SHORTEST, LONGEST = 20, 45  # completed weeks an attacker must think possible where they are not told


NO_VISITS = pl.DataFrame(schema={"pregnancy": pl.String, "birth_low": pl.Date, "birth_high": pl.Date})


def possible_days(births: pl.DataFrame, bounds: pl.DataFrame, after: pl.DataFrame = NO_VISITS) -> pl.DataFrame:
    """`pregnancy, days`: how many birth days an attacker must think possible who sees every stored column.

    births: pregnancy, birth_date, gestation_weeks. bounds: pregnancy, first_low, first_high - limits of the first day
    of the pregnancy, one row per visit or notification. after: pregnancy, birth_low, birth_high - limits of the birth
    day, one row per visit after it. Contradictory limits count as 0 days.
    """
    first = bounds.group_by("pregnancy").agg(pl.col("first_low").max(), pl.col("first_high").min())
    born = after.group_by("pregnancy").agg(pl.col("birth_low").max(), pl.col("birth_high").min())
    month = pl.col("birth_date").dt.truncate("1mo")
    weeks = pl.col("gestation_weeks")
    low = pl.when(weeks > WEEKS.low).then(pl.min_horizontal(weeks, WEEKS.high)).otherwise(SHORTEST)
    high = pl.when(weeks < WEEKS.high).then(pl.max_horizontal(weeks, WEEKS.low)).otherwise(LONGEST)
    earliest = pl.max_horizontal(month, pl.col("first_low") + pl.duration(days=low * 7), "birth_low")
    latest = pl.min_horizontal(
        month.dt.month_end(), pl.col("first_high") + pl.duration(days=high * 7 + 6), "birth_high"
    )
    days = (latest - earliest).dt.total_days() + 1
    told = births.join(first, on="pregnancy", how="left").join(born, on="pregnancy", how="left")
    return told.group_by("pregnancy").agg(days.min().clip(0).alias("days"))


def visit_bounds(date: str, weeks: str) -> tuple[pl.Expr, pl.Expr]:
    """(first_low, first_high) from the month of a visit and the class of its completed weeks."""
    low, high = pl.lit(0), pl.lit(LONGEST)
    for least, most in WEEKS_AT_VISIT:
        inside = pl.col(weeks).is_between(least, most)
        low, high = pl.when(inside).then(least).otherwise(low), pl.when(inside).then(most).otherwise(high)
    return _first_day(pl.col(date), low, high)


def stage_bounds(date: str, stage: str) -> tuple[pl.Expr, pl.Expr]:
    """(first_low, first_high) from the month and the stage of a notification."""
    code = pl.col(stage)
    low = code.replace_strict({c: w[0] for c, w in WEEKS_AT_STAGE.items()}, default=0, return_dtype=pl.Int32)
    high = code.replace_strict({c: w[1] for c, w in WEEKS_AT_STAGE.items()}, default=LONGEST, return_dtype=pl.Int32)
    return _first_day(pl.col(date), low, high)


def _first_day(date: pl.Expr, low: pl.Expr, high: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    month = date.dt.truncate("1mo")
    earliest = month - pl.duration(days=high * 7 + 6)
    return earliest.alias("first_low"), (month.dt.month_end() - pl.duration(days=low * 7)).alias("first_high")


@dataclass(frozen=True)
class Windowed:
    """The rows with the months taken out, and the number of pregnancies that lost some."""

    rows: list[Accepted]
    pregnancies: int


def hide_narrow_windows(accepted: list[Accepted], mothers: pl.DataFrame, submitter: str) -> Windowed:
    """Takes event months out of the rows (with `record_key`) of each pregnancy that would show its birth day.

    mothers: `feed, person_local, mother` - the register's number of a person of another source system. submitter: its
    code; of other municipalities' rows every month goes that could bound a birth.
    """
    births = _births(accepted, mothers)
    events = _assigned(_events(accepted, mothers), births)
    narrow = _narrow(births, events)
    kept = events.filter(pl.col("is_notification"))
    still = _narrow(births, kept.join(narrow, on="pregnancy", how="semi"))
    gone = pl.concat([
        events.filter(~pl.col("is_notification")).join(narrow, on="pregnancy", how="semi"),
        kept.join(still, on="pregnancy", how="semi"),
    ])  # fmt: skip
    after = _visits_after(accepted, mothers, births)
    late = _narrow(births, events.join(gone, on="record_key", how="anti"), after)
    hidden = pl.concat([narrow, late.join(after, on="pregnancy", how="semi")]).unique()
    claimed = _assigned(_claims(accepted, mothers), births).join(hidden, on="pregnancy", how="semi")
    told = pl.concat([gone.select("record_key"), after.join(late, on="pregnancy", how="semi").select("record_key"),
                      claimed.select("record_key")])  # fmt: skip
    others = [_of_others(a, submitter) for a in accepted if a.record.name in MONTHS]
    keys = pl.concat([told, *(rows.select("record_key") for rows in others)])
    elsewhere = [rows.select("feed", "person_local", "pregnancy_no") for rows in others]
    return Windowed(
        [_without_months(a, keys["record_key"]) for a in accepted],
        hidden.height + (pl.concat(elsewhere).n_unique() if elsewhere else 0),
    )


def _of_others(accepted: Accepted, submitter: str) -> pl.DataFrame:
    """Rows about the people of another municipality than the submitter's own, with the name of their feed."""
    rows = _of_visits(accepted.rows) if accepted.record.name == "claim" else accepted.rows
    return rows.filter(pl.col("residence_municipality_code") != submitter).with_columns(feed=pl.lit(accepted.feed.name))


def _of_visits(claims: pl.DataFrame) -> pl.DataFrame:
    """Claims for antenatal visits; those of the weeks after a birth never tell their month (records.programmes)."""
    return claims.filter(pl.col("programme_code") == ANTENATAL)


def _claims(accepted: list[Accepted], mothers: pl.DataFrame) -> pl.DataFrame:
    """Claims for antenatal visits, by the day of the visit: record_key, mother, pregnancy, date."""
    found = [
        _of_mother(a, "person_local", mothers).pipe(_of_visits).select(
            "record_key", "mother", _pregnancy("mother"), pl.col("service_date").alias("date"))
        for a in accepted if a.record.name == "claim"
    ]  # fmt: skip
    empty = {"record_key": pl.Binary, "mother": pl.String, "pregnancy": pl.String, "date": pl.Date}
    return pl.concat([pl.DataFrame(schema=empty), *found])


def _narrow(births: pl.DataFrame, bounds: pl.DataFrame, after: pl.DataFrame = NO_VISITS) -> pl.DataFrame:
    return possible_days(births, bounds, after).filter(pl.col("days") < SMALLEST_WINDOW_DAYS).select("pregnancy")


def _births(accepted: list[Accepted], mothers: pl.DataFrame) -> pl.DataFrame:
    """Every told birth of a known pregnancy: mother, own_number, pregnancy, birth_date, gestation_weeks.

    own_number is the pregnancy as its feed numbers it; births of one mother in one month are of one pregnancy, whatever
    feeds tell of it: who holds them all sees them together.
    """
    sources = {"delivery": ("person_local", "delivery_date"), "birth": ("mother_local", "birth_date")}
    told = [
        _of_mother(a, mother, mothers).drop_nulls(["mother", "pregnancy_no"]).select(
            "mother", _pregnancy("mother").alias("own_number"), pl.col(date).alias("birth_date"), "gestation_weeks",
        )
        for a in accepted if a.record.name in sources for mother, date in [sources[a.record.name]]
    ]  # fmt: skip
    empty = {"mother": pl.String, "own_number": pl.String, "birth_date": pl.Date, "gestation_weeks": pl.Int32}
    one = pl.col("own_number").min().over("mother", pl.col("birth_date").dt.truncate("1mo"))
    return pl.concat([pl.DataFrame(schema=empty), *told]).unique().with_columns(pregnancy=one)


def _of_mother(accepted: Accepted, number: str, mothers: pl.DataFrame) -> pl.DataFrame:
    """Rows with `mother`: her number in the register; where none is known, her own with the name of its feed."""
    feed, own = accepted.feed, pl.col(number)
    if not feed.local_namespace:
        return accepted.rows.with_columns(mother=own)
    known = mothers.filter(pl.col("feed") == feed.name).select(pl.col("person_local").alias(number), "mother")
    return accepted.rows.join(known, on=number, how="left", maintain_order="left").with_columns(
        mother=pl.coalesce("mother", pl.concat_str(pl.lit(f"{feed.name}/"), own))
    )


def _pregnancy(mother: str) -> pl.Expr:
    return pl.concat_str(mother, "pregnancy_no", separator="/").alias("pregnancy")


def _events(accepted: list[Accepted], mothers: pl.DataFrame) -> pl.DataFrame:
    """Visits and notifications with the limits they set: record_key, mother, pregnancy, date, is_notification, limits."""
    bounds = {
        "antenatal_visit": ("visit_date", visit_bounds("visit_date", "gestation_weeks_at_visit")),
        "pregnancy_notification": ("notified_date", stage_bounds("notified_date", "notification_stage_code")),
    }
    found = [
        _of_mother(a, "person_local", mothers).drop_nulls(["mother", bounds[a.record.name][0]])
        .select(
            "record_key", "mother", _pregnancy("mother"), pl.col(bounds[a.record.name][0]).alias("date"),
            pl.lit(a.record.name == "pregnancy_notification").alias("is_notification"), *bounds[a.record.name][1],
        )
        for a in accepted if a.record.name in bounds
    ]  # fmt: skip
    text, day = pl.String, pl.Date
    empty = {"record_key": pl.Binary, "mother": text, "pregnancy": text, "date": day, "is_notification": pl.Boolean,
             "first_low": day, "first_high": day}  # fmt: skip
    return pl.concat([pl.DataFrame(schema=empty), *found])


def _visits_after(accepted: list[Accepted], mothers: pl.DataFrame, births: pl.DataFrame) -> pl.DataFrame:
    """record_key, pregnancy, birth_low, birth_high: what the month of each visit after a birth says of its day."""
    kind, month = pl.col("visit_kind_code"), pl.col("visit_date").dt.truncate("1mo")
    least, most = (
        kind.replace_strict({c: days[i] for c, days in DAYS_AFTER.items()}, default=None, return_dtype=pl.Int32)
        for i in (0, 1)
    )
    low, high = month - pl.duration(days=most), month.dt.month_end() - pl.duration(days=least)
    columns = (
        "record_key",
        "mother",
        _pregnancy("mother"),
        "visit_date",
        low.alias("birth_low"),
        high.alias("birth_high"),
    )
    text, day = pl.String, pl.Date
    empty = {
        "record_key": pl.Binary,
        "mother": text,
        "pregnancy": text,
        "visit_date": day,
        "birth_low": day,
        "birth_high": day,
    }
    found = [
        _of_mother(a, "person_local", mothers).drop_nulls(["mother", "visit_date"]).select(*columns)
        for a in accepted if a.record.name == "postpartum_visit"
    ]  # fmt: skip
    visits = pl.concat([pl.DataFrame(schema=empty), *found]).drop_nulls("birth_low")
    told = ("record_key", "pregnancy", "birth_low", "birth_high")
    return _assigned(visits.rename({"visit_date": "date"}), births, "backward", LATE_VISIT_DAYS).select(told)


def _by_number(rows: pl.DataFrame, births: pl.DataFrame) -> pl.DataFrame:
    """Rows whose pregnancy number, as their feed gives it, is that of a told birth, with that birth's pregnancy."""
    numbered = births.group_by("own_number").agg(pl.col("pregnancy").min())
    return rows.rename({"pregnancy": "own_number"}).join(numbered, on="own_number").select(rows.columns)


def _assigned(
    rows: pl.DataFrame,
    births: pl.DataFrame,
    towards: Literal["forward", "backward"] = "forward",
    within_days: int = LONGEST_PREGNANCY_DAYS,
) -> pl.DataFrame:
    """Rows (record_key, mother, pregnancy, date, ...) with the pregnancy they tell of, those of none left out.

    By its number, else the mother's nearest birth from that day on, or up to it, as the centre links them.
    """
    known = _by_number(rows, births)
    rest = rows.join(known, on="record_key", how="anti").drop("pregnancy").sort("date")
    ends = births.select("mother", "pregnancy", "birth_date").unique(["mother", "birth_date"]).sort("birth_date")
    nearest = rest.join_asof(
        ends, left_on="date", right_on="birth_date", by="mother", strategy=towards, tolerance=f"{within_days}d",
        check_sortedness=False,
    )  # fmt: skip
    return pl.concat([known, nearest.drop_nulls("pregnancy").select(known.columns)])


def _without_months(accepted: Accepted, record_keys: pl.Series) -> Accepted:
    if accepted.record.name not in MONTHS or not len(record_keys):
        return accepted
    name = MONTHS[accepted.record.name]
    hidden = pl.when(~pl.col("record_key").is_in(record_keys.implode())).then(name)
    return accepted.with_rows(accepted.rows.with_columns(hidden.alias(name)))
