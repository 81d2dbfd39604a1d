"""Every question a view may ask of a release.

The release is attached read-only to an in-memory DuckDB, whose doors are then shut: no external access, locked
configuration. Views of the database cover up whatever stands beside a status that is not shown, so that nothing
later (colours, ranks, breaks, downloads) can depend on it. Frames come back as Polars; codes are text.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

NATION = "000000"
LEVELS = ("nation", "prefecture", "medical_area", "municipality")
SHOWN = ("observed", "partial", "provisional", "revised")
NOT_PUBLISHED = "not_published"  # no row: this level or period is not part of the release
NEEDED_TABLES = ("release", "area", "indicator", "count_definition", "observation", "count_cell", "symbol")
ANSWERS_KEPT = 512

_NOT_SHOWN_IS_EMPTY = f"""
CREATE VIEW observation AS
SELECT o.* REPLACE (
    CASE WHEN s THEN numerator END AS numerator, CASE WHEN s THEN denominator END AS denominator,
    CASE WHEN s THEN value END AS value, CASE WHEN s THEN ci_low END AS ci_low,
    CASE WHEN s THEN ci_high END AS ci_high, CASE WHEN s THEN n_areas_reporting END AS n_areas_reporting,
    CASE WHEN s THEN coverage_births END AS coverage_births)
FROM (SELECT *, status IN {SHOWN} AS s FROM published.observation) AS o;
CREATE VIEW count_cell AS
SELECT c.* REPLACE (CASE WHEN status IN {SHOWN} THEN value END AS value) FROM published.count_cell AS c;
CREATE VIEW area AS
SELECT * REPLACE (coalesce(name_en, name_ja) AS name_en),
       CASE level WHEN 'nation' THEN 0 WHEN 'prefecture' THEN 1 WHEN 'medical_area' THEN 2 ELSE 3 END AS depth
FROM published.area WHERE valid_to IS NULL;
CREATE VIEW collected AS SELECT DISTINCT area_code FROM published.observation WHERE status <> 'not_collected';
"""


class NotARelease(Exception):
    """The file is missing or is no release; the message is one sentence, `word` names it in `dashboards/words.py`."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(sentence)
        self.word = word


class NotPublished(Exception):
    """The release does not hold what was asked for (an older or smaller release)."""


@dataclass(frozen=True)
class ReleaseInfo:
    release_id: str
    status: str
    created_on: date
    fiscal_years: str
    policy_id: str
    software_version: str
    is_synthetic: bool


