"""A certificate of a release: tables by which anybody can check that its hidden numbers stay open.

Every table of it fits everything that the release shows, and for every hidden cell two of them differ by at least the
width that the policy asks. So nobody who knows what is published, and nothing else, can place the cell in a narrower
interval. The check needs no solver and no trust in whoever wrote the file: it adds whole numbers.

A certificate is made from the published file alone and alike every time, so it tells nobody anything that the file
does not. It says nothing of what a submitter knows or of earlier releases: that is the audit's. Like the audit's own
intervals it takes counts as amounts; a table may hold fractions of people.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.release.constraints import CEILING, KEY, Constraints, Rows, read_constraints
from pipelines.release.errors import UsageError
from pipelines.release.findings import Finding
from pipelines.release.witness import Witness, find_witness

LARGEST_UNIT = 1_000_000
COLUMNS = {
    "release_id": pl.String(), **dict.fromkeys(KEY, pl.String()),
    "required": pl.Float64(),  # the width that the policy asks; 0: none is asked
    "lowest": pl.Float64(), "highest": pl.Float64(),  # a reader cannot tell any two of the values between these
    "at_most": pl.Int64(), "bounded_by": pl.String(),  # the nearest shown cell above it, and what that leaves
    "unit": pl.Int64(), "tables": pl.List(pl.Int64()),  # its value in every table, in units of 1/unit
}  # fmt: skip


def certificate_of(published: Path) -> bytes:
    """The certificate of a release, as Parquet: COLUMNS, one row per hidden cell. Raises UsageError for no release."""
    constraints = read_constraints(published)
    buffer = io.BytesIO()
    _rows(constraints, find_witness(constraints)).write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def check_certificate(published: Path, certificate: Path | bytes) -> list[Finding]:
    """What is wrong with a certificate (a file, or what it holds) of the release in `published`; empty where it proves
    all that it should.

    Raises UsageError for a file that is no release or no certificate.
    """
    constraints, rows = read_constraints(published), _opened(certificate)
    if not constraints.keys[constraints.columns].equals(rows.select(KEY)):
        return [Finding("certificate_of_other_cells")]
    if rows.height and rows.select("release_id", "unit").unique().rows() != [(constraints.release_id, rows["unit"][0])]:
        return [Finding("certificate_of_other_cells")]
    lengths = rows["tables"].list.len().unique()
    if rows.height and (len(lengths) != 1 or not 1 <= rows["unit"][0] <= LARGEST_UNIT):
        return [Finding("certificate_contradicts")]
    found = [*_contradictions(constraints, rows)]
    return found or [*_too_narrow(constraints, rows), *_misquoted(constraints, rows)]


def _rows(constraints: Constraints, witness: Witness) -> pl.DataFrame:
    columns, tables = constraints.columns, witness.tables
    empty = np.zeros(len(columns))
    at_most, by = _nearest_above(constraints)
    return (
        constraints.keys[columns]
        .with_columns(
            release_id=pl.lit(constraints.release_id), required=pl.Series(constraints.required),
            lowest=pl.Series(tables.min(axis=1) / witness.unit if tables.size else empty),
            highest=pl.Series(tables.max(axis=1) / witness.unit if tables.size else empty),
            at_most=at_most, bounded_by=by, unit=pl.lit(witness.unit), tables=pl.Series(tables.tolist(), dtype=pl.List(pl.Int64)),
        )
        .select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
    )  # fmt: skip


def _contradictions(constraints: Constraints, rows: pl.DataFrame) -> Iterator[Finding]:
    """Every table beside the shown values: each sum must hold exactly, nothing is below zero, no part above its whole."""
    unit = int(rows["unit"][0]) if rows.height else 1
    equations = constraints.sums.equations(len(constraints.known))
    shown = np.nan_to_num(constraints.value).astype(np.int64) * unit
    for table in _tables(rows):
        whole = shown.copy()
        whole[constraints.columns] = table
        broken = constraints.sums.whole[equations @ whole != 0]
        outside = np.flatnonzero((whole < 0) | (whole > CEILING * unit))
        larger = constraints.inside[whole[constraints.inside] > whole[constraints.outside]]
        for cell in np.unique(np.concatenate([broken, outside, larger])):
            yield _found("certificate_contradicts", constraints, cell)


def _too_narrow(constraints: Constraints, rows: pl.DataFrame) -> Iterator[Finding]:
    """Cells whose value in no two tables is as far apart as the policy asks of this reader's own reckoning."""
    spans = rows.select(pl.col("tables").list.max() - pl.col("tables").list.min()).to_series().fill_null(0).to_numpy()
    unit = rows["unit"].to_numpy()
    for cell in constraints.columns[spans < constraints.required * unit]:
        yield _found("certificate_too_narrow", constraints, cell)


