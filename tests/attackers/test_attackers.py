"""Promise 7: twelve scripted attackers find nothing in real releases, and each finds what a weak table gives away.

The releases are of one prefecture: provisional, final, and revised after one baby and one delivery came late.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.indicators import COUNTS, INDICATORS, SUMS
from pipelines.reference import units
from pipelines.release import decide
from pipelines.release.areas import registered_tree
from pipelines.release.measure import measure
from pipelines.release.suppress import Protected
from tests.attackers import script
from tests.attackers.script import ATTACKERS, KEY, MARK, NARROW, Attempt, File, Hold, tell
from tests.release import made_tables as t
from tests.release.made_published import published
from tests.release.made_source import YEARS, made_core, new_ledger, released, source

LATE = "INSERT INTO core.{0} SELECT * FROM core.{0} WHERE municipality_code = '312011' LIMIT 1"
OFFICIAL = units().select(area_code="code6", value="births_2024")
NOTHING_TO_TRY = {script.unmerges_villages}  # every release is made on the borders of one year


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
