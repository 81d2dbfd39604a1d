"""An agent sends for many municipalities in one delivery: whose residents, under whose numbers, who stays, what no row tells."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.edge.problem import EdgeProblem
from pipelines.feeds import FEEDS
from pipelines.records.parcel import TOKENS_TABLE
from tests.edge.made_feeds import CHILD, FIXED_KEYS, MOTHER, OTHER_TOWN, STRANGER, TOWN, Town, departed, row
from tests.edge.opened_parcel import opened

AGENT, THIRD_TOWN = "310000", "312011"
CLAIMS = FEEDS["claims"]
AGENTS_KEYS = replace(FIXED_KEYS, submitter=AGENT)
SOMEBODY = STRANGER | {"person_local": "31", "name": "水守歩", "kana_given_name": "アユム", "birth_date": "1990-02-03",
                       "insured_number": "2233445"}  # fmt: skip


@pytest.fixture
def agent(tmp_path: Path, centre: Path) -> Town:
    """A body that sends for two towns."""
    sender = Town(tmp_path / "agent", centre, AGENT)
    note(sender, TOWN, OTHER_TOWN)
    return sender


def note(sender: Town, *codes: Any, feed: str = "claims") -> None:
    folder = sender.feeds.path / feed
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "delivery.json").write_text(json.dumps({"delivery": "delta", "municipalities": list(codes)}), "utf-8")


def claim(town: str, line: str = "C-1", **changes: Any) -> dict[str, str | None]:
    return row("claim", town, claim_line_no=line, **changes)


def put(sender: Town, *rows: dict[str, str | None], record: str = "claim") -> None:
    sender.feeds.put(record, *rows, feed="claims")


def test_one_parcel_holds_the_rows_of_every_municipality_it_names(agent: Town, centre: Path) -> None:
    put(agent, claim(TOWN), claim(OTHER_TOWN), claim(THIRD_TOWN))
    sent = agent.send()
    assert [vars(c) for c in sent.counts.values()] == [{"read": 3, "accepted": 2, "refused": 1, "excluded": 0}]
    parcel = opened(sent.parcel, centre)
    assert parcel.manifest["municipalities"] == [OTHER_TOWN, TOWN]
    assert sorted(parcel.tables["claim"]["residence_municipality_code"]) == [OTHER_TOWN, TOWN]
    assert "other_municipality" in (agent.report / "refusals.csv").read_text("utf-8-sig")


def test_who_is_no_municipality_must_say_for_whom_it_sends(agent: Town) -> None:
    (agent.feeds.path / "claims" / "delivery.json").unlink()
    put(agent, claim(TOWN))
    with pytest.raises(EdgeProblem, match=r"municipalities of delivery\.json of claims") as told:
        agent.send()
    assert told.value.exit_code == 2 and not agent.out.exists()


@pytest.mark.parametrize("codes", [(), ("999999",), (313254,), ("31325",), (TOWN, None)])
def test_only_municipalities_can_be_named(agent: Town, codes: tuple[Any, ...]) -> None:
    note(agent, *codes)
    put(agent, claim(TOWN))
    with pytest.raises(EdgeProblem, match=r"claims/delivery\.json"):
        agent.send()


@pytest.mark.parametrize("feed", [feed.name for feed in FEEDS.values() if not feed.tells_who_numbers])
def test_a_feed_with_the_towns_own_numbers_is_of_one_town(agent: Town, feed: str) -> None:
    put(agent, claim(TOWN))
    note(agent, TOWN, OTHER_TOWN, feed=feed)
    with pytest.raises(EdgeProblem, match=rf"municipalities of delivery\.json of {feed} may name one") as told:
        agent.send()
    assert told.value.exit_code == 2 and not agent.out.exists()


def test_a_hospital_tells_of_the_women_of_many_towns(agent: Town) -> None:
    """Its numbers bear the mark of the hospital that gave them."""
    put(agent, claim(TOWN))
    note(agent, TOWN, OTHER_TOWN, feed="ehr")
    assert agent.send().counts["claim"].accepted == 1


def test_a_town_sends_its_own_residents_alone_where_it_names_nobody(town: Town, centre: Path) -> None:
    put(town, claim(TOWN), claim(OTHER_TOWN, "C-2"))
    sent = town.send()
    assert (sent.counts["claim"].accepted, sent.counts["claim"].refused) == (1, 1)
    assert opened(sent.parcel, centre).manifest["municipalities"] == [TOWN]


def tokens(sender: Town) -> dict[tuple[str, str], set[bytes]]:
    """(rule, municipality) -> tokens."""
    left = departed(sender.feeds, keys=FIXED_KEYS)
    rows = left.records["claim"].select("record_key", "residence_municipality_code")
    told = left.tokens[TOKENS_TABLE].join(rows, on="record_key")
    parts = told.partition_by("rule", "residence_municipality_code", as_dict=True)
    return {(str(rule), str(town)): set(part["token"]) for (rule, town), part in parts.items()}


def test_the_same_number_at_two_towns_is_two_people(agent: Town) -> None:
    """Vouchers are numbered by the towns; the person behind both is found by the composite tokens alone."""
    put(agent, claim(TOWN, pregnancy_no="7"), claim(OTHER_TOWN, pregnancy_no="7"))
    found = tokens(agent)
    for rule in ("local_row", "local_person", "local_pregnancy"):
        assert len(found[rule, TOWN]) == 1 and not found[rule, TOWN] & found[rule, OTHER_TOWN], rule
    assert departed(agent.feeds, keys=AGENTS_KEYS).leaving == {"claim": 2}, (
        "the same number of a voucher is no duplicate there"
    )


def test_the_number_of_a_voucher_is_not_that_of_the_town(agent: Town, town: Town) -> None:
    """Under one key even: what the agent sends shares no local token with what the town sends."""
    put(agent, claim(TOWN))
    town.feeds.put("claim", claim(TOWN))
    theirs, own = tokens(agent), tokens(town)
    for rule in ("local_row", "local_person", "local_pregnancy"):
        assert not theirs[rule, TOWN] & own[rule, TOWN]
    assert theirs["name", TOWN] == own["name", TOWN]


@pytest.mark.parametrize(
    ("listed", "stays"),
    [(f"{TOWN}-77", {TOWN}), (f"{OTHER_TOWN}-077", set()), ("77", {TOWN, OTHER_TOWN}), ("0077", {TOWN, OTHER_TOWN}), ("7", set())],
)  # fmt: skip
def test_a_listed_number_protects_with_the_town_or_in_every_town(agent: Town, listed: str, stays: set[str]) -> None:
    put(agent, claim(TOWN, **MOTHER | {"person_local": "77"}), claim(OTHER_TOWN, **STRANGER | {"person_local": "77"}))
    left = departed(agent.feeds, (listed,), AGENTS_KEYS).records.get(
        "claim", pl.DataFrame({"residence_municipality_code": []})
    )
    assert {TOWN, OTHER_TOWN} - set(left["residence_municipality_code"]) == stays


@pytest.mark.parametrize("listed", [f"{TOWN}-{MOTHER['person_local']}", MOTHER["person_local"]])
def test_who_is_listed_later_is_taken_back_though_no_row_is_sent_again(agent: Town, centre: Path, listed: str) -> None:
    put(agent, claim(TOWN), claim(OTHER_TOWN, **STRANGER | {"pregnancy_no": "9"}))
    agent.send()
    put(agent, claim(OTHER_TOWN, "C-9", **STRANGER | {"pregnancy_no": "9"}))
    agent.protected.write_text(f"local_number\n{listed}\n")
    table = opened(agent.send().parcel, centre).tables["claim"]
    assert sorted(table["is_cancelled"].fill_null(False)) == [False, True]


def broken(text: str, how: str) -> str:
    """The second line of a file, broken."""
    heading, line, *rest = text.splitlines()
    match how:
        case "ragged":
            line += ",,"
        case "byte":
            line = line.replace(MOTHER["kana_surname"], MOTHER["kana_surname"] + "\udcff")
        case "no town":
            line = line.replace(TOWN + ",", ",", 1)
    return "\n".join([heading, line, *rest, ""])


@pytest.mark.parametrize("how", ["ragged", "byte", "no town"])
def test_a_flag_in_a_row_that_is_refused_protects_the_number_of_its_town(agent: Town, how: str) -> None:
    """Her other row bears another name and day of birth, so that nothing but the number tells who she is."""
    flagged = claim(TOWN, is_not_disclosed="1")
    hers = claim(TOWN, "C-2", **STRANGER | {"person_local": MOTHER["person_local"]})
    somebody = claim(OTHER_TOWN, "C-3", **SOMEBODY)
    put(agent, flagged, hers, somebody)
    path = agent.feeds.path / "claims" / "claim.csv"
    path.write_bytes(broken(path.read_text("utf-8"), how).encode("utf-8", "surrogateescape"))
    left = departed(agent.feeds, keys=AGENTS_KEYS)
    assert left.records["claim"]["residence_municipality_code"].to_list() == [OTHER_TOWN]


@pytest.mark.parametrize("how", ["ragged", "byte", "no town"])
def test_a_flag_in_a_row_that_is_refused_takes_back_what_was_sent_before(agent: Town, centre: Path, how: str) -> None:
    somebody = claim(OTHER_TOWN, "C-3", **SOMEBODY)
    put(agent, claim(TOWN), somebody)
    agent.send()
    put(agent, claim(TOWN, "C-4", is_not_disclosed="1", name=STRANGER["name"], birth_date="1991-01-01"), somebody)
    path = agent.feeds.path / "claims" / "claim.csv"
    path.write_bytes(broken(path.read_text("utf-8"), how).encode("utf-8", "surrogateescape"))
    table = opened(agent.send().parcel, centre).tables["claim"]
    assert sorted(table["is_cancelled"].fill_null(False)) == [False, True]


@pytest.mark.parametrize("wrong", ["31325", "999999", THIRD_TOWN, "abc", f"{TOWN} ", "３１３２５４"])
def test_a_flag_under_the_code_of_no_town_of_the_delivery_protects_in_every_town(agent: Town, wrong: str) -> None:
    """The row is refused for its code; whose number it holds, it does not say any better than a row without one."""
    flagged = claim(wrong, is_not_disclosed="1")
    hers = claim(TOWN, "C-2", **STRANGER | {"person_local": MOTHER["person_local"]})
    put(agent, flagged, hers, claim(OTHER_TOWN, "C-3", **SOMEBODY))
    left = departed(agent.feeds, keys=AGENTS_KEYS)
    assert left.records["claim"]["residence_municipality_code"].to_list() == [OTHER_TOWN]


def childs_claim(town: str, line: str = "C-2", **changes: Any) -> dict[str, str | None]:
    told = {"programme_code": "34", "service_date": "2024-05-20", "claimed_date": "2024-06-01", "paid_date": None}
    return claim(town, line, **CHILD | told | changes)


# The mother's card, written otherwise.
CARD: dict[str, Any] = {"insurer_number": "00313254", "insured_symbol": "若桜記", "insured_number": "７６５４３２１"}
NO_CARD: dict[str, Any] = dict.fromkeys(CARD)


@pytest.mark.parametrize(
    "child",
    [CARD | {"pregnancy_no": None}, NO_CARD | {"pregnancy_no": "2022-0042"}],
    ids=["card", "booklet"],
)
@pytest.mark.parametrize("how", ["flag", "list"])
def test_the_child_of_a_protected_mother_stays_though_no_row_names_her(
    agent: Town, child: dict[str, Any], how: str
) -> None:
    """An agent has no register: one insurance card or one booklet of vouchers is what it sees of a family."""
    mother = claim(TOWN, programme_code="10", is_not_disclosed="1" if how == "flag" else "0")
    put(agent, mother, childs_claim(TOWN, **child), claim(OTHER_TOWN, "C-3", **SOMEBODY))
    listed = (f"{TOWN}-{MOTHER['person_local']}",) if how == "list" else ()
    left = departed(agent.feeds, listed, AGENTS_KEYS)
    assert left.records["claim"]["residence_municipality_code"].to_list() == [OTHER_TOWN]
    assert left.staying == {"claim": 2}


def test_the_mother_of_a_protected_child_stays_with_all_that_is_hers(agent: Town) -> None:
    put(agent, claim(TOWN), childs_claim(TOWN, pregnancy_no=None, is_not_disclosed="1"))
    put(agent, row("antenatal_visit", TOWN), record="antenatal_visit")
    put(agent, row("child_checkup", TOWN, **NO_CARD), record="child_checkup")
    left = departed(agent.feeds, keys=AGENTS_KEYS)
    assert left.leaving == {} and left.staying == {"claim": 2, "antenatal_visit": 1, "child_checkup": 1}


def test_who_shares_neither_card_nor_booklet_with_the_protected_leaves(agent: Town) -> None:
    """Nor does the same number of a booklet at another town tie anybody, nor two rows without a card."""
    put(
        agent,
        claim(TOWN, is_not_disclosed="1", **NO_CARD),
        claim(TOWN, "C-2", **STRANGER | NO_CARD | {"pregnancy_no": "8"}),
        claim(OTHER_TOWN, "C-3", **SOMEBODY | NO_CARD),
    )
    assert departed(agent.feeds, keys=AGENTS_KEYS).leaving == {"claim": 2}


def family(town: str) -> dict[str, list[dict[str, str | None]]]:
    """Everything an agent can tell of a family."""
    child = {"programme_code": "34", "service_date": "2024-05-20", "claimed_date": "2024-06-01", "paid_date": None}
    return {
        "claim": [
            *(claim(town, f"C-{p}", programme_code=p, service_date="2022-12-20", claimed_date="2023-01-01", paid_date=None)
              for p in ("10", "20", "21")),
            claim(town, "C-34", **CHILD, **child),
        ],
        "antenatal_visit": [row("antenatal_visit", town)],
        "postpartum_visit": [row("postpartum_visit", town)],
        "child_checkup": [row("child_checkup", town)],
    }  # fmt: skip


def test_no_month_that_bounds_a_birth_leaves_through_an_agent(agent: Town) -> None:
    """It sees neither the birth nor the classes of weeks that the town tells: it cannot know what a month gives away."""
    for record, rows in family(OTHER_TOWN).items():
        put(agent, *rows, record=record)
    left = departed(agent.feeds, keys=AGENTS_KEYS)
    assert left.records["antenatal_visit"]["visit_month"].to_list() == [None]
    assert left.records["postpartum_visit"]["visit_month"].to_list() == [None]
    claimed = dict(left.records["claim"].select("programme_code", "claimed_month").iter_rows())
    assert [p for p, month in claimed.items() if month is not None] == ["34"]
    assert left.records["child_checkup"]["visit_month"].null_count() == 0
    assert left.windowed == 1


def test_a_visit_that_a_voucher_bears_out_is_evidence_of_cost_and_no_finding(agent: Town) -> None:
    for record, rows in family(OTHER_TOWN).items():
        put(agent, *rows, record=record)
    left = departed(agent.feeds, keys=AGENTS_KEYS)
    for record in CLAIMS.record_names:
        assert left.records[record]["evidence_code"].to_list() == ["2"] * len(left.records[record])
    found = {"judgement_code", "urine_protein_code", "blood_pressure_systolic_mmhg_class", "gestation_class", "epds_total",
             "height_class", "weight_class", "nutrition_code"}  # fmt: skip
    for record in ("antenatal_visit", "postpartum_visit", "child_checkup"):
        table = left.records[record]
        assert all(table[name].null_count() == len(table) for name in found & set(table.columns))


def test_yen_leave_as_classes_and_no_day_no_facility_no_number(agent: Town) -> None:
    money = {"unit_price_yen": "5070", "public_payment_yen": "5070", "self_payment_yen": "0"}
    put(agent, claim(OTHER_TOWN, programme_code="34", facility_code="3112345678", **money))
    table = departed(agent.feeds, keys=AGENTS_KEYS).records["claim"]
    assert table["unit_price_yen_class"].to_list() == [5000]
    assert not {"facility_code", "service_date", "reviewed_date", "paid_date", "claim_line_no", "insurer_number"} & set(
        table.columns
    )


def test_the_order_of_the_lines_and_of_the_towns_tells_nothing(agent: Town) -> None:
    rows = [claim(code, f"C-{n}") for n in range(20) for code in (TOWN, OTHER_TOWN)]
    put(agent, *rows)
    tables = departed(agent.feeds, keys=AGENTS_KEYS)
    put(agent, *reversed(rows))
    again = departed(agent.feeds, keys=AGENTS_KEYS)
    assert tables.records["claim"].equals(again.records["claim"])
    assert tables.tokens[TOKENS_TABLE].equals(again.tokens[TOKENS_TABLE])
