"""Municipalities as the population sees them, and the habits of each submitter (a draw per municipality)."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.reference import prefectures, units
from synthetic.asked import CannotBeHad
from synthetic.draws import Draws, Floats, Ids, cumulative
from synthetic.parameters import numbers, parameters
from synthetic.population.calendar import FAR, start_of


@dataclass(frozen=True)
class Places:
    """The 1,741 municipalities in code order; a municipality is known by its position."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    prefecture: NDArray[np.int64]  # position -> number of the prefecture, 1 to 47
    births: NDArray[np.int64]  # per year

    @cached_property
    def position(self) -> dict[str, int]:
        return {code: i for i, code in enumerate(self.codes)}

    @cached_property
    def code(self) -> pl.Series:
        """Code by position."""
        return pl.Series(self.codes)

    @cached_property
    def name(self) -> pl.Series:
        """Name by position."""
        return pl.Series(self.names)

    @cached_property
    def _spread(self) -> Floats:
        """Cumulative births in code order, from 0: a prefecture is a stretch of it."""
        return np.concatenate([[0.0], np.cumsum(self.births)]).astype(np.float64)

    @cached_property
    def _stretch(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        numbers = np.arange(48)
        return np.searchsorted(self.prefecture, numbers), np.searchsorted(self.prefecture, numbers, side="right")

    def anywhere(self, u: Floats) -> Ids:
        """A municipality of the country, by its births."""
        return self._at(u * self._spread[-1])

    def within(self, prefecture: Ids, u: Floats) -> Ids:
        """A municipality of the prefecture, by its births."""
        first, last = self._stretch
        low, high = self._spread[first[prefecture]], self._spread[last[prefecture]]
        return self._at(low + u * (high - low))

    def _at(self, births: Floats) -> Ids:
        return np.searchsorted(self._spread[1:-1], births, side="right").astype(np.int64)


@cache
def places() -> Places:
    table = units().sort("code6")
    return Places(
        tuple(table["code6"]),
        tuple(p + n for p, n in table.select("prefecture", "name").iter_rows()),
        table["pref_code"].cast(pl.Int64).to_numpy(),
        table["births_2024"].to_numpy(),
    )


def chosen(prefecture_codes: tuple[str, ...]) -> list[int]:
    """Positions of the municipalities of these prefectures (2-digit codes); all of them when none is named."""
    unknown = set(prefecture_codes) - set(prefectures())
    if unknown:
        raise CannotBeHad(
            f"都道府県コードは01から47までの2桁です({', '.join(sorted(unknown))})。",
            f"Prefecture codes are two digits, 01 to 47; got {', '.join(sorted(unknown))}.",
        )
    return [i for i, code in enumerate(places().codes) if not prefecture_codes or code[:2] in prefecture_codes]


@dataclass(frozen=True)
class Habits:
    """How one submitter writes: encoding of its files, and whether it has joined PMH, at last."""

    encoding: str  # utf-8, utf-8-sig, cp932
    uses_pmh: bool

    def written(self, text: bytes) -> bytes:
        """Lines in UTF-8 as this submitter writes them; CP932 goes with the line ends of Windows."""
        return text.replace(b"\n", b"\r\n").decode("utf-8").encode("cp932") if self.encoding == "cp932" else text


def joined_pmh(draws: Draws, municipalities: Ids) -> Ids:
    """Day from which each of them uses PMH (FAR: not in any year named); who joins early is a draw of its own."""
    p = parameters()["submitter"]
    by_year = numbers("submitter", "pmh_by_fiscal_year")
    years = p["pmh_first_fiscal_year"] + np.arange(len(by_year))
    at = np.searchsorted(by_year, draws.uniform("submitter.pmh", municipalities), side="right")
    start = np.append(start_of(years), FAR)[at]
    return np.where(start < FAR, start + draws.below("submitter.pmh_day", municipalities, 365), FAR)


def pace_of_paper(draws: Draws, municipalities: Ids, fiscal_years: Ids) -> Floats:
    """How slowly each of them enters what comes on paper in these years; 1 is usual."""
    p = parameters()["submitter"]
    low, high = p["lag"]
    own = low + (high - low) * draws.uniform("submitter.lag", municipalities)
    return own * np.maximum(1 - p["lag_less_per_year"] * (fiscal_years - p["first_fiscal_year"]), p["lag_at_least"])


def without_paper(draws: Draws, municipalities: Ids, fiscal_years: Ids) -> Floats:
    """Share of what used to be on paper that comes another way; it grows, in some of them sooner."""
    p = parameters()["submitter"]
    own = 2 * draws.uniform("submitter.digital", municipalities)
    return np.clip(own * p["less_paper_per_year"] * (fiscal_years - p["first_fiscal_year"]), 0, 1)


def habits(draws: Draws, municipality: int, until: int) -> Habits:
    """until: day; a submitter that joined PMH by then uses it."""
    shares = parameters()["submitter"]
    one = np.array([municipality])
    encodings = cumulative([shares["cp932"] * 1e6, shares["bom"] * 1e6, (1 - shares["cp932"] - shares["bom"]) * 1e6])
    encoding = ("cp932", "utf-8-sig", "utf-8")[draws.picked("submitter.encoding", one, encodings)[0]]
    return Habits(encoding, bool(joined_pmh(draws, one)[0] <= until))
