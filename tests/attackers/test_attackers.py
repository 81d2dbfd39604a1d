"""Promise 7: twelve scripted attackers find nothing in real releases, and each finds what a weak table gives away.

The releases are of one prefecture: provisional, final, and revised after one baby and one delivery came late. Then all
years, and the last two after two towns merged: with every defence, and with the defences switched off, where each
attacker finds something.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.reference import units
from pipelines.release import assemble, decide, primary, run, suppress
from pipelines.release.areas import registered_tree
from pipelines.release.assemble import Source
from pipelines.release.measure import measure
from pipelines.release.primary import with_inner_hidden
from pipelines.release.suppress import Protected
from tests.attackers import script
from tests.attackers.script import ATTACKERS, KEY, MARK, NARROW, Attempt, File, Hold, tell
from tests.release import made_tables as t
from tests.release.made_published import published
from tests.release.made_source import DAY, YEARS, made_core, new_ledger, opened_ledger, released, source

LATE = "INSERT INTO core.{0} SELECT * FROM core.{0} WHERE municipality_code = '312011' LIMIT 1"
OFFICIAL = units().select(area_code="code6", value="births_2024")
NOTHING_TO_TRY = {script.unmerges_villages}  # on the borders of one year; towns merge between two releases below


@pytest.fixture(scope="module")
def core() -> Iterator[duckdb.DuckDBPyConnection]:
    with made_core(n_towns=12) as connection:
        yield connection


@pytest.fixture(scope="module")
def truth(core: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """KEY and value of every cell before the late ones came: what each municipality knows of itself."""
    areas = registered_tree(source(core).municipalities)
    return measure(core, COUNTS, SUMS, INDICATORS, areas, YEARS, tuple(areas["level"].unique()), t.STANDARD).cells


@pytest.fixture(scope="module")
def files(
    truth: pl.DataFrame, core: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory
) -> tuple[File, ...]:
    """Three releases under one ledger."""
    folder = tmp_path_factory.mktemp("releases")
    new_ledger(folder)
    released(core, folder, status="provisional")
    released(core, folder, status="final", batch=2)
    for grain in ("birth", "delivery"):
        core.execute(LATE.format(grain))
    released(core, folder, status="revised", batch=3)
    return tuple(File(folder / f"{n}.duckdb") for n in (1, 2, 3))


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> File:
    """A release in which every hidden number was made unmistakable once it had been decided that it is hidden."""
    folder = tmp_path_factory.mktemp("marked")
    new_ledger(folder)
    with made_core() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(decide, "protect", marking(decide.protect))
        released(connection, folder)
    return File(folder / "1.duckdb")


def marking(protect: Callable[..., Protected]) -> Callable[..., Protected]:
    def protected(*arguments: Any) -> Protected:
        done = protect(*arguments)
        number = pl.when("is_shown").then("value").otherwise(MARK + pl.int_range(pl.len()))
        return replace(done, cells=done.cells.with_columns(value=number))

    return protected


def held(
    attacker: Callable[[Hold], Attempt], files: tuple[File, ...], marked: File, truth: pl.DataFrame
) -> Iterator[Hold]:
    """What an attacker holds: all files so far, after each release."""
    knows = {script.reads_the_other_town.__name__: truth, script.reads_quality_classes.__name__: OFFICIAL}
    own = knows.get(attacker.__name__, truth.clear())
    if attacker is script.searches_bytes:
        yield Hold((marked,))
    else:
        yield from (Hold(files[: n + 1], own) for n in range(len(files)))


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda a: a.__name__)
def test_no_attacker_finds_anything_in_real_releases(
    attacker: Callable[[Hold], Attempt], files: tuple[File, ...], marked: File, truth: pl.DataFrame
) -> None:
    attempts = [attacker(hold) for hold in held(attacker, files, marked, truth)]
    assert [line for attempt in attempts for line in tell(attempt)] == []
    assert max(attempt.tried for attempt in attempts) > 0 or attacker in NOTHING_TO_TRY


def test_the_releases_hide_and_change_enough_to_attack(files: tuple[File, ...]) -> None:
    last = files[-1].cells
    assert last.filter(status="suppressed").height > 1000
    assert last.filter(status="provisional").height > 0, "nothing was held: nobody came late"


# --- weak tables: each attack works where nothing stops it ------------------------------------------------------------

Weak = tuple[Hold, float]
ONE = t.counts_of(t.count("n"))
PAIR = t.counts_of(t.count("o"), t.count("n", within="o"))
TOWNS = t.areas(dict.fromkeys("ABCD", t.CITY))


def one_file(path: Path, rows: list[t.Row], **words: Any) -> File:
    areas, counts = words.pop("areas", TOWNS), words.pop("counts", ONE)
    return File(published(path, t.cells(rows), areas, counts, **words))


def weak_codes(folder: Path) -> Weak:
    rows = t.totals("n", {"P1": 99, "A": None, "B": 20, "C": 30, "D": 40})
    return Hold((one_file(folder / "1", rows),)), 9


def weak_years(folder: Path) -> Weak:
    years = {"2023": None, "2024": 30, "2023-2024": 37}
    rows = [row for period, value in years.items() for row in t.totals("n", {"A": value}, period)]
    return Hold((one_file(folder / "1", rows, areas=TOWNS.filter(area_code="A")),)), 7


def weak_vintages(folder: Path) -> Weak:
    two = [one_file(folder / str(n), t.totals("n", {"A": 110 + n}), areas=TOWNS.filter(area_code="A")) for n in (0, 1)]
    return Hold(tuple(two)), 1


def weak_nested(folder: Path) -> Weak:
    rows = [*t.totals("o", {"A": 25}), *t.totals("n", {"A": 23})]
    return Hold((one_file(folder / "1", rows, areas=TOWNS.filter(area_code="A"), counts=PAIR),)), 2


def weak_means(folder: Path) -> Weak:
    """A hundred mothers of town A with 12 visits each, and one more in the prefecture with 25."""
    means = pl.DataFrame(
        [("visits", "2024", "fiscal_year", a, "all", "all", n, total / n) for a, n, total in (("A", 100, 1200), ("P1", 101, 1225))],
        schema=["indicator_id", *KEY[1:], "denominator", "value"], orient="row",
    )  # fmt: skip
    rows = t.totals("n", {"P1": 101, "A": 100})
    areas = TOWNS.filter(pl.col("area_code").is_in(["P1", "A"]))
    return Hold((one_file(folder / "1", rows, areas=areas, more={"observation": means}),)), 25


def weak_other_town(folder: Path) -> Weak:
    rows = t.totals("n", {"P1": 21, "A": None, "B": None})
    own = t.cells(t.totals("n", {"A": 4}))
    file = one_file(folder / "1", rows, areas=TOWNS.filter(pl.col("area_code").is_in(["P1", "A", "B"])))
    return Hold((file,), own), 17


def weak_merger(folder: Path) -> Weak:
    """Villages A and B became C; C's number is shown in the release after."""
    merged = pl.DataFrame({"old_code": ["A", "B"], "new_code": "C", "kind": "merger"}).with_columns(
        effective_date=pl.date(2025, 4, 1)
    )
    first = one_file(folder / "1", t.totals("n", {"A": None, "B": 30}), areas=TOWNS)
    last = one_file(folder / "2", t.totals("n", {"C": 38}), areas=TOWNS, more={"area_succession": merged})
    return Hold((first, last)), 8


