"""Official tables out of a release: xlsx, csv with datapackage.json, parquet. Reads `published.duckdb` and nothing else."""

import io
from pathlib import Path

from pipelines.release.datapackage import write_datapackage
from pipelines.release.errors import DiskError, UsageError
from pipelines.release.official_notes import (
    areas,
    boundary_day,
    codebook,
    policy_table,
    readme,
    release_line,
    symbol_table,
)
from pipelines.release.official_tables import Table, chosen_indicators, chosen_levels, counts, observations
from pipelines.release.reading import opened
from pipelines.release.workbook import write_workbook
from pipelines.release.writing import replace_file

FORMATS = ("xlsx", "csv", "parquet")


def export(
    published: Path,
    to: Path,
    indicators: list[str] | None = None,
    levels: list[str] | None = None,
    formats: tuple[str, ...] = ("xlsx", "csv"),
) -> list[Path]:
    """Writes the chosen indicators (None: all) at the chosen levels (None: all) into folder `to`; returns the files.

    The same release and choice give the same bytes. Raises UsageError (64) for an unknown indicator, level or
    format and for a file that is not a release; UnsafeError (3) when a hidden cell holds a value; DiskError (74).
    """
    _known(formats)
    with opened(published) as release:
        line = release_line(release)
        names, places = chosen_indicators(release, indicators), chosen_levels(levels)
        numbers = (observations(release, names, places), counts(release, names, places))
        notes = (
            codebook(release, names, numbers), areas(release, places), symbol_table(release), policy_table(release)
        )  # fmt: skip
        first = readme(line, boundary_day(release), [each for each in places if each in notes[1].rows["level"]])
    tables = (first, *numbers, *notes)
    _made(to)
    return [path for each in FORMATS if each in formats for path in _write(each, to, line, tables)]


def _write(form: str, to: Path, line: dict[str, object], tables: tuple[Table, ...]) -> list[Path]:
    if form == "csv":
        return write_datapackage(to, line, tables)
    if form == "parquet":
        return [_parquet(to, table) for table in tables if table.name in ("observations", "counts")]
    path = to / f"mchdb_{line['release_id']}.xlsx"
    write_workbook(path, line, tables)
    return [path]


def _parquet(to: Path, table: Table) -> Path:
    """No statistics and no metadata of where it came from: nothing but the columns."""
    path, buffer = to / f"{table.name}.parquet", io.BytesIO()
    table.rows.write_parquet(buffer, statistics=False)
    replace_file(path, buffer.getvalue())
    return path


def _known(formats: tuple[str, ...]) -> None:
    if not formats or set(formats) - set(FORMATS):
        raise UsageError(
            f"形式は {'・'.join(FORMATS)} のいずれかで、指定されたものはありません。この中から指定してください。",
            f"A format is one of {', '.join(FORMATS)}, and the given one is not; choose from them.",
        )


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise DiskError(folder.name) from None
