"""Provisional, final, revised: what changed in between is a count, and nobody is found in it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipelines.indicators import COUNTS, INDICATORS
from pipelines.release.chain import count_identity
from pipelines.release.errors import UsageError
from pipelines.release.ledger import CELL_KEY, EARLIER
from pipelines.release.policy import load_policy
from pipelines.release.suppress import protect
from pipelines.release.vintage import against_earlier, levels_for, still_true, unsafe_changes
from tests.release import made_tables as t

STANDARD = load_policy("standard")
NATION, EAST, WEST, NORTH = "000000", "010000", "020000", "030000"
AREAS = pl.DataFrame(
    {
        "area_code": [NATION, EAST, WEST, NORTH],
        "level": ["nation", *["prefecture"] * 3],
        "parent_code": [None, *[NATION] * 3],
        "population": [3_000_000, *[1_000_000] * 3],
    }
)
K = 10
Numbers = Mapping[str, tuple[int, ...]]  # count -> values of the prefectures; the nation is their sum


def cells(numbers: Numbers, hidden: tuple[tuple[str, str], ...] = ()) -> pl.DataFrame:
    rows = [
        (count_id, "2024", "fiscal_year", area, "all", "all", value, (count_id, area) not in hidden)
        for count_id, values in numbers.items()
        for area, value in zip((NATION, EAST, WEST, NORTH), (sum(values), *values), strict=True)
    ]
    return pl.DataFrame(rows, schema=[*CELL_KEY, "value", "is_shown"], orient="row")


def published(numbers: Numbers, sequence: int = 1, hidden: tuple[tuple[str, str], ...] = ()) -> pl.DataFrame:
    """What the ledger remembers of a release with these numbers."""
    identity = {name: count_identity(count) for name, count in COUNTS.items()}
    return (
        cells(numbers, hidden)
        .filter("is_shown")
        .select(
            pl.lit(f"r{sequence}").alias("release_id"), pl.lit(sequence, pl.Int64).alias("sequence"),
            pl.col("count_id").replace_strict(identity).alias("count_identity"),
            *CELL_KEY, "value", pl.lit("provisional").alias("status"),
        )
        .select(*EARLIER)
    )  # fmt: skip


def settled(now: Numbers, *then: pl.DataFrame, status: str = "final", **more: object) -> dict[str, dict[str, object]]:
    """area -> the published row, of the only count of `now`."""
    frame = against_earlier(
        cells(now), pl.concat(then), STANDARD, AREAS, COUNTS, INDICATORS.values(), status, **more  # type: ignore[arg-type]
    )  # fmt: skip
    return {row["area_code"]: row for row in frame.iter_rows(named=True)}


def shown(rows: dict[str, dict[str, object]]) -> dict[str, tuple[object, object]]:
    return {area: (row["value"], row["status"]) for area, row in rows.items()}


def test_one_late_arrival_is_not_published() -> None:
    rows = settled({"preterm_births": (110, 211, 300)}, published({"preterm_births": (110, 210, 300)}))
    assert shown(rows)[WEST] == (210, "provisional")
    assert shown(rows)[NATION] == (620, "provisional")


def test_10_then_11_forced_open_is_a_finding() -> None:
    now, then = cells({"preterm_births": (11, 200, 300)}), published({"preterm_births": (10, 200, 300)})
    found = unsafe_changes(now, then, STANDARD, AREAS, COUNTS, INDICATORS.values())
    assert set(found["area_code"]) == {EAST, NATION}


def test_what_stays_as_it_was_is_no_finding() -> None:
    now, then = cells({"preterm_births": (10, 220, 300)}), published({"preterm_births": (10, 200, 300)})
    assert unsafe_changes(now, then, STANDARD, AREAS, COUNTS, INDICATORS.values()).is_empty()


@pytest.mark.parametrize(
    ("change", "is_held"), [(0, False), (1, True), (-1, True), (K - 1, True), (1 - K, True), (K, False)]
)
def test_a_change_of_1_to_k_minus_1_holds_the_value(change: int, is_held: bool) -> None:
    rows = settled(
        {"preterm_births": (110 + change, 300, 300)}, published({"preterm_births": (110, 200, 200)})
    )  # fmt: skip
    assert rows[EAST]["is_held"] is is_held
    assert rows[EAST]["value"] == (110 if is_held else 110 + change)


def test_a_large_change_is_published_with_the_status_of_the_release() -> None:
    now, then = {"preterm_births": (150, 250, 300)}, published({"preterm_births": (110, 210, 300)})
    assert shown(settled(now, then)) == {
        NATION: (700, "observed"), EAST: (150, "observed"), WEST: (250, "observed"), NORTH: (300, "observed"),
    }  # fmt: skip
    revised = shown(settled(now, then, status="revised"))
    assert revised[EAST] == (150, "revised")
    assert revised[NORTH] == (300, "observed")
    assert {status for _, status in shown(settled(now, then, status="provisional")).values()} == {"provisional"}


def test_the_change_of_the_complement_counts_too() -> None:
    """LBW up by 20 and births up by 21: one late baby of normal weight."""
    now = {"live_births": (1021, 2000, 3000), "low_birth_weight": (120, 200, 300)}
    then = {"live_births": (1000, 2000, 3000), "low_birth_weight": (100, 200, 300)}
    frame = against_earlier(cells(now), published(then), STANDARD, AREAS, COUNTS, INDICATORS.values())
    held = frame.filter("is_held").select("count_id", "area_code", "value").rows()
    assert ("low_birth_weight", EAST, 100) in held
    assert not [row for row in held if row[0] == "live_births"]


def test_the_difference_of_listed_and_seen_counts_too() -> None:
    """Attendance is not within the list, but its change beside the list's still tells who came late."""
    now = {"checkup_3y_target": (1030, 2000, 3000), "checkup_3y_seen": (929, 1900, 2900)}
    then = {"checkup_3y_target": (1000, 2000, 3000), "checkup_3y_seen": (900, 1900, 2900)}
    frame = against_earlier(cells(now), published(then), STANDARD, AREAS, COUNTS, INDICATORS.values())
    assert frame.filter("is_held").select("count_id", "area_code").rows()[0][0] == "checkup_3y_seen"