def weak_spans(folder: Path) -> Weak:
    """2022 was shown in an earlier release; now only the span of 2022 and 2023 is."""
    areas = TOWNS.filter(area_code="A")
    first = one_file(folder / "1", t.totals("n", {"A": 30}, "2022"), areas=areas)
    now = {"2023": None, "2022-2023": 36}
    last = one_file(folder / "2", [r for p, v in now.items() for r in t.totals("n", {"A": v}, p)], areas=areas)
    return Hold((first, last)), 6


def weak_classes(folder: Path) -> Weak:
    quality = pl.DataFrame(
        {"area_code": ["A"], "period": "2024", "record": "birth", "measure": "completeness", "class": "80-94"}
    )
    births = t.counts_of(t.count("live_births"))
    rows = t.totals("live_births", {"A": None})
    file = one_file(folder / "1", rows, areas=TOWNS.filter(area_code="A"), counts=births, more={"quality": quality})
    return Hold((file,), pl.DataFrame({"area_code": ["A"], "value": [10]})), 9


def weak_percentages(folder: Path) -> Weak:
    """The numerator is hidden, the rate is not: 6.67 % of 60."""
    rate = pl.DataFrame(
        [("i", "2024", "fiscal_year", "A", "all", "all", 100 * 4 / 60)],
        schema=["indicator_id", *KEY[1:], "value"],
        orient="row",
    )
    rows = [*t.totals("o", {"A": 60}), *t.totals("n", {"A": None})]
    file = one_file(
        folder / "1", rows, areas=TOWNS.filter(area_code="A"), counts=PAIR, indicators=t.proportion("n", "o"),
        more={"observation": rate},
    )  # fmt: skip
    return Hold((file,)), 4


