"""What a published file says of the cells that it hides, read by SQL from the file alone.

This is the reading of a stranger who checks a release: it shares no code with what suppressed it, nor with the audit
at its gate. Cells are unknowns; sums over areas, categories and pooled years are equations; a count that lies within
another is no larger than it.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import scipy.sparse as sp

from pipelines.release.errors import UsageError
from pipelines.release.reading import Release, opened, table

KEY = ("count_id", "period", "period_kind", "area_code", "breakdown_id", "category_code")
CEILING = 1e7  # no count of the nation is larger
STEPS = 30
ONE_PERSON = 1.0

Rows = np.ndarray  # positions of cells
Mask = np.ndarray  # one bool per cell
Numbers = np.ndarray  # one number per cell; NaN where the file does not give it


@dataclass(frozen=True)
class Sums:
    """Term i says: cell `part[i]` is one of the parts of sum `line[i]`, which is cell `whole[line[i]]`."""

    line: Rows
    part: Rows
    whole: Rows

    def equations(self, n_cells: int) -> sp.csr_array:
        """One row per sum, over all cells: parts +1, the whole -1."""
        n = len(self.whole)
        one = np.concatenate([np.ones(len(self.part), np.int64), -np.ones(n, np.int64)])
        at = (np.concatenate([self.line, np.arange(n)]), np.concatenate([self.part, self.whole]))
        return sp.csr_array((one, at), shape=(n, n_cells))

    def added(self, of_cells: Numbers) -> Numbers:
        """The parts of every sum added up."""
        return np.bincount(self.line, of_cells[self.part], len(self.whole))


@dataclass(frozen=True)
class Constraints:
    """keys: KEY of every cell, in order. known: its value in this release. inside, outside: nested pairs of cells.
    width: what the policy keeps open. is_held: shown with the value of an earlier release. is_public: the State prints
    it, under a policy that counts on that."""

    release_id: str
    keys: pl.DataFrame
    known: Numbers
    sums: Sums
    inside: Rows
    outside: Rows
    width: Numbers
    is_held: Mask
    is_public: Mask

    @cached_property
    def is_zero(self) -> Mask:
        """Shown zeros, and what they say: parts of nothing, sums of nothing, and what lies within nothing."""
        is_zero, sums = self.known == 0, self.sums
        while True:
            before = int(is_zero.sum())
            is_zero[sums.part[is_zero[sums.whole][sums.line]]] = True
            is_zero[sums.whole[sums.added(~is_zero) == 0]] = True
            is_zero[self.inside[is_zero[self.outside]]] = True
            if int(is_zero.sum()) == before:
                return is_zero

    @cached_property
    def value(self) -> Numbers:
        """The known values, and the zeros that they imply."""
        return np.where(self.is_zero, 0, self.known)

    @cached_property
    def columns(self) -> Rows:
        """The unknown cells."""
        return np.flatnonzero(np.isnan(self.value))

    @cached_property
    def unknown(self) -> tuple[sp.csr_array, Rows]:
        """The equations over `columns`, and what their unknown terms add up to; both whole numbers."""
        equations = self.sums.equations(len(self.known))
        part = equations.tocsc()[:, self.columns].tocsr()
        used = np.flatnonzero(np.diff(part.indptr))
        return part[used], -(equations[used] @ np.nan_to_num(self.value).astype(np.int64))

    @cached_property
    def required(self) -> Numbers:
        """How wide the interval of each of `columns` must be; 0 where nothing is asked: held cells, what the State
        prints, and what lies under a printed figure that the file lacks (its room cannot be said from here)."""
        width = np.where(self.is_held | self.is_public | self._under_unread, 0, self.width)[self.columns]
        if not self.is_public.any():
            return width
        low, high = bounds(self, np.where(self.is_public, self.value, np.nan))
        width = np.minimum(width, (high - low)[self.columns] / 2)
        return np.where(width < ONE_PERSON / 2, 0, width)

    @cached_property
    def _under_unread(self) -> Mask:
        """Printed figures that are hidden here, their categories, and what lies within them."""
        is_under, sums = self.is_public & np.isnan(self.known), self.sums
        here = self.keys["area_code"].to_numpy()
        same_area = here[sums.part] == here[sums.whole[sums.line]]
        period = self.keys["period"].to_numpy()
        of_total = same_area & (period[sums.part] == period[sums.whole[sums.line]])
        while True:
            before = int(is_under.sum())
            is_under[sums.part[of_total & is_under[sums.whole][sums.line]]] = True
            is_under[self.inside[is_under[self.outside]]] = True
            if int(is_under.sum()) == before:
                return is_under


def read_constraints(published: Path) -> Constraints:
    """The constraints that the release in `published` gives. Raises UsageError for a file that is no release."""
    with opened(published) as connection:
        connection.execute(files(__package__).joinpath("constraints.sql").read_text("utf-8"))
        return _read(connection)


def _read(connection: Release) -> Constraints:
    cells = table(connection, "SELECT * FROM cell ORDER BY cell")
    nth = "dense_rank() OVER (ORDER BY kind, whole, line) - 1 AS nth"
    terms = table(connection, f"SELECT whole, part, {nth} FROM total ORDER BY nth, part")
    pairs = table(connection, "SELECT inside, outside FROM pair ORDER BY ALL")
    if cells["width"].null_count():
        raise UsageError(
            "公表ファイルの全てのセルには計数の定義と地域の人口が必要ですが、ないものがあります。作り直してください。",
            "Every cell of a published file requires its definition and its area's population, but some lack them; "
            "make the release again.",
        )
    wholes = terms.group_by("nth").agg(pl.first("whole")).sort("nth")["whole"]
    return Constraints(
        str(table(connection, "SELECT release_id FROM said").item()), cells.select(KEY),
        cells["known"].cast(pl.Float64).to_numpy().copy(),
        Sums(terms["nth"].to_numpy(), terms["part"].to_numpy(), wholes.to_numpy()),
        pairs["inside"].to_numpy(), pairs["outside"].to_numpy(),
        cells["width"].to_numpy(), cells["is_held"].to_numpy(), cells["is_public"].to_numpy(),
    )  # fmt: skip


def bounds(constraints: Constraints, known: Numbers) -> tuple[Numbers, Numbers]:
    """Lowest and highest value of every cell beside the `known` ones, sum by sum until nothing moves."""
    sums, inside, outside = constraints.sums, constraints.inside, constraints.outside
    low, high = np.nan_to_num(known), np.where(np.isnan(known), CEILING, known)
    for _ in range(STEPS):
        before = low.copy(), high.copy()
        least, most = sums.added(low), sums.added(high)
        own_low, own_high = low[sums.part], high[sums.part]
        np.minimum.at(high, sums.part, (high[sums.whole] - least)[sums.line] + own_low)
        np.maximum.at(low, sums.part, (low[sums.whole] - most)[sums.line] + own_high)
        np.minimum.at(high, sums.whole, most)
        np.maximum.at(low, sums.whole, least)
        np.minimum.at(high, inside, high[outside])
        np.maximum.at(low, outside, low[inside])
        if np.array_equal(before[0], low) and np.array_equal(before[1], high):
            break
    return low, high