def test_a_held_value_cannot_be_computed_from_the_sum() -> None:
    """Only EAST changed by a little: the nation minus the others would give it away."""
    rows = settled({"preterm_births": (111, 260, 300)}, published({"preterm_births": (110, 200, 300)}))
    assert sum(bool(row["is_held"]) for row in rows.values()) >= 2


def test_what_is_held_together_has_not_changed_by_a_few() -> None:
    """EAST +5 and WEST -4 are held; the nation (+21) minus NORTH (+20) says: one more in the two of them."""
    rows = settled({"preterm_births": (105, 196, 320)}, published({"preterm_births": (100, 200, 300)}))
    held = {area for area, row in rows.items() if row["is_held"]}
    assert {EAST, WEST} < held


def test_what_is_hidden_now_but_was_shown_stays_known() -> None:
    now = cells({"preterm_births": (30, 210, 300)}, hidden=(("preterm_births", EAST), ("preterm_births", NATION)))
    then = published({"preterm_births": (50, 190, 300)})
    frame = against_earlier(now, then, STANDARD, AREAS, COUNTS, INDICATORS.values())
    east = frame.filter(pl.col("area_code") == EAST).row(0, named=True)
    assert (east["value"], east["status"], east["is_held"]) == (50, "provisional", True)


def test_what_was_never_shown_stays_hidden() -> None:
    hidden = (("preterm_births", EAST), ("preterm_births", WEST))
    frame = against_earlier(
        cells({"preterm_births": (3, 4, 300)}, hidden), published({"preterm_births": (3, 4, 250)}, hidden=hidden),
        STANDARD, AREAS, COUNTS, INDICATORS.values(),
    )  # fmt: skip
    assert frame.filter(pl.col("status") == "suppressed")["value"].to_list() == [None, None]


