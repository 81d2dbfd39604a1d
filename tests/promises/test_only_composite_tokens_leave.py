"""Promise 3: under the shared edge key only high-entropy composites leave; local numbers use the submitter's own key."""

import hashlib
import hmac
import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.edge.pseudonymize import BETWEEN
from pipelines.keys import find
from pipelines.records.linkage import CANON_VERSION, LOCAL_RULES, TOKEN_RULES, TokenRule
from tests.edge.conftest import centre, town  # noqa: F401  fixtures of the edge's tests
from tests.edge.made_feeds import CHILD, FIXED_KEYS, MOTHER, OTHER_TOWN, TOWN, Folder, Town, departed, row
from tests.edge.opened_parcel import opened

FACILITY = "1710767113"


def tokens_of(folder: Folder, *rules: str) -> set[bytes]:
    table = departed(folder).tokens["tokens"]
    return set(table.filter(table["rule"].is_in(rules or table["rule"].unique()))["token"])


def test_a_rule_without_two_strong_parts_does_not_build() -> None:
    for parts in (
        ("kana_surname", "birth_date", "sex_code"), ("kana_surname", "kana_given_name", "sex_code"), ("birth_date", "sex_code"),
        ("insurer_number", "insured_symbol", "birth_date", "sex_code"), ("phone", "birth_date", "sex_code"), ("person_local",),
        ("facility_code", "birth_date", "sex_code", "child_order"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must hold the birth date"):
            TokenRule("weak", parts)
    assert all(TokenRule(r.name, r.parts) for r in TOKEN_RULES)


def test_every_token_in_a_parcel_is_of_a_declared_rule(town: Town, centre: Path) -> None:  # noqa: F811
    town.whole_family(alphabet_name="KAGAMI SORA")
    tokens = opened(town.send().parcel, centre).tables["tokens"]
    assert set(tokens["rule"]) == {r.name for r in TOKEN_RULES} | set(LOCAL_RULES)
    assert set(tokens["token"].bin.size()) == {16}


def test_a_composite_token_is_hmac_of_the_canonical_parts(town: Town) -> None:  # noqa: F811
    town.feeds.put("birth", row("birth", kana_surname="かがみ", kana_given_name="ｸｳﾀ"))
    text = BETWEEN.join(["name", "1", str(CANON_VERSION), "カガミ", "クウタ", CHILD["birth_date"], CHILD["sex_code"]])
    expected = hmac.new(FIXED_KEYS.edge.encode(), text.encode(), hashlib.sha256).digest()[:16]
    assert tokens_of(town.feeds, "name") == {expected}


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        ("kana_surname", {"name"}), ("kana_given_name", {"name", "given_insured", "given_phone"}), ("phone", {"given_phone"}),
        ("insurer_number", {"given_insured"}), ("insured_number", {"given_insured"}), ("alphabet_name", {"alphabet"}),
    ],
)  # fmt: skip
def test_a_missing_part_gives_no_token(town: Town, missing: str, gone: set[str]) -> None:  # noqa: F811
    whole = {r.name for r in TOKEN_RULES}
    for empty in (None, "　"):
        if empty and missing in ("phone", "insurer_number"):
            continue
        town.feeds.put("birth", row("birth", **{"alphabet_name": "KAGAMI SORA", missing: empty}))
        table = departed(town.feeds).tokens["tokens"]
        assert set(table["rule"]) & whole == whole - gone


def test_an_unknown_sex_gives_no_token(town: Town) -> None:  # noqa: F811
    town.feeds.put("birth", row("birth", sex_code="3", alphabet_name="KAGAMI SORA"))
    assert tokens_of(town.feeds, *(r.name for r in TOKEN_RULES)) == set()


def test_the_same_local_number_is_another_token_at_another_municipality(tmp_path: Path, centre: Path) -> None:  # noqa: F811
    """Even where two towns would hold one key by mistake: the submitter is part of the token."""
    found = []
    for code in (TOWN, OTHER_TOWN):
        folder = Folder(tmp_path / code)
        folder.put("birth", row("birth", code))
        keys = replace(FIXED_KEYS, submitter=code)
        table = departed(folder, keys=keys).tokens["tokens"]
        found.append({rule: set(table.filter(table["rule"] == rule)["token"]) for rule in (*LOCAL_RULES, "name")})
    assert all(not found[0][rule] & found[1][rule] for rule in LOCAL_RULES)
    assert found[0]["name"] == found[1]["name"], "the composite is what links the two towns"


def test_the_same_local_number_in_another_system_is_another_token(town: Town) -> None:  # noqa: F811
    town.feeds.put("child_checkup", row("child_checkup"))
    town.feeds.put("child_checkup", row("child_checkup"), feed="pmh")
    table = departed(town.feeds).tokens["tokens"]
    for rule in ("local_row", "local_person"):
        assert table.filter(table["rule"] == rule)["token"].n_unique() == 2


def test_with_the_edge_key_no_local_number_and_no_delivery_can_be_enumerated(town: Town, centre: Path) -> None:  # noqa: F811
    """Hole 2: facility x date x sex x order, and every local number of the family, under every rule's domain."""
    town.whole_family(facility_code=FACILITY)
    held = set(opened(town.send().parcel, centre).tables["tokens"]["token"])
    key = find(["edge"], [centre / "edge"]).text("edge").encode()
    days = [f"{y}-{m:02d}-{d:02d}" for y, m, d in itertools.product((2022,), range(1, 13), range(1, 29))]
    guesses = [[FACILITY, day, sex, order] for day, sex, order in itertools.product(days, "12", "123")]
    numbers = [MOTHER["person_local"], CHILD["person_local"], "PMH-77", "PMH-88", "2022-0042"]
    guesses += [[n] for n in numbers] + [[n, m] for n, m in itertools.product(numbers, numbers)]
    domains = [
        [],
        *([r, "1", "1"] for r in (*LOCAL_RULES, *(t.name for t in TOKEN_RULES))),
        *([r, "1", "1", town.code, ""] for r in LOCAL_RULES),
    ]
    tried = 0
    for domain, guess in itertools.product(domains, guesses):
        for text in (BETWEEN.join([*domain, *guess]), "|".join([*domain, *guess])):
            tried += 1
            assert hmac.new(key, text.encode(), hashlib.sha256).digest()[:16] not in held
    assert tried > 40_000
    known = BETWEEN.join(["name", "1", "1", "カガミ", "クウタ", CHILD["birth_date"], "1"])
    assert hmac.new(key, known.encode(), hashlib.sha256).digest()[:16] in held, "the attack itself must work"
