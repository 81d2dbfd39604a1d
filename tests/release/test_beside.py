"""Earlier releases beside one: what a reader still has is attacked with, and data that have changed are no contradiction."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.declaration import Count
from pipelines.indicators import COUNTS
from pipelines.release import audit
from pipelines.release.areas import population_table, registered_tree
from pipelines.release.audit import audit_published
from pipelines.release.borders import pieces
from pipelines.release.findings import Finding
from pipelines.release.ledger import Ledger
from pipelines.release.policy import load_policy
from pipelines.release.run import release
from pipelines.release.suppress import protect
from tests.release import made_tables as t
from tests.release.made_published import published
from tests.release.made_source import DAY, made_core, new_ledger, opened_ledger, released, rows_of, source

COUNT = "preterm_births"
ONE = {COUNT: COUNTS[COUNT]}
CITY = t.areas({"A": t.CITY}).tail(1).with_columns(parent_code=pl.lit(None, pl.String))
Shown = dict[tuple[str, str], int | None]  # (period, area) -> value, None where it is hidden


def cells(shown: Shown) -> pl.DataFrame:
    return t.cells((COUNT, period, area, "all", "all", value) for (period, area), value in shown.items())


def written_down(folder: Path, *releases: Shown, populations: pl.DataFrame | None = None) -> Path:
    """A ledger of these releases, r1 and so on."""
    new_ledger(folder)
    for nth, shown in enumerate(releases, 1):
        ledger = opened_ledger(folder)
        with ledger.lock():
            told = t.seen(cells(shown), CITY, ONE).cells
            ledger.append(f"r{nth}", "final", "standard", "2021-2023", date(2026, nth, 1), told, COUNTS, populations)
    return folder / "ledger.jsonl"


def file(
    folder: Path, now: Shown, areas: pl.DataFrame = CITY, succession: pl.DataFrame | None = None,
) -> Path:  # fmt: skip
    more = {} if succession is None else {"area_succession": succession}
    return published(folder / "now.duckdb", cells(now), areas, ONE, release_id="now", more=more)


def told(found: list[Finding]) -> set[tuple[str, str, str]]:
    """(rule, period, area)"""
    return {(f.rule, f.cell[1], f.cell[3]) for f in found}


FIRST: Shown = {("2021", "A"): None, ("2022", "A"): None, ("2021-2022", "A"): 45}
SECOND: Shown = {("2022", "A"): 40, ("2023", "A"): 50}


def test_a_year_follows_from_pooled_years_that_only_an_earlier_release_showed(tmp_path: Path) -> None:
    now = file(tmp_path, SECOND)
    assert audit_published(now) == []
    found = audit_published(now, written_down(tmp_path, FIRST))
    assert told(found) == {("exactly_told", "2021", "A")}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(FIRST | {("2022", "A"): 25}, SECOND, id="a year was shown with another value"),
        pytest.param(FIRST | {("2021", "A"): 12}, SECOND | {("2022", "A"): 60}, id="it does not add up"),
        pytest.param(FIRST, SECOND | {("2022", "A"): 60}, id="the part is larger than the whole"),
    ],
)
def test_earlier_values_whose_data_have_changed_since_are_no_contradiction(
    first: Shown, second: Shown, tmp_path: Path
) -> None:
    assert audit_published(file(tmp_path, second), written_down(tmp_path, first)) == []


def test_the_release_knows_which_earlier_values_are_no_longer_true(tmp_path: Path) -> None:
    ledger, now = written_down(tmp_path, FIRST), file(tmp_path, SECOND)
    outdated = cells({("2021-2022", "A"): None})
    assert audit_published(now, ledger, outdated=outdated) == []


def test_a_value_revised_before_is_the_last_one_that_a_reader_has(tmp_path: Path) -> None:
    """2021-2022 was 30 and then 45: the change lies before the value that counts."""
    ledger = written_down(tmp_path, FIRST | {("2021-2022", "A"): 30}, FIRST)
    assert told(audit_published(file(tmp_path, SECOND), ledger)) == {("exactly_told", "2021", "A")}


def test_towns_that_join_later_added_nothing_to_earlier_sums(tmp_path: Path) -> None:
    two = t.areas({"A": t.CITY, "B": t.CITY})
    first: Shown = {("2021", "P1"): 45, ("2021", "A"): None}
    now: Shown = {("2022", "P1"): 90, ("2022", "A"): 40, ("2022", "B"): 50}
    found = audit_published(file(tmp_path, now, two), written_down(tmp_path, first))
    assert told(found) == {("exactly_told", "2021", "A")}


@pytest.mark.parametrize("late", [1, 40])
def test_a_release_of_fewer_years_goes_out_whether_the_others_have_changed_or_not(late: int, tmp_path: Path) -> None:
    """2022, and 2022-2024, stand in the first release only; the outsider's audit of the second finds nothing either."""
    new_ledger(tmp_path)
    with made_core(n_towns=3) as core:
        released(core, tmp_path)
        core.execute(f"INSERT INTO core.delivery SELECT * FROM core.delivery WHERE fiscal_year = 2022 LIMIT {late}")
        ledger = opened_ledger(tmp_path)
        release(source(core, 2), ledger, tmp_path / "2.duckdb", "final", "standard", (2023, 2024), DAY)
    assert audit_published(tmp_path / "2.duckdb", tmp_path / "ledger.jsonl") == []


