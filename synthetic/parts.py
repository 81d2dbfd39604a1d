"""Truth, links and answers of a cohort: laid aside stretch by stretch by the workers, put together by their parent.

A worker holds one stretch, and tables are written as their rows are read, so that a country needs no more memory than its
largest city. Parquet has row groups of a fixed size: how the cohort was cut cannot be seen.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from synthetic import VERSION
from synthetic.agents import Moved
from synthetic.draws import Ids
from synthetic.send import HEADING_LINES
from synthetic.truth import ORDER, Truth

ROWS_PER_GROUP = 500_000
LINKS_AT_ONCE = 250_000
NAMED = {"persons": "entity_id", "children": "entity_id", "pregnancies": "mother_entity_id"}  # told if a row names them
LINK = {
    "feed": pl.String(), "file": pl.String(), "line": pl.UInt32(), "record": pl.String(), "entity_id": pl.Int64(),
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """What a job laid aside.

    tables: name -> files in the order of their rows. answers: files of the answer key. ids: whose each row sent is, in the order of writing;
    segments: number of the file and of the rows, one line per piece written; files: feed, name and record of each.
    named_elsewhere: people that rows here name and whose facts another stretch or submitter tells, rising.
    """

    tables: dict[str, list[Path]]
    answers: list[Path]
    ids: Path
    segments: Ids
    files: list[tuple[str, str, str]]
    named_elsewhere: Ids


class Aside:
    """Lays aside what a job made, a stretch at a time."""

    def __init__(self, folder: Path, name: str, *, of_one: bool) -> None:
        """of_one: all rows are one submitter's, so that a table whose order begins with a category is cut by it."""
        self._stem, self._of_one = folder / name, of_one
        self._tables: dict[str, list[tuple[int, Path]]] = {}  # with the place of the rows' category
        self._answers: list[Path] = []
        self._segments: list[tuple[int, int]] = []
        self._elsewhere: list[Ids] = []
        self._named: list[Ids] = []
        self._ids = self._path("ids").open("wb")

    def _path(self, end: str) -> Path:
        return self._stem.with_name(f"{self._stem.name}.{end}")

    def links(self, file: int, entities: Ids) -> None:
        """Whose the next rows of this file are."""
        self._segments.append((file, len(entities)))
        self._named.append(np.unique(entities))
        self._ids.write(entities.tobytes())

    def tables(self, tables: Truth) -> None:
        """Facts of the stretch whose rows have just been sent, each table in its order."""
        named = np.unique(np.concatenate([*self._named, np.zeros(0, dtype=np.int64)]))
        self._named.clear()
        self._elsewhere.append(np.setdiff1d(named, tables["persons"]["entity_id"].to_numpy(), assume_unique=True))
        for name, table in tables.items():
            if name in NAMED:
                table = table.with_columns(is_named=pl.Series(_is_in(table[NAMED[name]], named)))
            made = self._tables.setdefault(name, [])
            for place, rows in self._cut(table.sort("submitter", *ORDER[name]), ORDER[name][0]):
                made.append((place, self._path(f"{len(made)}.{name}.arrow")))
                rows.write_ipc(made[-1][1], compression="uncompressed")

    def _cut(self, table: pl.DataFrame, first: str) -> Iterator[tuple[int, pl.DataFrame]]:
        """The sorted table in pieces that are to follow those of the same place."""
        if not (self._of_one and isinstance(table.schema[first], pl.Enum) and len(table)):
            yield 0, table
            return
        for rows in table.partition_by(first, maintain_order=True):
            yield rows[first].to_physical()[0], rows

    def answers(self, answers: pl.DataFrame) -> int:
        """Some of the answer key; returns the number of its faults."""
        self._answers.append(self._path(f"{len(self._answers)}.answer_key.arrow"))
        answers.write_ipc(self._answers[-1], compression="uncompressed")
        return answers["fault_id"].n_unique()

    def close(self, files: list[tuple[str, str, str]]) -> Part:
        self._ids.close()
        segments = np.array(self._segments, dtype=np.int64).reshape(-1, 2)
        elsewhere = np.unique(np.concatenate(self._elsewhere))
        tables = {name: [path for _, path in sorted(made, key=itemgetter(0))] for name, made in self._tables.items()}
        return Part(tables, self._answers, self._path("ids"), segments, files, elsewhere)