def weak_bytes(folder: Path) -> Weak:
    """Hidden numbers that were in the file, and only their cells were emptied."""
    towns = {f"T{n:02}": t.CITY for n in range(100)}
    rows = t.totals("n", {a: MARK + 7919 * n if n % 2 else 100 + n for n, a in enumerate(towns)})
    file = one_file(folder / "1", rows, areas=t.areas(towns).tail(100))
    with duckdb.connect(str(file.path)) as connection:
        connection.execute("UPDATE count_cell SET value = NULL, status = 'suppressed' WHERE value > 1000")
    return Hold((file,)), MARK + 7919


def weak_statuses(folder: Path) -> Weak:
    """One way to be hidden for small numbers, another for their neighbours."""
    sent = pl.DataFrame(
        {"area_code": ["A", "B"], "period": "2024", "period_kind": "fiscal_year", "record": "birth", "class": "arrived"}
    )
    rows = t.totals("n", {"A": None, "B": None})
    areas = TOWNS.filter(pl.col("area_code").is_in(["A", "B"]))
    file = one_file(folder / "1", rows, areas=areas, status={"A": "withheld_quality"}, more={"coverage": sent})
    return Hold((file,)), 3


WEAK = (
    weak_codes, weak_years, weak_vintages, weak_nested, weak_means, weak_other_town, weak_merger, weak_spans,
    weak_classes, weak_percentages, weak_bytes, weak_statuses,
)  # fmt: skip


@pytest.mark.parametrize(("attacker", "weak"), list(zip(ATTACKERS, WEAK, strict=True)), ids=lambda f: f.__name__)
def test_the_attack_works_on_a_weak_table(
    attacker: Callable[[Hold], Attempt], weak: Callable[[Path], Weak], tmp_path: Path
) -> None:
    hold, hidden = weak(tmp_path)
    attempt = attacker(hold)
    assert attempt.tried
    assert [f for f in attempt.found if f.low - 1e-6 <= hidden <= f.high + 1e-6 and f.high - f.low < NARROW]


# --- careless releases: each attack works on a real one whose defence is switched off --------------------------------


def _no_lines(system: Any, terms: Any, reason: Any, *_: Any) -> Any:
    return with_inner_hidden(system, reason)


def _no_pairs(pairs: Any, value: Any, terms: Any) -> Any:
    return np.zeros(len(pairs.inner), dtype=bool)


def careless_alone(patch: pytest.MonkeyPatch) -> None:
    """Each cell by itself: no line, no audit, and no difference of nested counts."""
    patch.setattr(suppress, "close_lines", _no_lines)
    patch.setattr(suppress, "until_safe", lambda case, reason: (reason, ()))
    for rule in ("has_small_rest", "is_all_or_none"):
        patch.setattr(primary, rule, _no_pairs)


def careless_observations(patch: pytest.MonkeyPatch) -> None:
    """A ratio is filled in wherever anything of it is known."""
    observe = assemble.observe

    def half_filled(*given: Any) -> pl.DataFrame:
        return observe(*given).with_columns(value=pl.coalesce("value", pl.lit(5.0)))

    patch.setattr(assemble, "observe", half_filled)


def careless_statuses(patch: pytest.MonkeyPatch) -> None:
    """What is hidden for another reason than its own number says so."""
    against = decide.against_earlier

    def told(cells: pl.DataFrame, *given: Any) -> pl.DataFrame:
        is_other = (cells["reason"] != "primary").to_list()
        hidden = (pl.col("status") == "suppressed") & pl.Series(is_other)
        return against(cells, *given).with_columns(
            status=pl.when(hidden).then(pl.lit("withheld_quality")).otherwise("status")
        )

    patch.setattr(decide, "against_earlier", told)


def careless_vintages(patch: pytest.MonkeyPatch) -> None:
    against = decide.against_earlier
    patch.setattr(decide, "against_earlier", lambda cells, earlier, *given: against(cells, earlier.clear(), *given))


def careless_bytes(patch: pytest.MonkeyPatch) -> None:
    """Hidden numbers are written, and only their cells emptied."""
    write = run.write_draft

    def emptied(tables: dict[str, pl.DataFrame], draft: Path) -> None:
        is_hidden = pl.col("status") == "suppressed"
        number = pl.when(is_hidden).then(MARK + 7919 * pl.int_range(pl.len())).otherwise("value")
        write({**tables, "count_cell": tables["count_cell"].with_columns(value=number)}, draft)
        with duckdb.connect(str(draft)) as connection:
            connection.execute("UPDATE count_cell SET value = NULL WHERE status = 'suppressed'")

    patch.setattr(run, "write_draft", emptied)