def test_years_that_are_not_reckoned_with_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same two releases decided without each other: with both, small numbers follow."""
    counts = t.counts_of(t.count("o"))
    monkeypatch.setattr(audit, "COUNTS", counts)
    found: list[Finding] = []
    for seed in range(3):
        folder = tmp_path / str(seed)
        found += audit_published(*two_releases(seed, folder, counts, is_careful=False))
        careful = tmp_path / f"careful {seed}"
        assert audit_published(*two_releases(seed, careful, counts, is_careful=True)) == []
    assert "exactly_told" in {f.rule for f in found}


def two_releases(seed: int, folder: Path, counts: dict[str, Count], *, is_careful: bool) -> tuple[Path, Path]:
    from tests.promises.test_no_small_count_can_be_derived import _four_years, _released_with

    atoms, tree = _four_years(seed)
    then, now = _released_with(atoms, tree, 2023), _released_with(atoms, tree, 2024)
    first = protect(then, tree, counts, {}, t.STANDARD, b"s").cells
    new_ledger(folder)
    ledger = opened_ledger(folder)
    with ledger.lock():
        ledger.append("r1", "final", "standard", "2021-2023", DAY, t.seen(first, tree, counts).cells, counts)
    past_years, shown = then.filter(pl.col("period") == "2021-2023"), first.filter("is_shown")
    known = pl.concat([now, past_years]).join(shown, on=list(t.KEYS), how="semi")
    past = (None, known, t.told(past_years, shown)) if is_careful else ()
    second = protect(now, tree, counts, {}, t.STANDARD, b"s", *past).cells
    shown_before = first.filter("is_shown").select(*t.KEYS, was=pl.lit(True))
    still = second.join(shown_before, on=list(t.KEYS), how="left").with_columns(
        is_shown=pl.col("is_shown") | pl.col("was").fill_null(False)
    )
    return published(folder / "now.duckdb", still, tree, counts, release_id="now"), folder / "ledger.jsonl"


# --- tiers --------------------------------------------------------------------------------------------------------------


def people(year: int, population: int) -> pl.DataFrame:
    return pl.DataFrame({"area_code": ["A"], "year": [year], "population": [population]})


def grown(population: int) -> pl.DataFrame:
    return CITY.with_columns(population=pl.lit(population, pl.Int64))


@pytest.mark.parametrize(("before", "is_found"), [(24_990, True), (25_000, False)])
def test_a_tier_once_published_is_not_left_for_a_milder_one(before: int, is_found: bool, tmp_path: Path) -> None:
    """15 in 2022, 17 in 2023 and both together: hidden below 25,000 inhabitants; the town has grown to 25,010."""
    now: Shown = {("2022", "A"): 15, ("2023", "A"): 17, ("2022-2023", "A"): 32}
    path = file(tmp_path, now, grown(25_010))
    assert audit_published(path) == []
    ledger = written_down(tmp_path, {("2021", "A"): None}, populations=people(2024, before))
    found = {(f.rule, f.cell[1]) for f in audit_published(path, ledger)}
    assert found == ({("small_count", "2022"), ("small_count", "2023")} if is_found else set())


def test_a_release_after_it_hides_what_the_tier_hid(tmp_path: Path) -> None:
    """The tree that a release is decided on, and the populations that it publishes."""
    recorded = people(2024, 24_990).with_columns(area_code=pl.lit("312029"))
    tree = registered_tree(["312011", "312029"], recorded)
    assert dict(tree.select("area_code", "population").iter_rows())["312029"] == 24_990
    told = population_table(recorded).filter(pl.col("area_code") == "312029").sort("year")
    assert told["year"].to_list() == [2024, 2025]
    assert load_policy("standard").k_for(24_990) == 20 and load_policy("standard").k_for(told["population"][1]) == 10


def test_the_ledger_remembers_every_population_once_as_it_was_first(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    lines = [people(2024, 24_990), people(2024, 25_500), pl.concat([people(2024, 1), people(2025, 25_010)])]
    for nth, populations in enumerate(lines):
        ledger = opened_ledger(tmp_path)
        with ledger.lock():
            told = t.seen(cells({("2021", "A"): 40}), CITY, ONE).cells
            ledger.append(f"r{nth}", "final", "standard", "2021", DAY, told, COUNTS, populations)
    again = Ledger.open(tmp_path / "ledger.jsonl", tmp_path / "head")
    assert again.populations().rows() == [("A", 2024, 24_990), ("A", 2025, 25_010)]
    assert [entry.populations for entry in again.entries] == [{}, {"2024": {"A": 24_990}}, {}, {"2025": {"A": 25_010}}]


def test_a_release_writes_down_the_populations_that_it_shows(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    with made_core(n_towns=3) as core:
        released(core, tmp_path)
    shown = rows_of(tmp_path / "1.duckdb", ["area_population", "count_cell"])
    counted = shown["area_population"].join(shown["count_cell"], on="area_code", how="semi").sort("area_code")
    kept = opened_ledger(tmp_path).populations().sort("area_code")
    assert kept.rows() == counted.select("area_code", "year", "population").rows()


# --- borders ------------------------------------------------------------------------------------------------------------

# 浜松市 on 2024-01-01: seven wards became three, and 北区 went into two of them. No policy shows wards (see below), so
# they stand here as if they were municipalities.
NAKA, HIGASHI, NISHI, MINAMI, KITA, HAMAKITA, TENRYU = (
    "221317", "221325", "221333", "221341", "221350", "221368", "221376",
)  # fmt: skip
CHUO, HAMANA, NEW_TENRYU, HAMAMATSU = "221384", "221392", "221406", "221309"
REDRAWN = pl.DataFrame(
    [
        *((old, CHUO) for old in (NAKA, HIGASHI, NISHI, MINAMI, KITA)),
        (KITA, HAMANA), (HAMAKITA, HAMANA), (TENRYU, NEW_TENRYU),
    ],
    schema=["old_code", "new_code"], orient="row",
).with_columns(effective_date=pl.date(2024, 1, 1), kind=pl.lit("redrawn"))  # fmt: skip
NEW_WARDS = t.areas(dict.fromkeys((CHUO, HAMANA, NEW_TENRYU), t.CITY), HAMAMATSU)
OLD: Shown = {
    ("2022", HAMAMATSU): 333,
    **{("2022", ward): 50 for ward in (NAKA, HIGASHI, NISHI, MINAMI, HAMAKITA, TENRYU)},
    ("2022", KITA): 33,
}
NEW: Shown = {("2022", HAMAMATSU): 333, ("2022", CHUO): 203, ("2022", HAMANA): 80, ("2022", NEW_TENRYU): 50}


def test_only_what_lies_between_is_a_piece_of_its_own() -> None:
    known = {(old, new): piece for old, new, piece in pieces(REDRAWN).iter_rows()}
    assert known[NAKA, CHUO] == NAKA and known[HAMAKITA, HAMANA] == HAMAKITA
    assert (known[KITA, CHUO], known[KITA, HAMANA]) == (f"{KITA}>{CHUO}", f"{KITA}>{HAMANA}")


def test_a_strip_between_old_and_new_wards_is_told_by_both(tmp_path: Path) -> None:
    now = file(tmp_path, NEW, NEW_WARDS, REDRAWN)
    assert audit_published(now) == []
    found = told(audit_published(now, written_down(tmp_path, OLD)))
    assert found == {("exactly_told", "2022", f"{KITA}>{new}") for new in (CHUO, HAMANA)}


def test_new_wards_that_are_hidden_leave_the_strip_open(tmp_path: Path) -> None:
    """The two know each other's piece of 北区, each from its own: that is no finding, no release could help it."""
    areas, city = NEW_WARDS.tail(3), ("2022", HAMAMATSU)
    hidden = {key: value for key, value in NEW.items() if key != city} | {("2022", CHUO): None, ("2022", HAMANA): None}
    old = {key: value for key, value in OLD.items() if key != city}
    assert audit_published(file(tmp_path, hidden, areas, REDRAWN), written_down(tmp_path, old)) == []


