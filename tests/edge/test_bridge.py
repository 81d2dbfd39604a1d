"""The bridging period at the edge: tokens of two versions leave when it is declared, and at no other time (privacy, hole 20)."""

import hmac
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.edge.canon import FORMS, _form_of
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.pseudonymize import BETWEEN, EdgeKey
from pipelines.keys import KeyProblem, create
from pipelines.records.linkage import LOCAL_RULES, LinkageVersion
from pipelines.records.parcel import TOKEN_BYTES
from tests.edge.made_feeds import FIXED_KEYS, Town, departed, row
from tests.edge.opened_parcel import opened

OLD = LinkageVersion(1, 1)
NEW = LinkageVersion(2, 1)


def versions(tokens: pl.DataFrame) -> set[LinkageVersion]:
    """Key and canonicalization versions of the composite tokens."""
    composite = tokens.filter(~pl.col("rule").is_in(LOCAL_RULES))
    return {LinkageVersion(*v) for v in composite.select("key_version", "canon_version").iter_rows()}


def test_two_keys_in_the_directory_are_no_declaration(town: Town, centre: Path) -> None:
    create("edge", centre / "edge", version=2)
    town.whole_family()
    parcel = opened(town.send().parcel, centre)
    assert versions(parcel.tables["tokens"]) == {NEW}
    assert parcel.manifest["key_version"] == 2 and "bridge_from" not in parcel.manifest


def test_a_declared_bridge_carries_both_and_says_so(town: Town, centre: Path) -> None:
    town.whole_family()
    before = opened(town.send().parcel, centre).tables["tokens"]
    create("edge", centre / "edge", version=2)
    parcel = opened(town.send(bridge_from=OLD).parcel, centre)
    tokens = parcel.tables["tokens"]
    assert (parcel.manifest["key_version"], parcel.manifest["canon_version"]) == NEW
    assert parcel.manifest["bridge_from"] == {"key_version": 1, "canon_version": 1}
    assert versions(tokens) == {OLD, NEW}
    shared = tokens.filter(~pl.col("rule").is_in(LOCAL_RULES))
    of_old, of_new = (shared.filter(key_version=key) for key in (1, 2))
    assert of_old.select("record_key", "rule").equals(of_new.select("record_key", "rule"))
    assert set(of_old["token"]) == set(before.filter(~pl.col("rule").is_in(LOCAL_RULES))["token"])
    assert set(of_old["token"]).isdisjoint(of_new["token"])
    own = [t.filter(pl.col("rule").is_in(LOCAL_RULES)).select("rule", "token") for t in (before, tokens)]
    assert set(own[0].iter_rows()) == set(own[1].iter_rows())


@pytest.mark.parametrize("former", [LinkageVersion(2, 1), LinkageVersion(3, 1), LinkageVersion(1, 2)])
def test_only_an_earlier_version_is_left(town: Town, centre: Path, former: LinkageVersion) -> None:
    create("edge", centre / "edge", version=2)
    town.feeds.put("birth", row("birth"))
    with pytest.raises(EdgeProblem, match="earlier version"):
        town.send(bridge_from=former)
    assert not town.out.exists()


def test_a_bridge_left_in_a_script_stops_at_the_next_rotation(town: Town, centre: Path) -> None:
    (centre / "edge" / "edge-1.key").unlink()
    for version in (2, 3):
        create("edge", centre / "edge", version=version)
    town.feeds.put("birth", row("birth"))
    with pytest.raises(KeyProblem, match="version 1 of the edge key") as refused:
        town.send(bridge_from=OLD)
    assert refused.value.exit_code == 77
    assert not town.out.exists()


def test_a_person_flagged_after_the_rotation_takes_along_what_was_sent_before_it(town: Town, centre: Path) -> None:
    """The tie by name in the state is under the submitter's own key: a new edge key does not untie a family."""
    name = {"kana_surname": "カガミ", "kana_given_name": "クウタ", "birth_date": "2023-06-10", "sex_code": "1"}
    town.feeds.put("child_checkup", row("child_checkup", person_local="901", **name))
    town.send()
    (centre / "edge" / "edge-1.key").rename(town.home / "edge-1.key")
    create("edge", centre / "edge", version=2)
    town.feeds.put("child_checkup", row("child_checkup", person_local="902", **name))
    town.protected.write_text("local_number\n902\n")
    seen = opened(town.send().parcel, centre).tables["child_checkup"]
    assert seen["is_cancelled"].to_list() == [True]


@pytest.fixture
def second_forms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forms in which a surname ends with a mark: what a later canonicalization could make of it."""
    later = FORMS[1] | {"kana_surname": lambda text: FORMS[1]["kana_surname"](text) + "*"}
    monkeypatch.setitem(FORMS, 2, later)
    yield
    _form_of.cache_clear()


def test_another_canonical_form_is_bridged_alike(town: Town, second_forms: None) -> None:
    """The same key, two versions of the forms: composite tokens in both, local numbers untouched."""
    town.whole_family()
    one = departed(town.feeds).tokens["tokens"]
    keys = replace(FIXED_KEYS, former=EdgeKey(FIXED_KEYS.edge, LinkageVersion(1, 2)))
    both = departed(town.feeds, keys=keys).tokens["tokens"]
    assert versions(both) == {(1, 1), (1, 2)}
    other = both.filter(~pl.col("rule").is_in(LOCAL_RULES), canon_version=2)
    assert set(other["token"]).isdisjoint(one["token"])
    assert set(one.iter_rows()) < set(both.iter_rows())


def test_a_token_of_another_version_is_made_of_its_own_forms(town: Town, second_forms: None) -> None:
    name = {"kana_surname": "カガミ", "kana_given_name": "クウタ", "birth_date": "2023-06-10", "sex_code": "1"}
    town.feeds.put("child_checkup", row("child_checkup", **name))
    keys = replace(FIXED_KEYS, former=EdgeKey(FIXED_KEYS.edge, LinkageVersion(1, 2)))
    made = departed(town.feeds, keys=keys).tokens["tokens"].filter(rule="name")
    for canon, surname in ((1, "カガミ"), (2, "カガミ*")):
        text = BETWEEN.join(["name", "1", str(canon), surname, *list(name.values())[1:]])
        expected = hmac.digest(FIXED_KEYS.edge.encode(), text.encode(), "sha256")[:TOKEN_BYTES]
        assert made.filter(canon_version=canon)["token"].to_list() == [expected]
