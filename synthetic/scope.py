"""Which submitters and columns a cohort is made of: a country, prefectures, one municipality, the first N births."""

from dataclasses import dataclass, replace

import numpy as np

from synthetic.asked import CannotBeHad
from synthetic.draws import Draws, Floats, Ids
from synthetic.parameters import parameters
from synthetic.places import chosen, places
from synthetic.population.calendar import Window
from synthetic.population.households import COLUMN_BITS, arrivals, births_by_year, column_ids, columns_of

DEFAULT_PREFECTURE = "31"  # for `births` without prefectures
SCAN = 50_000


@dataclass(frozen=True)
class Scope:
    """Submitters of a cohort, the columns that each brings, and the country's columns that may move to them.

    is_whole: they bring all their columns. arriving: share of those who move in from the country that is taken in;
    0 takes in those only who move from one to another of the columns.
    """

    municipalities: Ids
    columns: Ids
    is_whole: bool = True
    arriving: float = 1.0

    def outside(self, window: Window, draws: Draws) -> tuple[Ids, Ids]:
        """Municipalities and columns from which people may come: the country, or for a first-N cohort itself."""
        if not self.arriving:
            return self.municipalities, self.columns
        everywhere = np.arange(len(places().codes))
        return everywhere, columns_of(draws, everywhere, window)


def scope_of(
    draws: Draws, window: Window, prefectures: tuple[str, ...] | None, births: int | None, municipality: str | None
) -> Scope:
    if municipality is not None:
        return _of_municipality(draws, window, municipality, prefectures, births)
    if births is None:
        municipalities = np.array(chosen(prefectures or ()))
        return Scope(municipalities, columns_of(draws, municipalities, window))
    first = chosen(prefectures or (DEFAULT_PREFECTURE,))
    order = first if prefectures else [*first, *(i for i in chosen(()) if i not in set(first))]
    return _first_births(draws, window, np.array(order), births, takes_in=False)


def _of_municipality(
    draws: Draws, window: Window, code: str, prefectures: tuple[str, ...] | None, births: int | None
) -> Scope:
    """One municipality; its first N births come with as large a share of those who move in."""
    if prefectures is not None or code not in places().position:
        raise CannotBeHad(
            f"municipality は6桁の市区町村コード1つで、prefectures とは併用できません({code})。",
            f"A municipality is one code of six digits, without prefectures; got {code}.",
        )
    order = np.array([places().position[code]])
    full = columns_of(draws, order, window)
    if births is None:
        return Scope(order, full)
    there = int(births_by_year(draws, order, window)[:, 4:-1].sum() * parameters()["births"]["children_per_delivery"])
    if births > there:
        raise CannotBeHad(
            f"{code} の {window.first}-{window.last} 年度の出生は約{there:,}人です。それ以下にするか、年度を広げてください({births:,})。",
            f"{code} has about {there:,} births in FY{window.first}-{window.last}; ask for fewer or for more years, not {births:,}.",
        )
    first = _first_births(draws, window, order, births, takes_in=True)
    return replace(first, arriving=float(first.columns[0] / full[0]))


def of_column(scope: Scope, column: int, moving: tuple[Ids, Ids]) -> Scope:
    """The submitters that see a column: its own, and those that somebody of it moves to."""
    own = scope.municipalities == column >> COLUMN_BITS
    seen_by = (own & (scope.columns > column & ((1 << COLUMN_BITS) - 1))) | np.isin(scope.municipalities, moving[1])
    if not seen_by.any():
        raise CannotBeHad(
            "この entity_id の人は、このコホートにいません。", "This entity_id stands for nobody in this cohort."
        )
    return Scope(scope.municipalities[seen_by], scope.columns[seen_by], is_whole=False)


def _first_births(draws: Draws, window: Window, order: Ids, births: int, *, takes_in: bool) -> Scope:
    """As many columns, in order, as bring this number of births in the window's years; more births, never fewer columns.

    takes_in: as many come to live there as leave; else those who have left by the delivery are made up for.
    """
    per_year = births_by_year(draws, order, window)[:, 4:-1]
    deliveries = births / parameters()["births"]["children_per_delivery"]
    stay = np.ones(len(order) + 1) if takes_in else np.append(1.0, _staying(order, window))
    before = np.concatenate([[0], np.cumsum(per_year.sum(axis=1))])
    full = columns_of(draws, order, window)
    n = int(np.searchsorted(np.maximum.accumulate(before * stay), deliveries, side="left"))
    columns = full[:n].copy()
    if 0 < n < len(before):
        reached = [before[n - 1] + np.minimum(per_year[n - 1], c).sum() for c in range(1, int(full[n - 1]) + 1)]
        columns[n - 1] = 1 + int(np.searchsorted(np.array(reached) * stay[n], deliveries, side="left"))
    return Scope(order[:n], np.minimum(columns, full[:n]), is_whole=False, arriving=0.0)


def _staying(order: Ids, window: Window) -> Floats:
    """Share of the deliveries at which the mother lives in one of the first municipalities, for each number of them.

    Who has moved may have moved to another of them; the share of those who have grows evenly to the window's end.
    """
    family, births, prefecture = parameters()["family"], places().births[order], places().prefecture[order]
    nation, of_prefecture = places().births.sum(), np.bincount(places().prefecture, weights=places().births)
    chosen = np.cumsum(births)
    in_its_own = np.zeros(len(of_prefecture))
    to_near = np.zeros(len(order))
    for i, (number, p) in enumerate(zip(births, prefecture, strict=True)):
        in_its_own[p] += number
        to_near[i] = (in_its_own**2)[of_prefecture > 0] @ (1 / of_prefecture[of_prefecture > 0])
    near, far = to_near / np.maximum(chosen, 1), chosen / nation
    others = family["moves_to_other_prefecture"]
    elapsed = ((window.start + window.end) / 2 - window.population_start) / (window.end - window.population_start)
    leaves: Floats = family["moves"] * elapsed * (1 - (1 - others) * near - others * far)
    return 1 - leaves


def arriving_in(draws: Draws, window: Window, scope: Scope, only: int | None) -> tuple[Ids, Ids]:
    """Mothers that move to a submitter of the cohort, by id, and where to; of one column only, where one is wanted."""
    where, counts = scope.outside(window, draws)
    columns = np.concatenate([column_ids(int(m), range(int(n))) for m, n in zip(where, counts, strict=True)])
    columns = columns if only is None else columns[columns == only]
    found = [
        arrivals(draws, columns[i : i + SCAN], window, scope.municipalities)
        for i in range(0, max(len(columns), 1), SCAN)
    ]
    mothers, to = (np.concatenate(part) for part in zip(*found, strict=True))
    if 0 < scope.arriving < 1:
        taken = draws.happens("cohort.arrives", mothers, scope.arriving)
        mothers, to = mothers[taken], to[taken]
    order = np.argsort(mothers, kind="stable")
    return mothers[order], to[order]
