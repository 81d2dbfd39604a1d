"""Policies: the numbers of the guideline, and a clear word for a policy that is not there."""

import polars as pl
import pytest

from pipelines.indicators import COUNTS
from pipelines.release.policy import UnknownPolicy, load_policy, policies, policy_from_rows, policy_rows


def test_two_policies_ship() -> None:
    assert policies() == ("official_parity", "standard")


@pytest.mark.parametrize(
    ("population", "k"), [(0, None), (1_999, None), (2_000, 20), (24_999, 20), (25_000, 10), (10**6, 10)]
)
@pytest.mark.parametrize("policy_id", ["official_parity", "standard"])
def test_tiers_are_those_of_the_guideline(policy_id: str, population: int, k: int | None) -> None:
    assert load_policy(policy_id).k_for(population) == k


def test_classes_and_thresholds() -> None:
    policy = load_policy("standard")
    assert policy.lowest_population == {"S0": 0, "S1": 0, "S2": 25_000, "S3": 0}
    assert policy.lowest_level == {"S0": "municipality", "S1": "municipality", "S2": "municipality", "S3": "prefecture"}
    numbers = (policy.zero_shown_from, policy.mean_shown_from, policy.interval_floor, policy.hidden_areas_on_a_line)
    assert numbers == (50, 100, 5, 3)
    assert policy.pooled_years == 3


def test_only_official_parity_takes_the_states_counts_as_known() -> None:
    assert load_policy("official_parity").complement_off_for_publicly_known
    assert not load_policy("standard").complement_off_for_publicly_known


def test_an_unknown_policy_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownPolicy, match="official_parity, standard"):
        load_policy("secret-name")
    with pytest.raises(UnknownPolicy) as refused:
        load_policy("secret-name")
    assert "secret-name" not in str(refused.value)


@pytest.mark.parametrize("policy_id", ["official_parity", "standard"])
def test_published_rows_explain_every_key_and_read_back_as_the_policy(policy_id: str) -> None:
    policy = load_policy(policy_id)
    rows = policy_rows(policy)
    assert rows.columns == ["policy_id", "key", "value", "meaning_ja", "meaning_en", "guideline"]
    assert not rows["key"].is_duplicated().any()
    assert rows.select((pl.all().exclude("value").str.len_chars() > 0).all()).row(0) == (True,) * 5
    assert policy_from_rows(rows) == policy


def test_published_rows_name_the_sensitive_and_the_publicly_known_counts() -> None:
    rows = dict(policy_rows(load_policy("standard")).select("key", "value").iter_rows())
    assert rows["sensitive_counts"].split() == sorted(c.id for c in COUNTS.values() if c.is_sensitive)
    assert rows["publicly_known_counts"].split() == sorted(c.id for c in COUNTS.values() if c.known_publicly)
    assert "very_low_birth_weight<preterm_births" in rows["nested_in_practice"].split()


def test_a_changed_policy_under_the_same_name_is_refused() -> None:
    rows = policy_rows(load_policy("standard")).with_columns(
        value=pl.when(pl.col("key") == "interval_floor").then(pl.lit("1")).otherwise("value")
    )
    with pytest.raises(UnknownPolicy):
        policy_from_rows(rows)