def in_percent(connection: duckdb.DuckDBPyConnection, batch: int) -> Source:
    """What a release takes, with a quality that is told in percent, not in classes."""
    usual = source(connection, batch)
    births = usual.arrival.filter(record="birth").join(OFFICIAL, left_on="municipality_code", right_on="area_code")
    percent = (100 * pl.col("rows") / pl.col("value")).round(1).cast(pl.String)
    told = births.filter(pl.col("value") > 0).select(
        area_code="municipality_code", period=pl.col("fiscal_year").cast(pl.String), record="record",
        measure=pl.lit("completeness"), **{"class": percent},
    )  # fmt: skip
    return replace(usual, quality=told.select(usual.quality.columns))


MERGED, INTO = ("313025", "313254"), "313866"
SUCCESSION = pl.DataFrame({"old_code": MERGED, "new_code": INTO, "kind": "merger"}).with_columns(
    effective_date=pl.date(2025, 4, 1)
)


def one_comes_late_and_two_towns_merge(connection: duckdb.DuckDBPyConnection) -> None:
    for grain in ("birth", "delivery"):
        connection.execute(LATE.format(grain).replace("LIMIT", "AND fiscal_year = 2024 LIMIT"))
    counted = "SELECT table_name FROM duckdb_columns() WHERE column_name = 'municipality_code'"
    for (grain,) in connection.sql(counted).fetchall():
        connection.execute(f"UPDATE core.{grain} SET municipality_code = '{INTO}' WHERE municipality_code IN {MERGED}")


def with_a_merger(patch: pytest.MonkeyPatch) -> None:
    facts = assemble.public_facts
    patch.setattr(assemble, "public_facts", lambda *given: {**facts(*given), "area_succession": SUCCESSION})


Patch = Callable[[pytest.MonkeyPatch], None]


def two_releases(folder: Path, *careless: Patch) -> tuple[File, File]:
    """All years; and the last two after something happened; with some defences switched off."""
    new_ledger(folder)
    with made_core(n_towns=8) as connection, pytest.MonkeyPatch.context() as patch:
        for each in (with_a_merger, *careless):
            each(patch)
        for nth, years in ((1, (YEARS[0], YEARS[-1])), (2, YEARS[-2:])):
            given = (in_percent if careless else source)(connection, nth)
            run.release(given, opened_ledger(folder), folder / f"{nth}.duckdb", "final", "standard", years, DAY)
            one_comes_late_and_two_towns_merge(connection)
    return File(folder / "1.duckdb"), File(folder / "2.duckdb")


def no_gate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(run, "audit_published", lambda *_, **__: [])


CARELESS: tuple[Patch, ...] = (
    no_gate, careless_alone, careless_observations, careless_statuses, careless_vintages,
)  # fmt: skip


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> tuple[File, ...]:
    return two_releases(tmp_path_factory.mktemp("careless"), *CARELESS)


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> tuple[File, ...]:
    return two_releases(tmp_path_factory.mktemp("careful"))


def emptied(folder: Path) -> File:
    new_ledger(folder)
    with made_core(n_towns=3) as connection, pytest.MonkeyPatch.context() as patch:
        no_gate(patch)
        careless_bytes(patch)
        released(connection, folder)
    return File(folder / "1.duckdb")


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda a: a.__name__)
def test_each_finds_something_where_its_defence_is_switched_off(
    attacker: Callable[[Hold], Attempt], careless: tuple[File, ...], truth: pl.DataFrame, tmp_path: Path
) -> None:
    knows = {script.reads_the_other_town.__name__: truth, script.reads_quality_classes.__name__: OFFICIAL}
    files = (emptied(tmp_path),) if attacker is script.searches_bytes else careless
    attempts = [attacker(Hold(files[: n + 1], knows.get(attacker.__name__, truth.clear()))) for n in range(len(files))]
    assert [found for attempt in attempts for found in attempt.found]


@pytest.mark.parametrize(
    "attacker", [script.unmerges_villages, script.slides_pooled_years, script.differences_vintages], ids=lambda a: a.__name__
)  # fmt: skip
def test_a_merger_and_a_year_left_out_tell_nothing(
    attacker: Callable[[Hold], Attempt], careful: tuple[File, ...], truth: pl.DataFrame
) -> None:
    attempt = attacker(Hold(careful, truth.clear()))
    assert list(tell(attempt)) == []
    assert attempt.tried
