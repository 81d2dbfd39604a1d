"""Cohorts that several tests look at: a clean prefecture, and two municipalities full of faults."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from pipelines.conduct import counted_records
from pipelines.feeds import FEEDS
from pipelines.records import RECORDS
from synthetic.cohort import Summary, make_cohort

COUNTED = counted_records()  # as the demo sends; every record is looked at in test_every_record.py


@dataclass(frozen=True)
class Cohort:
    """A cohort on disk, read back."""

    summary: Summary

    @property
    def out(self) -> Path:
        return self.summary.out

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.out / "truth" / f"{name}.parquet")

    def rows(self, record: str, feed: str = "municipal") -> pl.DataFrame:
        """All municipalities' rows of a record, as text, with `file`, `line` and `entity_id`; clean cohorts only."""
        paths = sorted(self.out.glob(f"feeds/*/{feed}/{FEEDS[feed].file_name(RECORDS[record])}"))
        links = self.truth("links").filter(pl.col("feed") == feed, pl.col("record") == record)
        return pl.concat(self._file(path) for path in paths).join(links, on=["file", "line"], validate="1:1")

    def _file(self, path: Path) -> pl.DataFrame:
        data = path.read_bytes()
        text = data.decode("cp932" if b"\r\n" in data else "utf-8-sig")
        names = {c.header: c.field for c in FEEDS["municipal"].columns(RECORDS[path.stem])}
        table = pl.read_csv(text.encode(), infer_schema=False).rename(names)
        name = path.relative_to(self.out / "feeds").as_posix()
        return table.with_columns(file=pl.lit(name), line=pl.int_range(2, pl.len() + 2, dtype=pl.UInt32))


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return Cohort(make_cohort(tmp_path_factory.mktemp("clean"), prefectures=("31",), faults="none", records=COUNTED))


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """甲府市 (UTF-8 with BOM) and 富士吉田市 (CP932); both send through PMH as well."""
    out = tmp_path_factory.mktemp("faulty")
    return Cohort(make_cohort(out, prefectures=("19",), births=3100, faults="heavy", records=COUNTED))
