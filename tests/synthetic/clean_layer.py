"""What can never be in a clean cohort: keys without their person, dates in an impossible order. Counts per rule, all 0."""

from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl

from synthetic.population.calendar import dates
from synthetic.population.facts import Facts
from synthetic.population.households import Flags
from synthetic.population.people import FEMALE
from synthetic.population.vaccination import schedule, series_names

Violations = Counter[str]
LONGEST_PREGNANCY, SHORTEST_GAP = 301, 30  # days; between a delivery and the next last period
CHILD_RECORDS = ("child_checkup_target", "child_checkup", "child_questionnaire", "vaccinations", "dental_checks",
                 "detailed_exams", "home_visits", "newborn_screenings")  # fmt: skip
DAY = {
    "vaccinations": "vaccinated_date", "dental_checks": "visit_date", "detailed_exams": "referred_date",
    "postpartum_care": "used_date", "home_visits": "visit_date", "handbooks": "issued_date",
    "newborn_screenings": "test_date", "pregnancy_losses": "ended_date",
    "pregnancy_questionnaires": "answered_date", "information_requests": "requested_date", "claims": "service_date",
}  # fmt: skip


def violations(facts: Facts) -> Violations:
    """Rule -> how often it is broken; every rule is named, those that hold with 0."""
    found = {**_pregnancies(facts), **_children(facts), **_spells(facts), **_not_sent(facts)}
    for name, table in {**facts.events, **facts.not_sent}.items():
        found |= _events(facts, name, table)
    return Counter({rule: int(np.count_nonzero(broken)) for rule, broken in found.items()})


