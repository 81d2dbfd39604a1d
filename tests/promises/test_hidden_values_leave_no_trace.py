"""Promise 7, privacy hole 7, the export's part: a hidden value is in no byte of what is handed on.

True values of hidden cells are made unmistakable, in every width and writing; they must be in no exported file, and
other true values must not change a byte of any.
"""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest

from pipelines.release.codebook import codebook
from pipelines.release.errors import UnsafeError
from pipelines.release.export import export
from tests.release.small_release import HIDDEN, NUMBERS, made

FORMATS = ("xlsx", "csv", "parquet")
SENTINELS = dict(zip(HIDDEN, (918_273_645, 827_364_591, 736_459_182), strict=True))
OTHERS = dict(zip(HIDDEN, (4, 70_000, 5), strict=True))


def handed_on(published: Path, to: Path) -> dict[str, bytes]:
    """Every file that leaves, and every member of those that are archives."""
    files = {
        p.name: p.read_bytes() for p in [*export(published, to, formats=FORMATS), *codebook(published, to / "book")]
    }
    for name in [n for n in files if n.endswith(".xlsx")]:
        with zipfile.ZipFile(io.BytesIO(files[name])) as archive:
            files |= {f"{name}/{member}": archive.read(member) for member in archive.namelist()}
    return files


def writings(value: int) -> set[bytes]:
    """A number as a file may hold it: text, grouped text, integers and floats of every width, both byte orders."""
    numbers = [
        struct.pack(f"{order}{kind}", value) for order in "<>" for kind in "iIqQfd" if kind != "i" or value < 2**31
    ]
    return {str(value).encode(), f"{value:,}".encode(), *numbers}


def true_values() -> set[int]:
    return {round(births * share) for births in SENTINELS.values() for share in NUMBERS.values() if births * share > 1}


def overwritten(path: Path) -> Path:
    """The worst file an export may meet: hidden values were in it once, and only their cells were emptied."""
    made(path, hidden=SENTINELS, leaking=True)
    with duckdb.connect(str(path)) as connection:
        for table, names in (
            ("count_cell", ("value",)),
            ("observation", ("numerator", "denominator", "value", "ci_low", "ci_high")),
        ):
            emptied = ", ".join(f"{name} = NULL" for name in names)
            connection.execute(f"UPDATE {table} SET {emptied} WHERE area_code IN (SELECT unnest(?))", [list(HIDDEN)])
    return path


@pytest.mark.parametrize(
    "built", [lambda path: made(path, hidden=SENTINELS), overwritten], ids=["suppressed first", "emptied later"]
)
def test_no_hidden_value_is_in_any_byte_that_leaves(tmp_path: Path, built: Callable[[Path], Path]) -> None:
    files = handed_on(built(tmp_path / "published.duckdb"), tmp_path / "out")
    found = [
        (name, value) for name, data in files.items() for value in true_values() for w in writings(value) if w in data
    ]
    assert not found


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """The same search over files that do hold the values: in each format it must find them."""
    value = max(true_values())
    frame = pl.DataFrame({"value": [value]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet", compression="uncompressed")
    workbook = openpyxl.Workbook()
    workbook.create_sheet("numbers", 0).append([value])
    workbook.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    for data in ((tmp_path / "a.csv").read_bytes(), (tmp_path / "a.parquet").read_bytes(), sheet):
        assert any(writing in data for writing in writings(value))


def test_no_hidden_value_is_in_the_columns_of_parquet(tmp_path: Path) -> None:
    """Parquet is compressed: read back, and its statistics too."""
    export(made(tmp_path / "published.duckdb", hidden=SENTINELS), tmp_path / "out", formats=("parquet",))
    for path in (tmp_path / "out").glob("*.parquet"):
        rows = pl.read_parquet(path)
        numbers = {
            number for name in rows.columns if rows[name].dtype.is_numeric() for number in rows[name].drop_nulls()
        }
        assert numbers and not numbers & true_values()


def test_other_hidden_values_change_no_byte(tmp_path: Path) -> None:
    first = handed_on(made(tmp_path / "a.duckdb", hidden=SENTINELS), tmp_path / "a")
    second = handed_on(made(tmp_path / "b.duckdb", hidden=OTHERS), tmp_path / "b")
    assert first == second


@pytest.mark.parametrize("form", FORMATS)
def test_a_release_that_kept_a_hidden_value_is_not_handed_on(tmp_path: Path, form: str) -> None:
    leaking = made(tmp_path / "leaking.duckdb", hidden=SENTINELS, leaking=True)
    with pytest.raises(UnsafeError) as refused:
        export(leaking, tmp_path / "out", formats=(form,))
    assert not [value for value in true_values() if str(value) in str(refused.value)]
    assert not list(tmp_path.glob("out/*"))
