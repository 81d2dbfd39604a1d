"""費用請求: one voucher is one line, from the service to the payment; fields as in the record of that name."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from synthetic.draws import Ids
from synthetic.parameters import numbers, parameters, shares
from synthetic.places import places
from synthetic.population.calendar import FAR, dates, day
from synthetic.population.visits import Scene, codes

MOTHER, TWO_WEEKS, HEARING, CARE = 10, 20, 40, 50  # mchdb-L22
IN_PREFECTURE, ELSEWHERE, SINGLE, NONE = 1, 2, 3, 4  # mchdb-L29
IN_KIND, REIMBURSED = 1, 2  # mchdb-L30
AS_SENT, RETURNED, REDUCED = 0, 1, 2  # mchdb-L31
MUNICIPALITY, FUND, FEDERATION = 1, 2, 3  # mchdb-L1
INDIVIDUAL = 1  # code list 019-115
FIRST_TEST = 1
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class _Services:
    """What was done for a voucher: row and programme name it; visit 0: not counted; place -1: the submitter's own."""

    row: Ids
    who: Ids
    programme: Ids
    visit: Ids
    on: Ids
    place: Ids
    is_away: np.ndarray
    is_reimbursed: np.ndarray

    def __len__(self) -> int:
        return len(self.row)


def claims(scene: Scene, tables: Tables) -> pl.DataFrame:
    """One row per voucher of a resident that was claimed within the years sent.

    programme_code (mchdb-L22), visit_no, service_date, months of claim, review and payment as their first day (null: not
    yet), contract, way of payment, unit price with its two parts in yen, returned_code, payer_code.
    """
    s = _joined(
        [_antenatal(tables), _postpartum(tables), _checkups(tables), _hearing(scene, tables), _care(scene, tables)]
    )
    draws, p, window = scene.draws, parameters()["claim"], scene.window
    ids = s.row * 64 + s.programme
    submitter = np.concatenate([scene.mothers.submitter, scene.submitter_of(np.arange(len(scene.children)))])[s.who]
    contract = _contract(scene, s, submitter)
    reimbursed = contract == NONE
    returned = np.where(reimbursed, AS_SENT, draws.picked("claim.returned", ids, shares("claim", "returned_shares")))
    late = 1 + draws.picked("claim.months", ids, shares("claim", "months_shares"))
    late = np.where(reimbursed, 1 + draws.below("claim.reimbursed", ids, p["reimbursed_within_months"]), late)
    claimed = _month_after(s.on, late)
    reviewed = _month_after(claimed, np.where(returned == RETURNED, 3, 1))
    paid = _month_after(reviewed, np.ones(len(s), dtype=np.int64))
    unit, public = _yen(scene, s, submitter, returned)
    kept = np.flatnonzero((claimed >= window.start) & (claimed <= window.end))
    payer = np.where(reimbursed, MUNICIPALITY, np.where(contract == IN_PREFECTURE, FEDERATION, FUND))
    months = {
        name: np.where(month <= window.end, month, FAR) for name, month in (("reviewed", reviewed), ("paid", paid))
    }
    return pl.DataFrame({
        "row": ids, "who": s.who, "programme_code": codes(s.programme), "visit_no": codes(s.visit, 0),
        "service_date": dates(s.on), "claimed_date": dates(claimed),
        **{f"{name}_date": dates(month) for name, month in months.items()},
        "contract_kind_code": codes(contract), "payment_method_code": codes(np.where(reimbursed, REIMBURSED, IN_KIND)),
        "unit_price_yen": unit, "public_payment_yen": public, "self_payment_yen": unit - public,
        "returned_code": codes(returned), "payer_code": codes(payer),
    })[kept]  # fmt: skip


def _joined(services: list[_Services]) -> _Services:
    return _Services(*(np.concatenate([getattr(s, name) for s in services]) for name in _Services.__dataclass_fields__))


def _of(table: pl.DataFrame, programme: np.ndarray, visit: np.ndarray, on: np.ndarray) -> _Services:
    """Services of a table of visits, at their place."""
    no = np.zeros(len(table), dtype=bool)
    flag = {name: table[name].to_numpy() if name in table.columns else no for name in ("is_away", "is_cost_only")}
    place = table["place"].to_numpy() if "place" in table.columns else np.full(len(table), -1)
    return _Services(
        table["row"].to_numpy(),
        table["who"].to_numpy(),
        programme,
        visit,
        on,
        place,
        flag["is_away"],
        flag["is_cost_only"],
    )


