"""The certificate: made of the published file alone, checked by adding whole numbers, and a forged one is found."""

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.declaration import Policy
from pipelines.release.certificate import COLUMNS, certificate_of, check_certificate
from pipelines.release.constraints import KEY, read_constraints
from pipelines.release.errors import UsageError
from pipelines.release.primary import terms
from pipelines.release.suppress import protect
from pipelines.release.system import build, pairs_of
from pipelines.release.view import view
from tests.release import made_tables as t
from tests.release.made_published import published
from tests.release.made_source import made_core, new_ledger, released

ROOT = Path(__file__).parents[2]
ONE = t.counts_of(t.count("n"))
TOWNS = dict.fromkeys("ABCD", t.CITY)
TABLE = t.cells(t.totals("n", {"P1": 100, "A": None, "B": None, "C": None, "D": 40}))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """60 people in three hidden cities, 40 in a shown one."""
    return published(tmp_path / "small.duckdb", TABLE, t.areas(TOWNS), ONE)


def rules(of: Path, certificate: bytes, to: Path) -> set[str]:
    to.write_bytes(certificate)
    return {f.rule for f in check_certificate(of, to)}


def test_it_says_how_far_a_reader_gets_and_what_stops_him(small: Path) -> None:
    rows = pl.read_parquet(certificate_of(small))
    assert rows.schema == pl.Schema(COLUMNS)
    assert rows["area_code"].to_list() == ["A", "B", "C"]
    assert rows["at_most"].to_list() == [60, 60, 60]
    assert rows["bounded_by"].unique().to_list() == ["n|2024|fiscal_year|P1|all|all"]
    assert rows["required"].to_list() == [5.0, 5.0, 5.0]
    for row in rows.iter_rows(named=True):
        assert 0 <= row["lowest"] <= row["highest"] - 5 <= row["highest"] <= row["at_most"]


def test_every_table_of_it_adds_up_to_what_is_shown(small: Path) -> None:
    rows = pl.read_parquet(certificate_of(small))
    tables = np.array(rows["tables"].to_list())
    assert (tables.sum(axis=0) == 60 * rows["unit"][0]).all()
    assert len(set(map(tuple, tables.T))) > 1


def shifted(rows: pl.DataFrame) -> pl.DataFrame:
    """One person more in one cell of every table."""
    return rows.with_columns(
        tables=pl.when(pl.int_range(pl.len()) == 0)
        .then(pl.col("tables").list.eval(pl.element() + 1))
        .otherwise("tables")
    )


def one_table(rows: pl.DataFrame) -> pl.DataFrame:
    first = pl.col("tables").list.first()
    return rows.with_columns(
        tables=pl.concat_list(first, first), lowest=first / pl.col("unit"), highest=first / pl.col("unit")
    )


def below_zero(rows: pl.DataFrame) -> pl.DataFrame:
    nth, unit = pl.int_range(pl.len()), pl.col("unit")
    moved = pl.when(nth == 0).then(-unit).when(nth == 1).then(61 * unit).otherwise(0)
    return rows.with_columns(tables=pl.concat_list(moved, moved))


@pytest.mark.parametrize(
    ("forged", "rule"),
    [
        (shifted, "certificate_contradicts"),
        (below_zero, "certificate_contradicts"),
        (lambda rows: rows.with_columns(unit=pl.col("unit") + 1), "certificate_contradicts"),
        (lambda rows: rows.with_columns(unit=pl.lit(0, pl.Int64)), "certificate_contradicts"),
        (lambda rows: rows.with_columns(tables=pl.col("tables").list.head(pl.int_range(pl.len()) + 1)), "certificate_contradicts"),
        (one_table, "certificate_too_narrow"),
        (lambda rows: rows.with_columns(highest=pl.col("highest") + 1), "certificate_misquotes"),
        (lambda rows: rows.with_columns(required=pl.lit(1.0)), "certificate_misquotes"),
        (lambda rows: rows.with_columns(at_most=pl.lit(59, pl.Int64)), "certificate_misquotes"),
        (lambda rows: rows.with_columns(bounded_by=pl.lit("n|2024|fiscal_year|D|all|all")), "certificate_misquotes"),
        (lambda rows: rows.head(2), "certificate_of_other_cells"),
        (lambda rows: rows.head(0), "certificate_of_other_cells"),
        (lambda rows: rows.with_columns(release_id=pl.lit("s")), "certificate_of_other_cells"),
        (lambda rows: rows.with_columns(area_code=pl.col("area_code").replace("A", "D")), "certificate_of_other_cells"),
    ],
)  # fmt: skip
def test_a_forged_certificate_is_found(
    small: Path, tmp_path: Path, forged: Callable[[pl.DataFrame], pl.DataFrame], rule: str
) -> None:
    rows = pl.read_parquet(certificate_of(small))
    forged(rows).write_parquet(tmp_path / "c")
    assert {f.rule for f in check_certificate(small, tmp_path / "c")} == {rule}
    rows.write_parquet(tmp_path / "c")
    assert check_certificate(small, tmp_path / "c") == []