def _pregnancies(facts: Facts) -> dict[str, Flags]:
    d, m = facts.scene.deliveries, facts.scene.mothers
    later = d.previous >= 0
    length = d.day - d.last_period
    return {
        "pregnancy without its mother": m.household[d.mother] != d.of.household,
        "pregnancy before of another mother": later & (d.mother[d.previous] != d.mother),
        "last period before the delivery before": later & (d.last_period < d.day[d.previous] + SHORTEST_GAP),
        "notified before the last period": d.notified <= d.last_period,
        "pregnancy without a possible length": (length <= 0) | (length > LONGEST_PREGNANCY) | (length // 7 != d.weeks),
        "mother without a possible age": (d.age < 12) | (d.age > 55),
    }


def _children(facts: Facts) -> dict[str, Flags]:
    c, d = facts.scene.children, facts.scene.deliveries
    people = facts.people
    offset = len(facts.scene.mothers)
    mother_born = people["birth_date"].to_physical().to_numpy()[d.mother[c.of]]
    return {
        "child not born on the day of the delivery": c.born != d.day[c.of],
        "child of another number than its delivery says": np.bincount(c.of, minlength=len(d.day)) != d.children,
        "death before birth": c.died < c.born,
        "stillborn child with a death": c.is_stillborn & (c.died - c.born < 10**5),
        "mother born after her child": mother_born >= c.born,
        "child with another mother": people["mother_entity_id"].to_numpy()[offset:] != people["entity_id"].to_numpy()[d.mother[c.of]],
        "mother who is no woman": people["sex_code"].to_numpy()[:offset] != FEMALE,
    }  # fmt: skip


def _spells(facts: Facts) -> dict[str, Flags]:
    spells = facts.events["residency_spell"]
    born = facts.people["birth_date"][spells["who"]]
    ends = spells["resident_to_date"] < spells["resident_from_date"]
    return {
        "spell before birth": (spells["resident_from_date"] < born).to_numpy(),
        "spell that ends before it starts": ends.fill_null(False).to_numpy(),
    }


def _events(facts: Facts, name: str, table: pl.DataFrame) -> dict[str, Flags]:
    who, people = table["who"].to_numpy(), facts.people
    found = {f"{name}: nobody's": (who < 0) | (who >= len(people))}
    if name == "fathers":
        return found
    is_child = who >= len(facts.scene.mothers)
    on = (table[DAY[name]] if name in DAY else dates(table["event"].to_numpy())).to_physical().to_numpy()
    born = people["birth_date"].to_physical().to_numpy()[who]
    found[f"{name}: before birth"] = on < born
    if name in CHILD_RECORDS:
        died = facts.scene.children.died[np.where(is_child, who - len(facts.scene.mothers), 0)]
        found[f"{name}: of no child"] = ~is_child
        if name != "child_checkup_target":  # a child that died was on the list
            found[f"{name}: after death"] = on >= died
    if name not in ("residency_spell", "birth"):
        taken_off = (
            table["removed_reason_code"].is_not_null().to_numpy()
            if name == "child_checkup_target"
            else np.zeros(len(on), dtype=bool)
        )
        found[f"{name}: without a residence there"] = ~_is_resident(facts, table["who"], on) & ~taken_off
    return found


def _is_resident(facts: Facts, who: pl.Series, on: np.ndarray) -> Flags:
    """Whether one of the person's spells there covers the day."""
    spells = facts.events["residency_spell"].select(
        "who", start=pl.col("resident_from_date").to_physical(), end=pl.col("resident_to_date").to_physical()
    )
    events = pl.DataFrame({"row": np.arange(len(on)), "who": who, "on": on})
    covered = events.join(spells, on="who").filter(
        pl.col("on") >= pl.col("start"), pl.col("end").is_null() | (pl.col("on") <= pl.col("end"))
    )
    resident = np.zeros(len(on), dtype=bool)
    resident[covered["row"].to_numpy()] = True
    return resident


def _not_sent(facts: Facts) -> dict[str, Flags]:
    lost, care, exams = (facts.not_sent[n] for n in ("pregnancy_losses", "postpartum_care", "detailed_exams"))
    d = facts.scene.deliveries
    delivered = dict(zip(d.of.id.tolist(), d.day.tolist(), strict=True))
    after = np.array([delivered[i] for i in care["pregnancy_id"]], dtype=np.int64)
    started = dict(zip(d.of.id.tolist(), d.last_period.tolist(), strict=True))
    followed = lost.drop_nulls("next_pregnancy_id")
    next_start = np.array([started[i] for i in followed["next_pregnancy_id"]], dtype=np.int64)
    return {
        "loss before its last period": (lost["ended_date"] <= lost["last_period_date"]).to_numpy(),
        "loss notified after it": (lost["notified_date"] >= lost["ended_date"]).fill_null(False).to_numpy(),
        "loss after the next pregnancy began": followed["ended_date"].to_physical().to_numpy() >= next_start,
        "postpartum care before the delivery": care["used_date"].to_physical().to_numpy() <= after,
        "postpartum care a year after the delivery": care["used_date"].to_physical().to_numpy() > after + 365,
        "postpartum care applied for after it": (care["applied_date"] > care["used_date"]).to_numpy(),
        "examined before referred": (exams["examined_date"] < exams["referred_date"]).fill_null(False).to_numpy(),
        **_settled(facts),
        **_vaccinations(facts),
    }


def _settled(facts: Facts) -> dict[str, Flags]:
    """Claims and requests: each step after the one before, and a voucher claimed once."""
    claims, asked = facts.not_sent["claims"], facts.not_sent["information_requests"]
    steps = ("claimed_date", "reviewed_date", "paid_date")
    return {
        "claimed in the month of the service or before": (claims["claimed_date"] <= claims["service_date"]).to_numpy(),
        **{
            f"{later} before {earlier}": (claims[later] < claims[earlier]).fill_null(False).to_numpy()
            for earlier, later in pairwise(steps)
        },
        "voucher claimed twice": claims.select(pl.struct("who", "row").is_duplicated()).to_series().to_numpy(),
        "payment that is not the price": (
            claims["public_payment_yen"] + claims["self_payment_yen"] != claims["unit_price_yen"]
        ).to_numpy(),
        "request answered before it was made": (asked["replied_date"] < asked["requested_date"]).fill_null(False).to_numpy(),
    }  # fmt: skip


def _vaccinations(facts: Facts) -> dict[str, Flags]:
    """A dose without the one before is one given elsewhere; two that we see keep their interval."""
    names = series_names()
    intervals = pl.DataFrame({
        "series": names[[dose.series for dose in schedule()]], "dose_no": pl.Series([d.number for d in schedule()], dtype=pl.UInt8),
        "after": [dose.after for dose in schedule()],
    })  # fmt: skip
    doses = facts.not_sent["vaccinations"].sort("who", "series", "dose_no").join(
        intervals, on=["series", "dose_no"], maintain_order="left")  # fmt: skip
    same = ["who", "series"]
    follows = pl.col("dose_no") == pl.col("dose_no").shift().over(same) + 1
    days = (pl.col("vaccinated_date") - pl.col("vaccinated_date").shift().over(same)).dt.total_days()
    broken = doses.select(
        soon=(follows & (days < pl.col("after"))).fill_null(False),
        twice=pl.struct("who", "series", "dose_no").is_duplicated(),
    )
    return {"dose before its interval": broken["soon"].to_numpy(), "dose given twice": broken["twice"].to_numpy()}