def _number(table: pl.DataFrame, name: str) -> Ids:
    return table[name].cast(pl.Int64).to_numpy()


def _antenatal(tables: Tables) -> _Services:
    """As many visits as there are vouchers; further ones are paid by the woman herself."""
    seen = tables["antenatal_visit"].filter(pl.col("visit_no") <= parameters()["claim"]["vouchers"])
    return _of(seen, np.full(len(seen), MOTHER), _number(seen, "visit_no"), _number(seen, "event"))


def _postpartum(tables: Tables) -> _Services:
    seen = tables["postpartum_visit"]
    return _of(seen, TWO_WEEKS - 1 + _number(seen, "visit_kind_code"), np.zeros(len(seen), dtype=np.int64), _number(seen, "event"))  # fmt: skip


def _checkups(tables: Tables) -> _Services:
    """Those at a practice; a checkup that the municipality holds itself is claimed by nobody."""
    seen = tables["child_checkup"].filter(pl.col("mode_code") == INDIVIDUAL)
    return _of(seen, _number(seen, "programme_code"), np.zeros(len(seen), dtype=np.int64), _number(seen, "event"))


def _hearing(scene: Scene, tables: Tables) -> _Services:
    seen = tables["newborn_screenings"].filter(pl.col("test_stage_code") == FIRST_TEST)
    d, of = scene.deliveries, scene.children.of[seen["who"].to_numpy() - len(scene.mothers)]
    there = seen.with_columns(place=d.place[of], is_away=d.returns_home[of])
    on = there["test_date"].to_physical().cast(pl.Int64).to_numpy()
    return _of(there, np.full(len(seen), HEARING), np.zeros(len(seen), dtype=np.int64), on)


def _care(scene: Scene, tables: Tables) -> _Services:
    used = tables["postpartum_care"]
    return _of(used, np.full(len(used), CARE), _number(used, "use_no"), used["used_date"].to_physical().cast(pl.Int64).to_numpy())  # fmt: skip


def _contract(scene: Scene, s: _Services, submitter: Ids) -> Ids:
    """Of the prefecture, or a municipality's own; elsewhere a collective one where there is one, else she pays first."""
    own = scene.draws.happens(
        "claim.own_contract", submitter * 64 + s.programme, numbers_of("own_contract")[s.programme]
    )
    place = np.where(s.place < 0, submitter, s.place)
    outside = s.is_away & (places().prefecture[place] != places().prefecture[submitter])
    at_home = np.where(own, SINGLE, IN_PREFECTURE)
    return np.where(s.is_reimbursed, NONE, np.where(outside, ELSEWHERE, at_home))


@cache
def numbers_of(name: str) -> np.ndarray:
    """A number per programme: those that `parameters.toml` names, 0 for the others."""
    table = np.zeros(64)
    for programme, value in parameters()["claim"][name].items():
        table[int(programme)] = value
    return table


def _yen(scene: Scene, s: _Services, submitter: Ids, returned: Ids) -> tuple[Ids, Ids]:
    """Unit price, and what the municipality pays of it: by its own price level, less where the bill was reduced."""
    draws, p = scene.draws, parameters()["claim"]
    by_visit = numbers("claim", "visit_yen")
    base = np.where(
        s.programme == MOTHER, by_visit[np.clip(s.visit, 1, len(by_visit)) - 1], numbers_of("unit_yen")[s.programme]
    )
    level = 1 + p["price_spread"] * (draws.uniform("claim.level", submitter) - 0.5)
    unit = np.round(base * level / 10).astype(np.int64) * 10
    share = numbers_of("public_share")[s.programme]
    share = np.where(returned == REDUCED, share * p["reduced_to"], share)
    return unit, np.round(unit * share / 10).astype(np.int64) * 10


@cache
def _firsts() -> Ids:
    """First days of the months from January 2000."""
    return np.array([day(year, month) for year in range(2000, 2060) for month in range(1, 13)])


def _month_after(days: Ids, months: Ids) -> Ids:
    """First day of the month that lies so many months after that of the day."""
    return _firsts()[np.searchsorted(_firsts(), days, side="right") - 1 + months]