def _attach(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False})
    try:
        connection.execute(f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS published (READ_ONLY)")
        missing = set(NEEDED_TABLES) - _tables(connection)
        if not missing:
            connection.execute(_NOT_SHOWN_IS_EMPTY)
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
    except duckdb.Error:
        connection.close()
        missing = set(NEEDED_TABLES)
    if missing:
        raise NotARelease(
            "not_a_release",
            f"A release (published.duckdb) is required, but {path.name} is not one; make it again with 'mchdb release'.",
        )
    return connection


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    names = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'published'").fetchall()
    return {name for (name,) in names}


def _emptied(frame: pl.DataFrame) -> pl.DataFrame:
    """The same frame with zeros in the memory under its nulls.

    DuckDB leaves there whatever was in memory, a masked value too, and a frame sent to a browser takes its memory along.
    """
    numbers = [s for s in frame.get_columns() if s.dtype.is_numeric() and s.null_count()]
    return frame.with_columns(pl.Series(s.name, s.to_list(), dtype=s.dtype) for s in numbers)


class Release:
    """One opened release. Answers are remembered, because a release never changes; treat the frames as read-only."""

    def __init__(self, path: Path) -> None:
        self._connection = _attach(path)
        self._answers: dict[tuple[Any, ...], pl.DataFrame] = {}
        self._lock = threading.Lock()
        rows = self.ask("SELECT * FROM published.release")
        if rows.height != 1:
            raise NotARelease(
                "not_a_release",
                f"A release holds exactly one release row, {path.name} holds {rows.height}; make it again with 'mchdb release'.",
            )
        row = rows.row(0, named=True)
        self.info = ReleaseInfo(**{name: row[name] for name in ReleaseInfo.__dataclass_fields__})

    def ask(self, question: str, *parameters: Any) -> pl.DataFrame:
        """The answer to a question in SQL, through a cursor of its own.

        Raises NotPublished where the release has no such table or column.
        """
        key = (question, *parameters)
        if (answer := self._answers.get(key)) is not None:
            return answer
        try:
            with self._cursor() as cursor:
                answer = _emptied(cursor.sql(question, params=list(parameters)).pl())
        except (duckdb.CatalogException, duckdb.BinderException):
            raise NotPublished from None
        with self._lock:
            if len(self._answers) >= ANSWERS_KEPT:
                self._answers.pop(next(iter(self._answers)))
            self._answers[key] = answer
        return answer

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    # --- what there is -------------------------------------------------------------------------------------------

    def areas(self) -> pl.DataFrame:
        """Every area of today, with `is_collected`: whether it is registered in this release."""
        return self.ask(
            "SELECT area_code, area_code5, level, depth, name_ja, name_en, parent_code, medical_area_code, "
            "area_code IN (FROM collected) AS is_collected FROM area ORDER BY depth, area_code"
        )

    def area(self, area_code: str) -> dict[str, Any]:
        """One area as a dict, with the codes of its prefecture and medical area (None where there is none)."""
        found = self.ask(
            "SELECT a.area_code, a.area_code5, a.level, a.name_ja, a.name_en, a.medical_area_code, "
            "CASE WHEN a.level IN ('nation', 'prefecture') THEN NULL ELSE p.area_code END AS prefecture_code, "
            "p.name_ja AS prefecture_ja, p.name_en AS prefecture_en "
            "FROM area AS a LEFT JOIN area AS p ON p.level = 'prefecture' AND left(p.area_code, 2) = left(a.area_code, 2) "
            "WHERE a.area_code = ?",
            area_code,
        )
        return found.row(0, named=True)

    def n_municipalities(self) -> int:
        return int(self.ask("SELECT count(*) AS n FROM area WHERE level = 'municipality'").item())

    def n_registered(self) -> int:
        """Municipalities in the registry of this release."""
        stated = self.ask("SELECT max(n_areas_expected) AS n FROM observation WHERE area_code = ?", NATION).item()
        return int(stated or 0)

    def indicators(self) -> pl.DataFrame:
        return self.ask(
            "SELECT i.*, n.label_ja AS numerator_ja, n.label_en AS numerator_en, "
            "d.label_ja AS denominator_ja, d.label_en AS denominator_en "
            "FROM published.indicator AS i LEFT JOIN published.count_definition AS n ON n.count_id = numerator_id "
            "LEFT JOIN published.count_definition AS d ON d.count_id = denominator_id ORDER BY i.rowid"
        )

    def indicator(self, indicator_id: str) -> dict[str, Any]:
        return self.indicators().row(by_predicate=pl.col("indicator_id") == indicator_id, named=True)

    def periods(self) -> list[str]:
        """Every year and span of years, pooled spans first, the latest first."""
        found = self.ask(
            "SELECT DISTINCT period FROM observation WHERE period_kind <> 'month' "
            "ORDER BY contains(period, '-') DESC, period DESC"
        )
        return found["period"].to_list()

    def breakdowns(self, indicator_id: str) -> list[str]:
        found = self.ask(
            "SELECT DISTINCT breakdown_id FROM observation WHERE indicator_id = ? AND breakdown_id <> 'all' ORDER BY 1",
            indicator_id,
        )
        return found["breakdown_id"].to_list()

    def categories(self, breakdown_id: str) -> pl.DataFrame:
        return self.ask("SELECT * FROM published.breakdown WHERE breakdown_id = ? ORDER BY sort", breakdown_id)

    def published_levels(self, indicator_id: str) -> pl.DataFrame:
        """Levels and periods at which at least one value of the indicator is shown."""
        return self.ask(
            "SELECT level, period, count(*) AS n_shown FROM observation JOIN area USING (area_code) "
            "WHERE indicator_id = ? AND breakdown_id = 'all' AND value IS NOT NULL AND period_kind <> 'month' "
            "GROUP BY level, depth, period ORDER BY depth, contains(period, '-') DESC, period DESC",
            indicator_id,
        )

    # --- values --------------------------------------------------------------------------------------------------

    def of_level(self, indicator_id: str, period: str, level: str) -> pl.DataFrame:
        """One row per area of a level, in the order of codes; value and interval are null where not shown."""
        return self.ask(
            f"SELECT a.area_code, a.area_code5, a.name_ja, a.name_en, p.area_code AS prefecture_code, "
            f"p.name_ja AS prefecture_ja, p.name_en AS prefecture_en, {_VALUES} "
            "FROM area AS a LEFT JOIN area AS p ON p.level = 'prefecture' AND left(p.area_code, 2) = left(a.area_code, 2) "
            "LEFT JOIN observation AS o ON o.area_code = a.area_code AND o.indicator_id = ? AND o.period = ? "
            "AND o.breakdown_id = 'all' AND o.period_kind <> 'month' "
            "WHERE a.level = ? ORDER BY a.area_code",
            indicator_id, period, level,
        )  # fmt: skip

    def of_area(self, area_code: str, period: str) -> pl.DataFrame:
        """One row per indicator, in the order of the release, for one area and period."""
        return self.ask(
            f"SELECT i.indicator_id, {_VALUES} FROM published.indicator AS i CROSS JOIN area AS a "
            "LEFT JOIN observation AS o ON o.area_code = a.area_code AND o.indicator_id = i.indicator_id "
            "AND o.period = ? AND o.breakdown_id = 'all' AND o.period_kind <> 'month' "
            "WHERE a.area_code = ? ORDER BY i.rowid",
            period, area_code,
        )  # fmt: skip

    def series(self, indicator_id: str, area_codes: tuple[str, ...], breakdown_id: str = "all") -> pl.DataFrame:
        """Single years of some areas, one row per area, category and year, ordered by area, category and year."""
        return self.ask(
            f"SELECT a.area_code, a.name_ja, a.name_en, a.level, o.category_code, o.period, {_VALUES}, "
            "b.label_ja AS category_ja, b.label_en AS category_en FROM observation AS o JOIN area AS a USING (area_code) "
            "LEFT JOIN published.breakdown AS b USING (breakdown_id, category_code) "
            "WHERE o.indicator_id = ? AND o.breakdown_id = ? AND list_contains(string_split(?, ','), o.area_code) "
            "AND o.period_kind <> 'month' AND NOT contains(o.period, '-') "
            "ORDER BY list_position(string_split(?, ','), o.area_code), b.sort, o.period",
            indicator_id, breakdown_id, ",".join(area_codes), ",".join(area_codes),
        )  # fmt: skip

    def nearest(self, indicator_id: str, area_code: str, period: str) -> dict[str, Any] | None:
        """The nearest publishable number of a hidden one: pooled years, then the medical area, prefecture and nation."""
        around = self.ask(
            "SELECT area_code, level, name_ja, name_en, period, period_kind, value, ci_low, ci_high, "
            "numerator, denominator, status, n_areas_expected, "
            "least(contains(period, '-')::INT, (NOT contains(?, '-'))::INT) AS is_widened, "
            "abs(right(period, 4)::INT - right(?, 4)::INT) AS years_away "
            "FROM observation JOIN area AS a USING (area_code) "
            "WHERE indicator_id = ? AND breakdown_id = 'all' AND period_kind <> 'month' AND value IS NOT NULL "
            "AND (period = ? OR contains(period, '-')) "
            "AND (area_code = ? OR area_code = ? OR area_code = (SELECT medical_area_code FROM area WHERE area_code = ?) "
            "OR (level = 'prefecture' AND left(area_code, 2) = left(?, 2))) "
            "ORDER BY a.depth DESC, is_widened, years_away LIMIT 1",
            period, period, indicator_id, period, area_code, NATION, area_code, area_code,
        )  # fmt: skip
        return around.row(0, named=True) if around.height else None

    # --- meaning -------------------------------------------------------------------------------------------------

    def counts(self) -> pl.DataFrame:
        return self.ask("SELECT * FROM published.count_definition ORDER BY rowid")

    def targets(self, indicator_id: str) -> pl.DataFrame:
        return self.ask(
            "SELECT * FROM published.indicator_target WHERE indicator_id = ? ORDER BY target_year", indicator_id
        )

    def symbols(self) -> pl.DataFrame:
        return self.ask("SELECT status, symbol, meaning_ja, meaning_en FROM published.symbol ORDER BY rowid")

    def policy(self) -> pl.DataFrame:
        return self.ask("SELECT * FROM published.policy WHERE policy_id = ? ORDER BY rowid", self.info.policy_id)

    def records(self) -> pl.DataFrame:
        return self.ask("SELECT * FROM published.record_definition ORDER BY rowid")

    def fields(self, record: str) -> pl.DataFrame:
        return self.ask("SELECT * FROM published.field_definition WHERE record = ? ORDER BY rowid", record)


_VALUES = (
    "o.period_kind, o.numerator, o.denominator, o.value, o.ci_low, o.ci_high, o.n_areas_reporting, o.n_areas_expected, "
    "o.coverage_births, coalesce(o.status, CASE WHEN a.area_code IN (FROM collected) "
    f"THEN '{NOT_PUBLISHED}' ELSE 'not_collected' END) AS status"
)


class Published:
    """The file in which the newest release is found; a release renamed into its place is opened at the next look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._release: Release | None = None

    def current(self) -> Release:
        """The newest release; the last one that could be read stays, while the file is away or unreadable.

        Raises NotARelease where none could ever be read.
        """
        with self._lock:
            seen = self._look()
            if seen is not None and seen != self._seen:
                self._reopen(seen)
            if self._release is None:
                raise NotARelease(
                    "no_release",
                    f"A release (published.duckdb) is required, but there is no file {self.path.name}; make one with 'mchdb release'.",
                )
            return self._release

    def _look(self) -> tuple[int, int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _reopen(self, seen: tuple[int, int, int]) -> None:
        try:
            self._release, self._seen = Release(self.path), seen
        except NotARelease:
            if self._release is None:
                raise
