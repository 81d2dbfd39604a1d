"""The declarations agree with each other; what they mean is in `tests/examples/`."""

import pytest

from pipelines.indicators import COUNTS, INDICATORS, SUMS

KINDS = {"count", "proportion", "rate", "mean"}
BASES = {"fiscal_year", "calendar_year", "birth_cohort_fy", "delivery_cohort_fy"}


@pytest.mark.parametrize("indicator", INDICATORS.values(), ids=lambda i: i.id)
def test_an_indicator_is_made_of_declared_counts(indicator) -> None:  # type: ignore[no-untyped-def]
    assert indicator.kind in KINDS
    assert indicator.numerator in (SUMS if indicator.kind == "mean" else COUNTS)
    assert (indicator.denominator is None) == (indicator.kind == "count")
    assert indicator.direction in (None, "higher", "lower")
    assert indicator.definition_ja and indicator.definition_en and indicator.official_source


@pytest.mark.parametrize("indicator", [i for i in INDICATORS.values() if i.kind == "proportion"], ids=lambda i: i.id)
def test_a_proportions_numerator_lies_within_its_denominator(indicator) -> None:  # type: ignore[no-untyped-def]
    above, seen = COUNTS[indicator.numerator].within, set()
    while above and above not in seen:
        seen.add(above)
        above = COUNTS[above].within
    assert indicator.denominator in seen


def test_counts_are_declared_once_and_point_to_each_other() -> None:
    populations = [(c.grain, c.where) for c in COUNTS.values()]
    assert len(populations) == len(set(populations)), "one population has one count id (privacy, hole 10)"
    for count in COUNTS.values():
        assert count.basis in BASES
        for outer in filter(None, (count.within, *count.also_within)):
            assert COUNTS[outer].grain == count.grain
    assert all(s.over in COUNTS for s in SUMS.values())


def test_one_grain_has_one_basis() -> None:
    bases = {(c.grain, c.basis) for c in COUNTS.values()}
    assert len(bases) == len({grain for grain, _ in bases})


def test_every_count_serves_an_indicator() -> None:
    used = {SUMS[n].over if n in SUMS else n for i in INDICATORS.values() for n in (i.numerator, i.denominator) if n}
    assert used == set(COUNTS)