def test_every_earlier_release_counts_not_only_the_last() -> None:
    """100, then 130, now 101: against the first release it is one person."""
    first, second = published({"preterm_births": (100, 200, 300)}), published({"preterm_births": (130, 230, 330)}, 2)
    rows = settled({"preterm_births": (101, 260, 360)}, first, second)
    assert rows[EAST]["is_held"] and rows[EAST]["value"] == 130


def test_a_held_value_says_since_when_it_stands() -> None:
    first, second = published({"preterm_births": (100, 200, 300)}), published({"preterm_births": (100, 230, 330)}, 2)
    rows = settled({"preterm_births": (101, 231, 330)}, first, second)
    assert (rows[EAST]["vintage"], rows[WEST]["vintage"], rows[NORTH]["is_held"]) == (1, 2, False)


def test_a_held_denominator_holds_its_numerator() -> None:
    """Births up by 5 everywhere are held; the numerator alone could change, but the ratio would mix two releases."""
    now = {"live_births": (1005, 2005, 3005), "low_birth_weight": (120, 220, 320)}
    then = {"live_births": (1000, 2000, 3000), "low_birth_weight": (100, 200, 300)}
    frame = against_earlier(cells(now), published(then), STANDARD, AREAS, COUNTS, INDICATORS.values())
    held = frame.filter(pl.col("is_held") & (pl.col("count_id") == "low_birth_weight"))
    assert {EAST, WEST, NORTH} <= set(held["area_code"])


def test_another_definition_under_the_same_id_is_not_compared() -> None:
    then = published({"preterm_births": (110, 210, 300)})
    edited = {**COUNTS, "preterm_births": replace(COUNTS["preterm_births"], condition="gestation_weeks < 36")}
    frame = against_earlier(
        cells({"preterm_births": (111, 210, 300)}), then, STANDARD, AREAS, edited, INDICATORS.values()
    )  # fmt: skip
    assert frame["is_held"].sum() == 0


def test_nothing_published_before_nothing_held() -> None:
    frame = against_earlier(
        cells({"preterm_births": (1, 200, 300)}), pl.DataFrame(schema=EARLIER), STANDARD, AREAS, COUNTS
    )  # fmt: skip
    assert frame["status"].unique().to_list() == ["observed"]


def test_what_an_audit_wants_held_is_held() -> None:
    now, then = {"preterm_births": (200, 300, 400)}, published({"preterm_births": (100, 200, 300)})
    wanted = cells(now).filter(pl.col("area_code") == NORTH)
    assert settled(now, then, also_hold=wanted)[NORTH]["value"] == 300


def test_what_the_state_prints_is_no_target_under_official_parity() -> None:
    now, then = cells({"live_births": (1001, 2000, 3000)}), published({"live_births": (1000, 2000, 3000)})
    parity = load_policy("official_parity")
    frame = against_earlier(now, then, parity, AREAS, COUNTS, INDICATORS.values())
    assert frame["is_held"].sum() == 0
    assert against_earlier(now, then, STANDARD, AREAS, COUNTS, INDICATORS.values())["is_held"].sum() > 0


def test_towns_shown_for_the_first_time_do_not_open_a_held_prefecture() -> None:
    """A provisional release shows prefectures only; the towns of the final one add up to the prefecture."""
    towns = pl.DataFrame(
        {"area_code": [f"01{i:02d}00" for i in range(1, 5)], "level": "municipality", "parent_code": EAST,
         "population": 250_000},
    )  # fmt: skip
    areas = pl.concat([AREAS, towns], how="vertical_relaxed")
    now = cells({"preterm_births": (112, 300, 400)})
    more = pl.DataFrame(
        [("preterm_births", "2024", "fiscal_year", code, "all", "all", 28, True) for code in towns["area_code"]],
        schema=now.columns, orient="row",
    )  # fmt: skip
    rows = against_earlier(
        pl.concat([now, more]), published({"preterm_births": (110, 200, 300)}), STANDARD, areas, COUNTS
    )  # fmt: skip
    by_area = {row["area_code"]: row for row in rows.iter_rows(named=True)}
    assert by_area[EAST]["value"] == 110
    assert [by_area[code]["status"] for code in towns["area_code"]].count("suppressed") == 1


