"""Municipalities as the population sees them, and the habits of each submitter (a draw per municipality)."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.reference import prefectures, units
from synthetic.asked import CannotBeHad
from synthetic.draws import Draws, Floats, Ids, cumulative
from synthetic.parameters import parameters


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
    """How one submitter writes: encoding of its files, and whether it has joined PMH."""

    encoding: str  # utf-8, utf-8-sig, cp932
    uses_pmh: bool

    def written(self, text: bytes) -> bytes:
        """Lines in UTF-8 as this submitter writes them; CP932 goes with the line ends of Windows."""
        return text.replace(b"\n", b"\r\n").decode("utf-8").encode("cp932") if self.encoding == "cp932" else text


def habits(draws: Draws, municipality: int) -> Habits:
    shares = parameters()["submitter"]
    one = np.array([municipality])
    encodings = cumulative([shares["cp932"] * 1e6, shares["bom"] * 1e6, (1 - shares["cp932"] - shares["bom"]) * 1e6])
    encoding = ("cp932", "utf-8-sig", "utf-8")[draws.picked("submitter.encoding", one, encodings)[0]]
    return Habits(encoding, bool(draws.happens("submitter.pmh", one, shares["pmh"])[0]))