def test_new_years_on_new_borders_have_no_strips(tmp_path: Path) -> None:
    later: Shown = {("2024", area): value for (_, area), value in NEW.items()}
    assert audit_published(file(tmp_path, later, NEW_WARDS, REDRAWN), written_down(tmp_path, OLD)) == []


def test_no_ward_is_shown_at_all(tmp_path: Path) -> None:
    is_city = pl.col("area_code") == HAMAMATSU
    wards = NEW_WARDS.with_columns(level=pl.when(is_city).then(pl.lit("municipality")).otherwise(pl.lit("ward")))
    found = audit_published(file(tmp_path, NEW, wards))
    assert told(found) == {("small_count", "2022", ward) for ward in (CHUO, HAMANA, NEW_TENRYU)}


MERGED = pl.DataFrame({"old_code": ["A", "B"], "new_code": "C", "kind": "merger"}).with_columns(
    effective_date=pl.date(2025, 4, 1)
)
TOWN = CITY.with_columns(area_code=pl.lit("C"))


@pytest.mark.parametrize(("value", "found"), [(38, {("exactly_told", "2022", "A")}), (None, set())])
def test_a_merged_town_less_one_of_its_villages(
    value: int | None, found: set[tuple[str, str, str]], tmp_path: Path
) -> None:
    ledger = written_down(tmp_path, {("2022", "A"): None, ("2022", "B"): 30})
    assert told(audit_published(file(tmp_path, {("2022", "C"): value}, TOWN, MERGED), ledger)) == found