def _misquoted(constraints: Constraints, rows: pl.DataFrame) -> Iterator[Finding]:
    """Cells for which the certificate says something else than its own tables and the published file do."""
    at_most, by = _nearest_above(constraints)
    unit = pl.col("unit")
    says = rows.select(
        (pl.col("lowest") == pl.col("tables").list.min() / unit)
        & (pl.col("highest") == pl.col("tables").list.max() / unit)
        & (pl.col("required") == pl.Series(constraints.required, dtype=pl.Float64))
        & pl.col("at_most").eq_missing(at_most)
        & pl.col("bounded_by").eq_missing(by)
    ).to_series()
    for cell in constraints.columns[~says.to_numpy().astype(bool)]:
        yield _found("certificate_misquotes", constraints, cell)


def _nearest_above(constraints: Constraints) -> tuple[pl.Series, pl.Series]:
    """For every unknown cell the most that one shown cell leaves it, and which one: a sum less its shown parts, or a
    count that it lies within."""
    sums, value = constraints.sums, constraints.value
    left = value[sums.whole] - sums.added(np.nan_to_num(value))
    cell = np.concatenate([sums.part, constraints.inside])
    above = np.concatenate([sums.whole[sums.line], constraints.outside])
    most = np.concatenate([left[sums.line], value[constraints.outside]])
    order = np.lexsort((above, most, cell))
    order = order[np.isnan(value[cell[order]]) & ~np.isnan(most[order])]
    first = order[np.unique(cell[order], return_index=True)[1]]
    at_most, by = np.full(len(value), np.nan), np.full(len(value), -1)
    at_most[cell[first]], by[cell[first]] = most[first], above[first]
    names = constraints.keys.select(pl.concat_str(KEY, separator="|")).to_series()
    own = by[constraints.columns]
    named = pl.Series([names[int(b)] if b >= 0 else None for b in own], dtype=pl.String)
    return pl.Series(at_most[constraints.columns]).fill_nan(None).cast(pl.Int64), named


def _tables(rows: pl.DataFrame) -> Iterator[Rows]:
    """The tables one after the other: the value of every hidden cell, in units of 1/unit."""
    n = int(rows["tables"].list.len()[0]) if rows.height else 0
    for nth in range(n):
        yield rows["tables"].list.get(nth).to_numpy()


def _opened(certificate: Path | bytes) -> pl.DataFrame:
    try:
        rows = pl.read_parquet(certificate)
    except (OSError, pl.exceptions.PolarsError):
        raise _no_certificate() from None
    if rows.schema != pl.Schema(COLUMNS):
        raise _no_certificate()
    needed = rows.select("release_id", "unit", "tables").explode("tables")
    if sum(needed.null_count().row(0)):
        raise _no_certificate()
    return rows


def _no_certificate() -> UsageError:
    return UsageError(
        "証明書には、mchdb が公表ファイルから作る Parquet ファイルが必要です。そのファイルを指定してください。",
        "A certificate is required, the Parquet file that mchdb makes of a published file; name that file.",
    )


def _found(rule: str, constraints: Constraints, cell: int) -> Finding:
    return Finding(rule, constraints.keys.row(int(cell)))
