"""Days since 1970 and fiscal years (1 April to 31 March)."""

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.reference import births_by_month
from synthetic.draws import Floats, Ids, cumulative

EPOCH = date(1970, 1, 1)
FAR = 10**6  # a day that does not come
FIRST_YEAR = 2000  # slots of an id count from here
MONTHS = (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)


def day(year: int, month: int = 4, day_of_month: int = 1) -> int:
    return (date(year, month, day_of_month) - EPOCH).days


@cache
def _starts() -> NDArray[np.int64]:
    return np.array([day(year) for year in range(1990, 2060)])


def fiscal_year(days: Ids) -> Ids:
    return 1989 + np.searchsorted(_starts(), days, side="right")


def start_of(fiscal_years: Ids) -> Ids:
    return _starts()[fiscal_years - 1990]


@cache
def month_shares() -> Floats:
    """Births by month in the order of the fiscal year (2023)."""
    by_month = births_by_month()
    return cumulative([by_month[m - 1] for m in MONTHS])


@cache
def month_starts() -> NDArray[np.int64]:
    """Row: fiscal year from 1990; column: first day of its 12 months, and of the next April."""
    years = range(1990, 2050)
    firsts = [[day(y + (m < 4), m) for m in MONTHS] + [day(y + 1)] for y in years]
    return np.array(firsts)


def dates(days: Ids) -> pl.Series:
    """Days as dates; FAR is null."""
    whole = pl.Series(np.minimum(days, FAR).astype(np.int32))
    return whole.set(whole == FAR, None).cast(pl.Date)


@dataclass(frozen=True)
class Window:
    """What the feeds carry: events of the fiscal years `first` to `last`."""

    first: int
    last: int

    @property
    def birth_years(self) -> range:
        """Children of these birth fiscal years; one more year for the pregnancies open at the end."""
        return range(self.first - 4, self.last + 2)

    @property
    def start(self) -> int:
        return day(self.first)

    @property
    def end(self) -> int:
        return day(self.last + 1) - 1

    @property
    def population_start(self) -> int:
        return day(self.first - 4)
