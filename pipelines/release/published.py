"""The tables of a release that an attack needs, read from the published file."""

from dataclasses import dataclass, field

import duckdb
import polars as pl

from pipelines.declaration import Count, Indicator, Policy, Sensitivity
from pipelines.release.borders import SUCCESSION
from pipelines.release.policy import policy_from_rows
from pipelines.release.reading import table
from pipelines.release.system import KEYS


@dataclass(frozen=True)
class Published:
    """The tables of a release that an attack needs."""

    status: str
    cells: pl.DataFrame
    observations: pl.DataFrame
    areas: pl.DataFrame
    counts: dict[str, Count]
    indicators: dict[str, Indicator]
    policy: Policy
    succession: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SUCCESSION))
    release_id: str = ""
    by_outsiders: bool = False  # attacked by nobody who sends records himself

    @property
    def places(self) -> pl.DataFrame:
        """The areas that have cells."""
        return self.areas.filter(pl.col("area_code").is_in(self.cells["area_code"].unique().implode()))


def read_published(connection: duckdb.DuckDBPyConnection) -> Published:
    rows = table(connection, "SELECT * FROM policy")
    settings = dict(rows.select("key", "value").iter_rows())
    cells = table(connection, f"SELECT {', '.join(KEYS)}, value, status FROM count_cell ORDER BY ALL")
    areas = table(
        connection,
        "SELECT area_code, level, parent_code, min(population) AS population "
        "FROM area JOIN area_population USING (area_code) GROUP BY ALL ORDER BY area_code",
    )
    return Published(
        str(table(connection, "SELECT status FROM release").item()),
        cells,
        table(connection, "SELECT * FROM observation"),
        areas,
        _counts(table(connection, "SELECT * FROM count_definition"), settings),
        _indicators(table(connection, "SELECT * FROM indicator")),
        policy_from_rows(rows),
        table(connection, "SELECT old_code, new_code FROM area_succession ORDER BY ALL"),
        str(table(connection, "SELECT release_id FROM release").item()),
    )


def _counts(rows: pl.DataFrame, settings: dict[str, str]) -> dict[str, Count]:
    sensitive, known = (settings.get(k, "").split() for k in ("sensitive_counts", "publicly_known_counts"))
    nested = [pair.split("<") for pair in settings.get("nested_in_practice", "").split()]
    return {
        r["count_id"]: Count(
            r["count_id"], r["label_ja"], r["label_en"], "", r["subject"], r["counting"], r["basis"],
            Sensitivity(r["sensitivity"]), r["population_sql"], r["condition_sql"], r["within_count_id"],
            tuple(outer for inner, outer in nested if inner == r["count_id"]),
            r["count_id"] in sensitive, r["count_id"] in known,
        )
        for r in rows.iter_rows(named=True)
    }  # fmt: skip


def _indicators(rows: pl.DataFrame) -> dict[str, Indicator]:
    return {
        r["indicator_id"]: Indicator(
            r["indicator_id"], r["kind"], r["label_ja"], r["label_en"], r["definition_ja"], r["definition_en"],
            r["numerator_id"], r["denominator_id"], r["unit"], r["official_source"] or "",
        )
        for r in rows.iter_rows(named=True)
    }  # fmt: skip