def attacker(now: Numbers, then: Numbers, frame: pl.DataFrame) -> list[int]:
    """The small changes that a reader of both releases computes: every sum of areas, all held terms together."""
    change = {
        (name, area): new - old
        for name in now
        for area, new, old in zip(
            (NATION, EAST, WEST, NORTH), (sum(now[name]), *now[name]), (sum(then[name]), *then[name]), strict=True
        )
    }
    held = {(row["count_id"], row["area_code"]) for row in frame.filter("is_held").iter_rows(named=True)}
    learned = [change[cell] for cell in change if cell not in held]
    for name in now:
        unknown = [cell for cell in change if cell[0] == name and cell in held]
        learned.append(sum(change[cell] * (-1 if cell[1] == NATION else 1) for cell in unknown))
        learned += [change[unknown[0]]] if len(unknown) == 1 else []
    rest = {
        area: change["live_births", area] - change["low_birth_weight", area] for area in (NATION, EAST, WEST, NORTH)
    }
    unknown_rests = [a for a in rest if {("live_births", a), ("low_birth_weight", a)} & held]
    learned += [rest[area] for area in rest if area not in unknown_rests]
    return [*learned, sum(rest[area] * (-1 if area == NATION else 1) for area in unknown_rests)]


@pytest.mark.parametrize("seed", range(300))
def test_an_attacker_with_both_releases_learns_no_small_change(seed: int) -> None:
    rng = np.random.default_rng(seed)
    then = {"live_births": tuple(rng.integers(900, 2000, 3)), "low_birth_weight": tuple(rng.integers(60, 200, 3))}
    spread = int(rng.choice([2, 12, 40]))
    late = {name: rng.integers(0, spread, 3) for name in then}
    now = {
        "low_birth_weight": tuple(then["low_birth_weight"] + late["low_birth_weight"]),
        "live_births": tuple(then["live_births"] + late["low_birth_weight"] + late["live_births"]),
    }
    frame = against_earlier(cells(now), published(then), STANDARD, AREAS, COUNTS, INDICATORS.values())
    assert not [change for change in attacker(now, then, frame) if 1 <= abs(change) < K]


def test_a_provisional_release_shows_nation_and_prefectures_only() -> None:
    assert levels_for("provisional") == ("nation", "prefecture")
    assert "municipality" in levels_for("final") and "municipality" in levels_for("revised")
    with pytest.raises(UsageError, match="provisional, final, revised"):
        levels_for("draft")


def test_what_was_shown_and_has_not_changed_protects_nobody() -> None:
    """A reader keeps the earlier value: hiding it now hides nothing, so three others must be hidden beside the small one."""
    values = {"P1": 3, "P2": 210, "P3": 300, "P4": 320, "P5": 350}
    tree = t.areas({f"P{n}": 1_000_000 for n in range(1, 6)}, parent=NATION, level="nation").with_columns(
        level=pl.when(pl.col("area_code") == NATION).then(pl.lit("nation")).otherwise(pl.lit("prefecture"))
    )
    now = t.cells(t.totals("o", {NATION: sum(values.values()), **values}))
    counts = t.counts_of(t.count("o"))
    shown_before = now.filter(pl.col("area_code") == "P2").with_columns(
        pl.lit("r1").alias("release_id"), pl.lit(1, pl.Int64).alias("sequence"), status=pl.lit("observed"),
        count_identity=pl.lit(count_identity(counts["o"])),
    )  # fmt: skip
    known = still_true(now, shown_before.select(*EARLIER), counts)
    assert known["area_code"].to_list() == ["P2"]
    for secret in (b"a", b"b", b"c", b"d", b"e", b"f"):
        done = protect(now, tree, counts, {}, STANDARD, secret, None, known).cells
        shown = set(done.filter("is_shown")["area_code"])
        assert NATION not in shown or len(set(values) - shown - {"P2"}) >= 3