@pytest.mark.parametrize("data", [b"", b"PAR1", b"not a table"])
def test_what_is_no_certificate_is_refused(small: Path, data: bytes) -> None:
    with pytest.raises(UsageError):
        check_certificate(small, data)


def test_a_table_with_a_gap_is_refused(small: Path, tmp_path: Path) -> None:
    rows = pl.read_parquet(certificate_of(small))
    for gap in (pl.lit(None, pl.List(pl.Int64)), pl.col("tables").list.concat(pl.lit(None, pl.Int64))):
        rows.with_columns(tables=gap).write_parquet(tmp_path / "c")
        with pytest.raises(UsageError):
            check_certificate(small, tmp_path / "c")


def test_no_certificate_can_be_made_of_a_release_that_tells(tmp_path: Path) -> None:
    """Two hidden areas that only two sums together tell, and three that share eight people."""
    narrow = t.cells(t.totals("n", {"P1": 48, "A": None, "B": None, "C": None, "D": 40}))
    path = published(tmp_path / "narrow.duckdb", narrow, t.areas(dict.fromkeys("ABCD", t.TOWN)), ONE)
    assert rules(path, certificate_of(path), tmp_path / "c") == {"certificate_too_narrow"}
    told = t.cells(t.totals("n", {"P1": 100, "A": None, "B": 20, "C": 30, "D": 40}))
    path = published(tmp_path / "told.duckdb", told, t.areas(TOWNS), ONE)
    found = [*check_certificate(path, certificate_of(path))]
    assert [(f.rule, f.cell[3]) for f in found] == [("certificate_too_narrow", "A")]


@pytest.mark.parametrize("policy", [t.STANDARD, t.PARITY], ids=lambda p: p.id)
@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_the_audit_on_what_is_hidden_and_how_wide_it_must_be(
    seed: int, policy: Policy, tmp_path: Path
) -> None:
    """Two readings of one file that share no code."""
    table, tree, counts, indicators = t.random_case(np.random.default_rng(seed))
    done = protect(table, tree, counts, indicators, policy, b"of the warehouse").cells
    path = published(tmp_path / "p.duckdb", done, tree, counts, indicators, policy)
    assert rules(path, certificate_of(path), tmp_path / "c") == set()
    known = done.with_columns(value=pl.when("is_shown").then("value"))
    system = build(known, tree, pairs_of(counts, indicators.values()))
    seen = view(system, terms(system, counts, policy), np.isnan(system.value))
    audited = system.frame.head(system.n_cells).select(*KEY, width=pl.Series(np.where(seen.is_target, seen.width, 0.0)))
    audited = audited.filter(pl.Series(seen.is_unknown)).sort(KEY)
    read = read_constraints(path)
    assert read.keys[read.columns].with_columns(width=pl.Series(read.required)).equals(audited)
    assert len(read.sums.whole) == len(system.cell_lines)
    assert len(read.inside) == len(system.certain[0])


def test_a_cell_without_an_area_or_a_definition_is_no_release(tmp_path: Path) -> None:
    areas = t.areas(TOWNS).filter(pl.col("area_code") != "A")
    with pytest.raises(UsageError):
        read_constraints(published(tmp_path / "p.duckdb", TABLE, areas, ONE))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of one prefecture with its certificate, `1.duckdb` and `1.parquet`."""
    folder = tmp_path_factory.mktemp("real")
    new_ledger(folder)
    with made_core() as core:
        released(core, folder, certificate=folder / "1.parquet")
    return folder


def test_a_release_writes_the_certificate_that_anybody_makes_of_its_file(real: Path) -> None:
    """Byte for byte, from the published file alone: so it tells nothing that the file does not."""
    assert (real / "1.parquet").read_bytes() == certificate_of(real / "1.duckdb")
    assert check_certificate(real / "1.duckdb", real / "1.parquet") == []
    assert pl.read_parquet(real / "1.parquet").filter(pl.col("required") > 0).height > 1000


def test_only_the_shown_values_are_read(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the file is opened, and it holds no hidden value: no other input, no secret, no clock."""
    for name in ("certificate", "constraints", "witness"):
        text = (ROOT / "pipelines" / "release" / f"{name}.py").read_text("utf-8")
        called = {n.attr for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute)}
        assert not called & {"environ", "time", "today", "now", "urandom", "hmac", "secret"}


SUPPRESSES = {
    "suppress",
    "line_rule",
    "primary",
    "fallback",
    "proof",
    "intervals",
    "bounds",
    "attack",
    "view",
    "system",
    "audit",
}


def test_the_check_shares_no_code_with_what_suppressed() -> None:
    folder = ROOT / "pipelines" / "release"
    seen: set[str] = set()
    left = ["certificate"]
    while left:
        name = left.pop()
        seen.add(name)
        tree = ast.parse((folder / f"{name}.py").read_text("utf-8"))
        named = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        ours = {m.removeprefix("pipelines.release.") for m in named if m.startswith("pipelines.release.")}
        left += sorted(ours - seen)
    assert {"constraints", "witness", "reading"} < seen
    assert not seen & SUPPRESSES
