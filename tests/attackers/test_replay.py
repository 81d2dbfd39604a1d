"""Promise 7: the pattern of what is hidden does not tell a hidden number (privacy, hole 23).

The attacker has the published tables, the rule, this code and the policy, everything but the secret of the warehouse.
It draws tables that fit what is shown, each with another secret, protects them as a release does, and keeps those in
which the same cells are hidden. What a small cell is in these is all that the pattern tells of it.

Every table is a count of its own, so one call protects thousands: the keyed draw of a cell depends on the name of its
count, and another count is as good as another secret. MCHDB_REPLAYED says how many tables are attacked (1000 for a
thorough run).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
import polars as pl
import pytest

from pipelines.release import families, suppress
from pipelines.release.line_rule import Choice, choice
from pipelines.release.suppress import protect
from pipelines.release.system import System
from tests.release import made_tables as t

TABLES = int(os.environ.get("MCHDB_REPLAYED", "16"))
TOTAL = "P1"
SMALL = range(1, 10)  # what the rule of a city hides by itself
VALUES, CERTAINTY = 3, 0.5  # so many values give the same pattern, and none of them has more of the posterior
DRAWN, ENOUGH = 250, 60  # tables drawn at a time, and how many that fit are enough to judge by
NEAR, NEAR_ROUNDS, MOVED = 200, 25, 4  # tables near the true one, and how many people are moved in them
ROUNDS = int(os.environ.get("MCHDB_ROUNDS", "10"))
FEW = 20  # of fewer, the share of one value says nothing yet
AT_ONCE = 4_000  # tables protected in one call

Table = dict[str, int]


@dataclass
class Attack:
    """What is shown of one table, and every value that a hidden town had in a drawn table of the same pattern."""

    towns: Table
    hidden: frozenset[str]
    fitting: list[list[int]] = field(default_factory=list)
    near: list[list[int]] = field(default_factory=list)  # that fit too, but were not drawn by chance alone

    @property
    def unknown(self) -> list[str]:
        return sorted(self.hidden - {TOTAL})

    @property
    def is_open(self) -> bool:
        return len(self.fitting) < ENOUGH

    @property
    def has_few_values(self) -> bool:
        return any(values < VALUES for values, _ in self.told())

    def drawn(self, rng: np.random.Generator) -> Table:
        """A table that fits what is shown, each as likely as any other; beside a hidden total, towns of every size."""
        names = self.unknown
        if TOTAL in self.hidden:
            parts = rng.integers(0, 2 * max(self.towns.values()), len(names))
        else:
            rest, n = sum(self.towns[name] for name in names), len(names)
            bars = np.sort(rng.choice(rest + n - 1, n - 1, replace=False))
            parts = np.diff(np.concatenate([[-1], bars, [rest + n - 1]])) - 1
        return self.towns | dict(zip(names, parts.tolist(), strict=True))

    def moved(self, rng: np.random.Generator) -> Table:
        """The true table with a few people moved from one hidden town to another. Where tables drawn by chance rarely
        fit, these show which values do; they say nothing of how likely each is."""
        one, other = rng.choice(self.unknown, 2, replace=False)
        least, most = -min(MOVED, self.towns[one]), min(MOVED, self.towns[other])
        people = int(rng.integers(least, most + 1))
        return self.towns | {one: self.towns[one] + people, other: self.towns[other] - people}

    def told(self) -> Iterator[tuple[int, float]]:
        """For every small town that is hidden: how many values fit, and the share of the likeliest (0 where too few
        drawn tables fitted to say)."""
        for place, name in enumerate(self.unknown):
            if self.towns[name] in SMALL:
                drawn = [values[place] for values in self.fitting]
                share = np.bincount(drawn).max() / len(drawn) if len(drawn) >= FEW else 0.0
                yield len({*drawn, *(values[place] for values in self.near)}), float(share)


def made_tables(n: int, seed: int = 23) -> list[Table]:
    """Towns of nearly the same size, of somewhat different sizes, and of all sizes; one in four is small."""
    rng = np.random.default_rng(seed)
    made: list[Table] = []
    while len(made) < n:
        size, middle = int(rng.integers(5, 10)), int(rng.integers(11, 60))
        sizes = (middle + rng.integers(0, 2, size), rng.poisson(middle, size), rng.integers(10, 400, size))[
            len(made) % 3
        ]
        small = rng.random(size) < 0.25
        values = np.where(small, rng.integers(1, 10, size), np.maximum(sizes, 10))
        if small.any():
            made.append({f"T{i}": int(v) for i, v in enumerate(values)})
    return made


def patterns(tables: list[Table], secret: bytes) -> list[frozenset[str]]:
    """Which areas each table hides; every table is protected with draws of its own."""
    ordered = sorted(range(len(tables)), key=lambda nth: len(tables[nth]))
    found: dict[int, frozenset[str]] = {}
    for _, alike in groupby(ordered, key=lambda nth: len(tables[nth])):
        same_size = list(alike)
        for first in range(0, len(same_size), AT_ONCE):
            found |= _patterns({nth: tables[nth] for nth in same_size[first : first + AT_ONCE]}, secret)
    return [found[nth] for nth in range(len(tables))]


def _patterns(tables: dict[int, Table], secret: bytes) -> dict[int, frozenset[str]]:
    """Those of tables with as many towns each."""
    names = {f"n{nth}": towns for nth, towns in tables.items()}
    rows = [row for name, towns in names.items() for row in t.totals(name, {TOTAL: sum(towns.values()), **towns})]
    areas = t.areas(dict.fromkeys(next(iter(tables.values())), t.CITY), TOTAL)
    counts = {name: t.count(name) for name in names}
    done = protect(t.cells(rows), areas, counts, {}, t.STANDARD, secret).cells
    hidden = dict(done.filter(~pl.col("is_shown")).group_by("count_id").agg("area_code").iter_rows())
    return {nth: frozenset(hidden.get(f"n{nth}", ())) for nth in tables}


def attacked(n: int) -> list[Attack]:
    """Every table replayed until enough drawn ones fit, or it has had its rounds."""
    tables = made_tables(n)
    attacks = [Attack(*both) for both in zip(tables, patterns(tables, b"of the warehouse"), strict=True)]
    rng = np.random.default_rng(1)
    for turn in range(ROUNDS):
        left = [attack for attack in attacks if attack.is_open for _ in range(DRAWN)]
        for attack, values in fitting(left, [attack.drawn(rng) for attack in left], b"guess %d" % turn):
            attack.fitting.append(values)
    for turn in range(NEAR_ROUNDS):
        left = [attack for attack in attacks if attack.has_few_values for _ in range(NEAR)]
        for attack, values in fitting(left, [attack.moved(rng) for attack in left], b"guess near %d" % turn):
            attack.near.append(values)
    return attacks


def fitting(attacks: list[Attack], tables: list[Table], secret: bytes) -> Iterator[tuple[Attack, list[int]]]:
    """Of the tables, each for its attack, those that hide the same: the values of the hidden towns."""
    for attack, towns, hidden in zip(attacks, tables, patterns(tables, secret), strict=True):
        if hidden == attack.hidden:
            yield attack, [towns[name] for name in attack.unknown]


def test_the_pattern_leaves_every_small_number_open() -> None:
    attacks = attacked(TABLES)
    found = [each for attack in attacks for each in attack.told()]
    few = sum(len(attack.fitting) < FEW for attack in attacks)
    print(
        f"{len(attacks)} tables, {len(found)} small cells: at least {min(n for n, _ in found)} values fit, the likeliest "
        f"has at most {max(share for _, share in found):.2f}; fewer than {FEW} drawn tables fitted {few} tables"
    )
    assert len(found) >= TABLES, "every table has a small town"
    assert few <= TABLES / 4
    assert [each for each in found if each[0] < VALUES or each[1] > CERTAINTY] == []


def by_value_alone(system: System, secret: bytes) -> Choice:
    """The choice without its keyed draw: whoever knows the values knows what is hidden."""
    return replace(choice(system, secret), draw=np.ones(len(system.value)))


LEVEL = {"T0": 25, "T1": 26, "T2": 25, "T3": 25, "T4": 9}


def every_table_that_fits(attack: Attack) -> Iterator[Table]:
    """All that three hidden towns can be under a shown total."""
    rest = sum(attack.towns[name] for name in attack.unknown)
    for first in range(rest + 1):
        for second in range(rest + 1 - first):
            values = (first, second, rest - first - second)
            yield attack.towns | dict(zip(attack.unknown, values, strict=True))


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what a test replaces is replaced."""
    monkeypatch.setattr(families, "WORTH_A_PROCESS", 10**9)


@pytest.mark.parametrize("is_keyed", [True, False], ids=["keyed", "by value alone"])
def test_a_choice_by_value_alone_gives_a_number_away(is_keyed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four towns of a size and a small one: every table that fits is tried, so nothing is left to chance."""
    if not is_keyed:
        monkeypatch.setattr(suppress, "choice", by_value_alone)
    (hidden,) = patterns([LEVEL], b"of the warehouse")
    attack = Attack(LEVEL, hidden)
    assert len(attack.unknown) == 3 and TOTAL not in attack.hidden
    tables = list(every_table_that_fits(attack))
    attack.fitting = [values for _, values in fitting([attack] * len(tables), tables, b"guess")]
    ((values, _),) = attack.told()
    assert (values >= VALUES) is is_keyed
