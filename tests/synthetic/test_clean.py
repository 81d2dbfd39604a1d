"""The clean layer of some ten thousand children: no key without its person, no date in an impossible order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from synthetic.draws import Draws
from synthetic.places import chosen
from synthetic.population.calendar import Window
from synthetic.population.facts import NOT_SENT, OF_CHILD, OF_PREGNANCY, OF_WHAT_WAS_DONE, Facts, facts_of
from synthetic.population.households import Pregnancies, column_ids, columns_of, pregnancies_of
from tests.synthetic.clean_layer import violations

WINDOW = Window(2022, 2024)
COLUMNS = 6_000


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Residents of the municipalities of 沖縄県, and those that move as their second municipality sees them."""
    draws, municipalities = Draws(3), np.array(chosen(("47",)))
    counts = columns_of(draws, municipalities, WINDOW)
    columns = np.concatenate([column_ids(int(m), range(int(n))) for m, n in zip(municipalities, counts, strict=True)])
    own = pregnancies_of(draws, columns[:COLUMNS], WINDOW)
    moving = own.where(own.next_home != own.home)
    arriving = replace(moving, submitter=moving.next_home)
    both = [np.concatenate([getattr(own, name), getattr(arriving, name)]) for name in own.__dataclass_fields__]
    order = np.lexsort((both[1], both[0]))
    return facts_of(draws, Pregnancies(*(values[order] for values in both)), WINDOW)


def test_nothing_impossible_is_true(facts: Facts) -> None:
    assert len(facts.scene.children) > 40_000
    found = violations(facts)
    assert {rule: count for rule, count in found.items() if count} == {}
    named = {rule.split(":")[0] for rule in found}
    assert {*OF_PREGNANCY, *OF_CHILD, *NOT_SENT, *OF_WHAT_WAS_DONE} <= named
    assert all(len(table) > 100 for table in (*facts.events.values(), *facts.not_sent.values()))


def with_table(facts: Facts, name: str, change: pl.Expr) -> Facts:
    if name in facts.events:
        return replace(facts, events={**facts.events, name: facts.events[name].with_columns(change)})
    return replace(facts, not_sent={**facts.not_sent, name: facts.not_sent[name].with_columns(change)})


BREAKS: dict[str, Callable[[Facts], Facts]] = {
    "child_checkup: before birth": lambda f: with_table(f, "child_checkup", pl.col("event") - 5000),
    "antenatal_visit: nobody's": lambda f: with_table(f, "antenatal_visit", pl.lit(-1).alias("who")),
    "home_visits: of no child": lambda f: with_table(f, "home_visits", pl.lit(0).alias("who")),
    "spell that ends before it starts": lambda f: with_table(
        f, "residency_spell", (pl.col("resident_from_date") - timedelta(1)).alias("resident_to_date")
    ),
    "postpartum_care: without a residence there": lambda f: with_table(
        f, "postpartum_care", pl.col("used_date") + timedelta(4000)
    ),
    "dose before its interval": lambda f: with_table(f, "vaccinations", pl.col("vaccinated_date").max()),
    "examined before referred": lambda f: with_table(f, "detailed_exams", pl.col("examined_date") - timedelta(400)),
    "paid_date before reviewed_date": lambda f: with_table(f, "claims", pl.col("reviewed_date").alias("paid_date") - timedelta(1)),
    "voucher claimed twice": lambda f: with_table(f, "claims", pl.lit(1).alias("row")),
    "request answered before it was made": lambda f: with_table(
        f, "information_requests", pl.col("replied_date") - timedelta(400)
    ),
    "loss notified after it": lambda f: with_table(f, "pregnancy_losses", pl.col("notified_date") + timedelta(400)),
    "last period before the delivery before": lambda f: replace(f, scene=replace(f.scene, deliveries=replace(
        f.scene.deliveries, last_period=f.scene.deliveries.last_period - 900))),
    "child with another mother": lambda f: replace(f, people=f.people.with_columns(pl.col("mother_entity_id").reverse())),
}  # fmt: skip


@pytest.mark.parametrize("rule", BREAKS)
def test_what_is_broken_is_found(facts: Facts, rule: str) -> None:
    assert violations(BREAKS[rule](facts))[rule] > 0
