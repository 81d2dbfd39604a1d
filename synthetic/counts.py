"""What the calibration report counts in a stretch of the cohort, as the indicators define it; whole numbers only.

Sums of whole numbers do not depend on how the cohort was cut.
"""

from collections import Counter

import polars as pl

from synthetic.places import places
from synthetic.population.facts import Facts
from synthetic.population.postpartum_care import users
from synthetic.population.visits import codes

Tally = Counter[tuple[str, str]]  # (measure, part or whole) -> count; (births, municipality and year) too
PROGRAMMES = {"3_4m": 31, "1y6m": 34, "3y": 36}
CARIES = 2  # code list 019-130
Share = tuple[pl.Expr, pl.Expr]  # the whole, and which of it is the part


def counted(table: pl.DataFrame, shares: dict[str, Share]) -> Tally:
    """Part and whole of every share, in one pass."""
    sums = table.select(
        *(whole.sum().alias(f"{name}/whole") for name, (whole, _) in shares.items()),
        *((whole & part).sum().alias(f"{name}/part") for name, (whole, part) in shares.items()),
    )
    named = ((name.split("/"), count) for name, count in sums.row(0, named=True).items())
    return Counter({(name, side): count or 0 for (name, side), count in named})


def births_of(facts: Facts) -> pl.DataFrame:
    """Children born in the years sent to residents of the submitter, the stillborn too; with their pregnancy's facts."""
    d, c, m = facts.scene.deliveries, facts.scene.children, facts.scene.mothers
    window, of = facts.scene.window, c.of
    table = pl.DataFrame({
        "position": pl.int_range(len(c), eager=True), "pregnancy": of, "mother": d.mother[of],
        "weight": c.weight_g, "sex": c.sex, "weeks": d.weeks[of], "plurality": d.children[of], "age": d.age[of],
        "births_before": d.births_before[of], "order": c.order, "facility": d.facility_kind[of], "method": d.method[of],
        "hypertensive": d.is_hypertensive[of], "diabetes": d.has_diabetes[of], "smokes": d.smokes[of],
        "bmi": m.bmi[d.mother[of]], "previous": d.previous[of], "days_lived": c.died - c.born, "still": c.is_stillborn,
        "nicu": c.in_intensive_care, "year": codes(d.of.fiscal_year[of]), "submitter": d.of.submitter[of],
    })  # fmt: skip
    here = (d.home == d.of.submitter)[of]
    return table.filter(pl.Series(here), pl.col("year").is_between(window.first, window.last))


def births(table: pl.DataFrame) -> Tally:
    live = ~pl.col("still")
    single, weight, weeks, lived = pl.col("plurality") == 1, pl.col("weight"), pl.col("weeks"), pl.col("days_lived")
    before = pl.col("births_before")
    tally = counted(table, {
        "lbw": (live, weight < 2500), "vlbw": (live, weight < 1500), "elbw": (live, weight < 1000),
        "preterm_single": (live & single, weeks < 37), "preterm_multiple": (live & ~single, weeks < 37),
        "postterm_single": (live & single, weeks >= 42), "weeks_32_36": (live, weeks.is_between(32, 36)),
        "boys": (live, pl.col("sex") == 1), "age35": (live, pl.col("age") >= 35),
        "parity1": (live, before == 0), "parity2": (live, before == 1), "parity3": (live, before == 2),
        "infant_deaths": (live, lived < 365), "neonatal_deaths": (live, lived < 28),
    })  # fmt: skip
    stillborn = int(table["still"].sum())
    tally += Counter({("stillbirths", "part"): stillborn, ("stillbirths", "whole"): len(table) - stillborn})
    for submitter, year, births in table.filter(live).group_by("submitter", "year").len().iter_rows():
        tally["births", f"{places().codes[submitter]}/{year}"] = births
    return tally


def deliveries(table: pl.DataFrame) -> Tally:
    """Of the first child's row of every delivery."""
    every = pl.col("order") == 1
    facility, cesarean = pl.col("facility"), pl.col("method") == 2
    return counted(table, {
        "twins": (every, pl.col("plurality") == 2), "triplets": (every, pl.col("plurality") == 3),
        "hospital": (every, facility == 1), "clinic": (every, facility == 2), "midwife": (every, facility == 3),
        "cesarean_hospital": (every & (facility == 1), cesarean), "cesarean_clinic": (every & (facility == 2), cesarean),
        "hypertensive": (every, pl.col("hypertensive")), "diabetes": (every, pl.col("diabetes")),
        "thin": (every, pl.col("bmi") < 18.5), "obese": (every, pl.col("bmi") >= 25),
    })  # fmt: skip