def _is_in(ids: pl.Series, rising: Ids) -> np.ndarray:
    """Whether each id stands in a rising array."""
    sought = ids.to_numpy()
    at = np.searchsorted(rising, sought)
    found: np.ndarray = np.append(rising, -1)[at] == sought
    return found


def put_together(
    parts: list[Part], submitters: pl.DataFrame, folder: Path, seed: int, told: Callable[[int, int], None],
    moved: Moved,
) -> None:  # fmt: skip
    """Writes the Parquet files of a cohort, each of which says that it is synthetic.

    submitters: as `truth.submitters` tells of them. Order: the submitters', then that of `truth.ORDER`; links by file and line. told: called with the tables written and
    in all. moved: which files are part of which now, and from which row on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    elsewhere = np.unique(np.concatenate([part.named_elsewhere for part in parts]))
    tables = {name: _facts(parts, name, elsewhere) for name in parts[0].tables}
    tables["submitters"] = submitters.lazy()
    tables["links"] = _as_they_come((rows for part in parts for rows in _links(part, moved)), LINK)
    tables["answer_key"] = _as_they_come(
        (_answers(part, moved) for part in parts), pl.read_ipc_schema(parts[0].answers[0])
    )
    marks = {"synthetic": "true", "seed": str(seed), "version": str(VERSION)}
    for done, (name, rows) in enumerate(tables.items(), start=1):
        rows.sink_parquet(
            folder / f"{name}.parquet", compression="zstd", compression_level=1, statistics=False,
            row_group_size=ROWS_PER_GROUP, metadata=marks,
        )  # fmt: skip
        told(done, len(tables))


def _as_they_come(rows: Iterator[pl.DataFrame], schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    return register_io_source(lambda *_: rows, schema=schema)


def _facts(parts: list[Part], name: str, elsewhere: Ids) -> pl.LazyFrame:
    """Rows of the submitters in order.

    Stretches follow each other in the order of their columns, and an id begins with its column, so that nothing is left
    to sort.
    """
    table = pl.scan_ipc([path for part in parts for path in part.tables[name]])
    if name in NAMED:
        table = table.filter(pl.col("is_named") | pl.col(NAMED[name]).is_in(pl.Series(elsewhere).implode()))
    return table.drop("submitter", "is_named", strict=False).with_columns(pl.selectors.enum().cast(pl.String))


def _answers(part: Part, moved: Moved) -> pl.DataFrame:
    """In the order of the files as their submitters made them, whatever these are part of now."""
    answers = pl.concat(map(pl.read_ipc, part.answers)).sort("file", "line", "fault_id")
    before = pl.col("file").replace_strict({f: n for f, (_, n) in moved.items()}, default=0, return_dtype=pl.UInt32)
    whole = pl.col("file").replace({f: name for f, (name, _) in moved.items()})
    return answers.with_columns(file=whole, line=pl.col("line") + before) if moved else answers


def _links(part: Part, moved: Moved) -> Iterator[pl.DataFrame]:
    """Whose row stands where, in the order of the files and their lines."""
    if not part.segments[:, 1].any():
        return
    ids = np.memmap(part.ids, dtype=np.int64, mode="r")
    whole = [(feed, *moved.get(file, (file, 0)), record) for feed, file, record in part.files]
    names = pl.DataFrame(
        [(feed, file, record) for feed, file, _, record in whole], ("feed", "file", "record"), orient="row"
    )
    rows_before = np.array([before for *_, before, _ in whole], dtype=np.int64)
    number, rows = part.segments.T
    start = np.cumsum(rows) - rows
    order = np.argsort(number, kind="stable")
    number, rows, start = number[order], rows[order], start[order]
    before = np.cumsum(rows) - rows
    line = HEADING_LINES + 1 + before - before[np.searchsorted(number, number)] + rows_before[number]
    cuts = np.unique(before // LINKS_AT_ONCE, return_index=True)[1]
    for first, last in zip(cuts, [*cuts[1:], len(rows)], strict=True):
        n, here = rows[first:last], slice(first, last)
        offset = np.arange(n.sum()) - np.repeat(before[here] - before[first], n)
        yield names[np.repeat(number[here], n)].select(
            "feed", "file",
            pl.Series("line", offset + np.repeat(line[here], n), dtype=pl.UInt32), "record",
            pl.Series("entity_id", ids[offset + np.repeat(start[here], n)]),
        )  # fmt: skip
