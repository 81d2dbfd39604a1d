"""Surnames and given names, drawn apart: Faker's ja_JP lists, enlarged by recombining parts of names.

Every entry of a pool has its own kana, so that two entries are two names for a reader of kana; large enough that fewer
than 0.01 % of persons share kana name, birth date and sex. Built once per process, never in a hot loop.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from synthetic.draws import Floats, cumulative

FAKER_SHARE = {"surname": 0.20, "girl": 0.04, "boy": 0.04}  # of persons bear one of Faker's (frequent) names


@dataclass(frozen=True)
class Pool:
    """Names as written and in kana (and in the alphabet for foreign residents), with their cumulative shares."""

    written: pl.Series
    kana: pl.Series
    shares: Floats

    def __len__(self) -> int:
        return len(self.kana)


@cache
def _parts() -> pl.DataFrame:
    return pl.read_csv(files("synthetic").joinpath("name_parts.csv").read_bytes(), infer_schema=False)


def _part(kind: str) -> list[tuple[str, str]]:
    return list(_parts().filter(pl.col("kind") == kind).select("written", "kana").iter_rows())


def _joined(first: str, second: str, between: str = "") -> list[tuple[str, str]]:
    return [(a + between + b, x + between + y) for a, x in _part(first) for b, y in _part(second) if x != y]


def _pool(frequent: list[tuple[str, str]], made: list[tuple[str, str]], frequent_share: float) -> Pool:
    """A pool with one entry per kana; what CP932 cannot write is left out, because some submitters send it."""
    kept: dict[str, str] = {}
    for written, kana in (*frequent, *made):
        if written.encode("cp932", "ignore").decode("cp932") == written:
            kept.setdefault(kana, written)
    n = len({kana for _, kana in frequent} & kept.keys())
    weights = [frequent_share / n] * n + [(1 - frequent_share) / (len(kept) - n)] * (len(kept) - n)
    return Pool(pl.Series(list(kept.values())), pl.Series(list(kept)), cumulative(weights))


@cache
def surnames() -> Pool:
    from faker.providers.person.ja_JP import Provider

    frequent = [(written, kana) for written, kana, _ in Provider.last_name_pairs]
    return _pool(frequent, _joined("surname_first", "surname_second"), FAKER_SHARE["surname"])


@cache
def given_names(sex: str) -> Pool:
    """Given names of `girl` or `boy`."""
    from faker.providers.person.ja_JP import Provider

    pairs = {"girl": Provider.first_name_female_pairs, "boy": Provider.first_name_male_pairs}[sex]
    frequent = [(written, kana) for written, kana, _ in pairs]
    return _pool(frequent, _joined(f"{sex}_first", f"{sex}_second"), FAKER_SHARE[sex])


def _even(names: list[tuple[str, str]]) -> Pool:
    kept = {kana: written for written, kana in reversed(names)}
    return Pool(pl.Series(list(kept.values())), pl.Series(list(kept)), cumulative(np.ones(len(kept), dtype=np.int64)))


@cache
def foreign_surnames() -> Pool:
    return _even(_part("foreign_surname"))


@cache
def foreign_given_names() -> Pool:
    return _even(_joined("foreign_given", "foreign_given", " "))


def joined(*pools: Pool) -> pl.DataFrame:
    """Columns written and kana of the pools, one pool after the other."""
    return pl.concat(pl.DataFrame({"written": pool.written, "kana": pool.kana}) for pool in pools)


@cache
def streets() -> tuple[pl.Series, pl.Series]:
    """Towns and building names (the first is empty: most live in a house)."""
    from faker.providers.address.ja_JP import Provider

    return pl.Series(sorted(Provider.towns)), pl.Series(["", *sorted(Provider.building_names)])