def epds_of(facts: Facts) -> pl.DataFrame:
    """Last complete EPDS of each woman: submitter, pregnancy, total."""
    visits = facts.events["postpartum_visit"]
    submitter = facts.people["submitter"][visits["who"]]
    items = [f"epds_item_{i}" for i in range(1, 11)]
    return (
        visits.select(submitter, "pregnancy", "visit_kind_code", *items)
        .drop_nulls(items)
        .select("submitter", "pregnancy", "visit_kind_code", total=pl.sum_horizontal(items))
        .sort("submitter", "pregnancy", "visit_kind_code")
        .group_by("submitter", "pregnancy", maintain_order=True)
        .last()
    )


def visits(facts: Facts, epds: pl.DataFrame) -> Tally:
    filed = facts.events["pregnancy_notification"].filter(pl.col("event") >= facts.scene.window.start)
    new = pl.col("notification_reason_code") == 1
    tally = counted(filed, {"early": (new, pl.col("notification_stage_code") == 1)})
    return tally + counted(epds, {"epds": (pl.col("total") >= 0, pl.col("total") >= 9)})


def _answered(name: str, codes_given: tuple[int, ...], counts: int) -> Share:
    return pl.col(name).is_in(codes_given).fill_null(False), (pl.col(name) == counts).fill_null(False)


def checkups(facts: Facts) -> Tally:
    """Attendance by the lists, and the answers; who did not answer is not in the whole."""
    listed, seen = facts.events["child_checkup_target"], facts.events["child_checkup"]
    shares = {
        "smoking": _answered("smoking_pregnancy_code", (1, 2), 2),
        "satisfied": _answered("guidance_code", (1, 2, 3), 1),
        "cope": _answered("difficulty_cope_code", (1, 2), 1),
    }
    tally: Tally = Counter()
    for age, programme in PROGRAMMES.items():
        here = pl.col("programme_code") == programme
        for name, (whole, part) in {
            "relaxed": _answered("relaxed_code", (1, 2, 3), 1),
            "smoking_mother": _answered("smoking_mother_code", (1, 2), 2),
            "smoking_father": _answered("smoking_father_code", (1, 2), 2),
            "father": _answered("father_childcare_code", (1, 2, 3, 4), 1),
            "doctor": _answered("family_doctor_code", (1, 2, 3), 1),
            "no_harsh": (pl.col("harsh_items").is_not_null(), pl.col("harsh_items") == "8"),
        }.items():
            shares[f"{name}_{age}"] = (here & whole, part)
        tally[f"attendance_{age}", "part"] = seen.select(here.sum()).item()
        tally[f"attendance_{age}", "whole"] = listed.select(
            (here & pl.col("removed_reason_code").is_null()).sum()
        ).item()
    return tally + counted(facts.events["child_questionnaire"], shares)


def not_sent(facts: Facts, births: pl.DataFrame) -> Tally:
    """Of the tables that are in the truth alone; births: as `births_of` gives them."""
    lost = facts.not_sent["pregnancy_losses"]
    checks = facts.not_sent["dental_checks"].filter(pl.col("programme_code") == PROGRAMMES["3y"])
    every, teeth = pl.col("programme_code") > 0, checks["caries_teeth_count"].cast(pl.Int64)
    listed = facts.events["child_checkup_target"].select(
        ((pl.col("programme_code") == PROGRAMMES["3y"]) & pl.col("removed_reason_code").is_null()).sum()
    )
    used = births.with_columns(uses=pl.Series(users(facts.scene))[births["pregnancy"]])
    tally = counted(checks, {"caries_3y": (every, pl.col("caries_state_code") == CARIES)})
    tally += counted(used, {"postpartum_care": ((pl.col("order") == 1) & (pl.col("year") >= 2023), pl.col("uses"))})
    return tally + Counter({
        ("stillbirths_12w", "part"): lost.filter(pl.col("kind") != "miscarriage").height,
        ("stillbirths_12w", "whole"): births.filter(~pl.col("still")).height,
        ("dental_attendance_3y", "part"): len(checks), ("dental_attendance_3y", "whole"): listed.item(),
        ("caries_teeth_3y", "part"): int(teeth.sum()), ("caries_teeth_3y", "whole"): len(checks),
        ("caries_teeth_3y", "squares"): int((teeth * teeth).sum()),
    })  # fmt: skip
